//! Users whose service did not live to take them out of service, and servers that come back late.

use std::sync::Arc;
use std::time::Duration;

use super::super::testpg::{Caller, PATIENCE, TestCatalog, TestPg, User};
use super::super::{DbService, Limits};
use crate::cluster::store::Store;

/// A state file of its own.
struct State {
    dir: tempfile::TempDir,
}

impl State {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        Self { dir }
    }

    /// Opens the file as a process does; one that is killed never closes it.
    fn open(&self) -> Arc<Store> {
        Arc::new(Store::open(&self.dir.path().join("state.db")).expect("a store"))
    }

    fn users(&self) -> Vec<String> {
        let rows = self.open().journal().expect("a read");
        rows.into_iter().map(|row| row.user).collect()
    }
}

/// A service in a runtime of its own, which ends without a word as a killed process does: its sockets close, nothing
/// else happens.
struct Process {
    runtime: tokio::runtime::Runtime,
    service: Arc<DbService>,
}

impl Process {
    fn start(catalog: TestCatalog) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        Self {
            runtime,
            service: DbService::new(Arc::new(catalog)),
        }
    }

    /// Opens a session that stays open as long as the process.
    async fn session(&self, caller: Caller) {
        let service = Arc::clone(&self.service);
        let opened = self.runtime.spawn(async move {
            let session = caller.connect(&service).await.expect("a session");
            let session = std::mem::ManuallyDrop::new(session);
            session
                .client
                .batch_execute("SELECT 1")
                .await
                .expect("a statement");
        });
        opened.await.expect("no panic");
    }

    fn kill(self) {
        self.runtime.shutdown_background();
    }
}

#[tokio::test]
async fn a_killed_service_is_made_up_for_at_the_next_start() {
    let pg = TestPg::shared();
    let state = State::new();
    let process = Process::start(TestCatalog::new(pg).with_store(&state.open()));
    for (user, mode) in [
        ("r-keep", "auto"),
        ("r-drop", "drop"),
        ("R.Mixed@example.com", "auto"),
    ] {
        process.session(Caller::auto(user).with_role(mode)).await;
        process.session(Caller::auto(user).with_role(mode)).await;
    }
    let mut written = state.users();
    written.sort();
    assert_eq!(written, ["R.Mixed@example.com", "r-drop", "r-keep"]);
    process.kill();
    pg.until("r-keep", &User::serving(&["reader", "writer"], 0))
        .await;
    // The database document is gone; the journal has it.
    let catalog = TestCatalog::new(pg)
        .without_databases()
        .with_store(&state.open());
    let next = DbService::new(Arc::new(catalog));
    next.recover();
    pg.until("r-keep", &User::locked()).await;
    pg.until("R.Mixed@example.com", &User::locked()).await;
    pg.until("r-drop", &User::absent()).await;
    assert!(next.shutdown(PATIENCE).await);
    assert_eq!(state.users(), Vec::<String>::new());
}

#[tokio::test]
async fn a_session_leaves_no_row_behind() {
    let pg = TestPg::shared();
    let state = State::new();
    let service = DbService::new(Arc::new(TestCatalog::new(pg).with_store(&state.open())));
    let caller = Caller::auto("r-clean");
    let session = caller.connect(&service).await.expect("a session");
    assert_eq!(state.users(), ["r-clean"]);
    session.close().await;
    pg.until("r-clean", &User::locked()).await;
    // Refused before anything was changed: nothing to make up for either.
    for caller in [
        Caller::auto("r-missing").allowed(&["no-such-role"]),
        Caller::auto("r-dead").at("dead"),
        Caller::auto("r-weak").at("weak-admin"),
    ] {
        caller.refused(&service).await;
    }
    assert!(service.shutdown(PATIENCE).await);
    assert_eq!(state.users(), Vec::<String>::new());
}

/// The server is away at the start of the next process and comes back later.
#[tokio::test]
async fn a_server_that_is_away_at_the_start_is_waited_for() {
    let mut pg = TestPg::start("away").await;
    let state = State::new();
    let process = Process::start(TestCatalog::new(&pg).with_store(&state.open()));
    process.session(Caller::auto("r-away")).await;
    process.kill();
    pg.until("r-away", &User::serving(&["reader", "writer"], 0))
        .await;
    pg.stop().await;
    let catalog = Arc::new(
        TestCatalog::new(&pg)
            .without_databases()
            .with_store(&state.open()),
    );
    let next = DbService::new(catalog.clone());
    next.recover();
    let told = async {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let lines = catalog.warnings.lock().expect("not poisoned").clone();
            if let Some(line) = lines.first() {
                return line.clone();
            }
            assert!(tokio::time::Instant::now() < deadline, "nobody was told");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let told = told.await;
    assert!(
        told.contains("database user \"r-away\" of orders on localhost:")
            && told.contains("still enabled, trying again until it is not: "),
        "{told}"
    );
    pg.start_again().await;
    pg.until("r-away", &User::locked()).await;
    assert!(next.shutdown(PATIENCE).await);
    assert_eq!(state.users(), Vec::<String>::new());
    let last = catalog
        .warnings
        .lock()
        .expect("not poisoned")
        .last()
        .cloned();
    assert!(last.is_some_and(|line| line.ends_with("is out of service now")));
    pg.discard().await;
}

/// A stop while the server is away does not wait for it; the journal keeps the user for the next start.
#[tokio::test]
async fn a_stop_while_a_server_is_away_leaves_it_to_the_next_start() {
    let mut pg = TestPg::start("stopped").await;
    let state = State::new();
    let service = DbService::new(Arc::new(TestCatalog::new(&pg).with_store(&state.open())));
    let session = Caller::auto("r-stop").connect(&service).await;
    let session = session.expect("a session");
    pg.stop().await;
    session.ended().await.expect_err("an error");
    assert!(service.shutdown(PATIENCE).await, "it gives up in time");
    assert_eq!(state.users(), ["r-stop"]);
    pg.start_again().await;
    assert!(pg.user("r-stop").await.can_login);
    let next = DbService::new(Arc::new(TestCatalog::new(&pg).with_store(&state.open())));
    next.recover();
    pg.until("r-stop", &User::locked()).await;
    assert!(next.shutdown(PATIENCE).await);
    pg.discard().await;
}

/// A lock, an expiry and an idle client while PostgreSQL restarts: the user is out of service when it is back.
#[tokio::test]
async fn a_restart_of_postgresql_in_the_middle_of_it_all() {
    let mut pg = TestPg::start("middle").await;
    let limits = Limits::new(1_000_000_000, false);
    let catalog = TestCatalog::new(&pg).with_limits(limits);
    let service = DbService::new(Arc::new(catalog));
    let session = Caller::auto("r-middle").connect(&service).await;
    let session = session.expect("a session");
    let killed = Caller::auto("r-killed").connect(&service).await;
    let killed = killed.expect("a session");
    pg.stop().await;
    killed.kill().await;
    session.ended().await.expect_err("an error");
    pg.start_again().await;
    pg.until("r-middle", &User::locked()).await;
    pg.until("r-killed", &User::locked()).await;
    assert!(service.shutdown(PATIENCE).await);
    pg.discard().await;
}
