use serde_json::{Value, json};

use super::*;

fn role(version: &str, spec: &Value) -> Result<Role, String> {
    let document =
        json!({"kind": "role", "version": version, "metadata": {"name": "r"}, "spec": spec});
    Role::from_document(&document).map_err(|e| e.to_string())
}

#[test]
fn defaults_of_the_versions() {
    // rbac.md 1.3.
    let wildcard: LabelPatterns = [("*".to_owned(), vec!["*".to_owned()])].into();
    for spec in [
        json!({}),
        json!({"allow": {}}),
        json!({"allow": {"db_labels": {}}}),
    ] {
        assert_eq!(role("v3", &spec).unwrap().allow.database_labels, wildcard);
        for version in ["v4", "v5", "v6", "v7", "v8"] {
            assert!(
                role(version, &spec)
                    .unwrap()
                    .allow
                    .database_labels
                    .is_empty(),
                "{version}"
            );
        }
    }
    let role = role(
        "v7",
        &json!({"allow": {"db_labels": {"tier": [], "a": "b"}}}),
    )
    .unwrap();
    assert_eq!(role.allow.database_labels["tier"], [""]);
    assert_eq!(role.allow.database_labels["a"], ["b"]);
    assert_eq!(role.options.max_session_ttl, 30 * 3600 * 1_000_000_000);
    assert_eq!(role.allow.namespaces, ["default"]);
    assert_eq!(role.deny.namespaces, ["default"]);
}

#[test]
fn refused_documents() {
    for (version, spec, text) in [
        ("v9", json!({}), "role version \"v9\" is not supported"),
        (
            "v7",
            json!({"allow": {"db_roles": ["*"]}}),
            "wildcard is not allowed in allow.database_roles",
        ),
        (
            "v7",
            json!({"allow": {"db_labels": {"*": "foo"}}}),
            "selector *:[foo] is not supported",
        ),
        (
            "v7",
            json!({"allow": {"db_permissions": [{"permissions": ["*"]}]}}),
            "individual database permissions cannot be wildcards strings",
        ),
        (
            "v7",
            json!({"options": {"require_session_mfa": "hardware_key"}}),
            "Hardware Key support is only available with an enterprise license",
        ),
        (
            "v7",
            json!({"allow": {"request": {"search_as_roles": ["x"]}}}),
            "role field allow.search_as_roles is only available in enterprise subscriptions",
        ),
    ] {
        assert_eq!(role(version, &spec), Err(text.to_owned()));
    }
    let named = json!({"kind": "role", "version": "v7", "metadata": {"name": "a*"}, "spec": {}});
    assert!(
        Role::from_document(&named)
            .unwrap_err()
            .to_string()
            .ends_with("plus signs: \"/roles/a*/params\"")
    );
    // Accepted without complaint (rbac.md 1.3).
    role(
        "v7",
        &json!({"deny": {"db_roles": ["*"], "db_labels": {"*": "x"}}, "nonsense": 1}),
    )
    .unwrap();
    role("v7", &json!({"allow": {"db_labels_expression": "oops("}})).unwrap();
}

#[test]
fn creation_mode() {
    // rbac.md 1.4.
    let mode = |value: Value| {
        role("v7", &json!({"options": {"create_db_user_mode": value}}))
            .map(|r| r.options.create_db_user_mode)
    };
    assert_eq!(mode(json!(false)), Ok(CreateUserMode::Off));
    assert_eq!(mode(json!("keep")), Ok(CreateUserMode::Keep));
    assert_eq!(mode(json!(3)), Ok(CreateUserMode::BestEffortDrop));
    assert_eq!(mode(json!(2.7)), Ok(CreateUserMode::Keep));
    assert_eq!(mode(json!("")), Ok(CreateUserMode::Unspecified));
    assert_eq!(
        mode(json!(true)),
        Err("create_database_user_mode cannot be true, got true".into())
    );
    assert_eq!(
        mode(json!("KEEP")),
        Err("invalid database user mode KEEP".into())
    );
    assert_eq!(
        mode(json!(9)),
        Err("invalid database user creation mode 9".into())
    );
    let effective = |options: Value| {
        role("v7", &json!({"options": options}))
            .unwrap()
            .options
            .create_user_mode()
    };
    assert_eq!(
        effective(json!({"create_db_user": true})),
        CreateUserMode::Keep
    );
    assert_eq!(
        effective(json!({"create_db_user": "yes"})),
        CreateUserMode::Keep
    );
    assert_eq!(
        effective(json!({"create_db_user": true, "create_db_user_mode": "off"})),
        CreateUserMode::Off
    );
    assert_eq!(effective(json!({})), CreateUserMode::Off);
    assert!(CreateUserMode::from_number(7).is_enabled());
}

#[test]
fn durations() {
    let ttl = |text: &str| {
        role("v7", &json!({"options": {"max_session_ttl": text}}))
            .unwrap()
            .options
            .max_session_ttl
    };
    assert_eq!(ttl("8h"), 8 * 3600 * 1_000_000_000);
    assert_eq!(ttl("1h30m0s"), 5400 * 1_000_000_000);
    assert_eq!(ttl("-5m"), 30 * 3600 * 1_000_000_000);
    assert!(role("v7", &json!({"options": {"max_session_ttl": "soon"}})).is_err());
}
