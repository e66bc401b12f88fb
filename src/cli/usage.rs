//! Wrong command lines: one line that says what is wrong, one that says what to do, and nothing else; help goes to stdout.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::args::{self, Format, Global};
use super::{CliError, Exit, Kind, Ui};

/// Rewrites what tsh understands and clap does not: `--no-FLAG`, and `help COMMAND`.
pub(super) fn as_clap_knows(argv: &[OsString], definition: &Command) -> Vec<OsString> {
    let mut argv = args::negated(argv, definition);
    if argv.get(1).is_some_and(|word| word == "help") {
        argv.remove(1);
        argv.push("--help".into());
    }
    argv
}

/// What clap cannot check: formats that only one command has, and second factors that none has.
pub(super) fn check(global: &Global, matches: &clap::ArgMatches) -> Result<(), CliError> {
    let mut path = Vec::new();
    let mut at = matches;
    while let Some((name, below)) = at.subcommand() {
        path.push(name);
        at = below;
    }
    let only = |format: Format, name: &str, command: [&str; 2]| {
        if global.format == format && path != command {
            return Err(CliError::new(
                Kind::Usage,
                format!(
                    "--format {name} is only for \"postern {}\"",
                    command.join(" ")
                ),
            )
            .hint("text, json and yaml are for every command"));
        }
        Ok(())
    };
    only(Format::Names, "names", ["db", "ls"])?;
    only(Format::Cmd, "cmd", ["db", "config"])?;
    if global.typed.mfa_mode && !global.mfa_mode.unwrap_or_default().is_supported() {
        return Err(CliError::new(
            Kind::Usage,
            "this --mfa-mode is not supported: postern can do one-time codes",
        )
        .hint("--mfa-mode otp, or leave it out"));
    }
    Ok(())
}

/// Reports what clap found: help and version are answers, everything else is a wrong command line.
pub(super) fn report(
    error: &clap::Error,
    argv: &[OsString],
    definition: &Command,
    aliases: &BTreeMap<String, String>,
    color: bool,
) -> Exit {
    let json = wants_structure(argv);
    let mut ui = Ui::real(color, false, json);
    let names_nothing = matches!(
        error.kind(),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand
    );
    // A command that lacks its second word is best helped by the list of them.
    let exit = if !error.use_stderr() || (names_nothing && !json) {
        ui.clap(error);
        if names_nothing {
            Exit::Usage
        } else {
            Exit::Done
        }
    } else {
        ui.error(&wrong(error, argv, definition, aliases));
        Exit::Usage
    };
    if ui.finish().is_err() {
        return Exit::Failed;
    }
    exit
}

/// Whether errors shall be JSON, found out before the command line could be read.
fn wants_structure(argv: &[OsString]) -> bool {
    let ours = argv.iter().take_while(|word| *word != "--");
    let words: Vec<&str> = ours.filter_map(|word| word.to_str()).collect();
    let structured = |value: &str| matches!(value, "json" | "yaml");
    words
        .windows(2)
        .any(|pair| matches!(pair[0], "--format" | "-f") && structured(pair[1]))
        || words.iter().any(|word| {
            word.strip_prefix("--format=")
                .or_else(|| word.strip_prefix("-f="))
                .or_else(|| word.strip_prefix("-f"))
                .is_some_and(structured)
        })
}

/// A wrong command line as an error of ours: clap's first line, what it proposes, and where the help is.
fn wrong(
    error: &clap::Error,
    argv: &[OsString],
    definition: &Command,
    aliases: &BTreeMap<String, String>,
) -> CliError {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand
    ) {
        return CliError::new(Kind::Usage, "the command line names no command")
            .hint("postern --help lists the commands");
    }
    if let (ErrorKind::InvalidSubcommand, Some(ContextValue::String(unknown))) =
        (error.kind(), error.get(ContextKind::InvalidSubcommand))
    {
        if let Some(elsewhere) = args::elsewhere(argv, definition, unknown) {
            return CliError::new(Kind::Usage, elsewhere.message).hint(elsewhere.hint);
        }
        if let Some(meaning) = aliases.get(unknown) {
            return CliError::new(
                Kind::Usage,
                format!("{unknown:?} is an alias of tsh, and postern has no aliases"),
            )
            .hint(format!("type what it stands for: {meaning}"));
        }
    }
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut message = lines
        .next()
        .unwrap_or("wrong command line")
        .trim_start_matches("error: ")
        .to_owned();
    let mut proposal = String::new();
    let more = |line: &&str| !line.starts_with("Usage:") && !line.starts_with("For more");
    for line in lines.take_while(more) {
        match line.strip_prefix("tip: ") {
            // A mistyped flag is rarely meant as a value.
            Some(tip) if tip.starts_with("to pass") => {}
            Some(tip) => proposal = format!("{tip}; "),
            // Values that are possible, or arguments that are missing.
            None => message = format!("{message} {line}"),
        }
    }
    let error = CliError::new(Kind::Usage, message);
    error.hint(format!(
        "{proposal}see {} --help",
        args::command_name(argv, definition)
    ))
}
