use serde_json::json;

use super::*;
use crate::rbac::{Role, Traits};

const HERE: Place<'static> = Place {
    cluster: "root",
    root_cluster: "root",
    filtered: false,
};

fn checker(specs: &[serde_json::Value]) -> AccessChecker {
    let role = |(at, spec): (usize, &serde_json::Value)| {
        let document = json!({"kind": "role", "version": "v7", "metadata": {"name": format!("r{at}")}, "spec": spec});
        Role::from_document(&document).expect("a role")
    };
    let roles = specs.iter().enumerate().map(role).collect();
    AccessChecker::new("alice", false, roles, &Traits::new()).expect("a checker")
}

fn database() -> Database {
    Database {
        name: "app".into(),
        protocol: "postgres".into(),
        labels: [("env".to_owned(), "dev".to_owned())].into(),
        ..Database::default()
    }
}

#[test]
fn it_says_what_is_decided() {
    let checker = checker(&[
        json!({"allow": {"db_labels": {"env": "dev"}, "db_users": ["app", "ro"], "db_names": ["a"]}}),
        json!({"allow": {"db_labels": {"env": "dev"}, "db_users": ["etl"], "db_names": ["b"]}}),
        json!({"deny": {"db_users": ["ro"]}}),
    ]);
    let users = [None, Some("app"), Some("ro"), Some("etl"), Some("x")];
    let mut seen = std::collections::BTreeSet::new();
    for user in users {
        for name in [None, Some("a"), Some("b"), Some("x")] {
            let wish = Wish {
                user: user.map(str::to_owned),
                name: name.map(str::to_owned),
                roles: Vec::new(),
            };
            let decided = target::decide(&database(), &checker, &wish, HERE);
            let why = explain(&database(), &checker, &wish, HERE);
            assert_eq!(why.verdict.target(), decided.as_ref().ok(), "{wish:?}");
            assert_eq!(why.verdict.error(), decided.as_ref().err(), "{wish:?}");
            if user.is_some() && name.is_some() {
                assert_eq!(
                    why.explanation.verdict().is_ok(),
                    decided.is_ok(),
                    "{wish:?}"
                );
            }
            seen.insert(why.verdict.name());
        }
    }
    assert_eq!(
        seen.into_iter().collect::<Vec<_>>(),
        ["allowed", "choice", "denied"]
    );
}

#[test]
fn a_question_without_an_answer_is_a_refusal() {
    // Each list is allowed, no role allows a pair.
    let checker = checker(&[
        json!({"allow": {"db_labels": {"env": "dev"}, "db_users": ["a", "b"]}}),
        json!({"allow": {"db_labels": {"env": "dev"}, "db_names": ["x", "y"]}}),
    ]);
    let why = explain(&database(), &checker, &Wish::default(), HERE);
    assert_eq!(why.verdict.name(), "denied", "{why:?}");
}

#[test]
fn sources_are_roles_that_match() {
    let checker = checker(&[
        json!({"allow": {"db_labels": {"env": "dev"}, "db_users": ["app"], "db_names": ["*"]}}),
        json!({"allow": {"db_labels": {"env": "live"}, "db_users": ["app"]}}),
    ]);
    let why = explain(&database(), &checker, &Wish::default(), HERE);
    let names = |list, value| -> Vec<&str> {
        let found = why.sources(list, value);
        found.iter().map(|(role, _)| role.name.as_str()).collect()
    };
    assert_eq!(names(List::Users, "app"), ["r0"]);
    assert_eq!(names(List::Names, "anything"), ["r0"]);
    assert!(names(List::Users, "root").is_empty());
}
