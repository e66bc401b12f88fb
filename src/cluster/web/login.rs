//! Login with password and one-time code, in two steps (login.md 3, 8.1).

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use serde::Serialize;

use super::fields::{BodyError, Fields};
use super::{Peer, answer};
use crate::cluster::ca::ssh_user::SshPublicKey;
use crate::cluster::ca::{CaKind, SubjectPublicKey};
use crate::cluster::issue;
use crate::cluster::leaf::authority::PublicAuthority;
use crate::cluster::locks::Holder;
use crate::cluster::state::ClusterState;
use crate::cluster::users::LoginError;
use crate::identity::pem;

/// Largest request body of the two steps, in bytes.
const BODY_MAX: usize = 1_000_000;
/// How long a body may take.
const BODY_TIME: Duration = Duration::from_secs(15);

/// A refusal: status and message.
struct Refused(StatusCode, String);

impl Refused {
    fn bad(message: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, message.into())
    }

    fn internal(error: &dyn std::fmt::Display) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        Self::bad(format!("request: {error}"))
    }
}

impl From<LoginError> for Refused {
    fn from(error: LoginError) -> Self {
        let status = if matches!(error, LoginError::Store(_)) {
            StatusCode::INTERNAL_SERVER_ERROR
        } else {
            StatusCode::FORBIDDEN
        };
        Self(status, error.to_string())
    }
}

#[derive(Serialize)]
struct Challenge {
    webauthn_challenge: Option<()>,
    totp_challenge: bool,
    sso_challenge: Option<()>,
}

#[derive(Serialize)]
struct Credentials<'a> {
    username: &'a str,
    cert: Option<String>,
    tls_cert: Option<String>,
    host_signers: [Signer<'a>; 1],
    #[serde(rename = "samlSingleLogoutEnabled")]
    saml_single_logout_enabled: bool,
    mfa_token: &'static str,
    client_options: ClientOptions,
}

#[derive(Serialize)]
struct Signer<'a> {
    domain_name: &'a str,
    checking_keys: Vec<String>,
    tls_certs: Vec<String>,
}

#[derive(Serialize)]
struct ClientOptions {
    default_relay_addr: &'static str,
}

/// `POST /webapi/mfa/login/begin`.
pub(super) async fn begin(
    State(state): State<Arc<ClusterState>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    answered(&state, first_step(&state, peer, &headers, body).await)
}

/// `POST /webapi/mfa/login/finish`.
pub(super) async fn finish(
    State(state): State<Arc<ClusterState>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = second_step(&state, peer, &headers, body).await;
    if answer.is_ok() {
        state.metrics().logins.add();
    }
    answered(&state, answer)
}

fn answered(state: &ClusterState, result: Result<Response, Refused>) -> Response {
    result.unwrap_or_else(|Refused(status, message)| {
        state.metrics().refused_logins.add();
        answer::error(status, &message)
    })
}

async fn first_step(
    state: &Arc<ClusterState>,
    peer: Peer,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let body = receive(state, peer, headers, body).await?;
    let fields = Fields::parse(&body, "MFAChallengeRequest")?;
    let (user, password) = (fields.text("user")?, fields.text("pass")?);
    if fields.flag("passwordless")? {
        return Err(Refused::bad("passwordless disabled by cluster settings"));
    }
    let (now, user) = (state.now(), holder(state, user));
    let totp_challenge = check(state, move |logins| logins.begin(&user, &password, now)).await?;
    Ok(answer::json(&Challenge {
        webauthn_challenge: None,
        totp_challenge,
        sso_challenge: None,
    }))
}

async fn second_step(
    state: &Arc<ClusterState>,
    peer: Peer,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let body = receive(state, peer, headers, body).await?;
    let fields = Fields::parse(&body, "AuthenticateSSHUserRequest")?;
    let (user, password, code) = (
        fields.text("user")?,
        fields.text("password")?,
        fields.text("totp_code")?,
    );
    let (ssh_key, tls_key) = (fields.bytes("ssh_pub_key")?, fields.bytes("tls_pub_key")?);
    let ttl = fields.nanoseconds("ttl")?;
    let (compatibility, route) = (
        fields.text("compatibility")?,
        fields.text("RouteToCluster")?,
    );
    let kubernetes = fields.text("KubernetesCluster")?;
    // Up to here and to the credentials nothing is used up; the order is that of real clusters (login.md 3.4).
    if ssh_key.is_empty() && tls_key.is_empty() {
        return Err(Refused::bad("'ssh_pub_key' or 'tls_pub_key' must be set"));
    }
    if !matches!(compatibility.as_str(), "" | "standard" | "oldssh") {
        return Err(Refused::bad(format!(
            "invalid certificate format parameter: {compatibility:?}"
        )));
    }
    if fields.has("webauthn_challenge_response") {
        return Err(Refused(
            StatusCode::FORBIDDEN,
            "invalid credentials".to_owned(),
        ));
    }
    if user.is_empty() {
        return Err(Refused::bad("missing parameter 'username'"));
    }
    if password.is_empty() && code.is_empty() {
        return Err(Refused::bad(
            "at least one authentication method is required",
        ));
    }
    let (now, name) = (state.now(), holder(state, user.clone()));
    check(state, move |logins| {
        logins.finish(&name, &password, &code, now)
    })
    .await?;
    let roles = state.user(&user).map(|user| user.roles).unwrap_or_default();
    let holder = Holder {
        user: &user,
        roles: &roles,
        ..Holder::default()
    };
    if let Some(lock) = state.lock_on(&holder) {
        return Err(Refused(StatusCode::FORBIDDEN, lock.reason()));
    }
    let ssh_key = if ssh_key.is_empty() {
        None
    } else {
        let none = || {
            Refused(
                StatusCode::INTERNAL_SERVER_ERROR,
                "ssh: no key found".into(),
            )
        };
        Some(SshPublicKey::parse(&ssh_key).ok_or_else(none)?)
    };
    let tls_key = if tls_key.is_empty() {
        None
    } else {
        Some(SubjectPublicKey::from_pem(&tls_key).map_err(|e| Refused::bad(e.to_string()))?)
    };
    if !route.is_empty() && route != state.name() && !state.leaves().knows(&route) {
        return Err(Refused(
            StatusCode::NOT_FOUND,
            format!("remote cluster {route:?} is not found"),
        ));
    }
    if !kubernetes.is_empty() {
        return Err(Refused::bad(format!(
            "Kubernetes cluster {kubernetes:?} is not registered in this Teleport cluster; you can list registered Kubernetes clusters using 'tsh kube ls'"
        )));
    }
    let login = issue::grant(state, &user, ttl, &peer.0.ip().to_string())
        .map_err(|e| Refused::internal(&e))?;
    let cert = ssh_key.map(|key| login.ssh(state, &key)).transpose();
    let cert = cert.map_err(|e| Refused::internal(&e))?;
    let tls_cert = tls_key.map(|key| login.x509(state, &key)).transpose();
    let tls_cert = tls_cert.map_err(|e| Refused::internal(&e))?;
    let hosts = PublicAuthority::of(&state.authorities(), CaKind::Host);
    let base64 = |texts: &[String]| texts.iter().map(|text| STANDARD.encode(text)).collect();
    Ok(answer::json(&Credentials {
        username: &user,
        cert: cert.map(|line| STANDARD.encode(line)),
        tls_cert: tls_cert.map(|der| STANDARD.encode(pem::encode("CERTIFICATE", &der))),
        host_signers: [Signer {
            domain_name: state.name(),
            checking_keys: base64(&hosts.ssh),
            tls_certs: base64(&hosts.tls),
        }],
        saml_single_logout_enabled: false,
        mfa_token: "",
        client_options: ClientOptions {
            default_relay_addr: "",
        },
    }))
}

/// Rate limit, content type, size: what comes before any look into a request.
async fn receive(
    state: &ClusterState,
    peer: Peer,
    headers: &HeaderMap,
    body: Body,
) -> Result<Vec<u8>, Refused> {
    if let Err(wait) = state.login_rate().take(peer.0.ip(), state.now_ms()) {
        return Err(Refused(
            StatusCode::TOO_MANY_REQUESTS,
            format!("rate limit exceeded, try again in {wait}s"),
        ));
    }
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Refused::bad("invalid request"));
    }
    match tokio::time::timeout(BODY_TIME, collect(state, body)).await {
        Ok(collected) => collected,
        Err(_) => Err(Refused(
            StatusCode::REQUEST_TIMEOUT,
            "the request takes too long".to_owned(),
        )),
    }
}

/// The whole body. What the bodies of all requests hold together is bounded.
async fn collect(state: &ClusterState, body: Body) -> Result<Vec<u8>, Refused> {
    let mut chunks = body.into_data_stream();
    let (mut bytes, mut permits) = (Vec::new(), None);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|e| Refused::bad(e.to_string()))?;
        if bytes.len() + chunk.len() > BODY_MAX {
            return Err(Refused(
                StatusCode::TOO_MANY_REQUESTS,
                "the read limit is reached".to_owned(),
            ));
        }
        let size = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        let Ok(more) = state.request_bytes().try_acquire_many(size) else {
            return Err(Refused(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many requests at once, try again in a moment".to_owned(),
            ));
        };
        match &mut permits {
            None => permits = Some(more),
            Some(permits) => permits.merge(more),
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The user whose credential is looked for. Who has no document any more has no login either, whatever password and key are
/// still kept: that name becomes one that nobody has, so that the answer and its time are those of a wrong password.
fn holder(state: &ClusterState, user: String) -> String {
    if state.user(&user).is_some() {
        user
    } else {
        String::new()
    }
}

/// Runs a password check where it blocks nobody else.
async fn check<T: Send + 'static>(
    state: &Arc<ClusterState>,
    work: impl FnOnce(&crate::cluster::users::Logins) -> Result<T, LoginError> + Send + 'static,
) -> Result<T, Refused> {
    let permit = Arc::clone(state.password_checks())
        .acquire_owned()
        .await
        .map_err(|e| Refused::internal(&e))?;
    let logins = Arc::clone(state.logins());
    // The permit goes along: a check runs to its end even when the client leaves meanwhile.
    let work = move || {
        let _permit = permit;
        work(&logins)
    };
    Ok(tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Refused::internal(&e))??)
}
