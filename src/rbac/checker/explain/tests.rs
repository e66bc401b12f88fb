use serde_json::json;

use super::*;
use crate::rbac::{Role, Traits};

fn role(name: &str, spec: &serde_json::Value) -> Role {
    let document =
        json!({"kind": "role", "version": "v7", "metadata": {"name": name}, "spec": spec});
    Role::from_document(&document).expect("a role")
}

fn app() -> Database {
    Database {
        name: "app".into(),
        protocol: "postgres".into(),
        labels: [("env", "prod"), ("mode", "plain")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..Database::default()
    }
}

#[test]
fn values_are_traced_to_their_traits() {
    let roles = vec![role(
        "plain",
        &json!({"allow": {
            "db_labels": {"mode": "{{external.modes}}", "env": ["dev", "p*"]},
            "db_users": ["app", "{{internal.db_users}}", "{{external.nope}}"],
            "db_names": ["*"],
        }}),
    )];
    let traits: Traits = [
        ("db_users".to_owned(), vec!["postgres".to_owned()]),
        (
            "modes".to_owned(),
            vec!["keep".to_owned(), "plain".to_owned()],
        ),
    ]
    .into();
    let checker = AccessChecker::new("alice", false, roles, &traits).expect("a checker");
    let explanation = checker.explain(
        &app(),
        Ask {
            user: Some("mallory"),
            name: Some("app"),
            ..Ask::default()
        },
    );
    assert_eq!(explanation.verdict(), Err(AccessError::Denied));
    assert_eq!(explanation.listed, Ok(true));
    let [plain] = explanation.deciding()[..] else {
        panic!("{explanation:?}")
    };
    assert_eq!(plain.admission, Ok(Admission::NotUser));
    let keys: Vec<_> = (plain.allow.labels.keys.iter())
        .map(|key| (key.key.as_str(), key.value.as_deref(), key.by.as_deref()))
        .collect();
    assert_eq!(
        keys,
        [
            ("env", Some("prod"), Some("p*")),
            ("mode", Some("plain"), Some("plain"))
        ]
    );
    assert_eq!(plain.allow.labels.keys[1].patterns[0].traits, ["modes"]);
    let users: Vec<_> = (plain.allow.users.iter())
        .map(|origin| {
            (
                origin.values.join(","),
                origin.traits.join(","),
                origin.is_template(),
            )
        })
        .collect();
    let text = |a: &str, b: &str, c| (a.to_owned(), b.to_owned(), c);
    assert_eq!(
        users,
        [
            text("app", "", false),
            text("postgres", "db_users", true),
            text("", "nope", true)
        ]
    );
    assert!(plain.allow.users[2].problem.is_some());
}

#[test]
fn a_deny_is_named_before_anything_that_allows() {
    let roles = vec![
        role(
            "all",
            &json!({"allow": {"db_labels": {"*": "*"}, "db_users": ["*"], "db_names": ["*"]}}),
        ),
        role("no-root", &json!({"deny": {"db_users": ["root"]}})),
        role("no-prod", &json!({"deny": {"db_labels": {"env": "live"}}})),
    ];
    let checker = AccessChecker::new("alice", false, roles, &Traits::new()).expect("a checker");
    let ask = |user| Ask {
        user: Some(user),
        name: Some("d"),
        ..Ask::default()
    };
    let names = |explanation: &Explanation| -> Vec<String> {
        (explanation.deciding().iter())
            .map(|role| role.name.clone())
            .collect()
    };
    let refused = checker.explain(&app(), ask("root"));
    assert_eq!(refused.verdict(), Err(AccessError::Denied));
    assert_eq!(names(&refused), ["no-root"]);
    assert_eq!(refused.roles[1].denial, Ok(Some(Denial::User)));
    let allowed = checker.explain(&app(), ask("app"));
    assert_eq!(allowed.verdict(), Ok(()));
    assert_eq!(names(&allowed), ["all"]);
    assert_eq!(allowed.roles[2].deny.labels.keys[0].by, None);
}
