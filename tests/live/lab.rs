//! A real pair of clusters on loopback, and postern logged in to it.

#![expect(clippy::print_stderr, reason = "a skipped test is said, not hidden")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};

use serde_json::Value;

use super::way::Way;
use crate::common::demo::fresh_code;
use crate::common::psql::as_superuser;

/// The pair, what it says of itself, and the codes it has seen.
pub(super) struct Live {
    pub(super) env: Value,
    pub(super) home: tempfile::TempDir,
    pub(super) used: Mutex<Vec<String>>,
}

/// The running pair; none, said aloud, without `TELEPORT_BIN`.
pub(super) fn live() -> Option<&'static Live> {
    static LIVE: OnceLock<Option<Live>> = OnceLock::new();
    LIVE.get_or_init(|| pair("TELEPORT_BIN", "POSTERN_LAB", "3080"))
        .as_ref()
}

/// The running pair of Teleport 14; none, said aloud, without `TELEPORT14_BIN`.
pub(super) fn live14() -> Option<&'static Live> {
    static LIVE: OnceLock<Option<Live>> = OnceLock::new();
    LIVE.get_or_init(|| pair("TELEPORT14_BIN", "POSTERN_LAB14", "6680"))
        .as_ref()
}

/// The pair that runs in the directory that the variable `running` names, else one started at `port` with the programs that
/// the variable `programs` names.
fn pair(programs: &str, running: &str, port: &str) -> Option<Live> {
    let Some(bin) = std::env::var_os(programs) else {
        eprintln!("skipped: {programs} is unset");
        return None;
    };
    let dir = std::env::var_os(running).map_or_else(|| start_lab(&bin, port), PathBuf::from);
    let text = std::fs::read_to_string(dir.join("env.json")).expect("the lab's env.json");
    Some(Live {
        env: serde_json::from_str(&text).expect("JSON"),
        home: tempfile::Builder::new()
            .prefix("pl")
            .tempdir()
            .expect("a home"),
        used: Mutex::default(),
    })
}

/// Straight to the proxy, with the logins that all tests of this way share.
pub(super) fn plain() -> Option<&'static Way<'static>> {
    static PLAIN: OnceLock<Option<Way<'static>>> = OnceLock::new();
    let plain = PLAIN.get_or_init(|| {
        let way = Way::plain(live()?);
        for user in ["alice", "bob", "carol"] {
            way.log_in(user);
        }
        Some(way)
    });
    plain.as_ref()
}

/// The same for the pair of Teleport 14.
pub(super) fn plain14() -> Option<&'static Way<'static>> {
    static PLAIN: OnceLock<Option<Way<'static>>> = OnceLock::new();
    let plain = PLAIN.get_or_init(|| {
        let way = Way::plain(live14()?);
        for user in ["alice", "bob", "carol"] {
            way.log_in(user);
        }
        Some(way)
    });
    plain.as_ref()
}

/// Starts a pair that ends with this process, like the demo clusters.
fn start_lab(bin: &std::ffi::OsStr, port: &str) -> PathBuf {
    let script = std::env::var_os("POSTERN_LAB_SCRIPT").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/lab/lab.py"),
        PathBuf::from,
    );
    let dir = tempfile::Builder::new()
        .prefix("lab")
        .tempdir()
        .expect("a directory")
        .keep()
        .join("lab");
    let out = Command::new("python3")
        .arg(&script)
        .arg("up")
        .arg(&dir)
        .args(["--port", port])
        .env("TELEPORT_BIN", bin)
        .output()
        .expect("python3 runs");
    assert!(
        out.status.success(),
        "the lab does not start: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    // The processes of the lab are its own; a watcher stops them when this process is gone.
    let watcher = format!(
        "while kill -0 {} 2>/dev/null; do sleep 1; done; python3 \"$0\" down \"$1\"",
        std::process::id()
    );
    // setsid forks: the watcher outlives the program that is waited for.
    let started = Command::new("setsid")
        .args(["--fork", "sh", "-c", &watcher])
        .arg(&script)
        .arg(&dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("setsid runs");
    assert!(started.success(), "the watcher does not start");
    dir
}

impl Live {
    /// A code of this user that was not used yet.
    pub(super) fn code(&self, user: &str) -> String {
        let key = self.env["totp_key"].as_str().expect("totp_key");
        fresh_code(key, user, &self.used)
    }

    /// Runs SQL as the superuser of the root's or the leaf's PostgreSQL.
    pub(super) fn sql(&self, server: &str, sql: &str) -> String {
        as_superuser(&self.env["postgres"][server], "postgres", sql)
    }
}
