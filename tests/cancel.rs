//! Ctrl+C: on a terminal it belongs to psql, however often; the query stops and nothing is left behind.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::common::demo::Demo;
use crate::common::env::TestEnv;
use crate::common::ran::Ran;
use crate::common::{child_of, wait_for};

/// How many queries with this marker PostgreSQL is running.
fn running(demo: &Demo, marker: &str) -> u32 {
    let sql = format!(
        "select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like '%''{marker}''%'"
    );
    demo.sql(&sql).parse().expect("a number")
}

#[test]
fn ctrl_c_as_often_as_you_like() {
    let env = TestEnv::logged_in("alice");
    let _guard = crate::common::exclusive("alice");
    let mut tty = env.terminal(env.postern(&["db", "connect", "orders", "--", "-X"]));
    tty.exp_string("=>").expect("psql's prompt");
    for round in 0..10 {
        let marker = format!("tty{round}");
        tty.send_line(&format!("select pg_sleep(62), '{marker}';"))
            .expect("input");
        wait_for("the query to run", Duration::from_secs(10), || {
            (running(env.demo, &marker) == 1).then_some(())
        });
        tty.send_control('c').expect("ctrl-c");
        wait_for("the query to end", Duration::from_secs(1), || {
            (running(env.demo, &marker) == 0).then_some(())
        });
        tty.exp_string("canceling statement due to user request")
            .expect("psql's message");
        tty.exp_string("=>").expect("the prompt again");
    }
    // At an idle prompt too.
    tty.send_control('c').expect("ctrl-c");
    tty.exp_string("=>").expect("the prompt again");
    tty.send_line("select 'still ' || 'here';").expect("input");
    tty.exp_string("still here").expect("an answer");
    tty.send_line("\\q").expect("input");
    tty.exp_eof().expect("the end");
}

#[test]
fn interrupt_without_a_terminal_reaches_psql() {
    let env = TestEnv::logged_in("bob");
    let args = [
        "db",
        "connect",
        "app",
        "--db-user",
        "app",
        "--db-name",
        "app",
        "--",
        "-X",
        "-c",
        "select pg_sleep(63), 'script'",
    ];
    let child = env
        .postern(&args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    wait_for("the query to run", Duration::from_secs(10), || {
        (running(env.demo, "script") == 1).then_some(())
    });
    kill_process(Pid::from_child(&child), Signal::INT).expect("a signal");
    wait_for("the query to end", Duration::from_secs(1), || {
        (running(env.demo, "script") == 0).then_some(())
    });
    let out = Ran::end_of(child);
    assert!(
        out.stderr
            .contains("canceling statement due to user request"),
        "{out}"
    );
    assert_eq!(out.code, 1, "{out}");
}

#[test]
fn terminate_ends_psql_and_then_us() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 143)] {
        let env = TestEnv::logged_in("bob");
        let marker = format!("end{}", signal.as_raw());
        let sql = format!("select pg_sleep(64), '{marker}'");
        let args = [
            "db",
            "connect",
            "app",
            "--db-user",
            "app",
            "--db-name",
            "app",
            "--",
            "-X",
            "-c",
            &sql,
        ];
        let mut child = env
            .postern(&args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        wait_for("the query to run", Duration::from_secs(10), || {
            (running(env.demo, &marker) == 1).then_some(())
        });
        let psql = child_of(child.id());
        kill_process(Pid::from_child(&child), signal).expect("a signal");
        let status = wait_for("our end", Duration::from_secs(5), || {
            child.try_wait().expect("a status")
        });
        let ended: Ran = std::process::Output {
            status,
            stdout: vec![],
            stderr: vec![],
        }
        .into();
        assert_eq!(ended.code, code);
        assert!(
            !std::path::Path::new(&format!("/proc/{psql}")).exists(),
            "psql {psql} is an orphan"
        );
        wait_for(
            "the query of a vanished client to end",
            Duration::from_secs(5),
            || (running(env.demo, &marker) == 0).then_some(()),
        );
    }
}
