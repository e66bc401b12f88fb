//! The auth service's gRPC interface (auth-api.md 1, 2, 8).
//!
//! The generated servers dispatch; one layer before them does what real servers do for every call: unknown methods, the
//! check of the client's version, the header with the server's.

mod auth;
mod caller;
mod capabilities;
mod certs;
mod list;
mod mfa;
mod roles;
mod service;
#[cfg(test)]
mod tests;
mod trust;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::{self, Next};
use axum::response::Response;
use tonic::{Code, Status};

use super::state::{ClusterState, SERVER_VERSION};
use crate::proto::auth::auth_service_server::AuthServiceServer;
use crate::proto::teleport::presence::v1::presence_service_server::PresenceServiceServer;
use crate::proto::teleport::trust::v1::trust_service_server::TrustServiceServer;
use crate::proto::teleport::users::v1::users_service_server::UsersServiceServer;
pub use caller::{Caller, Closer};

/// Largest message taken, as grpc-go has it.
const MESSAGE_MAX: usize = 256 * 1024;
/// The oldest client major that is served.
const OLDEST_CLIENT: u64 = 17;

/// What the service is made of.
const METHODS: &[(&str, &[&str])] = &[
    (
        "proto.AuthService",
        &[
            "Ping",
            "ListResources",
            "GenerateUserCerts",
            "GenerateUserSingleUseCerts",
            "IsMFARequired",
            "CreateAuthenticateChallenge",
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
pub(super) fn auth_router(state: &Arc<ClusterState>) -> Router {
    let service = service::Service::new(Arc::clone(state));
    tonic::service::Routes::new(
        AuthServiceServer::new(service.clone()).max_decoding_message_size(MESSAGE_MAX),
    )
    .add_service(TrustServiceServer::new(service.clone()).max_decoding_message_size(MESSAGE_MAX))
    .add_service(PresenceServiceServer::new(service.clone()).max_decoding_message_size(MESSAGE_MAX))
    .add_service(UsersServiceServer::new(service).max_decoding_message_size(MESSAGE_MAX))
    .into_axum_router()
    .layer(middleware::from_fn(common))
}

/// The proxy's transport service: reachable, but no method of it is there.
pub(super) fn transport_router() -> Router {
    Router::new().fallback(|request: Request| async move { unknown(request.uri().path(), &[]) })
}

async fn common(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !is_known(path) {
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
