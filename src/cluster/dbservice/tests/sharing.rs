//! Activation, shared sessions, other roles, parallel connections.

use std::sync::Arc;

use crate::cluster::dbservice::DbService;
use crate::cluster::dbservice::testpg::{
    Caller, PATIENCE, Session, TestCatalog, TestPg, User, service,
};

const CHANGED: &str = "your Teleport role requires automatic database user provisioning but an attempt to activate \
                       database user \"s-other\" failed due to the following error: roles for user \"s-other\" has \
                       changed. Please quit all active connections and try again.";

#[tokio::test]
async fn a_user_is_made_for_the_session_and_stripped_after_it() {
    let pg = TestPg::shared();
    let service = service(pg);
    let caller = Caller::auto("s-first");
    for cycle in 0..2 {
        let session = caller.connect(&service).await.expect("a session");
        let row = session
            .client
            .query_one("SELECT current_user::text, pg_backend_pid()", &[])
            .await
            .expect("a row");
        assert_eq!(row.get::<_, String>(0), "s-first");
        assert_eq!(
            pg.user("s-first").await,
            User::serving(&["reader", "writer"], 1),
            "cycle {cycle}"
        );
        let live = service.sessions();
        assert_eq!(live.len(), 1);
        assert_eq!(live[0].roles, ["reader", "writer"]);
        assert_eq!(i32::try_from(live[0].pid), Ok(row.get(1)));
        session.close().await;
        pg.until("s-first", &User::locked()).await;
    }
}

#[tokio::test]
async fn a_user_may_have_no_roles_at_all() {
    let pg = TestPg::shared();
    let service = service(pg);
    let session = Caller::auto("s-none")
        .allowed(&[])
        .connect(&service)
        .await
        .expect("a session");
    assert_eq!(pg.user("s-none").await, User::serving(&[], 1));
    session.close().await;
    pg.until("s-none", &User::locked()).await;
}

#[tokio::test]
async fn sessions_with_the_same_roles_share_the_user() {
    let pg = TestPg::shared();
    let service = service(pg);
    let caller = Caller::auto("s-share");
    let mut sessions = Vec::new();
    for requested in [
        &[][..],
        &["writer", "reader"],
        &["reader", "writer", "reader"],
    ] {
        sessions.push(
            caller
                .clone()
                .requesting(requested)
                .connect(&service)
                .await
                .expect("a session"),
        );
    }
    assert_eq!(
        pg.user("s-share").await,
        User::serving(&["reader", "writer"], 3)
    );
    sessions.pop().expect("three").close().await;
    sessions.pop().expect("two").kill().await;
    pg.until("s-share", &User::serving(&["reader", "writer"], 1))
        .await;
    sessions.pop().expect("one").close().await;
    pg.until("s-share", &User::locked()).await;
}

#[tokio::test]
async fn other_roles_are_refused_while_sessions_are_open() {
    let pg = TestPg::shared();
    let service = service(pg);
    let caller = Caller::auto("s-other");
    let open = caller.connect(&service).await.expect("a session");
    // Teleport takes the second for the open set.
    for requested in [&["reader"][..], &["reader", "reader"]] {
        let refused = caller.clone().requesting(requested).refused(&service).await;
        assert_eq!(refused.message, CHANGED);
        let pid = service.sessions()[0].pid;
        assert!(
            refused
                .hint
                .contains(&format!("backend {pid} on orders since ")),
            "{}",
            refused.hint
        );
        assert!(
            refused
                .hint
                .ends_with("Close them, or connect with `--db-roles reader,writer`"),
            "{}",
            refused.hint
        );
    }
    assert_eq!(
        pg.user("s-other").await,
        User::serving(&["reader", "writer"], 1)
    );
    open.close().await;
    // At once: the backend that is just ending is no reason to refuse.
    let session = caller
        .clone()
        .requesting(&["reader"])
        .connect(&service)
        .await
        .expect("a session with other roles");
    assert_eq!(pg.user("s-other").await, User::serving(&["reader"], 1));
    session.close().await;
    pg.until("s-other", &User::locked()).await;
}

#[tokio::test]
async fn leftovers_are_stripped_at_the_next_activation() {
    let pg = TestPg::shared();
    let service = service(pg);
    let caller = Caller::auto("s-left");
    caller
        .connect(&service)
        .await
        .expect("a session")
        .close()
        .await;
    pg.until("s-left", &User::locked()).await;
    pg.superuser()
        .await
        .batch_execute(r#"GRANT auditor TO "s-left" GRANTED BY "teleport-admin""#)
        .await
        .expect("a grant");
    let session = caller.connect(&service).await.expect("a session");
    assert_eq!(
        pg.user("s-left").await,
        User::serving(&["reader", "writer"], 1)
    );
    session.close().await;
    pg.until("s-left", &User::locked()).await;
}

#[tokio::test]
async fn a_role_granted_by_somebody_else_is_taken_or_reported() {
    let pg = TestPg::shared();
    let catalog = Arc::new(TestCatalog::new(pg));
    let service = DbService::new(catalog.clone());
    let caller = Caller::auto("s-foreign");
    let session = caller.connect(&service).await.expect("a session");
    let root = pg.superuser().await;
    root.batch_execute(r#"GRANT auditor TO "s-foreign""#)
        .await
        .expect("a grant");
    let refused = caller.refused(&service).await;
    assert!(
        refused.message.contains("has changed"),
        "{}",
        refused.message
    );
    session.close().await;
    // PostgreSQL 16 and later let nobody but the grantor (or a superuser) take a role away.
    let kept = root
        .query_one(
            "SELECT current_setting('server_version_num')::int >= 160000",
            &[],
        )
        .await
        .expect("a version")
        .get::<_, bool>(0);
    let mut locked = User::locked();
    if kept {
        locked.member_of.insert(0, "auditor".into());
    }
    pg.until("s-foreign", &locked).await;
    assert!(service.shutdown(PATIENCE).await);
    let warnings = catalog.warnings.lock().expect("not poisoned").clone();
    assert_eq!(
        warnings
            .iter()
            .any(|line| line.contains("keeps the roles [\"auditor\"]")),
        kept,
        "{warnings:?}"
    );
}

#[tokio::test]
async fn two_resources_for_one_server_do_not_trip_each_other() {
    let pg = TestPg::shared();
    let service = service(pg);
    let (orders, second) = (Caller::auto("s-two"), Caller::auto("s-two").at("second"));
    for _ in 0..10 {
        let first = orders.connect(&service).await.expect("a session");
        first.close().await;
        second
            .connect(&service)
            .await
            .expect("a session right after")
            .close()
            .await;
    }
    pg.until("s-two", &User::locked()).await;
}

#[tokio::test]
async fn the_last_session_decides_what_becomes_of_the_user() {
    let pg = TestPg::shared();
    let service = service(pg);
    let keep = Caller::auto("s-mode");
    let drop = keep.clone().with_role("drop");
    let (one, two) = (
        keep.connect(&service).await.expect("one"),
        drop.connect(&service).await.expect("two"),
    );
    two.close().await;
    pg.until("s-mode", &User::serving(&["reader", "writer"], 1))
        .await;
    one.close().await;
    pg.until("s-mode", &User::locked()).await;
    let (one, two) = (
        keep.connect(&service).await.expect("one"),
        drop.connect(&service).await.expect("two"),
    );
    one.close().await;
    pg.until("s-mode", &User::serving(&["reader", "writer"], 1))
        .await;
    two.close().await;
    pg.until("s-mode", &User::absent()).await;
}

#[tokio::test]
async fn a_user_that_owns_something_is_locked_instead_of_dropped() {
    let pg = TestPg::shared();
    let service = service(pg);
    let caller = Caller::auto("s-owner").with_role("drop");
    let session = caller.connect(&service).await.expect("a session");
    session
        .client
        .batch_execute("CREATE TEMP TABLE gone (x int)")
        .await
        .expect("a table");
    let root = pg.superuser().await;
    root.batch_execute(r#"GRANT CONNECT ON DATABASE scratch TO "s-owner""#)
        .await
        .expect("a privilege");
    session.close().await;
    pg.until("s-owner", &User::locked()).await;
    root.batch_execute(r#"REVOKE CONNECT ON DATABASE scratch FROM "s-owner""#)
        .await
        .expect("a privilege less");
    caller
        .connect(&service)
        .await
        .expect("a session")
        .close()
        .await;
    pg.until("s-owner", &User::absent()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_connections_of_one_user_and_of_twenty_users() {
    let pg = TestPg::shared();
    let service = service(pg);
    let callers: Vec<Caller> = (0..20).map(|_| Caller::auto("s-one")).collect();
    let sessions = all(&service, &callers).await;
    assert_eq!(
        pg.user("s-one").await,
        User::serving(&["reader", "writer"], 20)
    );
    for session in sessions {
        session.close().await;
    }
    pg.until("s-one", &User::locked()).await;

    let callers: Vec<Caller> = (0..20)
        .map(|n| Caller::auto(&format!("s-many-{n}")))
        .collect();
    let sessions = all(&service, &callers).await;
    for caller in &callers {
        assert_eq!(
            pg.user(&caller.user).await,
            User::serving(&["reader", "writer"], 1)
        );
    }
    for session in sessions {
        session.close().await;
    }
    for caller in &callers {
        pg.until(&caller.user, &User::locked()).await;
    }
}

/// Connects all at the same time.
async fn all(service: &Arc<DbService>, callers: &[Caller]) -> Vec<Session> {
    let tasks: Vec<_> = callers
        .iter()
        .cloned()
        .map(|caller| {
            let service = Arc::clone(service);
            tokio::spawn(async move { caller.connect(&service).await.expect("a session") })
        })
        .collect();
    let mut sessions = Vec::new();
    for task in tasks {
        sessions.push(task.await.expect("no panic"));
    }
    sessions
}

/// Whatever depends on a user, in whatever database: it is disabled, and dropped the next time when nothing does.
#[tokio::test]
async fn dependence_in_any_database_keeps_a_user_from_being_dropped() {
    let pg = TestPg::shared();
    let service = service(pg);
    let caller = Caller::auto("s-depends").with_role("drop");
    let member = User {
        member_of: vec!["teleport-auto-user".into()],
        ..User::locked()
    };
    for (database, depend, release) in [
        (
            "scratch",
            r#"CREATE TABLE kept (i int); ALTER TABLE kept OWNER TO "s-depends""#,
            "DROP TABLE kept",
        ),
        (
            "scratch",
            r#"CREATE TABLE seen (i int); GRANT SELECT (i) ON seen TO "s-depends""#,
            "DROP TABLE seen",
        ),
        (
            "scratch",
            r#"ALTER DEFAULT PRIVILEGES FOR ROLE "s-depends" GRANT SELECT ON TABLES TO reader"#,
            r#"ALTER DEFAULT PRIVILEGES FOR ROLE "s-depends" REVOKE SELECT ON TABLES FROM reader"#,
        ),
        (
            "postgres",
            r#"CREATE TABLE guarded (i int); CREATE POLICY own ON guarded TO "s-depends""#,
            "DROP TABLE guarded",
        ),
        (
            "postgres",
            r#"CREATE DATABASE "s-db" OWNER "s-depends""#,
            r#"DROP DATABASE "s-db""#,
        ),
    ] {
        let session = caller.connect(&service).await.expect("a session");
        let root = pg.superuser_in(database).await;
        root.batch_execute(depend).await.expect("a dependence");
        session.close().await;
        pg.until("s-depends", &member).await;
        // Nothing was taken from it.
        caller
            .connect(&service)
            .await
            .expect("a session")
            .close()
            .await;
        pg.until("s-depends", &member).await;
        root.batch_execute(release).await.expect("none any more");
        caller
            .connect(&service)
            .await
            .expect("a session")
            .close()
            .await;
        pg.until("s-depends", &User::absent()).await;
    }
}

/// An open transaction may be about to make something depend on the user: that is not waited for, and not lost.
#[tokio::test]
async fn a_dependence_in_the_making_counts() {
    let pg = TestPg::shared();
    let service = service(pg);
    let caller = Caller::auto("s-making").with_role("drop");
    let session = caller.connect(&service).await.expect("a session");
    let root = pg.superuser_in("scratch").await;
    root.batch_execute(
        r#"BEGIN; CREATE TABLE making (i int); GRANT SELECT ON making TO "s-making""#,
    )
    .await
    .expect("an open transaction");
    session.close().await;
    pg.until("s-making", &User::locked()).await;
    root.batch_execute("COMMIT").await.expect("the grant");
    root.batch_execute("DROP TABLE making")
        .await
        .expect("the end of it");
    caller
        .connect(&service)
        .await
        .expect("a session")
        .close()
        .await;
    pg.until("s-making", &User::absent()).await;
}
