//! `postern proxy db --stdio`: one connection over the pipes of whoever starts it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use postern::pg::{ErrorResponse, Kind, ProtocolVersion, Startup};
use rustix::process::{Pid, Signal, kill_process};
use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::common::env::TestEnv;
use crate::common::ran::Ran;
use crate::common::wait_for;

const SOON: Duration = Duration::from_secs(60);
const APP: [&str; 7] = [
    "proxy",
    "db",
    "app",
    "--stdio",
    "--db-user=app",
    "--db-name=app",
    "--format=json",
];

fn startup(user: &str) -> Vec<u8> {
    Startup::new(ProtocolVersion::V3_0)
        .with("user", user)
        .with("database", "app")
        .encode()
}

#[test]
fn a_driver_speaks_over_the_pipes() {
    let env = TestEnv::logged_in("alice");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut command = tokio::process::Command::from(env.postern(&APP));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
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
        // More than any buffer on the way.
        let rows = client
            .simple_query("select current_user, repeat('x', 3000000)")
            .await
            .expect("a row");
        let Some(SimpleQueryMessage::Row(row)) = rows
            .iter()
            .find(|row| matches!(row, SimpleQueryMessage::Row(_)))
        else {
            panic!("no row");
        };
        assert_eq!(row.get(0), Some("app"));
        assert_eq!(row.get(1).map(str::len), Some(3_000_000));
        drop(client);
        connection.await.expect("no panic").expect("a good end");
        let out = tokio::time::timeout(SOON, child.wait_with_output())
            .await
            .expect("it ends with its client")
            .expect("an end");
        let ran = Ran::from(out);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
    });
}

/// As inetd and `socat TCP-LISTEN:…,fork EXEC:…` do it: each connection is the standard input and output of a program.
fn served_each_by_one(env: &TestEnv) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let plain = env.postern(&APP);
    let variables: Vec<_> = plain
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    std::thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let both = connection.try_clone().expect("a copy");
            let child = Command::new(env!("CARGO_BIN_EXE_postern"))
                .args(APP)
                .env_clear()
                .envs(variables.clone())
                .stdin(Stdio::from(OwnedFd::from(connection)))
                .stdout(Stdio::from(OwnedFd::from(both)))
                .spawn();
            let mut child = child.expect("postern starts");
            std::thread::spawn(move || child.wait());
        }
    });
    port
}

#[test]
fn psql_and_its_ctrl_c_by_a_program_for_each_connection() {
    let env = TestEnv::logged_in("alice");
    let port = served_each_by_one(&env).to_string();
    let psql = env
        .command("psql")
        .args([
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            "app",
            "-d",
            "app",
            "-XAt",
        ])
        .args(["-c", "select pg_sleep(67), 'stdio'"])
        .env("PGSSLMODE", "disable")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("psql starts");
    let running = "select count(*) from pg_stat_activity where state = 'active' and query like 'select pg_sleep(67)%'";
    wait_for("the statement", SOON, || {
        (env.demo.sql(running) == "1").then_some(())
    });
    kill_process(Pid::from_child(&psql), Signal::INT).expect("a signal");
    let ended = Ran::end_of(psql);
    assert!(
        ended
            .stderr
            .contains("canceling statement due to user request"),
        "{ended}"
    );
    wait_for("its session to be gone", SOON, || {
        (env.demo.sql(running) == "0").then_some(())
    });
}

#[test]
fn an_ended_session_ends_the_output_and_then_us() {
    let env = TestEnv::logged_in("alice");
    let mut child = env
        .postern(&APP)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("postern starts");
    let (mut to, mut from) = (child.stdin.take(), child.stdout.take());
    let to = to.as_mut().expect("a pipe");
    to.write_all(&startup("app")).expect("it reads");
    let sql = b"select pg_terminate_backend(pg_backend_pid())\0";
    let length = u32::try_from(sql.len() + 4).expect("short").to_be_bytes();
    to.write_all(&[b"Q", &length[..], sql].concat())
        .expect("it reads");
    // Standard input stays open: the end comes from the other side, after all that was said.
    let mut said = Vec::new();
    from.as_mut()
        .expect("a pipe")
        .read_to_end(&mut said)
        .expect("an end");
    let text = String::from_utf8_lossy(&said);
    assert!(
        text.contains("terminating connection due to administrator command"),
        "{text}"
    );
    let ended = Ran::end_of(child);
    assert_eq!(ended.code, 0, "{ended}");
}

#[test]
fn a_refused_session_is_told_in_the_protocol_and_nothing_else_is_written() {
    let env = TestEnv::logged_in("alice");
    let mut args: Vec<&str> = APP.to_vec();
    args[2] = "dead";
    let mut child = env
        .postern(&args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("postern starts");
    let mut to = child.stdin.take().expect("a pipe");
    to.write_all(&startup("app")).expect("it reads");
    let mut said = Vec::new();
    child
        .stdout
        .take()
        .expect("a pipe")
        .read_to_end(&mut said)
        .expect("an end");
    drop(to);
    assert_eq!(said[0], b'E', "{}", String::from_utf8_lossy(&said));
    let error = ErrorResponse::parse(Kind::Error, &said[5..]).expect("one ErrorResponse");
    assert!(error.message().contains("connection refused"), "{error}");
    let ended = Ran::end_of(child);
    assert_eq!(ended.code, 1, "{ended}");

    // What is found out before the first byte leaves standard output empty.
    let out = TestEnv::new().run(&APP);
    assert_eq!((out.code, out.stdout.as_str()), (10, ""), "{out}");
    // Nothing was asked, nothing is said.
    let out = env.run(&APP);
    assert_eq!((out.code, out.stdout.as_str()), (0, ""), "{out}");
}

#[test]
fn a_terminal_is_no_program() {
    let env = TestEnv::logged_in("alice");
    let mut tty = env.terminal(env.postern(&["proxy", "db", "app", "--stdio"]));
    tty.exp_string("not with a terminal").expect("the reason");
    tty.exp_eof().expect("the end");
}
