//! The root's side: the clusters that joined this one, and the links that stand.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;

use super::authority::{AuthorityError, PublicAuthority};
use super::document::is_cluster_name;
use super::link::Link;
use super::token::{self, Token};
use super::wire::JoinRequest;
use crate::cluster::lockout::{Rate, RateLimit};
use crate::cluster::store::{RemoteClusterRow, Store, StoreError};
use crate::quote::quote;

/// Clusters that may join.
const LEAVES: usize = 128;
/// Attempts to join of one address.
const JOINS: Rate = Rate {
    per_minute: 20,
    burst: 20,
};

/// A cluster that joined, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RemoteCluster {
    /// Its name.
    pub name: String,
    /// Whether its link stands.
    pub online: bool,
    /// When it joined, unix seconds.
    pub joined: i64,
    /// Its last sign of life, unix seconds; 0 before the first.
    pub last_heartbeat: i64,
}

/// Why a cluster may not join. The texts are for whoever runs it.
#[derive(Debug, thiserror::Error)]
pub(super) enum JoinError {
    /// Too many attempts.
    #[error("too many attempts to join; wait {0} s")]
    Rate(u64),
    /// The token is wrong, expired, removed or for something else.
    #[error(
        "the token is not valid: make one on the root with `postern-cluster tokens add --type trusted_cluster`"
    )]
    Token,
    /// The name is none.
    #[error("{} is no name of a cluster", quote(.0))]
    Name(String),
    /// The name is the root's own.
    #[error("the root is called {} itself: a leaf needs another name", quote(.0))]
    OwnName(String),
    /// What it sends as its authority is not that.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// A cluster of that name has joined before and is another one.
    #[error(
        "another cluster named {name} has joined before; if it is gone for good, remove it on the root with `postern-cluster clusters rm {name}`",
        name = .0
    )]
    Taken(String),
    /// There are enough.
    #[error("the root has {LEAVES} leaf clusters and takes no more")]
    Full,
    /// The root's state.
    #[error("the root cannot write its state")]
    Store(#[from] StoreError),
}

/// What a sign of life means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alive {
    /// Nothing new.
    Known,
    /// The cluster was offline before.
    Back,
    /// The cluster was removed: it does not belong here any more.
    Removed,
}

/// All clusters that joined this one.
pub struct Leaves {
    own_name: String,
    store: Arc<Store>,
    by_name: Mutex<BTreeMap<String, Leaf>>,
    joins: RateLimit,
}

struct Leaf {
    row: RemoteClusterRow,
    host: PublicAuthority,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    link: Option<Arc<Link>>,
    /// Its link was lost since this process began.
    lost: bool,
}

impl Leaf {
    fn new(row: RemoteClusterRow) -> Option<Self> {
        let host: PublicAuthority = serde_json::from_str(&row.host_authority).ok()?;
        Some(Self {
            verifier: host.verifier(),
            host,
            row,
            link: None,
            lost: false,
        })
    }
}

impl fmt::Debug for Leaves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaves")
            .field("own_name", &self.own_name)
            .finish_non_exhaustive()
    }
}

impl Leaves {
    /// Reads the clusters that joined the cluster `own_name`.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn open(own_name: &str, store: Arc<Store>) -> Result<Self, StoreError> {
        let leaves = Self {
            own_name: own_name.to_owned(),
            store,
            by_name: Mutex::default(),
            joins: RateLimit::new(JOINS),
        };
        leaves.reload()?;
        Ok(leaves)
    }

    /// Reads the state again: what another process removed from it is cut off.
    ///
    /// # Errors
    /// When it cannot be read; nothing changes then.
    pub fn reload(&self) -> Result<(), StoreError> {
        let rows = self.store.remote_clusters()?;
        let mut by_name = self.lock();
        let mut old = std::mem::take(&mut *by_name);
        for row in rows {
            let name = row.name.clone();
            let Some(mut leaf) = Leaf::new(row) else {
                continue;
            };
            if let Some(known) = old.remove(&name) {
                // A heartbeat of the running link may be newer than what was read.
                leaf.row.last_heartbeat = leaf.row.last_heartbeat.max(known.row.last_heartbeat);
                (leaf.link, leaf.lost) = (known.link, known.lost);
            }
            by_name.insert(name, leaf);
        }
        drop(by_name);
        for link in old.into_values().filter_map(|leaf| leaf.link) {
            link.cut();
        }
        Ok(())
    }

    /// All of them, by name.
    pub fn all(&self) -> Vec<RemoteCluster> {
        let by_name = self.lock();
        let listed = by_name.values().map(|leaf| RemoteCluster {
            name: leaf.row.name.clone(),
            online: leaf.link.is_some(),
            joined: leaf.row.joined,
            last_heartbeat: leaf.row.last_heartbeat,
        });
        listed.collect()
    }

    /// Whether a cluster of that name has joined.
    pub fn knows(&self, name: &str) -> bool {
        self.lock().contains_key(name)
    }

    /// The host authorities of all of them, by name.
    pub fn host_authorities(&self) -> Vec<(String, PublicAuthority)> {
        let by_name = self.lock();
        let all = by_name
            .iter()
            .map(|(name, leaf)| (name.clone(), leaf.host.clone()));
        all.collect()
    }

    /// The cluster whose host authority signed the client certificate, if there is one.
    pub fn signer(&self, certificate: &CertificateDer<'_>, now: UnixTime) -> Option<String> {
        let by_name = self.lock();
        by_name.iter().find_map(|(name, leaf)| {
            let verifier = leaf.verifier.as_ref()?;
            verifier
                .verify_client_cert(certificate, &[], now)
                .ok()
                .map(|_| name.clone())
        })
    }

    /// Removes a cluster: its link is cut, and it comes back only with a new token. False when there is none of that name.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn remove(&self, name: &str) -> Result<bool, StoreError> {
        let removed = self.store.remove_remote_cluster(name)?;
        self.reload()?;
        Ok(removed)
    }

    /// Takes a cluster in. Nothing is said about this cluster to one without a token.
    pub(super) fn join(
        &self,
        request: &JoinRequest,
        peer: IpAddr,
        now_ms: i64,
    ) -> Result<(), JoinError> {
        let now = now_ms / 1000;
        self.joins.take(peer, now_ms).map_err(JoinError::Rate)?;
        let token_hash =
            token::check(&self.store, &Token::new(&request.token), now)?.ok_or(JoinError::Token)?;
        let name = &request.cluster;
        if !is_cluster_name(name) {
            return Err(JoinError::Name(name.clone()));
        }
        if *name == self.own_name {
            return Err(JoinError::OwnName(name.clone()));
        }
        request.host.check(name)?;
        let mut by_name = self.lock();
        match by_name.get(name) {
            Some(known) if !shares_a_key(&known.host, &request.host) => {
                return Err(JoinError::Taken(name.clone()));
            }
            None if by_name.len() >= LEAVES => return Err(JoinError::Full),
            _ => {}
        }
        let row = RemoteClusterRow {
            name: name.clone(),
            host_authority: serde_json::to_string(&request.host).unwrap_or_default(),
            token_hash,
            joined: now,
            last_heartbeat: 0,
        };
        self.store.set_remote_cluster(&row)?;
        let link = by_name.remove(name).and_then(|leaf| leaf.link);
        if let Some(mut leaf) = Leaf::new(row) {
            leaf.link = link;
            by_name.insert(name.clone(), leaf);
        }
        Ok(())
    }

    /// Notes a sign of life over `link`, with the leaf's host authority as it is now.
    ///
    /// # Errors
    /// When the authority is not the leaf's, or the state cannot be written.
    pub(super) fn alive(
        &self,
        name: &str,
        link: &Arc<Link>,
        host: PublicAuthority,
        now: i64,
    ) -> Result<Alive, JoinError> {
        host.check(name)?;
        let json = serde_json::to_string(&host).unwrap_or_default();
        if !self.store.note_heartbeat(name, &json, now)? {
            return Ok(Alive::Removed);
        }
        let mut by_name = self.lock();
        let Some(leaf) = by_name.get_mut(name) else {
            return Ok(Alive::Removed);
        };
        if leaf.host != host {
            leaf.verifier = host.verifier();
            leaf.host = host;
            leaf.row.host_authority = json;
        }
        leaf.row.last_heartbeat = now;
        // The newest link counts: an older one is what the leaf gave up.
        let old = leaf.link.replace(Arc::clone(link));
        let back = std::mem::take(&mut leaf.lost);
        drop(by_name);
        if let Some(old) = old.filter(|old| !Arc::ptr_eq(old, link)) {
            old.cut();
        }
        Ok(if back { Alive::Back } else { Alive::Known })
    }

    /// Notes that `link` is no more. True when the cluster is offline now.
    pub(super) fn gone(&self, name: &str, link: &Arc<Link>) -> bool {
        let mut by_name = self.lock();
        let Some(leaf) = by_name.get_mut(name) else {
            return false;
        };
        let counted = leaf.link.as_ref().is_some_and(|l| Arc::ptr_eq(l, link));
        if counted {
            (leaf.link, leaf.lost) = (None, true);
        }
        counted
    }

    /// The standing link to a cluster.
    ///
    /// # Errors
    /// When there is none, or no such cluster.
    pub(super) fn link(&self, name: &str) -> Result<Arc<Link>, super::error::OpenError> {
        let by_name = self.lock();
        let leaf = by_name
            .get(name)
            .ok_or_else(|| super::error::OpenError::Unknown(name.to_owned()))?;
        leaf.link
            .clone()
            .ok_or_else(|| super::error::OpenError::Offline {
                cluster: name.to_owned(),
                last_heartbeat: leaf.row.last_heartbeat,
            })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Leaf>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A cluster that joins again shows a certificate that it showed before; after a rotation, one of several.
fn shares_a_key(known: &PublicAuthority, shown: &PublicAuthority) -> bool {
    let known = known.certificates();
    shown.certificates().iter().any(|c| known.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ca::{Authority, CaKind};

    const NOW: i64 = 1_795_419_051;
    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    struct Root {
        dir: tempfile::TempDir,
        store: Arc<Store>,
        leaves: Leaves,
    }

    fn root() -> Root {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Arc::new(Store::open(&dir.path().join("state.db")).expect("a store"));
        Root {
            leaves: Leaves::open("root", Arc::clone(&store)).expect("leaves"),
            store,
            dir,
        }
    }

    impl Root {
        fn token(&self) -> Token {
            token::add(&self.store, 60, NOW).expect("a token").0
        }

        fn join(&self, token: &Token, name: &str, host: &Authority) -> Result<(), String> {
            let request = JoinRequest {
                token: token.reveal().to_owned(),
                cluster: name.to_owned(),
                host: PublicAuthority {
                    tls: vec![host.cert_pem().to_owned()],
                    ssh: vec![],
                },
            };
            self.leaves
                .join(&request, PEER, NOW * 1000)
                .map_err(|e| e.to_string())
        }
    }

    fn authority(cluster: &str) -> Authority {
        Authority::generate(CaKind::Host, cluster, NOW).expect("an authority")
    }

    #[test]
    fn a_token_lets_in_a_cluster_with_its_own_authority_and_name() {
        let root = root();
        let (token, leaf) = (root.token(), authority("leaf"));
        let refused = |result: Result<(), String>, wanted: &str| {
            let text = result.expect_err(wanted);
            assert!(text.contains(wanted), "{text}");
        };
        refused(
            root.join(&Token::new("guess"), "leaf", &leaf),
            "the token is not valid",
        );
        refused(
            root.join(&token, "root", &authority("root")),
            "another name",
        );
        refused(root.join(&token, "a b", &leaf), "no name of a cluster");
        refused(
            root.join(&token, "leaf", &authority("root")),
            "is that of the cluster \"root\"",
        );
        assert!(!root.leaves.knows("leaf"));
        root.join(&token, "leaf", &leaf).expect("joined");
        root.join(&token, "leaf", &leaf)
            .expect("the same cluster again: its answer may have been lost");
        refused(
            root.join(&token, "leaf", &authority("leaf")),
            "another cluster named leaf",
        );
        root.join(&token, "leaf2", &authority("leaf2"))
            .expect("a second cluster");
        let names: Vec<String> = root.leaves.all().into_iter().map(|l| l.name).collect();
        assert_eq!(names, ["leaf", "leaf2"]);
        assert!(
            root.leaves
                .all()
                .iter()
                .all(|l| !l.online && l.last_heartbeat == 0)
        );
    }

    #[test]
    fn what_joined_survives_a_restart_and_a_removal_is_final() {
        let root = root();
        let (token, leaf) = (root.token(), authority("leaf"));
        root.join(&token, "leaf", &leaf).expect("joined");
        let again = Leaves::open("root", Arc::clone(&root.store)).expect("leaves");
        assert_eq!(again.all(), root.leaves.all());
        // As `postern-cluster clusters rm` does in a process of its own.
        let other = Store::open(&root.dir.path().join("state.db")).expect("a store");
        assert!(other.remove_remote_cluster("leaf").expect("a removal"));
        root.leaves.reload().expect("a look");
        assert!(!root.leaves.knows("leaf"));
        let text = root
            .join(&token, "leaf", &leaf)
            .expect_err("its token went along");
        assert!(text.contains("the token is not valid"), "{text}");
        assert!(!root.leaves.remove("leaf").expect("a removal"));
    }

    #[test]
    fn guessing_is_slowed_down() {
        let root = root();
        let leaf = authority("leaf");
        let wrong = Token::new("guess");
        let texts: Vec<String> = (0..30)
            .map(|_| root.join(&wrong, "leaf", &leaf).expect_err("wrong"))
            .collect();
        assert!(texts[0].contains("not valid"));
        assert!(texts[29].contains("too many attempts"), "{}", texts[29]);
    }

    #[test]
    fn a_certificate_is_the_leafs_when_its_authority_signed_it() {
        use crate::cluster::ca::HostRequest;
        let root = root();
        let token = root.token();
        let (one, two, stranger) = (authority("one"), authority("two"), authority("one"));
        root.join(&token, "one", &one).expect("joined");
        root.join(&token, "two", &two).expect("joined");
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(NOW.cast_unsigned()));
        let signer = |authority: &Authority| {
            let request = HostRequest {
                common_name: "x.one".into(),
                organization: "Proxy".into(),
                dns: vec![],
                ips: vec![],
                not_before: NOW - 60,
                not_after: NOW + 60,
            };
            let host = authority.issue_host(&request).expect("a certificate");
            root.leaves
                .signer(&CertificateDer::from(host.cert_der), now)
        };
        assert_eq!(signer(&one).as_deref(), Some("one"));
        assert_eq!(signer(&two).as_deref(), Some("two"));
        assert_eq!(signer(&stranger), None, "the name alone is nothing");
    }
}
