//! What goes over the wire as JSON. Unknown keys are ignored; `null`, missing and empty are the same (login.md 1.2).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::compat::{KeyFields, Server};

/// Answer of `/webapi/ping` and `/webapi/find`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Ping {
    /// How to log in.
    #[serde(deserialize_with = "nullable")]
    pub auth: AuthSettings,
    /// Addresses and routing.
    #[serde(deserialize_with = "nullable")]
    pub proxy: ProxySettings,
    /// The proxy's version, e.g. `18.3.0`.
    #[serde(deserialize_with = "nullable")]
    pub server_version: String,
    /// The oldest client that the cluster wants, e.g. `17.0.0-aa`.
    #[serde(deserialize_with = "nullable")]
    pub min_client_version: String,
    /// Name of the root cluster.
    #[serde(deserialize_with = "nullable")]
    pub cluster_name: String,
}

impl Ping {
    /// The proxy, as far as its version changes what is sent to it.
    pub fn server(&self) -> Server {
        Server::of(&self.server_version)
    }
}

/// `auth` of a [`Ping`]: the default way to log in, or that of the connector asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AuthSettings {
    /// `local`, `oidc`, `saml`, `github`.
    #[serde(rename = "type", deserialize_with = "nullable")]
    pub kind: String,
    /// `off`, `otp`, `webauthn`, `on`, … Old servers send a boolean.
    #[serde(deserialize_with = "second_factor")]
    pub second_factor: String,
    /// Set for `type` = `local`.
    pub local: Option<Connector>,
    /// Set for `type` = `oidc`.
    pub oidc: Option<Connector>,
    /// Set for `type` = `saml`.
    pub saml: Option<Connector>,
    /// Set for `type` = `github`.
    pub github: Option<Connector>,
    /// `none`, or a hardware key policy.
    #[serde(deserialize_with = "nullable")]
    pub private_key_policy: String,
    /// A message of the day has to be shown before the password is asked for.
    #[serde(deserialize_with = "nullable")]
    pub has_motd: bool,
    /// Time to live to ask for when the user names none, in Go's notation.
    #[serde(deserialize_with = "nullable")]
    pub default_session_ttl: String,
}

impl AuthSettings {
    /// The single sign-on connector, when that is the way in.
    pub fn sso(&self) -> Option<&Connector> {
        match self.kind.as_str() {
            "oidc" => self.oidc.as_ref(),
            "saml" => self.saml.as_ref(),
            "github" => self.github.as_ref(),
            _ => None,
        }
    }

    /// [`Self::default_session_ttl`] in seconds; `None` when unset or not understood.
    pub fn default_ttl_seconds(&self) -> Option<u64> {
        go_seconds(&self.default_session_ttl).filter(|s| *s > 0)
    }
}

/// A way to log in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Connector {
    /// Its name; for `local` also `passwordless` or `headless`.
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    /// What people call it.
    #[serde(deserialize_with = "nullable")]
    pub display: String,
}

/// `proxy` of a [`Ping`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ProxySettings {
    /// Everything is on the web port, told apart by ALPN.
    #[serde(deserialize_with = "nullable")]
    pub tls_routing_enabled: bool,
    /// Addresses of the web port and of the SSH proxy.
    #[serde(deserialize_with = "nullable")]
    pub ssh: SshSettings,
    /// Addresses for databases.
    #[serde(deserialize_with = "nullable")]
    pub db: DbSettings,
}

/// `proxy.ssh` of a [`Ping`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SshSettings {
    /// Public address of the *web* port, despite its place; empty when none is configured.
    #[serde(deserialize_with = "nullable")]
    pub public_addr: String,
    /// Where the SSH proxy listens; the host may be `0.0.0.0`.
    #[serde(deserialize_with = "nullable")]
    pub listen_addr: String,
    /// Public address of the SSH proxy; empty when none is configured.
    #[serde(deserialize_with = "nullable")]
    pub ssh_public_addr: String,
}

/// `proxy.db` of a [`Ping`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct DbSettings {
    /// Where PostgreSQL is listened for; the host may be `0.0.0.0`.
    #[serde(deserialize_with = "nullable")]
    pub postgres_listen_addr: String,
    /// Its public address; empty when none is configured.
    #[serde(deserialize_with = "nullable")]
    pub postgres_public_addr: String,
}

/// Answer of `/webapi/motd`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Motd {
    #[serde(rename = "Text", deserialize_with = "nullable")]
    pub(super) text: String,
}

/// Request of `mfa/login/begin`.
#[derive(Serialize)]
pub(super) struct Begin<'a> {
    pub(super) user: &'a str,
    pub(super) pass: &'a str,
    pub(super) passwordless: bool,
}

/// Answer of `mfa/login/begin`: the second factors this user has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Challenge {
    /// A security key can answer.
    #[serde(rename = "webauthn_challenge", deserialize_with = "present")]
    pub webauthn: bool,
    /// A one-time code can answer.
    #[serde(rename = "totp_challenge", deserialize_with = "nullable")]
    pub totp: bool,
    /// Single sign-on can answer.
    #[serde(rename = "sso_challenge", deserialize_with = "present")]
    pub sso: bool,
}

/// Request of `mfa/login/finish`. Prints no secrets.
#[derive(Serialize)]
pub struct Finish<'a> {
    /// Teleport user.
    pub user: &'a str,
    /// Password.
    pub password: &'a str,
    /// Always null here.
    pub webauthn_challenge_response: Option<()>,
    /// One-time code, empty when none is asked for.
    pub totp_code: &'a str,
    /// The public key.
    #[serde(flatten)]
    pub key: PublicKey,
    /// The public key for an SSH certificate, where that is another one: a line of `authorized_keys`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_pub_key: Option<Base64>,
    /// Nanoseconds; 0 leaves it to the cluster.
    pub ttl: i64,
    /// Always empty: the root cluster.
    #[serde(rename = "RouteToCluster")]
    pub route_to_cluster: &'a str,
    /// Always empty.
    #[serde(rename = "KubernetesCluster")]
    pub kubernetes_cluster: &'a str,
}

impl fmt::Debug for Finish<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finish")
            .field("user", &self.user)
            .field("password", &"****")
            .field("totp_code", &"****")
            .field("key", &self.key)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

/// The public key in the field that the server's version knows; a wrong one uses up the one-time code (login.md 7.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum PublicKey {
    /// 17 and later: PEM.
    #[serde(rename = "tls_pub_key", serialize_with = "to_base64")]
    Tls(Vec<u8>),
    /// 16 and earlier: a line of `authorized_keys`.
    #[serde(rename = "pub_key", serialize_with = "to_base64")]
    Ssh(Vec<u8>),
}

impl PublicKey {
    /// Encodes an uncompressed P-256 point for a server; one of unknown version counts as new.
    pub fn p256(point: &[u8], server: &Server) -> Self {
        match server.key_fields() {
            KeyFields::Single => Self::Ssh(authorized_keys(point)),
            KeyFields::Split | KeyFields::Unknown => Self::Tls(public_pem(point)),
        }
    }
}

/// SubjectPublicKeyInfo up to the point: id-ecPublicKey, prime256v1, BIT STRING of 66 bytes.
const SPKI_P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

fn public_pem(point: &[u8]) -> Vec<u8> {
    let body = STANDARD.encode([&SPKI_P256[..], point].concat());
    let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
    for line in body.as_bytes().chunks(64) {
        pem.push_str(str::from_utf8(line).expect("base64 is ASCII"));
        pem.push('\n');
    }
    pem.push_str("-----END PUBLIC KEY-----\n");
    pem.into_bytes()
}

fn authorized_keys(point: &[u8]) -> Vec<u8> {
    const KIND: &str = "ecdsa-sha2-nistp256";
    let mut blob = Vec::new();
    for part in [KIND.as_bytes(), b"nistp256", point] {
        let length = u32::try_from(part.len()).expect("a point has 65 bytes");
        blob.extend_from_slice(&length.to_be_bytes());
        blob.extend_from_slice(part);
    }
    format!("{KIND} {}\n", STANDARD.encode(blob)).into_bytes()
}

/// Answer of `mfa/login/finish`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LoginAnswer {
    /// The user, as the cluster spells it.
    #[serde(deserialize_with = "nullable")]
    pub username: String,
    /// User certificate, PEM; empty when none was issued.
    #[serde(deserialize_with = "from_base64")]
    pub tls_cert: Bytes,
    /// SSH certificate, one line; empty when none was issued.
    #[serde(deserialize_with = "from_base64")]
    pub cert: Bytes,
    /// Host CAs to trust: one entry, the root cluster.
    #[serde(deserialize_with = "nullable")]
    pub host_signers: Vec<HostSigner>,
}

/// Bytes that are base64 in JSON.
pub type Bytes = Vec<u8>;

/// Bytes that are written as base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Base64(#[serde(serialize_with = "to_base64")] pub Vec<u8>);

/// Host CAs of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct HostSigner {
    /// The cluster.
    #[serde(deserialize_with = "nullable")]
    pub domain_name: String,
    /// PEM, one certificate each.
    #[serde(deserialize_with = "list_from_base64")]
    pub tls_certs: Vec<Bytes>,
    /// SSH keys, a line of `authorized_keys` each.
    #[serde(deserialize_with = "list_from_base64")]
    pub checking_keys: Vec<Bytes>,
}

/// Body of a refusal (login.md 1.3).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorBody {
    error: ErrorText,
    message: String,
    #[serde(deserialize_with = "nullable")]
    messages: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorText {
    message: String,
}

impl ErrorBody {
    /// The text; `None` when there is none.
    pub(super) fn text(self) -> Option<String> {
        let mut text = if self.error.message.is_empty() {
            self.message
        } else {
            self.error.message
        };
        for more in self.messages {
            if !text.is_empty() {
                text.push_str("; ");
            }
            text.push_str(&more);
        }
        (!text.is_empty()).then_some(text)
    }
}

/// Reads a Go duration such as `12h0m0s` in whole seconds; `never` is 0.
pub(super) fn go_seconds(text: &str) -> Option<u64> {
    if text == "never" {
        return Some(0);
    }
    let (mut seconds, mut rest) = (0.0, text);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let unit = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        let scale = match &rest[..unit] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        seconds += number * scale;
        rest = &rest[unit..];
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, and is never negative"
    )]
    (!text.is_empty()).then_some(seconds as u64)
}

pub(super) fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    d: D,
) -> Result<T, D::Error> {
    Option::deserialize(d).map(Option::unwrap_or_default)
}

/// True for anything but null and an empty object.
fn present<'de, D: Deserializer<'de>>(d: D) -> Result<bool, D::Error> {
    let value = serde_json::Value::deserialize(d)?;
    Ok(!value.is_null() && value.as_object().is_none_or(|o| !o.is_empty()))
}

fn second_factor<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    Ok(match serde_json::Value::deserialize(d)? {
        serde_json::Value::String(text) => text,
        serde_json::Value::Bool(true) => "on".to_owned(),
        serde_json::Value::Bool(false) => "off".to_owned(),
        _ => String::new(),
    })
}

fn to_base64<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&STANDARD.encode(bytes))
}

#[expect(clippy::ref_option, reason = "serde hands in a reference to the field")]
pub(super) fn some_to_base64<S: Serializer>(
    bytes: &Option<Bytes>,
    s: S,
) -> Result<S::Ok, S::Error> {
    to_base64(bytes.as_deref().unwrap_or_default(), s)
}

fn from_base64<'de, D: Deserializer<'de>>(d: D) -> Result<Bytes, D::Error> {
    let text: String = nullable(d)?;
    STANDARD.decode(text).map_err(serde::de::Error::custom)
}

fn list_from_base64<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Bytes>, D::Error> {
    let list: Vec<String> = nullable(d)?;
    list.into_iter()
        .map(|text| STANDARD.decode(text).map_err(serde::de::Error::custom))
        .collect()
}
