//! `proxy db`.

use std::time::Duration;

use crate::common::env::TestEnv;
use crate::common::tunnel::Tunnel;
use crate::common::wait_for;

const APP: [&str; 5] = ["app", "-u", "app", "-n", "app"];

#[test]
fn n10_a_tunnel_on_a_terminal_answers_instead_of_asking() {
    let env = TestEnv::new();
    // A login of one minute: its certificates are near their end from the first moment.
    let _ = env.login_with("bob", &["--ttl", "1m"]).ok();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|free| free.local_addr())
        .expect("a free port")
        .port()
        .to_string();
    let args = [&["proxy", "db", "-p", &port], &APP[..]].concat();
    let mut tty = env.terminal(env.postern(&args));
    tty.exp_string("Ctrl+C ends the tunnel")
        .expect("the tunnel");
    let psql = || {
        let mut command = env.command("psql");
        command.args([
            "-X",
            "-A",
            "-t",
            "-w",
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            "app",
            "-d",
            "app",
        ]);
        command.args(["-c", "select current_user"]);
        crate::common::ran::Ran::of(&mut command)
    };
    let _ = env.run(&["logout"]).ok();
    let err = psql().fails(2);
    assert!(
        err.contains("not logged in") && err.contains("postern login"),
        "{err}"
    );
    // It recovers by itself, without a word on its terminal.
    let _ = env.login_with("bob", &["--ttl", "8h"]).ok();
    assert_eq!(psql().ok(), "app\n");
    tty.send_control('c').expect("ctrl-c");
    let rest = tty.exp_eof().expect("the end");
    assert!(!rest.contains("Password"), "{rest}");
}

#[test]
fn n11_a_tunnel_that_cannot_work_does_not_say_that_it_is_ready() {
    let env = TestEnv::logged_in("alice");
    // Known without the database.
    for (args, code) in [
        (&["orders", "-u", "somebody"][..], 14),
        (&["orders", "-r", "owner"], 14),
        (&["nowhere"], 12),
    ] {
        let ran = env.run(&[&["proxy", "db"], args].concat());
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (code, ""),
            "{args:?}: {ran}"
        );
    }
    let dead = ["proxy", "db", "--check", "dead", "-u", "app", "-n", "app"];
    let ran = env.run(&[&dead[..], &["-f", "json"]].concat());
    assert_eq!(ran.stdout, "", "{ran}");
    let error = ran.json_error(1);
    let text = error.to_string();
    assert!(
        text.contains("connection refused") && text.contains("database dead"),
        "{text}"
    );
    // One that works says so in one line of JSON, and the check has left nothing behind.
    let tunnel = Tunnel::open(&env, &[&["--check"], &APP[..]].concat());
    assert_eq!(tunnel.psql("app", "select 1").ok(), "1\n");
    wait_for("the check to be gone", Duration::from_secs(30), || {
        let sql = "select count(*) from pg_stat_activity where application_name = 'postern check'";
        (env.demo.sql(sql) == "0").then_some(())
    });
}

#[test]
fn n23_the_address_that_was_bound_is_printed() {
    let env = TestEnv::logged_in("alice");
    let tunnel = Tunnel::open(&env, &[&["--listen", "[::1]:0"], &APP[..]].concat());
    assert_eq!(tunnel.ready["host"], "::1");
    assert_eq!(tunnel.psql("app", "select 1").ok(), "1\n");
    let err = env
        .run(&[&["proxy", "db", "--listen", "0.0.0.0:0"], &APP[..]].concat())
        .fails(2);
    assert!(
        err.contains("0.0.0.0:0") && err.contains("loopback"),
        "{err}"
    );
}

#[test]
fn n22_identity_files_work_in_every_command() {
    let env = TestEnv::logged_in("bob");
    let home = env.postern_home();
    let one = |folder: &str| {
        let mut files = std::fs::read_dir(home.join(folder)).expect("a folder");
        let path = files.next().expect("a file").expect("an entry").path();
        std::fs::read_to_string(path).expect("text")
    };
    let profile: serde_json::Value = serde_json::from_str(&one("profiles")).expect("JSON");
    let cas = profile["host_cas"][0]["certs_pem"]
        .as_array()
        .expect("authorities");
    let cas: Vec<&str> = cas.iter().filter_map(|pem| pem.as_str()).collect();
    let cert = profile["tls_cert_pem"].as_str().expect("a certificate");
    let identity = env.home.path().join("identity");
    std::fs::write(&identity, [&one("keys"), cert, &cas.concat()].concat()).expect("written");
    // Nothing but the file is there.
    let machine = TestEnv::new();
    let (proxy, ca) = (machine.demo.proxy(), machine.demo.ca_file());
    let path = identity.to_str().expect("text");
    let run = |args: &[&str]| {
        let mut command = machine.postern(&[&["-i", path, "--proxy", &proxy], args].concat());
        command.env("SSL_CERT_FILE", &ca);
        crate::common::ran::Ran::of(&mut command)
    };
    assert!(run(&["db", "ls", "-f", "names"]).ok().contains("app\n"));
    let sql = ["--", "-X", "-A", "-t", "-c", "select current_user"];
    assert_eq!(
        run(&[&["db", "connect"], &APP[..], &sql].concat()).ok(),
        "app\n"
    );
    let _ = run(&[&["db", "login"], &APP[..]].concat()).ok();
    assert!(run(&["db", "env"]).ok().contains("export PGUSER=app\n"));
    assert_eq!(run(&[&["db", "connect"], &sql[..]].concat()).ok(), "app\n");
}
