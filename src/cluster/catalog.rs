//! What the database service asks of the cluster.

use std::sync::Arc;

use tokio::sync::watch;

use super::ca::{Authority, CaKind};
use super::dbservice::{AuthzError, Catalog, Limits, Passwords};
use super::locks::{Holder, Lock};
use super::state::ClusterState;
use super::store::Store;
use crate::identity::Identity;
use crate::rbac::{AccessChecker, Database};

impl Catalog for ClusterState {
    fn cluster_name(&self) -> String {
        self.name().to_owned()
    }

    fn database(&self, name: &str) -> Option<Database> {
        Self::database(self, name)
    }

    fn databases(&self) -> Vec<Database> {
        self.documents().databases.values().cloned().collect()
    }

    /// Roles and traits are those of the certificate, definitions those of the cluster (credentials.md 8.4).
    fn checker(&self, identity: &Identity) -> Result<AccessChecker, AuthzError> {
        let denied = |hint: String| AuthzError {
            message: "access denied".to_owned(),
            hint: Some(hint),
        };
        let documents = self.documents();
        let remote = identity.teleport_cluster != self.name();
        if remote {
            // The identity is a mapped one; whether its cluster is still trusted is asked again.
            let trusted = documents.trusted_clusters.get(&identity.teleport_cluster);
            if trusted.is_none_or(|trusted| !trusted.enabled) {
                return Err(denied(format!(
                    "the cluster {:?} is not trusted here",
                    identity.teleport_cluster
                )));
            }
        } else if !self.is_known(identity) {
            return Err(denied(format!(
                "the user {:?} does not exist any more",
                identity.username
            )));
        }
        let mut roles = Vec::new();
        for name in &identity.roles {
            roles.push(documents.roles.get(name).cloned().ok_or_else(|| {
                denied(format!(
                    "the role {name:?} of the certificate does not exist any more"
                ))
            })?);
        }
        AccessChecker::new(&identity.username, remote, roles, &identity.traits).map_err(|e| {
            AuthzError {
                message: e.to_string(),
                hint: None,
            }
        })
    }

    fn db_client_authority(&self) -> Arc<Authority> {
        self.authority(CaKind::DbClient)
    }

    fn db_trust(&self) -> Vec<Vec<u8>> {
        let authorities = self.authorities();
        let trusted = authorities.trusted(CaKind::Db);
        trusted.iter().map(|a| a.cert_der().to_vec()).collect()
    }

    fn lock_on(&self, identity: &Identity) -> Option<Lock> {
        Self::lock_on(self, &Holder::in_cluster(self.name(), identity))
    }

    fn limits(&self) -> Limits {
        let documents = self.documents();
        let preference = &documents.preference;
        let idle = preference.client_idle_seconds.saturating_mul(1_000_000_000);
        Limits::new(idle, preference.disconnect_expired_cert)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        Self::changes(self)
    }

    fn store(&self) -> Option<Arc<Store>> {
        Some(Arc::clone(Self::store(self)))
    }

    fn now(&self) -> i64 {
        Self::now(self)
    }

    fn passwords(&self) -> Option<Arc<dyn Passwords>> {
        Self::passwords(self).cloned()
    }

    fn warn(&self, line: &str) {
        self.report(line);
    }
}
