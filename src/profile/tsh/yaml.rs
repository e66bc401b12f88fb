//! `<host>.yaml`: what tsh remembers about a proxy (credentials.md 3.3).

use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;

use super::{TshError, is_plain, split};

/// A profile's settings; what is not needed is passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TshProfile {
    /// Name: the proxy's host, and the file's stem.
    #[serde(skip)]
    pub name: String,
    /// `host:port` of the web port.
    pub web_proxy_addr: String,
    /// Separate address for PostgreSQL, when there is one.
    pub postgres_proxy_addr: String,
    /// Teleport user.
    pub user: String,
    /// The selected cluster: the root or a leaf.
    pub cluster: String,
    /// Everything is on the web port, told apart by ALPN.
    pub tls_routing_enabled: bool,
    /// A load balancer in front needs the connection upgrade.
    pub tls_routing_conn_upgrade_required: bool,
    /// `none`, empty, or a hardware key policy.
    pub private_key_policy: String,
}

impl TshProfile {
    /// The selected cluster; the profile's name where the file has none.
    pub fn selected_cluster(&self) -> &str {
        if self.cluster.is_empty() {
            &self.name
        } else {
            &self.cluster
        }
    }

    /// The web port.
    pub fn port(&self) -> u16 {
        split(&self.web_proxy_addr).1.unwrap_or(443)
    }

    /// `host:port` of the web port.
    pub fn proxy(&self) -> String {
        match split(&self.web_proxy_addr) {
            (_, Some(_)) => self.web_proxy_addr.clone(),
            (host, None) if host.contains(':') => format!("[{host}]:443"),
            (host, None) => format!("{host}:443"),
        }
    }
}

/// Reads a profile; `None` when there is none, or one that tsh itself would not take (no proxy address).
///
/// # Errors
/// [`TshError::Io`], [`TshError::Damaged`].
pub(super) fn load(dir: &Path, name: &str) -> Result<Option<TshProfile>, TshError> {
    if !is_plain(name) {
        return Ok(None);
    }
    let path = dir.join(format!("{name}.yaml"));
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(e) => return Err(TshError::io(&path, &e)),
    };
    parse(&text, name).map_err(|what| TshError::damaged(&path, &what))
}

fn parse(text: &str, name: &str) -> Result<Option<TshProfile>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let profile: TshProfile = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    Ok(Some(profile)
        .filter(|it| !it.web_proxy_addr.is_empty())
        .map(|it| TshProfile {
            name: name.to_owned(),
            ..it
        }))
}
