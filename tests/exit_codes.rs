//! Each exit code of the manual, provoked.

use std::process::Command;
use std::time::Duration;

use postern::cli::exit::Exit;
use rustix::process::{Pid, Signal, kill_process};

use crate::common::env::TestEnv;
use crate::common::ran::Ran;
use crate::common::tunnel::Tunnel;
use crate::common::wait_for;

const SHARED: [&str; 5] = ["app", "--db-user", "app", "--db-name", "app"];

/// Runs something that must end so. A code that nobody provokes here does not compile.
fn provoke(exit: Exit, alice: &TestEnv) -> Vec<Ran> {
    match exit {
        Exit::Done => vec![alice.run(&["status", "--format", "json"])],
        Exit::Failed => {
            let (proxy, ca) = (alice.demo.proxy(), alice.demo.ca_file());
            let args = [
                "login",
                "--proxy",
                &proxy,
                "--user",
                "nobody",
                "--ca-file",
                &ca,
                "--password-stdin",
                "--format",
                "json",
            ];
            vec![TestEnv::new().run_with_input(&args, "wrong\n")]
        }
        Exit::Usage => [
            &["db", "connect", "--no-such-flag"][..],
            &["db"],
            &[],
            &["login", "--ttl", "soon"],
            &["db", "connect", "app"],
        ]
        .map(|args| json(alice, args))
        .into(),
        Exit::NotLoggedIn => [
            &["status"][..],
            &["logout"],
            &["clusters"],
            &["db", "ls"],
            &["db", "connect"],
            &["proxy", "db"],
        ]
        .map(|args| json(&TestEnv::new(), args))
        .into(),
        Exit::SecondFactor => {
            let carol = TestEnv::logged_in("carol");
            let args = ["vault", "--db-user", "app", "--db-name", "app"];
            [["db", "connect"], ["proxy", "db"]]
                .map(|command| json(&carol, &[&command[..], &args].concat()))
                .into()
        }
        Exit::NotFound => [
            &["db", "connect", "no-such-database"][..],
            &["proxy", "db", "no-such-database"],
            &["db", "ls", "--cluster", "no-such-cluster"],
        ]
        .map(|args| json(alice, args))
        .into(),
        Exit::Ambiguous => [&["db", "connect"][..], &["proxy", "db"]]
            .map(|args| json(alice, args))
            .into(),
        Exit::Denied => [
            &["db", "connect", "orders", "--db-roles", "owner"][..],
            &["proxy", "db", "orders", "--db-user", "bob"],
        ]
        .map(|args| json(alice, args))
        .into(),
        Exit::Unreachable => {
            let closed = std::net::TcpListener::bind("127.0.0.1:0")
                .expect("a port")
                .local_addr()
                .expect("an address")
                .to_string();
            let args = [
                "login",
                "--proxy",
                &closed,
                "--user",
                "a",
                "--password-stdin",
            ];
            vec![json(&TestEnv::new(), &args)]
        }
        Exit::ProgramMissing => {
            let mut command = alice.postern(&["db", "connect", "orders", "--format", "json"]);
            command.env("PATH", "/nonexistent");
            vec![finished(&mut command)]
        }
        Exit::StillRunning => vec![not_stopped(alice)],
        Exit::Interrupted => vec![told(alice, Signal::INT)],
        Exit::Terminated => vec![told(alice, Signal::TERM), told(alice, Signal::HUP)],
        Exit::Program(code) => {
            let sql = format!("\\! exit {code}");
            // psql's own: 1 its own failure, 2 a lost connection, 3 a failed script.
            let psql: &[&str] = match code {
                1 => &["-c", "select 1/0"],
                2 => &["-d", "no such database", "-c", "select 1"],
                3 => &["-v", "ON_ERROR_STOP=1", "-f", "-"],
                _ => &["-c", &sql],
            };
            let args = [&["db", "connect"], &SHARED[..], &["--", "-X"], psql].concat();
            vec![alice.run_with_input(&args, "select 1/0;\n")]
        }
    }
}

/// A statement that catches its cancellation and goes on.
fn not_stopped(env: &TestEnv) -> Ran {
    let stubborn = "do $$ begin loop begin perform pg_sleep(66); exception when query_canceled then end; end loop; end $$";
    let connect = [
        &["db", "connect"],
        &SHARED[..],
        &["--", "-X", "-c", stubborn],
    ]
    .concat();
    let mut session = env.postern(&connect).spawn().expect("postern starts");
    let pid = wait_for("the statement", Duration::from_secs(60), || {
        let sql = "select pid from pg_stat_activity where state = 'active' and query like '%pg_sleep(66)%' and pid <> pg_backend_pid()";
        Some(env.demo.sql(sql)).filter(|pid| !pid.is_empty())
    });
    let cancel = [&["db", "cancel"], &SHARED[..], &[&pid, "--wait", "0"]].concat();
    let ran = json(env, &cancel);
    kill_process(Pid::from_child(&session), Signal::TERM).expect("a signal");
    session.wait().expect("its end");
    ran
}

fn json(env: &TestEnv, args: &[&str]) -> Ran {
    env.run(&[args, &["--format", "json"]].concat())
}

fn finished(command: &mut Command) -> Ran {
    Ran::of(command)
}

/// A tunnel that is told to end.
fn told(env: &TestEnv, signal: Signal) -> Ran {
    let mut tunnel = Tunnel::open(env, &SHARED);
    kill_process(Pid::from_child(&tunnel.child), signal).expect("a signal");
    let status = wait_for("the end of the tunnel", Duration::from_secs(5), || {
        tunnel.child.try_wait().expect("a status")
    });
    std::process::Output {
        status,
        stdout: vec![],
        stderr: vec![],
    }
    .into()
}

#[test]
fn each_code_of_the_manual_can_be_provoked() {
    let alice = TestEnv::logged_in("alice");
    let manual = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/man/postern.1"))
        .expect("the manual");
    let table = manual
        .split_once(".SH EXIT STATUS")
        .expect("the table")
        .1
        .split("\n.SH")
        .next()
        .expect("its end")
        .to_owned();
    let programs = [Exit::Program(1), Exit::Program(2), Exit::Program(3)];
    for exit in Exit::ALL.into_iter().chain(programs) {
        if !matches!(exit, Exit::Program(_)) {
            assert!(
                table.lines().any(
                    |line| line.trim_start_matches("\\fB").trim_end_matches("\\fR")
                        == exit.code().to_string()
                ),
                "{exit:?} is not in the manual: {table}"
            );
        }
        for ran in provoke(exit, &alice) {
            assert_eq!(ran.code, i32::from(exit.code()), "{exit:?}: {ran}");
            let told = matches!(
                exit,
                Exit::Done | Exit::Interrupted | Exit::Terminated | Exit::Program(_)
            );
            if !told {
                let error = ran.json_error(i32::from(exit.code()));
                for key in ["hop", "message"] {
                    assert!(
                        error[key].as_str().is_some_and(|text| !text.is_empty()),
                        "{exit:?}: {error}"
                    );
                }
                assert!(error["hint"].is_string(), "{exit:?}: {error}");
            }
        }
    }
}
