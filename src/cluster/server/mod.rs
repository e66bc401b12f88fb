//! One cluster as a whole: its directory, its port, its services. The demo puts content and PostgreSQL around it; a process
//! may run several, each in its own directory.
//!
//! The directory (mode 0700) holds `state.db`, `ca.pem` and `audit.jsonl`.

mod address;
mod directory;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::audit::{self, Audit};
use super::authorities::Authorities;
use super::dbservice::{Catalog, DbService, Passwords};
use super::documents::{Documents, DocumentsError};
use super::labels::Labels;
use super::leaf;
use super::lockout::Rate;
use super::mux::{self, Front, TlsError};
use super::state::{Clock, ClusterState, Report, Setup, StateError, system_clock};
use super::store::{Store, StoreError};
pub use directory::{DirectoryLock, make_private};

/// How long database sessions may take to end, automatic users included.
const SESSIONS: Duration = Duration::from_secs(20);
/// How long the last events of the audit log may take to be written.
const AUDIT: Duration = Duration::from_secs(5);

/// How a cluster is started.
#[derive(Clone)]
pub struct ServerOptions {
    /// Name of the cluster.
    pub name: String,
    /// The state directory, made when missing.
    pub directory: PathBuf,
    /// The address to listen on; port 0 for any free one.
    pub listen: SocketAddr,
    /// `host[:port]` that the ping announces; `localhost` and the port when absent.
    pub public_addr: Option<String>,
    /// Whether one-time codes are asked for; false switches them off whatever the documents say.
    pub second_factor: bool,
    /// Whether database sessions are recorded in `audit.jsonl`.
    pub audit: bool,
    /// Login requests of one address.
    pub login_rate: Rate,
    /// The time.
    pub clock: Clock,
    /// Gives temporary passwords for databases of cloud providers.
    pub passwords: Option<Arc<dyn Passwords>>,
    /// Takes lines for whoever runs the cluster.
    pub report: Report,
}

impl ServerOptions {
    /// The usual options: any free port of 127.0.0.1; AWS as the environment says, when built with it.
    pub fn new(name: impl Into<String>, directory: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            directory: directory.into(),
            listen: ([127, 0, 0, 1], 0).into(),
            public_addr: None,
            second_factor: true,
            audit: true,
            login_rate: Rate::default(),
            clock: system_clock(),
            passwords: cloud_passwords(),
            report: Arc::new(|_| ()),
        }
    }
}

/// AWS as the environment of the process says, when built with it.
#[cfg(feature = "redshift")]
#[must_use]
pub fn cloud_passwords() -> Option<Arc<dyn Passwords>> {
    Some(Arc::new(super::aws::Aws::from_environment()))
}

/// Nobody: built without the feature `redshift`.
#[cfg(not(feature = "redshift"))]
#[must_use]
pub fn cloud_passwords() -> Option<Arc<dyn Passwords>> {
    None
}

impl std::fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerOptions")
            .field("name", &self.name)
            .field("directory", &self.directory)
            .field("listen", &self.listen)
            .field("public_addr", &self.public_addr)
            .finish_non_exhaustive()
    }
}

/// Why a cluster does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A file or directory.
    #[error("{path}: {source}")]
    File {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another cluster uses the directory.
    #[error("{0}: another cluster is running in this directory")]
    InUse(PathBuf),
    /// The address is not to be had.
    #[error("cannot listen on {address}: {source}; choose another port, or 0 for any free one")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The address to announce is none.
    #[error("{0:?} is no address of the form HOST or HOST:PORT")]
    PublicAddr(String),
    /// The state file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The documents.
    #[error(transparent)]
    Documents(#[from] DocumentsError),
    /// The shared state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The certificates of the port.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A cluster that holds its directory and its port but does not serve yet.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    directory: PathBuf,
    store: Arc<Store>,
    listener: TcpListener,
    addr: SocketAddr,
    public_addr: String,
    lock: DirectoryLock,
}

impl Server {
    /// Takes the directory and the port. Nobody is answered before [`Server::start`].
    ///
    /// # Errors
    /// When the directory is in use or damaged, or the port taken.
    pub async fn prepare(options: ServerOptions) -> Result<Self, ServerError> {
        let directory = directory::prepare(&options.directory)?;
        let lock = DirectoryLock::take(&directory)?;
        let store = Arc::new(Store::open(&directory.join("state.db"))?);
        let wrap = |source| ServerError::Listen {
            address: options.listen,
            source,
        };
        let listener = TcpListener::bind(options.listen).await.map_err(wrap)?;
        let addr = listener.local_addr().map_err(wrap)?;
        let public_addr = address::public(options.public_addr.as_deref(), addr.port())?;
        Ok(Self {
            options,
            directory,
            store,
            listener,
            addr,
            public_addr,
            lock,
        })
    }

    /// The state directory, absolute.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The state file.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The signing keys, made at the first time.
    ///
    /// # Errors
    /// When the state cannot be read or written.
    pub fn authorities(&self) -> Result<Authorities, ServerError> {
        Ok(Authorities::open(
            &self.store,
            &self.options.name,
            self.now(),
        )?)
    }

    /// Unix seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        (self.options.clock)() / 1000
    }

    /// Serves with `documents` and returns when connections are accepted.
    ///
    /// # Errors
    /// When the state belongs to a cluster of another name, or a file cannot be written.
    pub async fn start(self, documents: Documents) -> Result<RunningServer, ServerError> {
        let Self {
            options,
            directory,
            store,
            listener,
            addr,
            public_addr,
            lock,
        } = self;
        let warnings = documents.warnings.clone();
        let (clock, report) = (Arc::clone(&options.clock), Arc::clone(&options.report));
        let setup = Setup {
            name: options.name,
            listen: addr,
            public_addr,
            documents,
            second_factor: options.second_factor,
            login_rate: options.login_rate,
            clock: options.clock,
            passwords: options.passwords,
            report: options.report,
        };
        let state = ClusterState::open(setup, store)?;
        let ca_file = directory.join("ca.pem");
        directory::write(&ca_file, state.authorities().web().cert_pem())?;
        let audit = if options.audit {
            open_audit(&directory, &state, clock, report)?
        } else {
            Audit::off()
        };
        let databases = DbService::audited(Arc::clone(&state) as Arc<dyn Catalog>, audit.clone());
        databases.recover();
        let labels = Labels::start(&state).await;
        let front = Front::new(&state, Arc::clone(&databases))?;
        let links = tokio::spawn(leaf::run_agent(Arc::clone(&front)));
        let (stop_front, stopped) = oneshot::channel::<()>();
        let front = tokio::spawn(mux::serve(listener, front, async {
            // A dropped sender means the same as a message.
            let _ = stopped.await;
        }));
        Ok(RunningServer {
            addr,
            ca_file,
            warnings,
            state,
            databases,
            audit,
            labels,
            front,
            stop_front,
            links: AbortOnDrop(links),
            lock,
        })
    }
}

/// A running cluster. Stop it with [`RunningServer::stop`]; dropped, it stops serving at once.
pub struct RunningServer {
    /// The address it listens on.
    pub addr: SocketAddr,
    /// PEM file of the authority that signed the web certificate.
    pub ca_file: PathBuf,
    /// What was noticed at the start but does not prevent it.
    pub warnings: Vec<String>,
    state: Arc<ClusterState>,
    databases: Arc<DbService>,
    audit: Audit,
    labels: Labels,
    front: JoinHandle<()>,
    stop_front: oneshot::Sender<()>,
    links: AbortOnDrop,
    // Held as long as the directory is in use.
    lock: DirectoryLock,
}

impl std::fmt::Debug for RunningServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunningServer")
            .field("addr", &self.addr)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl RunningServer {
    /// The shared state of the cluster.
    #[must_use]
    pub fn state(&self) -> &Arc<ClusterState> {
        &self.state
    }

    /// The database service.
    #[must_use]
    pub fn databases(&self) -> &Arc<DbService> {
        &self.databases
    }

    /// Stops everything: no new connections, then database sessions with their automatic users. Gives the lock of the
    /// directory back, for callers who have more to end there.
    pub async fn stop(self) -> DirectoryLock {
        // Sessions first: ending the port would cut them off.
        if !self.databases.shutdown(SESSIONS).await {
            self.state
                .report("some database sessions did not end in time");
        }
        if !self.audit.flush(AUDIT).await {
            self.state
                .report("the last events of the audit log are not written");
        }
        // The port may have ended already.
        let _ = self.stop_front.send(());
        let _ = self.front.await;
        self.labels.stop().await;
        drop(self.links);
        self.lock
    }
}

/// The links to other clusters, which end with this.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn open_audit(
    directory: &Path,
    state: &ClusterState,
    clock: Clock,
    report: Report,
) -> Result<Audit, ServerError> {
    let path = directory.join(audit::FILE_NAME);
    Audit::to_file(audit::Setup {
        path: path.clone(),
        max_size: audit::MAX_SIZE,
        max_old: audit::MAX_OLD,
        cluster: state.name().to_owned(),
        server_id: state.host_id().to_owned(),
        clock,
        report,
    })
    .map_err(|source| ServerError::File { path, source })
}
