//! `db login` and what it prints, on the real pair: plain psql by the variables, through the tunnel, with Ctrl+C.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::lab::plain;
use crate::common::ran::Ran;
use crate::common::wait_for;

#[test]
fn plain_psql_by_the_printed_variables_connects_and_can_be_cancelled() {
    let Some(way) = plain() else { return };
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|free| free.local_addr())
        .expect("a free port")
        .port()
        .to_string();
    let login = ["db", "login", "app", "-u", "app", "-n", "app", "-p", &port];
    let _ = way.run("alice", &login).ok();
    let variables = way.run("alice", &["db", "env", "app", "-f", "json"]).json();
    assert_eq!(variables["PGPORT"], port.as_str());
    let psql = |sql: &str| {
        let mut command = Command::new("psql");
        command.args(["-X", "-A", "-t", "-c", sql]);
        for (name, value) in variables.as_object().expect("an object") {
            command.env(name, value.as_str().expect("text"));
        }
        command.stdin(Stdio::null());
        command
    };
    let mut tunnel = way
        .postern("alice", &["proxy", "db", "app", "-f", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tunnel starts");
    let mut line = String::new();
    let out = tunnel.stdout.take().expect("a pipe");
    BufReader::new(out).read_line(&mut line).expect("text");
    let who = Ran::of(&mut psql("select current_user, current_database()"));
    let child = psql("select pg_sleep(300), 'livelogin'")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("psql starts");
    let running = || {
        let sql = "select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() \
                   and query like '%''livelogin''%'";
        way.live.sql("root", sql)
    };
    wait_for("the query to run", Duration::from_secs(60), || {
        (running() == "1").then_some(())
    });
    kill_process(Pid::from_child(&child), Signal::INT).expect("a signal");
    wait_for("the query to end", Duration::from_secs(30), || {
        (running() == "0").then_some(())
    });
    let cancelled = Ran::end_of(child);
    let gone = way.run("alice", &["db", "logout", "app"]);
    let _ = tunnel.kill();
    let _ = tunnel.wait();
    assert!(line.contains(&format!("\"port\":{port}")), "{line}");
    assert_eq!(who.ok(), "app|app\n");
    assert!(
        cancelled
            .stderr
            .contains("canceling statement due to user request"),
        "{cancelled}"
    );
    assert_eq!(gone.stderr, "Logged out of database app.\n");
}
