//! However a session ends, its user is taken out of service.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::protocol::query;
use crate::cluster::dbservice::testpg::{Caller, TestPg, User, service};

/// Starts a statement in the background and waits until it runs.
async fn start(
    pg: &TestPg,
    session: &crate::cluster::dbservice::testpg::Session,
    user: &str,
    sql: &'static str,
) {
    let statement = session.client.batch_execute(sql);
    let running = format!(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = '{user}' AND state = 'active'
         AND wait_event = 'PgSleep')"
    );
    tokio::select! {
        ended = statement => panic!("ended already: {ended:?}"),
        () = pg.until_true(&running) => {}
    }
}

#[tokio::test]
async fn a_client_killed_while_idle_or_in_a_transaction() {
    let pg = TestPg::shared();
    let service = service(pg);
    for sql in ["SELECT 1", "BEGIN; SELECT 1"] {
        let session = Caller::auto("e-idle")
            .connect(&service)
            .await
            .expect("a session");
        session
            .client
            .batch_execute(sql)
            .await
            .expect("a statement");
        session.kill().await;
        pg.until("e-idle", &User::locked()).await;
    }
}

#[tokio::test]
async fn the_query_of_a_killed_client_is_stopped() {
    let pg = TestPg::shared();
    let service = service(pg);
    for mode in ["auto", "drop"] {
        let caller = Caller::auto("e-busy").with_role(mode);
        let session = caller.connect(&service).await.expect("a session");
        start(pg, &session, "e-busy", "SELECT pg_sleep(600)").await;
        let killed = std::time::Instant::now();
        session.kill().await;
        pg.until(
            "e-busy",
            &if mode == "auto" {
                User::locked()
            } else {
                User::absent()
            },
        )
        .await;
        assert!(
            killed.elapsed() < Duration::from_secs(10),
            "{:?}",
            killed.elapsed()
        );
    }
}

#[tokio::test]
async fn queries_sent_ahead_by_a_killed_client_are_stopped_too() {
    let pg = TestPg::shared();
    let service = service(pg);
    let session = Caller::auto("e-ahead")
        .connect(&service)
        .await
        .expect("a session");
    let statements = async {
        let sleep = "SELECT pg_sleep(600)";
        tokio::join!(
            session.client.batch_execute(sleep),
            session.client.batch_execute(sleep)
        )
    };
    tokio::select! {
        ended = statements => panic!("ended already: {ended:?}"),
        () = pg.until_true("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'e-ahead' AND state = 'active'
                            AND wait_event = 'PgSleep')") => {}
    }
    session.kill().await;
    pg.until("e-ahead", &User::locked()).await;
}

#[tokio::test]
async fn a_client_killed_in_the_middle_of_a_message() {
    let pg = TestPg::shared();
    let service = service(pg);
    let mut raw = super::protocol::opened(&service, &Caller::auto("e-half")).await;
    raw.write_all(b"Q\0\0\x10\0SELECT")
        .await
        .expect("half a message");
    drop(raw);
    pg.until("e-half", &User::locked()).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_and_is_killed() {
    let pg = TestPg::shared();
    let service = service(pg);
    let mut raw = super::protocol::opened(&service, &Caller::auto("e-full")).await;
    raw.write_all(&query(
        "SELECT repeat('x', 1000) FROM generate_series(1, 100000)",
    ))
    .await
    .expect("a query");
    let blocked = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'e-full' AND wait_event = 'ClientWrite')";
    pg.until_true(blocked).await;
    drop(raw);
    pg.until("e-full", &User::locked()).await;
}

#[tokio::test]
async fn a_client_that_takes_leave_of_a_running_statement_gets_it_done() {
    let pg = TestPg::shared();
    let service = service(pg);
    let root = pg.superuser().await;
    root.batch_execute("CREATE TABLE ahead (x int); GRANT INSERT ON ahead TO writer")
        .await
        .expect("a table");
    let mut raw = super::protocol::opened(&service, &Caller::auto("e-leave")).await;
    raw.write_all(
        &[
            query("INSERT INTO ahead SELECT 1 FROM pg_sleep(1)").as_slice(),
            b"X\0\0\0\x04",
        ]
        .concat(),
    )
    .await
    .expect("two messages");
    drop(raw);
    pg.until_true("SELECT EXISTS (SELECT FROM ahead)").await;
    pg.until("e-leave", &User::locked()).await;
}

#[tokio::test]
async fn a_backend_that_ends_slowly_is_waited_for() {
    let pg = TestPg::shared();
    let service = service(pg);
    let session = Caller::auto("e-slow")
        .connect(&service)
        .await
        .expect("a session");
    session
        .client
        .batch_execute(
            "DO $$ BEGIN FOR n IN 1..1500 LOOP EXECUTE format('CREATE TEMP TABLE t%s (x int)', n); END LOOP; END $$",
        )
        .await
        .expect("tables");
    session.close().await;
    // Other roles, while the backend is still at it.
    let session = Caller::auto("e-slow")
        .requesting(&["reader"])
        .connect(&service)
        .await
        .expect("other roles");
    assert_eq!(pg.user("e-slow").await, User::serving(&["reader"], 1));
    session.close().await;
    pg.until("e-slow", &User::locked()).await;
}

#[tokio::test]
async fn a_backend_ended_by_an_administrator_says_so_itself() {
    let pg = TestPg::shared();
    let service = service(pg);
    let mut raw = super::protocol::opened(&service, &Caller::auto("e-term")).await;
    let root = pg.superuser().await;
    root.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'e-term'",
        &[],
    )
    .await
    .expect("terminated");
    let mut last = Vec::new();
    raw.read_to_end(&mut last).await.expect("the last message");
    // Its own words: with file, line and routine, which ours have not.
    let message = crate::pg::ErrorResponse::parse(crate::pg::Kind::Error, &last[5..])
        .expect("an ErrorResponse");
    assert_eq!(message.sqlstate().as_deref(), Some("57P01"));
    assert!(message.has(b'R'));
    pg.until("e-term", &User::locked()).await;
}

#[tokio::test]
async fn a_stop_of_the_cluster_ends_sessions_and_users() {
    let pg = TestPg::shared();
    let service = service(pg);
    let callers: Vec<Caller> = ["e-stop-idle", "e-stop-busy", "e-stop-full"]
        .into_iter()
        .map(Caller::auto)
        .collect();
    let idle = callers[0].connect(&service).await.expect("a session");
    let (mut busy, _) = super::protocol::sleeping(pg, &service, &callers[1]).await;
    let mut full = super::protocol::opened(&service, &callers[2]).await;
    full.write_all(&query(
        "SELECT repeat('x', 1000) FROM generate_series(1, 100000)",
    ))
    .await
    .expect("a query");
    let blocked = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'e-stop-full' AND wait_event = 'ClientWrite')";
    pg.until_true(blocked).await;
    let mut waiting = callers[0].dial(&service);

    assert!(
        service.shutdown(Duration::from_secs(20)).await,
        "not done in time"
    );

    for caller in &callers {
        assert_eq!(
            pg.user(&caller.user).await,
            User::locked(),
            "{}",
            caller.user
        );
    }
    let error = idle.ended().await.expect_err("an error");
    assert!(
        error.contains("terminating connection due to administrator command"),
        "{error}"
    );
    let mut last = Vec::new();
    busy.read_to_end(&mut last).await.expect("the last message");
    let last = crate::pg::ErrorResponse::parse(crate::pg::Kind::Error, &last[5..])
        .expect("an ErrorResponse");
    assert_eq!(last.sqlstate().as_deref(), Some("57P01"));
    let mut rest = Vec::new();
    full.read_to_end(&mut rest)
        .await
        .expect("the rest of the rows");
    assert!(
        !rest.windows(5).any(|window| window == b"57P01"),
        "an error in the middle of a row"
    );
    assert_eq!(
        waiting.read_u8().await.ok(),
        None,
        "a connection without a startup message just ends"
    );
    let mut late = callers[0].dial(&service);
    assert_eq!(late.read_u8().await.ok(), None);
    assert_eq!(service.sessions(), []);
}

#[tokio::test]
async fn a_restart_of_postgresql_and_what_a_crash_leaves_behind() {
    let mut pg = TestPg::start("restart").await;
    let service = service(&pg);
    let session = Caller::auto("e-restart")
        .connect(&service)
        .await
        .expect("a session");
    pg.stop().await;
    let error = session.ended().await.expect_err("an error");
    assert!(
        error.contains("57P01") || error.contains("administrator command"),
        "{error}"
    );
    let refused = Caller::auto("e-restart").refused(&service).await;
    assert!(
        refused.message.ends_with("connection refused)"),
        "{}",
        refused.message
    );
    pg.start_again().await;
    pg.until("e-restart", &User::locked()).await;

    // Users of a cluster that was killed: enabled, nobody connected. And one who is connected, and one not ours.
    let root = pg.superuser().await;
    root.batch_execute(
        r#"CREATE USER "Left@example.com" IN ROLE "teleport-auto-user", reader;
           CREATE USER "left-2" IN ROLE "teleport-auto-user", writer;
           CREATE USER "not-ours" IN ROLE reader"#,
    )
    .await
    .expect("users");
    let connected = Caller::auto("e-restart")
        .connect(&service)
        .await
        .expect("a session");
    let next = crate::cluster::dbservice::testpg::service(&pg);
    next.sweep().await;
    assert_eq!(pg.user("Left@example.com").await, User::locked());
    assert_eq!(pg.user("left-2").await, User::locked());
    assert_eq!(
        pg.user("e-restart").await,
        User::serving(&["reader", "writer"], 1)
    );
    let theirs = User {
        exists: true,
        can_login: true,
        member_of: vec!["reader".into()],
        active: 0,
    };
    assert_eq!(pg.user("not-ours").await, theirs);
    connected.close().await;
    assert!(service.shutdown(Duration::from_secs(20)).await);
    assert!(next.shutdown(Duration::from_secs(20)).await);
    pg.discard().await;
}

#[tokio::test]
async fn who_runs_the_cluster_is_told_when_a_server_cannot_be_swept() {
    let pg = TestPg::shared();
    let catalog = Arc::new(crate::cluster::dbservice::testpg::TestCatalog::new(pg).only("dead"));
    let service = crate::cluster::dbservice::DbService::new(catalog.clone());
    service.sweep().await;
    let warnings = catalog.warnings.lock().expect("not poisoned").clone();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].starts_with("database \"dead\": leftover users not looked for: "),
        "{}",
        warnings[0]
    );
}
