//! Names of clusters that do not fit a DNS label (over 31 bytes, of which each is two hexadecimal digits), up to the longest
//! that a protocol name of TLS can carry, and beyond.

use serde_json::json;

use crate::common::leaves::{document, leaf, token, until};
use crate::common::ran::Ran;
use crate::common::server::{SOON, Server};
use crate::common::wait_for;
use crate::common::world::World;

/// A name of so many bytes with a dot in it, as real ones have.
fn name(start: &str, length: usize) -> String {
    let name = format!(
        "{start}-{}.example.com",
        "a".repeat(length - start.len() - 13)
    );
    assert_eq!(name.len(), length);
    name
}

fn run(server: &Server, args: &[&str]) -> Ran {
    Ran::of(&mut server.client(args))
}

/// Who alice is in a database of a cluster.
fn who(root: &Server, cluster: &str, database: &str) -> Ran {
    let what = &["--", "-X", "-A", "-t", "-c", "select current_user"];
    let args = [
        "db",
        "connect",
        "--cluster",
        cluster,
        database,
        "--db-name",
        "postgres",
    ];
    run(root, &[&args[..], what].concat())
}

/// Role and database of a leaf; whoever comes is a visitor with a user of its own.
fn documents(postgres: u16) -> String {
    format!(
        "\
kind: role
version: v7
metadata: {{name: visitor}}
spec:
  options: {{create_db_user_mode: keep}}
  allow: {{db_labels: {{own: users}}, db_names: ['*'], db_roles: [reader]}}
---
kind: db
version: v3
metadata: {{name: leaf-orders, labels: {{own: users}}}}
spec: {{protocol: postgres, uri: 'localhost:{postgres}', admin_user: {{name: teleport-admin}}}}
"
    )
}

/// A database without users of its own, and who may go there.
const SHARED: &str = "\
---
kind: role
version: v7
metadata: {name: guest}
spec: {allow: {db_labels: {own: nothing}, db_names: ['*'], db_users: [app]}}
---
kind: db
version: v3
metadata: {name: leaf-app, labels: {own: nothing}}
spec: {protocol: postgres, uri: 'localhost:1'}
";

/// The computed user name, `remote-alice-<root>`, is exactly as long as PostgreSQL allows.
#[test]
fn root_and_leaf_of_over_31_bytes_work() {
    let (root_name, leaf_name) = (name("root", 50), name("leaf", 109));
    let renamed = |name: &str| format!("cluster_name: {name}\n");
    let root = World::changed("", &[("cluster_name: root\n", &renamed(&root_name))]);
    let other = World::changed("", &[("cluster_name: root\n", &renamed(&leaf_name))]);
    let link = document(&root.server, &token(&root.server), "*")
        .replace("\"name\":\"root\"", &format!("\"name\":\"{root_name}\""));
    other.server.document("root.yaml", &link);
    other
        .server
        .document("all.yaml", &documents(other.postgres_port()));
    let _ = other.server.run(&["reload"]).ok();
    until(&root.server, &[(&leaf_name, "online")]);

    assert_eq!(
        run(&root.server, &["db", "ls", "--format", "names"]).ok(),
        "orders\n"
    );
    assert_eq!(who(&root.server, &root_name, "orders").ok(), "alice\n");
    let list = ["db", "ls", "--cluster", &leaf_name, "--format", "names"];
    assert_eq!(run(&root.server, &list).ok(), "leaf-orders\n");
    let user = format!("remote-alice-{root_name}");
    assert_eq!(user.len(), 63);
    for _ in 0..2 {
        // The second time with what was kept from the first.
        assert_eq!(
            who(&root.server, &leaf_name, "leaf-orders").ok(),
            format!("{user}\n")
        );
    }
    let everywhere = run(&root.server, &["db", "ls", "-R", "--format", "json"]).json();
    let clusters: Vec<_> = everywhere
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| row["cluster"].clone())
        .collect();
    assert_eq!(clusters, [json!(leaf_name), json!(root_name)]);
    // Names that begin alike are told apart when one is mistyped.
    let error = run(
        &root.server,
        &[
            "db",
            "ls",
            "--cluster",
            &leaf_name[..108],
            "--format",
            "json",
        ],
    )
    .json_error(12);
    assert!(error["hint"].as_str().expect("a hint").contains(&leaf_name));
    other.end();
    root.end();
}

/// What cannot be is said before anything is tried: PostgreSQL would cut the name, and TLS has no room for it.
#[test]
fn what_does_not_fit_is_refused_by_name() {
    let root_name = name("root", 109);
    let mut root = Server::new("authentication: {second_factor: off}\n");
    root.reconfigure(
        "cluster_name: root\n",
        &format!("cluster_name: {root_name}\n"),
    );
    root.start();
    let _ = root.run_with_password(&["users", "add", "alice"]).ok();
    let _ = root.login("alice", None).ok();
    let mut leaf = leaf(&root, "leaf", &token(&root));
    let link = std::fs::read_to_string(leaf.path("documents/root.yaml")).expect("a document");
    leaf.document(
        "root.yaml",
        &link
            .replace("\"name\":\"root\"", &format!("\"name\":\"{root_name}\""))
            .replace("[\"visitor\"]", "[\"visitor\",\"guest\"]"),
    );
    leaf.document("all.yaml", &(documents(1) + SHARED));
    leaf.start();
    until(&root, &[("leaf", "online")]);
    let out = who(&root, "leaf", "leaf-orders").fails(14);
    assert!(
        out.contains(&format!(
            "remote-alice-{root_name}, is longer than the 63 bytes"
        )),
        "{out}"
    );
    let app = [
        "db",
        "connect",
        "--cluster",
        "leaf",
        "leaf-app",
        "--db-user",
        "app",
    ];
    let out = run(
        &root,
        &[&app[..], &["--db-name", "app", "--", "-c", "select 1"]].concat(),
    );
    assert!(
        out.stderr.contains("connection refused"),
        "the database's own port: {out}"
    );

    // One more byte, and nobody could ask for it.
    let server = Server::new("");
    let long = name("root", 110);
    server.reconfigure("cluster_name: root\n", &format!("cluster_name: {long}\n"));
    let out = server.run(&["check"]);
    assert_ne!(out.code, 0, "{out}");
    assert!(
        format!("{out}").contains("a name has 109 bytes at most"),
        "{out}"
    );
    drop(server);

    // Real Teleport starts such a leaf and shows it as online: its authority is known, and its auth service out of reach.
    let long = name("leaf", 200);
    let dir = root.path("home/profiles");
    let path = wait_for("the profile", SOON, || {
        std::fs::read_dir(&dir).ok()?.next()?.ok().map(|e| e.path())
    });
    let text = std::fs::read_to_string(&path).expect("a profile");
    let mut profile: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let mut authority = profile["host_cas"][0].clone();
    authority["cluster"] = json!(long);
    profile["host_cas"]
        .as_array_mut()
        .expect("a list")
        .push(authority);
    std::fs::write(&path, profile.to_string()).expect("a file");
    let error = run(&root, &["db", "ls", "--cluster", &long, "--format", "json"]).json_error(1);
    let message = error["message"].as_str().expect("a message");
    assert!(
        message.contains("is 200 bytes long, and the protocol carries 109 at most"),
        "{error}"
    );
    let proxy = root.status()["public_addr"]
        .as_str()
        .expect("an address")
        .to_owned();
    assert_eq!(error["hop"], format!("proxy {proxy}"), "{error}");
    assert!(
        error["hint"]
            .as_str()
            .expect("a hint")
            .contains("shorter name"),
        "{error}"
    );
}
