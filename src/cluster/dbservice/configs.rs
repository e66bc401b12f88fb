//! TLS settings towards databases, client certificate and key included, kept for some minutes.
//!
//! Teleport makes a key and a certificate for every connection. Both say no more than which database user logs in, so that
//! the next connection of the same user to the same server may show them again; a program that connects hundreds of times
//! a second then costs no key generation. They are never valid for longer than the session they serve may last.
//! PostgreSQL hands out no session tickets, so that nothing of TLS itself can be resumed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ClientConfig;
use tokio::time::Instant;

use crate::rbac::database::Tls;

/// How long settings are kept.
const KEPT: Duration = Duration::from_secs(300);
/// Seconds a certificate must still be valid: the handshake may take its time.
const LEFT: i64 = 30;
/// Settings kept at the same time.
const MANY: usize = 1024;

/// What distinguishes connections to one server beside who logs in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Way {
    pub(super) uri: String,
    pub(super) tls: Tls,
    pub(super) ca_cert: String,
}

/// What settings are for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct For {
    /// The server and how it is trusted.
    pub(super) way: Way,
    /// The database user in the certificate.
    pub(super) user: String,
    /// Certificate of the authority that signs client certificates.
    pub(super) authority: Vec<u8>,
    /// Authorities of this cluster that sign servers.
    pub(super) trust: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Kept {
    config: Arc<ClientConfig>,
    /// End of the certificate, unix seconds.
    not_after: i64,
    until: Instant,
}

/// The settings kept now.
#[derive(Debug, Default)]
pub(super) struct Configs(Mutex<HashMap<For, Kept>>);

impl Configs {
    /// Settings whose certificate is valid at `now` and not beyond `limit`, unix seconds.
    pub(super) fn get(&self, wanted: &For, now: i64, limit: i64) -> Option<Arc<ClientConfig>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(wanted)?;
        let good = found.until > Instant::now()
            && found.not_after > now + LEFT
            && found.not_after <= limit;
        good.then(|| Arc::clone(&found.config))
    }

    /// Keeps settings whose certificate ends at `not_after`, unix seconds.
    pub(super) fn put(&self, wanted: For, config: &Arc<ClientConfig>, not_after: i64) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if kept.len() >= MANY {
            kept.retain(|_, kept| kept.until > now);
            if kept.len() >= MANY {
                kept.clear();
            }
        }
        let config = Arc::clone(config);
        let until = now + KEPT;
        kept.insert(
            wanted,
            Kept {
                config,
                not_after,
                until,
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(user: &str) -> For {
        For {
            way: Way::default(),
            user: user.into(),
            authority: vec![1],
            trust: Vec::new(),
        }
    }

    fn config() -> Arc<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions();
        let roots = rustls::RootCertStore::empty();
        let builder = builder.expect("versions").with_root_certificates(roots);
        Arc::new(builder.with_no_client_auth())
    }

    #[tokio::test(start_paused = true)]
    async fn settings_are_shared_by_sessions_they_do_not_outlive() {
        let configs = Configs::default();
        assert!(configs.get(&wanted("alice"), 0, 1000).is_none());
        configs.put(wanted("alice"), &config(), 1000);
        assert!(configs.get(&wanted("alice"), 0, 1000).is_some());
        assert!(configs.get(&wanted("alice"), 0, 2000).is_some());
        assert!(
            configs.get(&wanted("alice"), 0, 999).is_none(),
            "ends before"
        );
        assert!(
            configs.get(&wanted("alice"), 980, 1000).is_none(),
            "near its end"
        );
        assert!(configs.get(&wanted("bob"), 0, 1000).is_none());
        let mut rotated = wanted("alice");
        rotated.authority = vec![2];
        assert!(configs.get(&rotated, 0, 1000).is_none());
        tokio::time::advance(KEPT).await;
        assert!(configs.get(&wanted("alice"), 0, 1000).is_none(), "too old");
    }

    #[test]
    fn a_crowd_of_users_takes_a_bounded_place() {
        let configs = Configs::default();
        let config = config();
        for n in 0..MANY + 10 {
            configs.put(wanted(&n.to_string()), &config, 1000);
        }
        let kept = configs.0.lock().expect("not poisoned").len();
        assert!(kept <= MANY, "{kept}");
    }
}
