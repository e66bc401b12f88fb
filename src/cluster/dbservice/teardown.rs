//! Automatic users after their last session, and what a crash left behind.
//!
//! Nothing here hangs on a client: a teardown runs to its end, with a bounded number of tries, whatever way the session
//! ended; a stop of the cluster waits for it.

use std::sync::Arc;
use std::time::Duration;

use super::DbService;
use super::provision::{self, Admin, Outcome};
use super::sessions::UserKey;
use super::tls::Upstream;
use crate::cluster::audit::SessionLog;
use crate::quote::quote;
use crate::rbac::{CreateUserMode, Database, DatabaseKind};

/// Pauses between tries: a backend that ends slowly, a server that restarts. The doubling of db-service.md 3.14's 1, 5,
/// 30 s goes on to some minutes.
const PAUSES: [Duration; 7] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(120),
];
/// Longest pause while the cluster stops.
const STOP_PAUSE: Duration = Duration::from_millis(250);
/// How long another change to the same user may take.
const LOCK_LIMIT: Duration = Duration::from_secs(60);

/// A user that is to be taken out of service when nobody uses it.
pub(super) struct Teardown {
    pub(super) service: Arc<DbService>,
    pub(super) upstream: Arc<Upstream>,
    pub(super) admin: Admin,
    pub(super) key: UserKey,
    /// What happens to the user, as decided when the session began.
    pub(super) mode: CreateUserMode,
    /// Record of the session that ended, if there is one.
    pub(super) log: Option<Arc<SessionLog>>,
}

impl Teardown {
    /// Tries until the user is out of service, or in use by a session that will see to it, or the tries are used up: then
    /// whoever runs the cluster is told.
    pub(super) async fn run(self) {
        let mut pauses = PAUSES.into_iter();
        loop {
            let Err(why) = self.once().await else { return };
            let Some(pause) = pauses.next() else {
                self.warn(&format!("still enabled: {why}"));
                self.record(false, Some(why));
                return;
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.service.stopping() => tokio::time::sleep(pause.min(STOP_PAUSE)).await,
            }
        }
    }

    /// One try; an error says why another one is needed.
    async fn once(&self) -> Result<(), String> {
        let sessions = &self.service.sessions;
        let _lock = sessions
            .lock(&self.key, LOCK_LIMIT)
            .await
            .ok_or("its provisioning lock stays taken")?;
        if !sessions.of(&self.key).is_empty() {
            return Ok(());
        }
        match provision::deactivate(&self.upstream, &self.admin, &self.key.user, self.mode).await {
            Ok(Outcome::Active(pids)) => Err(format!("backends {pids:?} are still running")),
            Ok(Outcome::Locked { kept }) if !kept.is_empty() => {
                let what = format!(
                    "may not log in any more, but keeps the roles {kept:?}: somebody else granted them"
                );
                self.warn(&what);
                self.record(false, Some(what));
                Ok(())
            }
            Ok(Outcome::Locked { .. }) => {
                self.record(false, None);
                Ok(())
            }
            Ok(Outcome::Dropped) => {
                self.record(true, None);
                Ok(())
            }
            Ok(Outcome::NotOurs) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn record(&self, dropped: bool, error: Option<String>) {
        if let Some(log) = &self.log {
            log.deactivated(dropped, error);
        }
    }

    fn warn(&self, what: &str) {
        let Self { key, upstream, .. } = self;
        let user = quote(&key.user);
        self.service.catalog.warn(&format!(
            "database user {user} on {}:{} {what}",
            upstream.host, key.port
        ));
    }
}

/// Takes every managed user out of service that may log in and is not connected, on each server once.
pub(super) async fn sweep(service: &Arc<DbService>) {
    let mut seen = Vec::new();
    for database in service.catalog.databases() {
        let Some(admin) = database.admin().filter(|_| is_served(&database)) else {
            continue;
        };
        let name = database.name.clone();
        let not_after = service.catalog.now();
        let upstream =
            match Upstream::resolve(Arc::clone(&service.catalog), database, not_after).await {
                Ok(upstream) => Arc::new(upstream),
                Err(error) => {
                    service.catalog.warn(&format!(
                        "database {}: leftover users not looked for: {error}",
                        quote(&name)
                    ));
                    continue;
                }
            };
        let server = upstream.key(&admin.name);
        if seen.contains(&server) {
            continue;
        }
        seen.push(server);
        let admin = Admin::new(&admin, "postgres");
        match provision::leftovers(&upstream, &admin).await {
            Ok(users) => {
                for user in users {
                    let teardown = Teardown {
                        service: Arc::clone(service),
                        upstream: Arc::clone(&upstream),
                        admin: admin.clone(),
                        key: upstream.key(&user),
                        mode: CreateUserMode::Keep,
                        log: None,
                    };
                    if let Err(why) = teardown.once().await {
                        teardown.warn(&format!("still enabled: {why}"));
                    }
                }
            }
            Err(error) => {
                service.catalog.warn(&format!(
                    "database {}: leftover users not looked for: {error}",
                    quote(&name)
                ));
            }
        }
    }
}

/// Whether the service itself makes users in this database.
fn is_served(database: &Database) -> bool {
    database.protocol == "postgres" && database.kind() == DatabaseKind::SelfHosted
}
