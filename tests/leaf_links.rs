//! Links between clusters that run as processes of their own, as their operators run them.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::common::ran::Ran;
use crate::common::server::{SOON, Server};
use crate::common::wait_for;

/// What a leaf has beside its link: a role and a database that nothing listens for.
const LEAF: &str = "\
kind: role
version: v7
metadata: {name: visitor}
spec: {allow: {db_labels: {'*': '*'}, db_names: ['*'], db_users: [app]}}
---
kind: db
version: v3
metadata: {name: leaf-app}
spec: {protocol: postgres, uri: 'localhost:1'}
";

/// A root with alice logged in.
fn root() -> Server {
    let mut root = Server::new("authentication: {second_factor: off}\n");
    root.start();
    let _ = root.run_with_password(&["users", "add", "alice"]).ok();
    let _ = root.login("alice", None).ok();
    root
}

fn token(root: &Server) -> Value {
    let args = [
        "tokens",
        "add",
        "--type",
        "trusted_cluster",
        "--ttl",
        "10m",
        "--format",
        "json",
    ];
    serde_json::from_str(&root.run(&args).ok()).expect("JSON")
}

/// A leaf of that name that is not started yet.
fn leaf(root: &Server, name: &str, token: &Value) -> Server {
    let leaf = Server::new("");
    leaf.reconfigure("cluster_name: root", &format!("cluster_name: {name}"));
    leaf.document("all.yaml", LEAF);
    leaf.document("root.yaml", &document(root, token, "*"));
    leaf
}

/// Makes a cluster a leaf of `root`, whose port is the present one.
fn document(root: &Server, token: &Value, remote: &str) -> String {
    let addr = root.status()["public_addr"]
        .as_str()
        .expect("an address")
        .to_owned();
    json!({"kind": "trusted_cluster", "version": "v2",
        "metadata": {"name": "root", "labels": {"postern.dev/ca-pin": token["ca_pin"]}},
        "spec": {"enabled": true, "token": token["token"], "tunnel_addr": addr, "web_proxy_addr": addr,
            "role_map": [{"remote": remote, "local": ["visitor"]}]}})
    .to_string()
}

fn clusters(root: &Server) -> Vec<(String, String)> {
    let out = Ran::of(&mut root.client(&["clusters", "--format", "json"])).ok();
    let rows: Value = serde_json::from_str(&out).expect("JSON");
    let text = |v: &Value| v.as_str().expect("a text").to_owned();
    rows.as_array()
        .expect("a list")
        .iter()
        .skip(1)
        .map(|row| (text(&row["cluster_name"]), text(&row["status"])))
        .collect()
}

fn until(root: &Server, wanted: &[(&str, &str)]) {
    wait_for(&format!("{wanted:?}"), SOON * 2, || {
        let now = clusters(root);
        let same = now
            .iter()
            .map(|(n, s)| (n.as_str(), s.as_str()))
            .eq(wanted.iter().copied());
        same.then_some(())
    });
}

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
        out.stderr
            .contains("has no connection to cluster \"leaf\" at the moment"),
        "the hop is named: {out}"
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
