//! Links between clusters that run as processes of their own, as their operators run them.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::common::leaves::{clusters, document, leaf, root, token, until};
use crate::common::ran::Ran;
use crate::common::server::Server;
use crate::common::wait_for;

/// What alice is told by a database of `cluster`.
fn connect(root: &Server, cluster: &str) -> Ran {
    Ran::of(&mut root.client(&[
        "db",
        "connect",
        "--cluster",
        cluster,
        "leaf-app",
        "--db-user",
        "app",
        "--db-name",
        "app",
        "--",
        "-c",
        "select 1",
    ]))
}

#[test]
fn a_killed_leaf_is_offline_and_comes_back_by_itself() {
    let root = root();
    let token = token(&root);
    let mut leaf = leaf(&root, "leaf", &token);
    leaf.start();
    until(&root, &[("leaf", "online")]);
    let reached = connect(&root, "leaf").stderr;
    assert!(
        reached.contains("connection refused"),
        "the database's own port: {reached}"
    );

    assert_eq!(leaf.end(Signal::KILL), None);
    until(&root, &[("leaf", "offline")]);
    root.says("the leaf cluster leaf is offline");
    let out = connect(&root, "leaf");
    assert_ne!(out.code, 0, "{out}");
    assert!(
        out.stderr.contains("cluster \"leaf\" is offline"),
        "by a certificate kept from before the root itself answers, and names the hop: {out}"
    );

    leaf.start();
    until(&root, &[("leaf", "online")]);
    root.says("the leaf cluster leaf is online again");
    assert!(connect(&root, "leaf").stderr.contains("connection refused"));
}

#[test]
fn a_restarted_root_is_found_again() {
    let mut root = root();
    let token = token(&root);
    let mut leaf = leaf(&root, "leaf", &token);
    leaf.start();
    until(&root, &[("leaf", "online")]);
    let addr = root.status()["listen"]
        .as_str()
        .expect("an address")
        .to_owned();
    assert_eq!(root.end(Signal::TERM), Some(0));
    leaf.says("no link with the root cluster root");
    root.reconfigure("127.0.0.1:0", &addr);
    root.start();
    until(&root, &[("leaf", "online")]);
    leaf.says("linked with the root cluster root again");
}

#[test]
fn two_leaves_one_removed() {
    let root = root();
    let token = token(&root);
    let mut one = leaf(&root, "one", &token);
    let mut two = leaf(&root, "two", &token);
    one.start();
    two.start();
    until(&root, &[("one", "online"), ("two", "online")]);
    let listed: Value =
        serde_json::from_str(&root.run(&["clusters", "ls", "--format", "json"]).ok())
            .expect("JSON");
    let keys: Vec<&String> = listed[0].as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["error", "last_heartbeat", "name", "status", "type"]);
    assert_eq!(
        (&listed[0]["name"], &listed[0]["type"], &listed[1]["status"]),
        (&json!("one"), &json!("leaf"), &json!("online"))
    );
    let seen: Value =
        serde_json::from_str(&one.run(&["clusters", "ls", "--format", "json"]).ok()).expect("JSON");
    assert_eq!(
        (&seen[0]["name"], &seen[0]["type"]),
        (&json!("root"), &json!("root"))
    );

    let _ = root.run(&["clusters", "rm", "one"]).ok();
    until(&root, &[("two", "online")]);
    one.says("does not know this cluster any more");
    let tokens = root.run(&["tokens", "ls", "--format", "json"]).ok();
    assert_eq!(tokens.trim(), "[]", "the token went along");
    assert!(
        root.run(&["clusters", "rm", "one"])
            .fails(1)
            .contains("no leaf cluster \"one\"")
    );
    let gone = connect(&root, "one");
    assert!(gone.stderr.contains("known are: root, two"), "{gone}");

    // A new token lets it in again, without a restart.
    let again = self::token(&root);
    one.document("root.yaml", &document(&root, &again, "*"));
    until(&root, &[("one", "online"), ("two", "online")]);
}

#[test]
fn another_role_map_counts_at_once() {
    let root = root();
    let token = token(&root);
    let mut leaf = leaf(&root, "leaf", &token);
    leaf.start();
    until(&root, &[("leaf", "online")]);
    leaf.document("root.yaml", &document(&root, &token, "nobody"));
    wait_for("nothing to be mapped", Duration::from_secs(20), || {
        let out = Ran::of(&mut root.client(&["db", "ls", "--cluster", "leaf"]));
        out.stderr.contains("access denied").then_some(())
    });
    // The document taken away: neither link nor trust is left.
    std::fs::remove_file(leaf.path("documents/root.yaml")).expect("the document");
    until(&root, &[("leaf", "offline")]);
    leaf.says("the root cluster root is not trusted any more");
}

#[test]
fn tokens_are_shown_once_listed_by_id_and_removed() {
    let root = root();
    let made = token(&root);
    let (text, id) = (
        made["token"].as_str().expect("a token"),
        made["id"].as_str().expect("an id"),
    );
    let pin = made["ca_pin"].as_str().expect("a pin");
    assert!(
        text.len() == 40 && pin.starts_with("sha256:") && pin.len() == 71,
        "{made}"
    );
    let listed = root.run(&["tokens", "ls"]).ok();
    assert!(listed.contains(id) && !listed.contains(text), "{listed}");
    let _ = root.run(&["tokens", "rm", id]).ok();
    assert!(
        root.run(&["tokens", "rm", id])
            .fails(1)
            .contains("no such token")
    );
    let plain = root.run(&["tokens", "add", "--type", "trusted_cluster"]);
    assert!(plain.stderr.contains("spec.token"), "{plain}");
    let text = plain.ok().trim().to_owned();
    let _ = root.run(&["tokens", "rm", &text]).ok();
    let stderr = root.run(&["tokens", "add", "--type", "node"]).fails(2);
    assert!(stderr.contains("trusted_cluster"), "{stderr}");
    let stderr = root
        .run(&[
            "tokens",
            "add",
            "--type",
            "trusted_cluster",
            "--ttl",
            "31h0",
        ])
        .fails(2);
    assert!(stderr.contains("no duration"), "{stderr}");
    let mut refused = leaf(&root, "leaf", &made);
    refused.start();
    refused.says("the token is not valid");
    assert_eq!(clusters(&root), []);
}
