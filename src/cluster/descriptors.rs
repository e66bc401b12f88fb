//! How many files a process may have open: each database session takes two connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit as far as the system lets everybody. Most systems start programs with 1024, for the sake of old ones
/// that use `select`.
pub fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Where that is refused, the former limit serves too; it bounds the sessions.
    let _ = setrlimit(Resource::Nofile, raised);
}
