//! Refusals: each text is the recorded one, byte for byte; nothing is left behind.

use serde_json::Value;

use crate::cluster::dbservice::testpg::{Caller, TestPg, User, service};

/// The text Teleport 18.3.0 sent in this case.
fn recorded(case: &str) -> String {
    let all: Value = serde_json::from_str(include_str!(
        "../../../../tests/data/db-service/error-responses.json"
    ))
    .expect("JSON");
    all[case]["error"]["M"]
        .as_str()
        .unwrap_or_else(|| panic!("no text recorded for {case}"))
        .to_owned()
}

fn alice() -> Caller {
    Caller::auto("p-alice")
}

/// The shared account, as a user whose role allows nothing else.
fn shared(db_user: &str, db_name: &str) -> Caller {
    Caller {
        db_user: db_user.into(),
        db_name: db_name.into(),
        ..Caller::auto("p-plain").with_role("app")
    }
}

#[tokio::test]
async fn by_roles() {
    let pg = TestPg::shared();
    let service = service(pg);
    // A user of this test alone: nothing may be made for it.
    let nobody = || Caller::auto("r-alice");
    for (case, caller) in [
        (
            "username_mismatch",
            Caller {
                db_user: "bob".into(),
                ..nobody()
            },
        ),
        ("username_empty", shared("", "postgres")),
        ("database_not_allowed", shared("app", "scratch")),
        ("plain_db_user_not_allowed", shared("postgres", "postgres")),
        ("db_role_denied", nobody().requesting(&["auditor"])),
        ("missing_admin_user", nobody().at("no-admin")),
    ] {
        let refused = caller.refused(&service).await;
        assert_eq!(
            refused.message,
            recorded(case).replace("p-alice", "r-alice"),
            "{case}"
        );
        let code = if case == "missing_admin_user" {
            "58000"
        } else {
            "28000"
        };
        assert_eq!(refused.code, code, "{case}");
    }
    assert_eq!(pg.user("r-alice").await, User::absent());
}

#[tokio::test]
async fn an_unknown_database_is_said_not_just_closed() {
    let pg = TestPg::shared();
    let refused = alice().at("prov15-gone").refused(&service(pg)).await;
    assert_eq!(
        refused.message,
        recorded("raw_path_unknown_database_service")
    );
    assert_eq!(refused.code, "3D000");
    assert!(refused.hint.contains("postern db ls"));
}

#[tokio::test]
async fn by_certificates() {
    let pg = TestPg::shared();
    let service = service(pg);
    let open = async |identity| {
        let (near, far) = tokio::io::duplex(1 << 16);
        let serving = service.serve_tunnel(far, identity, 1 << 40, ([127, 0, 0, 1], 9).into());
        let mut config = tokio_postgres::Config::new();
        config.user("p-alice").dbname("postgres");
        let (refused, ()) = tokio::join!(config.connect_raw(near, tokio_postgres::NoTls), serving);
        let Err(error) = refused else {
            panic!("admitted")
        };
        error
            .as_db_error()
            .expect("an ErrorResponse")
            .message()
            .to_owned()
    };
    let with = |change: fn(&mut crate::identity::Identity)| {
        let mut identity = alice().identity();
        change(&mut identity);
        identity
    };
    let text = open(with(|identity| identity.usage = vec!["usage:app".into()])).await;
    assert_eq!(text, "access denied: invalid client certificate");
    assert_eq!(
        open(with(|identity| identity.route_to_database = None)).await,
        "access denied"
    );
    let text = open(with(|identity| identity.route_to_cluster = "leaf".into())).await;
    assert_eq!(text, "cluster \"leaf\" is not found");
}

#[tokio::test]
async fn by_the_database() {
    let pg = TestPg::shared();
    let service = service(pg);
    let root = pg.superuser().await;
    root.batch_execute("CREATE DATABASE appdb")
        .await
        .expect("a database");
    root.batch_execute("REVOKE CONNECT ON DATABASE appdb FROM PUBLIC")
        .await
        .expect("a privilege less");
    let named = |caller: Caller, db_name: &str| Caller {
        db_name: db_name.into(),
        ..caller
    };
    let user = |name: &str, db_name| named(Caller::auto(name), db_name);
    for (case, code, caller) in [
        ("no_database_anywhere", "3D000", named(alice(), "")),
        (
            "unknown_postgres_database_default_db_set",
            "3D000",
            named(alice(), "nosuchdb"),
        ),
        (
            "appdb_no_connect_default_db pg15",
            "42501",
            named(alice(), "appdb"),
        ),
        (
            "plain_user_missing_in_db",
            "28000",
            shared("nouser", "postgres"),
        ),
        (
            "unknown_postgres_database_no_default_db",
            "58000",
            named(alice().at("nodefault"), "nosuchdb"),
        ),
        (
            "appdb_no_connect_nodefault pg15",
            "58000",
            named(alice().at("nodefault"), "appdb"),
        ),
        (
            "admin_role_does_not_exist",
            "58000",
            alice().at("no-such-admin"),
        ),
        (
            "weak_admin_no_createrole_pg15",
            "58000",
            user("p-weak", "postgres").at("weak-admin"),
        ),
    ] {
        let refused = caller.refused(&service).await;
        assert_eq!(refused.message, recorded(case), "{case}");
        assert_eq!(refused.code, code, "{case}");
    }
    assert_eq!(pg.user("p-weak").await, User::absent());
    // Activated before its own login failed, and out of service again.
    pg.until("p-alice", &User::locked()).await;
}

#[tokio::test]
async fn by_nobody_at_the_address() {
    let pg = TestPg::shared();
    let service = service(pg);
    let refused = alice().at("dead").refused(&service).await;
    assert_eq!(
        refused.message,
        recorded("upstream_refused_provisioned").replace(":5998", ":1")
    );
    let refused = shared("app", "postgres").at("dead").refused(&service).await;
    assert_eq!(
        (refused.message, refused.code.as_str()),
        (recorded("upstream_refused_plain"), "08006")
    );
    let refused = shared("app", "postgres")
        .at("no-host")
        .refused(&service)
        .await;
    assert_eq!(refused.message, "lookup no-such-host.invalid: no such host");
}

#[tokio::test]
async fn by_the_servers_certificate() {
    let pg = TestPg::shared();
    let service = service(pg);
    let refused = shared("app", "postgres")
        .at("other-name")
        .refused(&service)
        .await;
    assert!(
        refused.message.starts_with("tls error ("),
        "{}",
        refused.message
    );
    let session = shared("app", "postgres")
        .at("verify-ca")
        .connect(&service)
        .await
        .expect("the chain is enough");
    session.close().await;
    let session = shared("app", "postgres")
        .at("insecure")
        .connect(&service)
        .await
        .expect("nothing is checked");
    session.close().await;
    let stranger = super::stranger(pg);
    let refused = shared("app", "postgres").refused(&stranger).await;
    assert!(
        refused
            .message
            .starts_with("Database service cannot validate database's certificate: ")
            && refused.message.ends_with(
                " Please verify if the correct CA bundle is used in the database config."
            ),
        "{}",
        refused.message
    );
    // Without a look at the server's certificate, our own is refused by the server.
    let refused = shared("app", "postgres")
        .at("insecure")
        .refused(&stranger)
        .await;
    assert_eq!(
        refused.message,
        "Database cannot validate client certificate generated by database service: remote error: tls: unknown \
         certificate authority."
    );
}

#[tokio::test]
async fn somebody_elses_role_is_left_alone() {
    let pg = TestPg::shared();
    let service = service(pg);
    let root = pg.superuser().await;
    let unmanaged = User {
        exists: true,
        can_login: true,
        member_of: vec!["auditor".into()],
        active: 0,
    };
    root.batch_execute(r#"CREATE ROLE "p-bob" LOGIN; GRANT auditor TO "p-bob""#)
        .await
        .expect("a role");
    for mode in ["auto", "drop"] {
        let refused = Caller::auto("p-bob")
            .with_role(mode)
            .refused(&service)
            .await;
        assert_eq!(refused.message, recorded("unmanaged_login_pg15"));
        assert!(refused.hint.contains("p-bob"));
        assert_eq!(pg.user("p-bob").await, unmanaged);
    }
    root.batch_execute(r#"ALTER ROLE "p-bob" NOLOGIN"#)
        .await
        .expect("a change");
    let refused = Caller::auto("p-bob").refused(&service).await;
    assert_eq!(refused.message, recorded("unmanaged_nologin_pg15"));
    assert_eq!(
        pg.user("p-bob").await,
        User {
            can_login: false,
            ..unmanaged
        }
    );
}

#[tokio::test]
async fn a_missing_role_is_named_and_nothing_stays() {
    let pg = TestPg::shared();
    let service = service(pg);
    let caller = Caller::auto("p-nope").allowed(&["reader", "nope", "writer"]);
    let refused = caller.refused(&service).await;
    assert_eq!(refused.message, recorded("role_does_not_exist_new_user"));
    assert_eq!(pg.user("p-nope").await, User::absent());
    // An existing user stays as it was.
    Caller::auto("p-nope")
        .connect(&service)
        .await
        .expect("a session")
        .close()
        .await;
    pg.until("p-nope", &User::locked()).await;
    assert_eq!(
        caller.refused(&service).await.message,
        recorded("role_does_not_exist_new_user")
    );
    assert_eq!(pg.user("p-nope").await, User::locked());
}

#[tokio::test]
async fn powerful_accounts_are_nobodys_session_and_nobodys_role() {
    let pg = TestPg::shared();
    let service = service(pg);
    let root = pg.superuser().await;
    // The bookkeeping role exists from here on.
    Caller::auto("p-first")
        .connect(&service)
        .await
        .expect("a session")
        .close()
        .await;
    for (case, user) in [
        ("user_named_teleport-auto-user pg15", "teleport-auto-user"),
        ("user_named_postgres pg15", "postgres"),
    ] {
        assert_eq!(
            Caller::auto(user).refused(&service).await.message,
            recorded(case)
        );
    }
    for (database, user) in [("orders", "teleport-admin"), ("by-super", "super-admin")] {
        let refused = Caller::auto(user)
            .allowed(&[])
            .at(database)
            .refused(&service)
            .await;
        let cause = format!(
            "user {user:?} already exists in this PostgreSQL database and is not managed by Teleport"
        );
        assert!(refused.message.ends_with(&cause), "{}", refused.message);
    }
    let refused = Caller::auto("admin-escal")
        .allowed(&["teleport-admin"])
        .refused(&service)
        .await;
    assert_eq!(refused.message, recorded("db_role_is_admin_account pg18"));
    assert_eq!(pg.user("admin-escal").await, User::absent());

    root.batch_execute(
        r#"CREATE ROLE "p-super" SUPERUSER LOGIN; GRANT "teleport-auto-user" TO "p-super""#,
    )
    .await
    .expect("a superuser among the managed");
    let before = pg.user("p-super").await;
    let old = root
        .query_one(
            "SELECT current_setting('server_version_num')::int < 160000",
            &[],
        )
        .await
        .expect("a version");
    for database in ["orders", "by-super"] {
        let refused = Caller::auto("p-super").at(database).refused(&service).await;
        if database == "orders" {
            let case = if old.get(0) {
                "managed_superuser pg15"
            } else {
                "managed_superuser pg18"
            };
            let mut text = recorded(case);
            if pg
                .value("SELECT current_setting('server_version_num')::int < 140000")
                .await
            {
                // The older server's own wording; nothing was recorded with it.
                text = text.replace(
                    "superuser roles or change superuser attribute",
                    "superusers",
                );
            }
            assert_eq!(refused.message, text);
        }
        assert_eq!(pg.user("p-super").await, before);
        let refused = Caller::auto("p-pgrole")
            .allowed(&["postgres"])
            .at(database)
            .refused(&service)
            .await;
        let case = if old.get(0) && database == "orders" {
            "db_role_postgres pg15"
        } else {
            "db_role_postgres pg18"
        };
        assert_eq!(refused.message, recorded(case));
        assert_eq!(pg.user("p-pgrole").await, User::absent());
    }
}
