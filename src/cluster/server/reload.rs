//! Documents that change while the cluster runs. A bad one changes nothing: the former ones stay in force, and whoever runs
//! the cluster is told file, line and reason.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::Source;
use super::watch::Fingerprint;
use crate::cluster::config::{Config, Fixed};
use crate::cluster::documents::Documents;
use crate::cluster::state::ClusterState;

/// How often files are looked at. Their times are polled: the kernel's notices miss the swapped symbolic links of
/// containers and files on network mounts, and a directory of documents is a handful of files.
const INTERVAL: Duration = Duration::from_secs(1);

/// How the last reading of the files went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// When the documents in force were read, unix seconds.
    pub(super) loaded_at: i64,
    /// Why newer ones are not in force: `file:line: reason`, a line for each mistake.
    pub(super) error: Option<String>,
    /// What was read but does not count.
    pub(super) warnings: Vec<String>,
}

/// Reads documents again and puts them in force.
pub(super) struct Reloader {
    state: Arc<ClusterState>,
    inner: Mutex<Inner>,
}

struct Inner {
    source: Option<Source>,
    /// The configuration and what in it cannot change.
    config: Option<(PathBuf, Fixed)>,
    /// What the files said last, the users of the state left out.
    base: Documents,
    outcome: Outcome,
}

impl Reloader {
    pub(super) fn new(
        state: Arc<ClusterState>,
        source: Option<Source>,
        config: Option<(PathBuf, Fixed)>,
        base: Documents,
    ) -> Arc<Self> {
        let outcome = Outcome {
            loaded_at: state.now(),
            error: None,
            warnings: state.documents().warnings.clone(),
        };
        Arc::new(Self {
            state,
            inner: Mutex::new(Inner {
                source,
                config,
                base,
                outcome,
            }),
        })
    }

    pub(super) fn outcome(&self) -> Outcome {
        self.lock().outcome.clone()
    }

    /// Reads configuration, documents and state again. Blocks for a moment.
    ///
    /// # Errors
    /// Why the former documents stay in force.
    pub(super) fn reload(&self) -> Result<(), String> {
        let mut inner = self.lock();
        let read = Self::read(&mut inner, &self.state).and_then(|()| self.publish(&mut inner));
        let metrics = self.state.metrics();
        match &read {
            Ok(()) => {
                metrics.reloads.add();
                inner.outcome.loaded_at = self.state.now();
                let new: Vec<String> = self
                    .state
                    .documents()
                    .warnings
                    .iter()
                    .filter(|warning| !inner.outcome.warnings.contains(warning))
                    .cloned()
                    .collect();
                inner
                    .outcome
                    .warnings
                    .clone_from(&self.state.documents().warnings);
                let documents = self.state.documents();
                self.state.report(&format!(
                    "documents read again: {} roles, {} users, {} databases",
                    documents.roles.len(),
                    documents.users.len(),
                    documents.databases.len()
                ));
                for warning in new {
                    self.state.report(&format!("warning: {warning}"));
                }
            }
            Err(error) => {
                metrics.failed_reloads.add();
                for line in error.lines() {
                    self.state.report(&format!("error: {line}"));
                }
                self.state.report("the former documents stay in force");
            }
        }
        inner.outcome.error = read.as_ref().err().cloned();
        read
    }

    /// Takes over users and locks that another process changed in the state.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub(super) fn refresh(&self) -> Result<(), String> {
        self.state.reload_locks().map_err(|e| e.to_string())?;
        let sso = self.state.sso();
        sso.users().reload().map_err(|e| e.to_string())?;
        self.publish(&mut self.lock())
    }

    fn read(inner: &mut Inner, state: &ClusterState) -> Result<(), String> {
        if let Some((path, fixed)) = &inner.config {
            let config = Config::load(path).map_err(|e| e.to_string())?;
            if config.fixed != *fixed {
                state.report(&format!(
                    "warning: {}: names, addresses, directories and files count from the next start on",
                    path.display()
                ));
            }
            inner.source = Some(Source::from(&config));
        }
        if let Some(source) = &inner.source {
            inner.base = source.load().map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    fn publish(&self, inner: &mut Inner) -> Result<(), String> {
        let users = self.state.store().users().map_err(|e| e.to_string())?;
        let mut documents = inner.base.clone();
        documents.add_users(users.into_iter().map(|stored| stored.user));
        self.state.replace_documents(documents);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fingerprint(&self) -> Fingerprint {
        let inner = self.lock();
        let config = inner.config.as_ref().map(|(path, _)| path.as_path());
        let directory = inner
            .source
            .as_ref()
            .map(|source| source.directory.as_path());
        Fingerprint::of(config, directory)
    }

    /// Reads again whenever files have changed and come to rest, so that half a copy is not taken for the whole.
    pub(super) async fn watch(self: Arc<Self>) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut read = self.fingerprint();
        let mut seen = read.clone();
        loop {
            ticks.tick().await;
            let now = self.fingerprint();
            if now == seen && now != read {
                read = now.clone();
                let reloader = Arc::clone(&self);
                // What went wrong is reported there.
                let _ = tokio::task::spawn_blocking(move || reloader.reload()).await;
            }
            seen = now;
        }
    }
}
