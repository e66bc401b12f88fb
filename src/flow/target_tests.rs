//! Choices as alice, bob and carol meet them in a cluster like the demo's.

use serde_json::json;

use super::*;
use crate::identity::Traits;
use crate::rbac::Role;

fn role(name: &str, spec: &serde_json::Value) -> Role {
    let document =
        json!({"kind": "role", "version": "v7", "metadata": {"name": name}, "spec": spec});
    Role::from_document(&document).expect("a role")
}

fn keep() -> Role {
    role(
        "auto-keep",
        &json!({
            "allow": {"db_labels": {"mode": "keep"}, "db_names": ["*"], "db_roles": ["reader", "{{internal.db_roles}}"]},
            "options": {"create_db_user_mode": "keep"}
        }),
    )
}

fn plain() -> Role {
    let users = json!(["app", "{{internal.db_users}}"]);
    role(
        "plain",
        &json!({"allow": {"db_labels": {"mode": "plain"}, "db_names": ["postgres", "app"], "db_users": users}}),
    )
}

fn mfa() -> Role {
    role(
        "mfa-db",
        &json!({
            "allow": {"db_labels": {"mode": "mfa"}, "db_names": ["*"], "db_users": ["app"]},
            "options": {"require_session_mfa": true}
        }),
    )
}

fn traits(pairs: &[(&str, &[&str])]) -> Traits {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), v.iter().map(|v| (*v).to_owned()).collect()))
        .collect()
}

fn alice() -> AccessChecker {
    let traits = traits(&[("db_roles", &["writer"]), ("db_users", &["postgres"])]);
    AccessChecker::new("alice", false, vec![keep(), plain()], &traits).expect("a checker")
}

fn database(name: &str, mode: &str, admin: Option<&str>) -> Database {
    let mut spec = json!({"protocol": "postgres", "uri": "localhost:5432"});
    if let Some(default) = admin {
        spec["admin_user"] = json!({"name": "teleport-admin", "default_database": default});
    }
    let document = json!({
        "kind": "db", "version": "v3", "metadata": {"name": name, "labels": {"mode": mode}}, "spec": spec
    });
    Database::from_document(&document).expect("a database")
}

fn databases() -> Vec<Database> {
    vec![
        database("app", "plain", None),
        database("dead", "plain", None),
        database("orders", "keep", Some("postgres")),
    ]
}

const ROOT: Place<'_> = Place {
    cluster: "root",
    root_cluster: "root",
    filtered: false,
};
const LEAF: Place<'_> = Place {
    cluster: "leaf",
    root_cluster: "root",
    filtered: false,
};

fn with_roles(list: &str) -> Wish {
    Wish {
        roles: roles(&[list]),
        ..Wish::default()
    }
}

fn as_user(user: &str) -> Wish {
    Wish {
        user: Some(user.to_owned()),
        ..Wish::default()
    }
}

fn chosen(databases: &[Database], name: Option<&str>, wish: &Wish) -> Result<String, String> {
    select(databases, &alice(), name, wish, ROOT)
        .map(|db| db.name.clone())
        .map_err(|err| err.to_string())
}

#[test]
fn roles_are_not_asked_of_a_database_service_that_would_grant_all() {
    let at = |version: &str, wish: &Wish| {
        let database = Database {
            service_version: version.to_owned(),
            ..database("orders", "keep", Some("postgres"))
        };
        decide(&database, &alice(), wish, LEAF).map(|target| target.roles)
    };
    for old in ["14.0.0-dev", "14.1.3", "14.3.0"] {
        assert_eq!(
            at(old, &with_roles("reader")),
            Err(TargetError::RolesIgnored {
                database: "orders".to_owned(),
                version: old.to_owned()
            })
        );
        // Without a choice there is nothing to ignore; a role that is not allowed is refused as such.
        assert_eq!(at(old, &Wish::default()), Ok(Vec::new()));
        let denied = at(old, &with_roles("owner")).expect_err("not allowed");
        assert!(matches!(denied, TargetError::Choice(_)), "{denied}");
    }
    for new in ["14.3.1", "18.3.0", ""] {
        assert_eq!(
            at(new, &with_roles("reader")),
            Ok(vec!["reader".to_owned()])
        );
    }
}

fn at_root(name: &str, wish: &Wish) -> Result<Target, TargetError> {
    let all = databases();
    let database = all.iter().find(|db| db.name == name).expect("it exists");
    decide(database, &alice(), wish, ROOT)
}

#[test]
fn lists_of_roles_are_sets() {
    assert_eq!(
        roles(&["writer, reader", "reader", ""]),
        ["reader", "writer"]
    );
    assert_eq!(roles::<&str>(&[]), Vec::<String>::new());
    assert_eq!(roles(&["a b,ü\"x"]), ["a b", "ü\"x"]);
}

#[test]
fn by_name_exactly_then_by_its_beginning() {
    let mut all = databases();
    let by = |all: &[Database], name| chosen(all, Some(name), &Wish::default());
    assert_eq!(by(&all, "orders"), Ok("orders".to_owned()));
    assert_eq!(by(&all, "ord"), Ok("orders".to_owned()));
    all.push(database("orders-eu", "keep", None));
    assert_eq!(
        by(&all, "orders"),
        Ok("orders".to_owned()),
        "the name itself wins"
    );
    assert_eq!(
        by(&all, "ord"),
        Err("database \"ord\" matches multiple databases: orders, orders-eu".to_owned())
    );
    assert_eq!(
        by(&all, "zzz"),
        Err("database \"zzz\" not found".to_owned())
    );
}

#[test]
fn without_a_name_the_only_one_that_fits() {
    let all = databases();
    assert_eq!(
        chosen(&all, None, &with_roles("reader")),
        Ok("orders".to_owned()),
        "only one provisions that role"
    );
    let several = chosen(&all, None, &Wish::default()).expect_err("three of them");
    assert!(several.ends_with(": app, dead, orders"), "{several}");
    assert_eq!(
        chosen(&all, None, &with_roles("owner")),
        Err("cluster root has no database that you may use with database roles owner".to_owned())
    );
    let mut other = database("m", "plain", None);
    other.protocol = "mysql".to_owned();
    assert_eq!(
        chosen(&[other], None, &Wish::default()),
        Err("cluster root has no database that you may use".to_owned())
    );
}

#[test]
fn an_automatic_user_needs_no_flag() {
    let target = at_root("orders", &with_roles("reader")).expect("a target");
    assert_eq!((target.user.as_str(), target.automatic), ("alice", true));
    assert_eq!(target.name, "postgres");
    assert_eq!(
        (target.roles.as_slice(), target.granted()),
        (&["reader".to_owned()][..], &["reader".to_owned()][..])
    );
    let all = at_root("orders", &Wish::default()).expect("a target");
    assert_eq!(
        (all.roles.len(), all.granted()),
        (0, &["reader".to_owned(), "writer".to_owned()][..])
    );
    let explained = target.explain();
    assert!(
        explained.starts_with("orders: database postgres as user alice ("),
        "{explained}"
    );
    assert!(
        explained.ends_with("), with database roles reader"),
        "{explained}"
    );
}

#[test]
fn a_wrong_user_or_role_is_refused_before_anything_is_issued() {
    let text = |wish: &Wish| at_root("orders", wish).expect_err("refused").to_string();
    let user = text(&as_user("bob"));
    assert!(
        user.starts_with(
            "please use your Teleport username (\"alice\") to connect instead of \"bob\""
        ),
        "{user}"
    );
    let role = text(&with_roles("owner"));
    assert!(
        role.starts_with("access to database role \"owner\" denied"),
        "{role}"
    );
    assert!(role.contains("reader writer"), "{role}");
    let wish = Wish {
        name: Some("app".to_owned()),
        user: Some("app".to_owned()),
        ..with_roles("reader")
    };
    let err = at_root("app", &wish).expect_err("no provisioning there");
    assert_eq!(
        err,
        TargetError::RolesWithoutProvisioning {
            database: "app".to_owned()
        }
    );
}

#[test]
fn a_leaf_knows_the_user_by_another_name_and_says_which() {
    let traits = traits(&[("db_roles", &["writer"])]);
    let me =
        AccessChecker::new("remote-alice-root", true, vec![keep()], &traits).expect("a checker");
    let orders = database("leaf-orders", "keep", Some("postgres"));
    let target = decide(&orders, &me, &Wish::default(), LEAF).expect("a target");
    assert_eq!(target.user, "remote-alice-root");
    assert!(target.is_remote());
    let err = decide(&orders, &me, &as_user("alice"), LEAF)
        .expect_err("not that one")
        .to_string();
    assert!(
        err.contains("use your mapped remote username \"remote-alice-root\" instead of \"alice\""),
        "{err}"
    );
}

#[test]
fn what_is_open_is_asked_for_all_at_once() {
    let err = at_root("app", &Wish::default()).expect_err("two of each");
    let TargetError::Choice(choice) = &err else {
        panic!("{err:?}")
    };
    assert!(
        matches!(
            &**choice,
            ChoiceError::Undecided {
                users: Some(_),
                names: Some(_),
                ..
            }
        ),
        "{err:?}"
    );
    let wish = Wish {
        name: Some("app".to_owned()),
        ..as_user("app")
    };
    let target = at_root("app", &wish).expect("a target");
    assert_eq!(
        (target.user.as_str(), target.name.as_str(), target.automatic),
        ("app", "app", false)
    );
}

#[test]
fn a_second_factor_for_each_session_is_known_from_the_roles() {
    let carol = AccessChecker::new("carol", false, vec![mfa()], &Traits::new()).expect("a checker");
    let vault = database("vault", "mfa", None);
    let err = decide(&vault, &carol, &Wish::default(), ROOT).expect_err("a second factor");
    assert_eq!(
        err,
        TargetError::SecondFactor {
            database: "vault".to_owned()
        }
    );
    // With a user that is refused anyway, that is what is said.
    assert!(matches!(
        decide(&vault, &carol, &as_user("postgres"), ROOT),
        Err(TargetError::Choice(_))
    ));
}

#[test]
fn names_that_postgres_would_cut_are_refused() {
    let long = "a".repeat(64);
    let me = AccessChecker::new(&long, false, vec![keep()], &Traits::new()).expect("a checker");
    let orders = database("orders", "keep", Some("postgres"));
    assert_eq!(
        decide(&orders, &me, &Wish::default(), ROOT),
        Err(TargetError::NameTooLong { user: long })
    );
}

#[test]
fn other_kinds_of_databases_are_told_apart() {
    let mut other = database("m", "plain", None);
    other.protocol = "mysql".to_owned();
    let err = decide(&other, &alice(), &Wish::default(), ROOT).expect_err("not supported");
    assert_eq!(
        err,
        TargetError::Protocol {
            database: "m".to_owned(),
            protocol: "mysql".to_owned()
        }
    );
}
