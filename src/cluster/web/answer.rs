//! How answers and errors look on the wire.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Serialize;

use crate::cluster::version::SERVER_VERSION;

/// A compact JSON answer with status 200.
pub(super) fn json(value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => handled(StatusCode::OK, text),
        Err(e) => error(StatusCode::INTERNAL_SERVER_ERROR, &e.to_string()),
    }
}

/// An error as the handlers of a real proxy write it: four spaces, no final newline.
pub(super) fn error(status: StatusCode, message: &str) -> Response {
    let message = serde_json::Value::from(message);
    handled(
        status,
        format!("{{\n    \"error\": {{\n        \"message\": {message}\n    }}\n}}"),
    )
}

/// A path, or a method on it, that does not exist: compact, with the proxy's version, cacheable.
pub(super) async fn path_not_found() -> Response {
    let mut parts = SERVER_VERSION.split('.');
    let mut part = || parts.next().unwrap_or("0");
    let (major, minor, patch) = (part(), part(), part());
    let body = format!(
        "{{\"error\":{{\"message\":\"path not found\"}},\"fields\":{{\"proxyVersion\":{{\"major\":{major},\"minor\":{minor},\
         \"patch\":{patch},\"preRelease\":\"\",\"string\":\"{SERVER_VERSION}\"}}}}}}"
    );
    plain(StatusCode::NOT_FOUND, body)
}

/// Browsers are sent to the user interface.
pub(super) async fn to_web() -> Response {
    let mut response = Redirect::to("/web").into_response();
    *response.status_mut() = StatusCode::FOUND;
    response
}

/// There is no user interface.
pub(super) async fn web() -> Html<&'static str> {
    Html(
        "<!doctype html><title>postern-cluster</title><p>This cluster has no web interface. Log in with a command line client.",
    )
}

fn handled(status: StatusCode, body: String) -> Response {
    let mut response = plain(status, body);
    let mut set = |name: HeaderName, value: &'static str| {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value))
    };
    set(header::CACHE_CONTROL, "no-cache, no-store, must-revalidate");
    set(header::PRAGMA, "no-cache");
    set(header::EXPIRES, "0");
    response
}

fn plain(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}
