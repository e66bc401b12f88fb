//! What all connections of a tunnel have in common.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::{Options, Report, Upstream};

/// How long the same note stays unsaid.
const NOTE_PAUSE: Duration = Duration::from_secs(10);

/// How many are told at a time that they are not served; more are closed without a word.
const MOST_STRANGERS: usize = 8;

/// What all connections of a tunnel share.
pub(super) struct Shared {
    pub(super) upstream: Arc<dyn Upstream>,
    pub(super) options: Options,
    pub(super) sessions: Semaphore,
    /// Places for those that are not served, while they are told so.
    pub(super) strangers: Semaphore,
    report: Mutex<Report>,
    last_note: Mutex<Option<(String, Instant)>>,
}

impl Shared {
    pub(super) fn new(upstream: Arc<dyn Upstream>, options: Options) -> Self {
        Self {
            upstream,
            sessions: Semaphore::new(options.max_sessions.min(Semaphore::MAX_PERMITS)),
            strangers: Semaphore::new(MOST_STRANGERS),
            options,
            report: Mutex::default(),
            last_note: Mutex::default(),
        }
    }

    /// Changes the report.
    pub(super) fn count(&self, change: impl FnOnce(&mut Report)) {
        change(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Returns the report as it stands.
    pub(super) fn report(&self) -> Report {
        *self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes a note on, unless the same was said a moment ago: clients with connection pools fail in herds.
    pub(super) fn note(&self, text: &str) {
        let now = Instant::now();
        {
            let mut last = self
                .last_note
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if last
                .as_ref()
                .is_some_and(|(said, at)| said == text && now < *at + NOTE_PAUSE)
            {
                return;
            }
            *last = Some((text.to_owned(), now));
        }
        (self.options.note)(text);
    }
}
