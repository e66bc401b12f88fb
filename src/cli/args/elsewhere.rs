//! Commands of tsh that this program does not have, and what to use instead.

use std::ffi::OsString;

use clap::Command;

use super::negation::reached;

/// Commands of tsh 18 that are not about databases (db-client.md 1.3).
const OF_TSH: [&str; 35] = [
    "app",
    "apps",
    "aws",
    "az",
    "bench",
    "config",
    "daemon",
    "device",
    "fido2",
    "gcloud",
    "git",
    "gsutil",
    "headless",
    "join",
    "kube",
    "kubectl",
    "latency",
    "ls",
    "mcp",
    "mfa",
    "piv",
    "play",
    "puttyconfig",
    "recordings",
    "request",
    "requests",
    "resolve",
    "saml",
    "scan",
    "scp",
    "sessions",
    "ssh",
    "svid",
    "touchid",
    "vnet",
];

/// What is said of a command that is missing here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// What is missing.
    pub message: String,
    /// What to use.
    pub hint: String,
}

/// Finds out whether a command line means something that tsh has and this program has not.
pub fn elsewhere(argv: &[OsString], command: &Command, unknown: &str) -> Option<Elsewhere> {
    let path = reached(argv, command);
    let parents: Vec<&str> = path.iter().skip(1).map(|c| c.get_name()).collect();
    let of_tsh = |words: &str| Elsewhere {
        message: format!("\"{words}\" is a command of tsh; postern is for databases only"),
        hint: format!("use tsh for it: tsh {words}"),
    };
    match parents.as_slice() {
        [] if OF_TSH.contains(&unknown) => Some(of_tsh(unknown)),
        ["proxy"] if ["ssh", "app", "kube", "aws", "azure", "gcp", "mcp", "vnet"].contains(&unknown) => {
            Some(of_tsh(&format!("proxy {unknown}")))
        }
        ["db"] if unknown == "exec" => Some(Elsewhere {
            message: "postern has no \"db exec\"".to_owned(),
            hint: "for one database, SQL goes to psql: postern db connect NAME -- -c 'select 1'; for several: \
                   for db in $(postern db ls --format names); do postern db connect \"$db\" -- -c 'select 1'; done"
                .to_owned(),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tsh_has_is_named() {
        let command = crate::cli::command();
        let say = |line: &str, unknown| {
            let argv: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            elsewhere(&argv, &command, unknown).map(|e| e.hint)
        };
        assert_eq!(
            say("postern -d ssh host", "ssh").as_deref(),
            Some("use tsh for it: tsh ssh")
        );
        assert_eq!(
            say("postern proxy app x", "app").as_deref(),
            Some("use tsh for it: tsh proxy app")
        );
        assert!(
            say("postern db exec x", "exec")
                .is_some_and(|hint| hint.contains("postern db connect NAME -- -c"))
        );
        assert_eq!(say("postern db ssh", "ssh"), None);
        assert_eq!(say("postern nonsense", "nonsense"), None);
    }

    #[test]
    fn nothing_is_sent_away_that_is_here() {
        let command = crate::cli::command();
        for name in OF_TSH {
            assert!(command.find_subcommand(name).is_none(), "{name}");
        }
    }
}
