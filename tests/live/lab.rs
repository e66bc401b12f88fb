//! A real pair of clusters on loopback, and postern logged in to it.

#![expect(clippy::print_stderr, reason = "a skipped test is said, not hidden")]

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

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
    let dir = std::env::var_os(running).map_or_else(|| start_lab(&bin, &[], port), PathBuf::from);
    Some(in_directory(&dir))
}

/// A pair of its own for somebody who needs other settings, on free ports from a first one on, which `settings` is told:
/// the web ports of root and leaf are the first one and the 1000th after it, [`OTHER_PORTS`] after the first one are free for
/// the settings, which `lab_with.py` explains. None, said aloud, without `TELEPORT_BIN`.
pub(super) fn own(settings: impl FnOnce(u16) -> Value) -> Option<(Live, u16)> {
    static NEXT: Mutex<Option<u16>> = Mutex::new(None);
    let Some(bin) = std::env::var_os("TELEPORT_BIN") else {
        eprintln!("skipped: TELEPORT_BIN is unset");
        return None;
    };
    // One pair starts at a time; those of other processes begin to look elsewhere.
    let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
    let mine = 10_000 + u16::try_from(std::process::id() % 150).expect("small") * 100;
    let base = free_ports(next.unwrap_or(mine));
    *next = Some(base + 100);
    let settings = settings(base).to_string();
    let with = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/lab_with.py");
    let before = [
        with.as_os_str(),
        lab_script().as_os_str(),
        settings.as_ref(),
    ]
    .map(OsStr::to_os_string);
    let dir = start_lab(&bin, &before, &base.to_string());
    Some((in_directory(&dir), base))
}

/// Ports after the first one of a pair of [`own`] that are free for its settings.
pub(super) const OTHER_PORTS: std::ops::RangeInclusive<u16> = 3..=9;

/// The first port of a pair: it and all others that go with it are free. Below those that the system gives out.
fn free_ports(from: u16) -> u16 {
    let others = [0, 1, 1000, 1001, 2360, 2361];
    let mut candidates = (from..28_000).step_by(100);
    let free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    candidates
        .find(|base| {
            others
                .into_iter()
                .chain(OTHER_PORTS)
                .all(|more| free(base + more))
        })
        .expect("free ports")
}

fn in_directory(dir: &Path) -> Live {
    let text = std::fs::read_to_string(dir.join("env.json")).expect("the lab's env.json");
    Live {
        env: serde_json::from_str(&text).expect("JSON"),
        home: tempfile::Builder::new()
            .prefix("pl")
            .tempdir()
            .expect("a home"),
        used: Mutex::default(),
    }
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

/// The script that starts pairs.
fn lab_script() -> PathBuf {
    std::env::var_os("POSTERN_LAB_SCRIPT").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/lab/lab.py"),
        PathBuf::from,
    )
}

/// Starts a pair that ends with this process, like the demo clusters. `before` is a program and its arguments that run the
/// script, if not python3 does so alone.
fn start_lab(bin: &OsStr, before: &[OsString], port: &str) -> PathBuf {
    let script = lab_script();
    let dir = tempfile::Builder::new()
        .prefix("lab")
        .tempdir()
        .expect("a directory")
        .keep()
        .join("lab");
    let alone = [script.clone().into_os_string()];
    let out = Command::new("python3")
        .args(if before.is_empty() { &alone } else { before })
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
        "while kill -0 {} 2>/dev/null; do sleep 1; done; python3 \"$0\" down \"$1\"; sleep 20; rm -rf \"$(dirname \"$1\")\"",
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
