//! Dynamic labels: the cluster runs their commands, each in its own period, and what they print is the label's value
//! (rbac.md 3.1).
//!
//! A label counts from the first run on; until then, and for a document that brings one along, its written result counts.
//! Documents that are replaced keep the results of commands that stay the same.

mod command;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::documents::Documents;
use super::state::ClusterState;
use crate::rbac::database::DynamicLabel;

/// The shortest period; a shorter one, and none, count as this (asked on 18.3.0).
const SHORTEST: Duration = Duration::from_secs(1);
/// Commands that run at the same time.
const AT_ONCE: usize = 8;
/// Results that wait to be put into the documents.
const WAITING: usize = 256;
/// How long the start of a cluster waits for the first results.
const FIRST: Duration = Duration::from_secs(10);

/// A label of a database: names of both.
type Key = (String, String);

/// The commands of a cluster. Stop them with [`Labels::stop`]; dropped, they stop at once.
#[derive(Debug)]
pub struct Labels {
    stop: oneshot::Sender<()>,
    manager: JoinHandle<()>,
}

impl Labels {
    /// Runs every command of the documents once, as far as that takes no longer than ten seconds, and then each in its
    /// period.
    pub async fn start(state: &Arc<ClusterState>) -> Self {
        Self::start_within(state, FIRST).await
    }

    async fn start_within(state: &Arc<ClusterState>, first_results: Duration) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (first, ready) = oneshot::channel();
        let manager = tokio::spawn(Manager::new(Arc::clone(state), first).run(stopped));
        // Whoever starts the cluster shall find its labels; a slow command does not hold it up for long.
        let _ = timeout(first_results, ready).await;
        Self { stop, manager }
    }

    /// Stops the commands; those that run are killed.
    pub async fn stop(self) {
        // Ended already means stopped already.
        let _ = self.stop.send(());
        let _ = self.manager.await;
    }
}

struct Worker {
    label: DynamicLabel,
    task: AbortHandle,
}

struct Manager {
    state: Arc<ClusterState>,
    workers: BTreeMap<Key, Worker>,
    /// Dropped with the manager, and the commands with it.
    tasks: JoinSet<()>,
    turns: Arc<Semaphore>,
    give: mpsc::Sender<(Key, String)>,
    take: mpsc::Receiver<(Key, String)>,
    /// Told when every label of the first documents has a result.
    first: Option<oneshot::Sender<()>>,
    missing: BTreeSet<Key>,
}

impl Manager {
    fn new(state: Arc<ClusterState>, first: oneshot::Sender<()>) -> Self {
        let (give, take) = mpsc::channel(WAITING);
        Self {
            state,
            workers: BTreeMap::new(),
            tasks: JoinSet::new(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            give,
            take,
            first: Some(first),
            missing: BTreeSet::new(),
        }
    }

    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        let mut changes = self.state.changes();
        self.reconcile();
        self.missing = self.workers.keys().cloned().collect();
        self.tell_first();
        loop {
            let mut results = Vec::new();
            tokio::select! {
                // A dropped sender means the same as a message.
                _ = &mut stopped => break,
                changed = changes.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    self.reconcile();
                }
                _ = self.take.recv_many(&mut results, WAITING) => self.keep(results),
            }
        }
        self.tasks.shutdown().await;
    }

    /// Starts and stops commands so that those of the present documents run.
    fn reconcile(&mut self) {
        let documents = self.state.documents();
        let wanted: BTreeMap<Key, &DynamicLabel> = labels(&documents).collect();
        self.workers.retain(|key, worker| {
            let stays = wanted
                .get(key)
                .is_some_and(|label| same(label, &worker.label));
            if !stays {
                worker.task.abort();
            }
            stays
        });
        while self.tasks.try_join_next().is_some() {}
        for (key, label) in wanted {
            if self.workers.contains_key(&key) {
                continue;
            }
            let label = label.clone();
            let work = work(
                key.clone(),
                label.clone(),
                Arc::clone(&self.turns),
                self.give.clone(),
            );
            let task = self.tasks.spawn(work);
            self.workers.insert(key, Worker { label, task });
        }
    }

    fn keep(&mut self, results: Vec<(Key, String)>) {
        for (key, _) in &results {
            self.missing.remove(key);
        }
        self.state.set_label_results(results);
        self.tell_first();
    }

    fn tell_first(&mut self) {
        if self.missing.is_empty()
            && let Some(first) = self.first.take()
        {
            // Whoever waited may have given up.
            let _ = first.send(());
        }
    }
}

/// Runs one command again and again; tells the first result and every other one.
async fn work(
    key: Key,
    label: DynamicLabel,
    turns: Arc<Semaphore>,
    results: mpsc::Sender<(Key, String)>,
) {
    let period = Duration::from_nanos(u64::try_from(label.period).unwrap_or(0)).max(SHORTEST);
    let mut last = None;
    loop {
        let Ok(turn) = turns.acquire().await else {
            return;
        };
        let result = command::run(&label.command).await;
        drop(turn);
        if last.as_ref() != Some(&result) {
            last = Some(result.clone());
            if results.send((key.clone(), result)).await.is_err() {
                return;
            }
        }
        sleep(period).await;
    }
}

/// Every dynamic label with a command.
fn labels(documents: &Documents) -> impl Iterator<Item = (Key, &DynamicLabel)> {
    documents.databases.values().flat_map(|database| {
        database
            .dynamic_labels
            .iter()
            .filter(|(_, label)| !label.command.is_empty())
            .map(|(name, label)| ((database.name.clone(), name.clone()), label))
    })
}

fn same(a: &DynamicLabel, b: &DynamicLabel) -> bool {
    a.command == b.command && a.period == b.period
}

impl Documents {
    /// Takes over the results of labels whose commands are the same in `old`.
    pub(super) fn keep_label_results(&mut self, old: &Self) {
        // Nothing to do for most clusters, whose databases then stay shared.
        if labels(old).next().is_none() || labels(self).next().is_none() {
            return;
        }
        for (name, database) in Arc::make_mut(&mut self.databases) {
            let Some(before) = old.databases.get(name) else {
                continue;
            };
            for (name, label) in &mut database.dynamic_labels {
                if let Some(before) = before.dynamic_labels.get(name)
                    && same(label, before)
                {
                    label.result.clone_from(&before.result);
                }
            }
        }
    }

    /// Puts results into the labels that are still there.
    pub(super) fn set_label_results(&mut self, results: Vec<(Key, String)>) {
        let databases = Arc::make_mut(&mut self.databases);
        for ((database, label), result) in results {
            if let Some(label) = databases
                .get_mut(&database)
                .and_then(|d| d.dynamic_labels.get_mut(&label))
            {
                label.result = result;
            }
        }
    }
}
