//! The README's three lines, as a person at a terminal and as a script.

use crate::common::demo::Demo;
use crate::common::env::TestEnv;

#[test]
fn on_a_terminal() {
    let env = TestEnv::beside(Demo::with_codes());
    let spawn = |args: &[&str]| {
        let mut command = env.postern(args);
        command
            .env("SSL_CERT_FILE", env.demo.ca_file())
            .env("POSTERN_PROXY", env.demo.proxy());
        env.terminal(command)
    };
    let _guard = crate::common::exclusive("alice");
    let mut tty = spawn(&["login", "--user", "alice"]);
    tty.exp_regex("(?i)password")
        .expect("the question for the password");
    tty.send_line(&env.demo.password("alice")).expect("input");
    tty.exp_regex("(?i)code")
        .expect("the question for the code");
    tty.send_line(&env.demo.code("alice")).expect("input");
    tty.exp_string("alice").expect("who is logged in");
    tty.exp_eof().expect("the end");

    let mut tty = spawn(&["db", "ls", "-v"]);
    tty.exp_string("orders").expect("the database");
    tty.exp_string("alice").expect("the user");
    tty.exp_eof().expect("the end");

    let mut tty = spawn(&["db", "connect", "--db-roles", "reader"]);
    tty.exp_string("=>").expect("psql's prompt");
    tty.send_line("select current_user || '-' || count(*) from t;")
        .expect("input");
    tty.exp_string("alice-1000").expect("rows");
    tty.send_line("\\q").expect("input");
    tty.exp_eof().expect("the end");
}

#[test]
fn from_a_script() {
    let env = TestEnv::new();
    let mut command = env.command("sh");
    command
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/script.sh"))
        .env("POSTERN", env!("CARGO_BIN_EXE_postern"))
        .env("PROXY", env.demo.proxy())
        .env("CA_FILE", env.demo.ca_file())
        .env("PASSWORD", env.demo.password("alice"));
    let _guard = crate::common::exclusive("alice");
    let out = crate::common::ran::Ran::of(&mut command);
    let text = out.ok();
    assert!(text.ends_with("all as expected\n"), "{text}");
}
