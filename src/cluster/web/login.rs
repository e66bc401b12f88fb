//! Login with password and one-time code, in two steps (login.md 3, 8.1).

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde::Serialize;

use super::credentials::Credentials;
use super::fields::Fields;
use super::receive::{Refused, receive};
use super::{Peer, answer};
use crate::cluster::audit;
use crate::cluster::ca::SubjectPublicKey;
use crate::cluster::ca::ssh_user::SshPublicKey;
use crate::cluster::issue;
use crate::cluster::locks::Holder;
use crate::cluster::state::ClusterState;
use crate::cluster::users::LoginError;

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
    local_auth(state)?;
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
    local_auth(state)?;
    let record = |error: Option<String>| {
        let agent = headers.get(header::USER_AGENT);
        let agent = agent.and_then(|value| value.to_str().ok());
        state.audit().login(audit::Login {
            user: user.clone(),
            attributes: None,
            error,
            user_agent: agent.unwrap_or_default().to_owned(),
            peer: peer.0.to_string(),
        });
    };
    let (now, name) = (state.now(), holder(state, user.clone()));
    let checked = check(state, move |logins| {
        logins.finish(&name, &password, &code, now)
    })
    .await;
    if let Err(Refused(_, message)) = &checked {
        record(Some(message.clone()));
    }
    checked?;
    let roles = state.user(&user).map(|user| user.roles).unwrap_or_default();
    let holder = Holder {
        user: &user,
        roles: &roles,
        ..Holder::default()
    };
    if let Some(lock) = state.lock_on(&holder) {
        record(Some(lock.reason()));
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
    let credentials = Credentials::issue(state, &user, &login, ssh_key.as_ref(), tls_key.as_ref());
    let credentials = credentials.map_err(|e| Refused::internal(&e))?;
    record(None);
    Ok(answer::json(&credentials))
}

/// Refuses passwords where the cluster takes none (login.md 3.4).
fn local_auth(state: &ClusterState) -> Result<(), Refused> {
    if state.documents().preference.local_auth {
        return Ok(());
    }
    Err(Refused(
        StatusCode::FORBIDDEN,
        "local auth disabled".to_owned(),
    ))
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
