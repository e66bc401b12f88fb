//! Database documents: YAML or JSON as `tctl create` takes them, and the JSON that listings print (db-client.md 13.7).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cloud::is_false;
use super::{AdminUser, Aws, Azure, Database, DynamicLabel, Gcp, Rare, Tls, TlsMode};
use crate::quote::quote;
use crate::rbac::DocumentError;
use crate::rbac::role::duration;

/// The resource as printed: keys, nesting and order of Teleport's JSON; structures that are empty stay, as there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Document {
    /// `db`.
    pub kind: String,
    /// `v3`.
    pub version: String,
    /// Name, description, labels.
    pub metadata: Metadata,
    /// What was configured.
    pub spec: Spec,
    /// What was found out.
    pub status: Status,
}

/// Name, description, labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "as in Database")]
pub struct Metadata {
    pub name: String,
    // Teleport has it on the wire only; no listing prints it.
    #[serde(skip_serializing)]
    pub namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub expires: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub revision: String,
}

/// What was configured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "as in Database")]
pub struct Spec {
    pub protocol: String,
    pub uri: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ca_cert: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub dynamic_labels: BTreeMap<String, Command>,
    pub aws: Rare<Aws>,
    pub gcp: Rare<Gcp>,
    pub azure: Rare<Azure>,
    pub tls: TlsFields,
    pub ad: Ad,
    pub mysql: MySql,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_user: Option<Admin>,
    pub mongo_atlas: MongoAtlas,
    pub oracle: Oracle,
}

/// What was found out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "as in Database")]
pub struct Status {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ca_cert: String,
    pub aws: Rare<Aws>,
    pub mysql: MySql,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub managed_users: Vec<String>,
    pub azure: Rare<Azure>,
}

/// A dynamic label.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "as in DynamicLabel")]
pub struct Command {
    pub period: Value,
    pub command: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub result: String,
}

/// TLS, with the mode as a number (when reading also as a word).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "as in Tls")]
pub struct TlsFields {
    pub mode: Value,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ca_cert: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub server_name: String,
    #[serde(skip_serializing_if = "is_false")]
    pub trust_system_cert_pool: bool,
}

impl Default for TlsFields {
    fn default() -> Self {
        Self {
            mode: 0.into(),
            ca_cert: String::new(),
            server_name: String::new(),
            trust_system_cert_pool: false,
        }
    }
}

/// Active Directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "as in Database")]
pub struct Ad {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub keytab_file: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub krb5_file: String,
    pub domain: String,
    pub spn: String,
}

/// MySQL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "as in Database")]
pub struct MySql {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub server_version: String,
}

/// The admin user; a database from a configuration file has one with empty texts, a dynamic one has none (tsh's listings).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "as in AdminUser")]
pub struct Admin {
    pub name: String,
    pub default_database: String,
}

/// MongoDB Atlas.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "as in Database")]
pub struct MongoAtlas {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// Oracle; nothing of it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oracle {}

const PROTOCOLS: [&str; 15] = [
    "postgres",
    "mysql",
    "mongodb",
    "cockroachdb",
    "redis",
    "sqlserver",
    "snowflake",
    "cassandra",
    "elasticsearch",
    "opensearch",
    "dynamodb",
    "oracle",
    "clickhouse",
    "clickhouse-http",
    "spanner",
];

impl Database {
    /// Reads a database document, fills cloud facts from well-known host names and validates it.
    ///
    /// # Errors
    /// If a field has the wrong type, the name or protocol is not allowed, or an admin user is set where users cannot be
    /// provisioned (text of rbac.md 7.1).
    pub fn from_document(document: &Value) -> Result<Self, DocumentError> {
        let document =
            Document::deserialize(document).map_err(|e| DocumentError::new(e.to_string()))?;
        if !document.kind.is_empty() && document.kind != "db" {
            return Err(DocumentError::new(format!(
                "unexpected resource kind {}, must be \"db\"",
                quote(&document.kind)
            )));
        }
        let mut database = document.into_database()?;
        check_name(&database.name)?;
        if !PROTOCOLS.contains(&database.protocol.as_str()) {
            return Err(DocumentError::new(format!(
                "unsupported database {} protocol {}, supported are: {}",
                quote(&database.name),
                quote(&database.protocol),
                PROTOCOLS.join(", ")
            )));
        }
        if database.uri.is_empty() {
            return Err(DocumentError::new(format!(
                "database {} URI is empty",
                quote(&database.name)
            )));
        }
        database.fill_from_uri();
        if database
            .admin_user
            .as_ref()
            .is_some_and(|a| !a.name.is_empty())
            && !database.supports_auto_users()
        {
            return Err(DocumentError::new(format!(
                "cannot set admin user on database {}: {}/{} databases don't support automatic user provisioning yet",
                quote(&database.name),
                database.protocol,
                database.kind()
            )));
        }
        Ok(database)
    }

    /// The document that listings print.
    #[must_use]
    pub fn to_document(&self) -> Document {
        Document {
            kind: "db".into(),
            version: "v3".into(),
            metadata: Metadata {
                name: self.name.clone(),
                namespace: self.namespace.clone(),
                description: self.description.clone(),
                labels: self.labels.clone(),
                expires: self.expires.clone(),
                revision: self.revision.clone(),
            },
            spec: Spec {
                protocol: self.protocol.clone(),
                uri: self.uri.clone(),
                ca_cert: self.ca_cert.clone(),
                dynamic_labels: self
                    .dynamic_labels
                    .iter()
                    .map(|(k, v)| (k.clone(), command(v)))
                    .collect(),
                aws: self.aws.clone(),
                gcp: self.gcp.clone(),
                azure: self.azure.clone(),
                tls: TlsFields {
                    mode: self.tls.mode.number().into(),
                    ca_cert: self.tls.ca_cert.clone(),
                    server_name: self.tls.server_name.clone(),
                    trust_system_cert_pool: self.tls.trust_system_cert_pool,
                },
                ad: Ad {
                    keytab_file: self.ad_keytab.clone(),
                    krb5_file: self.ad_krb5.clone(),
                    domain: self.ad_domain.clone(),
                    spn: self.ad_spn.clone(),
                },
                mysql: MySql {
                    server_version: self.mysql_version.clone(),
                },
                admin_user: self.admin_user.clone().map(|a| Admin {
                    name: a.name,
                    default_database: a.default_database,
                }),
                mongo_atlas: MongoAtlas {
                    name: self.mongo_atlas.clone(),
                },
                oracle: Oracle {},
            },
            status: Status {
                aws: self.status_aws.clone(),
                managed_users: self.managed_users.clone(),
                azure: self.status_azure.clone(),
                ..Status::default()
            },
        }
    }
}

impl Document {
    fn into_database(self) -> Result<Database, DocumentError> {
        let Self {
            metadata,
            spec,
            status,
            ..
        } = self;
        let dynamic_labels = spec
            .dynamic_labels
            .into_iter()
            .map(|(key, label)| {
                let period = duration("period", Some(&label.period))?;
                Ok((
                    key,
                    DynamicLabel {
                        period,
                        command: label.command,
                        result: label.result,
                    },
                ))
            })
            .collect::<Result<_, DocumentError>>()?;
        Ok(Database {
            name: metadata.name,
            namespace: metadata.namespace,
            description: metadata.description,
            labels: metadata.labels,
            expires: metadata.expires,
            revision: metadata.revision,
            protocol: spec.protocol,
            uri: spec.uri,
            dynamic_labels,
            admin_user: spec.admin_user.map(|a| AdminUser {
                name: a.name,
                default_database: a.default_database,
            }),
            tls: Tls {
                mode: tls_mode(&spec.tls.mode)?,
                ca_cert: spec.tls.ca_cert,
                server_name: spec.tls.server_name,
                trust_system_cert_pool: spec.tls.trust_system_cert_pool,
            },
            ca_cert: spec.ca_cert,
            aws: spec.aws,
            gcp: spec.gcp,
            azure: spec.azure,
            mongo_atlas: spec.mongo_atlas.name,
            mysql_version: spec.mysql.server_version,
            ad_keytab: spec.ad.keytab_file,
            ad_krb5: spec.ad.krb5_file,
            ad_domain: spec.ad.domain,
            ad_spn: spec.ad.spn,
            status_aws: status.aws,
            status_azure: status.azure,
            managed_users: status.managed_users,
            service_version: String::new(),
            health: String::new(),
        })
    }
}

fn command(label: &DynamicLabel) -> Command {
    Command {
        period: go_duration(label.period).into(),
        command: label.command.clone(),
        result: label.result.clone(),
    }
}

/// Nanoseconds as Go prints a duration of whole seconds: `1m0s`.
fn go_duration(nanoseconds: i64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

fn tls_mode(value: &Value) -> Result<TlsMode, DocumentError> {
    match value {
        Value::Null => Ok(TlsMode::VerifyFull),
        Value::String(word) => match word.as_str() {
            "" | "verify-full" => Ok(TlsMode::VerifyFull),
            "verify-ca" => Ok(TlsMode::VerifyCa),
            "insecure" => Ok(TlsMode::Insecure),
            other => Err(DocumentError::new(format!(
                "invalid TLS mode {}",
                quote(other)
            ))),
        },
        other => match other.as_i64() {
            Some(n @ 0..=2) => Ok(TlsMode::from_number(i32::try_from(n).unwrap_or_default())),
            _ => Err(DocumentError::new(format!("invalid TLS mode {other}"))),
        },
    }
}

/// Names match `^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$` (auth-api.md 5.1).
fn check_name(name: &str) -> Result<(), DocumentError> {
    let inner = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let ends = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric());
    if inner && ends {
        return Ok(());
    }
    Err(DocumentError::new(format!(
        "invalid database name {}: letters, digits and hyphens only",
        quote(name)
    )))
}
