//! Roles, users, databases and settings, as the YAML documents that Teleport itself takes (db-service.md 4). A directory of
//! files is loaded as a whole; several documents may share a file.

pub(crate) mod fields;
pub(crate) mod located;
pub mod preference;
#[cfg(test)]
mod tests;
pub mod user;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::leaf::document::TrustedCluster;
use super::locks::Lock;
use super::sso::Connector;
use crate::rbac::{Database, Role};
use located::{Located, Malformed};
pub use preference::{DEFAULT_SESSION_SECONDS, Preference, Way};
pub use user::User;

/// Everything the files say.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// Roles by name.
    pub roles: BTreeMap<String, Role>,
    /// Users by name.
    pub users: BTreeMap<String, User>,
    /// Databases by name; shared by those who only read them, as there may be many.
    pub databases: Arc<BTreeMap<String, Database>>,
    /// Clusters whose leaf this one is, by name.
    pub trusted_clusters: BTreeMap<String, TrustedCluster>,
    /// Identity providers by name.
    pub connectors: BTreeMap<String, Connector>,
    /// Locks, in the order they were read.
    pub locks: Vec<Lock>,
    /// What holds for every user and session.
    pub preference: Preference,
    /// What was read but does not count: unknown kinds and fields, unknown roles of users. Each begins with its place.
    pub warnings: Vec<String>,
    /// Where documents stand, by kind and name.
    places: BTreeMap<(String, String), Place>,
}

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1; `None` where only the file is known.
    pub line: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

/// A mistake in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What is wrong, with the document's kind and name where known.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
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
    /// Files are no YAML, or documents in them are wrong: every mistake that was found, a line for each.
    #[error("{}", lines(.0))]
    Content(Vec<Problem>),
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl Documents {
    /// Loads every `.yaml`, `.yml` and `.json` file of `directory`, by name.
    ///
    /// # Errors
    /// When a file cannot be read, or documents are not valid or come twice.
    pub fn load(directory: &Path) -> Result<Self, DocumentsError> {
        let (mut documents, problems) = Self::read(directory, Preference::default())?;
        if !problems.is_empty() {
            return Err(DocumentsError::Content(problems));
        }
        documents.complete();
        Ok(documents)
    }

    /// Reads the files as [`Documents::load`] does, and goes on after a mistake. `preference` holds where they say nothing.
    /// Users and roles are not looked at together before [`Documents::add_users`].
    pub(super) fn read(
        directory: &Path,
        preference: Preference,
    ) -> Result<(Self, Vec<Problem>), DocumentsError> {
        let mut documents = Self {
            preference,
            ..Self::default()
        };
        let mut problems = Vec::new();
        for path in files(directory)? {
            let text = std::fs::read_to_string(&path).map_err(|source| DocumentsError::File {
                path: path.clone(),
                source,
            })?;
            documents.add(&path, &text, &mut problems);
        }
        if problems.is_empty() {
            problems.extend(documents.no_way(directory));
        }
        Ok((documents, problems))
    }

    fn add(&mut self, path: &Path, text: &str, problems: &mut Vec<Problem>) {
        let place = |line| Place {
            path: path.to_owned(),
            line,
        };
        let documents = match Located::read(text) {
            Ok(documents) => documents,
            Err(Malformed { line, message }) => {
                problems.push(Problem {
                    place: place(line),
                    message,
                });
                return;
            }
        };
        for document in documents {
            let kind = document.value["kind"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let name = document.value["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let title = format!("{kind} {name:?}");
            let Some(known) = fields::known(&kind) else {
                self.warnings.push(format!(
                    "{}: document {title} is of a kind that is not used here",
                    place(Some(document.line))
                ));
                continue;
            };
            let (message, line) = match self.add_one(&kind, &name, &document.value) {
                Ok(()) => {
                    let unknown = fields::unknown(&document.value, &known);
                    let place = place(Some(document.line));
                    if !unknown.is_empty() {
                        let fields: Vec<String> = unknown
                            .iter()
                            .map(|field| format!("{field} (line {})", document.line_of(field)))
                            .collect();
                        self.warnings
                            .push(format!("{place}: {title}: ignored: {}", fields.join(", ")));
                    }
                    let key = (kind.clone(), name.clone());
                    let Some(first) = self.places.insert(key, place) else {
                        continue;
                    };
                    let message = format!("the document comes twice, first at {first}");
                    (message, document.line)
                }
                Err(message) => {
                    let line = document.line_for(&message);
                    (message, line)
                }
            };
            problems.push(Problem {
                place: place(Some(line)),
                message: format!("{title}: {message}"),
            });
        }
    }

    /// Takes over one document of a known kind.
    fn add_one(&mut self, kind: &str, name: &str, value: &Value) -> Result<(), String> {
        match kind {
            // There is one of each in a cluster, whatever its name.
            "cluster_auth_preference" => return self.preference.authentication(&value["spec"]),
            "cluster_networking_config" => return self.preference.networking(&value["spec"]),
            _ if name.is_empty() => return Err("the document has no metadata.name".to_owned()),
            "role" => {
                let role = Role::from_document(value).map_err(|e| e.to_string())?;
                self.roles.insert(name.to_owned(), role);
            }
            "db" => {
                let database = database(value)?;
                Arc::make_mut(&mut self.databases).insert(name.to_owned(), database);
            }
            "user" => {
                let user = User::from_spec(name, &value["spec"])?;
                self.users.insert(name.to_owned(), user);
            }
            "trusted_cluster" => {
                let trusted = TrustedCluster::from_document(value)?;
                self.trusted_clusters.insert(name.to_owned(), trusted);
            }
            "lock" => self.locks.push(Lock::from_document(value)?),
            "oidc" => {
                let connector = Connector::from_document(value)?;
                self.connectors.insert(name.to_owned(), connector);
            }
            other => return Err(format!("the kind {other:?} is not used here")),
        }
        Ok(())
    }

    /// The connector through which people log in who say nothing else; `None` where that is a password.
    #[must_use]
    pub fn default_connector(&self) -> Option<&Connector> {
        match &self.preference.way {
            Way::Local => None,
            Way::Oidc(name) if name.is_empty() => self.connectors.values().next(),
            Way::Oidc(name) => self.connectors.get(name),
        }
    }

    /// A default way to log in that leads nowhere.
    fn no_way(&self, directory: &Path) -> Option<Problem> {
        let Way::Oidc(name) = &self.preference.way else {
            return None;
        };
        if self.default_connector().is_some() {
            return None;
        }
        let known: Vec<&str> = self.connectors.keys().map(String::as_str).collect();
        let message = match (name.as_str(), known.is_empty()) {
            (_, true) => {
                "type is oidc, and no document of kind oidc describes a connector".to_owned()
            }
            (name, false) => format!(
                "there is no connector {name:?}; there is {}",
                known.join(", ")
            ),
        };
        let preference = self
            .places
            .iter()
            .find(|((kind, _), _)| kind == "cluster_auth_preference");
        let nowhere = || Place {
            path: directory.to_owned(),
            line: None,
        };
        Some(Problem {
            place: preference.map_or_else(nowhere, |(_, place)| place.clone()),
            message: format!("cluster_auth_preference: {message}"),
        })
    }

    /// Where a document stands, e.g. for the kind `db` and a name.
    #[must_use]
    pub fn place(&self, kind: &str, name: &str) -> Option<&Place> {
        self.places.get(&(kind.to_owned(), name.to_owned()))
    }

    /// Adds the users of the state; one that a document describes too is the document's.
    pub(super) fn add_users(&mut self, users: impl IntoIterator<Item = User>) {
        for user in users {
            match self.users.entry(user.name.clone()) {
                Entry::Vacant(free) => {
                    free.insert(user);
                }
                Entry::Occupied(taken) => {
                    let name = taken.key().clone();
                    let place = self.place("user", &name).map(ToString::to_string);
                    self.warnings.push(format!(
                        "{}: user {name:?}: the state has a user of this name too; the document counts",
                        place.unwrap_or_default()
                    ));
                }
            }
        }
        self.complete();
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
        let mut warnings = Vec::new();
        for user in self.users.values() {
            let roles = user.roles.iter();
            warnings.extend(self.undefined("user", &user.name, "has", roles));
        }
        for connector in self.connectors.values() {
            // What a value is put into is known at the login.
            let roles = connector.claims_to_roles.iter().flat_map(|m| &m.roles);
            let roles = roles.filter(|role| !role.contains('$'));
            warnings.extend(self.undefined("oidc", &connector.name, "gives", roles));
        }
        for warning in warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    /// Warnings of roles that nobody defines.
    fn undefined<'a>(
        &self,
        kind: &str,
        name: &str,
        does: &str,
        roles: impl Iterator<Item = &'a String>,
    ) -> Vec<String> {
        let place = self.place(kind, name);
        let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
        roles
            .filter(|role| !self.roles.contains_key(*role))
            .map(|role| {
                format!(
                    "{place}{kind} {name:?} {does} the role {role:?}, which no document defines"
                )
            })
            .collect()
    }
}

/// Reads a database document; dynamic labels may also be written as the list of the configuration file (db-service.md 4.1).
fn database(value: &Value) -> Result<Database, String> {
    let mut value = value.clone();
    if let Some(labels) = value.pointer_mut("/spec/dynamic_labels") {
        *labels = dynamic_labels(labels.take())?;
    }
    Database::from_document(&value).map_err(|e| e.to_string())
}

/// Dynamic labels as a map, whichever way they are written.
pub(crate) fn dynamic_labels(labels: Value) -> Result<Value, String> {
    match labels {
        Value::Array(items) => items
            .into_iter()
            .map(|mut item| {
                let fields = item
                    .as_object_mut()
                    .ok_or("dynamic_labels is a list of objects")?;
                match fields.remove("name") {
                    Some(Value::String(name)) => Ok((name, item)),
                    _ => Err("each of dynamic_labels needs a name".to_owned()),
                }
            })
            .collect::<Result<serde_json::Map<_, _>, String>>()
            .map(Value::Object),
        Value::Null => Ok(Value::Object(serde_json::Map::new())),
        other => Ok(other),
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

pub(super) fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(values) => values
            .iter()
            .map(|v| v.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    }
}
