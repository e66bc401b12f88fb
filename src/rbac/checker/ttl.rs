//! What roles say about certificates and session lifetimes (rbac.md 8.3, 11.3).

use super::AccessChecker;
use crate::rbac::role::Conditions;

impl AccessChecker {
    /// The longest session, in nanoseconds: `requested` cut to what every role allows.
    #[must_use]
    pub fn session_ttl(&self, requested: i64) -> i64 {
        let limits = self
            .roles
            .iter()
            .map(|p| p.role.options.max_session_ttl)
            .filter(|ttl| *ttl > 0);
        limits.fold(requested, i64::min)
    }

    /// Database users for the certificate, over all databases, for leaf clusters.
    #[must_use]
    pub fn certificate_users(&self, ttl: i64) -> Vec<String> {
        self.union(ttl, |side| &side.database_users)
    }

    /// Database names for the certificate.
    #[must_use]
    pub fn certificate_names(&self, ttl: i64) -> Vec<String> {
        self.union(ttl, |side| &side.database_names)
    }

    /// The smallest idle timeout in nanoseconds; 0 for none.
    #[must_use]
    pub fn client_idle_timeout(&self) -> i64 {
        self.roles
            .iter()
            .map(|p| p.role.options.client_idle_timeout)
            .filter(|t| *t > 0)
            .min()
            .unwrap_or(0)
    }

    /// Whether a role ends sessions with their certificate.
    #[must_use]
    pub fn disconnect_expired_cert(&self) -> bool {
        self.roles
            .iter()
            .any(|p| p.role.options.disconnect_expired_cert)
    }

    /// Whether a role binds certificates to an address.
    #[must_use]
    pub fn pins_source_ip(&self) -> bool {
        self.roles.iter().any(|p| p.role.options.pin_source_ip)
    }

    /// Union over the roles that allow sessions of `ttl` nanoseconds, without what any role denies literally; sorted.
    fn union(&self, ttl: i64, list: impl Fn(&Conditions) -> &[String]) -> Vec<String> {
        let long_enough = self
            .roles
            .iter()
            .filter(|p| p.role.options.max_session_ttl >= ttl);
        let mut entries: Vec<String> = long_enough
            .flat_map(|p| list(&p.role.allow))
            .cloned()
            .collect();
        entries.retain(|entry| {
            !self
                .roles
                .iter()
                .any(|p| list(&p.role.deny).contains(entry))
        });
        entries.sort();
        entries.dedup();
        entries
    }
}
