//! State on disk: one JSON file per proxy, private keys beside it or in the keychain.
//!
//! ```text
//! HOME/current               file name of the profile used last
//! HOME/profiles/<proxy>.json a profile: certificate, host CAs, trust, where the key is
//! HOME/keys/<id>.pem         a private key, when the keychain is not used
//! HOME/certs/<proxy>/*.json  database certificates of its login, see [`certs`]
//! HOME/databases.json        what `db login` chose, without secrets
//! HOME/pg_service.conf       the same for libpq
//! HOME/lock                  held while anything above is written
//! ```
//!
//! Directories are 0700 and files 0600 from creation; every file is written beside its place, synced and renamed.

pub mod active;
mod authorities;
pub mod certs;
mod files;
pub mod identity_file;
pub mod key_pem;
pub mod keys;
mod lock;
pub mod openssh;
mod store;
pub mod tsh;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::compat::Server;
use crate::transport::network_env::NetworkEnv;
use crate::transport::route::Network;
use crate::transport::trust::Trust;

pub use active::Active;
pub use files::ProfileError;
pub use keys::KeyLocation;
pub use store::parse;

/// The number written to [`Profile::version`]; a file with a higher one is refused, not guessed at.
pub const VERSION: u32 = 1;

/// The directory with all state, and which of its profiles is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    dir: PathBuf,
    selected: Option<String>,
    network_env: Arc<NetworkEnv>,
    tsh: Option<PathBuf>,
    tsh_cluster: Option<String>,
    identity: Option<PathBuf>,
}

impl Home {
    /// Takes a directory; it is made when something is first written to it.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            selected: None,
            network_env: Arc::default(),
            tsh: None,
            tsh_cluster: None,
            identity: None,
        }
    }

    /// Finds the platform's directory for application data; `None` when the user has no home directory.
    pub fn platform() -> Option<Self> {
        use etcetera::BaseStrategy;
        let dirs = etcetera::base_strategy::choose_native_strategy().ok()?;
        Some(Self::new(dirs.data_dir().join("postern")))
    }

    /// Means the profile of this proxy (`HOST` or `HOST:PORT`, as typed or as announced) instead of the one used last.
    #[must_use]
    pub fn select(mut self, proxy: Option<String>) -> Self {
        self.selected = proxy.filter(|p| !p.is_empty());
        self
    }

    /// Takes what the environment says about the network: who loads a login from here will reach its proxy so.
    #[must_use]
    pub fn with_network_env(mut self, env: Arc<NetworkEnv>) -> Self {
        self.network_env = env;
        self
    }

    /// What the environment says about the network.
    pub fn network_env(&self) -> &Arc<NetworkEnv> {
        &self.network_env
    }

    /// The proxy asked for by [`Self::select`].
    pub fn selected(&self) -> Option<&str> {
        self.selected.as_deref()
    }

    /// Lets a login that tsh keeps in this directory stand in for one that is missing here; nothing is written there.
    #[must_use]
    pub fn with_tsh(mut self, dir: Option<PathBuf>) -> Self {
        self.tsh = dir;
        self
    }

    /// Chooses, among several profiles of tsh, the one with this cluster; a proxy that is selected counts more.
    #[must_use]
    pub fn with_tsh_cluster(mut self, cluster: Option<String>) -> Self {
        self.tsh_cluster = cluster.filter(|name| !name.is_empty());
        self
    }

    /// Takes the login from an identity file, or from a directory that tbot writes, and from nowhere else.
    #[must_use]
    pub fn with_identity(mut self, path: Option<PathBuf>) -> Self {
        self.identity = path;
        self
    }

    /// tsh's directory, when it counts.
    pub fn tsh(&self) -> Option<&Path> {
        self.tsh.as_deref()
    }

    /// The cluster that chooses among tsh's profiles.
    pub fn tsh_cluster(&self) -> Option<&str> {
        self.tsh_cluster.as_deref()
    }

    /// The identity file or directory, when one is meant.
    pub fn identity(&self) -> Option<&Path> {
        self.identity.as_deref()
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// Certificates of the authority that vouches for a cluster's own services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostCas {
    /// Name of the cluster.
    pub cluster: String,
    /// PEM, one certificate each; several while the authority is being rotated.
    pub certs_pem: Vec<String>,
}

impl HostCas {
    /// The certificates, DER. A block that is no PEM is left out.
    pub fn certs_der(&self) -> Vec<Vec<u8>> {
        use rustls::pki_types::{CertificateDer, pem::PemObject};
        self.certs_pem
            .iter()
            .filter_map(|pem| CertificateDer::from_pem_slice(pem.as_bytes()).ok())
            .map(|der| der.to_vec())
            .collect()
    }
}

/// Everything a login left behind, but the private key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Layout of the file, [`VERSION`].
    pub version: u32,
    /// `host:port` of the web port: what the cluster announced, and what to connect to.
    pub proxy: String,
    /// What the user typed for it, when that differs.
    #[serde(default)]
    pub asked: Vec<String>,
    /// Name of the root cluster.
    pub cluster: String,
    /// The cluster meant when none is named, where that is not the root: a profile of tsh may have a leaf selected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected_cluster: Option<String>,
    /// Teleport user name, as the cluster spells it.
    pub user: String,
    /// `server_version` of the ping; empty when it was not asked yet, as after reading a profile of tsh.
    pub server_version: String,
    /// User certificate, PEM.
    pub tls_cert_pem: String,
    /// Host CAs: the root cluster's as the login brought them, those of leafs once they were used.
    pub host_cas: Vec<HostCas>,
    /// Trust of the web port.
    #[serde(default)]
    pub trust: Trust,
    /// The way to the web port, as far as it is known.
    #[serde(default, skip_serializing_if = "Network::is_unknown")]
    pub network: Network,
    /// Where the private key of `tls_cert_pem` lies.
    pub key: KeyLocation,
    /// Unix seconds of the login.
    pub created: i64,
    /// How the login was made, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
}

/// The way in that a login took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Auth {
    /// `local`, or the name of a connector.
    pub connector: String,
    /// It was asked for by name; else it was the cluster's default at that time.
    #[serde(default)]
    pub by_name: bool,
}

impl Profile {
    /// Whether somebody else vouched for the person, and chose the user's name.
    pub fn by_sso(&self) -> bool {
        self.auth
            .as_ref()
            .is_some_and(|auth| auth.connector != "local")
    }

    /// The cluster whose databases are meant when none is named.
    pub fn default_cluster(&self) -> &str {
        self.selected_cluster.as_deref().unwrap_or(&self.cluster)
    }

    /// The root cluster's proxy, as far as its version changes what is sent to it.
    pub fn server(&self) -> Server {
        Server::of(&self.server_version)
    }

    /// Tells whether `HOST` or `HOST:PORT` means this proxy.
    pub fn answers_to(&self, proxy: &str) -> bool {
        std::iter::once(&self.proxy)
            .chain(&self.asked)
            .any(|known| {
                known.eq_ignore_ascii_case(proxy)
                    || known
                        .rsplit_once(':')
                        .is_some_and(|(host, _)| host.eq_ignore_ascii_case(proxy))
            })
    }

    /// The host CAs of a cluster, DER; empty when none are known. A block that is no PEM is left out.
    pub fn host_cas_der(&self, cluster: &str) -> Vec<Vec<u8>> {
        let of_cluster = self.host_cas.iter().filter(|cas| cas.cluster == cluster);
        of_cluster.flat_map(HostCas::certs_der).collect()
    }
}

#[cfg(test)]
mod tests;
