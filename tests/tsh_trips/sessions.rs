//! Sessions of psql: Ctrl+C, exit status, arguments, settings of the shell.

use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::common::demo::Demo;
use crate::common::env::TestEnv;
use crate::common::ran::Ran;
use crate::common::tunnel::Tunnel;
use crate::common::wait_for;

const APP: [&str; 5] = ["app", "-u", "app", "-n", "app"];

fn running(demo: &Demo, marker: &str) -> bool {
    let sql = format!(
        "select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like '%''{marker}''%'"
    );
    demo.sql(&sql) == "1"
}

fn until_running(demo: &Demo, marker: &str) {
    wait_for("the query to run", Duration::from_secs(60), || {
        running(demo, marker).then_some(())
    });
}

fn until_ended(demo: &Demo, marker: &str) {
    wait_for("the query to end", Duration::from_secs(30), || {
        (!running(demo, marker)).then_some(())
    });
}

#[test]
fn n01_ctrl_c_is_psqls_however_often() {
    let env = TestEnv::logged_in("alice");
    let args = [&["db", "connect"], &APP[..], &["--", "-X"]].concat();
    let mut tty = env.terminal(env.postern(&args));
    tty.exp_string("=>").expect("psql's prompt");
    for _ in 0..3 {
        tty.send_control('c').expect("ctrl-c");
        tty.exp_string("=>").expect("the prompt again");
    }
    tty.send_line("select pg_sleep(300), 'trip1';")
        .expect("input");
    until_running(env.demo, "trip1");
    tty.send_control('c').expect("ctrl-c");
    tty.exp_string("canceling statement due to user request")
        .expect("psql's message");
    until_ended(env.demo, "trip1");
    tty.exp_string("=>").expect("the prompt again");
    tty.send_line("\\q").expect("input");
    tty.exp_eof().expect("the end");
}

/// Also 25: the shared account's certificate names its user, else the cancel request would be refused.
#[test]
fn n02_plain_psql_by_the_printed_variables_can_be_cancelled() {
    let env = TestEnv::logged_in("alice");
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|free| free.local_addr())
        .expect("a free port")
        .port()
        .to_string();
    let _ = env
        .run(&[&["db", "login", "-p", &port], &APP[..]].concat())
        .ok();
    let variables = env.run(&["db", "env", "-f", "json"]).json();
    let tunnel = Tunnel::open(&env, &["app"]);
    assert_eq!(tunnel.ready["port"].to_string(), port);
    let mut command: Command = env.command("psql");
    for (name, value) in variables.as_object().expect("an object") {
        command.env(name, value.as_str().expect("text"));
    }
    let child = command
        .args(["-X", "-c", "select pg_sleep(300), 'trip2'"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("psql starts");
    until_running(env.demo, "trip2");
    kill_process(Pid::from_child(&child), Signal::INT).expect("a signal");
    until_ended(env.demo, "trip2");
    let ran = Ran::end_of(child);
    assert!(
        ran.stderr
            .contains("canceling statement due to user request"),
        "{ran}"
    );
}

#[test]
fn n15_the_exit_status_is_psqls() {
    let env = TestEnv::logged_in("alice");
    let connect = [
        &["db", "connect"],
        &APP[..],
        &["--", "-X", "-v", "ON_ERROR_STOP=1"],
    ]
    .concat();
    for (psql, input, code) in [
        (&["-c", "select 1"][..], "", 0),
        (&["-c", "select 1/0"], "", 1),
        (&["-d", "no such", "-c", "select 1"], "", 2),
        (&["-f", "-"], "select 1/0;\n", 3),
    ] {
        let ran = env.run_with_input(&[&connect[..], psql].concat(), input);
        assert_eq!(ran.code, code, "{psql:?}: {ran}");
    }
    // A psql that is killed: 128 and the signal.
    let kill = ["-c", "\\! kill -9 $PPID"];
    let ran = env.run(&[&connect[..], &kill].concat());
    assert_eq!(ran.code, 137, "{ran}");
}

#[test]
fn n21_psql_takes_arguments() {
    let env = TestEnv::logged_in("alice");
    let psql = ["--", "-X", "-A", "-t", "-v", "x=a b", "-f", "-"];
    let ran = env.run_with_input(
        &[&["db", "connect"], &APP[..], &psql].concat(),
        "select :'x';\n",
    );
    assert_eq!(ran.ok(), "a b\n");
}

#[test]
fn n24_settings_of_the_shell_and_odd_names_lead_nowhere_else() {
    let env = TestEnv::logged_in("alice");
    let psql = ["--", "-X", "-A", "-t", "-c", "select current_user"];
    let mut command = env.postern(&[&["db", "connect"], &APP[..], &psql].concat());
    for (name, value) in [
        ("PGHOSTADDR", "192.0.2.1"),
        ("PGSSLMODE", "require"),
        ("PGCHANNELBINDING", "require"),
        ("PGSERVICE", "nothing"),
        ("PGTARGETSESSIONATTRS", "standby"),
        ("PGUSER", "postgres"),
        ("PGHOST", "192.0.2.1"),
        ("PGPORT", "1"),
        ("PGDATABASE", "nowhere"),
        ("PGSSLROOTCERT", "/nowhere"),
        ("PGREQUIREAUTH", "scram-sha-256"),
    ] {
        command.env(name, value);
    }
    assert_eq!(Ran::of(&mut command).ok(), "app\n");
    // Names are taken literally, in a database where alice may use any.
    let _guard = crate::common::exclusive("alice");
    for odd in [
        "trip24 a%20b",
        "trip24?sslmode=disable",
        "user=postgres dbname=postgres",
        "postgres://127.0.0.1/trip24",
        "trip24 it's \\ Größe",
    ] {
        let _ = env.demo.sql(&format!("create database \"{odd}\""));
        let psql = ["--", "-X", "-A", "-t", "-c", "select current_database()"];
        let connect = ["db", "connect", "orders", "-n", odd];
        let ran = env.run(&[&connect[..], &psql].concat());
        assert_eq!(ran.ok(), format!("{odd}\n"));
    }
    // Those that are not allowed are refused as they were typed.
    for odd in ["a%20b", "postgres?sslmode=disable", "my db"] {
        let ran = env.run(&["db", "connect", "app", "-u", "app", "-n", odd]);
        let said = ran.fails(14);
        assert!(said.contains(odd), "{odd}: {said}");
    }
}

#[test]
fn n25_the_certificate_of_an_automatic_user_can_cancel() {
    let env = TestEnv::logged_in("alice");
    let _guard = crate::common::exclusive("alice");
    let args = [
        "db",
        "connect",
        "orders",
        "--",
        "-X",
        "-c",
        "select pg_sleep(300), 'trip25'",
    ];
    let child = env
        .postern(&args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    until_running(env.demo, "trip25");
    kill_process(Pid::from_child(&child), Signal::INT).expect("a signal");
    until_ended(env.demo, "trip25");
    let ran = Ran::end_of(child);
    assert!(
        ran.stderr
            .contains("canceling statement due to user request"),
        "{ran}"
    );
    // Where the user is open nothing is issued.
    let _ = env.run(&["proxy", "db", "app", "-n", "app"]).fails(2);
}

#[test]
fn n04_parallel_commands_leave_each_other_alone() {
    let env = TestEnv::logged_in("bob");
    let sql = ["--", "-X", "-A", "-t", "-c", "select current_user"];
    let connect = [&["db", "connect"], &APP[..], &sql].concat();
    let login = [&["db", "login"], &APP[..]].concat();
    let lists = ["db", "ls", "-f", "names"];
    let logout = ["db", "logout"];
    for _ in 0..5 {
        std::thread::scope(|scope| {
            let env = &env;
            let run = |args| scope.spawn(move || (args, env.run(args)));
            let all: [&[&str]; 8] = [
                &connect, &login, &lists, &connect, &logout, &login, &lists, &connect,
            ];
            for thread in all.map(run) {
                let (args, ran) = thread.join().expect("no panic");
                assert_eq!(ran.code, 0, "{args:?}: {ran}");
            }
        });
    }
    let _ = env.run(&login).ok();
    let _ = env.run(&["db", "env", "app"]).ok();
}
