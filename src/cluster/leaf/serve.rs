//! The leaf's end of a link: an HTTP/2 server on the connection that it opened itself.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::{CertificateDer, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite};

use super::authority::PublicAuthority;
use super::join;
use super::limits::{CONNECTION_WINDOW, KEEPALIVE, KEEPALIVE_LIMIT, STREAM_WINDOW, STREAMS};
use super::wire::{self, Alive, Joined};
use crate::cluster::mux::Front;
use crate::identity::Certificate;
use crate::quote::quote;

/// Bytes of a stream's headers at most: a certificate with many roles and traits is large.
const HEADERS: u32 = 256 * 1024;

/// Serves the root named `root` on `stream` until one of the two ends it.
///
/// # Errors
/// How it ended, when not in order.
pub(super) async fn serve<S>(front: Arc<Front>, root: &str, stream: S) -> Result<(), hyper::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let root: Arc<str> = root.into();
    let service = service_fn(move |request| {
        let (front, root) = (Arc::clone(&front), Arc::clone(&root));
        async move { Ok::<_, Infallible>(answer(&front, &root, request).await) }
    });
    http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_LIMIT)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

/// Why a stream or a heartbeat is not wanted.
struct Refused(StatusCode, String);

async fn answer(front: &Arc<Front>, root: &str, request: Request<Incoming>) -> Response<Body> {
    let target = request.uri().authority().map(http::uri::Authority::as_str);
    let result = match (request.method(), target) {
        (&Method::POST, _) if request.uri().path() == wire::HEARTBEAT => {
            heartbeat(front, root, request).await
        }
        (&Method::CONNECT, Some(wire::AUTH)) => auth(front, request),
        (&Method::CONNECT, Some(wire::DATABASE)) => database(front, root, request),
        _ => Err(Refused(StatusCode::NOT_FOUND, "no such service".to_owned())),
    };
    result.unwrap_or_else(|Refused(status, why)| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        if let Ok(why) = HeaderValue::from_str(&why) {
            response.headers_mut().insert(wire::REFUSAL, why);
        }
        response
    })
}

/// The root says what its authorities are now, and hears ours.
async fn heartbeat(
    front: &Front,
    root: &str,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refused> {
    let bad = |why: String| Refused(StatusCode::BAD_REQUEST, why);
    let state = front.state();
    let body = axum::body::to_bytes(Body::new(request.into_body()), wire::MESSAGE);
    let body = body.await.map_err(|e| bad(e.to_string()))?;
    let now: Joined = serde_json::from_slice(&body).map_err(|e| bad(e.to_string()))?;
    if now.cluster != root {
        return Err(bad(format!("{} is another cluster", quote(&now.cluster))));
    }
    join::check(&now).map_err(bad)?;
    let trusts = state.trusts();
    let known = trusts
        .get(root)
        .ok_or_else(|| Refused(StatusCode::FORBIDDEN, "not trusted any more".to_owned()))?;
    if let Err(error) = trusts.renewed(&known, now) {
        state.report(&format!("the root's new authorities are not kept: {error}"));
    }
    if trusts.linked(root) {
        state.report(&format!("linked with the root cluster {root} again"));
    }
    let alive = Alive {
        host: PublicAuthority::host_of(&state.authorities()),
    };
    let body = serde_json::to_vec(&alive).map_err(|e| bad(e.to_string()))?;
    Ok(Response::new(Body::from(body)))
}

/// A client's TLS connection to our auth service.
fn auth(front: &Arc<Front>, request: Request<Incoming>) -> Result<Response<Body>, Refused> {
    let peer = peer(request.headers())?;
    let front = Arc::clone(front);
    tokio::spawn(async move {
        if let Ok(stream) = hyper::upgrade::on(request).await {
            front.auth_from_root(TokioIo::new(stream), peer).await;
        }
    });
    Ok(Response::new(Body::empty()))
}

/// A client's connection to one of our databases. The root has seen that the client holds the certificate's key; who the
/// client is, the certificate alone says.
fn database(
    front: &Arc<Front>,
    root: &str,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refused> {
    let peer = peer(request.headers())?;
    let certificate = certificate(front, root, request.headers())?;
    let front = Arc::clone(front);
    tokio::spawn(async move {
        if let Ok(stream) = hyper::upgrade::on(request).await {
            front
                .database_from_root(TokioIo::new(stream), &certificate, peer)
                .await;
        }
    });
    Ok(Response::new(Body::empty()))
}

fn peer(headers: &HeaderMap) -> Result<SocketAddr, Refused> {
    headers
        .get(wire::PEER)
        .and_then(|v| v.to_str().ok()?.parse().ok())
        .ok_or_else(|| {
            Refused(
                StatusCode::BAD_REQUEST,
                "no address of the client".to_owned(),
            )
        })
}

/// Reads the client's certificate and verifies that the root's user authority signed it, for this cluster.
fn certificate(front: &Front, root: &str, headers: &HeaderMap) -> Result<Certificate, Refused> {
    let refused = |why: &str| Refused(StatusCode::FORBIDDEN, why.to_owned());
    let der = headers
        .get(wire::CERTIFICATE)
        .and_then(|v| STANDARD.decode(v.as_bytes()).ok())
        .ok_or_else(|| refused("no certificate"))?;
    let certificate =
        Certificate::from_der(&der).map_err(|_| refused("the certificate is unreadable"))?;
    let state = front.state();
    let trust = state
        .trusts()
        .get(root)
        .ok_or_else(|| refused("the root is not trusted any more"))?;
    if !trust.signed(&CertificateDer::from(der), UnixTime::now()) {
        return Err(refused(
            "the certificate has expired, or the root's user authority did not sign it",
        ));
    }
    let identity = &certificate.identity;
    if certificate.issuer_cluster != root || identity.teleport_cluster != root {
        return Err(refused("the certificate is another cluster's"));
    }
    if !certificate.is_database() || identity.route_to_cluster != state.name() {
        return Err(refused("the certificate does not lead to a database here"));
    }
    Ok(certificate)
}
