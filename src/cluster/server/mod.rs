//! One cluster as a whole: its directory, its port, its services. The demo puts content and PostgreSQL around it; a process
//! may run several, each in its own directory.
//!
//! The directory (mode 0700) holds `state.db`, `ca.pem`, `audit.jsonl` and `control.sock`.
//!
//! | file | holds |
//! |---|---|
//! | `directory`, `address`, `keypair` | what must be right before the start |
//! | `source`, `reload`, `watch` | documents: where they come from, and when they are read again |
//! | `renewal` | the certificates of the port, before they end |
//! | `control`, `status` | the socket for the commands of whoever runs the cluster |
//! | `diag` | health and figures over HTTP |

mod address;
pub mod control;
mod diag;
mod directory;
pub mod keypair;
mod reload;
mod renewal;
mod source;
pub mod status;
#[cfg(test)]
mod tests;
mod watch;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use super::audit::{self, Audit};
use super::authorities::Authorities;
use super::clock::{Clock, system_clock};
use super::config::{AuditFile, Config, DEFAULT_SHUTDOWN, Fixed, KeyPair};
use super::dbservice::{Catalog, DbService, Passwords};
use super::documents::{Documents, DocumentsError};
use super::labels::Labels;
use super::leaf;
use super::lockout::Rate;
use super::mux::{self, Front, TlsError};
use super::state::{ClusterState, Setup, WebCertificate};
use super::state_error::StateError;
use super::store::{Store, StoreError};
use super::ui::Report;
pub use directory::{DirectoryLock, make_private};
use reload::Reloader;
pub use source::Source;
use status::Watched;

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
    /// The record of database sessions; `None` for none.
    pub audit: Option<AuditFile>,
    /// Where documents come from; `None` when they never change but for users and locks of the state.
    pub source: Option<Source>,
    /// The configuration, read again with the documents, and what in it counts from start to stop.
    pub config: Option<(PathBuf, Fixed)>,
    /// A web certificate of one's own.
    pub https_keypair: Option<KeyPair>,
    /// Where health and figures are served.
    pub diag: Option<SocketAddr>,
    /// How long open sessions, automatic users included, may take to end at a stop.
    pub shutdown: Duration,
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
        let directory = directory.into();
        Self {
            name: name.into(),
            audit: Some(AuditFile::usual(&directory)),
            directory,
            listen: ([127, 0, 0, 1], 0).into(),
            public_addr: None,
            second_factor: true,
            source: None,
            config: None,
            https_keypair: None,
            diag: None,
            shutdown: DEFAULT_SHUTDOWN,
            login_rate: Rate::default(),
            clock: system_clock(),
            passwords: cloud_passwords(),
            report: Arc::new(|_| ()),
        }
    }
}

impl From<&Config> for ServerOptions {
    fn from(config: &Config) -> Self {
        let fixed = config.fixed.clone();
        let mut options = Self::new(fixed.cluster_name.clone(), fixed.data_dir.clone());
        options.listen = fixed.listen;
        options.public_addr.clone_from(&fixed.public_addr);
        options.audit.clone_from(&fixed.audit);
        options.source = Some(Source::from(config));
        options.https_keypair.clone_from(&fixed.https_keypair);
        options.diag = fixed.diag;
        options.shutdown = fixed.shutdown;
        options.login_rate = fixed.login_rate;
        options.config = Some((config.path.clone(), fixed));
        options
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
    /// The web certificate of one's own.
    #[error("{path}: {message}")]
    KeyPair {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
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
    diag: Option<TcpListener>,
    addr: SocketAddr,
    public_addr: String,
    web_certificate: Option<WebCertificate>,
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
        let web_certificate = options
            .https_keypair
            .as_ref()
            .map(keypair::load)
            .transpose()?;
        let (listener, addr) = listen(options.listen).await?;
        let diag = match options.diag {
            Some(address) => Some(listen(address).await?.0),
            None => None,
        };
        let public_addr = address::public(options.public_addr.as_deref(), addr.port())?;
        Ok(Self {
            options,
            directory,
            store,
            listener,
            diag,
            addr,
            public_addr,
            web_certificate,
            lock,
        })
    }

    /// Reads the documents from their source; none without one.
    ///
    /// # Errors
    /// When a file cannot be read, a document is wrong, or a name is taken twice.
    pub fn documents(&self) -> Result<Documents, ServerError> {
        match &self.options.source {
            Some(source) => Ok(source.load()?),
            None => Ok(Documents::default()),
        }
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

    /// Serves with `documents` and the users of the state, and returns when connections are accepted.
    ///
    /// # Errors
    /// When the state belongs to a cluster of another name, or a file cannot be written.
    pub async fn start(self, mut documents: Documents) -> Result<RunningServer, ServerError> {
        let Self {
            options,
            directory,
            store,
            listener,
            diag,
            addr,
            public_addr,
            web_certificate,
            lock,
        } = self;
        let base = documents.clone();
        documents.add_users(store.users()?.into_iter().map(|stored| stored.user));
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
            web_certificate,
            passwords: options.passwords,
            report: options.report,
        };
        let state = ClusterState::open(setup, store)?;
        let ca_file = directory.join("ca.pem");
        directory::write(&ca_file, state.authorities().web().cert_pem())?;
        let audit = match options.audit {
            Some(file) => open_audit(file, &state, clock, report)?,
            None => Audit::off(),
        };
        state.set_audit(audit.clone());
        let databases = DbService::audited(Arc::clone(&state) as Arc<dyn Catalog>, audit.clone());
        databases.recover();
        let labels = Labels::start(&state).await;
        let front = Front::new(&state, Arc::clone(&databases))?;
        let reloader = Reloader::new(Arc::clone(&state), options.source, options.config, base);
        let watched = Arc::new(Watched {
            state: Arc::clone(&state),
            databases: Arc::clone(&databases),
            audit: audit.clone(),
            front: Arc::clone(&front),
            reloader: Arc::clone(&reloader),
            keypair: options.https_keypair,
            ca_file: ca_file.clone(),
            started: state.now(),
        });
        let control = control::bind(&directory).map_err(|source| ServerError::File {
            path: directory.join(control::SOCKET),
            source,
        })?;
        let mut tasks = JoinSet::new();
        tasks.spawn(control::serve(control, Arc::clone(&watched)));
        tasks.spawn(reloader.watch());
        tasks.spawn(renewal::run(Arc::clone(&watched)));
        if let Some(listener) = diag {
            tasks.spawn(diag::serve(listener, Arc::clone(&watched)));
        }
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
            watched,
            shutdown: options.shutdown,
            tasks,
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
    watched: Arc<Watched>,
    shutdown: Duration,
    // What goes on beside: the control socket, the look at files, health and figures. Aborted when dropped.
    tasks: JoinSet<()>,
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

    /// Reads configuration, documents, state and web certificate again. What went wrong is reported too.
    ///
    /// # Errors
    /// Why former ones stay in force.
    pub async fn reload(&self) -> Result<(), String> {
        let watched = Arc::clone(&self.watched);
        tokio::task::spawn_blocking(move || watched.reload())
            .await
            .map_err(|e| e.to_string())?
    }

    /// Stops everything: no new connections, then database sessions with their automatic users. Gives the lock of the
    /// directory back, for callers who have more to end there.
    pub async fn stop(mut self) -> DirectoryLock {
        // Sessions first: ending the port would cut them off.
        if !self.databases.shutdown(self.shutdown).await {
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
        self.tasks.shutdown().await;
        self.labels.stop().await;
        drop(self.links);
        self.lock
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServerError> {
    let wrap = |source| ServerError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(wrap)?;
    let bound = listener.local_addr().map_err(wrap)?;
    Ok((listener, bound))
}

/// The links to other clusters, which end with this.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn open_audit(
    file: AuditFile,
    state: &ClusterState,
    clock: Clock,
    report: Report,
) -> Result<Audit, ServerError> {
    let path = file.path;
    Audit::to_file(audit::Setup {
        path: path.clone(),
        max_size: file.max_size,
        max_old: file.max_old,
        cluster: state.name().to_owned(),
        server_id: state.host_id().to_owned(),
        clock,
        report,
    })
    .map_err(|source| ServerError::File { path, source })
}
