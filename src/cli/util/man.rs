//! `postern util man DIR`: one page for each command.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use crate::cli::{CliError, Cx, Exit, Kind, command, env};

pub mod json;

/// What lies in the directory of profiles and keys.
const FILES: [(&str, &str); 4] = [
    (
        "profiles/PROXY.json",
        "A login: certificate, authorities and trust, no private key. Mode 0600.",
    ),
    (
        "keys/NAME",
        "A private key in PEM, unless it lies in a keychain (\"postern status\" tells). Mode 0600.",
    ),
    ("current", "Name of the login that was used last."),
    ("lock", "Keeps two logins from writing at once."),
];

/// Arguments of `util man`.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// Directory to write to; it is made when missing
    pub dir: PathBuf,
}

/// Writes the pages.
///
/// # Errors
/// [`Kind::Failed`] when the directory or a file cannot be written.
pub fn run(cx: &mut Cx, args: &ManArgs) -> Result<Exit, CliError> {
    let failed = |e: std::io::Error| {
        CliError::new(
            Kind::Failed,
            format!("cannot write to {}: {e}", args.dir.display()),
        )
    };
    std::fs::create_dir_all(&args.dir).map_err(failed)?;
    for (name, text) in pages() {
        std::fs::write(args.dir.join(&name), text).map_err(failed)?;
        cx.ui.status(&name);
    }
    Ok(Exit::Done)
}

/// Makes every page: (file name, roff).
pub fn pages() -> Vec<(String, Vec<u8>)> {
    let mut root = command();
    root.build();
    let mut pages = Vec::new();
    collect(&root, "postern", &mut pages);
    pages
}

fn collect(command: &clap::Command, name: &str, pages: &mut Vec<(String, Vec<u8>)>) {
    let source = concat!("postern ", env!("CARGO_PKG_VERSION"));
    let man = clap_mangen::Man::new(command.clone())
        .date("")
        .source(source)
        .manual("postern");
    let mut text = Vec::new();
    // Writing to memory cannot fail.
    let sections = [
        clap_mangen::Man::render_title,
        clap_mangen::Man::render_name_section,
        clap_mangen::Man::render_synopsis_section,
        clap_mangen::Man::render_description_section,
        clap_mangen::Man::render_options_section,
    ];
    for section in sections {
        section(&man, &mut text).expect("memory takes everything");
    }
    let shown = || {
        command
            .get_subcommands()
            .filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
    };
    if shown().next().is_some() {
        man.render_subcommands_section(&mut text)
            .expect("memory takes everything");
    }
    text.extend_from_slice(json::section(name).as_bytes());
    text.extend_from_slice(exit_status().as_bytes());
    text.extend_from_slice(environment().as_bytes());
    text.extend_from_slice(files().as_bytes());
    pages.push((format!("{name}.1"), without_repeats(&text)));
    for sub in shown() {
        collect(sub, &format!("{name}-{}", sub.get_name()), pages);
    }
}

fn exit_status() -> String {
    let mut out = String::from(".SH EXIT STATUS\n");
    for exit in Exit::ALL {
        item(&mut out, &exit.code().to_string(), exit.meaning());
    }
    item(&mut out, "other", Exit::Program(0).meaning());
    out
}

fn environment() -> String {
    let mut out = String::from(".SH ENVIRONMENT\n");
    for (name, meaning) in env::DOCUMENTED {
        item(&mut out, name, meaning);
    }
    out
}

fn files() -> String {
    let mut out = format!(
        ".SH FILES\nIn the directory \\fB{}\\fR, which only you may enter:\n",
        env::POSTERN_HOME
    );
    for (path, meaning) in FILES {
        item(&mut out, path, meaning);
    }
    out
}

fn item(out: &mut String, term: &str, meaning: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, ".TP\n\\fB{}\\fR\n{}", roff(term), roff(meaning));
}

/// Escapes text for roff; no line of ours begins with a dot.
fn roff(text: &str) -> String {
    text.replace('\\', "\\\\").replace('-', "\\-")
}

/// Keeps the first of the preambles that clap_mangen puts before each section.
fn without_repeats(text: &[u8]) -> Vec<u8> {
    const PREAMBLE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";
    let text = String::from_utf8_lossy(text).replace(PREAMBLE, "");
    format!("{PREAMBLE}{text}").into_bytes()
}
