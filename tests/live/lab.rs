//! A real pair of clusters on loopback, and postern logged in to it.

#![expect(clippy::print_stderr, reason = "a skipped test is said, not hidden")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};

use serde_json::Value;

use crate::common::demo::fresh_code;
use crate::common::psql::as_superuser;
use crate::common::ran::Ran;

pub(super) struct Live {
    pub(super) dir: PathBuf,
    pub(super) env: Value,
    pub(super) home: tempfile::TempDir,
    pub(super) used: Mutex<Vec<String>>,
}

/// The running pair, with alice and carol logged in; none without `TELEPORT_BIN`.
pub(super) fn live() -> Option<&'static Live> {
    static LIVE: OnceLock<Option<Live>> = OnceLock::new();
    let live = LIVE.get_or_init(|| {
        std::env::var_os("TELEPORT_BIN")?;
        let dir = std::env::var_os("POSTERN_LAB").map_or_else(start_lab, PathBuf::from);
        let text = std::fs::read_to_string(dir.join("env.json")).expect("the lab's env.json");
        let live = Live {
            dir,
            env: serde_json::from_str(&text).expect("JSON"),
            home: tempfile::Builder::new()
                .prefix("pl")
                .tempdir()
                .expect("a home"),
            used: Mutex::default(),
        };
        for user in ["alice", "carol"] {
            let out = live.log_in(user);
            assert_eq!(out.code, 0, "login of {user}: {out}");
        }
        Some(live)
    });
    if live.is_none() {
        eprintln!("skipped: TELEPORT_BIN is unset");
    }
    live.as_ref()
}

/// Starts a pair that ends with this process, like the demo clusters.
fn start_lab() -> PathBuf {
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
    pub(super) fn home_of(&self, user: &str) -> PathBuf {
        self.home.path().join(user)
    }

    pub(super) fn code(&self, user: &str) -> String {
        let key = self.env["totp_key"].as_str().expect("totp_key");
        fresh_code(key, user, &self.used)
    }

    pub(super) fn postern(&self, user: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("POSTERN_HOME", self.home_of(user))
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    pub(super) fn run(&self, user: &str, args: &[&str]) -> Ran {
        self.postern(user, args)
            .output()
            .expect("postern runs")
            .into()
    }

    pub(super) fn login(&self, user: &str, password: &str, code: &str) -> Ran {
        use std::io::Write;
        let proxy = self.env["proxy"].as_str().expect("proxy");
        let ca = self.env["ca_file"].as_str().expect("ca_file");
        let mut child = self
            .postern(
                user,
                &[
                    "login",
                    "--proxy",
                    proxy,
                    "--user",
                    user,
                    "--ca-file",
                    ca,
                    "--password-stdin",
                    "--key-store",
                    "file",
                    "--force",
                ],
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("postern starts");
        let _ = write!(child.stdin.take().expect("a pipe"), "{password}\n{code}\n");
        child.wait_with_output().expect("postern ends").into()
    }

    /// Logs in with a good code. A pair that runs longer than this process may have seen some of our codes already, from
    /// an earlier run in the same half minute: then the next one.
    pub(super) fn log_in(&self, user: &str) -> Ran {
        let password = self.env["password"].as_str().expect("password");
        let mut out = self.login(user, password, &self.code(user));
        for _ in 0..2 {
            if !out.stderr.contains("second factor") {
                break;
            }
            out = self.login(user, password, &self.code(user));
        }
        out
    }

    pub(super) fn sql(&self, server: &str, sql: &str) -> String {
        as_superuser(&self.env["postgres"][server], "postgres", sql)
    }
}
