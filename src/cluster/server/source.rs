//! Where roles, users and databases come from: a directory of documents, the configuration, and the state.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cluster::config::{Config, Matcher, StaticDatabase};
use crate::cluster::documents::{Documents, DocumentsError, Preference, Problem};

/// What is read at the start and again after a change.
#[derive(Clone, Debug)]
pub struct Source {
    /// The directory of the documents.
    pub directory: PathBuf,
    /// Databases of the configuration.
    pub databases: Vec<StaticDatabase>,
    /// Which database documents are served; `None` for all.
    pub matchers: Option<Vec<Matcher>>,
    /// What holds unless a document says otherwise.
    pub preference: Preference,
}

impl From<&Config> for Source {
    fn from(config: &Config) -> Self {
        Self {
            directory: config.fixed.documents_dir.clone(),
            databases: config.databases.clone(),
            matchers: config.matchers.clone(),
            preference: config.preference.clone(),
        }
    }
}

impl Source {
    /// A directory and nothing else.
    #[must_use]
    pub fn directory(directory: PathBuf) -> Self {
        Self {
            directory,
            databases: Vec::new(),
            matchers: None,
            preference: Preference::default(),
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// When a file cannot be read, a document is wrong, or a name is taken twice.
    pub fn load(&self) -> Result<Documents, DocumentsError> {
        let (mut documents, mut problems) =
            Documents::read(&self.directory, self.preference.clone())?;
        self.pick(&mut documents);
        for StaticDatabase { database, place } in &self.databases {
            let name = &database.name;
            if let Some(other) = documents.place("db", name) {
                problems.push(Problem {
                    place: other.clone(),
                    message: format!(
                        "db {name:?}: the configuration has a database of this name too, at {place}; names are taken once"
                    ),
                });
            } else if Arc::make_mut(&mut documents.databases)
                .insert(name.clone(), database.clone())
                .is_some()
            {
                problems.push(Problem {
                    place: place.clone(),
                    message: format!("db_service.databases: {name:?} comes twice"),
                });
            }
        }
        if !problems.is_empty() {
            return Err(DocumentsError::Content(problems));
        }
        Ok(documents)
    }

    /// Leaves out the database documents that no entry of `resources` matches.
    fn pick(&self, documents: &mut Documents) {
        let Some(matchers) = &self.matchers else {
            return;
        };
        let left_out: Vec<String> = documents
            .databases
            .iter()
            .filter(|(_, database)| !matchers.iter().any(|m| m.matches(&database.labels)))
            .map(|(name, _)| name.clone())
            .collect();
        for name in left_out {
            Arc::make_mut(&mut documents.databases).remove(&name);
            let place = documents
                .place("db", &name)
                .map(|place| format!("{place}: "))
                .unwrap_or_default();
            documents.warnings.push(format!(
                "{place}db {name:?} is not served: no entry of db_service.resources matches its labels"
            ));
        }
    }
}
