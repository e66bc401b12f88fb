//! The database service: takes a tunnelled client connection, decides, opens the connection to PostgreSQL, relays.
//!
//! | file | holds |
//! |---|---|
//! | `startup` | the first packets, up to a startup message or a cancel request |
//! | `authorize` | who may open which session |
//! | `tls`, `configs`, `connect` | TLS to the database, login, greeting |
//! | `credential`, `password` | what a login proves itself by, and the exchange of a password |
//! | `pool` | admin connections, kept for the next change |
//! | `provision` | automatic users: activation and deactivation |
//! | `serve` | one client from its first packet to its end |
//! | `pass` | one whose database is behind another cluster |
//! | `relay` | the data phase |
//! | `finish` | the end of a backend |
//! | `teardown` | automatic users after the last session, and what a crash left behind |
//! | `key` | what makes a database user the same one |
//! | `sessions` | the open sessions |
//! | `monitor` | what cuts a session: locks, the certificate's end, idleness, a stop |
//! | `journal` | which users are in service, written down before they are |
//! | `cancel`, `errors` | cancel requests; what a client is told |
//!
//! Source: db-service.md. Beyond Teleport: errors carry severity, SQLSTATE and hint, the statement of a vanished client is
//! stopped, and a user is taken out of service whatever way its last session ended.

mod authorize;
mod cancel;
mod configs;
mod connect;
mod connect_error;
mod credential;
mod errors;
mod finish;
mod journal;
mod key;
mod message;
mod monitor;
mod pass;
mod password;
mod pool;
mod provision;
mod relay;
mod serve;
mod sessions;
mod startup;
mod teardown;
#[cfg(test)]
mod testpg;
#[cfg(test)]
mod tests;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{oneshot, watch};

use crate::cluster::audit::Audit;
use crate::cluster::ca::Authority;
use crate::cluster::locks::Lock;
use crate::cluster::metrics::Counter;
use crate::cluster::store::Store;
use crate::identity::Identity;
use crate::pg::CancelRequest;
use crate::rbac::{AccessChecker, Database};

use configs::Configs;
pub use credential::{Credential, PasswordError, Passwords};
use journal::Journal;
pub use monitor::{Limits, Reason};
pub use sessions::LiveSession;
use sessions::Sessions;

/// Any stream the service can talk over.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A stream of any kind.
pub type BoxedIo = Box<dyn Io>;

/// Why a certificate's holder is nobody here. The message reaches the client as it stands: it must already be masked as
/// db-service.md 1.3 says (mostly `access denied`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct AuthzError {
    /// The text.
    pub message: String,
    /// What the user can do, if there is something.
    pub hint: Option<String>,
}

/// Why a client is not served, told where PostgreSQL would tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// SQLSTATE.
    pub code: &'static str,
    /// The text.
    pub message: String,
    /// What the user can do, if there is something.
    pub hint: Option<String>,
}

impl From<AuthzError> for Denial {
    fn from(error: AuthzError) -> Self {
        Self {
            code: errors::DENIED,
            message: error.message,
            hint: error.hint,
        }
    }
}

/// What the service asks of the cluster it belongs to. Everything is asked again for each connection, so that changed
/// roles and databases count at once.
pub trait Catalog: Send + Sync + 'static {
    /// Name of the cluster.
    fn cluster_name(&self) -> String;
    /// A database resource by its exact name.
    fn database(&self, name: &str) -> Option<Database>;
    /// Every database resource: at start, what a crash left behind in them is cleaned up.
    fn databases(&self) -> Vec<Database>;
    /// The access checker for a certificate's holder: roles and traits of the certificate, role definitions of the
    /// cluster.
    ///
    /// # Errors
    /// When the holder is unknown, locked, or has no usable role.
    fn checker(&self, identity: &Identity) -> Result<AccessChecker, AuthzError>;
    /// The authority that signs client certificates for databases (`db_client`).
    fn db_client_authority(&self) -> Arc<Authority>;
    /// Certificates (DER) of the authorities that sign database servers (`db`).
    fn db_trust(&self) -> Vec<Vec<u8>>;
    /// The lock that concerns a certificate's holder now, if one does.
    fn lock_on(&self, identity: &Identity) -> Option<Lock>;
    /// What limits every session in time, beside what roles say.
    fn limits(&self) -> Limits;
    /// Changes when roles, databases or locks have changed.
    fn changes(&self) -> watch::Receiver<u64>;
    /// Where it is written down which users are in service; `None` for nowhere.
    fn store(&self) -> Option<Arc<Store>>;
    /// Unix seconds.
    fn now(&self) -> i64;
    /// Who gives temporary passwords for databases of cloud providers; `None` when they are not served.
    fn passwords(&self) -> Option<Arc<dyn Passwords>> {
        None
    }
    /// Takes a line for whoever runs the cluster: a user that could not be taken out of service, for one.
    fn warn(&self, line: &str);
}

/// The database service. One for each cluster.
pub struct DbService {
    catalog: Arc<dyn Catalog>,
    audit: Audit,
    sessions: Arc<Sessions>,
    configs: Arc<Configs>,
    pools: provision::AdminPools,
    journal: Journal,
    figures: Figures,
    stop: watch::Sender<bool>,
    tasks: watch::Sender<usize>,
}

impl DbService {
    /// Makes a service that is ready to serve and records nothing. Call [`DbService::recover`] once, before the first client.
    pub fn new(catalog: Arc<dyn Catalog>) -> Arc<Self> {
        Self::audited(catalog, Audit::off())
    }

    /// The same with an audit log of its sessions.
    pub fn audited(catalog: Arc<dyn Catalog>, audit: Audit) -> Arc<Self> {
        let journal = Journal::new(catalog.store());
        Arc::new(Self {
            catalog,
            journal,
            figures: Figures::default(),
            audit,
            sessions: Arc::default(),
            configs: Arc::default(),
            pools: provision::AdminPools::default(),
            stop: watch::Sender::new(false),
            tasks: watch::Sender::new(0),
        })
    }

    /// Serves one tunnelled client (path T of db-service.md 1.1) until its connection is closed.
    ///
    /// `stream` is the content of the client's TLS connection, ping framing removed; `identity` and `cert_not_after`
    /// (unix seconds) are those of the verified client certificate. Dropping the future does not end the session: that
    /// goes on, and what follows it (the end of the backend, the automatic user) is done even when the client is gone.
    pub async fn serve_tunnel<S: Io + 'static>(
        self: &Arc<Self>,
        stream: S,
        identity: Identity,
        cert_not_after: i64,
        peer: SocketAddr,
    ) {
        let (open, closed) = oneshot::channel();
        let client = serve::Client::new(Box::new(stream), open);
        let holder = serve::Holder {
            identity,
            cert_not_after,
            peer,
            arrived: self.audit.now_ms().unwrap_or_default(),
        };
        let service = Arc::clone(self);
        self.spawn(Box::pin(serve::serve(service, client, holder)));
        // Resolves, with an error, when the client's half is dropped.
        let _ = closed.await;
    }

    /// Tells a tunnelled client why it is not served: after its startup message, as PostgreSQL does. A cancel request gets
    /// no answer.
    pub async fn refuse<S: Io + 'static>(&self, stream: S, denial: Denial) {
        let (open, _closed) = oneshot::channel();
        pass::refuse(serve::Client::new(Box::new(stream), open), denial).await;
    }

    /// Passes a tunnelled client on to the stream that `open` gives, where another cluster serves it, until one of the two
    /// ends or this cluster has a reason to end it (a lock, a limit, its own end). The client is told why there is no such
    /// stream, and `lost` when it ends without a last word.
    pub async fn pass<S: Io + 'static, T: Io>(
        self: &Arc<Self>,
        stream: S,
        (identity, cert_not_after): (Identity, i64),
        peer: SocketAddr,
        open: impl Future<Output = Result<T, Denial>>,
        lost: Denial,
    ) {
        let _task = Task::begin(self.tasks.clone());
        let (ended, _) = oneshot::channel();
        let client = serve::Client::new(Box::new(stream), ended);
        let holder = serve::Holder {
            identity,
            cert_not_after,
            peer,
            arrived: 0,
        };
        pass::pass(self, client, &holder, open, lost).await;
    }

    /// Goes on where an earlier process ended, in the background: users whose sessions it did not live to clean up after are
    /// taken out of service, those in its journal until that is done, then those that [`DbService::sweep`] finds.
    pub fn recover(self: &Arc<Self>) {
        teardown::recover(self);
        let service = Arc::clone(self);
        self.spawn(async move {
            tokio::select! {
                () = teardown::sweep(&service) => {}
                () = service.stopping() => {}
            }
        });
    }

    /// Ends every open session that `which` picks, as a lock does: FATAL 57P01 with the reason where a message may stand.
    /// Gives their number.
    pub fn cut(&self, which: impl Fn(&LiveSession) -> bool, reason: &str) -> usize {
        self.sessions.cut(which, &Reason::Said(reason.to_owned()))
    }

    /// Cancels the running statement of an open session whose backend has this process id and key; any other request is
    /// dropped. For requests without a certificate: the key is the proof.
    pub async fn cancel_open(&self, request: &CancelRequest) {
        if let Some(backend) = self.sessions.backend(request) {
            // As for PostgreSQL, nobody is told what came of it.
            let _ = cancel::cancel(&backend.upstream, &backend.user, request).await;
        }
    }

    /// Takes managed users out of service that a crash of the cluster left enabled: on every database with an admin user,
    /// each that may log in and is not connected. Databases that cannot be reached are reported and passed over.
    pub async fn sweep(self: &Arc<Self>) {
        Box::pin(teardown::sweep(self)).await;
    }

    /// What became of clients since the start.
    #[must_use]
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// The open sessions, the oldest first.
    pub fn sessions(&self) -> Vec<LiveSession> {
        self.sessions.all()
    }

    /// Ends the service: no new sessions, the open ones end (FATAL 57P01 where a message may stand), every automatic user
    /// is taken out of service. False when that is not done after `deadline`.
    pub async fn shutdown(&self, deadline: Duration) -> bool {
        self.stop.send_replace(true);
        let mut tasks = self.tasks.subscribe();
        // The sender lives as long as `self`: the wait can end by the deadline only.
        let done = tokio::time::timeout(deadline, tasks.wait_for(|running| *running == 0)).await;
        self.pools.close();
        done.is_ok()
    }

    /// Starts work that [`DbService::shutdown`] waits for.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let task = Task::begin(self.tasks.clone());
        tokio::spawn(async move {
            let _task = task;
            work.await;
        });
    }

    /// Whether [`DbService::shutdown`] was called.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Resolves when the cluster stops.
    async fn stopping(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives as long as `self`.
        let _ = stop.wait_for(|stopping| *stopping).await;
    }
}

/// What became of clients since the start.
#[derive(Debug, Default)]
pub struct Figures {
    /// Sessions that were opened.
    pub opened: Counter,
    /// Sessions that were refused or failed to open, whatever the reason.
    pub refused: Counter,
}

/// One running piece of work, counted.
struct Task(watch::Sender<usize>);

impl Task {
    fn begin(tasks: watch::Sender<usize>) -> Self {
        tasks.send_modify(|running| *running += 1);
        Self(tasks)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}
