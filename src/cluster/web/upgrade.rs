//! `/webapi/connectionupgrade`: a connection to the port inside a request to it, for clients behind a load balancer that ends
//! TLS (transport.md 5).

use std::sync::{Arc, Mutex, PoisonError};

use axum::Extension;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use hyper::upgrade::OnUpgrade;

use super::answer;
use crate::transport::websocket;

const LEGACY_HEADER: HeaderName = HeaderName::from_static("x-teleport-upgrade");

/// What an upgraded connection carries its bytes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cluster) enum Carriage {
    /// The frames of a WebSocket.
    WebSocket {
        /// The server pings.
        pings: bool,
    },
    /// A WebSocket without a sub-protocol that is known: it is closed at once, as on a real proxy.
    Nothing,
    /// Nothing around the bytes.
    Bare,
    /// Ping framing.
    Pings,
}

/// Where a request leaves the connection that it has upgraded; one for each connection.
#[derive(Clone, Debug, Default)]
pub(in crate::cluster) struct Handover(Arc<Mutex<Option<(Carriage, OnUpgrade)>>>);

impl Handover {
    /// What was left.
    pub(in crate::cluster) fn take(&self) -> Option<(Carriage, OnUpgrade)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// `GET /webapi/connectionupgrade`. Of several types the newest is taken.
pub(super) async fn upgrade(
    handover: Option<Extension<Handover>>,
    mut request: Request,
) -> Response {
    let asked = asked(request.headers());
    let known = ["websocket", "alpn-ping", "alpn"]
        .into_iter()
        .find(|known| asked.iter().any(|asked| asked == known));
    let on = request.extensions_mut().remove::<OnUpgrade>();
    let (Some(kind), Some(on), Some(Extension(handover))) = (known, on, handover) else {
        let message = format!("unsupported upgrade types: [{}]", asked.join(" "));
        return answer::error(StatusCode::NOT_FOUND, &message);
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static(kind));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    let carriage = match kind {
        "websocket" => {
            let key = request.headers().get(header::SEC_WEBSOCKET_KEY);
            let key = key.and_then(|key| key.to_str().ok()).unwrap_or_default();
            if let Ok(accept) = HeaderValue::from_str(&websocket::accept(key)) {
                headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
            }
            let (carriage, protocol) = sub_protocol(request.headers());
            if let Some(protocol) = protocol {
                headers.insert(
                    header::SEC_WEBSOCKET_PROTOCOL,
                    HeaderValue::from_static(protocol),
                );
            }
            carriage
        }
        legacy => {
            headers.insert(LEGACY_HEADER, HeaderValue::from_static(legacy));
            if legacy == "alpn" {
                Carriage::Bare
            } else {
                Carriage::Pings
            }
        }
    };
    *handover.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((carriage, on));
    response
}

/// The types asked for, in the order of the headers; each is compared as a whole.
fn asked(headers: &HeaderMap) -> Vec<String> {
    let upgrade = headers.get_all(header::UPGRADE).iter();
    let legacy = headers.get_all(LEGACY_HEADER).iter();
    let mut asked: Vec<String> = upgrade
        .chain(legacy)
        .filter_map(|value| value.to_str().ok().map(str::to_owned))
        .collect();
    if asked.is_empty() {
        asked.push(String::new());
    }
    asked
}

/// The first sub-protocol that is known.
fn sub_protocol(headers: &HeaderMap) -> (Carriage, Option<&'static str>) {
    let offered = headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim);
    for protocol in offered {
        match protocol {
            "alpn" => return (Carriage::WebSocket { pings: false }, Some("alpn")),
            "alpn-ping" => return (Carriage::WebSocket { pings: true }, Some("alpn-ping")),
            _ => {}
        }
    }
    (Carriage::Nothing, None)
}
