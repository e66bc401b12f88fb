//! The configuration file: which program `db connect` starts, and how programs are told where to connect.
//!
//! ```toml
//! client = "pgcli"                      # instead of psql
//!
//! [clients.report]                      # db connect --client report
//! command = ["java", "-jar", "/opt/report.jar", "jdbc:postgresql://{host}:{port}/{database}?user={user}"]
//! ```

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use etcetera::BaseStrategy;
use serde::Deserialize;

use super::{CliError, Env, Kind, env};

/// What the file says; nothing when there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The program of `db connect` without `--client`.
    pub client: Option<String>,
    /// Programs by name.
    pub clients: BTreeMap<String, ClientCommand>,
    /// Where this was read from, or would be.
    #[serde(skip)]
    pub path: PathBuf,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCommand {
    /// Its name or path, and its arguments, with places to fill in.
    pub command: Vec<String>,
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// [`Kind::Usage`]: it cannot be read, or holds what makes no sense; a named file that is not there.
    pub fn read(env: &Env) -> Result<Self, CliError> {
        let named = env.config.is_some();
        let path = match &env.config {
            Some(path) => PathBuf::from(path),
            None => match etcetera::choose_base_strategy() {
                Ok(places) => places.config_dir().join("postern").join("config.toml"),
                Err(_) => return Ok(Self::default()),
            },
        };
        let failed = |what: String| {
            CliError::new(Kind::Usage, format!("{}: {what}", path.display()))
                .hint(format!("{} names another file", env::POSTERN_CONFIG))
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !named => {
                return Ok(Self {
                    path,
                    ..Self::default()
                });
            }
            Err(error) => return Err(failed(error.to_string())),
        };
        let config = toml::from_str::<Self>(&text)
            .map_err(|error| failed(error.to_string().trim_end().to_owned()))?;
        Ok(Self { path, ..config })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_which_program_and_how() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("config.toml");
        let env = Env {
            config: Some(path.display().to_string()),
            ..Env::default()
        };
        let missing = Config::read(&env).expect_err("named, and not there");
        assert_eq!(missing.kind, Kind::Usage);
        std::fs::write(
            &path,
            "client = \"pgcli\"\n[clients.x]\ncommand = [\"tool\", \"{host}\"]\n",
        )
        .expect("written");
        let read = Config::read(&env).expect("a configuration");
        assert_eq!(read.client.as_deref(), Some("pgcli"));
        assert_eq!(read.clients["x"].command, ["tool", "{host}"]);
        for (wrong, named) in [
            ("clinet = \"x\"", "clinet"),
            ("[clients.x]\ncommands = []", "commands"),
            ("[clients", "line 1"),
        ] {
            std::fs::write(&path, wrong).expect("written");
            let error = Config::read(&env).expect_err("no configuration");
            assert!(error.message.contains(named), "{}", error.message);
            assert!(error.message.contains("config.toml"), "{}", error.message);
        }
    }
}
