//! `postern db ps` and `postern db cancel`: what runs is seen, stopped, and told.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::common::env::TestEnv;
use crate::common::fed::Fed;
use crate::common::ran::Ran;
use crate::common::wait_for;

/// How long anything that must happen may take on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// psql through `db connect`.
fn connected(env: &TestEnv, args: &[&str]) -> Fed {
    let mut all = vec!["db", "connect"];
    all.extend(args);
    all.extend(["--", "-XAtq"]);
    Fed::start(env.postern(&all))
}

/// The rows of `db ps` in JSON.
fn ps(env: &TestEnv, args: &[&str]) -> Vec<Value> {
    let mut all = vec!["db", "ps", "--format", "json"];
    all.extend(args);
    let rows = env.run(&all).json();
    rows.as_array().expect("a list").clone()
}

fn row<'r>(rows: &'r [Value], pid: &str) -> Option<&'r Value> {
    let pid: i64 = pid.parse().expect("a number");
    rows.iter().find(|row| row["pid"] == pid)
}

/// Waits until the session of this process runs something.
fn until_running(env: &TestEnv, pid: &str) {
    wait_for("the statement to run", SOON, || {
        let sql = format!("select state from pg_stat_activity where pid = {pid}");
        (env.demo.sql(&sql) == "active").then_some(())
    });
}

#[test]
fn a_provisioned_users_query_is_cancelled_and_then_ended_from_another_session() {
    let env = TestEnv::logged_in("alice");
    let _guard = crate::common::exclusive("alice");
    let mut a = connected(&env, &["orders"]);
    let pid = a.pid().expect("a session");

    // B lives all the time: it watches.
    let mut b = env
        .postern(&[
            "db",
            "ps",
            "orders",
            "--watch",
            "--interval",
            "0.1",
            "-f",
            "json",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("postern starts");
    let mut looks = BufReader::new(b.stdout.take().expect("a pipe")).lines();
    let mut until = |what: &str, wanted: &dyn Fn(Option<&Value>) -> bool| {
        // Bounded: B looks ten times a second.
        for _ in 0..600 {
            let line = looks.next().expect("B goes on").expect("a line");
            let look: Value = serde_json::from_str(&line).expect("one object a line");
            assert!(look["time"].is_string(), "{look}");
            let sessions = look["sessions"].as_array().expect("a list");
            if wanted(row(sessions, &pid)) {
                return;
            }
        }
        panic!("B never saw {what}");
    };
    until("A idle", &|row| {
        row.is_some_and(|row| row["state"] == "idle" && row["user"] == "alice")
    });

    a.say("select pg_sleep(600), 'first';");
    until("A busy", &|row| {
        row.is_some_and(|row| {
            row["state"] == "active" && row["query"].as_str().is_some_and(|q| q.contains("'first'"))
        })
    });
    let done = env
        .run(&["db", "cancel", "orders", &pid, "-f", "json"])
        .json();
    assert_eq!(
        (&done["outcome"], &done["forced"], &done["user"]),
        (&"stopped".into(), &false.into(), &"alice".into()),
        "{done}"
    );
    assert!(done["milliseconds"].as_u64().expect("a time") < 10_000);
    a.hears("canceling statement due to user request");
    a.say("select 'A goes ' || 'on', pg_backend_pid();");
    assert_eq!(a.hears("A goes on"), format!("A goes on|{pid}"));
    until("A idle again", &|row| {
        row.is_some_and(|row| row["state"] == "idle")
    });

    a.say("select pg_sleep(600), 'second';");
    until_running(&env, &pid);
    let out = env.run(&["db", "cancel", "orders", &pid, "--force"]).ok();
    assert!(
        out.contains(&format!(
            "The session of alice in process {pid} has stopped"
        )) && out.contains("'second'"),
        "{out}"
    );
    a.hears("terminating connection due to administrator command");
    until("A gone", &|row| row.is_none());

    // While B lives the user is in service; behind it he is not.
    assert_eq!(
        env.demo.role("alice"),
        "login|reader,teleport-auto-user,writer"
    );
    kill_process(Pid::from_child(&b), Signal::INT).expect("a signal");
    drop(looks);
    let ended = Ran::end_of(b);
    assert_eq!(ended.code, 130, "{ended}");
    wait_for("the user out of service", SOON, || {
        (env.demo.role("alice") == "nologin|teleport-auto-user").then_some(())
    });
}

#[test]
fn the_list_says_who_does_what_since_when() {
    let env = TestEnv::logged_in("alice");
    let _guard = crate::common::exclusive("alice");
    let mut a = connected(&env, &["orders"]);
    let pid = a.pid().expect("a session");
    a.say("set application_name = 'night run';");
    a.say("select pg_sleep(600),\n   'on one line';");
    until_running(&env, &pid);
    let rows = ps(&env, &["orders"]);
    let one = row(&rows, &pid).expect("A");
    assert_eq!(one["state"], "active");
    assert_eq!(one["application"], "night run");
    assert_eq!(one["query"], "select pg_sleep(600),\n   'on one line';");
    assert!(one["seconds"].as_f64().expect("a span") >= 0.0);
    let since = one["since"].as_str().expect("a time");
    let sql = format!(
        "select query_start = '{since}'::timestamptz or abs(extract(epoch from query_start - '{since}'::timestamptz)) < 0.001 \
         from pg_stat_activity where pid = {pid}"
    );
    assert_eq!(env.demo.sql(&sql), "t", "{since}");
    // In a table a session is one line; the asking session is not in it.
    let table = env.run(&["db", "ps", "orders"]).ok();
    let lines: Vec<&str> = table
        .lines()
        .filter(|line| line.contains("pg_sleep"))
        .collect();
    assert_eq!(lines.len(), 1, "{table}");
    assert!(
        lines[0].ends_with("active  select pg_sleep(600), 'on one line';"),
        "{table}"
    );
    assert!(table.starts_with("PID"), "{table}");
    assert!(!table.contains("pg_stat_activity"), "{table}");
}

#[test]
fn others_are_seen_with_all_and_stopped_as_far_as_the_rights_go() {
    // A shared account of the same server, in a session of bob; alice sees that it is there and no more.
    let (alice, bob) = (TestEnv::logged_in("alice"), TestEnv::logged_in("bob"));
    let _guard = crate::common::exclusive("alice");
    let app = ["app", "--db-user", "app", "--db-name", "app"];
    let mut theirs = connected(&bob, &app);
    let pid = theirs.pid().expect("a session");
    theirs.say("select pg_sleep(600), 'theirs';");
    until_running(&bob, &pid);
    assert!(row(&ps(&alice, &["orders"]), &pid).is_none());
    let all = ps(&alice, &["orders", "--all"]);
    let seen = row(&all, &pid).expect("theirs");
    assert_eq!(
        (&seen["user"], &seen["state"]),
        (&"app".into(), &Value::Null),
        "{seen}"
    );

    let error = alice.run(&["db", "cancel", "orders", &pid]).fails(14);
    assert!(
        error.contains("is a session of app") && error.contains("--all"),
        "{error}"
    );
    let error = alice
        .run(&["db", "cancel", "orders", &pid, "--all"])
        .fails(14);
    assert!(error.contains("the database says:"), "{error}");
    assert_eq!(
        bob.demo.sql(&format!(
            "select state from pg_stat_activity where pid = {pid}"
        )),
        "active"
    );
    // The same account may, whoever uses it.
    let mut args = vec!["db", "cancel"];
    args.extend(app);
    args.push(&pid);
    let out = alice.run(&args).ok();
    assert!(out.contains("has stopped"), "{out}");
    theirs.hears("canceling statement due to user request");
}

#[test]
fn what_is_not_there_or_does_not_stop_has_its_own_exit_code() {
    let env = TestEnv::logged_in("bob");
    let app = ["app", "--db-user", "app", "--db-name", "app"];
    let cancel = |more: &[&str]| {
        let mut args = vec!["db", "cancel"];
        args.extend(app);
        args.extend(more);
        env.run(&args)
    };
    let error = cancel(&["2147483647", "-f", "json"]).json_error(12);
    assert_eq!(error["kind"], "not_found");
    assert_eq!(error["hop"], "database app");

    let mut a = connected(&env, &app);
    let pid = a.pid().expect("a session");
    let out = cancel(&[&pid]);
    assert!(out.stdout.contains("nothing to cancel"), "{out}");
    assert_eq!(out.code, 0);
    assert!(out.stderr.contains("--force"), "{out}");

    // Between two looks of a transaction that holds interrupts back nothing stops: a statement that catches its cancellation
    // and goes on.
    a.say(
        "do $$ begin loop begin perform pg_sleep(600); exception when query_canceled then end; end loop; end $$;",
    );
    until_running(&env, &pid);
    let error = cancel(&[&pid, "--wait", "1", "-f", "json"]).json_error(17);
    assert_eq!(error["kind"], "still_running");
    let hint = error["hint"].as_str().expect("a hint");
    assert!(hint.contains("--force"), "{hint}");
    let out = cancel(&[&pid, "--force"]).ok();
    assert!(out.contains("The session of app"), "{out}");
    a.hears("terminating connection");
    wait_for("the process to be gone", SOON, || {
        let sql = format!("select count(*) from pg_stat_activity where pid = {pid}");
        (env.demo.sql(&sql) == "0").then_some(())
    });
}

#[test]
fn on_a_terminal_the_list_is_drawn_anew_and_the_cursor_is_there_at_the_end() {
    let env = TestEnv::logged_in("bob");
    let app = ["app", "--db-user", "app", "--db-name", "app"];
    let mut args = vec!["db", "ps", "--watch", "--interval", "0.2"];
    args.extend(app);
    let mut tty = env.terminal(env.postern(&args));
    // Two looks, each from the upper left corner, each with the cursor shown behind it.
    for _ in 0..2 {
        tty.exp_string("\x1b[?25l\x1b[H").expect("a look");
        tty.exp_string("Ctrl+C ends").expect("the title");
        tty.exp_string("PID").expect("the head");
        tty.exp_string("\x1b[J\x1b[?25h").expect("its end");
    }
    tty.send_control('c').expect("ctrl-c");
    let rest = tty.exp_eof().expect("the end");
    let hidden = rest.matches("\x1b[?25l").count();
    assert_eq!(hidden, rest.matches("\x1b[?25h").count(), "{rest:?}");
}

#[test]
fn lines_are_appended_to_a_file() {
    let env = TestEnv::logged_in("bob");
    let app = ["app", "--db-user", "app", "--db-name", "app"];
    let mut args = vec!["db", "ps", "--watch", "--interval", "0.1"];
    args.extend(app);
    let mut watching = env
        .postern(&args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("postern starts");
    let out = watching.stdout.take().expect("a pipe");
    let lines: Vec<String> = BufReader::new(out)
        .lines()
        .take(3)
        .map(|line| line.expect("a line"))
        .collect();
    assert!(lines[0].starts_with("Time\tPID\t"), "{lines:?}");
    assert!(
        lines[1..].iter().all(|line| line.starts_with("20")),
        "{lines:?}"
    );
    // Its reader has gone.
    let ended = Ran::end_of(watching);
    assert_eq!(ended.code, 0, "{ended}");
}
