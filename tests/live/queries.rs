//! `db ps`, `db cancel`, `db ping` and `--stdio` on the real pair.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio_postgres::NoTls;

use super::lab::plain;
use super::way::Way;
use crate::common::fed::Fed;
use crate::common::ran::Ran;
use crate::common::wait_for;

const SOON: Duration = Duration::from_secs(60);

/// An open psql of alice and its process. Others' sessions of hers with other roles may be in the way for a while.
fn connected(way: &Way<'_>, args: &[&str]) -> (Fed, String) {
    let mut all = vec!["db", "connect"];
    all.extend(args);
    all.extend(["--", "-XAtq"]);
    let end = Instant::now() + 2 * SOON;
    loop {
        let mut psql = Fed::start(way.postern("alice", &all));
        match psql.pid() {
            Ok(pid) => return (psql, pid),
            Err(said) => assert!(Instant::now() < end, "no session: {said:?}"),
        }
    }
}

/// A provisioned user's query is cancelled from another session, then its session ended; the user stays in service while the
/// other one lives.
fn stop(server: &str, database: &[&str], user: &str) {
    let Some(way) = plain() else { return };
    let _guard = crate::common::exclusive(&format!("live {user}"));
    let (mut a, pid) = connected(way, database);
    let mut watch = vec!["db", "ps", "--watch", "--interval=0.2", "--format=json"];
    watch.extend(database);
    let mut b = way
        .postern("alice", &watch)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("postern starts");
    let mut looks = BufReader::new(b.stdout.take().expect("a pipe")).lines();
    let number: i64 = pid.parse().expect("a number");
    let mut until = |what: &str, wanted: &dyn Fn(Option<&Value>) -> bool| {
        for _ in 0..300 {
            let line = looks.next().expect("B goes on").expect("a line");
            let look: Value = serde_json::from_str(&line).expect("one object a line");
            let sessions = look["sessions"].as_array().expect("a list");
            let row = sessions.iter().find(|row| row["pid"] == number);
            if wanted(row) {
                return;
            }
        }
        panic!("B never saw {what}");
    };
    let cancel = |more: &[&str]| {
        let mut args = vec!["db", "cancel", "--format=json"];
        args.extend(database);
        args.push(&pid);
        args.extend(more);
        way.run("alice", &args).json()
    };
    a.say("select pg_sleep(600), 'live first';");
    until("A busy", &|row| {
        row.is_some_and(|row| row["state"] == "active" && row["user"] == user)
    });
    assert_eq!(cancel(&[])["outcome"], "stopped");
    a.hears("canceling statement due to user request");
    a.say("select 'A goes ' || 'on';");
    a.hears("A goes on");
    a.say("select pg_sleep(600), 'live second';");
    until("A busy again", &|row| {
        row.is_some_and(|row| row["state"] == "active")
    });
    let ended = cancel(&["--force"]);
    assert_eq!(
        (&ended["outcome"], &ended["forced"]),
        (&"stopped".into(), &true.into())
    );
    a.hears("terminating connection due to administrator command");
    until("A gone", &|row| row.is_none());
    let login = || {
        way.live.sql(
            server,
            &format!("select rolcanlogin from pg_roles where rolname = '{user}'"),
        )
    };
    assert_eq!(login(), "t", "B lives");
    kill_process(Pid::from_child(&b), Signal::INT).expect("a signal");
    drop(looks);
    let ended = Ran::end_of(b);
    assert_eq!(ended.code, 130, "{ended}");
    wait_for("the user out of service", 2 * SOON, || {
        (login() == "f").then_some(())
    });
}

#[test]
fn a_query_on_the_root_is_stopped_from_another_session() {
    stop("root", &["orders"], "alice");
}

#[test]
fn a_query_on_the_leaf_is_stopped_from_another_session() {
    stop(
        "leaf",
        &["leaf-orders", "--cluster=leaf"],
        "remote-alice-root",
    );
}

#[test]
fn every_step_has_its_time_on_root_and_leaf() {
    let Some(way) = plain() else { return };
    for (database, service) in [
        (&["app", "--db-user=app", "--db-name=app"][..], "app"),
        (
            &[
                "leaf-app",
                "--cluster=leaf",
                "--db-user=app",
                "--db-name=app",
            ],
            "leaf-app",
        ),
    ] {
        let mut args = vec!["db", "ping", "--format=json", "--count=2"];
        args.extend(database);
        let all = way.run("alice", &args).json();
        assert_eq!(all["database"], service, "{all}");
        let rounds = all["rounds"].as_array().expect("a list");
        assert_eq!(rounds.len(), 2);
        for round in rounds {
            for step in [
                "tcp",
                "tls",
                "authentication",
                "certificate",
                "connection",
                "handshake",
                "first_row",
                "total",
            ] {
                assert!(
                    round[step].as_f64().is_some_and(|ms| ms > 0.0),
                    "{step}: {all}"
                );
            }
        }
    }
    // A database whose server is not there: the hop behind the service.
    let dead = way.run(
        "alice",
        &[
            "db",
            "ping",
            "dead",
            "--db-user=app",
            "--db-name=app",
            "--format=json",
        ],
    );
    let shown: Value = serde_json::from_str(&dead.stdout).expect("one object");
    assert_eq!(shown["failed"]["step"], "handshake", "{dead}");
    assert_eq!(shown["failed"]["hop"], "database dead", "{dead}");
}

#[test]
fn a_driver_speaks_over_pipes() {
    let Some(way) = plain() else { return };
    let args = [
        "proxy",
        "db",
        "app",
        "--stdio",
        "--db-user=app",
        "--db-name=app",
    ];
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut command = tokio::process::Command::from(way.postern("alice", &args));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("postern starts");
        let pipes = tokio::io::join(
            child.stdout.take().expect("a pipe"),
            child.stdin.take().expect("a pipe"),
        );
        let mut config = tokio_postgres::Config::new();
        config.user("app").dbname("app");
        let (client, connection) = config.connect_raw(pipes, NoTls).await.expect("a session");
        let connection = tokio::spawn(connection);
        let row = client
            .query_one("select current_user::text", &[])
            .await
            .expect("a row");
        assert_eq!(row.get::<_, String>(0), "app");
        drop(client);
        connection.await.expect("no panic").expect("a good end");
        let ended = tokio::time::timeout(SOON, child.wait()).await;
        assert!(ended.expect("it ends").expect("a status").success());
    });
}
