//! The document with which a cluster becomes the leaf of another: `kind: trusted_cluster, version: v2`.
//!
//! Teleport's own documents load unchanged. Two labels say whom to trust at the first contact, where the system's authorities
//! do not: [`CA_PIN`] and [`CA_FILE`].

use std::path::PathBuf;

use serde_json::Value;

use super::token::Token;
use crate::rbac::leaf::{RoleMapping, check_role_map};

/// Label with the pin of the root's host authority, `sha256:…`: with it the root is recognised by that authority.
pub const CA_PIN: &str = "postern.dev/ca-pin";
/// Label with the path of a PEM file: the authorities in it are trusted for the root's web certificate beside the system's.
pub const CA_FILE: &str = "postern.dev/ca-file";
/// Port of an address that names none.
const PORT: u16 = 3080;

/// A cluster that this one joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedCluster {
    /// Name of that cluster, the root.
    pub name: String,
    /// Whether the link is wanted. When not, the root's users are nobody here.
    pub enabled: bool,
    /// Which roles its users have here.
    pub role_map: Vec<RoleMapping>,
    /// What it is joined with.
    pub token: TokenSource,
    /// `host:port` for joining.
    pub web_addr: String,
    /// `host:port` for the link.
    pub tunnel_addr: String,
    /// Pin of the root's host authority.
    pub ca_pin: Option<String>,
    /// Authorities of the root's web certificate.
    pub ca_file: Option<PathBuf>,
}

/// Where the token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// In the document.
    Text(Token),
    /// In a file of its own: the document names its absolute path.
    File(PathBuf),
    /// Nowhere: the cluster has joined already.
    None,
}

impl TokenSource {
    /// The token, read now.
    ///
    /// # Errors
    /// When the file cannot be read, with its path.
    pub(super) fn read(&self) -> Result<Option<Token>, (PathBuf, std::io::Error)> {
        match self {
            Self::Text(token) => Ok(Some(token.clone())),
            Self::None => Ok(None),
            Self::File(path) => match std::fs::read_to_string(path) {
                Ok(text) => Ok(Some(Token::new(&zeroize::Zeroizing::new(text)))),
                Err(error) => Err((path.clone(), error)),
            },
        }
    }
}

impl TrustedCluster {
    /// Whether both documents ask for the same link. What its users may do here is asked for each of them anew.
    pub(super) fn same_link(&self, other: &Self) -> bool {
        let plain = |document: &Self| Self {
            role_map: Vec::new(),
            ..document.clone()
        };
        plain(self) == plain(other)
    }

    /// Reads the document.
    ///
    /// # Errors
    /// What is wrong with it; texts about role maps are those of rbac.md 8.2.
    pub fn from_document(document: &Value) -> Result<Self, String> {
        let spec = &document["spec"];
        let text = |field: &str| match &spec[field] {
            Value::Null => Ok(String::new()),
            Value::String(text) => Ok(text.trim().to_owned()),
            _ => Err(format!("spec.{field} must be a text")),
        };
        let label = |name: &str| {
            document["metadata"]["labels"][name]
                .as_str()
                .filter(|v| !v.is_empty())
        };
        let name = document["metadata"]["name"].as_str().unwrap_or_default();
        if !is_cluster_name(name) {
            return Err(format!("{name:?} is no name of a cluster"));
        }
        let (tunnel, web) = (text("tunnel_addr")?, text("web_proxy_addr")?);
        let or = |one: &str, other: &str| if one.is_empty() { other } else { one }.to_owned();
        let token = match text("token")? {
            empty if empty.is_empty() => TokenSource::None,
            path if path.starts_with('/') => TokenSource::File(path.into()),
            token => TokenSource::Text(Token::new(&token)),
        };
        let ca_pin = label(CA_PIN).map(str::to_ascii_lowercase);
        if let Some(pin) = &ca_pin
            && !is_pin(pin)
        {
            return Err(format!(
                "label {CA_PIN}: {pin:?} is no pin of the form sha256:HEX"
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            enabled: match &spec["enabled"] {
                Value::Null => false,
                Value::Bool(enabled) => *enabled,
                _ => return Err("spec.enabled must be true or false".to_owned()),
            },
            role_map: role_map(spec)?,
            token,
            web_addr: address(&or(&web, &tunnel))?,
            tunnel_addr: address(&or(&tunnel, &web))?,
            ca_pin,
            ca_file: label(CA_FILE).map(PathBuf::from),
        })
    }
}

/// Whether a cluster can be named so: as much of it as certificates, ALPN and files take.
pub(super) fn is_cluster_name(name: &str) -> bool {
    // transport.md 3.3: 109 bytes is what fits the protocol's name.
    (1..=109).contains(&name.len())
        && !name.starts_with(['.', '-'])
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}

fn is_pin(pin: &str) -> bool {
    pin.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The role map, or the list of local roles that older documents have in its place (rbac.md 8.2).
fn role_map(spec: &Value) -> Result<Vec<RoleMapping>, String> {
    let strings = |value: &Value, what: &str| -> Result<Vec<String>, String> {
        match value {
            Value::Null => Ok(Vec::new()),
            Value::Array(values) => values
                .iter()
                .map(|v| v.as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .ok_or_else(|| format!("{what} must be a list of texts")),
            _ => Err(format!("{what} must be a list of texts")),
        }
    };
    let mut map = Vec::new();
    match &spec["role_map"] {
        Value::Null => {}
        Value::Array(entries) => {
            for entry in entries {
                map.push(RoleMapping {
                    remote: entry["remote"].as_str().unwrap_or_default().to_owned(),
                    local: strings(&entry["local"], "local of spec.role_map")?,
                });
            }
        }
        _ => return Err("spec.role_map must be a list".to_owned()),
    }
    let roles = strings(&spec["roles"], "spec.roles")?;
    match (map.is_empty(), roles.is_empty()) {
        (false, false) => return Err("spec.role_map and spec.roles exclude each other".to_owned()),
        (true, false) => map.push(RoleMapping {
            remote: "*".to_owned(),
            local: roles,
        }),
        (true, true) => return Err("spec.role_map is missing: nobody would have a role".to_owned()),
        (false, true) => {}
    }
    check_role_map(&map).map_err(|e| e.to_string())?;
    Ok(map)
}

/// `host:port` with a port.
fn address(text: &str) -> Result<String, String> {
    let text = text.strip_prefix("https://").unwrap_or(text);
    let text = text.trim_end_matches('/');
    let wrong = || format!("{text:?} is no address of the form HOST or HOST:PORT");
    let bracketed = text.starts_with('[');
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !bracketed || host.ends_with(']') => (
            host,
            port.parse::<u16>()
                .ok()
                .filter(|p| *p > 0)
                .ok_or_else(wrong)?,
        ),
        _ => (text, PORT),
    };
    let plain = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    let legal = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c) || (bracketed && c == ':');
    if plain.is_empty() || !plain.chars().all(legal) {
        return Err(wrong());
    }
    Ok(format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(spec: &Value) -> Value {
        json!({"kind": "trusted_cluster", "version": "v2", "metadata": {"name": "root"}, "spec": spec})
    }

    fn refused(spec: &Value) -> String {
        TrustedCluster::from_document(&document(spec)).expect_err("a mistake")
    }

    #[test]
    fn a_document_of_teleport_loads_unchanged() {
        // The one that links the recorded pair of clusters.
        let read = TrustedCluster::from_document(&document(&json!({
            "enabled": true, "token": "leaf-join-token-0123456789", "tunnel_addr": "proxy.root.test:3080",
            "web_proxy_addr": "proxy.root.test:3080",
            "role_map": [{"remote": "auto-keep", "local": ["auto-keep"]}, {"remote": "^(.*)$", "local": ["$1", "x"]}]
        })))
        .expect("a valid document");
        assert_eq!((read.name.as_str(), read.enabled), ("root", true));
        assert_eq!(
            read.token,
            TokenSource::Text(Token::new("leaf-join-token-0123456789"))
        );
        assert_eq!(
            (read.web_addr.as_str(), read.tunnel_addr.as_str()),
            ("proxy.root.test:3080", "proxy.root.test:3080")
        );
        assert_eq!(read.role_map[1].local, ["$1", "x"]);
        assert_eq!((read.ca_pin, read.ca_file), (None, None));
    }

    #[test]
    fn what_may_be_left_out() {
        let mut document = document(
            &json!({"roles": ["visitor"], "tunnel_addr": "[::1]:443", "token": "/run/token"}),
        );
        document["metadata"]["labels"] =
            json!({CA_PIN: format!("sha256:{}", "Ab".repeat(32)), CA_FILE: "/etc/ca.pem"});
        let read = TrustedCluster::from_document(&document).expect("a valid document");
        assert!(!read.enabled, "as in Teleport");
        assert_eq!(
            read.role_map,
            [RoleMapping {
                remote: "*".into(),
                local: vec!["visitor".into()]
            }]
        );
        assert_eq!(
            (read.web_addr.as_str(), read.tunnel_addr.as_str()),
            ("[::1]:443", "[::1]:443")
        );
        assert_eq!(read.token, TokenSource::File("/run/token".into()));
        assert_eq!(read.ca_pin, Some(format!("sha256:{}", "ab".repeat(32))));
        assert_eq!(read.ca_file, Some("/etc/ca.pem".into()));
        assert_eq!(
            address("https://proxy.test/"),
            Ok("proxy.test:3080".to_owned())
        );
    }

    #[test]
    fn mistakes_are_named() {
        let good = json!({"role_map": [{"remote": "a", "local": ["b"]}], "tunnel_addr": "x:1"});
        let with = |field: &str, value: Value| {
            let mut spec = good.clone();
            spec[field] = value;
            refused(&spec)
        };
        for (text, wanted) in [
            (with("role_map", json!([])), "spec.role_map is missing"),
            (
                with("role_map", json!([{"local": ["b"]}])),
                "missing 'remote' parameter for role_map",
            ),
            (
                with("role_map", json!([{"remote": "a"}])),
                "missing 'local' parameter for 'role_map'",
            ),
            (
                with("role_map", json!([{"remote": "a", "local": ["*"]}])),
                "wildcard value is not supported",
            ),
            (
                with("role_map", json!([{"remote": "^[$", "local": ["b"]}])),
                "failed to parse 'remote' parameter",
            ),
            (with("roles", json!(["b"])), "exclude each other"),
            (with("tunnel_addr", json!("")), "is no address"),
            (with("tunnel_addr", json!("host:port")), "is no address"),
            (with("enabled", json!("yes")), "spec.enabled"),
            (with("token", json!(7)), "spec.token"),
        ] {
            assert!(text.contains(wanted), "{text}");
        }
        let mut pinned = document(&good);
        pinned["metadata"]["labels"] = json!({CA_PIN: "sha256:12"});
        assert!(
            TrustedCluster::from_document(&pinned)
                .expect_err("a mistake")
                .contains("no pin")
        );
        let mut named = document(&good);
        named["metadata"]["name"] = json!("a b");
        assert!(
            TrustedCluster::from_document(&named)
                .expect_err("a mistake")
                .contains("no name")
        );
    }
}
