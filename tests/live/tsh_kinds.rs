//! Databases of every protocol and type: listed as a real cluster lists them, by tsh and by postern, and refused where they
//! are not served. `tests/data/kinds` holds the documents and what tsh printed with them in a real cluster.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::embedded::{Embedded, PASSWORD};
use super::tsh::Tsh;
use crate::common::ran::Ran;

const USERS: &str = r#"
{kind: role, version: v7, metadata: {name: all}, spec: {allow: {db_labels: {"*": "*"}, db_users: [app], db_names: ["*"]}}}
---
{kind: user, version: v2, metadata: {name: alice}, spec: {roles: [all]}}
---
"#;

fn data(name: &str) -> String {
    let path = format!("{}/tests/data/kinds/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// What does not depend on where it was recorded: all but the revision of the stored document, and what the database
/// service found out about it at the cloud's interfaces.
fn facts(list: &Value) -> Vec<Value> {
    let elements = list.as_array().expect("a list").iter().cloned();
    elements
        .map(|mut element| {
            let metadata = element["metadata"].as_object_mut().expect("metadata");
            metadata.remove("revision");
            element
                .as_object_mut()
                .expect("a database")
                .remove("status");
            element
        })
        .collect()
}

/// Every place where two values differ.
fn differences(place: &str, have: &Value, want: &Value, all: &mut Vec<String>) {
    match (have, want) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let (a, b) = (a.get(key), b.get(key));
                if let (Some(a), Some(b)) = (a, b) {
                    differences(&format!("{place}.{key}"), a, b, all);
                } else {
                    all.push(format!("{place}.{key}: {a:?}, recorded {b:?}"));
                }
            }
        }
        _ if have == want => {}
        _ => all.push(format!("{place}: {have}, recorded {want}")),
    }
}

fn compare(have: &Value, want: &Value) {
    let (have, want) = (facts(have), facts(want));
    let mut all = Vec::new();
    for want in &want {
        let name = want["metadata"]["name"].as_str().expect("a name");
        match have.iter().find(|d| d["metadata"]["name"] == name) {
            Some(have) => differences(name, have, want, &mut all),
            None => all.push(format!("{name} is not listed")),
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn every_kind_is_listed_as_by_a_real_cluster() {
    if Tsh::new("", "").is_none() {
        return;
    }
    // A real cluster marks what is created in it.
    let created = data("documents.yaml").replace(
        "\"labels\": {",
        "\"labels\": {\"teleport.dev/origin\": \"dynamic\", ",
    );
    let documents = format!("{USERS}{created}");
    let cluster = Embedded::start("root", &documents, &["alice"]);
    let tsh = Tsh::new(&cluster.proxy, &cluster.ca_file).expect("tsh");
    tsh.log_in("alice", PASSWORD);
    let recorded: Value = serde_json::from_str(&data("db-ls.json")).expect("JSON");
    let listed = tsh.run(&["db", "ls", "-v", "--format", "json"]).json();
    compare(&listed, &recorded);
    // Oracle needs a licence there.
    assert_eq!(
        recorded.as_array().expect("a list").len() + 2,
        listed.as_array().expect("a list").len()
    );
    let table = tsh
        .run(&[
            "db",
            "ls",
            "-v",
            "--query",
            "resource.spec.protocol != \"oracle\"",
        ])
        .ok();
    assert_eq!(table, data("db-ls.txt"));
}

/// postern, logged in to the cluster as alice.
fn postern(cluster: &Embedded, args: &[&str]) -> Ran {
    let home = cluster.directory().join("postern");
    let command = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").expect("PATH"))
            .env("HOME", cluster.directory())
            .env("POSTERN_HOME", &home)
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null());
        command
    };
    if !home.exists() {
        let password = cluster.directory().join("password");
        std::fs::write(&password, PASSWORD).expect("a file");
        let mut login = command(&[
            "login",
            "--proxy",
            &cluster.proxy,
            "--user",
            "alice",
            "--ca-file",
            &cluster.ca_file,
            "--password-stdin",
            "--key-store",
            "file",
        ]);
        login.stdin(std::fs::File::open(&password).expect("the file"));
        Ran::of(&mut login).ok();
    }
    Ran::of(&mut command(args))
}

#[test]
fn what_is_not_served_is_refused_with_a_text_that_says_so() {
    if Tsh::new("", "").is_none() {
        return;
    }
    // tsh makes another user name for databases at Google.
    let users = USERS.replace("[app]", "[\"*\"]");
    let documents = format!("{users}{}", data("documents.yaml"));
    let cluster = Embedded::start("root", &documents, &["alice"]);
    let tsh = Tsh::new(&cluster.proxy, &cluster.ca_file).expect("tsh");
    tsh.log_in("alice", PASSWORD);
    for (name, protocol) in [
        ("kind-mongodb", "mongodb"),
        ("kind-mysql-rds", "mysql"),
        ("kind-redis-memorydb", "redis"),
        ("kind-snowflake", "snowflake"),
        ("kind-cassandra-keyspaces", "cassandra"),
        ("kind-elasticsearch", "elasticsearch"),
        ("kind-dynamodb", "dynamodb"),
        ("kind-opensearch", "opensearch"),
        ("kind-clickhouse", "clickhouse"),
        ("kind-oracle", "oracle"),
        ("kind-sqlserver", "sqlserver"),
        ("kind-cockroachdb", "cockroachdb"),
        ("kind-spanner", "spanner"),
    ] {
        let said = tsh.refused(&["db", "login", name, "--db-user", "app", "--db-name", "x"]);
        let text = format!(
            "database {name:?} speaks {protocol}: postern-cluster lists such databases, but it serves PostgreSQL only"
        );
        assert!(said.contains(&text), "{name}: {said}");
        let said = postern(
            &cluster,
            &["db", "connect", name, "--db-user", "app", "--db-name", "x"],
        );
        assert_ne!(said.code, 0, "{said}");
        assert!(
            said.stderr.contains(&format!("speaks {protocol}")),
            "{name}: {said}"
        );
    }
    for (name, kind) in [
        ("kind-postgres-gcp", "gcp"),
        ("kind-postgres-alloydb", "alloydb"),
        ("kind-postgres-azure", "azure"),
        ("kind-redshift-serverless", "redshift-serverless"),
    ] {
        let said = tsh
            .sql(&[name, "--db-user", "app", "--db-name", "x"], "select 1;")
            .fails(1);
        assert!(
            said.contains(&format!("databases of type \"{kind}\" are not served here")),
            "{name}: {said}"
        );
    }
}
