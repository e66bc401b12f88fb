//! Locks in the state.

use super::{Store, StoreError};
use crate::cluster::locks::Lock;

impl Store {
    /// All locks, by name. One that cannot be read any more, from a newer program perhaps, is passed over.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn locks(&self) -> Result<Vec<Lock>, StoreError> {
        let documents: Vec<String> = self.run(|c| {
            c.prepare_cached("SELECT document FROM locks ORDER BY name")?
                .query_map([], |row| row.get(0))?
                .collect()
        })?;
        let parsed = documents
            .iter()
            .filter_map(|text| Lock::from_document(&serde_json::from_str(text).ok()?).ok());
        Ok(parsed.collect())
    }

    /// Keeps a lock; one of the same name is replaced.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn put_lock(&self, lock: &Lock) -> Result<(), StoreError> {
        let document = lock.to_document().to_string();
        self.run(|c| {
            c.execute(
                "INSERT OR REPLACE INTO locks VALUES (?1, ?2)",
                [&lock.name, &document],
            )
        })?;
        Ok(())
    }

    /// Removes a lock; false when there is none of that name.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn remove_lock(&self, name: &str) -> Result<bool, StoreError> {
        self.run(|c| c.execute("DELETE FROM locks WHERE name = ?1", [name]))
            .map(|n| n > 0)
    }
}
