//! Which users are made at all, by what their roles say together, and in whose name: the documents, seen from the catalogue
//! of a real server (rbac.md 1.4, 7; db-service.md 2.4).

use std::sync::Arc;

use serde_json::{Value, json};

use crate::cluster::dbservice::DbService;
use crate::cluster::dbservice::testpg::{Caller, PATIENCE, TestCatalog, TestPg, User};

/// A role that may everything on databases with these labels.
fn role(labels: &Value, options: &Value, more: &Value) -> Value {
    let mut allow = json!({"db_labels": labels, "db_names": ["*"]});
    for (key, value) in more.as_object().expect("an object") {
        allow[key] = value.clone();
    }
    json!({"options": options, "allow": allow})
}

fn mode(mode: &str) -> Value {
    json!({"create_db_user_mode": mode})
}

/// Databases `dev` and `prod` and a role for each thing a role can say.
fn catalog(pg: &TestPg) -> TestCatalog {
    let any = json!({"*": "*"});
    let spec = || {
        json!({"uri": format!("localhost:{}", pg.port),
               "admin_user": {"name": "teleport-admin", "default_database": "postgres"}})
    };
    let roles = |name: &str| json!({"db_roles": [name]});
    let mut catalog = TestCatalog::new(pg)
        .with_database("dev", &json!({"env": "dev"}), spec())
        .with_database("prod", &json!({"env": "prod"}), spec())
        .with_role("keep", "v7", &role(&any, &mode("keep"), &roles("reader")))
        .with_role(
            "best",
            "v7",
            &role(&any, &mode("best_effort_drop"), &roles("writer")),
        )
        .with_role(
            "off",
            "v7",
            &role(
                &any,
                &mode("off"),
                &json!({"db_roles": ["auditor"], "db_users": ["app"]}),
            ),
        )
        .with_role(
            "silent",
            "v7",
            &role(
                &any,
                &json!({}),
                &json!({"db_roles": ["auditor"], "db_users": ["app"]}),
            ),
        )
        .with_role(
            "off-but-legacy",
            "v7",
            &role(
                &any,
                &json!({"create_db_user_mode": "off", "create_db_user": true}),
                &json!({"db_roles": ["reader"], "db_users": ["app"]}),
            ),
        )
        .with_role(
            "keep-users",
            "v7",
            &role(
                &any,
                &mode("keep"),
                &json!({"db_roles": ["reader"], "db_users": ["app"]}),
            ),
        )
        .with_role(
            "keep-dev",
            "v7",
            &role(&json!({"env": "dev"}), &mode("keep"), &roles("reader")),
        )
        .with_role(
            "app-prod",
            "v7",
            &role(
                &json!({"env": "prod"}),
                &json!({}),
                &json!({"db_users": ["app"]}),
            ),
        )
        .with_role(
            "best-dev",
            "v7",
            &role(
                &json!({"env": "dev"}),
                &mode("best_effort_drop"),
                &roles("writer"),
            ),
        );
    for version in ["v3", "v4", "v5", "v6", "v7", "v8"] {
        let legacy = role(&any, &json!({"create_db_user": true}), &roles("reader"));
        catalog = catalog.with_role(&format!("legacy-{version}"), version, &legacy);
    }
    catalog
}

/// Connects, tells the user's state in the session, takes leave, waits for the state afterwards.
async fn cycle(
    pg: &TestPg,
    service: &Arc<DbService>,
    caller: &Caller,
    roles: &[&str],
    after: &User,
) {
    let session = caller.connect(service).await.expect("a session");
    let during = pg.user(&caller.db_user).await;
    assert_eq!(
        during,
        User::serving(roles, 1),
        "{} by {}",
        caller.user,
        caller.role
    );
    session.close().await;
    pg.until(&caller.db_user, after).await;
}

#[tokio::test]
async fn several_roles_together_decide() {
    let pg = TestPg::shared();
    let service = catalog(pg).service();
    let (locked, gone) = (User::locked(), User::absent());
    for (n, (role, database, roles, after)) in [
        ("keep", "dev", &["reader"][..], &locked),
        ("best", "dev", &["writer"], &gone),
        // The farthest going mode wins, the roles add up, whatever the order.
        ("keep+best", "dev", &["reader", "writer"], &gone),
        ("best+keep", "dev", &["reader", "writer"], &gone),
        // A role that makes no users adds neither mode nor database roles.
        ("off+keep", "dev", &["reader"], &locked),
        ("best+off+silent", "dev", &["writer"], &gone),
        // Only roles for this database count.
        ("keep-dev+best-dev", "dev", &["reader", "writer"], &gone),
        ("keep+best-dev", "prod", &["reader"], &locked),
    ]
    .into_iter()
    .enumerate()
    {
        let caller = Caller::auto(&format!("m-{n}")).with_role(role).at(database);
        cycle(pg, &service, &caller, roles, after).await;
    }
}

#[tokio::test]
async fn the_old_switch_of_every_role_version_means_keep() {
    let pg = TestPg::shared();
    let service = catalog(pg).service();
    for role in [
        "legacy-v3",
        "legacy-v4",
        "legacy-v5",
        "legacy-v6",
        "legacy-v7",
        "legacy-v8",
    ] {
        let caller = Caller::auto(&format!("m-{role}")).with_role(role).at("dev");
        cycle(pg, &service, &caller, &["reader"], &User::locked()).await;
    }
    // Beside the new option it says nothing, in either direction.
    let caller = Caller::auto("m-legacy-best")
        .with_role("legacy-v6+best")
        .at("dev");
    cycle(
        pg,
        &service,
        &caller,
        &["reader", "writer"],
        &User::absent(),
    )
    .await;
    let refused = Caller::auto("m-off-legacy")
        .with_role("off-but-legacy")
        .at("dev")
        .refused(&service)
        .await;
    assert!(
        refused.message.starts_with("access to db denied."),
        "{}",
        refused.message
    );
    assert_eq!(pg.user("m-off-legacy").await, User::absent());
}

#[tokio::test]
async fn named_users_count_only_where_none_are_made() {
    let pg = TestPg::shared();
    let service = catalog(pg).service();
    // Made, so the list of names says nothing: neither for the own name nor for the listed one.
    let own = Caller::auto("m-own").with_role("keep-users").at("dev");
    cycle(pg, &service, &own, &["reader"], &User::locked()).await;
    let refused = own.clone().db_user("app").refused(&service).await;
    assert_eq!(
        refused.message,
        r#"please use your Teleport username ("m-own") to connect instead of "app""#
    );
    // Not made, so the list is all: roles asked for are passed over, and the shared account stays as it is.
    for role in ["off", "silent", "off-but-legacy"] {
        let caller = Caller::auto("m-shared")
            .with_role(role)
            .at("dev")
            .requesting(&["nonsense"]);
        let before = pg.user("app").await;
        let session = caller
            .clone()
            .db_user("app")
            .connect(&service)
            .await
            .expect("a session");
        let during = pg.user("app").await;
        assert_eq!(
            (during.can_login, during.member_of),
            (true, before.member_of),
            "{role}"
        );
        session.close().await;
        let refused = caller.refused(&service).await;
        assert_eq!(
            refused.message,
            "access to db denied. User does not have permissions. Confirm database user and name."
        );
        assert_eq!(pg.user("m-shared").await, User::absent());
    }
    // One user, two databases: made on one, the shared account on the other.
    let caller = Caller::auto("m-both").with_role("keep-dev+app-prod");
    cycle(
        pg,
        &service,
        &caller.clone().at("dev"),
        &["reader"],
        &User::locked(),
    )
    .await;
    let shared = caller.clone().at("prod").db_user("app");
    shared
        .connect(&service)
        .await
        .expect("a session")
        .close()
        .await;
    caller.at("prod").refused(&service).await;
}

#[tokio::test]
async fn roles_come_from_traits_and_template_functions() {
    let pg = TestPg::shared();
    let templates = json!([
        "{{internal.db_roles}}",
        "{{email.local(external.mail)}}",
        "{{regexp.replace(external.team, \"^team-(.*)$\", \"$1\")}}",
        "{{external.nothing}}"
    ]);
    let spec = role(
        &json!({"*": "*"}),
        &mode("keep"),
        &json!({"db_roles": templates}),
    );
    let external = role(
        &json!({"*": "*"}),
        &mode("keep"),
        &json!({"db_roles": ["{{external.db_roles}}"]}),
    );
    let service = TestCatalog::new(pg)
        .with_role("templates", "v7", &spec)
        .with_role("external", "v7", &external)
        .service();
    let caller = Caller::auto("m-traits")
        .with_role("templates")
        .allowed(&["reader", "a\"b"])
        .with_trait("mail", "writer@example.com")
        .with_trait("team", "team-auditor");
    let all = ["a\"b", "auditor", "reader", "writer"];
    cycle(pg, &service, &caller, &all, &User::locked()).await;
    let some = caller.clone().requesting(&["writer", "a\"b"]);
    cycle(pg, &service, &some, &["a\"b", "writer"], &User::locked()).await;
    let refused = caller
        .requesting(&["reader", "nosuch"])
        .refused(&service)
        .await;
    assert_eq!(
        refused.message,
        r#"access to database role "nosuch" denied"#
    );
    let caller = Caller::auto("m-external")
        .with_role("external")
        .allowed(&["writer"]);
    cycle(pg, &service, &caller, &["writer"], &User::locked()).await;
}

#[tokio::test]
async fn denied_database_roles_are_not_given() {
    let pg = TestPg::shared();
    let any = json!({"*": "*"});
    // Denied labels that match deny the session itself; those that do not match take nothing away (db-service.md 0).
    let taker = |labels: Value| {
        json!({"options": {"create_db_user_mode": "keep"}, "allow": {"db_labels": any},
               "deny": {"db_labels": labels, "db_roles": ["writer"]}})
    };
    let service = catalog(pg)
        .with_role("takes", "v7", &taker(json!({"env": "dev"})))
        .with_role("misses", "v7", &taker(json!({"env": "moon"})))
        .service();
    let caller = Caller::auto("m-deny")
        .with_role("keep+best+takes")
        .at("dev");
    let refused = caller.refused(&service).await;
    assert!(
        refused.message.starts_with("access to db denied."),
        "{}",
        refused.message
    );
    assert_eq!(pg.user("m-deny").await, User::absent());
    let caller = Caller::auto("m-deny")
        .with_role("keep+best+misses")
        .at("dev");
    cycle(
        pg,
        &service,
        &caller,
        &["reader", "writer"],
        &User::absent(),
    )
    .await;
}

/// The admin and its database: from the document, from labels, the document first, the asked for database last.
#[tokio::test]
async fn the_admin_comes_from_the_document_or_from_labels() {
    let pg = TestPg::shared();
    let uri = || json!(format!("localhost:{}", pg.port));
    let label = "teleport.dev/db-admin";
    let label_database = "teleport.dev/db-admin-default-database";
    for (name, labels, admin_user, used) in [
        (
            "both",
            json!({label: "no-such-admin", label_database: "nowhere"}),
            json!({"name": "teleport-admin", "default_database": "scratch"}),
            "scratch",
        ),
        (
            "labels",
            json!({label: "teleport-admin", label_database: "scratch"}),
            Value::Null,
            "scratch",
        ),
        (
            "mixed",
            json!({label_database: "scratch"}),
            json!({"name": "teleport-admin"}),
            "scratch",
        ),
        (
            "label-only",
            json!({label: "teleport-admin"}),
            Value::Null,
            "postgres",
        ),
        (
            "name-only",
            json!({}),
            json!({"name": "teleport-admin"}),
            "postgres",
        ),
    ] {
        let mut spec = json!({"uri": uri()});
        if !admin_user.is_null() {
            spec["admin_user"] = admin_user;
        }
        let service = TestCatalog::new(pg)
            .with_database(name, &labels, spec)
            .service();
        // The admin's connection is kept: it tells to which database it was made. Tests beside this one use postgres.
        let of_admins = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'teleport-admin' AND datname = 'scratch'";
        let before: i64 = pg.value(of_admins).await;
        let caller = Caller::auto(&format!("m-admin-{name}")).at(name.to_owned().leak());
        let session = caller.connect(&service).await.expect("a session");
        let here: i64 = pg.value(of_admins).await;
        assert_eq!(here - before, i64::from(used == "scratch"), "{name}");
        session.close().await;
        pg.until(&caller.user, &User::locked()).await;
        assert!(service.shutdown(PATIENCE).await);
        pg.until_true(&format!("SELECT ({of_admins}) = {before}"))
            .await;
    }
}
