//! The configuration of `postern-cluster start`: one YAML file. Every key is described in `docs/cluster.md`.
//!
//! Names and meanings are those of Teleport's own file where it has them (db-service.md 4.8). A key that is not known is a
//! mistake, not ignored; only what lies below `db_service` may come from Teleport's file, so that fields which do not count
//! there are named as ignored.

mod databases;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use databases::db_service;
pub use databases::{Matcher, StaticDatabase};

use super::audit;
use super::documents::located::{Located, Malformed};
use super::documents::preference::duration;
use super::documents::{Place, Preference, Problem};
use super::lockout::Rate;

/// Where the file is looked for when none is named.
pub const DEFAULT_FILE: &str = "/etc/postern-cluster/cluster.yaml";
/// The state directory when none is named.
pub const DEFAULT_DIRECTORY: &str = "/var/lib/postern-cluster";
/// The port when no address is named.
pub const DEFAULT_PORT: u16 = 3080;
/// How long open sessions may take to end at a stop.
pub const DEFAULT_SHUTDOWN: Duration = Duration::from_secs(20);

/// Longest name of a cluster, bytes: with the rest it fills a protocol name of TLS (transport.md 3.3). Teleport starts with
/// longer ones, and nobody can use them.
pub const LONGEST_NAME: usize = 109;

/// A configuration that is usable as far as the file itself goes.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it comes from.
    pub path: PathBuf,
    /// What cannot be changed while the cluster runs.
    pub fixed: Fixed,
    /// Databases of the file.
    pub databases: Vec<StaticDatabase>,
    /// Which database documents are served; `None` for all.
    pub matchers: Option<Vec<Matcher>>,
    /// What holds unless a document says otherwise.
    pub preference: Preference,
    /// Fields that do not count.
    pub warnings: Vec<String>,
}

/// The part of a configuration that counts from start to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// Name of the cluster.
    pub cluster_name: String,
    /// The address of the one port.
    pub listen: SocketAddr,
    /// `host[:port]` that clients are told.
    pub public_addr: Option<String>,
    /// The state directory.
    pub data_dir: PathBuf,
    /// The directory of the documents.
    pub documents_dir: PathBuf,
    /// Certificate chain and key of the web certificate, PEM files; made by the cluster's own authority when absent.
    pub https_keypair: Option<KeyPair>,
    /// Where health and figures are served, if anywhere.
    pub diag: Option<SocketAddr>,
    /// How long open sessions may take to end at a stop.
    pub shutdown: Duration,
    /// Login requests of one address.
    pub login_rate: Rate,
    /// The audit log; `None` for none.
    pub audit: Option<AuditFile>,
}

/// How the audit log is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditFile {
    /// The file.
    pub path: PathBuf,
    /// Size at which a new file is begun, bytes.
    pub max_size: u64,
    /// Older files that are kept.
    pub max_old: usize,
}

impl AuditFile {
    /// The usual file of a state directory.
    #[must_use]
    pub fn usual(directory: &Path) -> Self {
        Self {
            path: directory.join(audit::FILE_NAME),
            max_size: audit::MAX_SIZE,
            max_old: audit::MAX_OLD,
        }
    }
}

/// Two PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    /// The chain, the server's certificate first.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    cluster_name: String,
    listen_addr: Option<String>,
    public_addr: Option<String>,
    data_dir: Option<PathBuf>,
    documents_dir: Option<PathBuf>,
    https_keypair: Option<RawKeyPair>,
    diag_addr: Option<String>,
    #[serde(default)]
    shutdown_timeout: Value,
    #[serde(default)]
    login_rate: RawRate,
    #[serde(default)]
    audit: RawAudit,
    #[serde(default)]
    authentication: RawAuthentication,
    #[serde(default)]
    client_idle_timeout: Value,
    #[serde(default)]
    disconnect_expired_cert: bool,
    #[serde(default)]
    db_service: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKeyPair {
    cert_file: PathBuf,
    key_file: PathBuf,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRate {
    per_minute: Option<u32>,
    burst: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAudit {
    enabled: Option<bool>,
    file: Option<PathBuf>,
    max_size_mib: Option<u64>,
    max_old_files: Option<usize>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAuthentication {
    #[serde(default)]
    second_factor: Value,
    #[serde(default)]
    second_factors: Value,
    #[serde(default)]
    default_session_ttl: Value,
    #[serde(default)]
    r#type: Value,
    #[serde(default)]
    connector_name: Value,
    #[serde(default)]
    allow_local_auth: Value,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("{0}")]
    Content(Problem),
}

impl Config {
    /// Reads the file. Relative paths in it are relative to its directory.
    ///
    /// # Errors
    /// When it, or an authority it names, cannot be read, or something in it is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::File {
            path: path.to_owned(),
            source,
        })?;
        let problem = |line, message| {
            ConfigError::Content(Problem {
                place: Place {
                    path: path.to_owned(),
                    line,
                },
                message,
            })
        };
        let mut documents =
            Located::read(&text).map_err(|Malformed { line, message }| problem(line, message))?;
        let document = match (documents.pop(), documents.pop()) {
            (Some(document), None) => document,
            (None, _) => return Err(problem(None, "the file says nothing".to_owned())),
            (Some(second), Some(_)) => {
                return Err(problem(
                    Some(second.line),
                    "a configuration is one document; further ones belong into the documents' directory".to_owned(),
                ));
            }
        };
        Self::from_document(path, &document)
            .map_err(|message| problem(Some(document.line_for(&message)), message))
    }

    /// The state directory that a file names, whatever else is wrong in it: that of a running cluster, for one, whose
    /// configuration was broken afterwards.
    ///
    /// # Errors
    /// As [`Config::load`], when not even that can be found out.
    pub fn data_dir(path: &Path) -> Result<PathBuf, ConfigError> {
        let error = match Self::load(path) {
            Ok(config) => return Ok(config.fixed.data_dir),
            Err(error) => error,
        };
        let found = || {
            let text = std::fs::read_to_string(path).ok()?;
            let document = Located::read(&text).ok()?.into_iter().next()?;
            let directory = document.value["data_dir"].as_str().map(PathBuf::from);
            let base = path.parent().unwrap_or(Path::new(""));
            Some(base.join(directory.unwrap_or_else(|| DEFAULT_DIRECTORY.into())))
        };
        found().ok_or(error)
    }

    fn from_document(path: &Path, document: &Located) -> Result<Self, String> {
        let raw = Raw::deserialize(&document.value).map_err(|e| e.to_string())?;
        let base = path.parent().unwrap_or(Path::new(""));
        if raw.cluster_name.is_empty()
            || !raw
                .cluster_name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        {
            return Err(format!(
                "cluster_name {:?}: a name has letters, digits and - _ . only",
                raw.cluster_name
            ));
        }
        if raw.cluster_name.len() > LONGEST_NAME {
            return Err(format!(
                "cluster_name {:?}: a name has {LONGEST_NAME} bytes at most, or no client can ask for the cluster",
                raw.cluster_name
            ));
        }
        let data_dir = base.join(raw.data_dir.unwrap_or_else(|| DEFAULT_DIRECTORY.into()));
        let shutdown = match duration("shutdown_timeout", &raw.shutdown_timeout)? {
            Some(seconds) => Duration::from_secs(seconds.unsigned_abs()),
            None => DEFAULT_SHUTDOWN,
        };
        let default_rate = Rate::default();
        let fixed = Fixed {
            cluster_name: raw.cluster_name,
            listen: match &raw.listen_addr {
                Some(text) => address("listen_addr", text)?,
                None => ([0, 0, 0, 0], DEFAULT_PORT).into(),
            },
            public_addr: raw.public_addr,
            documents_dir: base.join(raw.documents_dir.unwrap_or_else(|| "documents".into())),
            https_keypair: raw.https_keypair.map(|pair| KeyPair {
                cert: base.join(pair.cert_file),
                key: base.join(pair.key_file),
            }),
            diag: raw
                .diag_addr
                .as_deref()
                .map(|text| address("diag_addr", text))
                .transpose()?,
            shutdown,
            login_rate: Rate {
                per_minute: raw.login_rate.per_minute.unwrap_or(default_rate.per_minute),
                burst: raw.login_rate.burst.unwrap_or(default_rate.burst),
            },
            audit: audit_file(&raw.audit, &data_dir)?,
            data_dir,
        };
        let mut preference = Preference::default();
        preference.authentication(&serde_json::json!({
            "second_factor": raw.authentication.second_factor,
            "second_factors": raw.authentication.second_factors,
            "default_session_ttl": raw.authentication.default_session_ttl,
            "type": raw.authentication.r#type,
            "connector_name": raw.authentication.connector_name,
            "allow_local_auth": raw.authentication.allow_local_auth,
            "disconnect_expired_cert": raw.disconnect_expired_cert,
        }))?;
        preference
            .networking(&serde_json::json!({"client_idle_timeout": raw.client_idle_timeout}))?;
        let (databases, matchers, warnings) = db_service(path, document, &raw.db_service)?;
        Ok(Self {
            path: path.to_owned(),
            fixed,
            databases,
            matchers,
            preference,
            warnings,
        })
    }
}

fn audit_file(raw: &RawAudit, data_dir: &Path) -> Result<Option<AuditFile>, String> {
    if raw.enabled == Some(false) {
        return Ok(None);
    }
    let max_size = match raw.max_size_mib {
        Some(0) => return Err("max_size_mib must be at least 1".to_owned()),
        Some(mebibytes) => mebibytes
            .checked_mul(1 << 20)
            .ok_or("max_size_mib is too large")?,
        None => audit::MAX_SIZE,
    };
    let file = raw.file.as_deref().unwrap_or(Path::new(audit::FILE_NAME));
    Ok(Some(AuditFile {
        path: data_dir.join(file),
        max_size,
        max_old: raw.max_old_files.unwrap_or(audit::MAX_OLD),
    }))
}

/// An address to listen on: names are not looked up, `localhost` apart.
fn address(what: &str, text: &str) -> Result<SocketAddr, String> {
    let plain = text
        .strip_prefix("localhost:")
        .map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    plain.parse().map_err(|_| {
        format!(
            "{what} {text:?} is no address of the form IP:PORT such as 127.0.0.1:3080 or [::]:3080"
        )
    })
}
