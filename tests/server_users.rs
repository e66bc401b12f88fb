//! `postern-cluster users`: with a running cluster and without.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::common::server::Server;

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn a_user_is_added_logs_in_gets_new_secrets_and_goes() {
    let mut server = Server::new("");
    let early = server.run_with_password(&["users", "add", "dave", "--roles", "dev"]);
    assert_eq!(early.code, 1, "{early}");
    assert!(early.stderr.contains("no cluster was started"), "{early}");
    server.start();

    let args = [
        "users",
        "add",
        "dave@example.com",
        "--roles",
        "dev,access",
        "--traits",
        "db_roles=reader,writer",
        "--traits",
        "db_users=app",
    ];
    let text = server.run_with_password(&args).ok();
    assert!(
        text.contains("User dave@example.com with dev, access."),
        "{text}"
    );
    let url = text
        .lines()
        .find(|line| line.starts_with("otpauth://totp/root:dave%40example.com?"))
        .unwrap_or_else(|| panic!("no URL: {text}"));
    let key = url.rsplit('=').next().expect("a key");
    // The code is drawn with half blocks, and wide enough to be one.
    let widest = text.lines().map(|l| l.chars().count()).max();
    assert!(text.contains('▀') && widest >= Some(41), "{text}");

    assert_eq!(server.status()["users"], 2, "the running cluster knows");
    server.login("dave@example.com", Some(key)).ok();
    assert_ne!(
        server.login("dave@example.com", None).code,
        0,
        "a code is needed"
    );

    let again = server.run_with_password(&args);
    assert_eq!(again.code, 1, "{again}");
    assert!(again.stderr.contains("exists already"), "{again}");

    let listed = json_of(&server.run(&["users", "ls", "--format", "json"]).ok());
    let place = format!("{}:8", server.path("documents/all.yaml").display());
    assert_eq!(
        listed,
        json!([
            {"name": "alice", "roles": ["dev"], "traits": {"db_roles": ["reader"]}, "source": place, "password": false},
            {"name": "dave@example.com", "roles": ["dev", "access"],
             "traits": {"db_roles": ["reader", "writer"], "db_users": ["app"]}, "source": "state", "password": true},
        ])
    );
    let table = server.run(&["users", "ls"]).ok();
    assert!(table.starts_with("User "), "{table}");

    let reset =
        server.run_with_password(&["users", "reset", "dave@example.com", "--format", "json"]);
    let reset = json_of(&reset.ok());
    let new = reset["totp_key"].as_str().expect("a key");
    assert_ne!(new, key);
    server.login("dave@example.com", Some(new)).ok();
    let kept = server.run_with_password(&[
        "users",
        "reset",
        "dave@example.com",
        "--keep-key",
        "--format",
        "json",
    ]);
    assert_eq!(json_of(&kept.ok())["totp_key"], new);

    server.run(&["users", "rm", "dave@example.com"]).ok();
    assert_eq!(server.status()["users"], 1);
    assert_ne!(server.login("dave@example.com", Some(new)).code, 0);
    let gone = server.run(&["users", "rm", "dave@example.com"]);
    assert_eq!(gone.code, 1, "{gone}");
    assert!(gone.stderr.contains("no user"), "{gone}");
}

#[test]
fn a_user_of_a_document_gets_secrets_only() {
    let mut server = Server::new("authentication: {second_factor: 'off'}\n");
    server.start();
    let ran = server.run_with_password(&["users", "add", "alice", "--roles", "access"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stderr
            .contains("all.yaml:8: a document describes the user \"alice\""),
        "{ran}"
    );
    assert_ne!(server.login("alice", None).code, 0);
    server.run_with_password(&["users", "add", "alice"]).ok();
    server.login("alice", None).ok();
    let removed = server.run(&["users", "rm", "alice"]);
    assert!(
        removed.stderr.contains("a document still describes"),
        "{removed}"
    );
    removed.ok();
    assert_ne!(server.login("alice", None).code, 0);
    assert_eq!(server.status()["users"], 1);
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let mut server = Server::new("");
    server.start();
    for (args, wanted) in [
        (
            &["users", "add", "a b", "--roles", "dev"][..],
            "a user name has letters",
        ),
        (&["users", "add", "dave"], "name its roles with --roles"),
        (&["users", "reset", "dave"], "no user \"dave\""),
    ] {
        let ran = server.run_with_password(args);
        assert_eq!(ran.code, 1, "{ran}");
        assert!(ran.stderr.contains(wanted), "{ran}");
        assert_eq!(ran.stdout, "");
    }
    let ran = server.run(&["users", "add", "dave", "--roles", "dev"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("--password-stdin"), "{ran}");
    let ran = server.run(&["users", "add", "dave", "--traits", "nonsense"]);
    assert_eq!(ran.code, 2, "{ran}");
    assert_eq!(server.status()["users"], 1);
}

#[test]
fn what_was_acknowledged_survives_a_killed_cluster_and_works_without_one() {
    let mut server = Server::new("");
    server.start();
    for n in 0..5 {
        let name = format!("u{n}");
        server
            .run_with_password(&["users", "add", &name, "--roles", "dev"])
            .ok();
    }
    assert_eq!(server.end(Signal::KILL), None);
    let added = server.run_with_password(&["users", "add", "late", "--roles", "dev"]);
    assert!(
        added.stderr.contains("counts from its next start on"),
        "{added}"
    );
    added.ok();
    let listed = json_of(&server.run(&["users", "ls", "--format", "json"]).ok());
    assert_eq!(listed.as_array().map(Vec::len), Some(7));
    server.start();
    assert_eq!(server.status()["users"], 7);
    let key = json_of(
        &server
            .run_with_password(&["users", "reset", "u3", "--format", "json"])
            .ok(),
    );
    server
        .login("u3", Some(key["totp_key"].as_str().expect("a key")))
        .ok();
}

#[test]
fn new_secrets_open_an_account_that_was_locked_by_guessing() {
    let mut server = Server::new("authentication: {second_factor: 'off'}\n");
    server.start();
    server.run_with_password(&["users", "add", "alice"]).ok();
    server.login("alice", None).ok();
    for _ in 0..5 {
        assert_ne!(server.login_with("alice", "a wrong guess").code, 0);
    }
    let locked = server.login("alice", None);
    assert_ne!(locked.code, 0, "{locked}");
    server.run_with_password(&["users", "reset", "alice"]).ok();
    server.login("alice", None).ok();
}
