//! A whole cluster with content, PostgreSQL included: started by `postern-cluster demo`, and in-process by tests.
//!
//! The state directory (mode 0700) holds `state.db`, `credentials.json`, `documents/*.yaml`, `ca.pem`, `audit.jsonl` and, unless root runs
//! it, PostgreSQL's data. Everything in it is kept from start to start. The directory `leaf` within holds the same for the leaf
//! cluster, which joins the first one as any other would.

mod content;
mod credentials;
mod leaf;
mod part;
mod postgres;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::clock::{Clock, system_clock};
use super::dbservice::DbService;
use super::documents::DocumentsError;
use super::lockout::Rate;
use super::postgres::PostgresError;
use super::postgres::find::Programs;
use super::postgres::place::Place;
use super::server::{self, ServerError, ServerOptions, Source};
use super::state::ClusterState;
use super::ui::Report;
use super::users::CredentialError;
pub use credentials::{Credential, CredentialsError};
use part::{Part, Prepared};

/// The port when none is asked for.
pub const DEFAULT_PORT: u16 = 3080;
/// Name of the cluster.
pub const CLUSTER_NAME: &str = "root";
/// How a demo cluster is started.
#[derive(Clone)]
pub struct Options {
    /// The state directory, made when missing.
    pub directory: PathBuf,
    /// The port, on 127.0.0.1; 0 for any free one.
    pub port: u16,
    /// `host[:port]` that the ping announces; `localhost` and the port when absent.
    pub public_addr: Option<String>,
    /// Whether one-time codes are asked for; false switches them off whatever the documents say.
    pub second_factor: bool,
    /// Whether database sessions are recorded in `audit.jsonl`.
    pub audit: bool,
    /// Name of the cluster.
    pub cluster_name: String,
    /// Whether a leaf cluster is started too, in the directory `leaf` within the state directory.
    pub leaf: bool,
    /// Login requests of one address.
    pub login_rate: Rate,
    /// The time.
    pub clock: Clock,
    /// Takes lines for whoever runs the cluster.
    pub report: Report,
}

impl Options {
    /// The usual options for a state directory: any free port.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            port: 0,
            public_addr: None,
            second_factor: true,
            audit: true,
            cluster_name: CLUSTER_NAME.to_owned(),
            leaf: true,
            login_rate: Rate::default(),
            clock: system_clock(),
            report: Arc::new(|_| ()),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("directory", &self.directory)
            .field("port", &self.port)
            .field("public_addr", &self.public_addr)
            .finish_non_exhaustive()
    }
}

/// Why the demo does not start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The port is not to be had.
    #[error(
        "cannot listen on {address}: {source}; choose another port with --port, or any free one with --port 0"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The cluster.
    #[error(transparent)]
    Server(ServerError),
    /// The documents.
    #[error(transparent)]
    Documents(#[from] DocumentsError),
    /// The credentials.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// PostgreSQL.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// The leaf cluster cannot be introduced to the root.
    #[error("the leaf cluster: {0}")]
    Link(String),
}

impl From<ServerError> for DemoError {
    fn from(error: ServerError) -> Self {
        match error {
            ServerError::Listen { address, source } => Self::Listen { address, source },
            other => Self::Server(other),
        }
    }
}

impl From<CredentialError> for DemoError {
    fn from(error: CredentialError) -> Self {
        Self::Credentials(error.into())
    }
}

/// What a client needs to know: the line that `--format json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Description {
    /// `host:port` to log in at.
    pub proxy: String,
    /// PEM file of the authority that signed the web certificate.
    pub ca_file: PathBuf,
    /// How the users log in.
    pub users: Vec<Credential>,
    /// PostgreSQL servers by cluster.
    pub postgres: Postgres,
}

/// The PostgreSQL servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Postgres {
    /// The one of the cluster itself.
    pub root: PostgresAddress,
    /// The one of the leaf cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaf: Option<PostgresAddress>,
}

/// How to reach a PostgreSQL server past the cluster: `psql -h HOST -p PORT -U SUPERUSER`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PostgresAddress {
    /// Directory of the socket.
    pub host: PathBuf,
    /// Port.
    pub port: u16,
    /// Name of the superuser.
    pub superuser: String,
}

/// A running demo cluster. Stop it with [`Running::stop`]; dropped, it stops serving at once and PostgreSQL soon after.
pub struct Running {
    /// The address it listens on.
    pub addr: SocketAddr,
    /// What a client needs to know.
    pub description: Description,
    /// What was noticed at the start but does not prevent it.
    pub warnings: Vec<String>,
    root: Part,
    leaf: Option<Part>,
}

/// Starts a demo cluster and returns when it accepts connections, and when its leaf, if it has one, is linked.
///
/// # Errors
/// When the directory is in use or damaged, the port taken, or PostgreSQL missing.
pub async fn start(options: Options) -> Result<Running, DemoError> {
    // On the heap: two clusters are started side by side.
    Box::pin(start_all(options)).await
}

async fn start_all(options: Options) -> Result<Running, DemoError> {
    let programs = Programs::find_here()?;
    let report = Arc::clone(&options.report);
    let usual = ServerOptions::new(options.cluster_name, options.directory);
    let settings = ServerOptions {
        listen: (Ipv4Addr::LOCALHOST, options.port).into(),
        public_addr: options.public_addr,
        second_factor: options.second_factor,
        audit: usual.audit.clone().filter(|_| options.audit),
        source: Some(Source::directory(usual.directory.join("documents"))),
        login_rate: options.login_rate,
        clock: options.clock,
        passwords: server::cloud_passwords(),
        report: options.report,
        ..usual
    };
    let usual = ServerOptions::new(leaf::NAME, settings.directory.join(leaf::NAME));
    let leaf_settings = ServerOptions {
        audit: usual.audit.filter(|_| options.audit),
        source: Some(Source::directory(usual.directory.join("documents"))),
        name: usual.name,
        directory: usual.directory,
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        public_addr: None,
        report: Arc::new(move |line| report(&format!("{}: {line}", leaf::NAME))),
        ..settings.clone()
    };
    let root = Prepared::new(settings).await?;
    // Both servers at once: each takes its time to start.
    let (root, leaf) = if options.leaf {
        let leaf = Prepared::new(leaf_settings).await?;
        let (root, leaf) = tokio::try_join!(
            root.with_postgres(&programs, content::ROOT),
            leaf.with_postgres(&programs, leaf::DOCUMENTS),
        )?;
        (root, Some(leaf))
    } else {
        (root.with_postgres(&programs, content::ROOT).await?, None)
    };
    let users = root.credentials()?;
    let root = root.start().await?;
    let mut warnings = root.cluster.warnings.clone();
    let leaf = match leaf {
        Some(leaf) => {
            leaf::introduce(&root.cluster, leaf.cluster(), leaf.documents())?;
            let leaf = leaf.start().await?;
            let (here, there) = (root.cluster.state(), leaf.cluster.state());
            warnings.extend(leaf.cluster.warnings.iter().cloned());
            warnings.extend(leaf::linked(here, there).await);
            Some(leaf)
        }
        None => None,
    };
    let description = Description {
        proxy: root.cluster.state().public_addr().to_owned(),
        ca_file: root.cluster.ca_file.clone(),
        users,
        postgres: Postgres {
            root: root.address(),
            leaf: leaf.as_ref().map(Part::address),
        },
    };
    Ok(Running {
        addr: root.cluster.addr,
        description,
        warnings,
        root,
        leaf,
    })
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("addr", &self.addr)
            .field("description", &self.description)
            .finish_non_exhaustive()
    }
}

impl Running {
    /// The shared state of the cluster.
    #[must_use]
    pub fn state(&self) -> &Arc<ClusterState> {
        self.root.cluster.state()
    }

    /// The database service.
    #[must_use]
    pub fn databases(&self) -> &Arc<DbService> {
        self.root.cluster.databases()
    }

    /// The shared state of the leaf cluster.
    #[must_use]
    pub fn leaf_state(&self) -> Option<&Arc<ClusterState>> {
        self.leaf.as_ref().map(|leaf| leaf.cluster.state())
    }

    /// Stops everything: no new connections, then database sessions with their automatic users, then PostgreSQL.
    ///
    /// # Errors
    /// When PostgreSQL had to be killed.
    pub async fn stop(self) -> Result<(), DemoError> {
        self.stop_all().await.map(drop)
    }

    /// As [`Running::stop`]; then removes what lies outside the state directory, for callers who remove that one.
    ///
    /// # Errors
    /// As [`Running::stop`].
    pub async fn discard(self) -> Result<(), DemoError> {
        for place in self.stop_all().await? {
            place.discard();
        }
        Ok(())
    }

    async fn stop_all(self) -> Result<Vec<Place>, DemoError> {
        // The leaf's sessions end while the link stands, so that their clients are told.
        let leaf = match self.leaf {
            Some(leaf) => Some(leaf.stop_cluster().await),
            None => None,
        };
        let root = async { self.root.stop_cluster().await.stop_postgres().await };
        let leaf = async {
            match leaf {
                Some(leaf) => leaf.stop_postgres().await.map(Some),
                None => Ok(None),
            }
        };
        let (root, leaf) = tokio::join!(root, leaf);
        Ok([Some(root?), leaf?].into_iter().flatten().collect())
    }
}
