//! Failed logins, in the state: a restart forgives nobody.

use rusqlite::params;

use super::{Store, StoreError};

/// Failures of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures {
    /// The user.
    pub user: String,
    /// When they were, unix seconds.
    pub at: Vec<i64>,
    /// Until when no login is tried, unix seconds; 0 for no such time.
    pub locked_until: i64,
}

impl Store {
    /// The failures of all users.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn failures(&self) -> Result<Vec<Failures>, StoreError> {
        self.run(|c| {
            c.prepare_cached("SELECT user, at, locked_until FROM failures ORDER BY user")?
                .query_map([], |row| {
                    let at: String = row.get(1)?;
                    Ok(Failures {
                        user: row.get(0)?,
                        at: at.split(',').filter_map(|at| at.parse().ok()).collect(),
                        locked_until: row.get(2)?,
                    })
                })?
                .collect()
        })
    }

    /// Keeps the failures of a user.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn put_failures(&self, failures: &Failures) -> Result<(), StoreError> {
        let at: Vec<String> = failures.at.iter().map(ToString::to_string).collect();
        self.run(|c| {
            c.prepare_cached("INSERT OR REPLACE INTO failures VALUES (?1, ?2, ?3)")?
                .execute(params![failures.user, at.join(","), failures.locked_until])
        })?;
        Ok(())
    }

    /// Forgets the failures of a user.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn forget_failures(&self, user: &str) -> Result<(), StoreError> {
        self.run(|c| {
            c.prepare_cached("DELETE FROM failures WHERE user = ?1")?
                .execute([user])
        })?;
        Ok(())
    }
}
