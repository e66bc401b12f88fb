//! User names and role names of every shape.

use serde_json::Value;

use crate::cluster::dbservice::testpg::{Caller, TestPg, User, service};

/// The recorded run of Teleport 18.3.0 on PostgreSQL 15.
fn recorded() -> Value {
    serde_json::from_str(include_str!(
        "../../../../tests/data/db-service/names-pg15.json"
    ))
    .expect("JSON")
}

#[tokio::test]
async fn two_full_cycles_of_every_name_that_teleport_admits() {
    let pg = TestPg::shared();
    let service = service(pg);
    let recorded = recorded();
    let names = recorded["keep"].as_object().expect("an object");
    let mut cycles = 0;
    for (name, seen) in names.iter().filter(|(_, seen)| seen["connect1"] == "ok") {
        let strings = |value: &Value| -> Vec<String> {
            value
                .as_array()
                .expect("a list")
                .iter()
                .map(|s| s.as_str().expect("a string").to_owned())
                .collect()
        };
        let during = User {
            exists: seen["during1"]["exists"].as_bool().expect("a bool"),
            can_login: seen["during1"]["canlogin"].as_bool().expect("a bool"),
            member_of: strings(&seen["during1"]["member_of"]),
            active: seen["during1"]["active"].as_i64().expect("a number"),
        };
        for mode in ["auto", "drop"] {
            let caller = Caller::auto(name).with_role(mode);
            for _ in 0..2 {
                let session = caller
                    .connect(&service)
                    .await
                    .unwrap_or_else(|error| panic!("{name}: {error:?}"));
                let row = session
                    .client
                    .query_one("SELECT current_user::text", &[])
                    .await
                    .expect("a row");
                assert_eq!(Some(row.get::<_, &str>(0)), seen["current_user"].as_str());
                assert_eq!(pg.user(name).await, during, "{name}");
                session.close().await;
                let after = if mode == "auto" {
                    User::locked()
                } else {
                    User::absent()
                };
                pg.until(name, &after).await;
                cycles += 1;
            }
        }
    }
    assert!(
        cycles >= 40,
        "only {cycles} cycles: is the recording whole?"
    );
}

#[tokio::test]
async fn names_teleport_would_not_admit_are_quoted_all_the_same() {
    let pg = TestPg::shared();
    let service = service(pg);
    for name in [
        "a b",
        "x\"y",
        "x'y",
        "back\\slash\\user",
        "größe-n",
        "a; DROP ROLE reader; --",
        "%I %s",
        "$1",
    ] {
        let caller = Caller::auto(name);
        for _ in 0..2 {
            let session = caller
                .connect(&service)
                .await
                .unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!(
                pg.user(name).await,
                User::serving(&["reader", "writer"], 1),
                "{name}"
            );
            session.close().await;
            pg.until(name, &User::locked()).await;
        }
    }
}

#[tokio::test]
async fn a_name_of_64_bytes_is_refused_before_anything_is_made() {
    let pg = TestPg::shared();
    let service = service(pg);
    for name in ["y".repeat(64), "ü".repeat(32), "z".repeat(200)] {
        for _ in 0..2 {
            let refused = Caller::auto(&name).refused(&service).await;
            assert!(
                refused.message.contains("PostgreSQL keeps 63"),
                "{}",
                refused.message
            );
            assert_eq!(refused.code, "28000");
            assert!(refused.hint.contains("at most 63 bytes"));
        }
        let cut: String = name
            .chars()
            .scan(0, |n, c| {
                *n += c.len_utf8();
                (*n <= 63).then_some(c)
            })
            .collect();
        assert_eq!(pg.user(&cut).await, User::absent());
    }
}

#[tokio::test]
async fn reserved_names_get_the_recorded_texts() {
    let pg = TestPg::shared();
    let service = service(pg);
    let recorded = recorded();
    for name in ["public", "none", "pg_x"] {
        let refused = Caller::auto(name).refused(&service).await;
        assert_eq!(
            Some(refused.message.as_str()),
            recorded["keep"][name]["connect1"].as_str()
        );
        assert_eq!(pg.user(name).await, User::absent());
    }
}

#[tokio::test]
async fn role_names_with_quotes_blanks_and_unicode() {
    let pg = TestPg::shared();
    let service = service(pg);
    let roles = [
        "Mixed Case",
        "a\"b",
        "a,b",
        "na'me",
        "back\\slash",
        "größe",
        "a; DROP ROLE x",
    ];
    let caller = Caller::auto("n-roles").allowed(&roles);
    for _ in 0..2 {
        let session = caller.connect(&service).await.expect("a session");
        assert_eq!(pg.user("n-roles").await, User::serving(&roles, 1));
        session.close().await;
        pg.until("n-roles", &User::locked()).await;
    }
}

#[tokio::test]
async fn a_role_name_that_postgresql_would_cut_off_is_not_granted() {
    let pg = TestPg::shared();
    let service = service(pg);
    let (short, long) = ("r".repeat(63), "r".repeat(64));
    let root = pg.superuser().await;
    root.batch_execute(&format!("CREATE ROLE {short}"))
        .await
        .expect("a role");
    let refused = Caller::auto("n-long-role")
        .allowed(&[&long])
        .refused(&service)
        .await;
    assert!(refused.message.ends_with(&format!(
        "ERROR: role \"{long}\" does not exist (SQLSTATE 42704)"
    )));
    assert_eq!(pg.user("n-long-role").await, User::absent());
}

#[tokio::test]
async fn names_of_many_bytes_go_up_to_the_limit() {
    let pg = TestPg::shared();
    let service = service(pg);
    let names = [
        format!("{}x", "ü".repeat(31)),
        "€".repeat(21),
        format!("{}elefant", "🐘".repeat(14)),
        format!("alice+{}@example.com", "t".repeat(45)),
    ];
    for name in names {
        assert!(
            (61..=63).contains(&name.len()),
            "{name} has {} bytes",
            name.len()
        );
        for (mode, after) in [("auto", User::locked()), ("drop", User::absent())] {
            let caller = Caller::auto(&name).with_role(mode);
            for _ in 0..2 {
                let session = caller.connect(&service).await.expect("a session");
                assert_eq!(
                    pg.user(&name).await,
                    User::serving(&["reader", "writer"], 1)
                );
                session.close().await;
                pg.until(&name, &after).await;
            }
        }
    }
}

/// Teleport keeps the roles of some of these, and of others cannot end the session's user at all, when they own something.
#[tokio::test]
async fn names_of_every_kind_are_disabled_when_they_own_something() {
    let pg = TestPg::shared();
    let service = service(pg);
    pg.run("CREATE SCHEMA owned; GRANT USAGE, CREATE ON SCHEMA owned TO reader")
        .await;
    for (n, name) in [
        "Carol",
        "carol@example.com",
        "first.last",
        "a+tag@example.com",
        "123456",
        "--",
        "select",
        "CURRENT_ROLE",
    ]
    .into_iter()
    .enumerate()
    {
        let caller = Caller::auto(name).with_role("drop");
        for statement in [
            format!("CREATE TABLE owned.t{n} (i int)"),
            format!("INSERT INTO owned.t{n} VALUES (1)"),
        ] {
            let session = caller.connect(&service).await.expect("a session");
            session
                .client
                .batch_execute(&statement)
                .await
                .expect("its own table");
            session.close().await;
            pg.until(name, &User::locked()).await;
        }
        pg.run(&format!("DROP TABLE owned.t{n}")).await;
        caller
            .connect(&service)
            .await
            .expect("a session")
            .close()
            .await;
        pg.until(name, &User::absent()).await;
    }
}
