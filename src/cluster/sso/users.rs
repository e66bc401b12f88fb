//! Who has logged in by single sign-on. Such a user lasts as long as the login, and is no document.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::cluster::documents::User;
use crate::cluster::store::{Store, StoreError};

/// A user made by a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsoUser {
    /// Name, roles and traits of the last login.
    pub user: User,
    /// Name of the connector.
    pub connector: String,
    /// When the login that lasts longest ends, unix seconds.
    pub expires: i64,
}

/// These users, kept in the state.
#[derive(Debug)]
pub struct Users {
    store: Arc<Store>,
    kept: RwLock<Arc<BTreeMap<String, i64>>>,
}

impl Users {
    /// Reads them.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn open(store: Arc<Store>) -> Result<Self, StoreError> {
        let kept = RwLock::new(Arc::new(read(&store)?));
        Ok(Self { store, kept })
    }

    /// Reads them again, after another process removed one.
    ///
    /// # Errors
    /// When the state cannot be read; what is known stays.
    pub fn reload(&self) -> Result<(), StoreError> {
        // Held while reading, so that a login of this moment is not lost.
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        *kept = Arc::new(read(&self.store)?);
        Ok(())
    }

    /// Whether a login of `name` is valid at `now`, unix seconds.
    #[must_use]
    pub fn is_known(&self, name: &str, now: i64) -> bool {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.get(name).is_some_and(|expires| *expires >= now)
    }

    /// Keeps a user; those whose logins have ended at `now` are forgotten. Another login of the same user that lasts longer
    /// keeps its time.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn put(&self, user: &SsoUser, now: i64) -> Result<(), StoreError> {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        self.store.put_sso_user(user, now)?;
        *kept = Arc::new(read(&self.store)?);
        Ok(())
    }
}

fn read(store: &Store) -> Result<BTreeMap<String, i64>, StoreError> {
    let users = store.sso_users()?;
    Ok(users
        .into_iter()
        .map(|kept| (kept.user.name, kept.expires))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kim(role: &str, expires: i64) -> SsoUser {
        SsoUser {
            user: User {
                name: "kim@corp.test".to_owned(),
                roles: vec![role.to_owned()],
                traits: [("groups".to_owned(), vec!["dba".to_owned()])].into(),
            },
            connector: "corp".to_owned(),
            expires,
        }
    }

    #[test]
    fn a_user_lasts_as_long_as_the_longest_login() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Arc::new(Store::open(&dir.path().join("state.db")).expect("a store"));
        let users = Users::open(Arc::clone(&store)).expect("users");
        users.put(&kim("a", 100), 10).expect("a write");
        users.put(&kim("b", 50), 20).expect("a write");
        assert_eq!(store.sso_users().expect("a query"), [kim("b", 100)]);
        let again = Users::open(Arc::clone(&store)).expect("a restart");
        for users in [&users, &again] {
            assert!(users.is_known("kim@corp.test", 100));
            assert!(!users.is_known("kim@corp.test", 101));
            assert!(!users.is_known("kim", 50));
        }
        assert!(store.remove_user("kim@corp.test").expect("a delete"));
        users.reload().expect("a query");
        assert!(!users.is_known("kim@corp.test", 50));
        users.put(&kim("a", 30), 20).expect("a write");
        let mut lee = kim("a", 90);
        lee.user.name = "lee".to_owned();
        users.put(&lee, 40).expect("a write");
        assert_eq!(store.sso_users().expect("a query"), [lee], "ended ones go");
    }
}
