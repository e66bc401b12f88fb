//! What there is to know about a running cluster.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::keypair;
use super::reload::{Outcome, Reloader};
use crate::cluster::audit::Audit;
use crate::cluster::config::KeyPair;
use crate::cluster::dbservice::DbService;
use crate::cluster::mux::Front;
use crate::cluster::state::ClusterState;

/// A running cluster as its control socket and its diagnostic address see it.
pub(super) struct Watched {
    pub(super) state: Arc<ClusterState>,
    pub(super) databases: Arc<DbService>,
    pub(super) audit: Audit,
    pub(super) front: Arc<Front>,
    pub(super) reloader: Arc<Reloader>,
    pub(super) keypair: Option<KeyPair>,
    pub(super) ca_file: PathBuf,
    pub(super) started: i64,
}

/// The answer to `status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Name of the cluster.
    pub cluster: String,
    /// Version of the program.
    pub version: String,
    /// Process id.
    pub pid: u32,
    /// Start, RFC 3339 in UTC.
    pub started: String,
    /// Address it listens on.
    pub listen: String,
    /// `host:port` that clients are told.
    pub public_addr: String,
    /// PEM file of the cluster's own web authority.
    pub ca_file: PathBuf,
    /// UUID of the host.
    pub host_id: String,
    /// Roles in force.
    pub roles: usize,
    /// Users in force.
    pub users: usize,
    /// Databases that are served.
    pub databases: usize,
    /// Locks in force.
    pub locks: usize,
    /// Open sessions.
    pub sessions: usize,
    /// When the documents in force were read, RFC 3339 in UTC.
    pub documents_read: String,
    /// Why newer documents are not in force, `file:line: reason` a line; null when they are.
    pub documents_error: Option<String>,
    /// What was read but does not count.
    pub warnings: Vec<String>,
    /// The clusters behind this one and in front of it.
    #[serde(default)]
    pub linked: Vec<Linked>,
    /// Audit events that could not be written since the start.
    pub audit_missing: u64,
}

/// A cluster behind this one or in front of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// Its name.
    pub name: String,
    /// `leaf`, or `root` for one whose leaf this cluster is.
    pub r#type: String,
    /// `online` or `offline`.
    pub status: String,
    /// A leaf's last sign of life, RFC 3339 in UTC.
    pub last_heartbeat: Option<String>,
    /// Why there is no link with a root.
    pub error: Option<String>,
}

/// An open session, as `sessions` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Teleport user.
    pub user: String,
    /// Name of the database resource.
    pub database: String,
    /// Database user.
    pub db_user: String,
    /// Whether that was made for its sessions.
    pub automatic: bool,
    /// Database roles of an automatic user.
    pub db_roles: Vec<String>,
    /// Process id of the PostgreSQL backend.
    pub backend_pid: u32,
    /// Start, RFC 3339 in UTC.
    pub since: String,
    /// Where the client connects from.
    pub client: String,
}

impl Watched {
    pub(super) fn status(&self) -> Status {
        let state = &self.state;
        let documents = state.documents();
        let Outcome {
            loaded_at,
            error,
            warnings,
        } = self.reloader.outcome();
        let now = state.now();
        Status {
            cluster: state.name().to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started: moment(self.started),
            listen: state.listen().to_string(),
            public_addr: state.public_addr().to_owned(),
            ca_file: self.ca_file.clone(),
            host_id: state.host_id().to_owned(),
            roles: documents.roles.len(),
            users: documents.users.len(),
            databases: documents.databases.len(),
            locks: state.locks().iter().filter(|l| l.in_force(now)).count(),
            sessions: self.databases.sessions().len(),
            documents_read: moment(loaded_at),
            documents_error: error,
            warnings,
            linked: self.linked(),
            audit_missing: self.audit.missing(),
        }
    }

    fn linked(&self) -> Vec<Linked> {
        let status = |online| if online { "online" } else { "offline" }.to_owned();
        let leaves = self.state.leaves().all().into_iter().map(|leaf| Linked {
            name: leaf.name,
            r#type: "leaf".to_owned(),
            status: status(leaf.online),
            last_heartbeat: (leaf.last_heartbeat > 0).then(|| moment(leaf.last_heartbeat)),
            error: None,
        });
        let roots = self.state.trusts().statuses();
        let roots = roots.into_iter().map(|(name, link)| Linked {
            name,
            r#type: "root".to_owned(),
            status: status(link.online),
            last_heartbeat: None,
            error: link.error,
        });
        leaves.chain(roots).collect()
    }

    pub(super) fn sessions(&self) -> Vec<Session> {
        self.databases
            .sessions()
            .into_iter()
            .map(|s| Session {
                user: s.user,
                database: s.database,
                db_user: s.db_user,
                automatic: s.automatic,
                db_roles: s.roles,
                backend_pid: s.pid,
                since: moment(s.since),
                client: s.peer.to_string(),
            })
            .collect()
    }

    /// Reads everything again: configuration, documents, state, the web certificate.
    pub(super) fn reload(&self) -> Result<(), String> {
        let read = self.state.reload_authorities();
        let certificate = read.map_err(|e| e.to_string()).and_then(|_| self.renew());
        self.reloader.reload()?;
        certificate
    }

    /// Takes over what another process changed in the state.
    pub(super) fn changed(&self) -> Result<(), String> {
        let text = |e: &dyn std::fmt::Display| e.to_string();
        self.state.leaves().reload().map_err(|e| text(&e))?;
        self.state.logins().reload().map_err(|e| text(&e))?;
        if self.state.reload_authorities().map_err(|e| text(&e))? {
            self.front.renew().map_err(|e| text(&e))?;
            self.state.report("the rotated authorities are in force");
        }
        self.reloader.refresh()
    }

    /// Issues the certificates of the port anew; a web certificate of one's own is read again.
    pub(super) fn renew(&self) -> Result<(), String> {
        if let Some(pair) = &self.keypair {
            let certificate = keypair::load(pair).map_err(|e| e.to_string());
            match certificate {
                Ok(certificate) => self.state.set_web_certificate(Some(certificate)),
                Err(error) => {
                    self.state
                        .report(&format!("error: {error}; the former web certificate stays"));
                    return Err(error);
                }
            }
        }
        self.front.renew().map_err(|e| e.to_string())
    }
}

/// RFC 3339 in UTC.
pub(in crate::cluster) fn moment(seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|t| t.format(&Rfc3339).ok())
        .unwrap_or_default()
}
