//! A whole cluster with content, PostgreSQL included: started by `postern-cluster demo`, and in-process by tests.
//!
//! The state directory (mode 0700) holds `state.db`, `credentials.json`, `documents/*.yaml`, `ca.pem`, `audit.jsonl` and, unless root runs
//! it, PostgreSQL's data. Everything in it is kept from start to start.

mod content;
mod credentials;
#[cfg(test)]
mod tests;

use std::fs::{File, TryLockError};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::audit::{self, Audit};
use super::ca::{CaError, CaKind, LOOPBACK_HOSTS};
use super::dbservice::DbService;
use super::documents::{Documents, DocumentsError};
use super::lockout::Rate;
use super::mux::{self, Front, TlsError};
use super::postgres::find::Programs;
use super::postgres::place::Place;
use super::postgres::server::{Server, Tls};
use super::postgres::{PostgresError, SUPERUSER, content as database_content};
use super::state::{Clock, ClusterState, Report, Setup, StateError, system_clock};
use super::store::{Store, StoreError};
use super::users::CredentialError;
use crate::identity::BACKDATING_SECONDS;
pub use credentials::{Credential, CredentialsError};

/// The port when none is asked for.
pub const DEFAULT_PORT: u16 = 3080;
/// Name of the cluster.
pub const CLUSTER_NAME: &str = "root";
/// Seconds for which PostgreSQL's certificate is valid; it is made anew at each start.
const SERVER_CERTIFICATE: i64 = 365 * 24 * 3600;
/// How long database sessions may take to end, automatic users included.
const SESSIONS: Duration = Duration::from_secs(20);
/// How long the last events of the audit log may take to be written.
const AUDIT: Duration = Duration::from_secs(5);
/// How often another port is tried for PostgreSQL.
const PORT_ATTEMPTS: usize = 3;

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
    /// A file or directory.
    #[error("{path}: {source}")]
    File {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another demo uses the directory.
    #[error("{0}: another cluster is running in this directory")]
    InUse(PathBuf),
    /// The port is not to be had.
    #[error(
        "cannot listen on 127.0.0.1:{port}: {source}; choose another port with --port, or any free one with --port 0"
    )]
    Listen {
        /// The port.
        port: u16,
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
    /// The credentials.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The shared state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The certificates of the port.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// PostgreSQL's certificate.
    #[error(transparent)]
    Authority(#[from] CaError),
    /// PostgreSQL.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
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
    state: Arc<ClusterState>,
    databases: Arc<DbService>,
    audit: Audit,
    server: Server,
    place: Place,
    front: JoinHandle<()>,
    stop_front: oneshot::Sender<()>,
    // Held as long as the directory is in use.
    _lock: File,
}

/// Starts a demo cluster and returns when it accepts connections.
///
/// # Errors
/// When the directory is in use or damaged, the port taken, or PostgreSQL missing.
pub async fn start(options: Options) -> Result<Running, DemoError> {
    let programs = Programs::find_here()?;
    let directory = prepare_directory(&options.directory)?;
    let lock = lock(&directory)?;
    let store = Arc::new(Store::open(&directory.join("state.db"))?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
        .await
        .map_err(|source| DemoError::Listen {
            port: options.port,
            source,
        })?;
    let addr = listener.local_addr().map_err(|source| DemoError::Listen {
        port: options.port,
        source,
    })?;
    let public_addr = public_addr(options.public_addr.as_deref(), addr.port())?;

    let place = Place::prepare(&directory, &store)?;
    let documents_directory = directory.join("documents");
    make_private(&documents_directory)?;
    let port = postgres_port(&store)?;
    content::write(&documents_directory, port)?;
    let authorities =
        super::state::Authorities::open(&store, &options.cluster_name, (options.clock)() / 1000)?;
    let server = start_postgres(
        &programs,
        &place,
        &store,
        &authorities,
        &documents_directory,
        port,
        (options.clock)() / 1000,
    )
    .await?;
    database_content::fill(&server).await?;

    let documents = Documents::load(&documents_directory)?;
    let users = credentials::ensure(
        &directory.join("credentials.json"),
        &store,
        documents.users.keys(),
    )?;
    let warnings = documents.warnings.clone();
    let second_factor = options.second_factor && documents.preference.second_factor;
    let (clock, report) = (Arc::clone(&options.clock), Arc::clone(&options.report));
    let setup = Setup {
        name: options.cluster_name,
        listen: addr,
        public_addr: public_addr.clone(),
        documents,
        second_factor,
        login_rate: options.login_rate,
        clock: options.clock,
        report: options.report,
    };
    let state = ClusterState::open(setup, store)?;
    let ca_file = directory.join("ca.pem");
    write_public(&ca_file, state.authorities().web().cert_pem())?;
    let audit = if options.audit {
        open_audit(&directory, &state, clock, report)?
    } else {
        Audit::off()
    };
    let databases = DbService::audited(
        Arc::clone(&state) as Arc<dyn super::dbservice::Catalog>,
        audit.clone(),
    );
    databases.sweep().await;
    let front = Front::new(&state, Arc::clone(&databases))?;
    let (stop_front, stopped) = oneshot::channel::<()>();
    let front = tokio::spawn(mux::serve(listener, front, async {
        // A dropped sender means the same as a message.
        let _ = stopped.await;
    }));
    let description = Description {
        proxy: public_addr,
        ca_file,
        users,
        postgres: Postgres {
            root: PostgresAddress {
                host: server.socket().to_owned(),
                port: server.port(),
                superuser: SUPERUSER.to_owned(),
            },
        },
    };
    Ok(Running {
        addr,
        description,
        warnings,
        state,
        databases,
        audit,
        server,
        place,
        front,
        stop_front,
        _lock: lock,
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
        &self.state
    }

    /// The database service.
    #[must_use]
    pub fn databases(&self) -> &Arc<DbService> {
        &self.databases
    }

    /// Stops everything: no new connections, then database sessions with their automatic users, then PostgreSQL.
    ///
    /// # Errors
    /// When PostgreSQL had to be killed.
    pub async fn stop(self) -> Result<(), DemoError> {
        self.stop_all().await.map(|_| ())
    }

    /// As [`Running::stop`]; then removes what lies outside the state directory, for callers who remove that one.
    ///
    /// # Errors
    /// As [`Running::stop`].
    pub async fn discard(self) -> Result<(), DemoError> {
        self.stop_all().await?.discard();
        Ok(())
    }

    async fn stop_all(self) -> Result<Place, DemoError> {
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
        self.server.stop().await?;
        Ok(self.place)
    }
}

fn open_audit(
    directory: &Path,
    state: &ClusterState,
    clock: Clock,
    report: Report,
) -> Result<Audit, DemoError> {
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
    .map_err(|source| DemoError::File { path, source })
}

fn prepare_directory(directory: &Path) -> Result<PathBuf, DemoError> {
    make_private(directory)?;
    directory.canonicalize().map_err(|source| DemoError::File {
        path: directory.to_owned(),
        source,
    })
}

fn make_private(path: &Path) -> Result<(), DemoError> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    let wrap = |source| DemoError::File {
        path: path.to_owned(),
        source,
    };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(wrap)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(wrap)
}

/// The system releases the lock when the process ends, however it ends.
fn lock(directory: &Path) -> Result<File, DemoError> {
    let path = directory.join("lock");
    let wrap = |source| DemoError::File {
        path: path.clone(),
        source,
    };
    let file = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(wrap)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DemoError::InUse(directory.to_owned())),
        Err(TryLockError::Error(source)) => Err(wrap(source)),
    }
}

/// The address to announce, with a port.
fn public_addr(given: Option<&str>, port: u16) -> Result<String, DemoError> {
    let Some(given) = given else {
        return Ok(format!("localhost:{port}"));
    };
    let wrong = || DemoError::PublicAddr(given.to_owned());
    let ipv6_literal = given.starts_with('[');
    let (host, rest) = match given.rsplit_once(':') {
        Some((host, rest)) if !ipv6_literal || host.ends_with(']') => (host, Some(rest)),
        _ => (given, None),
    };
    let plain = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    let legal =
        |c: char| c.is_ascii_alphanumeric() || "-._".contains(c) || (ipv6_literal && c == ':');
    if plain.is_empty() || !plain.chars().all(legal) {
        return Err(wrong());
    }
    match rest {
        Some(rest) => rest
            .parse::<u16>()
            .ok()
            .filter(|p| *p > 0)
            .map(|p| format!("{host}:{p}"))
            .ok_or_else(wrong),
        None => Ok(format!("{host}:{port}")),
    }
}

/// PostgreSQL's port of the last start, or a free one.
fn postgres_port(store: &Store) -> Result<u16, DemoError> {
    let kept = store.setting("postgres_port")?.and_then(|p| p.parse().ok());
    match kept {
        Some(port) => Ok(port),
        None => {
            let port = free_port()?;
            store.set_setting("postgres_port", &port.to_string())?;
            Ok(port)
        }
    }
}

fn free_port() -> Result<u16, DemoError> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    Ok(listener
        .and_then(|l| l.local_addr())
        .map_err(|source| DemoError::Listen { port: 0, source })?
        .port())
}

/// Starts PostgreSQL on its port, or on another one when that is taken; the documents follow.
async fn start_postgres(
    programs: &Programs,
    place: &Place,
    store: &Store,
    authorities: &super::state::Authorities,
    documents: &Path,
    mut port: u16,
    now: i64,
) -> Result<Server, DemoError> {
    let certificate = authorities.get(CaKind::Db).issue_db_server(
        &LOOPBACK_HOSTS,
        now - BACKDATING_SECONDS,
        now + SERVER_CERTIFICATE,
    )?;
    let tls = Tls {
        certificate: certificate.cert_pem(),
        key: certificate.key_pem().to_string(),
        client_authority: authorities.get(CaKind::DbClient).cert_pem().to_owned(),
    };
    let mut attempts = 0;
    loop {
        attempts += 1;
        let error = match Server::start(programs, place, &tls, port).await {
            Ok(server) => return Ok(server),
            Err(error) => error,
        };
        let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err();
        if !taken || attempts == PORT_ATTEMPTS {
            return Err(error.into());
        }
        let new = free_port()?;
        content::move_port(documents, port, new)?;
        store.set_setting("postgres_port", &new.to_string())?;
        port = new;
    }
}

fn write_public(path: &Path, text: &str) -> Result<(), DemoError> {
    std::fs::write(path, text).map_err(|source| DemoError::File {
        path: path.to_owned(),
        source,
    })
}
