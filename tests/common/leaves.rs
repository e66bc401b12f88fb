//! A root whose leaves are processes of their own.

use serde_json::{Value, json};

use super::ran::Ran;
use super::server::{SOON, Server};
use super::wait_for;

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
pub(crate) fn root() -> Server {
    let mut root = Server::new("authentication: {second_factor: off}\n");
    root.start();
    let _ = root.run_with_password(&["users", "add", "alice"]).ok();
    let _ = root.login("alice", None).ok();
    root
}

/// A token that lets leaves in, with the root's pin.
pub(crate) fn token(root: &Server) -> Value {
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
pub(crate) fn leaf(root: &Server, name: &str, token: &Value) -> Server {
    let leaf = Server::new("");
    leaf.reconfigure("cluster_name: root", &format!("cluster_name: {name}"));
    leaf.document("all.yaml", LEAF);
    leaf.document("root.yaml", &document(root, token, "*"));
    leaf
}

/// Makes a cluster a leaf of `root`, whose port is the present one.
pub(crate) fn document(root: &Server, token: &Value, remote: &str) -> String {
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

/// The leaf clusters as `postern clusters` shows them: name and status.
pub(crate) fn clusters(root: &Server) -> Vec<(String, String)> {
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

/// Waits until they are so.
pub(crate) fn until(root: &Server, wanted: &[(&str, &str)]) {
    wait_for(&format!("{wanted:?}"), SOON * 2, || {
        let now = clusters(root);
        let same = now
            .iter()
            .map(|(n, s)| (n.as_str(), s.as_str()))
            .eq(wanted.iter().copied());
        same.then_some(())
    });
}
