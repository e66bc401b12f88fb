//! What is refused: by whom, why, and that nothing of it stays.

use std::os::unix::fs::PermissionsExt;

use crate::common::demo::Demo;
use crate::common::env::TestEnv;
use crate::common::ran::Ran;

const SQL: [&str; 6] = ["--", "-X", "-A", "-t", "-c", "select current_user"];

#[test]
fn n03_what_was_refused_is_not_remembered() {
    let env = TestEnv::logged_in("alice");
    let _guard = crate::common::exclusive("alice");
    for command in [&["db", "connect"][..], &["db", "login"], &["proxy", "db"]] {
        for refused in [["--db-user", "somebody"], ["--db-roles", "owner"]] {
            let _ = env
                .run(&[command, &["orders"], &refused].concat())
                .fails(14);
        }
    }
    let err = env.run(&["db", "env"]).fails(12);
    assert!(err.contains("not logged in to any database"), "{err}");
    assert_eq!(
        env.run(&[&["db", "connect", "orders"], &SQL[..]].concat())
            .ok(),
        "alice\n"
    );
    // The flag counts for a tunnel, too, whatever was chosen before.
    let _ = env.run(&["db", "login", "orders"]).ok();
    let tunnel = crate::common::tunnel::Tunnel::open(&env, &["-p", "0", "orders", "-r", "reader"]);
    assert_eq!(tunnel.ready["db_roles"], serde_json::json!(["reader"]));
}

/// A psql that leaves a mark when it is started, and says what its stderr is.
fn false_psql(env: &TestEnv) -> String {
    let dir = env.home.path().join("bin");
    std::fs::create_dir_all(&dir).expect("a directory");
    let path = dir.join("psql");
    let script = "#!/bin/sh\necho started >> \"$HOME/started\"\nreadlink /proc/$$/fd/2\n";
    std::fs::write(&path, script).expect("a script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a program");
    format!("{}:/usr/bin:/bin", dir.display())
}

#[test]
fn n06_the_reason_comes_before_psql_does() {
    let env = TestEnv::logged_in("carol");
    let path = false_psql(&env);
    let mut command = env.postern(&["db", "connect", "vault", "-u", "app", "-n", "app"]);
    command.env("PATH", &path);
    let err = Ran::of(&mut command).fails(11);
    assert!(err.contains("second factor"), "{err}");
    let connect = |env: &TestEnv, code| {
        let mut command = env.postern(&["db", "connect", "app", "-u", "app", "-n", "app"]);
        command.env("PATH", &path);
        Ran::of(&mut command).fails(code)
    };
    // What tsh shows in all these cases.
    let lost = "server closed the connection unexpectedly";
    let first = env;
    let env = TestEnv::logged_in("alice");
    // A proxy that is gone: nobody listens on port 1.
    let profiles = env.postern_home().join("profiles");
    let entry = std::fs::read_dir(profiles).expect("profiles").next();
    let file = entry.expect("a profile").expect("an entry").path();
    let text = std::fs::read_to_string(&file).expect("a profile");
    let port = env.demo.proxy();
    let (_, port) = port.rsplit_once(':').expect("a port");
    std::fs::write(&file, text.replace(&format!(":{port}"), ":1")).expect("written");
    let err = connect(&env, 15);
    assert!(err.contains("localhost:1") && !err.contains(lost), "{err}");
    env.expire();
    let err = connect(&env, 10);
    assert!(err.contains("has expired") && !err.contains(lost), "{err}");
    for env in [first, env] {
        let started = env.home.path().join("started");
        assert!(!started.exists(), "psql was started");
    }
}

#[test]
fn n07_a_refused_connection_says_whose() {
    let env = TestEnv::logged_in("alice");
    let err = env
        .run(
            &[
                &["db", "connect", "dead", "-u", "app", "-n", "app"],
                &SQL[..],
            ]
            .concat(),
        )
        .fails(2);
    for part in ["connection refused", "failed at: database dead", "HINT:"] {
        assert!(err.contains(part), "{part}: {err}");
    }
}

#[test]
fn n08_clusters_are_compared_with_those_there_are() {
    let env = TestEnv::beside(Demo::with_leaf());
    env.login("alice");
    let err = env.run(&["db", "ls", "--cluster", "laef"]).fails(12);
    assert!(err.contains("laef") && err.contains("leaf"), "{err}");
    assert!(!err.contains("EOF"), "{err}");
    let err = env.run(&["db", "connect", "leaf-orders"]).fails(12);
    assert!(err.contains("--cluster leaf"), "{err}");
}

#[test]
fn n09_a_login_that_is_over_is_one_text_and_one_code() {
    let env = TestEnv::logged_in("alice");
    let commands = [
        &["status"][..],
        &["clusters"],
        &["db", "ls"],
        &["db", "connect"],
        &["db", "login", "orders"],
        &["db", "env"],
        &["db", "config"],
        &["proxy", "db"],
    ];
    env.expire();
    for args in commands {
        let err = env.run(args).fails(10);
        let text = format!("the login of alice to {} has expired", env.demo.proxy());
        assert!(
            err.contains(&text) && err.contains("postern login"),
            "{args:?}: {err}"
        );
    }
    let nobody = TestEnv::new();
    for args in commands {
        let err = nobody.run(args).fails(10);
        assert!(
            err.contains("not logged in") && err.contains("postern login"),
            "{args:?}: {err}"
        );
    }
}

#[test]
fn n13_a_conflict_of_roles_says_which_and_what_to_do() {
    let env = TestEnv::logged_in("alice");
    let _guard = crate::common::exclusive("alice");
    let mut first =
        env.terminal(env.postern(&["db", "connect", "orders", "-r", "reader", "--", "-X"]));
    first.exp_string("=>").expect("psql's prompt");
    let second = ["db", "connect", "orders", "-r", "writer"];
    let err = env.run(&[&second[..], &SQL].concat()).fails(2);
    for part in ["HINT:", "with roles [reader]", "--db-roles reader"] {
        assert!(err.contains(part), "{part}: {err}");
    }
    first.send_line("\\q").expect("input");
    first.exp_eof().expect("the end");
}

#[test]
fn n14_user_and_name_are_asked_for_at_once() {
    let env = TestEnv::logged_in("alice");
    let err = env.run(&["db", "connect", "app"]).fails(2);
    assert!(
        err.contains("--db-user") && err.contains("--db-name"),
        "{err}"
    );
}

#[test]
fn n26_psql_keeps_its_stderr() {
    let env = TestEnv::logged_in("alice");
    let path = false_psql(&env);
    let file = env.home.path().join("stderr");
    let mut command = env.postern(&["db", "connect", "app", "-u", "app", "-n", "app"]);
    command.env("PATH", &path);
    let out = command
        .stderr(std::fs::File::create(&file).expect("a file"))
        .output()
        .expect("it runs");
    assert_eq!(
        String::from_utf8_lossy(&out.stdout).trim_end(),
        file.to_str().expect("text"),
        "the program's stderr is ours, not a pipe"
    );
}
