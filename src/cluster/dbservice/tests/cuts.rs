//! Sessions that are cut: the client is told why where that is possible, the backend ends, the user goes out of service.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::protocol::{opened, query, sleeping};
use crate::cluster::dbservice::testpg::{Caller, Refused, Session, TestCatalog, TestPg, User};
use crate::cluster::dbservice::{DbService, Limits};
use crate::cluster::locks::{Lock, Target};
use crate::pg::{ErrorResponse, Kind};

/// More than this takes nobody to be told or to be out of service, on a loaded machine; a backend is not waited for as
/// long as a statement of ten minutes runs.
const SOON: Duration = Duration::from_secs(20);

fn locked(user: &str) -> Lock {
    Lock {
        name: user.into(),
        target: Target {
            user: user.into(),
            ..Target::default()
        },
        message: "test lock".into(),
        ..Lock::default()
    }
}

fn in_front_of(catalog: TestCatalog) -> (Arc<TestCatalog>, Arc<DbService>) {
    let catalog = Arc::new(catalog);
    (Arc::clone(&catalog), DbService::new(catalog))
}

/// What a session ended with: the ErrorResponse's SQLSTATE and message, by tokio-postgres's words.
async fn last_words(session: Session) -> String {
    session.ended().await.expect_err("an error")
}

#[tokio::test]
async fn a_lock_ends_an_idle_session_and_says_why() {
    let pg = TestPg::shared();
    let (catalog, service) = in_front_of(TestCatalog::new(pg));
    for (mode, after) in [("auto", User::locked()), ("drop", User::absent())] {
        let caller = Caller::auto(&format!("c-idle-{mode}")).with_role(mode);
        let session = caller.connect(&service).await.expect("a session");
        let other = Caller::auto("c-other");
        let unlocked = other.connect(&service).await.expect("a session");
        catalog.lock(locked(&caller.user));
        let words = last_words(session).await;
        let text = format!(
            "FATAL: lock targeting User:\"{}\" is in force: test lock",
            caller.user
        );
        assert!(words.contains(&text), "{words}");
        pg.until(&caller.user, &after).await;
        assert_eq!(caller.refused(&service).await, refusal(&caller.user));
        assert_eq!(
            pg.user(&caller.user).await,
            after,
            "a refusal changes nothing"
        );
        unlocked
            .client
            .batch_execute("SELECT 1")
            .await
            .expect("nobody else is concerned");
        unlocked.close().await;
    }
}

fn refusal(user: &str) -> Refused {
    Refused {
        message: "access denied".into(),
        code: "28000".into(),
        hint: format!("lock targeting User:\"{user}\" is in force: test lock"),
    }
}

#[tokio::test]
async fn a_lock_ends_a_running_statement() {
    let pg = TestPg::shared();
    let (catalog, service) = in_front_of(TestCatalog::new(pg));
    for (mode, after) in [("auto", User::locked()), ("drop", User::absent())] {
        let caller = Caller::auto(&format!("c-busy-{mode}")).with_role(mode);
        let (mut busy, _) = sleeping(pg, &service, &caller).await;
        let begun = Instant::now();
        catalog.lock(locked(&caller.user));
        let mut last = Vec::new();
        busy.read_to_end(&mut last).await.expect("the last message");
        let last = ErrorResponse::parse(Kind::Error, &last[5..]).expect("an ErrorResponse");
        assert_eq!(last.sqlstate().as_deref(), Some("57P01"));
        assert_eq!(
            last.message(),
            format!(
                "lock targeting User:\"{}\" is in force: test lock",
                caller.user
            )
        );
        pg.until(&caller.user, &after).await;
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    }
}

/// In the middle of a row no message may stand: the connection just ends.
#[tokio::test]
async fn a_lock_in_the_middle_of_a_message_gives_no_message() {
    let pg = TestPg::shared();
    let (catalog, service) = in_front_of(TestCatalog::new(pg));
    let caller = Caller::auto("c-full");
    let mut full = opened(&service, &caller).await;
    full.write_all(&query(
        "SELECT repeat('x', 1000000) FROM generate_series(1, 100)",
    ))
    .await
    .expect("a query");
    pg.until_true(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'c-full' AND wait_event = 'ClientWrite')",
    )
    .await;
    catalog.lock(locked("c-full"));
    let mut rest = Vec::new();
    full.read_to_end(&mut rest).await.expect("some rows");
    assert!(!rest.windows(5).any(|window| window == b"57P01"));
    pg.until("c-full", &User::locked()).await;
}

#[tokio::test]
async fn a_lock_on_a_role_concerns_everybody_who_uses_it() {
    let pg = TestPg::shared();
    let (catalog, service) = in_front_of(TestCatalog::new(pg));
    let mut sessions = Vec::new();
    for user in ["c-role-1", "c-role-2"] {
        let caller = Caller::auto(user).with_role("drop");
        sessions.push(caller.connect(&service).await.expect("a session"));
    }
    let target = Target {
        role: "drop".into(),
        ..Target::default()
    };
    catalog.lock(Lock {
        target,
        ..Lock::default()
    });
    for session in sessions {
        let words = last_words(session).await;
        assert!(words.contains("lock targeting Role:\"drop\" is in force"));
    }
    pg.until("c-role-1", &User::absent()).await;
    pg.until("c-role-2", &User::absent()).await;
}

/// A client that took its leave and left a statement behind: PostgreSQL would carry it out, a lock does not let it.
#[tokio::test]
async fn a_lock_stops_what_a_client_left_running() {
    let pg = TestPg::shared();
    let (catalog, service) = in_front_of(TestCatalog::new(pg));
    let caller = Caller::auto("c-left");
    let (mut stream, _) = sleeping(pg, &service, &caller).await;
    stream.write_all(b"X\0\0\0\x04").await.expect("the leave");
    drop(stream);
    let begun = Instant::now();
    catalog.lock(locked("c-left"));
    pg.until("c-left", &User::locked()).await;
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_order_ends_the_sessions_it_picks() {
    let pg = TestPg::shared();
    let (_, service) = in_front_of(TestCatalog::new(pg));
    let picked = Caller::auto("c-order");
    let spared = Caller::auto("c-spared");
    let first = picked.connect(&service).await.expect("a session");
    let second = picked
        .at("second")
        .connect(&service)
        .await
        .expect("a session");
    let other = spared.connect(&service).await.expect("a session");
    assert_eq!(
        service.cut(|session| session.user == "c-order", "for maintenance"),
        2
    );
    for session in [first, second] {
        assert!(last_words(session).await.contains("FATAL: for maintenance"));
    }
    pg.until("c-order", &User::locked()).await;
    other
        .client
        .batch_execute("SELECT 1")
        .await
        .expect("spared");
    other.close().await;
    assert_eq!(service.cut(|_| true, "nobody is left"), 0);
}

/// Only when configured, by the cluster or by a role; the text is that of a recorded `client.disconnect`.
#[tokio::test]
async fn the_end_of_the_certificate_ends_the_session_where_that_is_configured() {
    let pg = TestPg::shared();
    let (_, plain) = in_front_of(TestCatalog::new(pg));
    let (_, strict) = in_front_of(TestCatalog::new(pg).with_limits(Limits::new(0, true)));
    let kept = Caller::auto("c-long").valid(2);
    let kept = kept.connect(&plain).await.expect("a session");
    for (service, caller, after) in [
        (&strict, Caller::auto("c-expired"), User::locked()),
        (
            &strict,
            Caller::auto("c-expired-2").with_role("drop"),
            User::absent(),
        ),
        (
            &plain,
            Caller::auto("c-expired-3").with_role("strict"),
            User::locked(),
        ),
    ] {
        let session = caller.clone().valid(2);
        let session = session.connect(service).await.expect("a session");
        let words = last_words(session).await;
        let (_, when) = words
            .split_once("FATAL: client certificate expired at ")
            .unwrap_or_else(|| panic!("{words}"));
        assert!(when.contains(" +0000 UTC"), "{words}");
        pg.until(&caller.user, &after).await;
    }
    kept.client
        .batch_execute("SELECT 1")
        .await
        .expect("it outlives its certificate");
    kept.close().await;
}

/// Only what the client sends counts: a statement that runs long is idleness too (db-service.md 1.8).
#[tokio::test]
async fn idle_clients_are_cut_where_that_is_configured() {
    let pg = TestPg::shared();
    let limit = Limits::new(1_500_000_000, false);
    let (_, service) = in_front_of(TestCatalog::new(pg).with_limits(limit));

    let silent = Caller::auto("c-silent");
    let silent = silent.connect(&service).await.expect("a session");
    let words = last_words(silent).await;
    assert!(
        words.contains("FATAL: Client reported no activity"),
        "{words}"
    );

    let talker = Caller::auto("c-talker");
    let talking = talker.connect(&service).await.expect("a session");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        talking
            .client
            .batch_execute("SELECT pg_sleep(0.2)")
            .await
            .expect("not idle");
    }
    let quiet = Instant::now();
    let words = last_words(talking).await;
    assert!(
        words.contains("FATAL: Client exceeded idle timeout of 1.5s"),
        "{words}"
    );
    assert!(quiet.elapsed() > Duration::from_secs(1));

    let (mut busy, _) = sleeping(pg, &service, &Caller::auto("c-sleeper")).await;
    let mut last = Vec::new();
    busy.read_to_end(&mut last).await.expect("the last message");
    let last = ErrorResponse::parse(Kind::Error, &last[5..]).expect("an ErrorResponse");
    assert_eq!(last.message(), "Client exceeded idle timeout of 1.5s");
    for user in ["c-silent", "c-talker", "c-sleeper"] {
        pg.until(user, &User::locked()).await;
    }
}
