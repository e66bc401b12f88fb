//! The sessions that are open now, and the lock that serialises provisioning of one database user.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use tokio::sync::{OwnedMutexGuard, watch};

use super::key::UserKey;
use super::monitor::Reason;
use super::tls::Upstream;
use crate::pg::CancelRequest;

/// One open session, as told in hints and listings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSession {
    /// Teleport user.
    pub user: String,
    /// Name of the database resource.
    pub database: String,
    /// Database user.
    pub db_user: String,
    /// The database user was made for its sessions.
    pub automatic: bool,
    /// Database roles, sorted; empty for a user that is not automatic.
    pub roles: Vec<String>,
    /// Process id of the PostgreSQL backend, 0 before it is known.
    pub pid: u32,
    /// Start, unix seconds.
    pub since: i64,
    /// Where the client's connection comes from.
    pub peer: SocketAddr,
    /// The client has gone, the backend has not yet.
    pub ending: bool,
}

/// Table of the open sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    table: Mutex<Table>,
    changed: watch::Sender<()>,
    locks: Mutex<HashMap<UserKey, Weak<tokio::sync::Mutex<()>>>>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    open: HashMap<u64, Row>,
}

#[derive(Debug)]
struct Row {
    key: UserKey,
    session: LiveSession,
    orders: watch::Sender<Option<Reason>>,
    backend: Option<Backend>,
}

/// How a statement of a session is cancelled.
#[derive(Clone)]
pub(super) struct Backend {
    /// The backend's process id and key.
    pub(super) key: CancelRequest,
    /// The server it runs on.
    pub(super) upstream: Arc<Upstream>,
    /// The database user.
    pub(super) user: String,
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Backend({})", self.key.pid)
    }
}

impl Sessions {
    /// Enters a session; it stays until the entry is dropped.
    pub(super) fn enter(self: &Arc<Self>, key: UserKey, session: LiveSession) -> Entry {
        let mut table = self.table();
        let id = table.next;
        table.next += 1;
        let row = Row {
            key,
            session,
            orders: watch::Sender::new(None),
            backend: None,
        };
        table.open.insert(id, row);
        Entry {
            sessions: Arc::clone(self),
            id,
        }
    }

    /// Every open session, the oldest first.
    pub(super) fn all(&self) -> Vec<LiveSession> {
        let table = self.table();
        let mut ids: Vec<_> = table.open.keys().copied().collect();
        ids.sort_unstable();
        ids.into_iter()
            .map(|id| table.open[&id].session.clone())
            .collect()
    }

    /// The open sessions of one automatic user, the oldest first.
    pub(super) fn of(&self, key: &UserKey) -> Vec<LiveSession> {
        let table = self.table();
        let mut found: Vec<_> = table
            .open
            .iter()
            .filter(|(_, row)| row.session.automatic && row.key == *key)
            .collect();
        found.sort_unstable_by_key(|(id, _)| **id);
        found
            .into_iter()
            .map(|(_, row)| row.session.clone())
            .collect()
    }

    /// Orders the end of every session that `which` picks; gives their number.
    pub(super) fn cut(&self, which: impl Fn(&LiveSession) -> bool, reason: &Reason) -> usize {
        let table = self.table();
        let mut cut = 0;
        for row in table.open.values() {
            if !row.session.ending && which(&row.session) {
                row.orders.send_replace(Some(reason.clone()));
                cut += 1;
            }
        }
        cut
    }

    /// The open session whose backend has this process id and key.
    pub(super) fn backend(&self, key: &CancelRequest) -> Option<Backend> {
        let table = self.table();
        let mut backends = table.open.values().filter_map(|row| row.backend.as_ref());
        backends.find(|backend| backend.key == *key).cloned()
    }

    /// How many sessions are open.
    pub(super) fn len(&self) -> usize {
        self.table().open.len()
    }

    /// Waits until no session of the user is ending any more, at most `limit`. Says whether one was.
    pub(super) async fn settled(&self, key: &UserKey, limit: Duration) -> bool {
        let mut changed = self.changed.subscribe();
        let ending = || self.of(key).iter().any(|session| session.ending);
        if !ending() {
            return false;
        }
        let gone = async { while ending() && changed.changed().await.is_ok() {} };
        // Out of time is no error: whoever asked looks at the database next, and that is the truth.
        let _ = tokio::time::timeout(limit, gone).await;
        true
    }

    /// Waits until no session of the user with other roles than `roles` is between its activation and its login, when the
    /// database does not know it yet; at most `limit`.
    pub(super) async fn arrived(&self, key: &UserKey, roles: &[String], limit: Duration) {
        let mut changed = self.changed.subscribe();
        let arriving = || {
            let mut sessions = self.of(key).into_iter();
            sessions.any(|session| session.pid == 0 && !session.ending && session.roles != roles)
        };
        let arrived = async { while arriving() && changed.changed().await.is_ok() {} };
        // As above.
        let _ = tokio::time::timeout(limit, arrived).await;
    }

    /// Takes the provisioning lock of one database user; `None` when it stays taken for `limit`.
    pub(super) async fn lock(&self, key: &UserKey, limit: Duration) -> Option<OwnedMutexGuard<()>> {
        let lock = {
            let mut locks = self
                .locks
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            locks.retain(|_, lock| lock.strong_count() > 0);
            if let Some(lock) = locks.get(key).and_then(Weak::upgrade) {
                lock
            } else {
                let lock = Arc::new(tokio::sync::Mutex::new(()));
                locks.insert(key.clone(), Arc::downgrade(&lock));
                lock
            }
        };
        tokio::time::timeout(limit, lock.lock_owned()).await.ok()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // A panic elsewhere cannot leave the table half changed: every change is one call.
        self.table
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A session's place in the table.
#[derive(Debug)]
pub(super) struct Entry {
    sessions: Arc<Sessions>,
    id: u64,
}

impl Entry {
    /// Hears when this session is to end.
    pub(super) fn orders(&self) -> watch::Receiver<Option<Reason>> {
        let table = self.sessions.table();
        let row = table.open.get(&self.id);
        // The row is there as long as the entry.
        row.map_or_else(|| watch::channel(None).1, |row| row.orders.subscribe())
    }

    /// Notes which backend serves the session.
    pub(super) fn connected(&self, backend: Backend) {
        if let Some(row) = self.sessions.table().open.get_mut(&self.id) {
            row.session.pid = backend.key.pid;
            row.backend = Some(backend);
        }
        self.sessions.changed.send_replace(());
    }

    /// Notes that the client has gone.
    pub(super) fn ending(&self) {
        self.change(|session| session.ending = true);
    }

    fn change(&self, change: impl FnOnce(&mut LiveSession)) {
        if let Some(row) = self.sessions.table().open.get_mut(&self.id) {
            change(&mut row.session);
        }
        self.sessions.changed.send_replace(());
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.sessions.table().open.remove(&self.id);
        self.sessions.changed.send_replace(());
    }
}

/// Says which sessions are open and how to get along with them; `None` when there are none.
pub(super) fn describe(sessions: &[LiveSession]) -> Option<String> {
    let roles = sessions.first()?.roles.join(",");
    let each: Vec<String> = sessions
        .iter()
        .map(|session| {
            let since = time::OffsetDateTime::from_unix_timestamp(session.since)
                .ok()
                .and_then(|since| {
                    since
                        .format(&time::format_description::well_known::Rfc3339)
                        .ok()
                })
                .unwrap_or_default();
            format!(
                "backend {} on {} since {since} from {} with roles [{}]",
                session.pid,
                session.database,
                session.peer,
                session.roles.join(", ")
            )
        })
        .collect();
    let again = if roles.is_empty() {
        String::new()
    } else {
        format!(", or connect with `--db-roles {roles}`")
    };
    Some(format!("open: {}. Close them{again}", each.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(database: &str, automatic: bool) -> LiveSession {
        LiveSession {
            user: "alice".into(),
            database: database.into(),
            db_user: "alice".into(),
            automatic,
            roles: vec!["reader".into(), "writer".into()],
            pid: 0,
            since: 1_763_900_000,
            peer: ([127, 0, 0, 1], 4000).into(),
            ending: false,
        }
    }

    fn key() -> UserKey {
        UserKey {
            host: "loopback".into(),
            port: 5432,
            user: "alice".into(),
        }
    }

    #[tokio::test]
    async fn a_session_is_listed_until_its_entry_is_dropped() {
        let sessions = Arc::new(Sessions::default());
        let first = sessions.enter(key(), session("orders", true));
        let second = sessions.enter(key(), session("plain", false));
        first.change(|session| session.pid = 42);
        assert_eq!(
            sessions
                .all()
                .iter()
                .map(|s| (s.database.as_str(), s.pid))
                .collect::<Vec<_>>(),
            [("orders", 42), ("plain", 0)]
        );
        assert_eq!(
            sessions.of(&key()).len(),
            1,
            "only automatic ones count for the user"
        );
        drop(first);
        assert_eq!(sessions.of(&key()), []);
        drop(second);
        assert_eq!(sessions.all(), []);
    }

    #[tokio::test]
    async fn ending_sessions_are_waited_for() {
        let sessions = Arc::new(Sessions::default());
        let limit = Duration::from_secs(60);
        assert!(!sessions.settled(&key(), limit).await);
        let entry = sessions.enter(key(), session("orders", true));
        assert!(
            !sessions.settled(&key(), limit).await,
            "an open session is not ending"
        );
        entry.ending();
        let key = key();
        let (settled, ()) = tokio::join!(sessions.settled(&key, limit), async { drop(entry) });
        assert!(settled);
        assert_eq!(sessions.of(&key), []);
    }

    #[tokio::test]
    async fn arriving_sessions_with_other_roles_are_waited_for() {
        let sessions = Arc::new(Sessions::default());
        let limit = Duration::from_secs(60);
        let (same, other) = (["reader".into(), "writer".into()], ["reader".into()]);
        let entry = sessions.enter(key(), session("orders", true));
        sessions.arrived(&key(), &same, limit).await;
        let key = key();
        tokio::join!(sessions.arrived(&key, &other, limit), async {
            tokio::task::yield_now().await;
            entry.change(|session| session.pid = 42);
        });
        assert_eq!(sessions.of(&key).len(), 1);
        let second = sessions.enter(key.clone(), session("orders", true));
        tokio::join!(sessions.arrived(&key, &other, limit), async {
            tokio::task::yield_now().await;
            drop(second);
        });
    }

    #[tokio::test(start_paused = true)]
    async fn the_lock_of_a_user_is_exclusive_and_forgotten_when_free() {
        let sessions = Sessions::default();
        let held = sessions.lock(&key(), Duration::ZERO).await;
        assert!(held.is_some());
        assert!(
            sessions
                .lock(&key(), Duration::from_secs(60))
                .await
                .is_none()
        );
        let other = UserKey {
            user: "bob".into(),
            ..key()
        };
        assert!(sessions.lock(&other, Duration::ZERO).await.is_some());
        drop(held);
        assert!(sessions.lock(&key(), Duration::ZERO).await.is_some());
        drop(sessions.lock(&other, Duration::ZERO).await);
        assert_eq!(sessions.locks.lock().expect("not poisoned").len(), 1);
    }

    /// Who waits for a user's lock is woken, not left to look again later: connections of one user follow each other at once.
    #[tokio::test(start_paused = true)]
    async fn a_free_lock_is_taken_without_a_pause() {
        let sessions = Sessions::default();
        let limit = Duration::from_secs(60);
        let begun = tokio::time::Instant::now();
        let key = key();
        let one = async { drop(sessions.lock(&key, limit).await.expect("its turn")) };
        let held = sessions.lock(&key, limit).await.expect("a free lock");
        let twenty = futures_util::future::join_all((0..20).map(|_| async {
            let lock = sessions.lock(&key, limit).await.expect("its turn");
            tokio::task::yield_now().await;
            drop(lock);
        }));
        tokio::join!(one, twenty, async {
            tokio::task::yield_now().await;
            drop(held);
        });
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[test]
    fn a_hint_names_the_sessions_and_the_way_in() {
        assert_eq!(describe(&[]), None);
        let mut open = session("orders", true);
        open.pid = 42;
        assert_eq!(
            describe(&[open]).as_deref(),
            Some(
                "open: backend 42 on orders since 2025-11-23T12:13:20Z from 127.0.0.1:4000 with roles [reader, \
                 writer]. Close them, or connect with `--db-roles reader,writer`"
            )
        );
    }
}
