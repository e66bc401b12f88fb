//! Users without a document.

use rusqlite::{OptionalExtension, Row, params};
use serde::de::DeserializeOwned;

use super::{Store, StoreError};
use crate::cluster::documents::User;

/// A user of the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredUser {
    /// Name, roles and traits.
    pub user: User,
    /// Unix seconds.
    pub created: i64,
}

impl Store {
    /// The users without a document, by name.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn users(&self) -> Result<Vec<StoredUser>, StoreError> {
        self.run(|c| {
            c.prepare("SELECT name, roles, traits, created FROM users ORDER BY name")?
                .query_map([], read)?
                .collect()
        })
    }

    /// Keeps a user together with password and one-time key, or only these for a user whom a document describes.
    ///
    /// # Errors
    /// When SQLite refuses, also a name that is taken; nothing has changed then.
    pub fn enrol(
        &self,
        name: &str,
        user: Option<&User>,
        secrets: (&str, &str),
        now: i64,
    ) -> Result<(), StoreError> {
        let (password_hash, totp_key) = secrets;
        self.transaction(|t| {
            if let Some(user) = user {
                let roles = serde_json::json!(user.roles).to_string();
                let traits = serde_json::json!(user.traits).to_string();
                t.execute(
                    "INSERT INTO users VALUES (?1, ?2, ?3, ?4)",
                    params![name, roles, traits, now],
                )?;
            }
            t.execute(
                "INSERT OR REPLACE INTO credentials (user, password_hash, totp_key) VALUES (?1, ?2, ?3)",
                params![name, password_hash, totp_key],
            )
        })?;
        Ok(())
    }

    /// Forgets a user with password and one-time key, or one of a single sign-on. Says whether there was anything to forget.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn remove_user(&self, name: &str) -> Result<bool, StoreError> {
        self.transaction(|t| {
            let user = t.execute("DELETE FROM users WHERE name = ?1", [name])?;
            let secrets = t.execute("DELETE FROM credentials WHERE user = ?1", [name])?;
            let login = t.execute("DELETE FROM sso_users WHERE name = ?1", [name])?;
            Ok(user + secrets + login > 0)
        })
    }

    /// The user of this name without a document.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn user(&self, name: &str) -> Result<Option<StoredUser>, StoreError> {
        self.run(|c| {
            c.query_row(
                "SELECT name, roles, traits, created FROM users WHERE name = ?1",
                [name],
                read,
            )
            .optional()
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredUser> {
    Ok(StoredUser {
        user: User {
            name: row.get(0)?,
            roles: from_json(row, 1)?,
            traits: from_json(row, 2)?,
        },
        created: row.get(3)?,
    })
}

/// A column that holds JSON.
pub(super) fn from_json<T: DeserializeOwned>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    let text: String = row.get(at)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, error.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_kept_and_forgotten_with_their_secrets() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state.db");
        let dave = User {
            name: "dave@example.com".to_owned(),
            roles: vec!["access".to_owned()],
            traits: [("db_roles".to_owned(), vec!["reader".to_owned()])].into(),
        };
        {
            let store = Store::open(&path).expect("a store");
            let enrol = || store.enrol(&dave.name, Some(&dave), ("hash", "KEY"), 5);
            enrol().expect("an insert");
            store.use_code(&dave.name, "123456").expect("an update");
            assert!(enrol().is_err(), "the name is taken");
            let kept = store.credential(&dave.name).expect("a query").expect("one");
            assert_eq!(kept.last_code, "123456", "nothing has changed");
        }
        let store = Store::open(&path).expect("the kept store");
        let kept = StoredUser {
            user: dave,
            created: 5,
        };
        assert_eq!(store.users().expect("a query").first(), Some(&kept));
        let name = kept.user.name.clone();
        assert_eq!(store.user(&name).expect("a query"), Some(kept));
        assert!(store.remove_user(&name).expect("a delete"));
        assert!(!store.remove_user(&name).expect("nothing to delete"));
        assert_eq!(store.credential(&name).expect("a query"), None);
        assert!(store.users().expect("a query").is_empty());
    }
}
