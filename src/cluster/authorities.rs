//! The signing keys of a cluster, kept in its state. While an authority is rotated ([`super::rotation`]) there are two of its
//! kind: one signs, both are trusted.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ca::phase::{Phase, kept_as};
use super::ca::ssh::SshAuthority;
use super::ca::{Authority, CaKind, WebAuthority, web_authority};
use super::state_error::StateError;
use super::store::{AuthorityRows, Pairs, Store};

/// The name under which the authority of the web certificate is kept.
const WEB: &str = "web";

/// The signing keys of a cluster.
#[derive(Debug)]
pub struct Authorities {
    by_kind: BTreeMap<CaKind, Kept>,
    ssh_user: Arc<SshAuthority>,
    web: WebAuthority,
}

/// One kind's.
#[derive(Debug)]
struct Kept {
    phase: Phase,
    since: Option<i64>,
    present: Keys,
    next: Option<Keys>,
}

#[derive(Debug)]
struct Keys {
    x509: Arc<Authority>,
    /// Hosts and users have SSH certificates too.
    ssh: Option<Arc<SshAuthority>>,
}

impl Authorities {
    /// Loads the authorities kept in `store` and makes those that are missing.
    ///
    /// # Errors
    /// When the state cannot be read or written, or holds a damaged key.
    pub fn open(store: &Store, cluster: &str, now: i64) -> Result<Self, StateError> {
        if let Some(kept) = Self::kept(store)? {
            return Ok(kept);
        }
        let found = store.authority_rows()?.present;
        let missing = |name: &str| !found.contains_key(name);
        for kind in CaKind::ALL {
            for name in kept_as(kind).iter().filter(|name| missing(name)) {
                if *name == kind.as_str() {
                    let made = Authority::generate(kind, cluster, now)?;
                    store.add_authority(name, made.cert_pem(), made.key_pem())?;
                } else {
                    let made = SshAuthority::generate()?;
                    store.add_authority(name, &made.authorized_key(), made.key_pem())?;
                }
            }
        }
        if missing(WEB) {
            let made = web_authority(cluster, now)?;
            store.add_authority(WEB, made.cert_pem(), made.key_pem())?;
        }
        Self::kept(store)?.ok_or(StateError::NoAuthorities)
    }

    /// Loads the authorities kept in `store`; `None` when one was not made yet.
    ///
    /// # Errors
    /// When the state cannot be read, or holds a damaged key.
    pub fn kept(store: &Store) -> Result<Option<Self>, StateError> {
        let rows = store.authority_rows()?;
        let Some((cert, key)) = rows.present.get(WEB) else {
            return Ok(None);
        };
        let web = WebAuthority::from_pem(cert, key)?;
        let mut by_kind = BTreeMap::new();
        for kind in CaKind::ALL {
            let Some(kept) = Kept::of(kind, &rows)? else {
                return Ok(None);
            };
            by_kind.insert(kind, kept);
        }
        let signing = by_kind[&CaKind::User].signing(CaKind::User);
        let Some(ssh_user) = signing.ssh.clone() else {
            return Ok(None);
        };
        Ok(Some(Self {
            by_kind,
            ssh_user,
            web,
        }))
    }

    /// The authority of a kind that signs now.
    #[must_use]
    pub fn get(&self, kind: CaKind) -> &Arc<Authority> {
        &self.by_kind[&kind].signing(kind).x509
    }

    /// How far the rotation of a kind is.
    #[must_use]
    pub fn phase(&self, kind: CaKind) -> Phase {
        self.by_kind[&kind].phase
    }

    /// Since when, unix seconds; `None` when it was never rotated.
    #[must_use]
    pub fn since(&self, kind: CaKind) -> Option<i64> {
        self.by_kind[&kind].since
    }

    /// All authorities of a kind that are to be trusted, in Teleport's order: the one that is or will be used, then the other.
    #[must_use]
    pub fn trusted(&self, kind: CaKind) -> Vec<&Arc<Authority>> {
        let ordered = self.by_kind[&kind].ordered();
        ordered.map(|keys| &keys.x509).collect()
    }

    /// The certificates of [`Authorities::trusted`] as one PEM text.
    #[must_use]
    pub fn trusted_pem(&self, kind: CaKind) -> String {
        let trusted = self.trusted(kind);
        trusted
            .iter()
            .map(|authority| authority.cert_pem())
            .collect()
    }

    /// The SSH keys that go with [`Authorities::trusted`], `authorized_keys` lines with their newline; none for databases.
    #[must_use]
    pub fn ssh_keys(&self, kind: CaKind) -> Vec<String> {
        let ordered = self.by_kind[&kind].ordered();
        ordered
            .filter_map(|keys| keys.ssh.as_ref())
            .map(|key| key.authorized_key())
            .collect()
    }

    /// The SSH key that signs users now.
    #[must_use]
    pub fn ssh_user(&self) -> &SshAuthority {
        &self.ssh_user
    }

    /// The authority of the web certificate.
    #[must_use]
    pub fn web(&self) -> &WebAuthority {
        &self.web
    }

    /// Whether nothing differs in `other`.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        CaKind::ALL.into_iter().all(|kind| {
            self.phase(kind) == other.phase(kind)
                && self.trusted_pem(kind) == other.trusted_pem(kind)
        })
    }
}

impl Kept {
    fn of(kind: CaKind, rows: &AuthorityRows) -> Result<Option<Self>, StateError> {
        let (phase, since) = match rows.phases.get(kind.as_str()) {
            Some((phase, since)) => (phase.parse()?, Some(*since)),
            None => (Phase::Standby, None),
        };
        let Some(present) = Keys::of(kind, &rows.present)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            phase,
            since,
            present,
            next: Keys::of(kind, &rows.next)?,
        }))
    }

    fn signing(&self, kind: CaKind) -> &Keys {
        match &self.next {
            Some(next) if self.phase.new_signs(kind) => next,
            _ => &self.present,
        }
    }

    fn ordered(&self) -> impl Iterator<Item = &Keys> {
        let (mut first, mut second) = (Some(&self.present), self.next.as_ref());
        if self.phase.new_leads() {
            std::mem::swap(&mut first, &mut second);
        }
        first.into_iter().chain(second)
    }
}

impl Keys {
    fn of(kind: CaKind, kept: &Pairs) -> Result<Option<Self>, StateError> {
        let names = kept_as(kind);
        let Some((cert, key)) = kept.get(kind.as_str()) else {
            return Ok(None);
        };
        let x509 = Arc::new(Authority::from_pem(cert, key)?);
        let ssh = match names.get(1).map(|name| kept.get(*name)) {
            None => None,
            Some(None) => return Ok(None),
            Some(Some((_, key))) => Some(Arc::new(SshAuthority::from_pem(key)?)),
        };
        Ok(Some(Self { x509, ssh }))
    }
}
