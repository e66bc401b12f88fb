//! The web API: discovery and login over HTTPS, as command line clients use it (login.md 1-3).

mod answer;
mod credentials;
mod fields;
mod login;
mod pages;
mod ping;
mod receive;
mod sso;
#[cfg(test)]
mod tests;
mod upgrade;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};

use super::state::ClusterState;
pub(in crate::cluster) use upgrade::{Carriage, Handover};

/// The client's address, put into each request by the connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The routes of the web API; each request must carry a [`Peer`].
pub fn router(state: Arc<ClusterState>) -> Router {
    let api = || {
        Router::new()
            .route("/webapi/ping", get(ping::ping))
            .route("/webapi/ping/{connector}", get(ping::ping_connector))
            .route("/webapi/find", get(ping::find))
            .route("/webapi/motd", get(ping::motd))
            .route("/webapi/connectionupgrade", get(upgrade::upgrade))
            .route("/webapi/mfa/login/begin", post(login::begin))
            .route("/webapi/mfa/login/finish", post(login::finish))
            .route("/webapi/oidc/login/console", post(sso::console))
            .route("/webapi/oidc/callback", get(sso::callback))
    };
    Router::new()
        .merge(api())
        // The server takes the same paths under /v1 (login.md 1.1).
        .nest("/v1", api())
        .route("/", get(answer::to_web))
        .route("/web", get(answer::web))
        .route("/web/msg/{kind}/{*what}", get(pages::message))
        .fallback(answer::path_not_found)
        .method_not_allowed_fallback(answer::path_not_found)
        .layer(middleware::from_fn(protect))
        .with_state(state)
}

/// Headers of every answer.
async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers: &mut HeaderMap = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value))
    };
    set(header::REFERRER_POLICY, "strict-origin");
    set(
        header::STRICT_TRANSPORT_SECURITY,
        "max-age=31536000; includeSubDomains",
    );
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "SAMEORIGIN");
    set(header::X_XSS_PROTECTION, "1; mode=block");
    response
}
