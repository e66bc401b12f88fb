//! The signing keys of a cluster, kept in its state.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ca::ssh::SshAuthority;
use super::ca::{Authority, CaKind, WebAuthority, web_authority};
use super::state::StateError;
use super::store::Store;

/// The signing keys of a cluster.
#[derive(Debug)]
pub struct Authorities {
    by_kind: BTreeMap<CaKind, Arc<Authority>>,
    ssh: SshAuthority,
    ssh_user: SshAuthority,
    web: WebAuthority,
}

impl Authorities {
    /// Loads the authorities kept in `store` and makes those that are missing.
    ///
    /// # Errors
    /// When the state cannot be read or written, or holds a damaged key.
    pub fn open(store: &Store, cluster: &str, now: i64) -> Result<Self, StateError> {
        let mut by_kind = BTreeMap::new();
        for kind in CaKind::ALL {
            let authority = if let Some((cert, key)) = store.authority(kind.as_str())? {
                Authority::from_pem(&cert, &key)?
            } else {
                let made = Authority::generate(kind, cluster, now)?;
                store.add_authority(kind.as_str(), made.cert_pem(), made.key_pem())?;
                made
            };
            by_kind.insert(kind, Arc::new(authority));
        }
        let web = if let Some((cert, key)) = store.authority("web")? {
            WebAuthority::from_pem(&cert, &key)?
        } else {
            let made = web_authority(cluster, now)?;
            store.add_authority("web", made.cert_pem(), made.key_pem())?;
            made
        };
        let ssh = |kind: &str| -> Result<SshAuthority, StateError> {
            if let Some((_, key)) = store.authority(kind)? {
                return Ok(SshAuthority::from_pem(&key)?);
            }
            let made = SshAuthority::generate()?;
            store.add_authority(kind, &made.authorized_key(), made.key_pem())?;
            Ok(made)
        };
        Ok(Self {
            by_kind,
            ssh: ssh("ssh_host")?,
            ssh_user: ssh("ssh_user")?,
            web,
        })
    }

    /// One of the four authorities.
    #[must_use]
    pub fn get(&self, kind: CaKind) -> &Arc<Authority> {
        &self.by_kind[&kind]
    }

    /// The SSH key that the login answer lists.
    #[must_use]
    pub fn ssh(&self) -> &SshAuthority {
        &self.ssh
    }

    /// The SSH key that signs users.
    #[must_use]
    pub fn ssh_user(&self) -> &SshAuthority {
        &self.ssh_user
    }

    /// The authority of the web certificate.
    #[must_use]
    pub fn web(&self) -> &WebAuthority {
        &self.web
    }
}
