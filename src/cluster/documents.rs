//! Roles, users, databases and the authentication preference, as the YAML documents that Teleport itself takes
//! (db-service.md 4). A directory of files is loaded as a whole; several documents may share a file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use serde_saphyr::Spanned;

use crate::identity::Traits;
use crate::rbac::{Database, Role};

/// Seconds of a login session when neither user nor cluster says otherwise.
pub const DEFAULT_SESSION_SECONDS: i64 = 12 * 3600;

/// Everything the files say.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// Roles by name.
    pub roles: BTreeMap<String, Role>,
    /// Users by name.
    pub users: BTreeMap<String, User>,
    /// Databases by name.
    pub databases: BTreeMap<String, Database>,
    /// How users log in.
    pub preference: Preference,
    /// What was read but not used: unknown kinds, unknown roles of users.
    pub warnings: Vec<String>,
}

/// A user as a document describes it; secrets are kept elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The name, also of the automatically provisioned database user.
    pub name: String,
    /// Names of roles, as written.
    pub roles: Vec<String>,
    /// Values for templates in roles.
    pub traits: Traits,
}

/// The parts of `cluster_auth_preference` that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preference {
    /// Whether a one-time code is asked for.
    pub second_factor: bool,
    /// Seconds of a login session when the user names no other.
    pub session_seconds: i64,
}

impl Default for Preference {
    fn default() -> Self {
        Self {
            second_factor: true,
            session_seconds: DEFAULT_SESSION_SECONDS,
        }
    }
}

/// Why the documents cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DocumentsError {
    /// The directory or a file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is no YAML, or a document in it is wrong.
    #[error("{path}: {message}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the document's kind and name where known.
        message: String,
    },
}

impl Documents {
    /// Loads every `.yaml`, `.yml` and `.json` file of `directory`, by name.
    ///
    /// # Errors
    /// When a file cannot be read, or a document is not valid or comes twice.
    pub fn load(directory: &Path) -> Result<Self, DocumentsError> {
        let mut documents = Self::default();
        for path in files(directory)? {
            let text = std::fs::read_to_string(&path).map_err(|source| DocumentsError::File {
                path: path.clone(),
                source,
            })?;
            documents
                .add(&text)
                .map_err(|message| DocumentsError::Content { path, message })?;
        }
        documents.complete();
        Ok(documents)
    }

    fn add(&mut self, text: &str) -> Result<(), String> {
        for document in
            serde_saphyr::from_multiple::<Spanned<Value>>(text).map_err(|e| e.to_string())?
        {
            let (line, value) = (document.referenced.line(), document.value);
            if value.is_null() {
                continue;
            }
            let kind = value["kind"].as_str().unwrap_or_default().to_owned();
            let name = value["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            self.add_one(&kind, &name, &value)
                .map_err(|message| format!("line {line}: {kind} {name:?}: {message}"))?;
        }
        Ok(())
    }

    fn add_one(&mut self, kind: &str, name: &str, value: &Value) -> Result<(), String> {
        if name.is_empty() && kind != "cluster_auth_preference" {
            return Err("the document has no metadata.name".to_owned());
        }
        let twice = match kind {
            "role" => {
                let role = Role::from_document(value).map_err(|e| e.to_string())?;
                self.roles.insert(name.to_owned(), role).is_some()
            }
            "db" => {
                let database = Database::from_document(value).map_err(|e| e.to_string())?;
                self.databases.insert(name.to_owned(), database).is_some()
            }
            "user" => self
                .users
                .insert(name.to_owned(), user(name, &value["spec"])?)
                .is_some(),
            "cluster_auth_preference" => {
                self.preference = preference(&value["spec"])?;
                false
            }
            _ => {
                self.warnings.push(format!(
                    "document {kind} {name:?} is of a kind that is not used here"
                ));
                false
            }
        };
        if twice {
            Err("the document comes twice".to_owned())
        } else {
            Ok(())
        }
    }

    /// Adds the role `access` that every Teleport cluster has, and warns of roles that nobody defines.
    fn complete(&mut self) {
        if !self.roles.contains_key("access") {
            let preset = serde_json::json!({"kind": "role", "version": "v7", "metadata": {"name": "access"}, "spec": {"allow": {
                "db_labels": {"*": "*"}, "db_users": ["{{internal.db_users}}"], "db_names": ["{{internal.db_names}}"],
                "db_roles": ["{{internal.db_roles}}"]}}});
            self.roles.insert(
                "access".to_owned(),
                Role::from_document(&preset).expect("the preset is a valid role"),
            );
        }
        for user in self.users.values() {
            for role in user
                .roles
                .iter()
                .filter(|role| !self.roles.contains_key(*role))
            {
                self.warnings.push(format!(
                    "user {:?} has the role {role:?}, which no document defines",
                    user.name
                ));
            }
        }
    }
}

fn files(directory: &Path) -> Result<Vec<PathBuf>, DocumentsError> {
    let wrap = |source| DocumentsError::File {
        path: directory.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(wrap)? {
        let path = entry.map_err(wrap)?.path();
        if path
            .extension()
            .and_then(|e| e.to_str())
            .is_some_and(|e| ["yaml", "yml", "json"].contains(&e))
        {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn user(name: &str, spec: &Value) -> Result<User, String> {
    // login.md: letters, digits and a few signs; e-mail addresses are the normal case.
    let legal = |c: char| c.is_ascii_alphanumeric() || "@_:.-+".contains(c);
    if !name.chars().all(legal) {
        return Err("a user name has letters, digits and @ _ : . - + only".to_owned());
    }
    let roles = strings(&spec["roles"]).ok_or("spec.roles must be a list of names")?;
    if roles.is_empty() {
        return Err("a user needs at least one role".to_owned());
    }
    let mut traits = Traits::new();
    if let Some(map) = spec["traits"].as_object() {
        for (key, value) in map {
            traits.insert(
                key.clone(),
                strings(value).ok_or_else(|| format!("trait {key:?} must be a list of texts"))?,
            );
        }
    }
    Ok(User {
        name: name.to_owned(),
        roles,
        traits,
    })
}

fn preference(spec: &Value) -> Result<Preference, String> {
    let second_factor = match (&spec["second_factors"], spec["second_factor"].as_str()) {
        (Value::Array(factors), _) => factors.iter().any(|f| f.as_str() == Some("otp")),
        (_, Some("off")) => false,
        (_, None | Some("otp" | "on")) => !matches!(spec["second_factor"], Value::Bool(false)),
        (_, Some(other)) => {
            return Err(format!(
                "second_factor {other:?} is not supported; use otp or off"
            ));
        }
    };
    let session_seconds = match spec["default_session_ttl"].as_str() {
        None | Some("") => DEFAULT_SESSION_SECONDS,
        Some(text) => seconds(text)
            .filter(|s| *s > 0)
            .ok_or_else(|| format!("default_session_ttl {text:?} is no duration such as 12h"))?,
    };
    Ok(Preference {
        second_factor,
        session_seconds,
    })
}

fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(values) => values
            .iter()
            .map(|v| v.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    }
}

/// Whole seconds of a duration such as `8h`, `1h30m` or `90s`.
fn seconds(text: &str) -> Option<i64> {
    let mut total = 0_i64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .filter(|n| *n > 0)?;
        let number: i64 = rest[..digits].parse().ok()?;
        let factor = match rest.as_bytes()[digits] {
            b'h' => 3600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(factor)?)?;
        rest = &rest[digits + 1..];
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Documents, String> {
        let mut documents = Documents::default();
        documents.add(text)?;
        documents.complete();
        Ok(documents)
    }

    #[test]
    fn several_documents_share_a_file() {
        let documents = load(
            "kind: role\nversion: v7\nmetadata: {name: plain}\nspec: {allow: {db_labels: {mode: plain}}}\n---\n\
             kind: user\nversion: v2\nmetadata: {name: a@b.c}\nspec: {roles: [plain, nosuch], traits: {db_users: [app]}}\n---\n\
             kind: lock\nmetadata: {name: x}\n",
        )
        .expect("valid documents");
        assert_eq!(documents.users["a@b.c"].traits["db_users"], ["app"]);
        assert!(documents.roles.contains_key("plain") && documents.roles.contains_key("access"));
        assert_eq!(documents.warnings.len(), 2, "{:?}", documents.warnings);
        assert!(documents.preference.second_factor);
    }

    #[test]
    fn mistakes_name_the_document() {
        for (text, wanted) in [
            (
                "kind: user\nmetadata: {name: 'a b'}\nspec: {roles: [x]}",
                "user \"a b\": a user name",
            ),
            (
                "kind: user\nmetadata: {name: a}\nspec: {roles: []}",
                "at least one role",
            ),
            (
                "# a comment\n---\nkind: user\nmetadata: {name: a}\nspec: {roles: [x]}\n---\n\nkind: user\nmetadata: {name: b}\nspec: {}\n",
                "line 8: user \"b\"",
            ),
            ("kind: user\nmetadata: [", "line 2"),
            ("kind: db\nmetadata: {}\nspec: {}", "no metadata.name"),
            (
                "kind: user\nmetadata: {name: a}\nspec: {roles: [x]}\n---\nkind: user\nmetadata: {name: a}\nspec: {roles: [x]}",
                "comes twice",
            ),
            (
                "kind: cluster_auth_preference\nspec: {second_factor: webauthn}",
                "not supported",
            ),
            ("kind: [", ""),
        ] {
            let message = load(text).expect_err(text);
            assert!(message.contains(wanted), "{text}: {message}");
        }
    }

    #[test]
    fn the_preference_says_how_to_log_in() {
        let off = load("kind: cluster_auth_preference\nspec: {second_factor: 'off', default_session_ttl: 1h30m}").expect("a preference").preference;
        assert_eq!(
            off,
            Preference {
                second_factor: false,
                session_seconds: 5400
            }
        );
        let on = load("kind: cluster_auth_preference\nspec: {second_factors: [otp, webauthn]}")
            .expect("a preference")
            .preference;
        assert_eq!(on, Preference::default());
    }
}
