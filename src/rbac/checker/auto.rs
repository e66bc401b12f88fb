//! Automatic users and their database roles (rbac.md 7).

use super::{AccessChecker, Facts};
use crate::rbac::{AccessError, CreateUserMode, Database};

/// What a user's roles say about automatic users on one database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabaseRoles {
    /// Whether users are created, and what happens to them afterwards.
    pub mode: CreateUserMode,
    /// Allowed database roles, sorted, without duplicates.
    pub roles: Vec<String>,
    /// Whether fine-grained permissions are given too; they exclude roles.
    pub has_permissions: bool,
}

impl AccessChecker {
    /// Mode of automatic users and allowed database roles, whether or not the database supports them (rbac.md 7.2).
    ///
    /// # Errors
    /// A broken matcher of a role that creates users.
    pub fn database_roles(&self, database: &Database) -> Result<DatabaseRoles, AccessError> {
        let facts = Facts::new(database);
        let mut found = DatabaseRoles::default();
        let mut removed: Vec<&String> = Vec::new();
        for prepared in self
            .roles
            .iter()
            .filter(|p| p.role.options.create_user_mode().is_enabled())
        {
            if self.allows(prepared, &facts)? {
                found.mode = found.mode.max(prepared.role.options.create_user_mode());
                found
                    .roles
                    .extend(prepared.role.allow.database_roles.iter().cloned());
                found.has_permissions |= !prepared.role.allow.database_permissions.is_empty();
            }
            if self.denies(prepared, &facts)? {
                removed.extend(&prepared.role.deny.database_roles);
            }
        }
        found.roles.retain(|role| !removed.contains(&role));
        found.roles.sort();
        found.roles.dedup();
        Ok(found)
    }

    /// The automatic user's name, if users are provisioned on this database for this user (rbac.md 7.5, 7.6).
    ///
    /// # Errors
    /// As [`Self::database_roles`].
    pub fn auto_user(&self, database: &Database) -> Result<Option<String>, AccessError> {
        if !database.auto_users_enabled() {
            return Ok(None);
        }
        Ok(self
            .database_roles(database)?
            .mode
            .is_enabled()
            .then(|| self.username.clone()))
    }
}

impl DatabaseRoles {
    /// Checks requested roles: all must be allowed; none requested means all allowed ones (rbac.md 7.3). The order and
    /// duplicates of the request stay.
    ///
    /// # Errors
    /// [`AccessError::RoleDenied`] with the first one that is not allowed.
    pub fn select(&self, requested: &[String]) -> Result<Vec<String>, AccessError> {
        if !self.mode.is_enabled() {
            return Ok(Vec::new());
        }
        if let Some(role) = requested.iter().find(|r| !self.roles.contains(r)) {
            return Err(AccessError::RoleDenied { role: role.clone() });
        }
        Ok(if requested.is_empty() {
            self.roles.clone()
        } else {
            requested.to_vec()
        })
    }
}
