//! Database users in service, in the state.

use rusqlite::params;

use super::{Store, StoreError};

/// A user that was, or was about to be, put into service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    /// Address of the database server, as sessions count it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The database user.
    pub user: String,
    /// What is needed to take it out of service, JSON.
    pub entry: String,
    /// When it was put into service, unix seconds.
    pub since: i64,
}

impl Store {
    /// All rows, the oldest first.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn journal(&self) -> Result<Vec<JournalRow>, StoreError> {
        self.run(|c| {
            c.prepare_cached(
                "SELECT host, port, user, entry, since FROM journal ORDER BY since, host, port, user",
            )?
            .query_map([], |row| {
                Ok(JournalRow {
                    host: row.get(0)?,
                    port: row.get(1)?,
                    user: row.get(2)?,
                    entry: row.get(3)?,
                    since: row.get(4)?,
                })
            })?
            .collect()
        })
    }

    /// Keeps a row; one of the same user on the same server is replaced.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn journal_put(&self, row: &JournalRow) -> Result<(), StoreError> {
        self.run(|c| {
            c.prepare_cached("INSERT OR REPLACE INTO journal VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![row.host, row.port, row.user, row.entry, row.since])
        })?;
        Ok(())
    }

    /// Removes a row, if there is one.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn journal_remove(&self, host: &str, port: u16, user: &str) -> Result<(), StoreError> {
        self.run(|c| {
            c.prepare_cached("DELETE FROM journal WHERE host = ?1 AND port = ?2 AND user = ?3")?
                .execute(params![host, port, user])
        })?;
        Ok(())
    }
}
