use serde_json::{Value, json};

use super::*;
use crate::rbac::{AdminUser, Role, Traits};

fn checker_of(user: &str, remote: bool, specs: &[Value]) -> AccessChecker {
    let roles = specs
        .iter()
        .enumerate()
        .map(|(i, spec)| {
            let document =
                json!({"version": "v7", "metadata": {"name": format!("r{i}")}, "spec": spec});
            Role::from_document(&document).unwrap()
        })
        .collect();
    AccessChecker::new(user, remote, roles, &Traits::new()).unwrap()
}

fn allow(users: &[&str], names: &[&str]) -> Value {
    json!({"allow": {"db_labels": {"*": "*"}, "db_users": users, "db_names": names}})
}

fn keep(roles: &[&str]) -> Value {
    json!({"options": {"create_db_user_mode": "keep"},
           "allow": {"db_labels": {"*": "*"}, "db_roles": roles, "db_names": ["*"]}})
}

fn database() -> Database {
    Database {
        name: "app".into(),
        protocol: "postgres".into(),
        ..Database::default()
    }
}

fn auto_database() -> Database {
    let admin = AdminUser {
        name: "tp".into(),
        default_database: "ledger".into(),
    };
    Database {
        admin_user: Some(admin),
        ..database()
    }
}

fn chosen(specs: &[Value], wish: &Wish) -> Result<(String, String), String> {
    choose(&database(), &checker_of("alice", false, specs), wish)
        .map(|c| (c.user.value, c.name.value))
        .map_err(|e| e.to_string())
}

fn wish(user: &str, name: &str) -> Wish {
    let given = |s: &str| (!s.is_empty()).then(|| s.to_owned());
    Wish {
        user: given(user),
        name: given(name),
        roles: Vec::new(),
    }
}

fn pair(user: &str, name: &str) -> Result<(String, String), String> {
    Ok((user.to_owned(), name.to_owned()))
}

#[test]
fn the_only_one_is_taken() {
    assert_eq!(
        chosen(&[allow(&["app"], &["sales"])], &Wish::default()),
        pair("app", "sales")
    );
    // rbac.md 14.5, E5: one listed user beside the wildcard.
    assert_eq!(
        chosen(&[allow(&["*", "app"], &["*", "sales"])], &Wish::default()),
        pair("app", "sales")
    );
    // Names that go with the user only.
    let two = [allow(&["a"], &["x"]), allow(&["b"], &["y"])];
    assert_eq!(chosen(&two, &wish("b", "")), pair("b", "y"));
    assert_eq!(chosen(&two, &wish("", "x")), pair("a", "x"));
}

#[test]
fn any_name_means_a_default() {
    assert_eq!(
        chosen(&[allow(&["app"], &["*"])], &Wish::default()),
        pair("app", "postgres")
    );
    let denied = json!({"deny": {"db_names": ["postgres"]}});
    assert_eq!(
        chosen(&[allow(&["app"], &["*"]), denied], &Wish::default()),
        Err("please provide the database name using the --db-name flag, allowed database names for app: [*] except \
             [postgres]"
            .into())
    );
    let choice = choose(
        &auto_database(),
        &checker_of("alice", false, &[keep(&["r"])]),
        &Wish::default(),
    )
    .unwrap();
    assert_eq!(
        (choice.user.value.as_str(), choice.name.value.as_str()),
        ("alice", "ledger")
    );
    assert!(choice.user.why.contains("automatically") && choice.name.why.contains("admin user"));
}

#[test]
fn one_question_for_both() {
    // The texts of tsh (db-client.md 5), both at once.
    assert_eq!(
        chosen(&[allow(&["app", "postgres"], &["a", "b"])], &Wish::default()),
        Err("please provide the database user using the --db-user flag, allowed database users for app: [app postgres]\n\
             please provide the database name using the --db-name flag, allowed database names for app: [a b]"
            .into())
    );
    let except = json!({"deny": {"db_users": ["root"]}});
    assert_eq!(
        chosen(&[allow(&["*"], &["*"]), except], &Wish::default()),
        Err("please provide the database user using the --db-user flag, allowed database users for app: [*] except [root]"
            .into())
    );
}

#[test]
fn nothing_allowed() {
    assert_eq!(
        chosen(&[allow(&[], &["*"])], &Wish::default()),
        Err("you are not allowed access to any database user for app, ask a cluster administrator to ensure your Teleport \
             user has appropriate db_users set"
            .into())
    );
    assert!(
        chosen(&[allow(&["app"], &[])], &Wish::default())
            .unwrap_err()
            .contains("any database name for app")
    );
}

#[test]
fn refused_before_a_certificate() {
    let roles = [allow(&["app", "ro"], &["sales"])];
    assert_eq!(
        chosen(&roles, &wish("root", "")),
        Err("database user \"root\" is not allowed on app, allowed: [app ro]".into())
    );
    assert_eq!(
        chosen(&roles, &wish("app", "audit")),
        Err("database name \"audit\" is not allowed on app, allowed: [sales]".into())
    );
    let two = [allow(&["a"], &["x"]), allow(&["b"], &["y"])];
    assert_eq!(
        chosen(&two, &wish("a", "y")),
        Err("no role allows database user \"a\" together with database name \"y\" on app".into())
    );
}

#[test]
fn automatic_users() {
    let roles = [keep(&["reader", "writer"])];
    let local = checker_of("alice", false, &roles);
    let with = |user: &str, roles: &[&str]| Wish {
        user: (!user.is_empty()).then(|| user.to_owned()),
        name: None,
        roles: roles.iter().map(|r| (*r).to_owned()).collect(),
    };
    let choice = choose(
        &auto_database(),
        &local,
        &with("alice", &["writer", "writer"]),
    )
    .unwrap();
    assert_eq!(choice.requested, ["writer"]);
    assert_eq!(choice.granted.value, ["writer"]);
    assert_eq!(
        choose(&auto_database(), &local, &with("", &[]))
            .unwrap()
            .granted
            .value,
        ["reader", "writer"]
    );
    assert_eq!(
        choose(&auto_database(), &local, &with("", &["owner"]))
            .unwrap_err()
            .to_string(),
        "access to database role \"owner\" denied, allowed on app: [reader writer]"
    );
    assert!(
        choose(&auto_database(), &local, &with("bob", &[]))
            .unwrap_err()
            .to_string()
            .starts_with(
                "please use your Teleport username (\"alice\") to connect instead of \"bob\""
            )
    );
    let leaf = checker_of("remote-alice-root", true, &roles);
    let refused = choose(&auto_database(), &leaf, &with("alice", &[]))
        .unwrap_err()
        .to_string();
    assert!(
        refused.starts_with("use your mapped remote username \"remote-alice-root\""),
        "{refused}"
    );
    assert_eq!(
        choose(&auto_database(), &leaf, &with("", &[]))
            .unwrap()
            .user
            .value,
        "remote-alice-root"
    );
}

#[test]
fn where_users_cannot_be_provisioned() {
    let local = checker_of("alice", false, &[keep(&["r"])]);
    let no_admin = choose(&database(), &local, &Wish::default())
        .unwrap_err()
        .to_string();
    assert!(
        no_admin.contains("doesn't have admin user configured") && no_admin.contains("admin_user"),
        "{no_admin}"
    );
    let mut serverless = database();
    serverless.aws.redshift_serverless.workgroup_name = "w".into();
    let unsupported = choose(&serverless, &local, &Wish::default())
        .unwrap_err()
        .to_string();
    assert!(
        unsupported.contains("doesn't support it") && unsupported.contains("Redshift Serverless"),
        "{unsupported}"
    );
}

#[test]
fn other_spellings() {
    let mut cockroach = database();
    cockroach.protocol = "cockroachdb".into();
    let local = checker_of("alice", false, &[allow(&["Ana"], &["*"])]);
    assert_eq!(
        choose(&cockroach, &local, &wish("ANA", ""))
            .unwrap()
            .user
            .value,
        "ANA"
    );
    assert!(matches!(
        choose(&cockroach, &local, &wish("bob", "")),
        Err(ChoiceError::UserRefused { .. })
    ));
    let redis = Database {
        protocol: "redis".into(),
        ..database()
    };
    assert_eq!(
        choose(
            &redis,
            &checker_of("alice", false, &[allow(&["*"], &[])]),
            &Wish::default()
        )
        .unwrap()
        .user
        .value,
        "default"
    );
}

#[test]
fn roles_are_split_as_tsh_does() {
    assert_eq!(Wish::split_roles("a, b,"), ["a", " b", ""]);
    assert!(Wish::split_roles("").is_empty());
}
