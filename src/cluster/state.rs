//! What every part of a running cluster shares: names, authorities, documents, credentials.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use tokio::sync::{Semaphore, watch};

use super::audit::Audit;
use super::authorities::Authorities;
use super::ca::{Authority, CaKind};
use super::clock::Clock;
use super::dbservice::Passwords;
use super::documents::{Documents, User};
use super::issue;
use super::leaf::{Leaves, Trusts};
use super::lockout::{Rate, RateLimit};
use super::locks::{self, Holder, Lock, Locks};
use super::metrics::Metrics;
use super::random::{self, NoRandomness};
use super::sso::Sso;
use super::state_error::StateError;
use super::store::{Store, StoreError};
use super::ui::Report;
use super::users::Logins;
use crate::identity::Identity;
use crate::rbac::{Database, Role};

/// Password checks that run at the same time; each takes a processor and 19 MiB for a moment.
const PASSWORD_CHECKS: usize = 4;

/// Bytes that request bodies may hold together before anybody has logged in; one holds a few hundred.
const REQUEST_BYTES: usize = 16 << 20;

/// A web certificate from outside, and its key. `Debug` hides it.
#[derive(Clone)]
pub struct WebCertificate {
    /// The chain as DER, the server's certificate first.
    pub chain: Vec<Vec<u8>>,
    /// The key, as `rustls` takes it.
    pub key: Arc<rustls::pki_types::PrivateKeyDer<'static>>,
}

impl std::fmt::Debug for WebCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebCertificate(****)")
    }
}

/// What a cluster is opened with.
pub struct Setup {
    /// The name, also common name of its authorities.
    pub name: String,
    /// The address it listens on.
    pub listen: SocketAddr,
    /// `host:port` that the ping announces.
    pub public_addr: String,
    /// Roles, users, databases.
    pub documents: Documents,
    /// Whether a one-time code may be asked for; the documents' preference decides then.
    pub second_factor: bool,
    /// Login requests of one address.
    pub login_rate: Rate,
    /// The time.
    pub clock: Clock,
    /// The certificate that the web port shows; issued by the cluster's own authority when absent.
    pub web_certificate: Option<WebCertificate>,
    /// Gives temporary passwords for databases of cloud providers.
    pub passwords: Option<Arc<dyn Passwords>>,
    /// Takes lines for whoever runs the cluster.
    pub report: Report,
}

/// A cluster, shared by all its connections.
pub struct ClusterState {
    setup: Setup,
    host_id: String,
    documents: RwLock<Arc<Documents>>,
    authorities: RwLock<Arc<Authorities>>,
    web_certificate: RwLock<Option<WebCertificate>>,
    changes: watch::Sender<u64>,
    leaves: Arc<Leaves>,
    trusts: Arc<Trusts>,
    locks: Locks,
    metrics: Metrics,
    store: Arc<Store>,
    logins: Arc<Logins>,
    sso: Sso,
    audit: OnceLock<Audit>,
    login_rate: RateLimit,
    password_checks: Arc<Semaphore>,
    request_bytes: Semaphore,
}

impl std::fmt::Debug for ClusterState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClusterState")
            .field("name", &self.setup.name)
            .field("listen", &self.setup.listen)
            .finish_non_exhaustive()
    }
}

impl ClusterState {
    /// Opens the cluster: authorities and host identity are made at the first time and kept.
    ///
    /// # Errors
    /// When the state cannot be used, or belongs to a cluster of another name.
    pub fn open(mut setup: Setup, store: Arc<Store>) -> Result<Arc<Self>, StateError> {
        let kept = |name: &str,
                    make: &dyn Fn() -> Result<String, NoRandomness>|
         -> Result<String, StateError> {
            if let Some(value) = store.setting(name)? {
                return Ok(value);
            }
            let value = make()?;
            store.set_setting(name, &value)?;
            Ok(value)
        };
        let found = kept("cluster_name", &|| Ok(setup.name.clone()))?;
        if found != setup.name {
            return Err(StateError::OtherCluster {
                found,
                wanted: setup.name,
            });
        }
        let host_id = kept("host_id", &random::uuid)?;
        let authorities = Authorities::open(&store, &setup.name, (setup.clock)() / 1000)?;
        let documents = std::mem::take(&mut setup.documents);
        let web_certificate = RwLock::new(setup.web_certificate.take());
        let second_factor = setup.second_factor && documents.preference.second_factor;
        let logins = Arc::new(Logins::new(Arc::clone(&store), second_factor)?);
        let login_rate = RateLimit::new(setup.login_rate);
        let password_checks = Arc::new(Semaphore::new(PASSWORD_CHECKS));
        let leaves = Leaves::open(&setup.name, Arc::clone(&store))?;
        let trusts = Trusts::open(Arc::clone(&store))?;
        Ok(Arc::new(Self {
            setup,
            host_id,
            documents: RwLock::new(Arc::new(documents)),
            authorities: RwLock::new(Arc::new(authorities)),
            web_certificate,
            changes: watch::Sender::new(0),
            leaves: Arc::new(leaves),
            trusts: Arc::new(trusts),
            locks: Locks::open(Arc::clone(&store))?,
            metrics: Metrics::default(),
            sso: Sso::open(Arc::clone(&store))?,
            audit: OnceLock::new(),
            store,
            logins,
            login_rate,
            password_checks,
            request_bytes: Semaphore::new(REQUEST_BYTES),
        }))
    }

    /// The cluster's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.setup.name
    }

    /// The UUID of this host, kept in the state.
    #[must_use]
    pub fn host_id(&self) -> &str {
        &self.host_id
    }

    /// The address it listens on.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        self.setup.listen
    }

    /// `host:port` that the ping announces.
    #[must_use]
    pub fn public_addr(&self) -> &str {
        &self.setup.public_addr
    }

    /// The signing keys as they are now.
    #[must_use]
    pub fn authorities(&self) -> Arc<Authorities> {
        Arc::clone(
            &self
                .authorities
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// The authority of a kind that signs now.
    #[must_use]
    pub fn authority(&self, kind: CaKind) -> Arc<Authority> {
        Arc::clone(self.authorities().get(kind))
    }

    /// Reads the authorities of the state again, after somebody else rotated them. True when they are others now; the port
    /// shows that after `Front::renew`.
    ///
    /// # Errors
    /// When the state cannot be read; the former ones stay.
    pub fn reload_authorities(&self) -> Result<bool, StateError> {
        let kept = Authorities::kept(&self.store)?.ok_or(StateError::NoAuthorities)?;
        let mut present = self
            .authorities
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let other = !present.same(&kept);
        if other {
            *present = Arc::new(kept);
        }
        Ok(other)
    }

    /// The certificate that the web port shows, if it comes from outside.
    #[must_use]
    pub fn web_certificate(&self) -> Option<WebCertificate> {
        self.web_certificate
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Takes another certificate for the web port; `Front::renew` shows it.
    pub fn set_web_certificate(&self, certificate: Option<WebCertificate>) {
        *self
            .web_certificate
            .write()
            .unwrap_or_else(PoisonError::into_inner) = certificate;
    }

    /// Roles, users and databases as they are now. Whoever needs several of them takes this once.
    #[must_use]
    pub fn documents(&self) -> Arc<Documents> {
        Arc::clone(
            &self
                .documents
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Puts other documents in place of the present ones; they count from the next look on.
    pub fn replace_documents(&self, mut documents: Documents) {
        self.logins
            .set_second_factor(self.setup.second_factor && documents.preference.second_factor);
        let mut present = self
            .documents
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        documents.keep_label_results(&present);
        *present = Arc::new(documents);
        drop(present);
        self.note_change();
    }

    /// Puts results of commands into the dynamic labels, each for the names of a database and a label.
    pub(super) fn set_label_results(&self, results: Vec<((String, String), String)>) {
        let mut documents = self
            .documents
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut documents).set_label_results(results);
    }

    /// Counts the changes of what is allowed here: documents and locks.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Tells the holders of [`ClusterState::changes`] to look again.
    pub fn note_change(&self) {
        self.changes.send_modify(|n| *n += 1);
    }

    /// The clusters behind this one.
    #[must_use]
    pub fn leaves(&self) -> &Arc<Leaves> {
        &self.leaves
    }

    /// The clusters in front of this one.
    #[must_use]
    pub fn trusts(&self) -> &Arc<Trusts> {
        &self.trusts
    }

    /// The lock that concerns `holder` now, if one does: of those in the state, then of those in documents.
    #[must_use]
    pub fn lock_on(&self, holder: &Holder<'_>) -> Option<Lock> {
        let now = self.now();
        self.locks
            .hit(holder, now)
            .or_else(|| locks::first_hit(&self.documents().locks, holder, now))
    }

    /// Every lock, those of the state first; ended ones too.
    #[must_use]
    pub fn locks(&self) -> Vec<Lock> {
        let mut locks = Vec::clone(&self.locks.all());
        locks.extend(self.documents().locks.iter().cloned());
        locks
    }

    /// Reads the locks of the state again, after somebody else changed them. Sessions they concern are cut at once.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn reload_locks(&self) -> Result<(), StoreError> {
        if self.locks.reload()? {
            self.note_change();
        }
        Ok(())
    }

    /// Figures since the start.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// A role by name.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<Role> {
        self.documents().roles.get(name).cloned()
    }

    /// A user by name.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<User> {
        self.documents().users.get(name).cloned()
    }

    /// A database by name.
    #[must_use]
    pub fn database(&self, name: &str) -> Option<Database> {
        self.documents().databases.get(name).cloned()
    }

    /// Seconds of a login session when the user names no other.
    #[must_use]
    pub fn session_seconds(&self) -> i64 {
        self.documents().preference.session_seconds
    }

    /// Whether the holder of a certificate of this cluster still is a user of it: one of documents and state, or one whose
    /// single sign-on has not ended.
    #[must_use]
    pub fn is_known(&self, identity: &Identity) -> bool {
        let name = &identity.username;
        if issue::is_sso(identity) {
            self.sso.users().is_known(name, self.now())
        } else {
            self.documents().users.contains_key(name)
        }
    }

    /// Single sign-ons.
    #[must_use]
    pub fn sso(&self) -> &Sso {
        &self.sso
    }

    /// The record of what happens; none before [`ClusterState::set_audit`].
    #[must_use]
    pub fn audit(&self) -> Audit {
        self.audit.get().cloned().unwrap_or_default()
    }

    /// Records logins from now on. The first record counts.
    pub fn set_audit(&self, audit: Audit) {
        // Whoever opens a cluster does this once.
        let _ = self.audit.set(audit);
    }

    /// Passwords and one-time codes.
    #[must_use]
    pub fn logins(&self) -> &Arc<Logins> {
        &self.logins
    }

    /// The rate limit of login requests.
    #[must_use]
    pub fn login_rate(&self) -> &RateLimit {
        &self.login_rate
    }

    /// Bounds the password checks that run at the same time.
    #[must_use]
    pub fn password_checks(&self) -> &Arc<Semaphore> {
        &self.password_checks
    }

    /// Bounds what the bodies of login requests hold, a permit for each byte.
    #[must_use]
    pub fn request_bytes(&self) -> &Semaphore {
        &self.request_bytes
    }

    /// The state file.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Unix seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now_ms() / 1000
    }

    /// Unix milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        (self.setup.clock)()
    }

    /// Who gives temporary passwords for databases of cloud providers, if somebody does.
    #[must_use]
    pub fn passwords(&self) -> Option<&Arc<dyn Passwords>> {
        self.setup.passwords.as_ref()
    }

    /// Tells whoever runs the cluster.
    pub fn report(&self, line: &str) {
        (self.setup.report)(line);
    }
}
