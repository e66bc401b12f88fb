//! Single sign-on by OpenID Connect: where a client begins, and where the provider sends its browser back (login.md 6).

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use url::form_urlencoded;

use super::credentials::Credentials;
use super::fields::Fields;
use super::receive::{Refused, rate, receive};
use super::{Peer, answer, pages};
use crate::cluster::audit;
use crate::cluster::ca::SubjectPublicKey;
use crate::cluster::ca::ssh_user::SshPublicKey;
use crate::cluster::sso::finish::{Back, Brought, FinishError, attributes, finish};
use crate::cluster::sso::start::{StartError, Wish, start};
use crate::cluster::state::ClusterState;

/// What a client is told that cannot begin, whatever the reason: it knows no other text.
const FAILED: &str = "Failed to login. Please check Teleport's log for more details.";
/// The same for an address that no answer is sent to.
const DISALLOWED: &str = "Failed to login due to a disallowed callback URL. Please check Teleport's log for more details.";

#[derive(Serialize)]
struct Away {
    redirect_url: String,
    post_form: &'static str,
}

/// `POST /webapi/oidc/login/console`.
pub(super) async fn console(
    State(state): State<Arc<ClusterState>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    // A cluster without a connector has no such path, as one without the Enterprise edition.
    if state.documents().connectors.is_empty() {
        return answer::path_not_found().await;
    }
    match begin(&state, peer, &headers, body).await {
        Ok(redirect_url) => answer::json(&Away {
            redirect_url,
            post_form: "",
        }),
        Err(Refused(status, message)) => {
            state.metrics().refused_logins.add();
            answer::error(status, &message)
        }
    }
}

async fn begin(
    state: &ClusterState,
    peer: Peer,
    headers: &HeaderMap,
    body: Body,
) -> Result<String, Refused> {
    let body = receive(state, peer, headers, body).await?;
    let fields = Fields::parse(&body, "SSOLoginConsoleReq")?;
    let refused = |why: &dyn std::fmt::Display| {
        state.report(&format!("error: a single sign-on does not begin: {why}"));
        Refused(StatusCode::FORBIDDEN, FAILED.to_owned())
    };
    let (ssh_key, tls_key) = (fields.bytes("ssh_pub_key")?, fields.bytes("tls_pub_key")?);
    if ssh_key.is_empty() && tls_key.is_empty() {
        return Err(refused(&"the client names no key for a certificate"));
    }
    let ssh_key = if ssh_key.is_empty() {
        None
    } else {
        let key = SshPublicKey::parse(&ssh_key);
        Some(key.ok_or_else(|| refused(&"the client's ssh_pub_key is no key"))?)
    };
    let tls_key = if tls_key.is_empty() {
        None
    } else {
        Some(SubjectPublicKey::from_pem(&tls_key).map_err(|e| refused(&e))?)
    };
    let route = fields.text("RouteToCluster")?;
    if route.len() > 255 {
        return Err(refused(&"the client names no cluster"));
    }
    let wish = Wish {
        connector: fields.text("connector_id")?,
        redirect_url: fields.text("redirect_url")?,
        ssh_key,
        tls_key,
        ttl: fields.nanoseconds("cert_ttl")?,
        route,
        verifier: fields.text("PKCEVerifier")?,
        address: peer.0.ip(),
    };
    start(state, wish).await.map_err(|error| match error {
        StartError::Redirect => {
            state.report(&format!("error: a single sign-on does not begin: {error}"));
            Refused(StatusCode::FORBIDDEN, DISALLOWED.to_owned())
        }
        // Whose fault it is can be told to anybody: the ping names the provider too.
        StartError::Provider(why) => {
            let Refused(status, text) = refused(&why);
            Refused(status, format!("{text} {why}"))
        }
        error => refused(&error),
    })
}

/// `GET /webapi/oidc/callback`: the provider sends the browser here.
pub(super) async fn callback(
    State(state): State<Arc<ClusterState>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    if let Err(Refused(status, message)) = rate(&state, peer) {
        return answer::error(status, &message);
    }
    let mut brought = Brought::default();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let field = match name.as_ref() {
            "state" => &mut brought.state,
            "code" => &mut brought.code,
            "error" => &mut brought.error,
            "iss" => &mut brought.issuer,
            "error_description" => &mut brought.error_description,
            _ => continue,
        };
        *field = value.into_owned();
    }
    let Some(back) = finish(&state, brought).await else {
        state.metrics().refused_logins.add();
        return pages::lead_to(pages::CALLBACK_FAILED);
    };
    let sealed = sealed(&state, &back);
    let agent = headers.get(header::USER_AGENT);
    let agent = agent.and_then(|value| value.to_str().ok());
    let user = back.result.as_ref().map(|person| person.user.name.clone());
    let mut record = audit::Login {
        user: user.unwrap_or_default(),
        attributes: Some(attributes(&back.claims)),
        error: None,
        user_agent: agent.unwrap_or_default().to_owned(),
        peer: peer.0.to_string(),
    };
    let url = match (&back.result, &sealed) {
        (Ok(_), Ok(url)) => {
            state.metrics().logins.add();
            url.clone()
        }
        (Err(error), _) | (Ok(_), Err(error)) => {
            state.metrics().refused_logins.add();
            let text = error.to_string().replace(['\n', '\t'], " ");
            let name = &back.connector;
            state.report(&format!("a single sign-on by {name:?} is refused: {text}"));
            record.error = Some(error.to_string());
            back.failure(error)
        }
    };
    state.audit().login(record);
    pages::lead_to(&url)
}

/// The client's address with its certificates.
fn sealed(state: &ClusterState, back: &Back) -> Result<String, FinishError> {
    let Ok(person) = &back.result else {
        return Ok(String::new());
    };
    let credentials = Credentials::issue(
        state,
        &person.user.name,
        &person.login,
        person.ssh_key.as_ref(),
        person.tls_key.as_ref(),
    )?;
    let text = serde_json::to_vec(&credentials)
        .map_err(|error| FinishError::Setting(error.to_string()))?;
    back.success(&text)
}
