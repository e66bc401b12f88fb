//! Join tokens, the clusters behind this one, and the clusters in front of it.

use rusqlite::{Row, params};

use super::{Store, StoreError};

/// A token as it is kept: its text is nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// SHA-256 of the text, hexadecimal.
    pub hash: String,
    /// What it is for.
    pub kind: String,
    /// Unix seconds.
    pub created: i64,
    /// From this moment on it is worth nothing, unix seconds.
    pub expires: i64,
}

/// A cluster that joined this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteClusterRow {
    /// Its name.
    pub name: String,
    /// Its host authority, JSON.
    pub host_authority: String,
    /// Hash of the token it joined with.
    pub token_hash: String,
    /// Unix seconds.
    pub joined: i64,
    /// Unix seconds; 0 before the first.
    pub last_heartbeat: i64,
}

/// A cluster that this one has joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustRow {
    /// Its name.
    pub root: String,
    /// Its host authority, JSON.
    pub host_authority: String,
    /// Its user authority, JSON.
    pub user_authority: String,
    /// Hash of the token used.
    pub token_hash: String,
    /// Unix seconds.
    pub joined: i64,
}

impl Store {
    /// Keeps a token.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn add_token(&self, token: &TokenRow) -> Result<(), StoreError> {
        self.run(|c| {
            c.execute(
                "INSERT INTO tokens (hash, kind, created, expires) VALUES (?1, ?2, ?3, ?4)",
                params![token.hash, token.kind, token.created, token.expires],
            )
        })?;
        Ok(())
    }

    /// The tokens that are worth something at `now` (unix seconds), the oldest first.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn tokens(&self, now: i64) -> Result<Vec<TokenRow>, StoreError> {
        self.run(|c| {
            let mut query = c.prepare_cached(
                "SELECT hash, kind, created, expires FROM tokens WHERE expires > ?1 ORDER BY created, hash",
            )?;
            let rows = query.query_map([now], |row| {
                Ok(TokenRow {
                    hash: row.get(0)?,
                    kind: row.get(1)?,
                    created: row.get(2)?,
                    expires: row.get(3)?,
                })
            })?;
            rows.collect()
        })
    }

    /// Removes the tokens whose hash begins with `hash`, hexadecimal, and gives their number.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn remove_tokens(&self, hash: &str) -> Result<usize, StoreError> {
        self.run(|c| {
            c.execute(
                "DELETE FROM tokens WHERE substr(hash, 1, length(?1)) = ?1",
                [hash],
            )
        })
    }

    /// Removes the tokens that are worth nothing any more.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn forget_expired_tokens(&self, now: i64) -> Result<usize, StoreError> {
        self.run(|c| c.execute("DELETE FROM tokens WHERE expires <= ?1", [now]))
    }

    /// The clusters that joined this one, by name.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn remote_clusters(&self) -> Result<Vec<RemoteClusterRow>, StoreError> {
        self.run(|c| {
            let mut query = c.prepare_cached(
                "SELECT name, host_authority, token_hash, joined, last_heartbeat FROM remote_clusters ORDER BY name",
            )?;
            query.query_map([], remote_cluster)?.collect()
        })
    }

    /// Keeps a cluster that joined, in place of an older record of that name.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn set_remote_cluster(&self, row: &RemoteClusterRow) -> Result<(), StoreError> {
        self.run(|c| {
            c.execute(
                "INSERT OR REPLACE INTO remote_clusters (name, host_authority, token_hash, joined, last_heartbeat)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    row.name,
                    row.host_authority,
                    row.token_hash,
                    row.joined,
                    row.last_heartbeat
                ],
            )
        })?;
        Ok(())
    }

    /// Notes a sign of life of a cluster, with its host authority as it is now. False when it is not known any more.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn note_heartbeat(
        &self,
        name: &str,
        host_authority: &str,
        at: i64,
    ) -> Result<bool, StoreError> {
        self.run(|c| {
            c.execute(
                "UPDATE remote_clusters SET host_authority = ?2, last_heartbeat = ?3 WHERE name = ?1",
                params![name, host_authority, at],
            )
        })
        .map(|n| n == 1)
    }

    /// Removes a cluster together with the token it joined with, which would let it come back. False when there is none of
    /// that name.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn remove_remote_cluster(&self, name: &str) -> Result<bool, StoreError> {
        self.transaction(|t| {
            t.execute(
                "DELETE FROM tokens WHERE hash IN (SELECT token_hash FROM remote_clusters WHERE name = ?1)",
                [name],
            )?;
            t.execute("DELETE FROM remote_clusters WHERE name = ?1", [name])
        })
        .map(|n| n == 1)
    }

    /// The clusters this one has joined, by name.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn trusts(&self) -> Result<Vec<TrustRow>, StoreError> {
        self.run(|c| {
            let mut query = c.prepare_cached(
                "SELECT root, host_authority, user_authority, token_hash, joined FROM trusts ORDER BY root",
            )?;
            let rows = query.query_map([], |row| {
                Ok(TrustRow {
                    root: row.get(0)?,
                    host_authority: row.get(1)?,
                    user_authority: row.get(2)?,
                    token_hash: row.get(3)?,
                    joined: row.get(4)?,
                })
            })?;
            rows.collect()
        })
    }

    /// Keeps a cluster that this one has joined, in place of an older record of that name.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn set_trust(&self, row: &TrustRow) -> Result<(), StoreError> {
        self.run(|c| {
            c.execute(
                "INSERT OR REPLACE INTO trusts (root, host_authority, user_authority, token_hash, joined)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    row.root,
                    row.host_authority,
                    row.user_authority,
                    row.token_hash,
                    row.joined
                ],
            )
        })?;
        Ok(())
    }

    /// Forgets a cluster that this one had joined.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn remove_trust(&self, root: &str) -> Result<bool, StoreError> {
        self.run(|c| c.execute("DELETE FROM trusts WHERE root = ?1", [root]))
            .map(|n| n == 1)
    }
}

fn remote_cluster(row: &Row<'_>) -> rusqlite::Result<RemoteClusterRow> {
    Ok(RemoteClusterRow {
        name: row.get(0)?,
        host_authority: row.get(1)?,
        token_hash: row.get(2)?,
        joined: row.get(3)?,
        last_heartbeat: row.get(4)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(&dir.path().join("state.db")).expect("a store");
        (dir, store)
    }

    fn token(hash: &str, expires: i64) -> TokenRow {
        TokenRow {
            hash: hash.to_owned(),
            kind: "trusted_cluster".to_owned(),
            created: 1,
            expires,
        }
    }

    #[test]
    fn tokens_end_by_themselves_and_by_hand() {
        let (_dir, store) = store();
        for row in [token("aa11", 10), token("aa22", 20), token("bb33", 20)] {
            store.add_token(&row).expect("an insert");
        }
        let left = |now| -> Vec<String> {
            store
                .tokens(now)
                .expect("a query")
                .into_iter()
                .map(|t| t.hash)
                .collect()
        };
        assert_eq!(left(9), ["aa11", "aa22", "bb33"]);
        assert_eq!(left(10), ["aa22", "bb33"], "the last second is over");
        assert_eq!(store.remove_tokens("bb").expect("a delete"), 1);
        assert_eq!(store.remove_tokens("cc").expect("a delete"), 0);
        assert_eq!(store.forget_expired_tokens(10).expect("a delete"), 1);
        assert_eq!(left(0), ["aa22"]);
    }

    #[test]
    fn a_removed_cluster_takes_its_token_along() {
        let (_dir, store) = store();
        store.add_token(&token("aa", 100)).expect("an insert");
        store.add_token(&token("bb", 100)).expect("an insert");
        let mut row = RemoteClusterRow {
            name: "leaf".to_owned(),
            host_authority: "{}".to_owned(),
            token_hash: "aa".to_owned(),
            joined: 5,
            last_heartbeat: 0,
        };
        store.set_remote_cluster(&row).expect("an insert");
        assert!(
            store
                .note_heartbeat("leaf", "{\"tls\":[]}", 7)
                .expect("an update")
        );
        assert!(!store.note_heartbeat("other", "{}", 7).expect("an update"));
        (row.host_authority, row.last_heartbeat) = ("{\"tls\":[]}".to_owned(), 7);
        assert_eq!(store.remote_clusters().expect("a query"), [row]);
        assert!(store.remove_remote_cluster("leaf").expect("a delete"));
        assert!(!store.remove_remote_cluster("leaf").expect("a delete"));
        assert_eq!(store.tokens(0).expect("a query"), [token("bb", 100)]);
    }

    #[test]
    fn trusts_are_kept_and_forgotten() {
        let (_dir, store) = store();
        let row = TrustRow {
            root: "root".to_owned(),
            host_authority: "{}".to_owned(),
            user_authority: "{}".to_owned(),
            token_hash: "aa".to_owned(),
            joined: 5,
        };
        store.set_trust(&row).expect("an insert");
        assert_eq!(store.trusts().expect("a query"), [row]);
        assert!(store.remove_trust("root").expect("a delete"));
        assert_eq!(store.trusts().expect("a query"), []);
    }
}
