//! `--no-FLAG`, which tsh knows for each of its switches: the last one said wins (db-client.md 1.1).

use std::ffi::{OsStr, OsString};

use clap::{ArgAction, Command};

/// Takes `--no-FLAG` out of a command line, with every `--FLAG` before it. Only for switches of the command that is meant;
/// what is behind `--` belongs to another program.
pub fn negated(argv: &[OsString], command: &Command) -> Vec<OsString> {
    let mut out: Vec<OsString> = Vec::with_capacity(argv.len());
    let mut rest = argv.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            out.push(word.clone());
            out.extend(rest.cloned());
            break;
        }
        let no = word.to_str().and_then(|text| text.strip_prefix("--no-"));
        match no.and_then(|flag| Switch::find(flag, &reached(argv, command))) {
            Some(switch) => out.retain(|earlier| !switch.is(earlier)),
            None => out.push(word.clone()),
        }
    }
    out
}

/// A switch by its two names.
struct Switch {
    long: String,
    short: Option<char>,
}

impl Switch {
    /// Finds a switch by its long name; a command that has an option `--no-FLAG` itself keeps it.
    fn find(flag: &str, commands: &[&Command]) -> Option<Self> {
        let args = || commands.iter().flat_map(|command| command.get_arguments());
        if args().any(|arg| {
            arg.get_long()
                .is_some_and(|long| long.strip_prefix("no-") == Some(flag))
        }) {
            return None;
        }
        args()
            .find(|arg| {
                arg.get_long() == Some(flag) && matches!(arg.get_action(), ArgAction::SetTrue)
            })
            .map(|arg| Self {
                long: format!("--{flag}"),
                short: arg.get_short(),
            })
    }

    fn is(&self, word: &OsStr) -> bool {
        word == self.long.as_str()
            || self
                .short
                .is_some_and(|short| word.to_str() == Some(&format!("-{short}")))
    }
}

/// The words of the command that a command line means: `postern db ls`.
pub fn command_name(argv: &[OsString], command: &Command) -> String {
    let names: Vec<&str> = reached(argv, command)
        .iter()
        .map(|c| c.get_name())
        .collect();
    names.join(" ")
}

/// The command that a command line means, and those above it, the program first.
pub(super) fn reached<'c>(argv: &[OsString], command: &'c Command) -> Vec<&'c Command> {
    let mut path = vec![command];
    for word in argv.iter().skip(1).take_while(|word| *word != "--") {
        let here = path[path.len() - 1];
        if let Some(below) = word.to_str().and_then(|name| here.find_subcommand(name)) {
            path.push(below);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_last_word_wins() {
        let command = crate::cli::command();
        for (line, wanted) in [
            ("postern db ls --no-insecure", "postern db ls"),
            (
                "postern --insecure db ls --no-insecure -v",
                "postern db ls -v",
            ),
            ("postern db ls -v --no-verbose", "postern db ls"),
            (
                "postern db ls --no-insecure --insecure",
                "postern db ls --insecure",
            ),
            // Not a switch, and not ours.
            ("postern db ls --no-search", "postern db ls --no-search"),
            (
                "postern db connect -- --no-insecure",
                "postern db connect -- --no-insecure",
            ),
            // A switch of another command.
            ("postern status --no-force", "postern status --no-force"),
        ] {
            assert_eq!(negated(&words(line), &command), words(wanted), "{line}");
        }
    }
}
