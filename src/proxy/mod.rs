//! The local tunnel: PostgreSQL clients connect here in clear, and each gets a connection of its own to the cluster.
//!
//! Knows nothing of login, certificates or databases: [`Upstream`] opens the way, this module keeps both ends honest.
//!
//! | file | holds |
//! |---|---|
//! | `listen` | [`serve`]: accepts, bounds, stops |
//! | `socket` | [`Listener`] and what comes from it, TCP or a socket in the file system |
//! | `socket_file` | sockets in the file system: private places, what is in the way, what is left behind |
//! | `peer` | whose a connection is, by the system's table of sockets |
//! | `admission` | who is served: the same user only, unless told otherwise |
//! | `password` | a tunnel's own [`Password`], where the system cannot tell |
//! | `single` | [`serve_one`]: one client without a socket |
//! | `first` | reads a client's first packets up to the one that decides |
//! | `shared` | what all connections have in common: upstream, bounds, report, notes |
//! | `session` | one session: checks, opening, the start, then bytes |
//! | `start` | reads the start of the answer and completes the errors in it |
//! | `known_errors` | Teleport's texts: SQLSTATE, failing hop and advice for each |
//! | `answer` | errors of the tunnel's own, and closing so that they arrive |
//! | `cancel` | forwards a CancelRequest |
//! | `pipe` | the data phase |
//!
//! Source: transport.md 10.3-10.6, db-client.md 6.1.

mod admission;
mod answer;
mod cancel;
mod first;
pub mod known_errors;
mod listen;
mod password;
mod peer;
mod pipe;
mod session;
mod shared;
mod single;
mod socket;
#[cfg(unix)]
pub mod socket_file;
mod start;
#[cfg(test)]
mod testing;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::hop::Hop;
use crate::transport::BoxStream;

pub use listen::serve;
pub use password::Password;
pub use single::serve_one;
pub use socket::Listener;

/// A future that may be sent between threads, as trait methods return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a connection is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A session: the certificate may be renewed, a person may be asked.
    Session,
    /// A CancelRequest: takes the newest certificate there is, renews nothing and asks nobody.
    Cancel,
}

/// Opens connections to one database of the cluster.
pub trait Upstream: Send + Sync + 'static {
    /// Opens a stream that speaks PostgreSQL in clear: TLS and ping framing are inside. The future may be dropped at any
    /// time, when the client has gone.
    fn open(&self, purpose: Purpose) -> BoxFuture<'_, Result<BoxStream, UpstreamError>>;

    /// Opens another stream after the first one of a session was refused, where what it was opened with may have been stale;
    /// `None` where it was not, and the refusal stands. Asked at most once for each session, before its client was told
    /// anything.
    fn reopen(&self) -> BoxFuture<'_, Option<Reopened>> {
        Box::pin(std::future::ready(None))
    }

    /// Returns what the connection was made for; read once for each session.
    fn expected(&self) -> Expected;
}

/// A second try.
pub struct Reopened {
    /// What was given up, in one line.
    pub note: String,
    /// The other stream.
    pub stream: Result<BoxStream, UpstreamError>,
}

/// What a tunnel leads to, for checks, texts and hints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Database user to connect as.
    pub user: String,
    /// Name of the database to connect to, inside the server.
    pub name: String,
    /// The user is made on the way (automatic provisioning): no other name can work.
    pub automatic: bool,
    /// Requested database roles; empty means all allowed ones.
    pub roles: Vec<String>,
    /// The database belongs to a leaf cluster, which knows the user by a mapped name.
    pub remote: bool,
    /// Name of the root cluster.
    pub root_cluster: String,
    /// Name of the cluster that owns the database.
    pub cluster: String,
    /// Name of the database resource.
    pub database: String,
    /// `host:port` of the proxy.
    pub proxy: String,
}

/// Why no connection could be opened; told to the client as an ErrorResponse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UpstreamError {
    /// Where it failed.
    pub hop: Hop,
    /// A code of [`crate::pg::sqlstate`].
    pub sqlstate: &'static str,
    /// What failed, in one line.
    pub message: String,
    /// The command to run or the setting to change.
    pub hint: Option<String>,
}

/// Takes one-line notes for the person in front of the tunnel.
pub type Note = Arc<dyn Fn(&str) + Send + Sync>;

/// Limits of a tunnel.
#[derive(Clone)]
pub struct Options {
    /// Most sessions at a time; one more is told so (SQLSTATE 53300).
    pub max_sessions: usize,
    /// Most connections that are no session: clients that have not said what they want, and cancels.
    pub max_waiting: usize,
    /// How long a client may take until it has said what it wants.
    pub first_packet: Duration,
    /// How long a cancel is kept open for the cluster to close it, and how long opening one may take.
    pub cancel: Duration,
    /// Serve other users of this computer too.
    pub other_users: bool,
    /// Asked of every session.
    pub password: Option<Password>,
    /// Leave it to the cluster when a client names another user or database than [`Expected`] does.
    pub any_target: bool,
    /// Called for what the client program cannot show, such as a client that insists on TLS.
    pub note: Note,
}

impl Default for Options {
    /// 500 sessions, 64 other connections, 30 s, 10 s, for the same user and the announced target only, notes are dropped.
    fn default() -> Self {
        Self {
            max_sessions: 500,
            max_waiting: 64,
            first_packet: Duration::from_secs(30),
            cancel: Duration::from_secs(10),
            other_users: false,
            password: None,
            any_target: false,
            note: Arc::new(|_| {}),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("max_sessions", &self.max_sessions)
            .field("max_waiting", &self.max_waiting)
            .field("first_packet", &self.first_packet)
            .field("cancel", &self.cancel)
            .field("other_users", &self.other_users)
            .field("password", &self.password)
            .field("any_target", &self.any_target)
            .finish_non_exhaustive()
    }
}

/// What a tunnel has done, counted over its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Connections accepted.
    pub connections: u64,
    /// Sessions that reached ReadyForQuery.
    pub sessions: u64,
    /// CancelRequests whose bytes reached the cluster.
    pub cancels: u64,
    /// Clients that began with TLS, which is not spoken here.
    pub direct_tls: u64,
    /// Clients that left when TLS was refused.
    pub insisted_on_tls: u64,
    /// Errors told to clients before their session began, ours and the cluster's.
    pub refused: u64,
    /// Connections of other users of this computer that were refused.
    pub strangers: u64,
    /// Any client has sent a startup message. False: the program never got as far as PostgreSQL's protocol.
    pub startup_seen: bool,
}
