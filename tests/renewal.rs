//! A login that has expired: renewed in place where somebody is there, exit 10 at once elsewhere.

use std::process::Command;

use crate::common::demo::Demo;
use crate::common::env::TestEnv;

/// The client under a shell that prints its exit code.
fn under_a_shell(env: &TestEnv, args: &[&str]) -> Command {
    let mut command = env.command("sh");
    command
        // Ctrl+C goes to all; the shell has something to say afterwards.
        .args(["-c", "trap : INT; \"$@\"; echo \"code=$?\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_postern"))
        .args(args);
    command
}

#[test]
fn on_a_terminal_the_login_is_renewed_and_the_command_goes_on() {
    let env = TestEnv::beside(Demo::with_codes());
    env.login("alice");
    env.expire();
    let sql = "select 'I am ' || current_user";
    let connect = ["db", "connect", "scratch", "--", "-XAtc", sql];
    let ls = ["db", "ls"];
    for (args, shown) in [(&connect[..], "I am alice"), (&ls[..], "scratch")] {
        env.expire();
        let mut tty = env.terminal(under_a_shell(&env, args));
        let before = tty
            .exp_string("Password of alice")
            .expect("the former user's password");
        assert!(
            before.contains(&format!(
                "the login of alice to {} has expired",
                env.demo.proxy()
            )),
            "{before}"
        );
        tty.send_line(&env.demo.password("alice")).expect("input");
        tty.exp_string("One-time code").expect("a question");
        tty.send_line(&env.demo.code("alice")).expect("input");
        tty.exp_string(shown).expect("the command's own output");
        tty.exp_string("code=0").expect("the exit code");
        // The next command finds the new login.
        assert_eq!(env.run(&["status"]).code, 0);
        assert_eq!(env.run(&["db", "ls"]).code, 0);
    }
}

#[test]
fn a_refused_renewal_ends_the_command_and_changes_nothing() {
    let env = TestEnv::logged_in("alice");
    env.expire();
    let mut tty = env.terminal(under_a_shell(&env, &["clusters"]));
    tty.exp_string("Password of alice").expect("a question");
    tty.send_line("wrong").expect("input");
    tty.exp_string("invalid credentials")
        .expect("the cluster's answer");
    tty.exp_string("code=1").expect("the exit code");
    let mut tty = env.terminal(under_a_shell(&env, &["clusters"]));
    tty.exp_string("Password of alice").expect("a question");
    tty.send_control('c').expect("ctrl-c");
    tty.exp_string("code=130").expect("the exit code");
    let stderr = env.run(&["status"]).fails(10);
    assert!(stderr.contains("has expired"), "{stderr}");
}

#[test]
fn a_login_that_never_was_is_made_in_place_where_the_proxy_is_known() {
    let env = TestEnv::new();
    let mut command = under_a_shell(&env, &["clusters"]);
    command
        .env("POSTERN_PROXY", env.demo.proxy())
        .env("SSL_CERT_FILE", env.demo.ca_file());
    let mut tty = env.terminal(command);
    tty.exp_string("not logged in to").expect("a reason");
    tty.exp_string("Teleport user").expect("a question");
    tty.send_line("bob").expect("input");
    tty.exp_string("Password of bob").expect("a question");
    tty.send_line(&env.demo.password("bob")).expect("input");
    tty.exp_string("root").expect("a cluster");
    tty.exp_string("code=0").expect("the exit code");
    // Where nothing names a proxy there is nothing to renew.
    let elsewhere = TestEnv::new();
    let mut tty = elsewhere.terminal(under_a_shell(&elsewhere, &["clusters"]));
    tty.exp_string("postern login --proxy HOST")
        .expect("the command to run");
    tty.exp_string("code=10").expect("the exit code");
}

#[test]
fn a_script_gets_exit_10_and_the_command_to_run() {
    let env = TestEnv::logged_in("alice");
    env.expire();
    let again = format!("postern login --proxy {} --user alice", env.demo.proxy());
    let commands = [
        &["db", "ls"][..],
        &["db", "connect", "scratch"],
        &["proxy", "db", "scratch"],
        &["clusters"],
    ];
    for args in commands {
        let stderr = env.run(args).fails(10);
        assert!(stderr.contains(&again), "{stderr}");
        let mut tty = env.terminal(under_a_shell(
            &env,
            &[args, &["--non-interactive"]].concat(),
        ));
        let before = tty.exp_string("code=10").expect("the exit code");
        assert!(
            before.contains(&again) && !before.contains("Password"),
            "{before}"
        );
    }
    let error = env.run(&["db", "ls", "--format", "json"]).fails(10);
    let error: serde_json::Value = serde_json::from_str(&error).expect("one object");
    assert_eq!(error["kind"], "not_logged_in");
}
