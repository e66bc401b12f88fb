//! The automatic user, seen from PostgreSQL's catalogue.

use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use crate::common::demo::Demo;
use crate::common::env::TestEnv;
use crate::common::ran::Ran;
use crate::common::wait_for;

const LOCKED: &str = "nologin|teleport-auto-user";

/// The state between sessions is reached, now or soon.
fn locked(demo: &Demo, user: &str) {
    becomes(demo, user, LOCKED);
}

/// tests/run says which PostgreSQL it means; the demo must have found that one.
#[test]
fn the_demo_runs_the_postgresql_that_is_to_be_tested() {
    let version = Demo::shared().sql("show server_version_num");
    let major = version[..version.len() - 4].to_owned();
    let wanted = std::env::var("POSTERN_TEST_POSTGRES").unwrap_or_else(|_| major.clone());
    assert_eq!(major, wanted);
}

#[test]
fn made_granted_stripped_and_locked() {
    let demo = Demo::start(&["--no-leaf", "--no-second-factor", "--no-audit"]);
    let demo: &'static Demo = Box::leak(Box::new(demo));
    let env = TestEnv::beside(demo);
    let input = format!("{}\n", demo.password("alice"));
    let (proxy, ca) = (demo.proxy(), demo.ca_file());
    let args = [
        "login",
        "--proxy",
        &proxy,
        "--user",
        "alice",
        "--ca-file",
        &ca,
        "--key-store",
        "file",
        "--password-stdin",
    ];
    let _ = env.run_with_input(&args, &input).ok();
    assert_eq!(demo.role("alice"), "", "no user before the first session");
    for _ in 0..2 {
        let args = [
            "db",
            "connect",
            "orders",
            "--",
            "-X",
            "-A",
            "-t",
            "-c",
            "select pg_sleep(65), 'held'",
        ];
        let child = env
            .postern(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let running = "select count(*) from pg_stat_activity where state = 'active' and query like 'select pg_sleep(65)%'";
        wait_for("the session", Duration::from_secs(10), || {
            (demo.sql(running) == "1").then_some(())
        });
        assert_eq!(demo.role("alice"), "login|reader,teleport-auto-user,writer");
        // The same roles join; others are refused and told why.
        let again = env.run(&[
            "db",
            "connect",
            "orders",
            "--db-roles",
            "writer,reader",
            "--",
            "-X",
            "-A",
            "-t",
            "-c",
            "select 7",
        ]);
        assert_eq!(again.ok().trim(), "7");
        let other = env.run(&[
            "db",
            "connect",
            "orders",
            "--db-roles",
            "reader",
            "--",
            "-X",
            "-c",
            "select 7",
        ]);
        let stderr = other.fails(2);
        assert!(stderr.contains("roles for user \"alice\" has changed. Please quit all active connections and try again."), "{stderr}");
        // A killed client: its query is cancelled, and the user does not stay enabled.
        rustix::process::kill_process(
            rustix::process::Pid::from_child(&child),
            rustix::process::Signal::TERM,
        )
        .expect("a signal");
        let _ = Ran::end_of(child);
        locked(demo, "alice");
        assert_eq!(demo.sql(running), "0");
    }
    // A killed service leaves the rest to its own stop; SIGTERM ends everything, PostgreSQL too.
    terminate(demo);
    assert!(
        !demo.dir.join("audit.jsonl").exists(),
        "no log was asked for"
    );
    // Started again on the same directory it knows its users and passwords.
    let again = Demo::start_in(&demo.dir, &["--no-leaf", "--no-second-factor"]);
    assert_eq!(again.password("alice"), demo.password("alice"));
    assert_eq!(again.role("alice"), LOCKED);
}

#[test]
fn an_unmanaged_user_of_the_same_name_aborts_and_changes_nothing() {
    let env = TestEnv::logged_in("carol");
    env.demo.sql("create role carol login createdb");
    let before = env
        .demo
        .sql("select r.* from pg_roles r where rolname = 'carol'");
    let stderr = env
        .run(&["db", "connect", "orders", "--", "-X", "-c", "select 1"])
        .fails(2);
    assert!(stderr.contains("user \"carol\" already exists in this PostgreSQL database and is not managed by Teleport"), "{stderr}");
    assert_eq!(
        env.demo
            .sql("select r.* from pg_roles r where rolname = 'carol'"),
        before
    );
    env.demo.sql("drop role carol");
    let out = env.run(&[
        "db",
        "connect",
        "orders",
        "--",
        "-X",
        "-A",
        "-t",
        "-c",
        "select current_user",
    ]);
    assert_eq!(out.ok().trim(), "carol");
    locked(env.demo, "carol");
}

/// A demo whose owner let users of the database scratch, where they are dropped when they own nothing, have the same roles as
/// in orders; and alice, logged in.
fn with_scratch() -> &'static TestEnv {
    static SHARED: OnceLock<TestEnv> = OnceLock::new();
    SHARED.get_or_init(|| {
        let first = Demo::start(&["--no-leaf", "--no-second-factor"]);
        terminate(&first);
        let documents = first.dir.join("documents");
        let roles = std::fs::read_to_string(documents.join("roles.yaml")).expect("roles");
        let (old, new) = ("db_roles: [writer]", "db_roles: [reader, writer]");
        assert!(roles.contains(old), "{roles}");
        std::fs::write(documents.join("roles.yaml"), roles.replace(old, new)).expect("roles");
        let demo = Box::leak(Box::new(Demo::start_in(
            &first.dir,
            &["--no-leaf", "--no-second-factor"],
        )));
        assert_eq!(demo.password("alice"), first.password("alice"));
        let env = TestEnv::beside(demo);
        let (proxy, ca) = (demo.proxy(), demo.ca_file());
        let flags = ["--ca-file", &ca, "--key-store", "file", "--password-stdin"];
        let args = [
            ["login", "--proxy", &proxy, "--user", "alice"].as_slice(),
            &flags,
        ]
        .concat();
        let _ = env
            .run_with_input(&args, &format!("{}\n", demo.password("alice")))
            .ok();
        env
    })
}

/// Ends a demo by SIGTERM.
fn terminate(demo: &Demo) {
    let pid = demo.child.lock().expect("no panic").id();
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(i32::try_from(pid).expect("small")).expect("a pid"),
        rustix::process::Signal::TERM,
    )
    .expect("a signal");
    wait_for("the cluster's end", Duration::from_secs(30), || {
        demo.child
            .lock()
            .expect("no panic")
            .try_wait()
            .expect("a status")
    });
}

fn becomes(demo: &Demo, user: &str, want: &str) {
    wait_for(
        &format!("the role {user} to be {want:?}"),
        Duration::from_secs(10),
        || (demo.role(user) == want).then_some(()),
    );
}

fn query(env: &TestEnv, database: &str, sql: &str) -> String {
    let args = [
        "db", "connect", database, "--", "-X", "-q", "-A", "-t", "-c", sql,
    ];
    env.run(&args).ok().trim().to_owned()
}

/// The audit log of a demo, an event a line.
fn audit(demo: &Demo) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(demo.dir.join("audit.jsonl")).expect("a log");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// The events of the last session that sent `sql`, as code and, of a deactivation, what it says of the user.
fn story(demo: &Demo, sql: &str) -> Vec<String> {
    let events = audit(demo);
    let sid = &events
        .iter()
        .rfind(|event| event["db_query"] == sql)
        .expect("the statement")["sid"];
    events
        .iter()
        .filter(|event| event["sid"] == *sid)
        .map(|event| match &event["delete"] {
            serde_json::Value::Null => event["code"].as_str().expect("text").to_owned(),
            gone => format!("{} {gone}", event["code"].as_str().expect("text")),
        })
        .collect()
}

/// Waits until the session that sent `sql` is recorded whole.
fn recorded(demo: &Demo, sql: &str, want: &[&str]) {
    wait_for(&format!("{want:?}"), Duration::from_secs(10), || {
        (story(demo, sql) == want).then_some(())
    });
}

#[test]
fn a_dropped_user_is_gone_or_disabled_when_it_owns_something() {
    let env = with_scratch();
    let demo = env.demo;
    let _guard = crate::common::exclusive("scratch");
    let listed = env.run(&["db", "ls", "-v", "--search", "scratch"]);
    let listed = listed.ok();
    for part in ["scratch", "dropped users", "reader", "writer", "alice"] {
        assert!(listed.contains(part), "no {part} in {listed}");
    }
    for _ in 0..2 {
        assert_eq!(query(env, "scratch", "select 'dropped'"), "dropped");
        becomes(demo, "alice", "");
        recorded(
            demo,
            "select 'dropped'",
            &["TDB08I", "TDB00I", "TDB02I", "TDB01I", "TDB09I true"],
        );
    }
    demo.sql("create schema lab; grant create, usage on schema lab to writer");
    query(env, "scratch", "create table lab.mine (i int)");
    becomes(demo, "alice", LOCKED);
    recorded(
        demo,
        "create table lab.mine (i int)",
        &["TDB08I", "TDB00I", "TDB02I", "TDB01I", "TDB09I false"],
    );
    let owner = "select tableowner from pg_tables where tablename = 'mine'";
    assert_eq!(demo.sql(owner), "alice");
    // The next session finds its table; without it the user goes.
    query(env, "scratch", "drop table lab.mine");
    becomes(demo, "alice", "");
    demo.sql("drop schema lab");
    let mode = std::fs::metadata(demo.dir.join("audit.jsonl")).expect("a log");
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777,
        0o600
    );
    let log = std::fs::read_to_string(demo.dir.join("audit.jsonl")).expect("a log");
    assert!(!log.contains(&demo.password("alice")));
}

#[test]
fn keep_and_drop_on_one_server_share_the_user_and_the_last_session_decides() {
    let env = with_scratch();
    let demo = env.demo;
    let _guard = crate::common::exclusive("scratch");
    for (held, brief, after) in [("orders", "scratch", LOCKED), ("scratch", "orders", "")] {
        let mut child = env
            .postern(&["db", "connect", held, "--", "-X", "-q", "-A", "-t"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let open = "select count(*) from pg_stat_activity where usename = 'alice'";
        wait_for("the session", Duration::from_secs(10), || {
            (demo.sql(open) == "1").then_some(())
        });
        assert_eq!(query(env, brief, "select 'joined'"), "joined");
        wait_for(
            "the end of the second session",
            Duration::from_secs(10),
            || (demo.sql(open) == "1").then_some(()),
        );
        // It ended first, so it says nothing of the user.
        recorded(
            demo,
            "select 'joined'",
            &["TDB08I", "TDB00I", "TDB02I", "TDB01I"],
        );
        assert_eq!(demo.role("alice"), "login|reader,teleport-auto-user,writer");
        drop(child.stdin.take());
        let _ = Ran::end_of(child).ok();
        becomes(demo, "alice", after);
    }
}
