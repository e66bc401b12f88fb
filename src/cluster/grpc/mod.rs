//! The auth service's gRPC interface (auth-api.md 1, 2, 8).
//!
//! The generated servers dispatch; one layer before them does what real servers do for every call: unknown methods, the
//! check of the client's version, the header with the server's.

mod auth;
mod caller;
mod capabilities;
mod certs;
mod fixed;
mod list;
mod mfa;
mod requests;
mod roles;
mod service;
#[cfg(test)]
mod tests;
mod trust;
mod wire;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::middleware::{self, Next};
use axum::response::Response;
use tonic::{Code, Status};

use super::state::ClusterState;
use super::version::SERVER_VERSION;
use crate::proto::auth::auth_service_server::AuthServiceServer;
use crate::proto::teleport::presence::v1::presence_service_server::PresenceServiceServer;
use crate::proto::teleport::trust::v1::trust_service_server::TrustServiceServer;
use crate::proto::teleport::users::v1::users_service_server::UsersServiceServer;
pub use caller::{Caller, Closer};

/// Largest message taken, as grpc-go has it.
pub(super) const MESSAGE_MAX: usize = 256 * 1024;
/// The same of a caller without a certificate, who gets a ping and refusals.
pub(super) const ANONYMOUS_MESSAGE_MAX: usize = 4 * 1024;
/// The oldest client major that is served.
const OLDEST_CLIENT: u64 = 17;

/// Methods whose absence is reported at most; a client could make up any number of names.
const MISSED_MAX: usize = 64;
/// Longest name of a method that is reported.
const PATH_MAX: usize = 200;

/// What the service is made of.
const METHODS: &[(&str, &[&str])] = &[
    (
        "proto.AuthService",
        &[
            "Ping",
            "ListResources",
            "ListUnifiedResources",
            "GenerateUserCerts",
            "GenerateUserSingleUseCerts",
            "IsMFARequired",
            "CreateAuthenticateChallenge",
            "GetMFADevices",
            "GetCurrentUser",
            "GetCurrentUserRoles",
            "GetAccessCapabilities",
            "CreateAccessRequest",
            "CreateAccessRequestV2",
            "ListAccessRequests",
            "GetAccessRequestsV2",
            "SubmitAccessReview",
            "WatchEvents",
            "GetClusterAlerts",
        ],
    ),
    ("teleport.trust.v1.TrustService", &["GetCertAuthorities"]),
    (
        "teleport.presence.v1.PresenceService",
        &["ListRemoteClusters"],
    ),
    ("teleport.users.v1.UsersService", &["GetUser"]),
];

/// The services of the auth connection. Each request must carry an `Arc<`[`Caller`]`>` and a [`Closer`].
/// No message may be longer than `limit` bytes.
pub(super) fn auth_router(state: &Arc<ClusterState>, limit: usize) -> Router {
    let service = service::Service::new(Arc::clone(state));
    tonic::service::Routes::new(
        AuthServiceServer::new(service.clone()).max_decoding_message_size(limit),
    )
    .add_service(TrustServiceServer::new(service.clone()).max_decoding_message_size(limit))
    .add_service(PresenceServiceServer::new(service.clone()).max_decoding_message_size(limit))
    .add_service(UsersServiceServer::new(service).max_decoding_message_size(limit))
    .into_axum_router()
    .layer(middleware::from_fn_with_state(
        Arc::new(Common::new(state)),
        common,
    ))
}

/// What is common to all calls.
struct Common {
    state: Arc<ClusterState>,
    /// Methods that clients called in vain, each reported once.
    missed: Mutex<BTreeSet<String>>,
}

impl Common {
    fn new(state: &Arc<ClusterState>) -> Self {
        Self {
            state: Arc::clone(state),
            missed: Mutex::default(),
        }
    }

    /// Tells whoever runs the cluster that a user's client wants something that is not there.
    fn missed(&self, request: &Request) {
        let from_user = request
            .extensions()
            .get::<Arc<Caller>>()
            .is_some_and(|caller| caller.is_somebody());
        let path = request.uri().path();
        if !from_user || path.len() > PATH_MAX {
            return;
        }
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        if missed.len() < MISSED_MAX && missed.insert(path.to_owned()) {
            self.state.report(&format!(
                "a client called {path:?}, which is not served here"
            ));
        }
    }
}

/// The proxy's transport service: reachable, but no method of it is there.
pub(super) fn transport_router() -> Router {
    Router::new().fallback(|request: Request| async move {
        let path = request.uri().path();
        fixed::answer(path).unwrap_or_else(|| unknown(path, &[]))
    })
}

async fn common(State(common): State<Arc<Common>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if let Some(answer) = fixed::answer(path) {
        return answer;
    }
    if !is_known(path) {
        common.missed(&request);
        return unknown(path, METHODS);
    }
    let version = request.headers().get("version");
    if version.is_some_and(|v| !v.to_str().is_ok_and(is_served)) {
        // The real server closes the connection before it answers (transport.md 7.3).
        if let Some(closer) = request.extensions().get::<Closer>() {
            closer.close();
        }
        return std::future::pending().await;
    }
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .insert("version", HeaderValue::from_static(SERVER_VERSION));
    response
}

fn split(path: &str) -> (&str, &str) {
    path.trim_start_matches('/')
        .split_once('/')
        .unwrap_or((path, ""))
}

fn is_known(path: &str) -> bool {
    let (service, method) = split(path);
    METHODS
        .iter()
        .any(|(name, methods)| *name == service && methods.contains(&method))
}

fn unknown(path: &str, known: &[(&str, &[&str])]) -> Response {
    let (service, method) = split(path);
    let message = if known.iter().any(|(name, _)| *name == service) {
        format!("unknown method {method} for service {service}")
    } else {
        format!("unknown service {service}")
    };
    Status::new(Code::Unimplemented, message).into_http()
}

/// Whether a client of this version is served: a semantic version, not older than the major before the server's. Its
/// pre-releases pass.
fn is_served(version: &str) -> bool {
    let (core, pre) = match version.split_once(['-', '+']) {
        Some((core, rest)) => (core, Some(rest)),
        None => (version, None),
    };
    let numbers: Vec<&str> = core.split('.').collect();
    let [major, minor, patch] = numbers.as_slice() else {
        return false;
    };
    let number = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| text.parse::<u64>().ok())
            .flatten()
    };
    let (Some(major), Some(_), Some(_)) = (number(major), number(minor), number(patch)) else {
        return false;
    };
    pre != Some("") && major >= OLDEST_CLIENT
}
