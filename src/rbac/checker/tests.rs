use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::rbac::CreateUserMode;

fn role(name: &str, spec: &Value) -> Role {
    let document =
        json!({"kind": "role", "version": "v7", "metadata": {"name": name}, "spec": spec});
    Role::from_document(&document).unwrap_or_else(|e| panic!("{document}: {e}"))
}

fn checker(specs: &[Value]) -> AccessChecker {
    let roles = specs
        .iter()
        .enumerate()
        .map(|(i, s)| role(&format!("r{i}"), s))
        .collect();
    AccessChecker::new("alice", false, roles, &Traits::new()).unwrap()
}

fn database(labels: &[(&str, &str)]) -> Database {
    Database {
        name: "d".into(),
        protocol: "postgres".into(),
        uri: "h:1".into(),
        labels: labels
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        ..Database::default()
    }
}

fn check(
    checker: &AccessChecker,
    database: &Database,
    user: &str,
    name: &str,
) -> Result<Grant, AccessError> {
    checker.check(
        database,
        &Request {
            user,
            name,
            roles: &[],
            mfa: Mfa::Verified,
        },
    )
}

#[test]
fn iam_roles_as_users() {
    // rbac.md 14.4, D18-D20; not in the recorded tables, which have self-hosted databases only.
    let allow = |user: &str| {
        checker(&[
            json!({"allow": {"db_labels": {"*": "*"}, "db_users": [user], "db_names": ["*"]}}),
        ])
    };
    let mut redshift = database(&[]);
    redshift.aws.account_id = "111122223333".into();
    redshift.aws.region = "us-east-1".into();
    let mut serverless = redshift.clone();
    let rds = redshift.clone();
    redshift.aws.redshift.cluster_id = "c".into();
    serverless.aws.redshift_serverless.workgroup_name = "w".into();
    let arn = "arn:aws:iam::111122223333:role/analyst";
    let cases = [
        ("role/analyst", &redshift, arn, true),
        (arn, &redshift, "role/analyst", true),
        ("role/analyst", &redshift, "analyst", false),
        ("analyst", &serverless, arn, true),
        (arn, &serverless, "analyst", true),
        (
            "analyst",
            &serverless,
            "arn:aws-cn:iam::111122223333:role/analyst",
            false,
        ),
        (
            "analyst",
            &serverless,
            "arn:aws:iam::999922223333:role/analyst",
            false,
        ),
        ("app", &rds, "app", true),
        ("app", &rds, "role/app", false),
    ];
    for (allowed, database, user, expected) in cases {
        assert_eq!(
            check(&allow(allowed), database, user, "x").is_ok(),
            expected,
            "{allowed} {user} {}",
            database.kind()
        );
    }
}

#[test]
fn second_factor_and_device() {
    // rbac.md 14.8.
    let m = json!({"options": {"require_session_mfa": true},
                   "allow": {"db_labels": {"env": "live"}, "db_users": ["app"], "db_names": ["*"]}});
    let n = json!({"allow": {"db_labels": {"*": "*"}, "db_users": ["*"], "db_names": ["*"]}});
    let live = database(&[("env", "live")]);
    let qa = database(&[("env", "qa")]);
    let without = |checker: &AccessChecker, database: &Database, user: &str| {
        checker
            .check(
                database,
                &Request {
                    user,
                    name: "x",
                    roles: &[],
                    mfa: Mfa::NotVerified,
                },
            )
            .map(|_| ())
    };
    for both in [
        checker(&[m.clone(), n.clone()]),
        checker(&[n.clone(), m.clone()]),
    ] {
        assert!(!both.mfa_required(&qa, "app", "x"));
        assert_eq!(without(&both, &qa, "app"), Ok(()));
        assert!(both.mfa_required(&live, "app", "x"));
        assert_eq!(without(&both, &live, "app"), Err(AccessError::MfaRequired));
        assert!(!both.mfa_required(&live, "other", "x"));
        assert_eq!(without(&both, &live, "other"), Ok(()));
        check(&both, &live, "app", "x").unwrap();
    }
    let only_m = checker(&[m]);
    assert!(!only_m.mfa_required(&live, "other", "x"));
    assert!(!only_m.mfa_required(&live, "", "x"));
    assert_eq!(without(&only_m, &live, "other"), Err(AccessError::Denied));
    let cluster = checker(std::slice::from_ref(&n)).with_cluster_mfa(true);
    assert!(cluster.mfa_required(&qa, "", ""));
    assert_eq!(without(&cluster, &qa, "app"), Err(AccessError::MfaRequired));
    assert_eq!(cluster.can_list(&qa), Ok(true));
    let mut device = n;
    device["options"] = json!({"device_trust_mode": "required"});
    let device = checker(&[device]);
    assert_eq!(device.can_list(&qa), Ok(true));
    assert_eq!(
        without(&device, &qa, "app"),
        Err(AccessError::DeviceRequired)
    );
}

#[test]
fn restricted_certificates() {
    // rbac.md 14.4, D15.
    let checker = checker(&[
        json!({"allow": {"db_labels": {"*": "*"}, "db_users": ["*"], "db_names": ["*"]}}),
    ])
    .restricted_to(["pg-a".to_owned()].into());
    assert_eq!(
        check(&checker, &database(&[]), "u", "n"),
        Err(AccessError::NotInAllowedResources)
    );
}

#[test]
fn namespaces_of_the_wire() {
    // rbac.md 1.3: a role whose namespaces are empty matches nothing.
    let mut bare = role(
        "r",
        &json!({"allow": {"db_labels": {"*": "*"}, "db_users": ["*"], "db_names": ["*"]}}),
    );
    bare.allow.namespaces.clear();
    let checker = AccessChecker::new("alice", false, vec![bare], &Traits::new()).unwrap();
    assert_eq!(checker.can_list(&database(&[])), Ok(false));
}

#[test]
fn certificate_lists() {
    // rbac.md 14.7, G11, and 8.3.
    let checker = checker(&[
        json!({"allow": {"db_users": ["b", "a", "*"], "db_names": ["n"]}, "options": {"max_session_ttl": "1h"}}),
        json!({"deny": {"db_users": ["b"], "db_labels": {"x": "y"}}, "allow": {"db_users": ["c"]}}),
    ]);
    let hour = 3600 * 1_000_000_000;
    assert_eq!(checker.certificate_users(hour), ["*", "a", "c"]);
    assert_eq!(checker.certificate_users(2 * hour), ["c"]);
    assert_eq!(checker.certificate_names(hour), ["n"]);
    assert_eq!(checker.session_ttl(10 * hour), hour);
    assert_eq!(checker.session_ttl(hour / 2), hour / 2);
}

#[test]
fn enumeration_of_vectors() {
    // rbac.md 14.5, E1, E6, E8, E9, E11.
    let entities = |specs: &[Value]| {
        checker(specs)
            .enumerate_users(&database(&[("env", "qa"), ("team", "a")]))
            .unwrap()
            .to_entities()
    };
    let list = |v: &[&str]| v.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let all = |users: Value| json!({"allow": {"db_labels": {"*": "*"}, "db_users": users}});
    let deny = |users: Value| json!({"deny": {"db_users": users}});
    assert_eq!(
        entities(&[all(json!(["*"])), deny(json!(["root"]))]),
        (list(&["*"]), list(&["root"]))
    );
    assert_eq!(
        entities(&[all(json!(["app"])), deny(json!(["*"]))]),
        (list(&[]), list(&["*"]))
    );
    assert_eq!(
        entities(&[
            all(json!(["*", "app", "etl"])),
            deny(json!(["etl", "root"]))
        ]),
        (list(&["*", "app"]), list(&["etl", "root"]))
    );
    let other_team = json!({"allow": {"db_labels": {"team": "b"}, "db_users": ["y"]}});
    assert_eq!(
        entities(&[all(json!(["*"])), other_team]),
        (list(&["*"]), list(&[]))
    );
    let redis = checker(&[all(json!(["*"]))])
        .enumerate_users_with(&database(&[]), &["default"])
        .unwrap();
    assert_eq!(redis.allowed(), ["default"]);
}

#[test]
fn modes_of_several_roles() {
    // rbac.md 14.6, F5, F6.
    let mut database = database(&[]);
    database.admin_user = Some(crate::rbac::AdminUser {
        name: "tp".into(),
        ..Default::default()
    });
    let with = |mode: Value, roles: &[&str]| json!({"options": {"create_db_user_mode": mode}, "allow": {"db_labels": {"*": "*"}, "db_roles": roles}});
    let both = checker(&[
        with(json!("keep"), &["w", "r"]),
        with(json!("best_effort_drop"), &["a"]),
        with(json!("off"), &["z"]),
    ]);
    let found = both.database_roles(&database).unwrap();
    assert_eq!(found.mode, CreateUserMode::BestEffortDrop);
    assert_eq!(found.roles, ["a", "r", "w"]);
    assert_eq!(
        found.select(&["w".into(), "r".into(), "w".into()]).unwrap(),
        ["w", "r", "w"]
    );
    assert_eq!(
        found.select(&["z".into()]).unwrap_err().to_string(),
        "access to database role \"z\" denied"
    );
    assert_eq!(both.auto_user(&database).unwrap().as_deref(), Some("alice"));
}
