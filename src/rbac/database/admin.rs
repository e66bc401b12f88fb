//! Automatic users on the database's side (rbac.md 1.5, 7.1).

use super::{AdminUser, Database, DatabaseKind};

/// Label that names the admin user when the resource does not.
pub const ADMIN_LABEL: &str = "teleport.dev/db-admin";
/// Label that names the admin user's database.
pub const ADMIN_DATABASE_LABEL: &str = "teleport.dev/db-admin-default-database";

impl Database {
    /// Whether the cluster can provision users for this protocol and type.
    #[must_use]
    pub fn supports_auto_users(&self) -> bool {
        use DatabaseKind::{Rds, Redshift, SelfHosted};
        match self.protocol.as_str() {
            "postgres" => matches!(self.kind(), SelfHosted | Rds | Redshift),
            "mysql" => matches!(self.kind(), SelfHosted | Rds),
            "mongodb" => self.kind() == SelfHosted,
            _ => false,
        }
    }

    /// The admin user, from the resource or from static labels; `None` without a name.
    #[must_use]
    pub fn admin(&self) -> Option<AdminUser> {
        let label = |key: &str| self.labels.get(key).cloned().unwrap_or_default();
        let given = self.admin_user.clone().unwrap_or_default();
        let name = if given.name.is_empty() {
            label(ADMIN_LABEL)
        } else {
            given.name
        };
        if name.is_empty() {
            return None;
        }
        let default_database = if given.default_database.is_empty() {
            label(ADMIN_DATABASE_LABEL)
        } else {
            given.default_database
        };
        Some(AdminUser {
            name,
            default_database,
        })
    }

    /// Whether users are provisioned here for those whose roles say so.
    #[must_use]
    pub fn auto_users_enabled(&self) -> bool {
        self.supports_auto_users() && self.admin().is_some()
    }
}
