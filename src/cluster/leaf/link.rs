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
use tokio::time::timeout;

use super::error::OpenError;
use super::limits::{CONNECTION_WINDOW, KEEPALIVE, KEEPALIVE_LIMIT, STREAM_WINDOW};
use super::wire::{self, Alive, Joined};

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
    /// Becomes the client on the connection that `cluster` opened. The second value is the connection's work, done when it
    /// ends. `None` when the other end does not speak HTTP/2 in time.
    pub(super) async fn open_on<S>(
        cluster: &str,
        stream: S,
    ) -> Option<(Arc<Self>, impl Future<Output = hyper::Result<()>>)>
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
        let (sender, connection) = timeout(ANSWER, handshake).await.ok()?.ok()?;
        let link = Arc::new(Self {
            cluster: cluster.to_owned(),
            sender: Mutex::new(sender),
            cut: watch::Sender::new(false),
        });
        Some((link, connection))
    }

    /// Resolves when the link was cut.
    pub(super) async fn is_cut(&self) {
        // The sender lives as long as `self`.
        let _ = self.cut.subscribe().wait_for(|cut| *cut).await;
    }

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

    /// Tells the leaf who this cluster is now and hears who the leaf is.
    pub(super) async fn heartbeat(&self, known: &Joined) -> Result<Alive, String> {
        let body = serde_json::to_vec(known).map_err(|e| e.to_string())?;
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
