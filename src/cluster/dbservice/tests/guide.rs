//! docs/provisioning.md: every statement in it, run as it stands.

use serde_json::json;

use crate::cluster::dbservice::testpg::{Caller, PATIENCE, TestCatalog, TestPg, User};

/// The block of the guide with this name.
fn block(name: &str) -> String {
    let guide = include_str!("../../../../docs/provisioning.md");
    let start = format!("```sql {name}\n");
    let (_, rest) = guide
        .split_once(&start)
        .unwrap_or_else(|| panic!("no block {name}"));
    let (block, _) = rest.split_once("```").expect("an end");
    block.to_owned()
}

/// Sessions of `user` by way of `admin`, in both modes.
async fn works(pg: &TestPg, admin: &str, user: &str, expect: &[&str]) {
    let spec = json!({"uri": format!("localhost:{}", pg.port),
                      "admin_user": {"name": admin, "default_database": "postgres"}});
    let service = TestCatalog::new(pg)
        .with_database("it", &json!({}), spec)
        .service();
    for (mode, after) in [("drop", User::absent()), ("auto", User::locked())] {
        let caller = Caller::auto(user).at("it").with_role(mode).allowed(expect);
        let session = caller.connect(&service).await.expect("a session");
        assert_eq!(pg.user(user).await, User::serving(expect, 1));
        session.close().await;
        pg.until(user, &after).await;
    }
    assert!(service.shutdown(PATIENCE).await);
}

#[tokio::test]
async fn the_statements_of_the_guide_are_enough() {
    let pg = TestPg::start("guide").await;
    let grantors = pg.has_grantors().await;
    pg.run(r#"DROP OWNED BY "teleport-admin"; DROP ROLE "teleport-admin""#)
        .await;
    pg.run(&block(if grantors { "admin-16" } else { "admin-13" }))
        .await;
    works(&pg, "teleport-admin", "alice", &["reader", "writer"]).await;
    pg.run(&block("signal")).await;
    pg.run(&format!("CREATE ROLE rds_iam; {}", block("rds-iam")))
        .await;
    works(
        &pg,
        "teleport-admin",
        "bob@example.com",
        &["rds_iam", "reader"],
    )
    .await;
    // The successor finds users that the old admin made.
    let successor = block("successor-16");
    if grantors {
        pg.run(&successor).await;
    } else {
        pg.run(successor.lines().next().expect("a line")).await;
    }
    works(&pg, "new-admin", "alice", &["reader", "writer"]).await;
    pg.discard().await;
}

/// As after pg_upgrade: users and memberships are there, the admin has no rights on them.
#[tokio::test]
async fn a_server_upgraded_from_15_works_after_the_statements_for_it() {
    let pg = TestPg::start("upgraded").await;
    if pg.has_grantors().await {
        pg.run(
            r#"CREATE ROLE "teleport-auto-user"; CREATE USER alice NOLOGIN IN ROLE "teleport-auto-user";
               CREATE USER "Bob@x" NOLOGIN IN ROLE "teleport-auto-user""#,
        )
        .await;
        pg.run(&block("upgrade-16")).await;
        works(&pg, "teleport-admin", "alice", &["reader"]).await;
        works(&pg, "teleport-admin", "Bob@x", &["reader", "writer"]).await;
    } else {
        assert_eq!(
            pg.user("alice").await,
            User::absent(),
            "there is nothing to upgrade to"
        );
    }
    pg.discard().await;
}
