//! Admin accounts of every kind: what they lack is named together with the statement that gives it, and that statement is
//! enough; what they need not be (superusers, alone, of a clean configuration) does not matter.

use std::sync::Arc;

use serde_json::json;

use crate::cluster::dbservice::DbService;
use crate::cluster::dbservice::testpg::{Caller, PATIENCE, TestCatalog, TestPg, User};

/// A service whose database `it` is administered by `admin` through `database`.
fn administered(pg: &TestPg, admin: &str, database: &str) -> Arc<DbService> {
    let spec = json!({"uri": format!("localhost:{}", pg.port),
                      "admin_user": {"name": admin, "default_database": database}});
    TestCatalog::new(pg)
        .with_database("it", &json!({}), spec)
        .service()
}

fn text(user: &str, cause: &str) -> String {
    format!(
        "your Teleport role requires automatic database user provisioning but an attempt to activate database user \
         \"{user}\" failed due to the following error: {cause}"
    )
}

/// Two full cycles in both modes.
async fn works(pg: &TestPg, service: &Arc<DbService>, caller: &Caller) {
    let roles: Vec<&str> = caller.allowed.iter().map(String::as_str).collect();
    for (mode, after) in [("auto", User::locked()), ("drop", User::absent())] {
        for _ in 0..2 {
            let caller = caller.clone().with_role(mode);
            let session = caller.connect(service).await.expect("a session");
            assert_eq!(pg.user(&caller.user).await, User::serving(&roles, 1));
            session.close().await;
            pg.until(&caller.user, &after).await;
        }
    }
}

/// What is wrong, and what is said about it.
struct Case {
    /// Done by a superuser before, in the database.
    setup: &'static str,
    database: &'static str,
    /// How the cause ends.
    cause: &'static str,
    /// The statements of the hint.
    mend: &'static str,
    /// Undoes what concerns other cases.
    undo: &'static str,
}

async fn in_database(pg: &TestPg, database: &str, sql: &str) {
    let root = pg.superuser_in(database).await;
    root.batch_execute(sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

/// The refusal changes nothing, names what is missing, and is gone when the statements of the hint have been run.
#[tokio::test]
async fn what_an_admin_lacks_is_named_with_the_statement_that_gives_it() {
    let pg = TestPg::start("lacks").await;
    let grantors = pg.has_grantors().await;
    pg.run("CREATE DATABASE hard").await;
    // The bookkeeping role is another admin's.
    works(
        &pg,
        &administered(&pg, "teleport-admin", "postgres"),
        &Caller::auto("first").at("it"),
    )
    .await;
    let admin = "CREATE ROLE \"the admin\" LOGIN CREATEROLE";
    let all = r#"GRANT "teleport-auto-user", reader, writer TO "the admin" WITH ADMIN OPTION"#;
    let both = |first: &str| format!("{first}; {}", if grantors { all } else { "" });
    let new_admin = both(admin);
    let mut cases = vec![
        (
            new_admin.clone() + "; ALTER ROLE \"the admin\" NOLOGIN",
            Case {
                setup: "",
                database: "postgres",
                cause: "FATAL: role \"the admin\" is not permitted to log in (SQLSTATE 28000))",
                mend: "ALTER ROLE \"the admin\" LOGIN",
                undo: "",
            },
        ),
        (
            new_admin.clone(),
            Case {
                setup: "REVOKE SELECT ON pg_stat_activity FROM PUBLIC",
                database: "hard",
                cause: "ERROR: permission denied for view pg_stat_activity (SQLSTATE 42501)",
                mend: "GRANT SELECT ON pg_catalog.pg_stat_activity TO \"the admin\"",
                undo: "GRANT SELECT ON pg_stat_activity TO PUBLIC; REVOKE SELECT ON pg_stat_activity FROM \"the admin\"",
            },
        ),
        (
            new_admin.clone(),
            Case {
                setup: "REVOKE EXECUTE ON FUNCTION pg_stat_get_activity FROM PUBLIC",
                database: "hard",
                cause: "ERROR: permission denied for function pg_stat_get_activity (SQLSTATE 42501)",
                mend: "GRANT EXECUTE ON FUNCTION pg_catalog.pg_stat_get_activity(integer) TO \"the admin\"",
                undo: "GRANT EXECUTE ON FUNCTION pg_stat_get_activity TO PUBLIC; REVOKE EXECUTE ON FUNCTION pg_stat_get_activity FROM \"the admin\"",
            },
        ),
        (
            new_admin.clone(),
            Case {
                setup: "REVOKE SELECT ON pg_auth_members, pg_roles FROM PUBLIC",
                database: "hard",
                cause: "ERROR: permission denied for view pg_roles (SQLSTATE 42501)",
                mend: "GRANT SELECT ON pg_catalog.pg_auth_members TO \"the admin\"; GRANT SELECT ON pg_catalog.pg_roles TO \"the admin\"",
                undo: "GRANT SELECT ON pg_auth_members, pg_roles TO PUBLIC; REVOKE SELECT ON pg_auth_members, pg_roles FROM \"the admin\"",
            },
        ),
        (
            new_admin.clone(),
            Case {
                setup: "REVOKE CONNECT ON DATABASE hard FROM PUBLIC",
                database: "hard",
                cause: "FATAL: permission denied for database \"hard\" (SQLSTATE 42501))",
                mend: "GRANT CONNECT ON DATABASE \"hard\" TO \"the admin\"",
                undo: "GRANT CONNECT ON DATABASE hard TO PUBLIC; REVOKE CONNECT ON DATABASE hard FROM \"the admin\"",
            },
        ),
        (
            both("CREATE ROLE \"the admin\" LOGIN"),
            Case {
                setup: "",
                database: "postgres",
                cause: "ERROR: permission denied to create role (SQLSTATE 42501)",
                mend: "ALTER ROLE \"the admin\" CREATEROLE",
                undo: "",
            },
        ),
    ];
    if grantors {
        cases.extend([
            ("CREATE ROLE \"the admin\" LOGIN".into(), Case {
                setup: "", database: "postgres",
                cause: "ERROR: permission denied to create role (SQLSTATE 42501)",
                mend: "ALTER ROLE \"the admin\" CREATEROLE; GRANT \"teleport-auto-user\" TO \"the admin\" WITH ADMIN OPTION; \
                       GRANT reader TO \"the admin\" WITH ADMIN OPTION; GRANT writer TO \"the admin\" WITH ADMIN OPTION",
                undo: "",
            }),
            (format!("{admin}; GRANT \"teleport-auto-user\", writer TO \"the admin\" WITH ADMIN OPTION"), Case {
                setup: "GRANT reader TO \"the admin\"", database: "postgres",
                cause: "ERROR: permission denied to grant role \"reader\" (SQLSTATE 42501)",
                mend: "GRANT reader TO \"the admin\" WITH ADMIN OPTION", undo: "",
            }),
            (format!("{admin}; GRANT reader, writer TO \"the admin\" WITH ADMIN OPTION"), Case {
                setup: "", database: "postgres",
                cause: "ERROR: permission denied to grant role \"teleport-auto-user\" (SQLSTATE 42501)",
                mend: "GRANT \"teleport-auto-user\" TO \"the admin\" WITH ADMIN OPTION", undo: "",
            }),
            // Made by another admin, which PostgreSQL 16 and later protects.
            (new_admin, Case {
                setup: "SET SESSION AUTHORIZATION \"teleport-admin\"; CREATE USER \"l-user\" NOLOGIN IN ROLE \"teleport-auto-user\"",
                database: "postgres",
                cause: "ERROR: permission denied to alter role (SQLSTATE 42501)",
                mend: "GRANT \"l-user\" TO \"the admin\" WITH ADMIN OPTION", undo: "",
            }),
        ]);
    }
    for (before, case) in cases {
        pg.run(&before).await;
        in_database(&pg, case.database, case.setup).await;
        let service = administered(&pg, "the admin", case.database);
        let caller = Caller::auto("l-user").at("it");
        let catalogue = pg.catalogue().await;
        let refused = caller.refused(&service).await;
        assert!(
            refused.message.starts_with(&text("l-user", ""))
                && refused.message.ends_with(case.cause),
            "{}",
            refused.message
        );
        assert_eq!(refused.code, "58000");
        assert_eq!(
            pg.catalogue().await,
            catalogue,
            "nothing changed: {}",
            case.cause
        );
        let (_, mend) = refused
            .hint
            .rsplit_once("must run")
            .unwrap_or_else(|| panic!("{}", refused.hint));
        let (place, mend) = mend.split_once(": ").expect("statements");
        assert_eq!(mend, format!("{};", case.mend));
        assert!(
            place.is_empty() || place.ends_with("the database \"hard\""),
            "{place}"
        );
        in_database(&pg, case.database, mend).await;
        works(&pg, &service, &caller).await;
        assert!(service.shutdown(PATIENCE).await);
        in_database(&pg, case.database, case.undo).await;
        pg.run("DROP OWNED BY \"the admin\"; DROP ROLE \"the admin\"")
            .await;
    }
    pg.discard().await;
}

#[tokio::test]
async fn no_admin_and_the_admin_itself() {
    let pg = TestPg::shared();
    let service = administered(pg, "no-such-admin", "postgres");
    let refused = Caller::auto("a-none").at("it").refused(&service).await;
    let statement = r#"a superuser must run: CREATE ROLE "no-such-admin" LOGIN CREATEROLE;"#;
    assert!(refused.hint.contains(statement), "{}", refused.hint);
    let refused = Caller::auto("a-none")
        .at("no-admin")
        .refused(&service)
        .await;
    assert!(
        refused.hint.contains("`spec.admin_user.name`"),
        "{}",
        refused.hint
    );
    let refused = Caller::auto("teleport-admin")
        .at("orders")
        .refused(&service)
        .await;
    assert_eq!(refused.code, "28000");
    assert!(
        refused.hint.contains("own admin account"),
        "{}",
        refused.hint
    );
    let service = administered(pg, "teleport-admin", "no-such-database");
    let refused = Caller::auto("a-none").at("it").refused(&service).await;
    assert!(
        refused.message.contains("(SQLSTATE 3D000)"),
        "{}",
        refused.message
    );
    assert!(
        refused.hint.contains("`admin_user.default_database`"),
        "{}",
        refused.hint
    );
    assert_eq!(pg.user("a-none").await, User::absent());
}

#[tokio::test]
async fn every_missing_role_is_named_before_anything_is_made() {
    let pg = TestPg::start("missing").await;
    let service = administered(&pg, "teleport-admin", "postgres");
    let caller = Caller::auto("alice")
        .at("it")
        .allowed(&["reader", "no\"pe", "writer", "Nor This"]);
    let catalogue = pg.catalogue().await;
    let refused = caller.refused(&service).await;
    assert_eq!(
        refused.message,
        text(
            "alice",
            r#"ERROR: role "Nor This" does not exist (SQLSTATE 42704)"#
        )
    );
    let statements = r#"CREATE ROLE "Nor This"; CREATE ROLE "no""pe";"#;
    assert!(refused.hint.contains(statements), "{}", refused.hint);
    // Not even the bookkeeping role.
    assert_eq!(pg.catalogue().await, catalogue);
    pg.run(statements).await;
    if pg.has_grantors().await {
        let refused = caller.refused(&service).await;
        let (_, mend) = refused.hint.split_once("must run: ").expect("statements");
        pg.run(mend).await;
    }
    works(
        &pg,
        &service,
        &caller.allowed(&["Nor This", "no\"pe", "reader", "writer"]),
    )
    .await;
    pg.discard().await;
}

#[tokio::test]
async fn an_unmanaged_user_stays_as_it_is_in_every_column() {
    let pg = TestPg::start("unmanaged").await;
    let service = administered(&pg, "teleport-admin", "postgres");
    works(&pg, &service, &Caller::auto("first").at("it")).await;
    pg.run(
        r#"CREATE ROLE bob LOGIN CREATEDB CONNECTION LIMIT 7 PASSWORD 'x' VALID UNTIL '2035-01-01';
           GRANT auditor TO bob; ALTER ROLE bob SET work_mem = '5MB'; GRANT CONNECT ON DATABASE scratch TO bob;
           CREATE ROLE carol; GRANT bob TO carol"#,
    )
    .await;
    let catalogue = pg.catalogue().await;
    for user in ["bob", "carol", "reader"] {
        for mode in ["auto", "drop"] {
            let refused = Caller::auto(user)
                .with_role(mode)
                .at("it")
                .refused(&service)
                .await;
            let cause = format!(
                "user {user:?} already exists in this PostgreSQL database and is not managed by Teleport"
            );
            assert_eq!(refused.message, text(user, &cause));
            assert_eq!(pg.catalogue().await, catalogue);
        }
    }
    pg.discard().await;
}

/// As on Amazon RDS: nobody is a superuser; the person who set the server up is CREATEROLE and a member of a role that holds
/// what a superuser would give, and so may the cluster's admin be.
#[tokio::test]
async fn admins_that_inherit_their_rights() {
    let pg = TestPg::start("rds").await;
    let grantors = pg.has_grantors().await;
    pg.run(
        "CREATE ROLE rds_superuser NOLOGIN CREATEROLE; GRANT pg_monitor, pg_signal_backend TO rds_superuser WITH ADMIN OPTION;
         GRANT reader, writer, auditor TO rds_superuser WITH ADMIN OPTION;
         CREATE ROLE master LOGIN CREATEROLE CREATEDB; GRANT rds_superuser TO master;
         CREATE ROLE lazy LOGIN CREATEROLE NOINHERIT; GRANT rds_superuser TO lazy",
    )
    .await;
    let caller = Caller::auto("alice@example.com").at("it");
    let service = administered(&pg, "master", "postgres");
    works(&pg, &service, &caller).await;
    assert!(service.shutdown(PATIENCE).await);
    // Rights one has but does not inherit are none for PostgreSQL 16 and later, which then knows no grantor.
    let service = administered(&pg, "lazy", "postgres");
    if grantors {
        let refused = caller.refused(&service).await;
        let (_, mend) = refused
            .hint
            .split_once("must run: ")
            .unwrap_or_else(|| panic!("{refused:?}"));
        pg.run(mend).await;
    }
    works(&pg, &service, &caller).await;
    pg.discard().await;
}

/// Since PostgreSQL 16 an admin may be set to give itself what it makes.
#[tokio::test]
async fn createrole_self_grant_changes_nothing_for_the_users() {
    let pg = TestPg::start("self").await;
    if !pg.has_grantors().await {
        return pg.discard().await;
    }
    for setting in ["", "set", "inherit", "set, inherit"] {
        pg.run(&format!(
            "ALTER ROLE \"teleport-admin\" SET createrole_self_grant = '{setting}'"
        ))
        .await;
        let service = administered(&pg, "teleport-admin", "postgres");
        works(&pg, &service, &Caller::auto("alice").at("it")).await;
        assert!(service.shutdown(PATIENCE).await);
        pg.run(r#"DROP ROLE IF EXISTS "teleport-auto-user""#).await;
    }
    pg.discard().await;
}

/// An admin that is a superuser, or has the grantor's rights, takes roles away that somebody else granted.
#[tokio::test]
async fn roles_granted_by_others_are_taken_by_whoever_may() {
    let pg = TestPg::start("foreign").await;
    let service = administered(&pg, "super-admin", "postgres");
    let caller = Caller::auto("alice").at("it");
    let grants = r#"GRANT auditor TO alice; GRANT app TO alice GRANTED BY "teleport-admin""#;
    pg.run(r#"GRANT app TO "teleport-admin" WITH ADMIN OPTION"#)
        .await;
    for mode in ["auto", "drop"] {
        let session = caller
            .clone()
            .with_role(mode)
            .connect(&service)
            .await
            .expect("a session");
        pg.run(grants).await;
        // It is not the person who changed the roles.
        let refused = caller.refused(&service).await;
        assert!(
            refused.message.contains("has changed"),
            "{}",
            refused.message
        );
        session.close().await;
        pg.until(
            "alice",
            &if mode == "auto" {
                User::locked()
            } else {
                User::absent()
            },
        )
        .await;
    }
    pg.discard().await;
}

/// Settings of the admin, of its database, and objects others left on its search path.
#[tokio::test]
async fn nothing_on_the_admins_search_path_or_in_its_settings_matters() {
    let pg = TestPg::start("hostile").await;
    in_database(
        &pg,
        "scratch",
        r#"CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC;
           CREATE TABLE evil.called (what text); GRANT INSERT ON evil.called TO PUBLIC;
           CREATE FUNCTION evil.format(text, VARIADIC "any") RETURNS text LANGUAGE internal STRICT AS 'text_format_nv';
           CREATE FUNCTION evil.format(text, text) RETURNS text LANGUAGE sql AS
             $$ INSERT INTO evil.called VALUES ('format'); SELECT 'ALTER ROLE evil SUPERUSER' $$;
           CREATE FUNCTION evil.hashtextextended(text, bigint) RETURNS bigint LANGUAGE sql AS
             $$ INSERT INTO evil.called VALUES ('hash'); SELECT 1::bigint $$;
           CREATE FUNCTION evil.eq(name, text) RETURNS boolean LANGUAGE sql AS
             $$ INSERT INTO evil.called VALUES ('operator'); SELECT true $$;
           CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = text, FUNCTION = evil.eq);
           CREATE VIEW evil.pg_roles AS SELECT * FROM pg_catalog.pg_roles WHERE false;
           CREATE VIEW evil.pg_auth_members AS SELECT * FROM pg_catalog.pg_auth_members WHERE false;
           CREATE VIEW evil.pg_stat_activity AS SELECT * FROM pg_catalog.pg_stat_activity WHERE false;
           ALTER ROLE "teleport-admin" SET search_path = evil, pg_catalog;
           ALTER ROLE "teleport-admin" SET default_transaction_isolation = 'serializable';
           ALTER ROLE "teleport-admin" SET lock_timeout = '1ms';
           ALTER ROLE "teleport-admin" SET bytea_output = 'escape'"#,
    )
    .await;
    let before = in_all_databases(&pg).await;
    let service = administered(&pg, "teleport-admin", "scratch");
    works(
        &pg,
        &service,
        &Caller::auto("alice@example.com")
            .at("it")
            .db_name("scratch"),
    )
    .await;
    works(&pg, &service, &Caller::auto("bob").at("it")).await;
    // The sweep at start looks on the same path.
    service.sweep().await;
    let called = pg.superuser_in("scratch").await;
    let called = called
        .query("SELECT what FROM evil.called", &[])
        .await
        .expect("rows");
    assert!(called.is_empty(), "{called:?}");
    assert_eq!(in_all_databases(&pg).await, before, "only roles were made");
    let roles = "SELECT string_agg(rolname, ',' ORDER BY rolname) FROM pg_roles WHERE rolname ~ 'teleport|alice|bob'";
    assert_eq!(
        pg.value::<String>(roles).await,
        "teleport-admin,teleport-auto-user"
    );
    pg.discard().await;
}

/// Everything that lies in the databases: objects, their owners and who may what.
async fn in_all_databases(pg: &TestPg) -> Vec<String> {
    let mut found = Vec::new();
    for database in ["postgres", "scratch", "template1"] {
        let root = pg.superuser_in(database).await;
        let row = root
            .query_one(
                "SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
                   SELECT 'c' || (to_jsonb(c) - ARRAY['relpages', 'reltuples', 'relallvisible', 'relallfrozen',
                                                      'relfrozenxid', 'relminmxid', 'relhasindex'])::text AS line
                     FROM pg_class c WHERE relpersistence <> 't' UNION ALL
                   SELECT 'p' || oid::text || proname || coalesce(proacl::text, '') FROM pg_proc UNION ALL
                   SELECT 'n' || (to_jsonb(n))::text FROM pg_namespace n UNION ALL
                   SELECT 't' || oid::text || typname FROM pg_type UNION ALL
                   SELECT 'o' || oid::text || oprname FROM pg_operator UNION ALL
                   SELECT 'd' || datname || coalesce(datacl::text, '') FROM pg_database) AS all_of_it",
                &[],
            )
            .await
            .expect("a row");
        found.push(row.get(0));
    }
    found
}
