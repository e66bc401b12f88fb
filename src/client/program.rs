//! Which program a session is for, and what it is told.
//!
//! Every program is told by libpq's variables, which psql, pgcli and all that is built on libpq read by themselves, and the
//! usual drivers of other languages too. Some want a word more, and a template can say anything but a secret.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use thiserror::Error;
use tokio::process::Command;

use super::psql::{self, Connection, PsqlMissing};
use super::template::{Template, Values};

/// What usql is told so that it connects as the variables say.
const USQL: &str = "pg://";

/// There is no such program.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProgramMissing {
    /// psql.
    #[error(transparent)]
    Psql(#[from] PsqlMissing),
    /// Another one, by its name.
    #[error("{name} is not installed: no program of that name is in PATH")]
    Named {
        /// The name.
        name: String,
    },
    /// Another one, by its path.
    #[error("{} is no program that can be run", path.display())]
    Path {
        /// The path.
        path: PathBuf,
    },
}

impl ProgramMissing {
    /// How to install it on this platform, where that is known.
    pub fn how_to_install(&self) -> Option<&'static str> {
        match self {
            Self::Psql(missing) => Some(missing.how_to_install()),
            Self::Named { name } => install_hint(name),
            Self::Path { .. } => None,
        }
    }
}

fn install_hint(name: &str) -> Option<&'static str> {
    match name {
        "pgcli" => Some(
            "install it: apt install pgcli (Debian, Ubuntu), dnf install pgcli (Fedora), brew install pgcli (macOS), or \
             pipx install pgcli",
        ),
        "usql" => Some(
            "install it: brew install xo/xo/usql (macOS, Linux), scoop install usql (Windows), or a release from \
             https://github.com/xo/usql/releases",
        ),
        _ => None,
    }
}

/// A program that was found, to be a client of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    path: PathBuf,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Psql,
    Usql,
    /// It finds everything in its environment.
    Other,
    Template(Template),
}

impl Client {
    /// Looks for the program of this name, or at this path, in `path` (the value of `PATH`).
    ///
    /// # Errors
    /// [`ProgramMissing`].
    pub fn find(name: &str, path: Option<&OsStr>) -> Result<Self, ProgramMissing> {
        if name == "psql" {
            let path = psql::find(path)?;
            return Ok(Self {
                path,
                kind: Kind::Psql,
            });
        }
        let found = search(name, path)?;
        // A program of this name takes the same words wherever it lies.
        let kind = match found.file_stem().and_then(OsStr::to_str) {
            Some("psql") => Kind::Psql,
            Some("usql") => Kind::Usql,
            _ => Kind::Other,
        };
        Ok(Self { path: found, kind })
    }

    /// Looks for the program of a template, whose name holds no places that matter for that.
    ///
    /// # Errors
    /// [`ProgramMissing`].
    pub fn of_template(
        name: &str,
        template: Template,
        path: Option<&OsStr>,
    ) -> Result<Self, ProgramMissing> {
        Ok(Self {
            path: search(name, path)?,
            kind: Kind::Template(template),
        })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it has to be told a port: programs with words of their own know no sockets in the file system, as JDBC.
    pub fn wants_tcp(&self) -> bool {
        matches!(self.kind, Kind::Template(_))
    }

    /// Whether it is psql, about which more is known.
    pub fn is_psql(&self) -> bool {
        self.kind == Kind::Psql
    }

    /// Its name for people: that of its file.
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// The command that runs it on `to`; `extra` are the user's own arguments, behind all others.
    pub fn command(&self, to: &Connection, extra: &[OsString]) -> Command {
        let mut words: Vec<OsString> = match &self.kind {
            Kind::Psql | Kind::Other => Vec::new(),
            Kind::Usql => vec![USQL.into()],
            Kind::Template(template) => {
                let values = Values {
                    host: &to.host,
                    port: to.port,
                    user: &to.user,
                    database: &to.dbname,
                };
                let filled = template.fill(values).into_iter().skip(1);
                filled.map(Into::into).collect()
            }
        };
        words.extend_from_slice(extra);
        psql::command(&self.path, to, &words)
    }
}

fn search(name: &str, path: Option<&OsStr>) -> Result<PathBuf, ProgramMissing> {
    let wanted = Path::new(name);
    if wanted.components().count() > 1 {
        // As a shell does: from where we are.
        let found = std::path::absolute(wanted)
            .ok()
            .and_then(|path| which::which_in(path, None::<&OsStr>, "/").ok());
        return found.ok_or_else(|| ProgramMissing::Path {
            path: wanted.to_owned(),
        });
    }
    which::which_in(name, path, "/").map_err(|_| ProgramMissing::Named {
        name: name.to_owned(),
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn directory(programs: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        for name in programs {
            let path = dir.path().join(name);
            std::fs::write(&path, "#!/bin/sh\n").expect("a script");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
                .expect("a mode");
        }
        dir
    }

    #[test]
    fn a_name_is_looked_for_in_path_and_a_path_is_taken_as_it_is() {
        let dir = directory(&["pgcli", "psql"]);
        let path = Some(dir.path().as_os_str());
        for name in ["pgcli", "psql"] {
            let found = Client::find(name, path).expect("a program");
            assert_eq!(found.path(), dir.path().join(name));
            assert_eq!(
                (found.name(), found.is_psql()),
                (name.to_owned(), name == "psql")
            );
        }
        let missing = Client::find("usql", path).expect_err("no program");
        assert_eq!(
            missing,
            ProgramMissing::Named {
                name: "usql".into()
            }
        );
        assert!(
            missing
                .how_to_install()
                .expect("a hint")
                .contains("xo/usql")
        );
        let whole = dir.path().join("pgcli");
        let whole = whole.to_str().expect("text");
        assert_eq!(
            Client::find(whole, None).expect("a program").path(),
            Path::new(whole)
        );
        assert!(matches!(
            Client::find("/nonexistent/tool", path),
            Err(ProgramMissing::Path { .. })
        ));
    }

    #[test]
    fn each_is_told_in_its_own_words_and_none_a_secret() {
        let dir = directory(&["usql", "tool"]);
        let path = Some(dir.path().as_os_str());
        let words = ["tool", "{host}:{port}", "{user}/{database}"].map(str::to_owned);
        let template = Template::parse(&words).expect("a template");
        let to = Connection {
            host: "127.0.0.1".to_owned(),
            port: 5433,
            user: "alice".to_owned(),
            dbname: "orders".to_owned(),
            password: None,
        };
        let told = |program: Client| {
            let command = program.command(&to, &["-x".into()]);
            let args = command.as_std().get_args();
            args.map(|arg| arg.to_str().expect("text").to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            told(Client::find("usql", path).expect("it")),
            ["pg://", "-x"]
        );
        assert_eq!(told(Client::find("tool", path).expect("it")), ["-x"]);
        assert_eq!(
            told(Client::of_template("tool", template, path).expect("it")),
            ["127.0.0.1:5433", "alice/orders", "-x"]
        );
    }
}
