//! Clocks that do not agree: the failure says by how much, on every way to a database.

#![expect(clippy::print_stderr, reason = "a skipped test is said, not hidden")]

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::common::demo::Demo;
use crate::common::env::TestEnv;
use crate::common::ran::Ran;
use crate::common::server::Server;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// libfaketime, which shows a program another time; without it the test is skipped.
fn faketime() -> Option<PathBuf> {
    let found = std::fs::read_dir("/usr/lib")
        .ok()?
        .flatten()
        .find_map(|entry| {
            let path = entry.path().join("faketime/libfaketime.so.1");
            path.exists().then_some(path)
        });
    if found.is_none() {
        eprintln!("skipped: faketime is not installed");
    }
    found
}

/// Shows a program a clock that is off by so many seconds.
fn off<'a>(command: &'a mut Command, library: &Path, seconds: i64) -> &'a mut Command {
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME", format!("{seconds:+}"))
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
}

/// A failure because of the clock: it says so with the size, where it happened, and what to do.
#[track_caller]
fn blames_the_clock(error: &Value, size: &str, hop: &str) {
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains(size), "{size:?} in {error}");
    assert_eq!(error["hop"], hop, "{error}");
    let hint = error["hint"].as_str().expect("a hint");
    assert!(hint.contains("timedatectl"), "{error}");
}

/// Logs alice in with a clock that is off, giving `input` on standard input.
fn login(env: &TestEnv, library: &Path, seconds: i64, input: &str, more: &[&str]) -> Ran {
    use std::io::Write;
    use std::process::Stdio;
    let (proxy, ca) = (env.demo.proxy(), env.demo.ca_file());
    let mut command = env.postern(&["login", "--force", "--proxy", &proxy, "--user", "alice"]);
    command.args(["--ca-file", &ca, "--key-store", "file", "--password-stdin"]);
    command.args(["--format", "json"]).args(more);
    let mut child = off(&mut command, library, seconds)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // It may fail before it reads.
    let _ = child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(input.as_bytes());
    Ran::end_of(child)
}

#[test]
fn a_login_with_a_wrong_clock_names_the_size() {
    let Some(library) = faketime() else {
        return;
    };
    let env = TestEnv::new();
    let password = format!("{}\n", env.demo.password("alice"));
    let hop = format!("proxy {}", env.demo.proxy());
    let behind = 90 * 60 + 30;
    // The proxy's certificate is not valid yet, or no longer.
    let error = login(&env, &library, -behind, &password, &[]).json_error(15);
    blames_the_clock(
        &error,
        "by this computer's clock, which is 90 min behind the proxy's",
        &hop,
    );
    let error = login(&env, &library, 1000 * DAY + HOUR, &password, &[]).json_error(15);
    blames_the_clock(
        &error,
        "by this computer's clock, which is 1000 days ahead of the proxy's",
        &hop,
    );
    // Where nobody looks at that certificate, the one that is issued is of no use.
    let error = login(&env, &library, -behind, &password, &["--insecure"]).fails(15);
    let error = serde_json::from_str(error.lines().last().expect("a line")).expect("JSON");
    blames_the_clock(
        &error,
        "the clock of this computer is 90 min behind the cluster's",
        "this computer",
    );
    // A clock that is a little off does no harm: from a minute on it is said, below nothing.
    let ahead = login(&env, &library, 5 * 60 + 30, &password, &[]);
    assert!(
        ahead
            .stderr
            .contains("the clock of this computer is 5 min ahead of the cluster's"),
        "{ahead}"
    );
    let _ = ahead.ok();
    for little in [-40, 40] {
        let out = login(&env, &library, little, &password, &[]);
        assert!(!out.stderr.contains("clock"), "{out}");
        let _ = out.ok();
    }
    // A clock that was set back after the login.
    let mut list = env.postern(&["db", "ls", "--format", "json"]);
    let error = Ran::of(off(&mut list, &library, -behind)).json_error(10);
    blames_the_clock(&error, "is behind by at least that", "this computer");
}

#[test]
fn a_code_made_by_a_wrong_clock_is_told_apart_from_a_mistyped_one() {
    let Some(library) = faketime() else {
        return;
    };
    let env = TestEnv::beside(Demo::with_codes());
    let input = format!("{}\n000000\n", env.demo.password("bob"));
    let typed = |seconds| {
        let out = login(&env, &library, seconds, &input, &["--user", "bob"]);
        let lines = out.fails(1);
        serde_json::from_str::<Value>(lines.lines().last().expect("a line")).expect("JSON")
    };
    let hint = typed(4 * 60 + 30)["hint"].to_string();
    assert!(
        hint.contains("the clock of this computer is 4 min ahead of the proxy's: codes that are made on this computer are wrong"),
        "{hint}"
    );
    let hint = typed(0)["hint"].to_string();
    assert!(!hint.contains("clock of this computer"), "{hint}");
}

/// The other way round: the cluster starts again in another time, and the client's login is from before.
#[test]
fn each_hop_names_the_size() {
    let Some(library) = faketime() else {
        return;
    };
    let mut server = Server::new("authentication: {second_factor: off}\n");
    server.start();
    let listen = server.status()["listen"]
        .as_str()
        .expect("an address")
        .to_owned();
    server.reconfigure("127.0.0.1:0", &listen);
    let _ = server.run_with_password(&["users", "add", "alice"]).ok();
    let _ = server.login("alice", None).ok();
    let hop = format!(
        "proxy {}",
        server.status()["public_addr"].as_str().expect("an address")
    );
    let connect = [
        "db",
        "connect",
        "orders",
        "--db-name",
        "postgres",
        "--format",
        "json",
        "--",
        "-c",
        "select 1",
    ];
    // Leaves a certificate for the database behind.
    let out = Ran::of(&mut server.client(&connect));
    assert!(out.stderr.contains("connection refused"), "{out}");
    let restart = |server: &mut Server, seconds: i64| {
        assert_eq!(server.end(Signal::TERM), Some(0));
        let seconds = format!("{seconds:+}");
        server.start_with(&[
            ("LD_PRELOAD", library.as_path()),
            ("FAKETIME", Path::new(&seconds)),
            ("FAKETIME_DONT_FAKE_MONOTONIC", Path::new("1")),
        ]);
    };

    restart(&mut server, 3 * HOUR + 600);
    // The auth service.
    let error = Ran::of(&mut server.client(&["db", "ls", "--format", "json"])).json_error(15);
    blames_the_clock(
        &error,
        "by this computer's clock, which is 3 h behind the proxy's",
        &hop,
    );
    // The way to the database, with the kept certificate.
    let out = Ran::of(&mut server.client(&connect));
    assert_ne!(out.code, 0, "{out}");
    assert!(
        out.stderr.contains("which is 3 h behind the proxy's"),
        "{out}"
    );
    assert!(out.stderr.contains("timedatectl"), "{out}");

    drop(server);
}

/// A login that is over by the cluster's clock and not by this computer's, whose clock is behind.
#[test]
fn a_login_that_only_the_cluster_calls_expired_blames_the_clock() {
    let Some(library) = faketime() else {
        return;
    };
    let mut server = Server::new("authentication: {second_factor: off}\n");
    let time = server.path("time");
    std::fs::write(&time, "+0\n").expect("a file");
    server.start_with(&[
        ("LD_PRELOAD", library.as_path()),
        ("FAKETIME_TIMESTAMP_FILE", time.as_path()),
        ("FAKETIME_NO_CACHE", Path::new("1")),
        ("FAKETIME_DONT_FAKE_MONOTONIC", Path::new("1")),
    ]);
    let _ = server.run_with_password(&["users", "add", "alice"]).ok();
    let _ = server.login("alice", None).ok();
    let list = ["db", "ls", "--format", "json"];
    let _ = Ran::of(&mut server.client(&list)).ok();
    std::fs::write(&time, format!("{:+}\n", 20 * HOUR + 600)).expect("a file");
    let error = Ran::of(&mut server.client(&list)).json_error(10);
    // What stands before it depends on whether the alert of TLS arrives before the end of the connection.
    blames_the_clock(
        &error,
        "; the clock of this computer is 20 h behind the proxy's",
        "auth service of cluster root",
    );
    drop(server);
}
