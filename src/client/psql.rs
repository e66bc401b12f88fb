//! psql: finding it, and telling it where to connect so that nothing of the user's own settings interferes.
//!
//! Everything is told by environment variables, not by a connection string: they are taken literally (a database named
//! `a=b` stays one), unknown ones do not disturb an old psql, `psql -l` keeps them although it chooses the database itself,
//! and a program started from psql (`\! pg_dump`) goes through the same tunnel. Source: db-client.md 8.1, 16.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use thiserror::Error;
use tokio::process::Command;
use tokio::time::timeout;

use crate::proxy::Password;

/// Connection settings that libpq would take from the environment; all are removed before ours are set.
///
/// Settings of the session itself (`PGOPTIONS`, `PGAPPNAME`, `PGTZ`, `PGDATESTYLE`, `PGCLIENTENCODING`) stay the user's.
pub const REMOVED: [&str; 32] = [
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGUSER",
    "PGDATABASE",
    "PGPASSWORD",
    "PGPASSFILE",
    "PGREQUIREAUTH",
    "PGCHANNELBINDING",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGSSLMODE",
    "PGREQUIRESSL",
    "PGSSLNEGOTIATION",
    "PGSSLCOMPRESSION",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGSSLCERTMODE",
    "PGSSLROOTCERT",
    "PGSSLCRL",
    "PGSSLCRLDIR",
    "PGSSLSNI",
    "PGSSLMINPROTOCOLVERSION",
    "PGSSLMAXPROTOCOLVERSION",
    "PGREQUIREPEER",
    "PGGSSENCMODE",
    "PGKRBSRVNAME",
    "PGGSSLIB",
    "PGGSSDELEGATION",
    "PGTARGETSESSIONATTRS",
    "PGLOADBALANCEHOSTS",
    "PGCONNECT_TIMEOUT",
];

/// How long `psql --version` may take.
const VERSION_DEADLINE: Duration = Duration::from_secs(5);

/// There is no psql.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("psql is not installed: no program of that name is in PATH")]
pub struct PsqlMissing;

impl PsqlMissing {
    /// How to install it on this platform.
    pub fn how_to_install(self) -> &'static str {
        install_hint(std::env::consts::OS)
    }
}

fn install_hint(os: &str) -> &'static str {
    match os {
        "macos" => "install it: brew install libpq && brew link --force libpq",
        "windows" => {
            "install it: winget install PostgreSQL.PostgreSQL.17, and add its bin directory to PATH"
        }
        "freebsd" => "install it: pkg install postgresql17-client",
        _ => {
            "install it: apt install postgresql-client (Debian, Ubuntu), dnf install postgresql (Fedora, RHEL), \
             apk add postgresql-client (Alpine), pacman -S postgresql-libs (Arch)"
        }
    }
}

/// Where to connect; every part is set explicitly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Address of the tunnel, or the directory of its socket.
    pub host: String,
    /// Port of the tunnel, or the number at the end of its socket's name.
    pub port: u16,
    /// Database user.
    pub user: String,
    /// Database name.
    pub dbname: String,
    /// The tunnel's own password, where it has one.
    pub password: Option<Password>,
}

/// Looks for psql in `path` (the value of `PATH`).
///
/// # Errors
/// [`PsqlMissing`].
pub fn find(path: Option<&OsStr>) -> Result<PathBuf, PsqlMissing> {
    // A name without a slash is not looked for in the current directory, so none is needed.
    which::which_in("psql", path, "/").map_err(|_| PsqlMissing)
}

/// The command that runs psql with these parameters; `extra` are the user's own arguments.
pub fn command(psql: &Path, to: &Connection, extra: &[OsString]) -> Command {
    let mut command = Command::new(psql);
    for name in REMOVED {
        command.env_remove(name);
    }
    command
        .env("PGHOST", &to.host)
        .env("PGPORT", to.port.to_string())
        .env("PGUSER", &to.user)
        .env("PGDATABASE", &to.dbname)
        // psql and the tunnel talk in clear on this computer; beyond it TLS is ours.
        .env("PGSSLMODE", "disable")
        .env("PGGSSENCMODE", "disable")
        // Never sent on, and asked for by some tunnels only; with it set, libpq does not look into ~/.pgpass and has nothing
        // to warn of.
        .env(
            "PGPASSWORD",
            to.password.as_ref().map_or("unused", Password::reveal),
        )
        .args(extra);
    command
}

/// What `psql --version` says, e.g. `psql (PostgreSQL) 15.18`; `None` when it says nothing in time.
pub async fn version(psql: &Path) -> Option<String> {
    let mut command = Command::new(psql);
    command
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(VERSION_DEADLINE, command.output())
        .await
        .ok()?
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn to() -> Connection {
        Connection {
            host: "127.0.0.1".to_owned(),
            port: 41000,
            user: "al ice@x".to_owned(),
            dbname: "a=b".to_owned(),
            password: None,
        }
    }

    fn settings(command: &Command) -> HashMap<String, Option<String>> {
        let text = |value: &OsStr| value.to_str().expect("text").to_owned();
        command
            .as_std()
            .get_envs()
            .map(|(name, value)| (text(name), value.map(text)))
            .collect()
    }

    #[test]
    fn every_parameter_is_set_and_names_stay_literal() {
        let command = command(
            Path::new("/usr/bin/psql"),
            &to(),
            &["-c".into(), "select 1".into()],
        );
        let settings = settings(&command);
        for (name, value) in [
            ("PGHOST", "127.0.0.1"),
            ("PGPORT", "41000"),
            ("PGUSER", "al ice@x"),
            ("PGDATABASE", "a=b"),
            ("PGSSLMODE", "disable"),
            ("PGGSSENCMODE", "disable"),
        ] {
            assert_eq!(settings[name].as_deref(), Some(value));
        }
        for name in [
            "PGSERVICE",
            "PGHOSTADDR",
            "PGSSLNEGOTIATION",
            "PGCHANNELBINDING",
            "PGTARGETSESSIONATTRS",
        ] {
            assert_eq!(settings[name], None, "{name} is removed");
        }
        assert!(!settings.contains_key("PGOPTIONS"));
        assert_eq!(
            command.as_std().get_args().collect::<Vec<_>>(),
            ["-c", "select 1"]
        );
    }

    #[test]
    fn a_missing_psql_is_told_with_what_installs_it() {
        let empty = tempfile::tempdir().expect("a directory");
        assert_eq!(find(Some(empty.path().as_os_str())), Err(PsqlMissing));
        assert_eq!(find(None), Err(PsqlMissing));
        assert!(install_hint("linux").contains("apt install postgresql-client"));
        assert!(install_hint("macos").contains("brew install libpq"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn it_is_found_and_asked_for_its_version() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("psql");
        std::fs::write(&path, "#!/bin/sh\necho 'psql (PostgreSQL) 9.6.24'\n").expect("a script");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
            .expect("an executable script");
        assert_eq!(find(Some(dir.path().as_os_str())), Ok(path.clone()));
        assert_eq!(
            version(&path).await.as_deref(),
            Some("psql (PostgreSQL) 9.6.24")
        );
        std::fs::write(&path, "#!/bin/sh\nexit 1\n").expect("a script");
        assert_eq!(version(&path).await, None);
    }
}
