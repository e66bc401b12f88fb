//! The root's end of a link: an HTTP/2 client on the connection that the leaf opened. Each stream is one client's
//! connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, StatusCode};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Mutex, watch};
use tokio::time::{sleep, timeout};

use super::authority::PublicAuthority;
use super::leaves;
use super::wire::{self, Alive, Joined};
use super::{CONNECTION_WINDOW, KEEPALIVE, KEEPALIVE_LIMIT, OpenError, STREAM_WINDOW};
use crate::cluster::state::ClusterState;

/// Time between two heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long the leaf may take for an answer.
const ANSWER: Duration = Duration::from_secs(15);

/// What a stream is for.
#[derive(Clone, Copy, Debug)]
pub(in crate::cluster) enum Purpose<'a> {
    /// The auth service: the bytes are the client's own TLS connection.
    Auth,
    /// A database: PostgreSQL in clear, from the holder of this certificate (DER).
    Database(&'a [u8]),
}

/// A standing link.
#[derive(Debug)]
pub(super) struct Link {
    cluster: String,
    // hyper's sender is cheap to clone, but not shared.
    sender: Mutex<http2::SendRequest<Body>>,
    cut: watch::Sender<bool>,
}

impl Link {
    /// Ends the link with everything on it.
    pub(super) fn cut(&self) {
        self.cut.send_replace(true);
    }

    /// Opens a stream for the client at `peer`.
    pub(super) async fn open(
        &self,
        purpose: Purpose<'_>,
        peer: SocketAddr,
    ) -> Result<TokioIo<hyper::upgrade::Upgraded>, OpenError> {
        let lost = |why: String| OpenError::Lost {
            cluster: self.cluster.clone(),
            why,
        };
        let mut request = Request::connect(match purpose {
            Purpose::Auth => wire::AUTH,
            Purpose::Database(_) => wire::DATABASE,
        })
        .header(wire::PEER, peer.to_string());
        if let Purpose::Database(certificate) = purpose {
            request = request.header(wire::CERTIFICATE, STANDARD.encode(certificate));
        }
        let request = request
            .body(Body::empty())
            .map_err(|e| lost(e.to_string()))?;
        let answer = self.send(request).await.map_err(lost)?;
        if answer.status() != StatusCode::OK {
            let why = answer.headers().get(wire::REFUSAL);
            return Err(OpenError::Refused {
                cluster: self.cluster.clone(),
                why: why
                    .and_then(|v| v.to_str().ok())
                    .map_or_else(|| answer.status().to_string(), str::to_owned),
            });
        }
        let stream = hyper::upgrade::on(answer)
            .await
            .map_err(|e| lost(e.to_string()))?;
        Ok(TokioIo::new(stream))
    }

    async fn send(
        &self,
        request: Request<Body>,
    ) -> Result<http::Response<hyper::body::Incoming>, String> {
        let mut sender = self.sender.lock().await.clone();
        let answered = timeout(ANSWER, async {
            sender.ready().await?;
            sender.send_request(request).await
        });
        match answered.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {} s", ANSWER.as_secs())),
        }
    }

    /// Tells the leaf the authorities of this cluster and hears its own.
    async fn heartbeat(&self, state: &ClusterState) -> Result<Alive, String> {
        let known = Joined {
            cluster: state.name().to_owned(),
            host: PublicAuthority::host_of(state),
            user: PublicAuthority::user_of(state),
        };
        let body = serde_json::to_vec(&known).map_err(|e| e.to_string())?;
        let request = Request::post(format!("http://leaf{}", wire::HEARTBEAT))
            .body(Body::from(body))
            .map_err(|e| e.to_string())?;
        let answer = self.send(request).await?;
        if answer.status() != StatusCode::OK {
            return Err(format!("it answers a heartbeat with {}", answer.status()));
        }
        let body = axum::body::to_bytes(Body::new(answer.into_body()), wire::MESSAGE);
        let body = timeout(ANSWER, body)
            .await
            .map_err(|_| format!("no answer within {} s", ANSWER.as_secs()))?
            .map_err(|e| e.to_string())?;
        serde_json::from_slice(&body).map_err(|e| format!("its heartbeat is unreadable: {e}"))
    }
}

/// Serves the link that `cluster` opened until it ends, is replaced by a newer one or cut.
pub(super) async fn run<S>(state: &Arc<ClusterState>, cluster: &str, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handshake = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_LIMIT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .handshake(TokioIo::new(stream));
    let Ok(Ok((sender, connection))) = timeout(ANSWER, handshake).await else {
        return;
    };
    let link = Arc::new(Link {
        cluster: cluster.to_owned(),
        sender: Mutex::new(sender),
        cut: watch::Sender::new(false),
    });
    let mut cut = link.cut.subscribe();
    let ended = tokio::select! {
        ended = connection => ended.err().map(|e| e.to_string()),
        why = beat(state, cluster, &link) => why,
        // The sender lives as long as `link`.
        _ = cut.wait_for(|cut| *cut) => None,
    };
    if state.leaves().gone(cluster, &link) {
        let why = ended.map_or_else(String::new, |why| format!(": {why}"));
        state.report(&format!("the leaf cluster {cluster} is offline{why}"));
    }
}

/// Sends heartbeats for as long as they are answered, also at once when something changed here.
async fn beat(state: &Arc<ClusterState>, cluster: &str, link: &Arc<Link>) -> Option<String> {
    let mut changes = state.changes();
    loop {
        let alive = match link.heartbeat(state).await {
            Ok(alive) => alive,
            Err(why) => return Some(why),
        };
        match state.leaves().alive(cluster, link, alive.host, state.now()) {
            Ok(leaves::Alive::Known) => {}
            Ok(leaves::Alive::Back) => {
                state.report(&format!("the leaf cluster {cluster} is online again"));
            }
            Ok(leaves::Alive::Removed) => return Some("it was removed".to_owned()),
            Err(error) => return Some(error.to_string()),
        }
        tokio::select! {
            () = sleep(HEARTBEAT) => {}
            // The sender lives as long as the state.
            _ = changes.changed() => {}
        }
    }
}
