//! The leaf's side: the clusters in front of this one, as they introduced themselves when it joined, and how their links
//! are.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rustls::CertificateError;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;

use super::authority::PublicAuthority;
use super::wire::Joined;
use crate::cluster::store::{Store, StoreError, TrustRow};

/// A cluster whose users may come here.
pub struct Trust {
    /// Its name.
    pub root: String,
    /// Its host authority.
    pub host: PublicAuthority,
    /// Its user authority.
    pub user: PublicAuthority,
    /// Hash of the token it was joined with.
    pub(super) token_hash: String,
    joined: i64,
    users: Option<Arc<dyn ClientCertVerifier>>,
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

impl Trust {
    fn new(root: Joined, token_hash: String, joined: i64) -> Self {
        Self {
            users: root.user.verifier(),
            root: root.cluster,
            host: root.host,
            user: root.user,
            token_hash,
            joined,
        }
    }

    fn from_row(row: TrustRow) -> Option<Self> {
        let root = Joined {
            cluster: row.root,
            host: serde_json::from_str(&row.host_authority).ok()?,
            user: serde_json::from_str(&row.user_authority).ok()?,
        };
        Some(Self::new(root, row.token_hash, row.joined))
    }

    fn row(&self) -> TrustRow {
        let json = |authority| serde_json::to_string(authority).unwrap_or_default();
        TrustRow {
            root: self.root.clone(),
            host_authority: json(&self.host),
            user_authority: json(&self.user),
            token_hash: self.token_hash.clone(),
            joined: self.joined,
        }
    }

    /// Whether this cluster's user authority signed the certificate, and it is valid now.
    pub fn signed(&self, certificate: &CertificateDer<'_>, now: UnixTime) -> bool {
        self.verify(certificate, now).is_ok()
    }

    /// The same with the reason.
    ///
    /// # Errors
    /// `Expired` for a certificate that is not valid now, else `UnknownIssuer`.
    pub fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        now: UnixTime,
    ) -> Result<(), CertificateError> {
        let users = self.users.as_ref().ok_or(CertificateError::UnknownIssuer)?;
        match users.verify_client_cert(certificate, &[], now) {
            Ok(_) => Ok(()),
            Err(rustls::Error::InvalidCertificate(
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
            )) => Err(CertificateError::Expired),
            Err(_) => Err(CertificateError::UnknownIssuer),
        }
    }
}

/// How the link to a root is.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct LinkStatus {
    /// Whether it stands.
    pub online: bool,
    /// Why not, as far as known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// All clusters in front of this one.
pub struct Trusts {
    store: Arc<Store>,
    by_root: RwLock<BTreeMap<String, Arc<Trust>>>,
    links: Mutex<BTreeMap<String, LinkStatus>>,
}

impl fmt::Debug for Trusts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trusts").finish_non_exhaustive()
    }
}

impl Trusts {
    /// Reads what the state holds.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(store: Arc<Store>) -> Result<Self, StoreError> {
        let rows = store.trusts()?;
        let trusts = rows.into_iter().filter_map(Trust::from_row);
        Ok(Self {
            by_root: RwLock::new(trusts.map(|t| (t.root.clone(), Arc::new(t))).collect()),
            store,
            links: Mutex::default(),
        })
    }

    /// The cluster of that name, when it was joined.
    pub fn get(&self, root: &str) -> Option<Arc<Trust>> {
        self.read().get(root).cloned()
    }

    /// All that were joined, by name.
    pub fn all(&self) -> Vec<Arc<Trust>> {
        self.read().values().cloned().collect()
    }

    /// Keeps what a root said of itself when it was joined.
    ///
    /// # Errors
    /// When the state cannot be written; nothing changes then.
    pub(super) fn joined(
        &self,
        root: Joined,
        token_hash: String,
        now: i64,
    ) -> Result<Arc<Trust>, StoreError> {
        self.put(Trust::new(root, token_hash, now))
    }

    /// Takes over what a root says of itself now.
    ///
    /// # Errors
    /// When the state cannot be written; nothing changes then.
    pub(super) fn renewed(&self, old: &Trust, root: Joined) -> Result<(), StoreError> {
        if old.host == root.host && old.user == root.user {
            return Ok(());
        }
        self.put(Trust::new(root, old.token_hash.clone(), old.joined))
            .map(drop)
    }

    fn put(&self, trust: Trust) -> Result<Arc<Trust>, StoreError> {
        self.store.set_trust(&trust.row())?;
        let trust = Arc::new(trust);
        self.by_root
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(trust.root.clone(), Arc::clone(&trust));
        Ok(trust)
    }

    /// Forgets a root: its users are nobody here from now on.
    ///
    /// # Errors
    /// When the state cannot be written; they are nobody all the same, until the next start.
    pub(super) fn forget(&self, root: &str) -> Result<bool, StoreError> {
        self.by_root
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(root);
        self.links().remove(root);
        self.store.remove_trust(root)
    }

    /// How each link is, by the root's name.
    pub fn statuses(&self) -> BTreeMap<String, LinkStatus> {
        self.links().clone()
    }

    /// Notes that a link stands. True when it had failed before.
    pub(super) fn linked(&self, root: &str) -> bool {
        let status = LinkStatus {
            online: true,
            error: None,
        };
        let before = self.links().insert(root.to_owned(), status);
        before.is_some_and(|before| !before.online)
    }

    /// Notes that a link does not stand, and why.
    pub(super) fn failed(&self, root: &str, error: String) {
        let status = LinkStatus {
            online: false,
            error: Some(error),
        };
        self.links().insert(root.to_owned(), status);
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Arc<Trust>>> {
        self.by_root.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn links(&self) -> MutexGuard<'_, BTreeMap<String, LinkStatus>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ca::{Authority, CaKind, SubjectPublicKey};
    use crate::identity::Identity;

    const NOW: i64 = 1_795_419_051;

    fn authority(kind: CaKind) -> Authority {
        Authority::generate(kind, "root", NOW).expect("an authority")
    }

    fn joined(host: &Authority, user: &Authority) -> Joined {
        let of = |authority: &Authority| PublicAuthority {
            tls: vec![authority.cert_pem().to_owned()],
            ssh: vec![],
        };
        Joined {
            cluster: "root".into(),
            host: of(host),
            user: of(user),
        }
    }

    fn user_certificate(issuer: &Authority) -> CertificateDer<'static> {
        let pair = rcgen::KeyPair::generate().expect("a key");
        let key = SubjectPublicKey::from_pem(pair.public_key_pem().as_bytes()).expect("a key");
        let identity = Identity {
            username: "alice".into(),
            roles: vec!["plain".into()],
            teleport_cluster: "root".into(),
            ..Identity::default()
        };
        let der = issuer
            .issue_user(&identity, &key, NOW, NOW + 3600)
            .expect("a certificate");
        CertificateDer::from(der)
    }

    fn at(seconds: i64) -> UnixTime {
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds.cast_unsigned()))
    }

    #[test]
    fn what_was_joined_survives_a_restart_and_a_rotation_and_is_forgotten_for_good() {
        let dir = tempfile::tempdir().expect("a directory");
        let open = || {
            let store = Arc::new(Store::open(&dir.path().join("state.db")).expect("a store"));
            Trusts::open(store).expect("trusts")
        };
        let (host, user, next) = (
            authority(CaKind::Host),
            authority(CaKind::User),
            authority(CaKind::User),
        );
        let trusts = open();
        trusts
            .joined(joined(&host, &user), "hash".into(), NOW)
            .expect("a write");
        let trusts = open();
        let trust = trusts.get("root").expect("the root");
        assert_eq!(trust.token_hash, "hash");
        let certificate = user_certificate(&user);
        assert!(trust.signed(&certificate, at(NOW + 1)));
        assert!(!trust.signed(&certificate, at(NOW + 3601)), "expired");
        assert!(!trust.signed(&user_certificate(&next), at(NOW + 1)));
        assert!(
            !trust.signed(&user_certificate(&host), at(NOW + 1)),
            "hosts vouch for no person"
        );

        let mut both = joined(&host, &next);
        both.user.tls.push(user.cert_pem().to_owned());
        trusts.renewed(&trust, both).expect("a write");
        let trust = open().get("root").expect("the root");
        assert!(
            trust.signed(&certificate, at(NOW + 1))
                && trust.signed(&user_certificate(&next), at(NOW + 1))
        );

        let trusts = open();
        assert!(trusts.forget("root").expect("a write"));
        assert!(trusts.get("root").is_none() && open().get("root").is_none());
    }
}
