//! Users made by single sign-on.

use rusqlite::{Row, params};

use super::users::from_json;
use super::{Store, StoreError};
use crate::cluster::documents::User;
use crate::cluster::sso::users::SsoUser;

impl Store {
    /// The users of single sign-ons, by name; some may have ended.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn sso_users(&self) -> Result<Vec<SsoUser>, StoreError> {
        self.run(|c| {
            c.prepare_cached(
                "SELECT name, roles, traits, connector, expires FROM sso_users ORDER BY name",
            )?
            .query_map([], read)?
            .collect()
        })
    }

    /// Keeps a user with the roles and traits of now, and forgets those that have ended at `now`, unix seconds. A user that is
    /// there already ends no earlier than before.
    ///
    /// # Errors
    /// When SQLite refuses; nothing has changed then.
    pub fn put_sso_user(&self, kept: &SsoUser, now: i64) -> Result<(), StoreError> {
        let roles = serde_json::json!(kept.user.roles).to_string();
        let traits = serde_json::json!(kept.user.traits).to_string();
        self.transaction(|t| {
            t.execute("DELETE FROM sso_users WHERE expires < ?1", [now])?;
            t.execute(
                "INSERT INTO sso_users (name, connector, roles, traits, expires) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (name) DO UPDATE SET connector = excluded.connector, roles = excluded.roles,
                    traits = excluded.traits, expires = max(expires, excluded.expires)",
                params![kept.user.name, kept.connector, roles, traits, kept.expires],
            )
        })?;
        Ok(())
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<SsoUser> {
    Ok(SsoUser {
        user: User {
            name: row.get(0)?,
            roles: from_json(row, 1)?,
            traits: from_json(row, 2)?,
        },
        connector: row.get(3)?,
        expires: row.get(4)?,
    })
}
