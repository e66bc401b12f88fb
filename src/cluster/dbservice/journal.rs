//! Which automatic users are in service, written down before they are.
//!
//! The row of a user is in the state file before anything is changed in the database, and is removed when the user is out
//! of service again. What a process that died left enabled is thus known at the next start, with everything that is
//! needed to mend it: the database document as it was, so that it may be gone by then, the admin, the mode. Several
//! sessions of one user share a row; only a row that says something new is written.
//!
//! The file is written in SQLite's WAL mode with `synchronous = NORMAL`: a write is in the system's hands when it
//! returns, so that a process killed at any moment loses nothing, and costs some ten microseconds instead of the
//! milliseconds of an fsync. A machine that loses power may lose the last rows; then the search for leftovers at the next
//! start finds the users by their membership in `teleport-auto-user`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::key::UserKey;
use crate::cluster::store::{JournalRow, Store, StoreError};
use crate::rbac::{AdminUser, CreateUserMode, Database};

/// What is needed to take a user out of service.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Intent {
    /// The database resource as it was when the user was made.
    pub(super) database: Database,
    /// Who made it, and the database that one logs in to.
    pub(super) admin: AdminUser,
    /// What happens to it.
    pub(super) mode: CreateUserMode,
}

#[derive(Serialize, Deserialize)]
struct Written {
    database: Value,
    admin: String,
    admin_database: String,
    drop: bool,
}

impl Intent {
    fn to_json(&self) -> String {
        let written = Written {
            database: serde_json::to_value(self.database.to_document()).unwrap_or_default(),
            admin: self.admin.name.clone(),
            admin_database: self.admin.default_database.clone(),
            drop: self.mode == CreateUserMode::BestEffortDrop,
        };
        serde_json::to_string(&written).unwrap_or_default()
    }

    fn from_json(text: &str) -> Result<Self, String> {
        let written: Written = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok(Self {
            database: Database::from_document(&written.database)
                .map_err(|error| error.to_string())?,
            admin: AdminUser {
                name: written.admin,
                default_database: written.admin_database,
            },
            mode: if written.drop {
                CreateUserMode::BestEffortDrop
            } else {
                CreateUserMode::Keep
            },
        })
    }
}

/// What was written about a user before.
#[derive(Debug)]
pub(super) struct Before(Option<String>);

/// The rows, and what is in the file.
#[derive(Debug, Default)]
pub(super) struct Journal {
    store: Option<Arc<Store>>,
    written: Mutex<HashMap<UserKey, String>>,
}

/// A row that an earlier process left, or why it says nothing.
pub(super) type Left = (UserKey, Result<Intent, String>);

impl Journal {
    /// A journal in `store`; without one it is lost with the process.
    pub(super) fn new(store: Option<Arc<Store>>) -> Self {
        Self {
            store,
            written: Mutex::default(),
        }
    }

    /// Reads what an earlier process left. Called once, before the first session.
    pub(super) fn left(&self) -> Result<Vec<Left>, StoreError> {
        let Some(store) = &self.store else {
            return Ok(Vec::new());
        };
        let rows = store.journal()?;
        let mut written = self.written();
        let left = rows.into_iter().map(|row| {
            let JournalRow {
                host,
                port,
                user,
                entry,
                ..
            } = row;
            let key = UserKey { host, port, user };
            let intent = Intent::from_json(&entry);
            written.insert(key.clone(), entry);
            (key, intent)
        });
        Ok(left.collect())
    }

    /// Writes down that the user is about to be put into service; done when that is safe from the end of the process.
    /// Gives what was written before, for [`Journal::undo`]. The caller holds the user's lock.
    pub(super) async fn intend(
        &self,
        key: &UserKey,
        intent: &Intent,
        now: i64,
    ) -> Result<Before, StoreError> {
        let entry = intent.to_json();
        let before = self.written().get(key).cloned();
        if before.as_ref() != Some(&entry) {
            self.write(key, entry, now).await?;
        }
        Ok(Before(before))
    }

    /// Nothing was changed in the database: puts back what was written before. The caller still holds the user's lock.
    pub(super) async fn undo(
        &self,
        key: &UserKey,
        before: Before,
        now: i64,
    ) -> Result<(), StoreError> {
        match before.0 {
            Some(entry) if self.written().get(key) == Some(&entry) => Ok(()),
            Some(entry) => self.write(key, entry, now).await,
            None => self.done(key).await,
        }
    }

    /// Whether the user is written down: in service, or not known to be out of it.
    pub(super) fn holds(&self, key: &UserKey) -> bool {
        self.written().contains_key(key)
    }

    /// Forgets the user: it is out of service. The caller holds the user's lock.
    pub(super) async fn done(&self, key: &UserKey) -> Result<(), StoreError> {
        if !self.holds(key) {
            return Ok(());
        }
        if let Some(store) = &self.store {
            let (store, gone) = (Arc::clone(store), key.clone());
            blocking(move || store.journal_remove(&gone.host, gone.port, &gone.user)).await?;
        }
        self.written().remove(key);
        Ok(())
    }

    async fn write(&self, key: &UserKey, entry: String, now: i64) -> Result<(), StoreError> {
        if let Some(store) = &self.store {
            let row = JournalRow {
                host: key.host.clone(),
                port: key.port,
                user: key.user.clone(),
                entry: entry.clone(),
                since: now,
            };
            let store = Arc::clone(store);
            blocking(move || store.journal_put(&row)).await?;
        }
        self.written().insert(key.clone(), entry);
        Ok(())
    }

    fn written(&self) -> MutexGuard<'_, HashMap<UserKey, String>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Another process that writes the file may be waited for: not on a thread that serves connections.
async fn blocking(
    work: impl FnOnce() -> Result<(), StoreError> + Send + 'static,
) -> Result<(), StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(user: &str) -> UserKey {
        UserKey {
            host: "loopback".into(),
            port: 5432,
            user: user.into(),
        }
    }

    fn intent(mode: CreateUserMode) -> Intent {
        let document = serde_json::json!({
            "kind": "db", "version": "v3", "metadata": {"name": "orders", "labels": {"env": "dev"}},
            "spec": {"protocol": "postgres", "uri": "localhost:5432", "tls": {"mode": "verify-ca", "ca_cert": "x"},
                     "admin_user": {"name": "teleport-admin"}}
        });
        Intent {
            database: Database::from_document(&document).expect("a database"),
            admin: AdminUser {
                name: "teleport-admin".into(),
                default_database: "postgres".into(),
            },
            mode,
        }
    }

    #[tokio::test]
    async fn what_was_intended_and_not_done_is_there_at_the_next_start() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state.db");
        let open = || Journal::new(Some(Arc::new(Store::open(&path).expect("a store"))));
        let journal = open();
        assert_eq!(journal.left().expect("a read"), []);
        let (keep, drop) = (
            intent(CreateUserMode::Keep),
            intent(CreateUserMode::BestEffortDrop),
        );
        for (user, intent) in [("alice", &keep), ("bob", &keep), ("alice@x.y", &drop)] {
            journal
                .intend(&key(user), intent, 1)
                .await
                .expect("a write");
        }
        // A later session with another mode: the last one decides.
        journal
            .intend(&key("bob"), &drop, 2)
            .await
            .expect("a write");
        journal.done(&key("alice")).await.expect("a write");
        journal.done(&key("nobody")).await.expect("nothing to do");
        let mut left = open().left().expect("a read");
        left.sort_by(|a, b| a.0.user.cmp(&b.0.user));
        assert_eq!(
            left,
            [(key("alice@x.y"), Ok(drop.clone())), (key("bob"), Ok(drop))]
        );
    }

    #[tokio::test]
    async fn a_row_that_says_nothing_new_is_not_written() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Arc::new(Store::open(&dir.path().join("state.db")).expect("a store"));
        let journal = Journal::new(Some(Arc::clone(&store)));
        let keep = intent(CreateUserMode::Keep);
        journal.intend(&key("a"), &keep, 1).await.expect("a write");
        let before = journal.intend(&key("a"), &keep, 2).await.expect("nothing");
        assert_eq!(store.journal().expect("a read")[0].since, 1);
        journal.undo(&key("a"), before, 3).await.expect("nothing");
        assert_eq!(store.journal().expect("a read")[0].since, 1);
    }

    #[tokio::test]
    async fn what_came_to_nothing_is_undone() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Arc::new(Store::open(&dir.path().join("state.db")).expect("a store"));
        let journal = Journal::new(Some(Arc::clone(&store)));
        let (keep, drop) = (
            intent(CreateUserMode::Keep),
            intent(CreateUserMode::BestEffortDrop),
        );
        let nothing = journal.intend(&key("a"), &keep, 1).await.expect("a write");
        let keep_before = journal.intend(&key("a"), &drop, 2).await.expect("a write");
        journal
            .undo(&key("a"), keep_before, 3)
            .await
            .expect("a write");
        assert_eq!(store.journal().expect("a read")[0].entry, keep.to_json());
        assert!(journal.holds(&key("a")));
        journal.undo(&key("a"), nothing, 4).await.expect("a write");
        assert_eq!(store.journal().expect("a read"), []);
        assert!(!journal.holds(&key("a")));
    }

    #[tokio::test]
    async fn a_damaged_row_is_reported_not_lost() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Arc::new(Store::open(&dir.path().join("state.db")).expect("a store"));
        let row = JournalRow {
            host: "h".into(),
            port: 1,
            user: "u".into(),
            entry: "{".into(),
            since: 0,
        };
        store.journal_put(&row).expect("a write");
        let left = Journal::new(Some(store)).left().expect("a read");
        assert!(left[0].1.is_err());
    }
}
