//! The audit log: one JSON object a line, with Teleport's event names, codes and fields (db-service.md 2.10).
//!
//! | file | holds |
//! |---|---|
//! | `session` | the events of one database session |
//! | `login` | the event of a login |
//! | `event` | what an event says, in Teleport's order of fields |
//! | `statements` | statements found in what a client sends |
//! | `mask` | passwords in statements made unreadable |
//! | `writer` | the file: its thread, its rotation, its troubles |
//!
//! A session hands events over and goes on; a thread writes them. What cannot be written (a full disk, a queue that is
//! full because the disk is slow) is counted and reported, and no session waits for it. Beyond Teleport the record of a
//! deactivation is true: `delete` says whether the user is gone, `success` whether it lost everything it had.

mod event;
mod login;
mod mask;
mod session;
mod statements;
#[cfg(test)]
mod tests;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use login::Login;
use login::LoginEvent;
pub use session::{Opened, SessionLog, Tap};
use writer::{Entry, Queue};

use super::clock::Clock;
use super::ui::Report;

/// Name of the file in the state directory; older ones are `audit.jsonl.1` (the youngest of them) and so on.
pub const FILE_NAME: &str = "audit.jsonl";
/// Size at which a new file is begun, bytes.
pub const MAX_SIZE: u64 = 16 << 20;
/// Older files that are kept.
pub const MAX_OLD: usize = 4;

/// How a log is kept.
pub struct Setup {
    /// The file.
    pub path: PathBuf,
    /// Size at which a new file is begun, bytes.
    pub max_size: u64,
    /// Older files that are kept.
    pub max_old: usize,
    /// Name of the cluster.
    pub cluster: String,
    /// UUID of the host.
    pub server_id: String,
    /// The time.
    pub clock: Clock,
    /// Takes lines for whoever runs the cluster.
    pub report: Report,
}

/// The audit log of a cluster, or none.
#[derive(Clone, Default)]
pub struct Audit(Option<Arc<Log>>);

struct Log {
    cluster: String,
    server_id: String,
    clock: Clock,
    queue: Queue,
}

impl std::fmt::Debug for Audit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Audit").field(&self.0.is_some()).finish()
    }
}

impl Audit {
    /// No log: nothing is looked at, nothing written.
    #[must_use]
    pub fn off() -> Self {
        Self::default()
    }

    /// A log in a file, which is made (0600) when the first event is written. A file that cannot be written is reported
    /// then; it is no error here.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn to_file(setup: Setup) -> std::io::Result<Self> {
        let Setup {
            path,
            max_size,
            max_old,
            cluster,
            server_id,
            clock,
            report,
        } = setup;
        let file = writer::Rotating::new(path, max_size, max_old);
        Ok(Self(Some(Arc::new(Log {
            cluster,
            server_id,
            clock,
            queue: Queue::start(file, report)?,
        }))))
    }

    /// Unix milliseconds by the log's clock; `None` when there is no log.
    #[must_use]
    pub fn now_ms(&self) -> Option<i64> {
        self.0.as_ref().map(|log| (log.clock)())
    }

    /// The log of one session; `None` when there is none.
    #[must_use]
    pub fn session(&self, opened: Opened<'_>) -> Option<Arc<SessionLog>> {
        let log = Arc::clone(self.0.as_ref()?);
        Some(Arc::new(SessionLog::new(log, opened)))
    }

    /// Records a login.
    pub fn login(&self, login: Login) {
        let Some(log) = &self.0 else { return };
        log.queue.put(Entry::Login(Box::new(LoginEvent {
            login,
            cluster: log.cluster.clone(),
            time: (log.clock)(),
        })));
    }

    /// Events that could not be written, from the start.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.0.as_ref().map_or(0, |log| log.queue.missing())
    }

    /// Waits until everything handed over so far is written or given up. False when that is not done after `limit`.
    pub async fn flush(&self, limit: Duration) -> bool {
        match &self.0 {
            Some(log) => log.queue.flush(limit).await,
            None => true,
        }
    }
}
