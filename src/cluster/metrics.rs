//! Figures of a running cluster, counted from its start.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts one more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The number.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is counted where it happens.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Logins that gave a certificate.
    pub logins: Counter,
    /// Login requests that were refused, whatever the step and the reason.
    pub refused_logins: Counter,
    /// Connections to the port.
    pub connections: Counter,
    /// Connections that were closed at once because too many were open.
    pub refused_connections: Counter,
    /// Documents put in force after a change.
    pub reloads: Counter,
    /// Changes of documents that were not taken.
    pub failed_reloads: Counter,
}
