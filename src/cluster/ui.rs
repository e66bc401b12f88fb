//! The only door to the terminal of the cluster's program: data on standard output, everything else on standard error.

use std::io::Write;
use std::sync::Arc;

/// Takes a line for whoever runs the cluster.
pub type Report = Arc<dyn Fn(&str) + Send + Sync>;

/// Writes one line to standard output and flushes it; a reader that has gone is no error.
pub fn data(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Writes one line to standard error.
pub fn note(line: &str) {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
