//! Questions on a terminal: asked where something is open, never with `--non-interactive`, and ended in good order.

use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use crate::common::child_of;
use crate::common::demo::Demo;
use crate::common::env::TestEnv;

/// The client under a shell that prints its exit code and the state of the terminal behind it.
fn under_a_shell(env: &TestEnv, args: &[&str]) -> Command {
    let mut command = env.command("sh");
    command
        .arg("-c")
        // The test's terminal comes without echo, a person's has it.
        .arg("stty echo; \"$@\"; echo \"code=$?\"; stty -a")
        .arg("sh")
        .arg(env!("CARGO_BIN_EXE_postern"))
        .args(args);
    command
}

#[test]
fn a_login_that_names_nothing_asks_for_everything() {
    let env = TestEnv::beside(Demo::with_codes());
    let mut command = under_a_shell(&env, &["login", "--key-store", "file"]);
    command
        .env("SSL_CERT_FILE", env.demo.ca_file())
        .env("USER", "somebody");
    let mut tty = env.terminal(command);
    tty.exp_string("Proxy of the cluster").expect("a question");
    tty.send_line(&env.demo.proxy()).expect("input");
    // The user at this computer is a proposal.
    tty.exp_string("Teleport user [somebody]")
        .expect("a question");
    tty.send_line("alice").expect("input");
    tty.exp_string("Password of alice").expect("a question");
    tty.send_line(&env.demo.password("alice")).expect("input");
    let before = tty.exp_string("One-time code").expect("a question");
    assert!(
        !before.contains(&env.demo.password("alice")),
        "the password is shown: {before}"
    );
    // Apps show codes in two groups.
    let code = env.demo.code("alice");
    tty.send_line(&format!("{} {}", &code[..3], &code[3..]))
        .expect("input");
    tty.exp_string("Logged in to root as alice")
        .expect("the result");
    tty.exp_string("code=0").expect("the exit code");
    // Another login names nothing either, and returns without a question.
    let mut tty = env.terminal(under_a_shell(&env, &["login"]));
    tty.exp_string("You are already logged in to root as alice")
        .expect("the result");
    tty.exp_string("code=0").expect("the exit code");
}

#[test]
fn a_question_that_is_ended_by_a_signal_leaves_the_terminal_as_it_was() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 143)] {
        let env = TestEnv::new();
        let (proxy, ca) = (env.demo.proxy(), env.demo.ca_file());
        let args = [
            "login",
            "--proxy",
            &proxy,
            "--user",
            "alice",
            "--ca-file",
            &ca,
        ];
        let mut tty = env.terminal(under_a_shell(&env, &args));
        tty.exp_string("Password of alice").expect("a question");
        let shell = u32::try_from(tty.process().child_pid.as_raw()).expect("a process");
        let postern = i32::try_from(child_of(shell)).expect("a process");
        kill_process(Pid::from_raw(postern).expect("not 0"), signal).expect("a signal");
        tty.exp_string(&format!("code={code}"))
            .expect("the exit code");
        tty.exp_regex(r"[^-]echo\b")
            .expect("a terminal that echoes");
        assert_eq!(env.run(&["status"]).code, 10);
    }
}

#[test]
fn several_databases_are_a_numbered_choice() {
    let env = TestEnv::logged_in("alice");
    let _guard = crate::common::exclusive("alice");
    let sql = [
        "--",
        "-X",
        "-A",
        "-t",
        "-c",
        "select 'I am ' || current_user || ' in ' || current_database()",
    ];
    let mut tty = env.terminal(under_a_shell(
        &env,
        &[&["db", "connect"], &sql[..]].concat(),
    ));
    for line in ["1  app", "2  dead", "3  orders", "4  scratch"] {
        tty.exp_string(line).expect("an item");
    }
    tty.exp_string("Database [1-4]").expect("a question");
    tty.send_line("5").expect("input");
    tty.exp_string("a number from 1 to 4").expect("a refusal");
    // Enter at the refused answer would send it again.
    tty.send_control('u').expect("input");
    tty.send("\u{7f}").expect("input");
    tty.send_line("3").expect("input");
    tty.exp_string("I am alice in postgres").expect("a row");
    tty.exp_string("code=0").expect("the exit code");

    // What is open for the chosen one is asked too.
    let mut tty = env.terminal(under_a_shell(
        &env,
        &[&["db", "connect"], &sql[..]].concat(),
    ));
    tty.exp_string("Database [1-4]").expect("a question");
    tty.send_line("1").expect("input");
    tty.exp_string("Database user for app [1-2]")
        .expect("a question");
    tty.send_line("1").expect("input");
    tty.exp_string("Database name in app [1-2]")
        .expect("a question");
    tty.send_line("1").expect("input");
    tty.exp_string("I am app in app").expect("a row");
    tty.exp_string("code=0").expect("the exit code");

    // A beginning that is not unique gives the same choice.
    let args = ["proxy", "db", "--search", "mode"];
    let mut tty = env.terminal(under_a_shell(&env, &args));
    tty.exp_string("Database [1-4]").expect("a question");
    tty.send_control('c').expect("ctrl-c");
    tty.exp_string("code=130").expect("the exit code");
}

#[test]
fn non_interactive_never_asks() {
    let env = TestEnv::logged_in("alice");
    let proxy = env.demo.proxy();
    for (args, code) in [
        (&["db", "connect"][..], 13),
        (&["proxy", "db"], 13),
        (&["db", "connect", "app"], 2),
        (&["login", "--force"], 2),
        (&["login", "--proxy", &proxy, "--user", "bob"], 2),
    ] {
        let mut tty = env.terminal(under_a_shell(
            &env,
            &[args, &["--non-interactive"]].concat(),
        ));
        let before = tty
            .exp_string(&format!("code={code}"))
            .unwrap_or_else(|e| panic!("{args:?}: {e}"));
        assert!(
            before.contains("error:") && before.contains("hint:"),
            "{args:?}: {before}"
        );
    }
}
