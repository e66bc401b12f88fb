//! Documents of a running cluster: checked, changed, broken, mended.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::common::server::{DOCUMENTS, Server};

#[test]
fn check_says_file_line_and_reason() {
    let server = Server::new("");
    let text = server.run(&["check"]).ok();
    assert!(
        text.contains("cluster.yaml: 2 roles, 1 users, 1 databases"),
        "{text}"
    );
    assert!(!server.path("state").exists(), "nothing is started or made");

    server.document(
        "more.yaml",
        "kind: db\nversion: v3\nmetadata: {name: bad}\nspec:\n  uri: x:1\n  protocol: telnet\n---\n\
         kind: user\nmetadata: {name: bob}\nspec:\n  roles: [gone]\n  trusted_device_ids: [x]\n",
    );
    let ran = server.run(&["check"]);
    assert_eq!(ran.code, 3, "{ran}");
    let place = server.path("documents/more.yaml");
    let error = format!("error: {}:6: db \"bad\": unsupported", place.display());
    assert!(ran.stderr.contains(&error), "{ran}");
    assert_eq!(ran.stdout, "");

    server.document(
        "more.yaml",
        "kind: user\nmetadata: {name: bob}\nspec:\n  roles: [gone]\n  trusted_device_ids: [x]\n",
    );
    let ran = server.run(&["check", "--format", "json"]);
    let answer: Value = serde_json::from_str(&ran.ok()).expect("JSON");
    assert_eq!(answer["ok"], true);
    assert_eq!(
        answer["warnings"],
        json!([
            format!(
                "{}:1: user \"bob\": ignored: spec.trusted_device_ids (line 5)",
                place.display()
            ),
            format!(
                "{}:1: user \"bob\" has the role \"gone\", which no document defines",
                place.display()
            ),
        ])
    );
    assert_eq!(answer["users"], 2);
}

#[test]
fn a_static_and_a_dynamic_entry_of_one_name_are_a_mistake() {
    let server = Server::new(
        "db_service:\n  resources: [{labels: {'*': '*'}}]\n  databases:\n  - {name: orders, protocol: postgres, uri: 'x:1'}\n",
    );
    let ran = server.run(&["check"]);
    assert_eq!(ran.code, 3, "{ran}");
    assert!(
        ran.stderr.contains(
            "all.yaml:13: db \"orders\": the configuration has a database of this name too, at"
        ),
        "{ran}"
    );
    assert!(
        ran.stderr.contains("cluster.yaml:8; names are taken once"),
        "{ran}"
    );
}

#[test]
fn resources_say_which_documents_are_served() {
    let mut server = Server::new(
        "db_service:\n  resources: [{labels: {env: [prod, 'test-*']}}]\n  databases:\n  - {name: fixed, protocol: postgres, uri: 'x:1'}\n",
    );
    server.document(
        "more.yaml",
        "kind: db\nversion: v3\nmetadata: {name: t, labels: {env: test-1}}\nspec: {protocol: mysql, uri: 'x:1'}\n",
    );
    server.start();
    let status = server.status();
    assert_eq!(status["databases"], 2, "fixed and t");
    let warning = status["warnings"][0].as_str().expect("a warning");
    assert!(
        warning
            .contains("all.yaml:13: db \"orders\" is not served: no entry of db_service.resources"),
        "{warning}"
    );
    server.configure("db_service: {resources: [{labels: {'*': '*'}}]}\n");
    server.shows("warnings", &json!([]));
    assert_eq!(server.status()["databases"], 2, "orders and t");
}

#[test]
fn a_change_counts_and_a_bad_one_changes_nothing() {
    let mut server = Server::new("");
    server.start();
    let bob = "kind: user\nmetadata: {name: bob}\nspec: {roles: [dev]}\n";
    server.document("bob.yaml", bob);
    server.shows("users", &2.into());
    server.says("documents read again: 2 roles, 2 users, 1 databases");

    server.document(
        "bob.yaml",
        "kind: user\nmetadata: {name: bob}\nspec:\n  roles: []\n",
    );
    server.says("bob.yaml:1: user \"bob\": a user needs at least one role");
    server.says("the former documents stay in force");
    let status = server.status();
    assert_eq!(status["users"], 2);
    let error = status["documents_error"].as_str().expect("an error");
    assert!(error.contains("bob.yaml:1: "), "{error}");
    let shown = server.run(&["status"]).ok();
    assert!(shown.contains("newer ones are wrong"), "{shown}");
    let asked = server.run(&["reload"]);
    assert_eq!(asked.code, 1, "{asked}");
    assert!(asked.stderr.contains("bob.yaml:1: "), "{asked}");

    std::fs::remove_file(server.path("documents/bob.yaml")).expect("a file");
    server.shows("users", &1.into());
    assert_eq!(server.status()["documents_error"], Value::Null);

    // A hangup does not wait for the next look.
    let more = format!("{DOCUMENTS}---\n{bob}");
    server.document("all.yaml", &more);
    server.signal(Signal::HUP);
    server.shows("users", &2.into());
    server.configure("client_idle_timeout: soon\n");
    server.says("cluster.yaml:5: client_idle_timeout \"soon\" is no duration");
    assert_eq!(server.status()["users"], 2);
    server.configure("public_addr: other.example.com\n");
    server.says("count from the next start on");
    assert_eq!(server.end(Signal::TERM), Some(0));
}
