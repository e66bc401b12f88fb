//! Many at once, and how often the database is asked for one: counted, not timed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::cluster::dbservice::DbService;
use crate::cluster::dbservice::testpg::{
    Caller, PATIENCE, Relay, Session, TestCatalog, TestPg, User, service,
};

/// Round trips between startup message and the user's own login: facts, then changes.
const TRIPS: usize = 2;

/// A service whose database `relayed` lies behind `relay`.
fn behind(relay: &Relay, pg: &TestPg) -> Arc<DbService> {
    let spec = json!({"uri": format!("localhost:{}", relay.port),
                      "admin_user": {"name": "teleport-admin", "default_database": "postgres"}});
    let catalog = TestCatalog::new(pg).with_database("relayed", &json!({}), spec);
    catalog.service()
}

/// Connects, and gives the round trips of all connections that were open before.
async fn trips_of(relay: &Relay, service: &Arc<DbService>, caller: &Caller) -> (usize, Session) {
    let before = relay.trips();
    let session = caller.connect(service).await.expect("a session");
    let after = relay.trips();
    assert_eq!(
        after.len(),
        before.len() + 1,
        "the session's own and no other"
    );
    let spent = after
        .iter()
        .zip(&before)
        .map(|(after, before)| after - before);
    (spent.sum(), session)
}

#[tokio::test]
async fn making_a_user_takes_two_round_trips_whatever_is_to_be_done() {
    let pg = TestPg::start("trips").await;
    let relay = Relay::before(pg.port).await;
    let service = behind(&relay, &pg);
    let caller = |name: &str| Caller::auto(name).at("relayed");
    let session = caller("first").connect(&service).await.expect("a session");
    session.close().await;
    pg.until("first", &User::locked()).await;
    // Not even the bookkeeping role is there.
    pg.run(r#"DROP ROLE first; DROP ROLE "teleport-auto-user""#)
        .await;
    let (trips, session) = trips_of(&relay, &service, &caller("alice")).await;
    assert_eq!(trips, TRIPS, "the very first user");
    let (trips, second) = trips_of(&relay, &service, &caller("alice")).await;
    assert_eq!(trips, TRIPS, "one that joins");
    second.close().await;
    session.close().await;
    pg.until("alice", &User::locked()).await;
    let (trips, session) = trips_of(&relay, &service, &caller("alice")).await;
    assert_eq!(trips, TRIPS, "one that comes back");
    session.close().await;
    pg.until("alice", &User::locked()).await;
    assert!(service.shutdown(PATIENCE).await);
    pg.until_true(
        "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'teleport-admin')",
    )
    .await;
    pg.discard().await;
}

#[tokio::test]
async fn dead_admin_connections_cost_nobody_a_session() {
    let pg = TestPg::shared();
    let service = service(pg);
    let caller = Caller::auto("l-stale");
    caller
        .connect(&service)
        .await
        .expect("a session")
        .close()
        .await;
    pg.until("l-stale", &User::locked()).await;
    // The service hears of it in time or not: either way the next session comes through.
    for _ in 0..5 {
        pg.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE usename = 'teleport-admin' AND state = 'idle'",
        )
        .await;
        caller
            .connect(&service)
            .await
            .expect("a session")
            .close()
            .await;
        pg.until("l-stale", &User::locked()).await;
    }
}

#[tokio::test]
async fn a_user_another_process_took_out_of_service_is_put_back_once() {
    let pg = TestPg::shared();
    let relay = Relay::before(pg.port).await;
    let service = behind(&relay, pg);
    let caller = Caller::auto("l-race").at("relayed");
    caller
        .connect(&service)
        .await
        .expect("a session")
        .close()
        .await;
    pg.until("l-race", &User::locked()).await;
    let root = pg.superuser().await;
    let lock = "pg_catalog.hashtextextended('postern:auto-user:l-race', 0)";
    root.batch_execute(&format!("SELECT pg_advisory_lock({lock})"))
        .await
        .expect("the user's lock");
    let opened = relay.trips().len();
    let connecting = tokio::spawn({
        let (caller, service) = (caller.clone(), Arc::clone(&service));
        async move { caller.connect(&service).await }
    });
    // SSLRequest, ClientHello, certificate: then the session's connection waits for the user to be made.
    relay
        .until(|trips| trips.get(opened).is_some_and(|trips| *trips >= 3))
        .await;
    relay.hold(opened);
    root.batch_execute(&format!("SELECT pg_advisory_unlock({lock})"))
        .await
        .expect("the user's lock");
    // Made, and unused as long as its login is on the way: the other process comes now.
    pg.until_true("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'l-race'")
        .await;
    pg.run(
        r#"ALTER ROLE "l-race" NOLOGIN; REVOKE reader FROM "l-race" GRANTED BY "teleport-admin""#,
    )
    .await;
    relay.release();
    let session = connecting.await.expect("no panic").expect("a session");
    assert_eq!(
        pg.user("l-race").await,
        User::serving(&["reader", "writer"], 1)
    );
    session.close().await;
    pg.until("l-race", &User::locked()).await;
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

async fn close_all(sessions: Vec<Session>) {
    futures_util::future::join_all(sessions.into_iter().map(Session::close)).await;
}

/// The number a server has when nobody chose one.
const CONNECTIONS: &str = "max_connections=100";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_users_at_once_and_fifty_connections_of_one() {
    const FIFTY: usize = 50;
    let pg = TestPg::start_with("fifty", &[CONNECTIONS]).await;
    assert_eq!(pg.value::<String>("SHOW max_connections").await, "100");
    let service = service(&pg);
    let admins = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'teleport-admin'";
    for role in ["auto", "drop"] {
        let after = if role == "auto" {
            User::locked()
        } else {
            User::absent()
        };
        let one: Vec<Caller> = (0..FIFTY)
            .map(|_| Caller::auto("one").with_role(role))
            .collect();
        let many: Vec<Caller> = (0..FIFTY)
            .map(|n| Caller::auto(&format!("user{n}@example.com")).with_role(role))
            .collect();
        for callers in [one, many] {
            let each = i64::from(callers[0].user == "one") * 49 + 1;
            let begun = Instant::now();
            let sessions = all(&service, &callers).await;
            // Teleport polls once a second: the last of fifty would wait for half a minute.
            assert!(
                begun.elapsed() < Duration::from_secs(15),
                "{:?}",
                begun.elapsed()
            );
            assert!(pg.value::<i64>(admins).await <= 4);
            for caller in &callers {
                let serving = User::serving(&["reader", "writer"], each);
                assert_eq!(pg.user(&caller.user).await, serving, "{}", caller.user);
            }
            close_all(sessions).await;
            for caller in &callers {
                pg.until(&caller.user, &after).await;
            }
        }
    }
    assert_eq!(service.sessions(), []);
    assert!(service.shutdown(PATIENCE).await);
    pg.until_true(
        "SELECT NOT EXISTS (SELECT FROM pg_stat_activity
                            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())",
    )
    .await;
    pg.discard().await;
}
