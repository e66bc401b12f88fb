//! The embedded cluster's own program: what it prints, whom it lets in, how it ends.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::Value;

use crate::common::wait_for;

/// Longest time from a signal to the end of everything.
const END: Duration = Duration::from_secs(10);

/// A started program, ready or not.
struct Started {
    child: Child,
    out: BufReader<ChildStdout>,
    log: PathBuf,
}

/// How the program is started in place of plainly.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As {
    Myself,
    /// A user without any right; only root can.
    Nobody,
}

fn command(who: As, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if who == As::Nobody {
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    }
    command.args(["--pdeathsig", "TERM"]).arg(program);
    command
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_postern-cluster"))
}

fn start(who: As, program: &Path, cwd: &Path, args: &[&str]) -> Started {
    let log = cwd.join("stderr.txt");
    let mut child = command(who, program)
        .args(["demo", "--format", "json"])
        .args(args)
        .current_dir(cwd)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log).expect("a log"))
        .spawn()
        .expect("it starts");
    let out = BufReader::new(child.stdout.take().expect("a pipe"));
    Started { child, out, log }
}

impl Started {
    fn ready(&mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|e| {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            panic!("{e}: {line:?}\n{log}")
        })
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a signal");
    }

    /// The exit code and what else was printed.
    fn end(mut self) -> (Option<i32>, String) {
        let status = wait_for("the end", END, || self.child.try_wait().expect("a status"));
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("text");
        (status.code(), rest)
    }
}

/// One that does not get ready: its exit code and standard error; standard output stays empty.
fn refused(cwd: &Path, args: &[&str]) -> (Option<i32>, String) {
    let started = start(As::Myself, program(), cwd, args);
    let log = started.log.clone();
    let (code, out) = started.end();
    assert_eq!(out, "");
    (code, std::fs::read_to_string(log).expect("a log"))
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

fn psql(who: As, ready: &Value, sql: &str) -> Output {
    let pg = &ready["postgres"]["root"];
    command(who, Path::new("psql"))
        .args(["-XAtqw", "-d", "postgres", "-c", sql, "-h"])
        .arg(pg["host"].as_str().expect("host"))
        .args(["-p", &pg["port"].to_string(), "-U"])
        .arg(pg["superuser"].as_str().expect("superuser"))
        .current_dir("/")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").expect("PATH"))
        .output()
        .expect("psql runs")
}

fn answer(who: As, ready: &Value, sql: &str) -> String {
    let out = psql(who, ready, sql);
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout)
        .expect("text")
        .trim_end()
        .to_owned()
}

fn socket(ready: &Value) -> PathBuf {
    let pg = &ready["postgres"]["root"];
    Path::new(pg["host"].as_str().expect("host")).join(format!(".s.PGSQL.{}", pg["port"]))
}

fn server_is_gone(ready: &Value) {
    wait_for("PostgreSQL's end", END, || {
        std::os::unix::net::UnixStream::connect(socket(ready))
            .is_err()
            .then_some(())
    });
}

/// No file beside the data is open to others: a log, for one, quotes statements.
fn nothing_is_open_to_others(ready: &Value) {
    let host = Path::new(ready["postgres"]["root"]["host"].as_str().expect("host"));
    let mode = |path: &Path| {
        path.symlink_metadata()
            .expect("metadata")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(host), 0o700);
    for entry in std::fs::read_dir(host.parent().expect("a parent")).expect("a directory") {
        let path = entry.expect("an entry").path();
        assert_eq!(
            mode(&path) & 0o077,
            0,
            "{}: {:o}",
            path.display(),
            mode(&path)
        );
    }
}

fn temporary() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("pc")
        .tempdir()
        .expect("a directory")
}

#[test]
fn one_line_one_owner_and_a_clean_end() {
    let base = temporary();
    let mut first = start(
        As::Myself,
        program(),
        base.path(),
        &["--port", "0", "--dir", "a rel, dir"],
    );
    let ready = first.ready();
    assert_eq!(keys(&ready), ["ca_file", "postgres", "proxy", "users"]);
    assert_eq!(keys(&ready["postgres"]), ["leaf", "root"]);
    for cluster in ["leaf", "root"] {
        assert_eq!(
            keys(&ready["postgres"][cluster]),
            ["host", "port", "superuser"]
        );
    }
    let users = ready["users"].as_array().expect("users");
    assert!(
        users
            .iter()
            .all(|user| keys(user) == ["name", "password", "totp_key"])
    );
    let names: Vec<_> = users
        .iter()
        .map(|user| user["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["alice", "bob", "carol"]);
    let dir = base
        .path()
        .join("a rel, dir")
        .canonicalize()
        .expect("the state directory");
    assert_eq!(
        ready["ca_file"].as_str().map(Path::new),
        Some(dir.join("ca.pem").as_path())
    );
    for (path, mode) in [
        ("", 0o700),
        ("state.db", 0o600),
        ("credentials.json", 0o600),
        ("documents", 0o700),
    ] {
        let have = dir
            .join(path)
            .metadata()
            .expect("metadata")
            .permissions()
            .mode()
            & 0o777;
        assert_eq!(have, mode, "{path}");
    }

    assert_eq!(
        answer(As::Myself, &ready, "select current_user"),
        "postgres"
    );
    nothing_is_open_to_others(&ready);
    let port = ready["postgres"]["root"]["port"].to_string();
    let network = Command::new("psql")
        .args([
            "-XAtw",
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            "postgres",
            "-d",
            "postgres",
            "-c",
            "select 1",
        ])
        .output()
        .expect("psql runs");
    let stderr = String::from_utf8_lossy(&network.stderr);
    assert!(
        !network.status.success() && stderr.contains("client certificate"),
        "{stderr}"
    );
    if geteuid().is_root() {
        let out = psql(As::Nobody, &ready, "select 1");
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert!(
            !out.status.success() && stderr.contains("Permission denied"),
            "{stderr}"
        );
    }

    // The same directory, the same port, and another one of each.
    let side = temporary();
    let (code, stderr) = refused(
        side.path(),
        &["--port", "0", "--dir", dir.to_str().expect("text")],
    );
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("another cluster is running in this directory"),
        "{stderr}"
    );
    let taken = ready["proxy"]
        .as_str()
        .expect("proxy")
        .rsplit(':')
        .next()
        .expect("a port");
    let (code, stderr) = refused(side.path(), &["--port", taken, "--dir", "other"]);
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains(&format!("cannot listen on 127.0.0.1:{taken}"))
            && stderr.contains("--port 0"),
        "{stderr}"
    );
    let mut second = start(
        As::Myself,
        program(),
        side.path(),
        &["--port", "0", "--dir", "other"],
    );
    let other = second.ready();
    assert_ne!(other["postgres"], ready["postgres"]);
    assert_eq!(
        answer(As::Myself, &other, "select current_user"),
        "postgres"
    );
    second.signal(Signal::HUP);
    assert_eq!(second.end(), (Some(0), String::new()));
    server_is_gone(&other);

    first.signal(Signal::INT);
    assert_eq!(first.end(), (Some(0), String::new()));
    server_is_gone(&ready);

    // What it had is kept; a kill leaves nothing running; then it starts again, and ends with a session open.
    let again = ["--port", "0", "--dir", "a rel, dir"];
    let mut killed = start(As::Myself, program(), base.path(), &again);
    let kept = killed.ready();
    assert_eq!(
        (&kept["users"], &kept["postgres"]),
        (&ready["users"], &ready["postgres"])
    );
    killed.signal(Signal::KILL);
    assert_eq!(killed.end(), (None, String::new()));
    server_is_gone(&kept);
    let mut last = start(As::Myself, program(), base.path(), &again);
    let kept = last.ready();
    std::thread::scope(|scope| {
        let sleeping = scope.spawn(|| psql(As::Myself, &kept, "select pg_sleep(61)"));
        wait_for("the session", END, || {
            let sql = "select count(*) from pg_stat_activity where query = 'select pg_sleep(61)'";
            (answer(As::Myself, &kept, sql) == "1").then_some(())
        });
        last.signal(Signal::TERM);
        assert_eq!(last.end(), (Some(0), String::new()));
        assert!(!sleeping.join().expect("no panic").status.success());
    });
    server_is_gone(&kept);
}

/// Whoever started it is superuser without a password, root is too, others are not.
#[test]
fn a_user_without_rights_can_run_it() {
    let base = temporary();
    let copy = base.path().join("postern-cluster");
    std::fs::copy(program(), &copy).expect("a copy");
    let who = if geteuid().is_root() {
        for path in [base.path(), &copy] {
            std::os::unix::fs::chown(path, Some(65534), Some(65534)).expect("a chown");
        }
        As::Nobody
    } else {
        As::Myself
    };
    let dir = base.path().join("a,b c").to_str().expect("text").to_owned();
    let mut started = start(who, &copy, base.path(), &["--port", "0", "--dir", &dir]);
    let ready = started.ready();
    assert_eq!(answer(who, &ready, "select current_user"), "postgres");
    assert_eq!(
        answer(As::Myself, &ready, "select current_user"),
        "postgres"
    );
    nothing_is_open_to_others(&ready);
    started.signal(Signal::TERM);
    assert_eq!(started.end(), (Some(0), String::new()));
    server_is_gone(&ready);
}

/// The children of a process by name.
fn child_named(pid: u32, name: &str) -> Option<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    tasks.flatten().find_map(|task| {
        let children = std::fs::read_to_string(task.path().join("children")).ok()?;
        children.split_whitespace().find_map(|child| {
            let comm = std::fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
            (comm.trim_end() == name)
                .then(|| child.parse().ok())
                .flatten()
        })
    })
}

/// Whether a process has ended, with or without somebody having asked for its status.
fn has_ended(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| {
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with('Z'))
    })
}

#[test]
fn a_signal_during_the_start_ends_all_of_it() {
    let base = temporary();
    let args = ["--port", "0", "--dir", "state"];
    for (child, signal) in [
        ("initdb", Signal::INT),
        ("initdb", Signal::TERM),
        ("postgres", Signal::HUP),
        ("postgres", Signal::TERM),
    ] {
        let started = start(As::Myself, program(), base.path(), &args);
        let pid = started.child.id();
        let child = wait_for(child, Duration::from_secs(30), || child_named(pid, child));
        started.signal(signal);
        let (code, out) = started.end();
        // With luck it was ready already and stopped in order.
        if out.is_empty() {
            assert_eq!(code, Some(128 + signal.as_raw()));
        } else {
            assert_eq!(code, Some(0));
        }
        wait_for("the end of its child", END, || {
            has_ended(child).then_some(())
        });
    }
    let mut started = start(As::Myself, program(), base.path(), &args);
    let ready = started.ready();
    assert_eq!(answer(As::Myself, &ready, "select count(*) from t"), "1000");
    started.signal(Signal::INT);
    assert_eq!(started.end(), (Some(0), String::new()));
}

#[test]
fn a_bad_document_is_named_with_its_line() {
    let base = temporary();
    let documents = base.path().join("state/documents");
    std::fs::create_dir_all(&documents).expect("a directory");
    std::fs::write(
        documents.join("users.yaml"),
        "# people\nkind: user\nmetadata: {name: a}\nspec: {roles: [access]}\n---\nkind: user\nmetadata: {name: b}\nspec: {}\n",
    )
    .expect("a file");
    let (code, stderr) = refused(base.path(), &["--port", "0", "--dir", "state"]);
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("users.yaml:6: user \"b\": a user needs at least one role"),
        "{stderr}"
    );
}
