//! What every whole-program test stands on: a running cluster, an empty home, and a look from the server's side.

pub(crate) mod behind;
pub(crate) mod demo;
pub(crate) mod env;
pub(crate) mod fed;
pub(crate) mod flights;
pub(crate) mod front;
pub(crate) mod github;
pub(crate) mod leaves;
pub(crate) mod middle;
pub(crate) mod oidc;
pub(crate) mod psql;
pub(crate) mod ran;
pub(crate) mod redshift_gateway;
pub(crate) mod server;
pub(crate) mod sso_web;
pub(crate) mod tls_connect;
pub(crate) mod tunnel;
pub(crate) mod warehouse;
pub(crate) mod world;

use std::time::{Duration, Instant};

/// Waits until `ready` answers, asking again every 20 ms.
///
/// Panics with `what` after `limit`: a condition that never comes true is a failure, not a reason to wait longer.
pub(crate) fn wait_for<T>(what: &str, limit: Duration, mut ready: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(Instant::now() < end, "gave up waiting for {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// The first line that a program prints; empty when none comes within 90 s.
pub(crate) fn first_line(out: impl std::io::Read + Send + 'static) -> String {
    use std::io::BufRead;
    let (give, take) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = std::io::BufReader::new(out).read_line(&mut line);
        let _ = give.send(line);
    });
    take.recv_timeout(Duration::from_secs(90))
        .unwrap_or_default()
}

/// One automatic user has one set of roles at a time, so tests that choose roles for the same user take turns.
pub(crate) fn exclusive(user: &str) -> std::sync::MutexGuard<'static, ()> {
    use std::collections::HashMap;
    use std::sync::{Mutex, OnceLock, PoisonError};
    static LOCKS: OnceLock<Mutex<HashMap<String, &'static Mutex<()>>>> = OnceLock::new();
    let lock = *LOCKS
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(user.to_owned())
        .or_insert_with(|| Box::leak(Box::default()));
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The only child of a process.
pub(crate) fn child_of(pid: u32) -> u32 {
    wait_for("a child process", Duration::from_secs(5), || {
        let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    })
}
