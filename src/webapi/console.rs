//! `/webapi/<github|oidc|saml>/login/console`: where the browser has to go (login.md 6.3).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::types::{Bytes, PublicKey, nullable, some_to_base64};

/// The start of a single sign-on. Prints no secrets.
#[derive(Serialize)]
pub struct Console<'a> {
    /// Where the answer is to come, with the key it is to be sealed with as the only parameter.
    pub redirect_url: &'a str,
    /// 17 and later: PEM.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "some_to_base64"
    )]
    tls_pub_key: Option<Bytes>,
    /// For an SSH certificate, where that is for another key: a line of `authorized_keys`.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "some_to_base64"
    )]
    pub ssh_pub_key: Option<Bytes>,
    /// 16 and earlier: a line of `authorized_keys`.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "some_to_base64"
    )]
    public_key: Option<Bytes>,
    /// Nanoseconds.
    pub cert_ttl: i64,
    /// Name of the connector.
    pub connector_id: &'a str,
    /// Always empty: the root cluster.
    #[serde(rename = "RouteToCluster")]
    route_to_cluster: &'static str,
    /// Always empty.
    #[serde(rename = "KubernetesCluster")]
    kubernetes_cluster: &'static str,
    /// What the cluster proves itself with to an OIDC provider that asks for it.
    #[serde(rename = "PKCEVerifier")]
    pub pkce_verifier: &'a str,
    /// Version of Teleport whose answers are understood: forms in place of addresses among them.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub client_version: &'a str,
}

impl<'a> Console<'a> {
    /// Fills a request; the rest of it is always the same.
    pub fn new(
        redirect_url: &'a str,
        key: PublicKey,
        cert_ttl: i64,
        connector_id: &'a str,
    ) -> Self {
        let (tls_pub_key, public_key) = match key {
            PublicKey::Tls(pem) => (Some(pem), None),
            PublicKey::Ssh(line) => (None, Some(line)),
        };
        Self {
            redirect_url,
            tls_pub_key,
            ssh_pub_key: None,
            public_key,
            cert_ttl,
            connector_id,
            route_to_cluster: "",
            kubernetes_cluster: "",
            pkce_verifier: "",
            client_version: "",
        }
    }
}

impl fmt::Debug for Console<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("connector_id", &self.connector_id)
            .field("cert_ttl", &self.cert_ttl)
            .finish_non_exhaustive()
    }
}

/// Where the browser has to go: one of the two is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ConsoleAnswer {
    /// An address.
    #[serde(deserialize_with = "nullable")]
    pub redirect_url: String,
    /// A page whose form sends itself, base64 (SAML).
    #[serde(deserialize_with = "nullable")]
    pub post_form: String,
}
