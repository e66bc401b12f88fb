//! The first half of a login: a client says where its answer shall go, and learns where its browser has to go (login.md 6.3).

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use url::Url;

use super::document::Connector;
use super::provider::ProviderError;
use super::redirect::ClientRedirect;
use super::requests::{Pending, Secret};
use crate::cluster::ca::SubjectPublicKey;
use crate::cluster::ca::ssh_user::SshPublicKey;
use crate::cluster::random::{self, NoRandomness};
use crate::cluster::state::ClusterState;

/// What a client asks for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Name of the connector.
    pub connector: String,
    /// Where the browser shall take the answer.
    pub redirect_url: String,
    /// Keys that certificates are wanted for.
    pub ssh_key: Option<SshPublicKey>,
    /// The same for X.509.
    pub tls_key: Option<SubjectPublicKey>,
    /// Nanoseconds; 0 for as long as may be.
    pub ttl: i64,
    /// Cluster the certificate shall lead to; empty for this one.
    pub route: String,
    /// The client's PKCE verifier; one is made where it names none that may be used.
    pub verifier: String,
    /// Where the client is.
    pub address: IpAddr,
}

/// Why a login does not begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no such connector.
    #[error("there is no OIDC connector {0:?}")]
    NoConnector(String),
    /// The client wants its answer where none is sent.
    #[error("the client's address is none to send certificates to; see client_redirect_settings")]
    Redirect,
    /// The provider.
    #[error("{0}")]
    Provider(String),
    /// Too many others at the moment.
    #[error("too many logins ask their identity provider at once")]
    Busy,
    /// No random bytes.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl From<ProviderError> for StartError {
    fn from(error: ProviderError) -> Self {
        Self::Provider(error.to_string())
    }
}

/// Keeps a login and gives the address at the provider.
///
/// # Errors
/// [`StartError`].
pub async fn start(state: &ClusterState, wish: Wish) -> Result<String, StartError> {
    let documents = state.documents();
    let connector = documents
        .connectors
        .get(&wish.connector)
        .ok_or_else(|| StartError::NoConnector(wish.connector.clone()))?;
    let redirect =
        ClientRedirect::new(&wish.redirect_url, &connector.allowed).ok_or(StartError::Redirect)?;
    let sso = state.sso();
    let now = state.now();
    let description = {
        let _permit = sso.asking.try_acquire().map_err(|_| StartError::Busy)?;
        sso.providers.describe(&connector.issuer, now).await?
    };
    let verifier = if connector.pkce.unwrap_or(description.knows_pkce()) {
        Some(if is_verifier(&wish.verifier) {
            wish.verifier
        } else {
            URL_SAFE_NO_PAD.encode(random::bytes::<32>()?)
        })
    } else {
        None
    };
    let nonce = random::hex(&random::bytes::<16>()?);
    let callback = connector.callback(state.public_addr()).to_owned();
    let pending = Pending {
        connector: wish.connector,
        redirect,
        callback: callback.clone(),
        ssh_key: wish.ssh_key,
        tls_key: wish.tls_key,
        ttl: wish.ttl,
        route: wish.route,
        nonce: nonce.clone(),
        verifier: verifier.clone().map(Secret),
        address: wish.address,
        begun: now,
    };
    let mut url = Url::parse(&description.authorization_endpoint)
        .map_err(|error| StartError::Provider(error.to_string()))?;
    let name = sso.requests.put(pending)?;
    ask(&mut url, connector, &callback, &name, &nonce);
    if let Some(verifier) = verifier {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        url.query_pairs_mut()
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
    }
    Ok(url.into())
}

fn ask(url: &mut Url, connector: &Connector, callback: &str, name: &str, nonce: &str) {
    let max_age = connector.max_age.map(|seconds| seconds.to_string());
    let mut query = url.query_pairs_mut();
    query
        .append_pair("client_id", &connector.client_id)
        .append_pair("redirect_uri", callback)
        .append_pair("response_type", "code")
        .append_pair("scope", &connector.scopes.join(" "))
        .append_pair("state", name)
        .append_pair("nonce", nonce);
    let optional = [
        ("prompt", connector.prompt.as_str()),
        ("acr_values", connector.acr_values.as_str()),
        ("max_age", max_age.as_deref().unwrap_or_default()),
    ];
    for (name, value) in optional.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
}

/// RFC 7636 4.1.
fn is_verifier(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    (43..=128).contains(&text.len()) && text.bytes().all(legal)
}
