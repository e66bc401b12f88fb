//! `postern-cluster ca rotate` with a running cluster, its PostgreSQL, and users who logged in at different times.

use std::process::Stdio;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::common::ran::Ran;
use crate::common::server::Server;
use crate::common::world::World;

const KINDS: [&str; 4] = ["host", "user", "db", "db_client"];

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn rotate(server: &Server, kind: &str, phase: &str) -> Ran {
    server.run(&[
        "ca", "rotate", "--kind", kind, "--phase", phase, "--format", "json",
    ])
}

/// All kinds enter a phase.
fn enter(server: &Server, phase: &str) {
    for kind in KINDS {
        let shown = json_of(&rotate(server, kind, phase).ok());
        assert_eq!(shown[0]["kind"], kind);
        assert_eq!(shown[0]["phase"], phase);
    }
}

fn listed(server: &Server) -> Value {
    json_of(&server.run(&["ca", "ls", "--format", "json"]).ok())
}

/// Keeps the login of this moment under a name.
fn keep_login(server: &Server, name: &str) {
    server.login("alice", None).ok();
    std::fs::rename(server.path("home"), server.path(name)).expect("a move");
}

/// A session with the database by the login kept under a name.
fn connect(server: &Server, login: &str) -> Ran {
    let query = "select 40 + 2";
    let child = server
        .client(&[
            "db",
            "connect",
            "orders",
            "--db-name",
            "postgres",
            "--",
            "-X",
            "-At",
            "-c",
            query,
        ])
        .env("POSTERN_HOME", server.path(login))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    Ran::end_of(child)
}

/// Asks the auth service by the login kept under a name.
fn lists(server: &Server, login: &str) -> Ran {
    let mut client = server.client(&["db", "ls"]);
    client
        .env("POSTERN_HOME", server.path(login))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ran::end_of(client.spawn().expect("it starts"))
}

#[track_caller]
fn connects(server: &Server, login: &str) {
    let out = connect(server, login).ok();
    assert!(out.lines().any(|line| line == "42"), "{login}: {out}");
}

#[test]
fn every_authority_is_replaced_while_users_work_on() {
    let mut world = World::new("");
    let before = listed(&world.server);
    let documented = postern::cluster::cli::util::json::SHAPES
        .iter()
        .find(|shape| shape.page == "postern-cluster-ca-ls");
    let mut documented: Vec<&str> = documented
        .expect("a section of the manual")
        .keys()
        .map(|(key, _)| *key)
        .collect();
    documented.sort_unstable();
    let printed = before[0].as_object().expect("an object").keys();
    assert!(printed.eq(&documented), "{before}");
    for (kind, shown) in KINDS.iter().zip(before.as_array().expect("a list")) {
        assert_eq!(shown["kind"], *kind);
        assert_eq!(shown["phase"], "standby");
        assert_eq!(shown["since"], Value::Null);
        assert_eq!(shown["keys"].as_array().map(Vec::len), Some(1));
        let early = rotate(&world.server, kind, "update_clients");
        assert_eq!(early.code, 1, "{early}");
        assert!(early.stderr.contains("init comes next"), "{early}");
    }
    keep_login(&world.server, "before");
    connects(&world.server, "before");

    enter(&world.server, "init");
    let exported = world
        .server
        .run(&["ca", "export", "--type", "db-client"])
        .ok();
    assert_eq!(exported.matches("BEGIN CERTIFICATE").count(), 2);
    let exported = world.server.run(&["ca", "export", "--type", "user"]).ok();
    assert_eq!(exported.lines().count(), 2);
    let table = world.server.run(&["ca", "ls"]).ok();
    assert_eq!(table.matches("is trusted").count(), 4, "{table}");
    world = world.restart_postgres();
    connects(&world.server, "before");
    keep_login(&world.server, "after init");
    connects(&world.server, "after init");

    enter(&world.server, "update_clients");
    keep_login(&world.server, "after update_clients");
    for login in ["before", "after init", "after update_clients"] {
        connects(&world.server, login);
    }

    enter(&world.server, "update_servers");
    world = world.restart_postgres();
    connects(&world.server, "after init");
    connects(&world.server, "after update_clients");
    // It knows the former host authority only; a database certificate kept from before needs no auth service.
    let stale = lists(&world.server, "before");
    assert_ne!(stale.code, 0, "{stale}");
    assert!(stale.stderr.contains("postern login"), "{stale}");

    enter(&world.server, "standby");
    world = world.restart_postgres();
    connects(&world.server, "after update_clients");
    // The former user authority signed it. Whether the alert that says so arrives before the end is up to TCP.
    let stale = connect(&world.server, "after init");
    assert_ne!(stale.code, 0, "{stale}");
    assert!(stale.stderr.contains("postern login"), "{stale}");
    keep_login(&world.server, "new");
    connects(&world.server, "new");

    let after = listed(&world.server);
    for (old, new) in before
        .as_array()
        .expect("a list")
        .iter()
        .zip(after.as_array().expect("a list"))
    {
        assert_eq!(new["phase"], "standby");
        assert_eq!(new["keys"].as_array().map(Vec::len), Some(1));
        assert_ne!(old["keys"][0]["pin"], new["keys"][0]["pin"]);
    }
    assert_eq!(world.server.end(Signal::TERM), Some(0));
    world.server.start();
    assert_eq!(listed(&world.server), after, "kept in the state");
    // The cluster has another port now, so that a former login does not lead there.
    keep_login(&world.server, "restarted");
    connects(&world.server, "restarted");
    world.end();
}

#[test]
fn a_rollback_survives_a_restart_and_ends_with_the_old_authority() {
    let mut server = Server::new("");
    server.start();
    let before = listed(&server)[1].clone();
    for phase in ["init", "update_clients", "rollback"] {
        rotate(&server, "user", phase).ok();
    }
    assert_eq!(server.end(Signal::KILL), None);
    server.start();
    let rolled = listed(&server)[1].clone();
    assert_eq!(rolled["phase"], "rollback");
    assert_eq!(rolled["next"], json!(["standby"]));
    assert_eq!(rolled["keys"][0], before["keys"][0], "it signs");
    assert_eq!(rolled["keys"][1]["signs"], false);
    let wrong = rotate(&server, "user", "update_servers");
    assert_eq!(wrong.code, 1, "{wrong}");
    assert!(wrong.stderr.contains("standby comes next"), "{wrong}");
    rotate(&server, "user", "standby").ok();
    assert_eq!(listed(&server)[1]["keys"], before["keys"]);
    assert_eq!(server.end(Signal::TERM), Some(0));
}
