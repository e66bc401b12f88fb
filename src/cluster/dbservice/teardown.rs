//! Automatic users after their last session, and what a crash left behind.
//!
//! Nothing here hangs on a client: a teardown runs to its end, with a bounded number of tries, whatever way the session
//! ended; a stop of the cluster waits for it.

use std::sync::Arc;
use std::time::Duration;

use super::DbService;
use super::connect_error::ConnectError;
use super::journal::Intent;
use super::key::UserKey;
use super::provision::{self, Admin, Outcome};
use super::tls::Upstream;
use crate::cluster::audit::SessionLog;
use crate::quote::quote;
use crate::rbac::{AdminUser, CreateUserMode, Database, DatabaseKind};

/// Pauses between tries: a backend that ends slowly, a server that restarts. Later ones are [`PAUSE`] long.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(60),
];
/// The longest pause.
const PAUSE: Duration = Duration::from_secs(120);
/// Failures after which whoever runs the cluster is told, once.
const TOLD_AFTER: usize = 4;
/// Pause while the cluster stops, and how many tries are made then: the journal has the user.
const STOP_PAUSE: Duration = Duration::from_millis(250);
const STOP_TRIES: usize = 20;
/// How long another change to the same user may take.
const LOCK_LIMIT: Duration = Duration::from_secs(60);

/// A user that is to be taken out of service when nobody uses it.
pub(super) struct Teardown {
    pub(super) service: Arc<DbService>,
    /// Where the session was; looked up again when that does not answer.
    pub(super) upstream: Option<Arc<Upstream>>,
    /// What is done, and with whose help.
    pub(super) intent: Arc<Intent>,
    /// The user, as the journal knows it.
    pub(super) key: UserKey,
    /// Record of the session that ended, if there is one.
    pub(super) log: Option<Arc<SessionLog>>,
    /// Whether its sessions were those of a process that is no more.
    pub(super) orphaned: bool,
}

impl Teardown {
    /// Tries until the user is out of service, or in use by a session that will see to it. While the cluster stops, a
    /// number of tries is all there is; the next start goes on.
    pub(super) async fn run(mut self) {
        let (mut failed, mut late, mut told) = (0, 0, false);
        loop {
            let Err(why) = self.once().await else {
                if told {
                    self.warn("is out of service now");
                }
                return;
            };
            failed += 1;
            if !told && failed >= TOLD_AFTER {
                told = true;
                self.warn(&format!(
                    "still enabled, trying again until it is not: {why}"
                ));
                self.record(false, Some(why.clone()));
            }
            let pause = PAUSES.get(failed - 1).copied().unwrap_or(PAUSE);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.service.stopping() => {
                    late += 1;
                    if late > STOP_TRIES {
                        self.warn(&format!("still enabled, the next start of the cluster sees to it: {why}"));
                        return;
                    }
                    tokio::time::sleep(STOP_PAUSE).await;
                }
            }
        }
    }

    /// One try; an error says why another one is needed.
    async fn once(&mut self) -> Result<(), String> {
        let upstream = match self.upstream.take() {
            Some(upstream) => upstream,
            None => self.resolve().await.map_err(|error| error.to_string())?,
        };
        // The name of the server may lead elsewhere than when the session began.
        let key = upstream.key(&self.key.user);
        let sessions = &self.service.sessions;
        let _lock = sessions
            .lock(&key, LOCK_LIMIT)
            .await
            .ok_or("its provisioning lock stays taken")?;
        // In use again, or done by another session that ended at the same time.
        if !sessions.of(&key).is_empty() || !self.service.journal.holds(&self.key) {
            return Ok(());
        }
        let Intent { admin, mode, .. } = &*self.intent;
        let admin = Admin::new(admin, "postgres", &self.service.pools);
        Box::pin(self.change(&upstream, &admin, *mode)).await?;
        // Kept in the journal it would only be done again.
        if let Err(error) = self.service.journal.done(&self.key).await {
            self.warn(&format!(
                "is out of service, but stays in the journal: {error}"
            ));
        }
        Ok(())
    }

    async fn resolve(&self) -> Result<Arc<Upstream>, ConnectError> {
        let now = self.service.catalog.now();
        Upstream::resolve(&self.service, self.intent.database.clone(), now)
            .await
            .map(Arc::new)
    }

    async fn change(
        &self,
        upstream: &Upstream,
        admin: &Admin,
        mode: CreateUserMode,
    ) -> Result<(), String> {
        match provision::deactivate(upstream, admin, &self.key.user, mode).await {
            Ok(Outcome::Active(pids)) => {
                if self.orphaned {
                    // Nobody is at the other end of them any more. An admin that may not do this has to wait.
                    for pid in &pids {
                        let _ = provision::terminate(upstream, admin, *pid).await;
                    }
                }
                Err(format!("backends {pids:?} are still running"))
            }
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
            Err(error) => Err(match error.hint() {
                Some(hint) => format!("{error} ({hint})"),
                None => error.to_string(),
            }),
        }
    }

    fn record(&self, dropped: bool, error: Option<String>) {
        if let Some(log) = &self.log {
            log.deactivated(dropped, error);
        }
    }

    fn warn(&self, what: &str) {
        let user = quote(&self.key.user);
        let Database { uri, name, .. } = &self.intent.database;
        self.service
            .catalog
            .warn(&format!("database user {user} of {name} on {uri} {what}"));
    }
}

/// Goes on where an earlier process ended: what its journal holds is taken out of service, each user by itself and in the
/// background, however long its server is away.
pub(super) fn recover(service: &Arc<DbService>) {
    let left = match service.journal.left() {
        Ok(left) => left,
        Err(error) => {
            service.catalog.warn(&format!(
                "the journal of database users cannot be read: {error}"
            ));
            return;
        }
    };
    for (key, intent) in left {
        match intent {
            Ok(intent) => {
                let teardown = Teardown {
                    service: Arc::clone(service),
                    upstream: None,
                    intent: Arc::new(intent),
                    key,
                    log: None,
                    orphaned: true,
                };
                service.spawn(teardown.run());
            }
            Err(error) => service.catalog.warn(&format!(
                "the journal's row of database user {} on {}:{} cannot be read, see to the user yourself: {error}",
                quote(&key.user),
                key.host,
                key.port
            )),
        }
    }
}

/// Takes every managed user out of service that may log in and is not connected, on each server once. Cloud databases are
/// looked at in the background: AWS may take its time.
pub(super) async fn sweep(service: &Arc<DbService>) {
    let databases = service.catalog.databases().into_iter();
    let (own, cloud): (Vec<Database>, Vec<Database>) = databases
        .filter(|database| is_served(service, database))
        .partition(|database| database.kind() == DatabaseKind::SelfHosted);
    if !cloud.is_empty() {
        let service_too = Arc::clone(service);
        service.spawn(async move {
            tokio::select! {
                () = sweep_all(&service_too, cloud) => {}
                () = service_too.stopping() => {}
            }
        });
    }
    sweep_all(service, own).await;
}

async fn sweep_all(service: &Arc<DbService>, databases: Vec<Database>) {
    let mut seen = Vec::new();
    for database in databases {
        let Some(admin) = database.admin() else {
            continue;
        };
        let name = database.name.clone();
        if let Err(error) = Box::pin(sweep_one(service, database, &admin, &mut seen)).await {
            service.catalog.warn(&format!(
                "database {}: leftover users not looked for: {error}",
                quote(&name)
            ));
        }
    }
}

async fn sweep_one(
    service: &Arc<DbService>,
    database: Database,
    admin: &AdminUser,
    seen: &mut Vec<UserKey>,
) -> Result<(), String> {
    let resource = database.clone();
    let now = service.catalog.now();
    let upstream = Upstream::resolve(service, database, now)
        .await
        .map_err(|error| error.to_string())?;
    let server = upstream.key(&admin.name);
    if seen.contains(&server) {
        return Ok(());
    }
    seen.push(server);
    let upstream = Arc::new(upstream);
    let intent = Arc::new(Intent {
        database: resource,
        admin: admin.clone(),
        mode: CreateUserMode::Keep,
    });
    // A database that is always there.
    let always = if upstream.is_redshift() {
        "dev"
    } else {
        "postgres"
    };
    let admin = Admin::new(admin, always, &service.pools);
    let users = provision::leftovers(&upstream, &admin)
        .await
        .map_err(|error| error.to_string())?;
    for user in users {
        retire(service, &upstream, &intent, &user).await;
    }
    Ok(())
}

/// Takes one leftover user out of service: at once if that works, else in the background.
async fn retire(
    service: &Arc<DbService>,
    upstream: &Arc<Upstream>,
    intent: &Arc<Intent>,
    user: &str,
) {
    let key = upstream.key(user);
    let mut teardown = Teardown {
        service: Arc::clone(service),
        upstream: Some(Arc::clone(upstream)),
        intent: Arc::clone(intent),
        key: key.clone(),
        log: None,
        orphaned: false,
    };
    {
        let Some(_lock) = service.sessions.lock(&key, LOCK_LIMIT).await else {
            return teardown.warn("still enabled: its provisioning lock stays taken");
        };
        // Put into service since it was found, or seen to already.
        if service.journal.holds(&key) {
            return;
        }
        let now = service.catalog.now();
        if let Err(error) = service.journal.intend(&key, intent, now).await {
            return teardown.warn(&format!("still enabled: {error}"));
        }
    }
    if teardown.once().await.is_err() {
        service.spawn(teardown.run());
    }
}

/// Whether the service itself makes users in this database. A cloud database is served when somebody has its passwords.
fn is_served(service: &DbService, database: &Database) -> bool {
    database.protocol == "postgres"
        && database.supports_auto_users()
        && (database.kind() == DatabaseKind::SelfHosted || service.catalog.passwords().is_some())
}
