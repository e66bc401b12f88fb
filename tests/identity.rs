//! Identity files and directories of tbot: every command takes them, a tunnel rereads what is replaced.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use postern::auth::resources::ListFilter;
use postern::db::Wish;
use postern::flow::conn::ClusterConn;
use postern::flow::credential::{self, DbCredential};
use postern::flow::session::{self, Session};
use postern::flow::target::{self, Place};
use postern::identity::pem;
use postern::profile::Home;
use serde_json::Value;

use crate::common::demo::Demo;
use crate::common::env::TestEnv;
use crate::common::ran::Ran;
use crate::common::tunnel::Tunnel;

fn now() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a time");
    since.as_secs().cast_signed()
}

fn loaded(env: &TestEnv) -> Session {
    session::load(&Home::new(env.postern_home()), now()).expect("a login")
}

fn authorities(session: &Session) -> String {
    let all = session.profile.host_cas.iter();
    all.flat_map(|cas| cas.certs_pem.clone()).collect()
}

/// Writes a private file.
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a write");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
}

/// The login of a home as `tctl auth sign` would write it.
fn identity_file(env: &TestEnv) -> PathBuf {
    let session = loaded(env);
    let path = env.home.path().join("identity");
    let text = format!(
        "{}{}{}",
        pem::encode("PRIVATE KEY", &session.client_cert.key_pkcs8),
        session.profile.tls_cert_pem,
        authorities(&session)
    );
    write(&path, &text);
    path
}

/// A certificate for one database, as tbot's `database` output would ask for it.
fn issued(env: &TestEnv, database: &str) -> (DbCredential, String) {
    let session = loaded(env);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let credential = runtime.block_on(async {
        let conn = ClusterConn::connect(&session, "root")
            .await
            .expect("a cluster");
        let databases = conn
            .databases(&ListFilter::default())
            .await
            .expect("a list");
        let checker = conn.checker().await.expect("rights");
        let database = databases
            .iter()
            .find(|db| db.name == database)
            .expect("it is there");
        let place = Place {
            cluster: "root",
            root_cluster: "root",
            filtered: false,
        };
        let target = target::decide(database, &checker, &Wish::default(), place).expect("a target");
        credential::issue(&conn, &session, &target, now())
            .await
            .expect("a certificate")
    });
    let authorities = authorities(&session);
    (credential, authorities)
}

/// Replaces the files of a directory one after the other, as tbot does.
fn fill(dir: &Path, (credential, authorities): &(DbCredential, String)) {
    std::fs::create_dir_all(dir).expect("a directory");
    let key = pem::encode("PRIVATE KEY", &credential.cert.key_pkcs8);
    write(&dir.join("key"), &key);
    write(&dir.join("tlscert"), &credential.certificate.to_pem());
    write(&dir.join("teleport-host-ca.crt"), authorities);
}

/// A home where only the identity counts: the login it was made from is gone.
fn run(env: &TestEnv, identity: &Path, args: &[&str]) -> Ran {
    let mut command = env.postern(args);
    command
        .env("SSL_CERT_FILE", env.demo.ca_file())
        .env("TELEPORT_PROXY", env.demo.proxy())
        .env("TELEPORT_IDENTITY_FILE", identity)
        .env("POSTERN_HOME", env.home.path().join("empty"));
    Ran::of(&mut command)
}

#[test]
fn every_command_takes_an_identity_file() {
    let env = TestEnv::logged_in("alice");
    let file = identity_file(&env);
    let run = |args: &[&str]| run(&env, &file, args);
    let status: Value = run(&["status", "--format", "json"]).json();
    assert_eq!(
        (&status["origin"], &status["user"]),
        (&"identity".into(), &"alice".into())
    );
    let listed = run(&["db", "ls"]);
    assert_eq!((listed.code, listed.stderr.as_str()), (0, ""), "{listed}");
    assert!(listed.stdout.contains("orders"), "{listed}");
    assert!(run(&["clusters"]).ok().contains("root"));
    let sql = [
        "db",
        "connect",
        "orders",
        "--",
        "-XAtc",
        "select current_user",
    ];
    assert_eq!(run(&sql).ok().trim(), "alice");
    for command in ["login", "logout"] {
        let refused = run(&[command]).fails(2);
        assert!(
            refused.contains("does not go with the identity"),
            "{refused}"
        );
    }
    assert!(!env.home.path().join("empty").join("profiles").exists());

    // It is a flag too, and says what it lacks.
    let file_arg = file.to_str().expect("a path");
    let mut command = env.postern(&["db", "ls", "-i", file_arg]);
    let no_proxy = Ran::of(&mut command).fails(2);
    assert!(no_proxy.contains("does not say which proxy"), "{no_proxy}");

    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("a mode");
    let warned = run(&["db", "ls"]);
    assert_eq!(warned.code, 0, "{warned}");
    assert!(
        warned.stderr.contains("others on this computer can read"),
        "{warned}"
    );

    let garbage = env.home.path().join("garbage");
    write(&garbage, "nothing");
    let refused = super::identity::run(&env, &garbage, &["db", "ls"]).fails(10);
    assert!(
        refused.contains("there is no private key in it"),
        "{refused}"
    );
}

#[test]
fn reasons_are_given_to_an_identity_too() {
    let env = TestEnv::beside(Demo::with_leaf());
    env.login("alice");
    let file = identity_file(&env);
    for (cluster, database, user) in [
        ("root", "orders", "alice"),
        ("leaf", "leaf-orders", "remote-alice-root"),
    ] {
        let args = ["db", "why", "--cluster", cluster, database, "-f", "json"];
        let answer: Value = run(&env, &file, &args).json();
        assert_eq!(
            (
                &answer["verdict"],
                &answer["cluster"],
                &answer["user"]["value"]
            ),
            (&"allowed".into(), &cluster.into(), &user.into()),
            "{answer}"
        );
        // The same as the login it was made from is told.
        assert_eq!(answer, env.run(&args).json());
        let denied = ["db", "why", "--cluster", cluster, database, "-r", "owner"];
        let ran = run(&env, &file, &denied);
        assert_eq!(ran.code, 14, "{ran}");
        assert!(ran.stdout.contains("owner"), "{ran}");
    }
}

#[test]
fn a_tunnel_uses_the_files_that_are_there_when_a_session_begins() {
    let env = TestEnv::logged_in("alice");
    let dir = env.home.path().join("tbot");
    let good = issued(&env, "orders");
    fill(&dir, &good);
    // Another cluster's certificate for the same database and user: this one does not know its authority.
    let elsewhere = TestEnv::beside(Demo::with_leaf());
    elsewhere.login("alice");
    let foreign = issued(&elsewhere, "orders");

    let dir_arg = dir.to_str().expect("a path").to_owned();
    let proxy = env.demo.proxy();
    let mut command = env.postern(&[
        "proxy", "db", "-i", &dir_arg, "--proxy", &proxy, "--format", "json",
    ]);
    let mut child = command
        .env("SSL_CERT_FILE", env.demo.ca_file())
        .env("POSTERN_HOME", env.home.path().join("empty"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let line = crate::common::first_line(child.stdout.take().expect("a pipe"));
    let tunnel = Tunnel {
        child,
        ready: serde_json::from_str(&line).expect("a line of JSON"),
    };
    assert_eq!(
        (&tunnel.ready["database"], &tunnel.ready["db_user"]),
        (&"orders".into(), &"alice".into())
    );
    let who = || tunnel.psql("alice", "select current_user");
    assert_eq!(who().ok().trim(), "alice");
    fill(&dir, &foreign);
    let refused = who();
    assert_eq!(
        refused.code, 2,
        "the former certificate is still in use: {refused}"
    );
    // A renewal caught halfway: the last one that was whole goes on, and that one is still refused.
    write(&dir.join("tlscert"), "-----BEGIN CERTIFICATE-----\n");
    assert_eq!(who().code, 2);
    fill(&dir, &issued(&env, "orders"));
    assert_eq!(who().ok().trim(), "alice");
    // What was good stays in use while the files are of no use.
    write(&dir.join("key"), "");
    assert_eq!(who().ok().trim(), "alice");
    fill(&dir, &issued(&env, "scratch"));
    assert_eq!(who().ok().trim(), "alice");
}

#[test]
fn an_identity_for_one_database_is_for_nothing_else() {
    let env = TestEnv::logged_in("alice");
    let dir = env.home.path().join("tbot");
    fill(&dir, &issued(&env, "orders"));
    let run = |args: &[&str]| run(&env, &dir, args);
    let status: Value = run(&["status", "--format", "json"]).json();
    assert_eq!(
        (&status["origin"], &status["database"]),
        (&"tbot".into(), &"orders".into())
    );
    let sql = ["db", "connect", "--", "-XAtc", "select current_user"];
    assert_eq!(run(&sql).ok().trim(), "alice");
    let refused = run(&["db", "ls"]).fails(14);
    assert!(refused.contains("for database orders only"), "{refused}");
    let other = run(&["db", "connect", "app"]).fails(14);
    assert!(
        other.contains("for database orders only, not for app"),
        "{other}"
    );
}
