//! State of a cluster on disk: one SQLite file, readable by its owner only.
//!
//! It holds what must survive a restart and is no document: authorities with their keys, password hashes, one-time keys
//! with the code used last, and small settings. The schema has a version; a newer one is refused, not guessed at.
//!
//! `migrations` brings an older file up to date. Each topic beyond the few here has a file with its queries.

mod failures;
mod journal;
mod leaf;
mod locks;
mod migrations;
mod rotation;
mod sso_users;
pub mod users;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

pub use failures::Failures;
pub use journal::JournalRow;
pub use leaf::{RemoteClusterRow, TokenRow, TrustRow};
use migrations::Applied;
pub use rotation::{AuthorityRows, Keys, Pairs, Step};

/// Why the state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite refused.
    #[error("{path}: {source}")]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file cannot be created or protected.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A newer program wrote the file.
    #[error(
        "{path}: schema version {found}, this program knows {known}; use the newer program or another directory"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Version found.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
}

/// A user's secrets. `Debug` hides them.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// PHC string of the password.
    pub password_hash: String,
    /// Base32 one-time key; empty without one.
    pub totp_key: String,
    /// The code that was accepted last; empty before the first.
    pub last_code: String,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential(****)")
    }
}

/// The open state file.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Store {
    /// Opens or creates the file, mode 0600.
    ///
    /// # Errors
    /// When the file cannot be made, is no SQLite file, or has a newer schema.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        protect(path).map_err(|source| StoreError::File {
            path: path.to_owned(),
            source,
        })?;
        let wrap = |source| StoreError::Database {
            path: path.to_owned(),
            source,
        };
        let mut connection = Connection::open(path).map_err(wrap)?;
        connection
            .busy_timeout(std::time::Duration::from_secs(5))
            .map_err(wrap)?;
        // A killed process loses nothing that was answered for: what is written is in the system's hands. Power loss may
        // cost the last changes, never the file; an fsync for each would cost milliseconds before every first session.
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .map_err(wrap)?;
        connection
            .pragma_update(None, "synchronous", "NORMAL")
            .map_err(wrap)?;
        match migrations::apply(&mut connection).map_err(wrap)? {
            Applied::UpToDate => {}
            Applied::Newer { found, known } => {
                return Err(StoreError::Newer {
                    path: path.to_owned(),
                    found,
                    known,
                });
            }
        }
        Ok(Self {
            path: path.to_owned(),
            connection: Mutex::new(connection),
        })
    }

    /// Certificate and key (PEM) of the authority `kind`.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn authority(&self, kind: &str) -> Result<Option<(String, String)>, StoreError> {
        self.run(|c| {
            c.query_row(
                "SELECT cert, key FROM authorities WHERE kind = ?1",
                [kind],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
        })
    }

    /// Keeps an authority; one that is there stays.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn add_authority(&self, kind: &str, cert: &str, key: &str) -> Result<(), StoreError> {
        self.run(|c| {
            c.execute(
                "INSERT INTO authorities VALUES (?1, ?2, ?3)",
                [kind, cert, key],
            )
        })?;
        Ok(())
    }

    /// The secrets of `user`.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn credential(&self, user: &str) -> Result<Option<Credential>, StoreError> {
        self.run(|c| {
            c.query_row(
                "SELECT password_hash, totp_key, last_code FROM credentials WHERE user = ?1",
                [user],
                |row| {
                    Ok(Credential {
                        password_hash: row.get(0)?,
                        totp_key: row.get(1)?,
                        last_code: row.get(2)?,
                    })
                },
            )
            .optional()
        })
    }

    /// Sets password and one-time key of `user`; the code used last is forgotten only when the key changes.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn set_credential(
        &self,
        user: &str,
        password_hash: &str,
        totp_key: &str,
    ) -> Result<(), StoreError> {
        self.run(|c| {
            c.execute(
                "INSERT INTO credentials (user, password_hash, totp_key) VALUES (?1, ?2, ?3)
                 ON CONFLICT (user) DO UPDATE SET password_hash = excluded.password_hash, totp_key = excluded.totp_key,
                    last_code = CASE WHEN totp_key = excluded.totp_key THEN last_code ELSE '' END",
                [user, password_hash, totp_key],
            )
        })?;
        Ok(())
    }

    /// Marks `code` as used by `user`; false when it is the one used last. Of two callers with the same code one gets true.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn use_code(&self, user: &str, code: &str) -> Result<bool, StoreError> {
        self.run(|c| {
            c.execute(
                "UPDATE credentials SET last_code = ?2 WHERE user = ?1 AND last_code <> ?2",
                params![user, code],
            )
        })
        .map(|n| n == 1)
    }

    /// A small setting.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.run(|c| {
            c.query_row(
                "SELECT value FROM settings WHERE name = ?1",
                [name],
                |row| row.get(0),
            )
            .optional()
        })
    }

    /// Sets a small setting.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn set_setting(&self, name: &str, value: &str) -> Result<(), StoreError> {
        self.run(|c| {
            c.execute(
                "INSERT OR REPLACE INTO settings VALUES (?1, ?2)",
                [name, value],
            )
        })?;
        Ok(())
    }

    /// Runs one statement, or several that only read.
    fn run<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        work(&self.connection()).map_err(|source| self.refused(source))
    }

    /// Runs statements that count together or not at all; other processes wait meanwhile.
    fn transaction<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection();
        let run = || {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        };
        run().map_err(|source| self.refused(source))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self, source: rusqlite::Error) -> StoreError {
        StoreError::Database {
            path: self.path.clone(),
            source,
        }
    }
}

/// Creates the file with mode 0600 before anything secret is in it; an existing one gets that mode.
fn protect(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let file = options.mode(0o600).open(path)?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))
    }
    #[cfg(not(unix))]
    options.open(path).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_survives_a_restart() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state.db");
        {
            let store = Store::open(&path).expect("a new store");
            assert_eq!(store.authority("host").expect("a query"), None);
            store
                .add_authority("host", "cert", "key")
                .expect("an insert");
            store
                .set_credential("alice", "hash", "KEY")
                .expect("an insert");
            assert!(store.use_code("alice", "123456").expect("an update"));
            store.set_setting("port", "5432").expect("an insert");
        }
        let store = Store::open(&path).expect("the kept store");
        assert_eq!(
            store.authority("host").expect("a query"),
            Some(("cert".to_owned(), "key".to_owned()))
        );
        assert_eq!(
            store.setting("port").expect("a query").as_deref(),
            Some("5432")
        );
        assert!(
            !store.use_code("alice", "123456").expect("an update"),
            "a code used before the restart is refused"
        );
        assert!(store.use_code("alice", "654321").expect("an update"));
        assert!(
            store.use_code("alice", "123456").expect("an update"),
            "only the last one is remembered (login.md 3.5)"
        );
        assert!(!store.use_code("nobody", "123456").expect("an update"));
        assert!(!format!("{:?}", store.credential("alice")).contains("KEY"));
        assert!(
            store.add_authority("host", "other", "key").is_err(),
            "an authority is never replaced"
        );
    }

    #[test]
    fn a_new_password_keeps_the_last_code_and_a_new_key_does_not() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(&dir.path().join("state.db")).expect("a store");
        store
            .set_credential("alice", "hash", "KEY")
            .expect("an insert");
        store.use_code("alice", "123456").expect("an update");
        store
            .set_credential("alice", "hash2", "KEY")
            .expect("an update");
        let credential = store.credential("alice").expect("a query").expect("alice");
        assert_eq!(
            (
                credential.password_hash.as_str(),
                credential.last_code.as_str()
            ),
            ("hash2", "123456")
        );
        store
            .set_credential("alice", "hash2", "KEY2")
            .expect("an update");
        assert_eq!(
            store
                .credential("alice")
                .expect("a query")
                .expect("alice")
                .last_code,
            ""
        );
    }

    #[test]
    fn a_newer_schema_and_a_foreign_file_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state.db");
        Connection::open(&path)
            .expect("a file")
            .pragma_update(None, "user_version", 99)
            .expect("a version");
        assert!(matches!(
            Store::open(&path),
            Err(StoreError::Newer { found: 99, .. })
        ));
        std::fs::write(
            &path,
            "this is no database file, and long enough not to be taken for an empty one",
        )
        .expect("a write");
        assert!(matches!(
            Store::open(&path),
            Err(StoreError::Database { .. })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state.db");
        Store::open(&path).expect("a store");
        assert_eq!(
            std::fs::metadata(&path)
                .expect("metadata")
                .permissions()
                .mode()
                & 0o777,
            0o600
        );
    }
}
