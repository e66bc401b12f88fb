//! What an event says. Names, codes, fields and their order are those of db-service.md 2.10 and of recorded events.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::mask::masked;
use super::statements::Statement;
use crate::cluster::random;
use crate::cluster::version::SERVER_VERSION;

/// What all events of a session have in common.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) cluster: String,
    pub(super) server_id: String,
    pub(super) user: String,
    pub(super) user_roles: Vec<String>,
    pub(super) user_traits: BTreeMap<String, Vec<String>>,
    pub(super) user_cluster: String,
    pub(super) access_requests: Vec<String>,
    pub(super) session: String,
    /// Device of the second factor, empty without one.
    pub(super) with_mfa: String,
    pub(super) key_policy: String,
    pub(super) db_service: String,
    pub(super) db_protocol: String,
    pub(super) db_uri: String,
    pub(super) db_name: String,
    pub(super) db_user: String,
    pub(super) db_labels: BTreeMap<String, String>,
    pub(super) db_roles: Vec<String>,
    pub(super) db_type: String,
    pub(super) db_origin: String,
    /// Where the client's connection comes from.
    pub(super) peer: String,
    /// `application_name` of the client, empty when it named none.
    pub(super) user_agent: String,
}

/// One event.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) common: Arc<Common>,
    /// Number within the session.
    pub(super) index: u64,
    /// Unix milliseconds.
    pub(super) time: i64,
    pub(super) what: What,
}

/// What happened.
#[derive(Debug)]
pub(super) enum What {
    /// A session began, with the process id of its backend.
    Start { pid: u32 },
    /// A session was refused by roles.
    Denied { error: String },
    /// A session ended; unix milliseconds.
    End { start: i64, stop: i64 },
    /// The session was cut.
    Disconnect { reason: String },
    /// The client sent a statement.
    Statement(Statement),
    /// A user was made, or could not be.
    Create { error: Option<String> },
    /// A user was taken out of service, or could not be.
    Deactivate {
        dropped: bool,
        error: Option<String>,
    },
}

impl What {
    fn name_and_code(&self) -> (&'static str, &'static str) {
        match self {
            Self::Start { .. } => ("db.session.start", "TDB00I"),
            Self::Denied { .. } => ("db.session.start", "TDB00W"),
            Self::End { .. } => ("db.session.end", "TDB01I"),
            Self::Disconnect { .. } => ("client.disconnect", "T3006I"),
            Self::Create { error: None } => ("db.session.user.create", "TDB08I"),
            Self::Create { .. } => ("db.session.user.create", "TDB08W"),
            Self::Deactivate { error: None, .. } => ("db.session.user.deactivate", "TDB09I"),
            Self::Deactivate { .. } => ("db.session.user.deactivate", "TDB09W"),
            Self::Statement(statement) => match statement {
                Statement::Query { .. } => ("db.session.query", "TDB02I"),
                Statement::Parse { .. } => ("db.session.postgres.statements.parse", "TPG00I"),
                Statement::Bind { .. } => ("db.session.postgres.statements.bind", "TPG01I"),
                Statement::Execute { .. } => ("db.session.postgres.statements.execute", "TPG02I"),
                Statement::ClosePrepared { .. } | Statement::ClosePortal { .. } => {
                    ("db.session.postgres.statements.close", "TPG03I")
                }
                Statement::Function { .. } => ("db.session.postgres.function", "TPG04I"),
            },
        }
    }

    /// Bytes of the texts in it.
    fn weight(&self) -> usize {
        let texts = |texts: &[String]| -> usize {
            texts
                .iter()
                .map(|text| text.len() + size_of::<String>())
                .sum()
        };
        match self {
            Self::Statement(statement) => match statement {
                Statement::Query { text } => text.len(),
                Statement::Parse { name, text } => name.len() + text.len(),
                Statement::Bind {
                    name,
                    portal,
                    parameters,
                } => name.len() + portal.len() + texts(parameters),
                Statement::Execute { portal: name }
                | Statement::ClosePrepared { name }
                | Statement::ClosePortal { name } => name.len(),
                Statement::Function { arguments, .. } => texts(arguments),
            },
            Self::Denied { error }
            | Self::Disconnect { reason: error }
            | Self::Create { error: Some(error) }
            | Self::Deactivate {
                error: Some(error), ..
            } => error.len(),
            _ => 0,
        }
    }
}

impl Event {
    /// Bytes it takes while it waits, roughly.
    pub(super) fn weight(&self) -> usize {
        size_of::<Self>() + 64 + self.what.weight()
    }

    fn fields(&self) -> Fields {
        let common = &*self.common;
        let (name, code) = self.what.name_and_code();
        let mut fields = Fields(Vec::with_capacity(40));
        fields.put("ei", self.index);
        fields.put("event", name);
        // Without randomness it stays empty: an event is worth more than its identifier.
        fields.put("uid", random::uuid().unwrap_or_default());
        fields.put("code", code);
        fields.put("time", instant(self.time));
        fields.put("cluster_name", common.cluster.as_str());
        fields.put("user", common.user.as_str());
        if !common.access_requests.is_empty() {
            fields.put("access_requests", json!(common.access_requests));
        }
        fields.put("user_kind", 1);
        fields.put("user_roles", json!(common.user_roles));
        fields.put("user_traits", json!(common.user_traits));
        fields.put("user_cluster_name", common.user_cluster.as_str());
        fields.put("sid", common.session.as_str());
        fields.put_text("with_mfa", &common.with_mfa);
        fields.put("private_key_policy", common.key_policy.as_str());
        match &self.what {
            What::Start { pid } => {
                fields.server(common);
                fields.status(None);
                fields.database(common);
                fields.put("postgres_pid", *pid);
                fields.put_text("user_agent", &common.user_agent);
            }
            What::Denied { error } => {
                fields.server(common);
                fields.status(Some(error));
                fields.database(common);
                fields.put_text("user_agent", &common.user_agent);
            }
            What::End { start, stop } => {
                fields.database(common);
                fields.put("session_start", instant(*start));
                fields.put("session_stop", instant(*stop));
                fields.put("addr.local", common.db_uri.as_str());
                fields.put("addr.remote", common.peer.as_str());
                fields.put("proto", "db");
                fields.put("participants", json!([common.user]));
            }
            What::Disconnect { reason } => {
                fields.server(common);
                fields.put("addr.local", common.db_uri.as_str());
                fields.put("addr.remote", common.peer.as_str());
                fields.put("proto", "db");
                fields.put("reason", reason.as_str());
            }
            What::Create { error } => {
                fields.database(common);
                fields.status(error.as_deref());
                fields.put("username", common.db_user.as_str());
                fields.put("roles", json!(common.db_roles));
            }
            What::Deactivate { dropped, error } => {
                fields.database(common);
                fields.status(error.as_deref());
                fields.put("username", common.db_user.as_str());
                fields.put("delete", *dropped);
            }
            What::Statement(statement) => {
                fields.database(common);
                fields.statement(statement);
            }
        }
        fields
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.fields().serialize(serializer)
    }
}

/// Fields in their order.
#[derive(Default)]
pub(super) struct Fields(Vec<(&'static str, Value)>);

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Fields {
    pub(super) fn put(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.push((name, value.into()));
    }

    pub(super) fn put_text(&mut self, name: &'static str, text: &str) {
        if !text.is_empty() {
            self.put(name, text);
        }
    }

    fn server(&mut self, common: &Common) {
        self.put("namespace", "default");
        self.put("server_id", common.server_id.as_str());
        self.put("server_version", SERVER_VERSION);
    }

    pub(super) fn status(&mut self, error: Option<&str>) {
        self.put("success", error.is_none());
        if let Some(error) = error {
            self.put("error", error);
            self.put("message", error);
        }
    }

    fn database(&mut self, common: &Common) {
        self.put("db_service", common.db_service.as_str());
        self.put("db_protocol", common.db_protocol.as_str());
        self.put("db_uri", common.db_uri.as_str());
        self.put("db_name", common.db_name.as_str());
        self.put("db_user", common.db_user.as_str());
        self.put("db_labels", json!(common.db_labels));
        if !common.db_roles.is_empty() {
            self.put("db_roles", json!(common.db_roles));
        }
        self.put("db_type", common.db_type.as_str());
        self.put("db_origin", common.db_origin.as_str());
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Query { text } => {
                self.put("db_query", masked(text));
                self.status(None);
            }
            Statement::Parse { name, text } => {
                self.put("statement_name", name.as_str());
                self.put("query", masked(text));
            }
            Statement::Bind {
                name,
                portal,
                parameters,
            } => {
                self.put("statement_name", name.as_str());
                self.put("portal_name", portal.as_str());
                let parameters: Vec<_> = parameters.iter().map(|text| masked(text)).collect();
                self.put("parameters", json!(parameters));
            }
            Statement::Execute { portal } => self.put("portal_name", portal.as_str()),
            Statement::ClosePrepared { name } => self.put("statement_name", name.as_str()),
            Statement::ClosePortal { name } => self.put("portal_name", name.as_str()),
            Statement::Function { oid, arguments } => {
                self.put("function_oid", *oid);
                self.put("function_args", json!(arguments));
            }
        }
    }
}

/// A moment as Go writes it.
pub(super) fn instant(unix_ms: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(unix_ms) * 1_000_000)
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_default()
}
