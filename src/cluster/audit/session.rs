//! The events of one database session.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Log;
use super::event::{Common, Event, What};
use super::statements::Statements;
use super::writer::Entry;
use crate::cluster::random;
use crate::identity::Identity;
use crate::rbac::Database;

/// Label and value that say where a database document came from; without the label it was made at run time.
const ORIGIN: (&str, &str) = ("teleport.dev/origin", "dynamic");

/// What a session is known by when it is opened.
pub struct Opened<'a> {
    /// The certificate's holder.
    pub identity: &'a Identity,
    /// Where the client's connection comes from.
    pub peer: SocketAddr,
    /// When it came, unix milliseconds.
    pub arrived: i64,
    /// The database resource.
    pub database: &'a Database,
    /// Database user.
    pub user: &'a str,
    /// Database name.
    pub name: &'a str,
    /// Roles of an automatic user.
    pub roles: &'a [String],
    /// `application_name` of the client, empty when it named none.
    pub user_agent: String,
}

/// The log of one session. Recording never waits.
pub struct SessionLog {
    log: Arc<Log>,
    common: Arc<Common>,
    next: AtomicU64,
    arrived: i64,
}

impl SessionLog {
    pub(super) fn new(log: Arc<Log>, opened: Opened<'_>) -> Self {
        let Opened {
            identity, database, ..
        } = opened;
        let mut db_labels = database.labels.clone();
        let db_origin = db_labels
            .entry(ORIGIN.0.to_owned())
            .or_insert_with(|| ORIGIN.1.to_owned())
            .clone();
        let or = |text: &str, other: &str| if text.is_empty() { other } else { text }.to_owned();
        let common = Common {
            cluster: log.cluster.clone(),
            server_id: log.server_id.clone(),
            user: identity.username.clone(),
            user_roles: identity.roles.clone(),
            // A trait without values says nothing, and real clusters leave it out.
            user_traits: identity
                .traits
                .iter()
                .filter(|(_, values)| !values.is_empty())
                .map(|(name, values)| (name.clone(), values.clone()))
                .collect(),
            user_cluster: or(&identity.teleport_cluster, &log.cluster),
            access_requests: identity.active_requests.clone(),
            // Empty only when the system gives no random bytes; then no certificate was made either.
            session: random::uuid().unwrap_or_default(),
            with_mfa: identity.mfa_verified.clone(),
            key_policy: or(&identity.private_key_policy, "none"),
            db_service: database.name.clone(),
            db_protocol: database.protocol.clone(),
            db_uri: database.uri.clone(),
            db_name: opened.name.to_owned(),
            db_user: opened.user.to_owned(),
            db_labels,
            db_roles: opened.roles.to_vec(),
            db_type: database.kind().name().to_owned(),
            db_origin,
            peer: opened.peer.to_string(),
            user_agent: opened.user_agent,
        };
        Self {
            log,
            common: Arc::new(common),
            next: AtomicU64::new(0),
            arrived: opened.arrived,
        }
    }

    /// The session began; `pid` is its backend's process id. The record bears the time the connection came.
    pub fn started(&self, pid: u32) {
        self.put(self.arrived, What::Start { pid });
    }

    /// The session was refused by roles.
    pub fn denied(&self, error: String) {
        self.put(self.arrived, What::Denied { error });
    }

    /// The session was cut, and why.
    pub fn cut(&self, reason: &str) {
        let reason = reason.to_owned();
        self.put(self.now(), What::Disconnect { reason });
    }

    /// The session ended.
    pub fn ended(&self) {
        let stop = self.now();
        let start = self.arrived;
        self.put(stop, What::End { start, stop });
    }

    /// The user was made, or could not be.
    pub fn created(&self, error: Option<String>) {
        self.put(self.now(), What::Create { error });
    }

    /// The user was taken out of service (`dropped`: it is gone), or could not be.
    pub fn deactivated(&self, dropped: bool, error: Option<String>) {
        self.put(self.now(), What::Deactivate { dropped, error });
    }

    /// What looks at the bytes the client sends.
    pub fn tap(self: &Arc<Self>) -> Tap {
        Tap {
            log: Arc::clone(self),
            statements: Statements::default(),
        }
    }

    fn now(&self) -> i64 {
        (self.log.clock)()
    }

    fn put(&self, time: i64, what: What) {
        self.log.queue.put(Entry::Session(Event {
            common: Arc::clone(&self.common),
            index: self.next.fetch_add(1, Relaxed),
            time,
            what,
        }));
    }
}

/// Records the statements among the bytes a client sends.
pub struct Tap {
    log: Arc<SessionLog>,
    statements: Statements,
}

impl Tap {
    /// Takes the bytes, in any pieces, before they are sent on.
    pub fn feed(&mut self, bytes: &[u8]) {
        let Self { log, statements } = self;
        statements.feed(bytes, |statement| {
            log.put(log.now(), What::Statement(statement));
        });
    }
}
