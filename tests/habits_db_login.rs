//! `db login`, `db env`, `db config`, `db logout`: as with tsh, but leading to a tunnel, and without a trace in the user's own
//! files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use crate::common::env::TestEnv;
use crate::common::ran::Ran;
use crate::common::tunnel::Tunnel;
use crate::habits::recorded;

const APP: [&str; 5] = ["app", "-u", "app", "-n", "app"];

/// Logs in to the database `app`; gives what was printed for programs. Tests have homes of their own, but one computer, so
/// the port is one that is free now.
fn chosen(env: &TestEnv) -> Value {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|free| free.local_addr())
        .expect("a free port")
        .port()
        .to_string();
    env.run(&[&["db", "login", "-f", "json", "-p", &port], &APP[..]].concat())
        .json()
}

/// A shell in this world, in which `postern` is found.
fn shell(env: &TestEnv, script: &str, variables: &[(&str, &str)]) -> Ran {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_postern"));
    let path = format!(
        "{}:{}",
        program.parent().expect("a directory").display(),
        std::env::var("PATH").expect("a path")
    );
    let mut command: Command = env.command("sh");
    command.args(["-c", script]).env("PATH", path);
    command.envs(variables.iter().copied());
    Ran::of(&mut command)
}

#[test]
fn the_variables_give_a_psql_that_connects_while_the_tunnel_runs() {
    let env = TestEnv::logged_in("alice");
    let login = chosen(&env);
    let env_of = env.run(&["db", "env"]);
    // Without a tunnel they are printed all the same, and stderr says what is missing.
    assert!(
        env_of
            .stderr
            .contains("postern proxy db --cluster root app"),
        "{env_of}"
    );
    let text = env_of.ok();
    assert!(
        text.lines().all(|line| line.starts_with("export PG")),
        "{text}"
    );

    let tunnel = Tunnel::open(&env, &["app"]);
    assert_eq!(tunnel.ready["port"], login["port"], "the promised port");
    assert_eq!(tunnel.ready["db_user"], "app");
    let psql = "psql -X -A -t -c 'select current_user, current_database()'";
    let eval = format!("eval \"$(postern db env)\" && {psql}");
    let ran = shell(&env, &eval, &[]);
    assert_eq!(ran.stderr, "", "a tunnel runs: nothing to say");
    assert_eq!(ran.ok(), "app|app\n");
    // What the shell has set for other servers does not lead astray.
    let astray = [
        ("PGHOSTADDR", "192.0.2.1"),
        ("PGSERVICE", "other"),
        ("PGSSLMODE", "require"),
        ("PGCHANNELBINDING", "require"),
    ];
    assert_eq!(shell(&env, &eval, &astray).ok(), "app|app\n");

    // The service file does the same.
    let service = format!(
        "PGSERVICEFILE='{}' PGSERVICE='{}' {psql}",
        login["service_file"].as_str().expect("a path"),
        login["service"].as_str().expect("a name")
    );
    assert_eq!(login["service"], "root-app");
    assert_eq!(shell(&env, &service, &[]).ok(), "app|app\n");
    // And the command of db config.
    let cmd = env.run(&["db", "config", "-f", "cmd"]).ok();
    let ran = shell(
        &env,
        &format!("{} -X -A -t -c 'select 1'", cmd.trim_end()),
        &[],
    );
    assert_eq!(ran.ok(), "1\n");
}

#[test]
fn formats_are_those_of_tsh() {
    let env = TestEnv::logged_in("alice");
    let login = chosen(&env);
    let keys = |value: &Value| -> Vec<String> {
        value
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect()
    };
    let theirs: Value = serde_json::from_str(&recorded("db-env-json")).expect("JSON");
    let ours = env.run(&["db", "env", "-f", "json", "app"]).json();
    // The files of the certificate are the tunnel's business.
    let files = ["PGSSLCERT", "PGSSLKEY", "PGSSLROOTCERT"];
    let expected: Vec<String> = keys(&theirs)
        .into_iter()
        .filter(|key| !files.contains(&key.as_str()))
        .collect();
    assert_eq!(keys(&ours), expected);
    for key in ["PGUSER", "PGDATABASE", "PGGSSENCMODE"] {
        assert_eq!(ours[key], theirs[key], "{key}");
    }
    let yaml = env.run(&["db", "env", "-f", "yaml"]).ok();
    let port = format!("PGPORT: \"{}\"\n", login["port"]);
    assert!(
        yaml.contains(&port),
        "ports are texts, as in {}",
        recorded("db-env-yaml")
    );

    let theirs: Value = serde_json::from_str(&recorded("db-config-json")).expect("JSON");
    let ours = env.run(&["db", "config", "--format=json"]).json();
    for key in ["name", "user", "database"] {
        assert_eq!(ours[key], theirs[key], "{key}");
    }
    assert!(theirs["port"].is_number() && ours["port"] == login["port"]);
    let text = env.run(&["db", "config", "--db=app"]).ok();
    for line in recorded("db-config").lines().filter(|line| {
        ["Name:", "User:", "Database:"]
            .iter()
            .any(|label| line.starts_with(label))
    }) {
        assert!(text.lines().any(|ours| ours == line), "{line}: {text}");
    }
}

#[test]
fn nothing_of_the_users_own_is_touched_and_everything_written_is_private() {
    let env = TestEnv::logged_in("alice");
    let own = env.home.path().join(".pg_service.conf");
    fs::write(&own, "[mine]\nhost=example\n").expect("written");
    let login = chosen(&env);
    let _ = env.run(&["db", "logout"]).ok();
    let _ = chosen(&env);
    assert_eq!(
        fs::read_to_string(&own).expect("the file"),
        "[mine]\nhost=example\n"
    );
    let service = login["service_file"].as_str().expect("a path");
    assert!(service.starts_with(env.postern_home().to_str().expect("text")));
    let files = fs::read_dir(env.postern_home()).expect("the directory");
    for file in files.map(|file| file.expect("an entry").path()) {
        let mode = fs::metadata(&file).expect("metadata").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", file.display());
    }
}

#[test]
fn what_was_chosen_is_meant_when_nothing_is_named() {
    let env = TestEnv::logged_in("alice");
    let _guard = crate::common::exclusive("alice");
    let sql = ["--", "-X", "-A", "-t", "-c", "select current_user"];
    let _ = env
        .run(&["db", "login", "orders", "--db-roles", "reader"])
        .ok();
    assert_eq!(
        env.run(&[&["db", "connect"], &sql[..]].concat()).ok(),
        "alice\n"
    );
    let tunnel = Tunnel::open(&env, &[]);
    assert_eq!(tunnel.ready["database"], "orders");
    assert_eq!(tunnel.ready["db_roles"], json!(["reader"]));
    drop(tunnel);
    // What is typed comes first.
    let tunnel = Tunnel::open(&env, &["orders", "-r", "writer"]);
    assert_eq!(tunnel.ready["db_roles"], json!(["writer"]));
    drop(tunnel);

    // Two of them are a question, which a script cannot answer.
    let _ = chosen(&env);
    for command in [&["db", "env"][..], &["db", "config"]] {
        let err = env.run(command).fails(13);
        assert!(err.contains("app, orders"), "{err}");
    }
    let _ = env.run(&["db", "env", "orders"]).ok();
    assert_eq!(
        env.run(&["status", "-f", "json"]).json()["databases"],
        json!(["app", "orders"])
    );
}

#[test]
fn a_promised_port_that_is_taken_is_said_and_the_tunnel_opens_elsewhere() {
    let env = TestEnv::logged_in("alice");
    let login = chosen(&env);
    let port = u16::try_from(login["port"].as_u64().expect("a port")).expect("a port");
    let _busy = std::net::TcpListener::bind(("127.0.0.1", port)).expect("it is free");
    let mut tunnel = Tunnel::open(&env, &["app"]);
    assert_ne!(tunnel.ready["port"], login["port"]);
    assert_eq!(tunnel.psql("app", "select 1").ok(), "1\n");
    tunnel.child.kill().expect("it runs");
    let mut err = String::new();
    let mut pipe = tunnel.child.stderr.take().expect("a pipe");
    std::io::Read::read_to_string(&mut pipe, &mut err).expect("text");
    assert!(err.contains("does not lead to this tunnel"), "{err}");
}

#[test]
fn logging_out_tells_the_truth() {
    let env = TestEnv::logged_in("alice");
    let nothing = env.run(&["db", "logout"]);
    assert_eq!(nothing.stdout, "");
    assert_eq!(
        nothing.stderr,
        "You were not logged in to any database of cluster root.\n"
    );
    assert_eq!(nothing.code, 0);
    let err = env.run(&["db", "logout", "app"]).fails(12);
    assert!(err.contains("not logged in to database \"app\""), "{err}");
    let _ = chosen(&env);
    let gone = env.run(&["db", "logout", "app"]);
    assert_eq!(
        (gone.code, gone.stderr.as_str()),
        (0, "Logged out of database app.\n")
    );
    let service = fs::read_to_string(env.postern_home().join("pg_service.conf")).expect("the file");
    assert!(!service.contains('['), "{service}");
    // A logout of the whole login takes them along.
    let _ = chosen(&env);
    let _ = env.run(&["logout"]).ok();
    env.login("alice");
    let err = env.run(&["db", "env"]).fails(12);
    assert!(err.contains("not logged in to any database"), "{err}");
}
