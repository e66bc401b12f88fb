//! Databases as access decisions and listings see them (rbac.md 1.5, auth-api.md 5).

mod admin;
mod cloud;
mod document;
mod endpoint;
mod kind;
mod rare;
mod unset;

use std::collections::BTreeMap;

pub use admin::{ADMIN_DATABASE_LABEL, ADMIN_LABEL};
pub use cloud::{
    AlloyDb, Aws, Azure, AzureRedis, DocDb, Elasticache, ElasticacheServerless, Gcp,
    IamPolicyStatus, MemoryDb, OpenSearch, Rds, RdsProxy, Redshift, RedshiftServerless,
    SecretStore,
};
pub use document::{Document, Metadata, Spec, Status};
pub use kind::DatabaseKind;
pub use rare::{Empty, Rare};

use super::role::DEFAULT_NAMESPACE;

/// Label that carries the original name of a discovered database.
pub const DISCOVERED_NAME_LABEL: &str = "teleport.internal/discovered-name";

/// A database resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Database {
    /// Name of the resource.
    pub name: String,
    /// Namespace; empty counts as `default`.
    pub namespace: String,
    /// Description.
    pub description: String,
    /// `postgres`, `mysql`, …
    pub protocol: String,
    /// `host:port`, or what the protocol uses.
    pub uri: String,
    /// Static labels.
    pub labels: BTreeMap<String, String>,
    /// Labels whose value is the output of a command.
    pub dynamic_labels: BTreeMap<String, DynamicLabel>,
    /// Who provisions users, possibly with empty texts; see [`Database::admin`] for the effective one.
    pub admin_user: Option<AdminUser>,
    /// TLS to the database.
    pub tls: Tls,
    /// CA certificate in its old place; `tls.ca_cert` wins.
    pub ca_cert: String,
    /// AWS facts as configured.
    pub aws: Rare<Aws>,
    /// AWS facts as found out; these win unless empty.
    pub status_aws: Rare<Aws>,
    /// Google Cloud facts.
    pub gcp: Rare<Gcp>,
    /// Azure facts as configured.
    pub azure: Rare<Azure>,
    /// Azure facts as found out.
    pub status_azure: Rare<Azure>,
    /// Name of the MongoDB Atlas cluster.
    pub mongo_atlas: String,
    /// MySQL server version.
    pub mysql_version: String,
    /// File with the key for Active Directory, at the database service.
    pub ad_keytab: String,
    /// File with the Kerberos configuration, at the database service.
    pub ad_krb5: String,
    /// Active Directory domain.
    pub ad_domain: String,
    /// Service principal name.
    pub ad_spn: String,
    /// Users that the cluster manages.
    pub managed_users: Vec<String>,
    /// When the resource ends, RFC 3339; empty for never.
    pub expires: String,
    /// Revision of the stored resource.
    pub revision: String,
    /// `healthy`, `unhealthy`, `unknown`, or empty when the agent says nothing (auth-api.md 5.6).
    pub health: String,
    /// Version of the database service that serves it, as announced, of the oldest when several do; empty when not known. No
    /// part of the document.
    pub service_version: String,
}

/// A label whose value is the output of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DynamicLabel {
    /// Nanoseconds between runs.
    pub period: i64,
    /// Program and arguments; run by the agent, never by a client.
    pub command: Vec<String>,
    /// The output: the label's value.
    pub result: String,
}

/// The account that provisions users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdminUser {
    /// Name in the database.
    pub name: String,
    /// Database it logs in to; empty for the session's.
    pub default_database: String,
}

/// TLS to the database (db-service.md 2.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tls {
    /// How the server is verified.
    pub mode: TlsMode,
    /// CA certificates in PEM.
    pub ca_cert: String,
    /// Name to verify instead of the URI's host.
    pub server_name: String,
    /// Whether the system's authorities count too.
    pub trust_system_cert_pool: bool,
}

/// How a database server is verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TlsMode {
    /// Chain and name.
    #[default]
    VerifyFull,
    /// Chain only.
    VerifyCa,
    /// Not at all.
    Insecure,
}

impl TlsMode {
    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::VerifyFull => 0,
            Self::VerifyCa => 1,
            Self::Insecure => 2,
        }
    }

    /// The mode with this number; unknown ones verify everything.
    #[must_use]
    pub fn from_number(number: i32) -> Self {
        match number {
            1 => Self::VerifyCa,
            2 => Self::Insecure,
            _ => Self::VerifyFull,
        }
    }
}

impl Database {
    /// Static and dynamic labels; dynamic ones win.
    #[must_use]
    pub fn all_labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.labels.clone();
        labels.extend(
            self.dynamic_labels
                .iter()
                .map(|(key, label)| (key.clone(), label.result.clone())),
        );
        labels
    }

    /// The effective namespace.
    #[must_use]
    pub fn effective_namespace(&self) -> &str {
        if self.namespace.is_empty() {
            DEFAULT_NAMESPACE
        } else {
            &self.namespace
        }
    }

    /// The original name of a discovered database.
    #[must_use]
    pub fn discovered_name(&self) -> Option<&str> {
        self.labels
            .get(DISCOVERED_NAME_LABEL)
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    /// AWS facts: those found out unless empty.
    #[must_use]
    pub fn effective_aws(&self) -> &Aws {
        if self.status_aws.is_empty() {
            &self.aws
        } else {
            &self.status_aws
        }
    }

    /// Whether sessions name a database that roles must allow (rbac.md 6.1).
    #[must_use]
    pub fn enforces_names(&self) -> bool {
        !matches!(
            self.protocol.as_str(),
            "mysql"
                | "cockroachdb"
                | "redis"
                | "cassandra"
                | "elasticsearch"
                | "opensearch"
                | "dynamodb"
                | "snowflake"
                | "oracle"
                | "clickhouse"
                | "clickhouse-http"
                | "sqlserver"
        )
    }

    /// Whether a client has to name a database before it connects (rbac.md 9.3 step 2).
    #[must_use]
    pub fn needs_name(&self) -> bool {
        self.enforces_names() || matches!(self.protocol.as_str(), "oracle" | "sqlserver")
    }
}

#[cfg(test)]
mod tests;
