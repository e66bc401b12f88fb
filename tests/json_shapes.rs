//! The manual's sections on JSON name the keys that the program prints, no more and no fewer.

use std::collections::BTreeSet;

use postern::cli::util::man::json::{ERROR, SHAPES};
use postern::manual::Shape;
use serde_json::Value;

use crate::common::env::TestEnv;
use crate::common::fed::Fed;
use crate::common::first_line;
use crate::common::tunnel::Tunnel;

fn shape(page: &str) -> &'static Shape {
    SHAPES
        .iter()
        .find(|shape| shape.page == page)
        .expect("a section")
}

/// Compares the keys of all objects together with the documented ones; a documented `a.b` means that `a` is opened.
#[track_caller]
fn compare(shape: &Shape, objects: &[&Value], absent: &[&str]) {
    let want: BTreeSet<String> = shape
        .keys()
        .map(|(key, _)| (*key).to_owned())
        .filter(|key| !absent.contains(&key.as_str()))
        .collect();
    let mut have = BTreeSet::new();
    for (key, value) in objects
        .iter()
        .flat_map(|o| o.as_object().expect("an object"))
    {
        if want.iter().any(|w| w.starts_with(&format!("{key}."))) {
            let inner = value.as_object().expect("an object");
            have.extend(inner.keys().map(|k| format!("{key}.{k}")));
        } else {
            have.insert(key.clone());
        }
    }
    assert_eq!(have, want, "{}", shape.page);
}

fn list(value: &Value) -> Vec<&Value> {
    value.as_array().expect("a list").iter().collect()
}

#[test]
fn every_documented_key_is_printed_and_every_printed_one_documented() {
    let env = TestEnv::new();
    let login: Value = env.login_with("alice", &["--format", "json"]).json();
    compare(shape("postern-login"), &[&login], &[]);
    let json = |args: &[&str]| {
        let mut all = args.to_vec();
        all.extend(["--format", "json"]);
        env.run(&all).json()
    };
    compare(
        shape("postern-status"),
        &[&json(&["status"])],
        &["other_logins", "databases", "origin_path", "database"],
    );
    compare(shape("postern-env"), &[&json(&["env"])], &[]);
    compare(shape("postern-version"), &[&json(&["version"])], &[]);
    let clusters = json(&["clusters"]);
    compare(shape("postern-clusters"), &list(&clusters), &[]);
    let databases = json(&["db", "ls"]);
    compare(shape("postern-db-ls"), &list(&databases), &["users.denied"]);
}

#[test]
fn a_chosen_database_prints_the_documented_keys() {
    let env = TestEnv::logged_in("alice");
    let _guard = crate::common::exclusive("alice");
    for (page, args) in [
        (
            "postern-db-login",
            &["db", "login", "orders", "-f", "json"][..],
        ),
        ("postern-db-env", &["db", "env", "-f", "json"]),
        ("postern-db-config", &["db", "config", "-f", "json"]),
    ] {
        compare(shape(page), &[&env.run(args).json()], &[]);
    }
    let status = env.run(&["status", "-f", "json"]).json();
    assert_eq!(status["databases"], serde_json::json!(["orders"]));
}

#[test]
fn lists_of_all_clusters_and_explanations_print_the_documented_keys() {
    let env = TestEnv::logged_in("alice");
    let all = env.run(&["db", "ls", "--all", "--format", "json"]).json();
    let second = SHAPES
        .iter()
        .filter(|shape| shape.page == "postern-db-ls")
        .nth(1)
        .expect("a section");
    compare(second, &list(&all), &["error"]);
    let shape = shape("postern-db-why");
    for args in [
        &["orders"][..],
        &["app"],
        &["app", "--db-user", "x"],
        &["nowhere"],
    ] {
        let mut why = vec!["db", "why", "--format", "json"];
        why.extend(args);
        let out = env.run(&why);
        let answer: Value = serde_json::from_str(&out.stdout).expect("one object");
        compare(shape, &[&answer], &[]);
    }
}

#[test]
fn sessions_stops_and_times_print_the_documented_keys() {
    let env = TestEnv::logged_in("bob");
    let app = ["app", "--db-user=app", "--db-name=app", "--format=json"];
    let json = |command: &[&str], more: &[&str]| env.run(&[command, &app, more].concat()).json();
    let mut session =
        Fed::start(env.postern(&[&["db", "connect"], &app[..3], &["--", "-XAtq"]].concat()));
    let pid = session.pid().expect("a session");
    compare(
        shape("postern-db-ps"),
        &list(&json(&["db", "ps"], &[])),
        &[],
    );
    compare(
        shape("postern-db-cancel"),
        &[&json(&["db", "cancel"], &[&pid])],
        &[],
    );
    compare(
        shape("postern-db-ping"),
        &[&json(&["db", "ping"], &["--count=1"])],
        &[],
    );
    let mut watching = env
        .postern(&[&["db", "ps", "--watch"], &app[..]].concat())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("postern starts");
    let line = first_line(watching.stdout.take().expect("a pipe"));
    watching.kill().expect("a signal");
    watching.wait().expect("its end");
    let look: Value = serde_json::from_str(&line).expect("one object");
    let second = SHAPES
        .iter()
        .filter(|shape| shape.page == "postern-db-ps")
        .nth(1)
        .expect("a section");
    compare(second, &[&look], &[]);
}

#[test]
fn a_tunnel_and_a_failure_print_the_documented_keys() {
    let env = TestEnv::logged_in("alice");
    let tunnel = Tunnel::open(&env, &["orders"]);
    compare(shape("postern-db-proxy"), &[&tunnel.ready], &[]);

    let failed = env.run(&["db", "connect", "nowhere", "--format", "json"]);
    assert_eq!(failed.stdout, "");
    let error: Value = serde_json::from_str(&failed.stderr).expect("one object");
    compare(&ERROR, &[&error], &[]);
}
