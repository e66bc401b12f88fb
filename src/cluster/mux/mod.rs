//! The one port of a cluster: accepts connections, tells them apart, hands each to the service it asks for.
//!
//! Two stages, as on a real proxy (transport.md 3.1): the first bytes, then the ClientHello's protocols and server name.
//! What is not understood is closed without an answer.

mod first;
mod inner;
mod patience;
mod route;
#[cfg(test)]
mod tests;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;

use super::dbservice::DbService;
use super::grpc::{self, Caller, Closer};
use super::state::ClusterState;
use super::web::{self, Peer};
use crate::identity::Certificate;
use crate::transport::ping::PingStream;
use first::{First, Prefixed};
use patience::Patience;
use route::Route;
use tls::Configs;
pub use tls::TlsError;

/// Time for the first bytes.
const DETECTION: Duration = Duration::from_secs(10);
/// Time for the ClientHello, and again for the handshake.
const HANDSHAKE: Duration = Duration::from_secs(15);
/// Time for the header of a web request, and for the beginning of an HTTP/2 connection.
const HEADER: Duration = Duration::from_secs(10);
/// Interval of pings on connections that negotiated them.
const PING: Duration = Duration::from_secs(30);
/// Connections at the same time; more are closed at once.
const CONNECTIONS: usize = 2048;
/// Time for a last message on a connection that is refused.
const FAREWELL: Duration = Duration::from_secs(5);

type Tls = TlsStream<Prefixed<TcpStream>>;

/// Everything behind the port.
pub struct Front {
    state: Arc<ClusterState>,
    configs: Configs,
    web: Router,
    auth: Router,
    transport: Router,
    databases: Arc<DbService>,
}

impl Front {
    /// Prepares the services; certificates are issued anew.
    ///
    /// # Errors
    /// When a certificate cannot be issued.
    pub fn new(
        state: &Arc<ClusterState>,
        databases: Arc<DbService>,
    ) -> Result<Arc<Self>, TlsError> {
        Ok(Arc::new(Self {
            state: Arc::clone(state),
            configs: Configs::new(state)?,
            web: web::router(Arc::clone(state)),
            auth: grpc::auth_router(state),
            transport: grpc::transport_router(),
            databases,
        }))
    }
}

/// Accepts connections until `stop` is done; then the listener is closed, web and auth connections are dropped, and
/// database connections are left to [`DbService::shutdown`].
pub async fn serve(listener: TcpListener, front: Arc<Front>, stop: impl Future<Output = ()>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => return,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, peer)) => {
                let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
                    continue;
                };
                let front = Arc::clone(&front);
                connections.spawn(async move {
                    // On the heap: with every layer of TLS and HTTP in it, the future is large.
                    Box::pin(front.connection(stream, peer)).await;
                    drop(permit);
                });
            }
            // Out of file descriptors, most likely: give the open connections a moment to end.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

impl Front {
    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        // Only a hint to the system; small messages would be late without it.
        let _ = stream.set_nodelay(true);
        let Ok(Ok((First::Tls, stream))) = timeout(DETECTION, first::first(stream)).await else {
            return;
        };
        let acceptor =
            tokio_rustls::LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream);
        let Ok(Ok(start)) = timeout(HANDSHAKE, acceptor).await else {
            return;
        };
        let hello = start.client_hello();
        let chosen = route::route(hello.alpn().into_iter().flatten(), self.state.name());
        let Some(route) = chosen else { return };
        let config = self.configs.get(route, hello.server_name());
        let Ok(Ok(mut stream)) = timeout(HANDSHAKE, start.into_stream(config)).await else {
            return;
        };
        let Ok(certificate) = self.client_certificate(stream.get_ref().1.peer_certificates())
        else {
            return farewell(&mut stream, b"").await;
        };
        // A database certificate means a database connection, whatever protocol was negotiated (transport.md 3.1, 7).
        let terminated = matches!(route, Route::Web | Route::Database);
        if let Some(certificate) = certificate
            .as_ref()
            .filter(|c| terminated && c.is_database())
        {
            return self.database(stream, certificate.clone(), peer).await;
        }
        match route {
            Route::Web => self.http(stream, peer).await,
            Route::Auth => self.auth(stream, certificate, peer).await,
            Route::AuthLegacy => farewell(&mut stream, LEGACY).await,
            Route::Transport => match usable(certificate) {
                Ok(Some(_)) => {
                    grpc_connection(stream, self.transport.clone(), Closer::default()).await;
                }
                _ => farewell(&mut stream, b"").await,
            },
            Route::Database => {
                let ping = negotiated_ping(&stream);
                if ping {
                    self.inner_tls(PingStream::server(stream, PING), peer).await;
                } else {
                    self.inner_tls(stream, peer).await;
                }
            }
            Route::ReverseTunnel | Route::Ssh => {
                farewell(&mut stream, b"SSH-2.0-Teleport\r\n").await;
            }
        }
    }

    /// The web API, HTTP/1.1 or HTTP/2.
    async fn http(&self, stream: Tls, peer: SocketAddr) {
        let service = TowerToHyperService::new(self.web.clone().layer(Extension(Peer(peer))));
        // The negotiated protocol decides: guessing it from the first bytes would wait for them without a limit.
        let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder = if h2 {
            builder.http2_only()
        } else {
            builder.http1_only()
        };
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER)
            .title_case_headers(true);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(60))
            .max_concurrent_streams(250);
        // The client's errors are its own. HTTP/1.1 has a deadline for each header, the first one too.
        let _ = if h2 {
            let stream = TokioIo::new(Patience::new(stream, HEADER));
            builder.serve_connection(stream, service).await
        } else {
            builder
                .serve_connection(TokioIo::new(stream), service)
                .await
        };
    }

    /// Reads the client's certificate and checks its origin (credentials.md 8.4): what the handshake accepts may be signed
    /// by the host authority, but persons are vouched for by the user authority alone.
    fn client_certificate(
        &self,
        chain: Option<&[CertificateDer<'_>]>,
    ) -> Result<Option<Certificate>, Refused> {
        match chain {
            None | Some([]) => Ok(None),
            Some([one]) => {
                let certificate = Certificate::from_der(one).map_err(|_| Refused)?;
                let own = certificate.identity.teleport_cluster == certificate.issuer_cluster
                    && certificate.issuer_cluster == self.state.name();
                if own && self.configs.is_users(one) {
                    Ok(Some(certificate))
                } else {
                    Err(Refused)
                }
            }
            // Intermediates are never accepted.
            Some(_) => Err(Refused),
        }
    }

    /// The auth service. Restricted certificates are refused by closing (auth-api.md 1.2).
    async fn auth(&self, mut stream: Tls, certificate: Option<Certificate>, peer: SocketAddr) {
        let Ok(certificate) = usable(certificate) else {
            return farewell(&mut stream, b"").await;
        };
        let closer = Closer::default();
        let caller = Caller::new(certificate, peer);
        let router = self
            .auth
            .clone()
            .layer(Extension(Arc::new(caller)))
            .layer(Extension(closer.clone()));
        grpc_connection(stream, router, closer).await;
    }

    async fn database(&self, stream: Tls, certificate: Certificate, peer: SocketAddr) {
        if negotiated_ping(&stream) {
            self.tunnel(PingStream::server(stream, PING), certificate, peer)
                .await;
        } else {
            self.tunnel(stream, certificate, peer).await;
        }
    }

    async fn tunnel<S>(&self, stream: S, certificate: Certificate, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.databases
            .serve_tunnel(stream, certificate.identity, certificate.not_after, peer)
            .await;
    }
}

/// The former JSON interface of the auth service has no paths left.
const LEGACY: &[u8] =
    b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 19\r\n\
                        Connection: close\r\n\r\n404 page not found\n";

/// A client certificate that passed the handshake but is refused: the connection is closed without a word.
#[derive(Debug)]
struct Refused;

/// Whether a certificate may be used for the services of the cluster: no restriction, and a person's. None at all is fine.
fn usable(certificate: Option<Certificate>) -> Result<Option<Certificate>, Refused> {
    const SYSTEM_ROLES: [&str; 8] = [
        "Auth", "Proxy", "Admin", "Node", "Db", "Instance", "Nop", "Kube",
    ];
    match certificate {
        Some(c)
            if !c.identity.usage.is_empty()
                || c.identity
                    .roles
                    .iter()
                    .any(|r| SYSTEM_ROLES.contains(&r.as_str())) =>
        {
            Err(Refused)
        }
        other => Ok(other),
    }
}

fn negotiated_ping(stream: &Tls) -> bool {
    stream
        .get_ref()
        .1
        .alpn_protocol()
        .is_some_and(|p| p.ends_with(b"-ping"))
}

/// Says the last word, if any, and ends the TLS connection properly.
async fn farewell(stream: &mut Tls, word: &[u8]) {
    let _ = timeout(FAREWELL, async {
        stream.write_all(word).await?;
        stream.shutdown().await
    })
    .await;
}

/// gRPC on HTTP/2 until the client leaves or `closer` ends the connection.
async fn grpc_connection(stream: Tls, router: Router, closer: Closer) {
    let mut builder = auto::Builder::new(TokioExecutor::new()).http2_only();
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(60))
        .keep_alive_timeout(Duration::from_secs(180))
        .max_concurrent_streams(1000);
    let stream = TokioIo::new(Patience::new(stream, HEADER));
    let serving = builder.serve_connection(stream, TowerToHyperService::new(router));
    tokio::select! {
        // The client's errors are its own.
        _ = serving => {}
        () = closer.closed() => {}
    }
}
