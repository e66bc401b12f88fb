//! A cluster of one's own in front of a PostgreSQL that trusts its authority: sessions at a stop, a lock, a kill.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::common::ran::Ran;
use crate::common::server::{SOON, Server};
use crate::common::wait_for;
use crate::common::world::World;

#[test]
fn a_stop_with_an_open_session_leaves_no_user_enabled_and_says_why() {
    let mut world = World::new("shutdown_timeout: 20s\n");
    let child = world.session();
    assert_eq!(world.server.end(Signal::TERM), Some(0));
    assert_eq!(world.alice(), "nologin");
    let ran = Ran::end_of(child);
    assert_eq!(ran.code, 2, "{ran}");
    world.server.start();
    world.end();
}

#[test]
fn a_killed_cluster_takes_the_user_out_of_service_at_its_next_start() {
    let mut world = World::new("");
    let child = world.session();
    assert_eq!(world.server.end(Signal::KILL), None);
    assert_eq!(world.alice(), "login", "nobody is left to see to it");
    let _ = Ran::end_of(child);
    world.server.start();
    wait_for("the user's end", SOON, || {
        (world.alice() == "nologin").then_some(())
    });
    world.end();
}

#[test]
fn a_lock_cuts_the_session_at_once_and_keeps_the_user_out_until_it_goes() {
    let world = World::new("");
    let child = world.session();
    let added = world.server.run(&[
        "locks",
        "add",
        "--user",
        "alice",
        "--message",
        "lost laptop",
        "--format",
        "json",
    ]);
    let name: Value = serde_json::from_str(&added.ok()).expect("JSON");
    let name = name["name"].as_str().expect("a name").to_owned();
    let ran = Ran::end_of(child);
    assert_eq!(ran.code, 2, "{ran}");
    wait_for("the user's end", SOON, || {
        (world.alice() == "nologin").then_some(())
    });
    assert_eq!(world.server.status()["locks"], 1);
    let refused = world.server.login("alice", None);
    assert_ne!(refused.code, 0, "{refused}");

    let listed = world.server.run(&["locks", "ls"]).ok();
    assert!(
        listed.contains("User:\"alice\"") && listed.contains("lost laptop"),
        "{listed}"
    );
    let listed: Value =
        serde_json::from_str(&world.server.run(&["locks", "ls", "--format", "json"]).ok())
            .expect("JSON");
    assert_eq!(listed[0]["metadata"]["name"], *name);
    assert_eq!(listed[0]["spec"]["target"], json!({"user": "alice"}));
    world.server.run(&["locks", "rm", &name]).ok();
    let again = world.server.run(&["locks", "rm", &name]);
    assert_eq!(again.code, 1, "{again}");
    world.server.login("alice", None).ok();
    let none = world.server.run(&["locks", "add"]);
    assert_eq!(none.code, 2, "{none}");
    world.end();
}

#[test]
fn every_authority_is_exported_and_no_private_key() {
    let mut server = Server::new("");
    server.start();
    for kind in ["db-client", "db", "tls-host", "tls-user", "web"] {
        let pem = server.run(&["ca", "export", "--type", kind]).ok();
        assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
        assert!(!pem.contains("PRIVATE"), "{kind}");
    }
    for kind in ["host", "user"] {
        let line = server.run(&["ca", "export", "--type", kind]).ok();
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(
            line.starts_with("ecdsa-sha2-")
                || line.starts_with("ssh-")
                || line.starts_with("cert-authority"),
            "{line}"
        );
    }
    let web = server.run(&["ca", "export", "--type", "web"]).ok();
    let file = std::fs::read_to_string(server.path("state/ca.pem")).expect("a file");
    assert_eq!(web.trim_end(), file.trim_end());
    wait_for("its end", Duration::from_secs(30), || {
        Some(server.end(Signal::TERM))
    });
}
