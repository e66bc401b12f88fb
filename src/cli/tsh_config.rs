//! The configuration files of tsh, as far as they matter here: `add_headers`, and the names of `aliases` (db-client.md 1.5).

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Env;
use crate::transport::extra_headers::ExtraHeaders;

/// What all files together say.
#[derive(Debug, Default)]
pub struct TshConfig {
    /// Headers for proxies.
    pub headers: ExtraHeaders,
    /// Name of each alias, and what it stands for.
    pub aliases: BTreeMap<String, String>,
    /// One line for each file, or part of one, that is of no use.
    pub problems: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct File {
    #[serde(default)]
    add_headers: Option<Vec<AddHeaders>>,
    #[serde(default)]
    aliases: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
struct AddHeaders {
    proxy: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

impl TshConfig {
    /// Reads the user's file and that of the computer; one that is missing is empty. The user's own entries come first.
    pub fn read(env: &Env) -> Self {
        let mut config = Self::default();
        let own = env
            .tsh_home
            .as_ref()
            .map(|home| Path::new(home).join("config").join("config.yaml"));
        let global = match &env.tsh_global_config {
            Some(path) => Some(PathBuf::from(path)),
            None if cfg!(windows) => None,
            None => Some(PathBuf::from("/etc/tsh.yaml")),
        };
        for path in [own, global].into_iter().flatten() {
            match std::fs::read_to_string(&path) {
                Ok(text) => config.take(&path, &text),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => config.problem(&path, &e.to_string()),
            }
        }
        config
    }

    fn take(&mut self, path: &Path, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        let file = match serde_saphyr::from_str::<Option<File>>(text) {
            Ok(file) => file.unwrap_or_default(),
            // The text may hold credentials: only what is wrong is told, not the line.
            Err(_) => return self.problem(path, "it is no configuration of tsh"),
        };
        for entry in file.add_headers.unwrap_or_default() {
            let headers = entry.headers.iter().map(|(k, v)| (k.as_str(), v.as_str()));
            if let Err(error) = self.headers.add(&entry.proxy, headers) {
                self.problem(path, &error.to_string());
            }
        }
        for (name, meaning) in file.aliases.unwrap_or_default() {
            self.aliases.entry(name).or_insert(meaning);
        }
    }

    fn problem(&mut self, path: &Path, what: &str) {
        self.problems.push(format!(
            "{}: {what}; add_headers from it are not sent",
            path.display()
        ));
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_users_own_file_comes_before_that_of_the_computer() {
        let dir = tempfile::tempdir().expect("a directory");
        let env = Env {
            tsh_home: Some(dir.path().display().to_string()),
            tsh_global_config: Some(dir.path().join("global").display().to_string()),
            ..Env::default()
        };
        let none = TshConfig::read(&env);
        assert!(none.headers.is_empty() && none.problems.is_empty());
        std::fs::create_dir(dir.path().join("config")).expect("a directory");
        let own = dir.path().join("config/config.yaml");
        std::fs::write(
            &own,
            "add_headers:\n- proxy: \"*.corp.test\"\n  headers:\n    X-Who: own\naliases:\n  conn: tsh db connect $0\n",
        )
        .expect("written");
        std::fs::write(
            dir.path().join("global"),
            "add_headers:\n- proxy: \"*\"\n  headers: {x-who: global, x-more: \"1\"}\nproxy_templates: []\naliases: {conn: other}\n",
        )
        .expect("written");
        let both = TshConfig::read(&env);
        assert_eq!(both.problems, Vec::<String>::new());
        let to = both.headers.to("a.corp.test:443");
        assert_eq!(
            (&to["x-who"], &to["x-more"]),
            (
                &HeaderValue::from_static("own"),
                &HeaderValue::from_static("1")
            )
        );
        assert_eq!(both.aliases["conn"], "tsh db connect $0");
        std::fs::write(&own, "add_headers: [").expect("written");
        let half = TshConfig::read(&env);
        assert_eq!(half.problems.len(), 1, "{half:?}");
        assert_eq!(half.headers.to("a.corp.test:443")["x-who"], "global");
    }
}
