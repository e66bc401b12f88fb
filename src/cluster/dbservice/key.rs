//! What makes a database user the same one.

/// A database user on one PostgreSQL server, however many database resources lead there (db-service.md 3.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct UserKey {
    /// Resolved address; every loopback address counts as one.
    pub(super) host: String,
    /// TCP port.
    pub(super) port: u16,
    /// Database user.
    pub(super) user: String,
}
