//! The one port of a cluster: accepts connections, tells them apart, hands each to the service it asks for.
//!
//! Two stages, as on a real proxy (transport.md 3.1): the first bytes, then the ClientHello's protocols and server name.
//! What is not understood is closed without an answer.

mod first;
mod gate;
mod inner;
mod leaf_tls;
mod linked;
mod patience;
mod route;
#[cfg(test)]
mod tests;
mod tls;
mod upgraded;

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;

use super::dbservice::DbService;
use super::grpc::{self, Caller, Closer};
use super::leaf::{self, Recorded, recorded};
use super::state::ClusterState;
use super::web::{self, Handover, Peer};
use crate::identity::Certificate;
use crate::readahead::ReadAhead;
use crate::transport::ping::PingStream;
use first::First;
use gate::{Gate, PASSING, ROOM, Ticket};
use patience::Patience;
use route::Route;
use tls::Configs;
pub use tls::TlsError;
use upgraded::Wire;

/// Time for the first bytes.
const DETECTION: Duration = Duration::from_secs(10);
/// Time for the ClientHello, and again for the handshake.
const HANDSHAKE: Duration = Duration::from_secs(15);
/// Time for the header of a web request, and for the beginning of an HTTP/2 connection.
const HEADER: Duration = Duration::from_secs(10);
/// Interval of pings on connections that negotiated them.
const PING: Duration = Duration::from_secs(30);
/// Connections at the same time whose certificate was checked; more are closed. Database sessions have a smaller limit,
/// which clients are told.
const SEATS: usize = 2560;
/// Largest header of a web request, bytes; real servers take a megabyte, their clients need a few hundred bytes.
const HEADER_MAX: usize = 64 * 1024;
/// The same on HTTP/2, where the library counts 32 more for each field.
const HEADER_LIST_MAX: u32 = 64 * 1024;
/// What a client may send ahead on HTTP/2, bytes: for one request and for all of a connection.
const WINDOW: (u32, u32) = (64 * 1024, 256 * 1024);
/// Calls at the same time on a gRPC connection without a certificate, which gets little more than refusals.
const ANONYMOUS_CALLS: u32 = 16;
/// The same with one.
const CALLS: u32 = 1000;
/// Time for a last message on a connection that is refused.
const FAREWELL: Duration = Duration::from_secs(5);

type Tls = TlsStream<Recorded<ReadAhead<Wire>>>;

/// Everything behind the port.
pub struct Front {
    state: Arc<ClusterState>,
    configs: RwLock<Arc<Configs>>,
    web: Router,
    auth: Router,
    anonymous: Router,
    transport: Router,
    databases: Arc<DbService>,
    gate: Arc<Gate>,
    passing: Arc<Gate>,
    seats: Arc<Semaphore>,
}

/// A connection that nobody has vouched for yet.
struct Guest {
    peer: SocketAddr,
    ticket: Ticket,
    seats: Arc<Semaphore>,
}

impl Guest {
    /// The certificate is checked: the connection leaves the gate and takes a seat, if there is one.
    fn admitted(self) -> Option<OwnedSemaphorePermit> {
        drop(self.ticket);
        self.seats.try_acquire_owned().ok()
    }
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
            configs: RwLock::new(Arc::new(Configs::new(state)?)),
            web: web::router(Arc::clone(state)),
            auth: grpc::auth_router(state, grpc::MESSAGE_MAX),
            anonymous: grpc::auth_router(state, grpc::ANONYMOUS_MESSAGE_MAX),
            transport: grpc::transport_router(),
            databases,
            gate: Gate::new(ROOM),
            passing: Gate::new(PASSING),
            seats: Arc::new(Semaphore::new(SEATS)),
        }))
    }

    /// Issues the certificates anew, with the authorities and the web certificate that the cluster has now. Connections that
    /// are open stay as they are.
    ///
    /// # Errors
    /// When a certificate cannot be issued; the former ones stay.
    pub fn renew(&self) -> Result<(), TlsError> {
        let configs = Arc::new(Configs::new(&self.state)?);
        *self.configs.write().unwrap_or_else(PoisonError::into_inner) = configs;
        Ok(())
    }

    /// Begin and end of the certificates that the port shows, unix seconds. A web certificate from outside does not count.
    #[must_use]
    pub fn validity(&self) -> (i64, i64) {
        self.configs().validity()
    }

    fn configs(&self) -> Arc<Configs> {
        Arc::clone(&self.configs.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Accepts connections until `stop` is done; then the listener is closed, web and auth connections are dropped, and
/// database connections are left to [`DbService::shutdown`].
pub async fn serve(listener: TcpListener, front: Arc<Front>, stop: impl Future<Output = ()>) {
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
                front.state.metrics().connections.add();
                let front = Arc::clone(&front);
                connections.spawn(async move {
                    let (ticket, eviction) = front.gate.enter(peer.ip());
                    let guest = Guest {
                        peer,
                        ticket,
                        seats: Arc::clone(&front.seats),
                    };
                    tokio::select! {
                        biased;
                        () = eviction.evicted() => front.state.metrics().refused_connections.add(),
                        // On the heap: with every layer of TLS and HTTP in it, the future is large.
                        () = Box::pin(front.connection(stream, guest)) => {}
                    }
                });
            }
            // Out of file descriptors, most likely: give the open connections a moment to end.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

impl Front {
    async fn connection(&self, stream: TcpStream, guest: Guest) {
        // Only a hint to the system; small messages would be late without it.
        let _ = stream.set_nodelay(true);
        let stream = match timeout(DETECTION, first::first(Wire::Left(stream))).await {
            Ok(Ok((First::Tls, stream))) => stream,
            Ok(Ok((First::Postgres, stream))) => return self.inner_tls(stream, guest).await,
            Ok(Ok((First::Other, _)) | Err(_)) | Err(_) => return,
        };
        Box::pin(self.tls(stream, guest)).await;
    }

    /// The second stage: TLS, and what the ClientHello asks for.
    async fn tls(&self, stream: ReadAhead<Wire>, guest: Guest) {
        let upgraded = matches!(stream.get_ref(), Wire::Right(_));
        let acceptor = tokio_rustls::LazyConfigAcceptor::new(
            rustls::server::Acceptor::default(),
            recorded(stream),
        );
        let Ok(Ok(mut start)) = timeout(HANDSHAKE, acceptor).await else {
            return;
        };
        let offered = start.client_hello().alpn();
        if let Some(cluster) =
            route::other_cluster(offered.into_iter().flatten(), self.state.name())
        {
            start.io.hook_mut().replay();
            return self.pass_on(&cluster, start.io, guest).await;
        }
        start.io.hook_mut().forget();
        let hello = start.client_hello();
        let chosen = route::route(hello.alpn().into_iter().flatten(), self.state.name());
        let Some(route) = chosen else { return };
        let config = self.configs().get(route, hello.server_name(), upgraded);
        let Ok(Ok(mut stream)) = timeout(HANDSHAKE, start.into_stream(config)).await else {
            return;
        };
        match route {
            Route::LeafJoin => return leaf::answer_join(&self.state, stream, guest.peer).await,
            Route::LeafLink => return self.link(stream, guest).await,
            _ => {}
        }
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
            return self.database(stream, certificate.clone(), guest).await;
        }
        match route {
            Route::Web => self.http(stream, guest).await,
            Route::Auth => self.auth(stream, certificate, guest).await,
            Route::AuthLegacy => farewell(&mut stream, LEGACY).await,
            Route::Transport => match usable(certificate) {
                Ok(Some(_)) => {
                    let Some(_seat) = guest.admitted() else {
                        return;
                    };
                    let router = self.transport.clone();
                    grpc_connection(stream, router, Closer::default(), CALLS).await;
                }
                _ => farewell(&mut stream, b"").await,
            },
            Route::Database => {
                let ping = negotiated_ping(&stream);
                if ping {
                    self.inner_tls(PingStream::server(stream, PING), guest)
                        .await;
                } else {
                    self.inner_tls(stream, guest).await;
                }
            }
            Route::ReverseTunnel | Route::Ssh | Route::LeafJoin | Route::LeafLink => {
                farewell(&mut stream, b"SSH-2.0-Teleport\r\n").await;
            }
        }
    }

    /// The web API, HTTP/1.1 or HTTP/2.
    async fn http(&self, stream: Tls, guest: Guest) {
        let peer = Peer(guest.peer);
        let handover = Handover::default();
        let mut web = self.web.clone().layer(Extension(peer));
        // Once is enough.
        if !matches!(stream.get_ref().0.get_ref().get_ref(), Wire::Right(_)) {
            web = web.layer(Extension(handover.clone()));
        }
        let service = TowerToHyperService::new(web);
        // The negotiated protocol decides: guessing it from the first bytes would wait for them without a limit.
        let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        // The client's errors are its own. HTTP/1.1 has a deadline for each header, the first one too.
        if h2 {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder
                .timer(TokioTimer::new())
                .keep_alive_interval(Duration::from_secs(60))
                .max_header_list_size(HEADER_LIST_MAX)
                .initial_stream_window_size(WINDOW.0)
                .initial_connection_window_size(WINDOW.1)
                .max_concurrent_streams(250);
            let stream = TokioIo::new(Patience::with(stream, HEADER));
            let _ = builder.serve_connection(stream, service).await;
            return;
        }
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER)
            .max_buf_size(HEADER_MAX)
            .title_case_headers(true);
        let _ = builder
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
            .await;
        self.upgraded(handover, guest).await;
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
                if self.configs().vouches(&certificate, one) {
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
    async fn auth(&self, mut stream: Tls, certificate: Option<Certificate>, guest: Guest) {
        let Ok(certificate) = usable(certificate) else {
            return farewell(&mut stream, b"").await;
        };
        let peer = guest.peer;
        if certificate.is_none() {
            // Nobody keeps the place at the gate.
            let _guest = guest;
            return self.auth_service(stream, None, peer).await;
        }
        if let Some(_seat) = guest.admitted() {
            self.auth_service(stream, certificate, peer).await;
        }
    }

    /// The auth service for the holder of a certificate that may be used there, or for nobody.
    async fn auth_service<S>(
        &self,
        stream: TlsStream<S>,
        certificate: Option<Certificate>,
        peer: SocketAddr,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let closer = Closer::default();
        let (router, calls) = if certificate.is_some() {
            (&self.auth, CALLS)
        } else {
            (&self.anonymous, ANONYMOUS_CALLS)
        };
        let caller = Caller::new(certificate, peer);
        let router = router
            .clone()
            .layer(Extension(Arc::new(caller)))
            .layer(Extension(closer.clone()));
        grpc_connection(stream, router, closer, calls).await;
    }

    async fn database(&self, stream: Tls, certificate: Certificate, guest: Guest) {
        if negotiated_ping(&stream) {
            self.tunnel(PingStream::server(stream, PING), certificate, guest)
                .await;
        } else {
            self.tunnel(stream, certificate, guest).await;
        }
    }

    async fn tunnel<S>(&self, stream: S, certificate: Certificate, guest: Guest)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let peer = guest.peer;
        let Some(_seat) = guest.admitted() else {
            return;
        };
        let cluster = &certificate.identity.route_to_cluster;
        if !cluster.is_empty() && *cluster != self.state.name() {
            // On the heap: sessions with databases here shall not carry its buffers.
            return Box::pin(self.to_leaf(stream, &certificate, peer)).await;
        }
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
async fn farewell<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut TlsStream<S>, word: &[u8]) {
    let _ = timeout(FAREWELL, async {
        stream.write_all(word).await?;
        stream.shutdown().await
    })
    .await;
}

/// gRPC on HTTP/2 until the client leaves or `closer` ends the connection.
async fn grpc_connection<S>(stream: TlsStream<S>, router: Router, closer: Closer, calls: u32)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new()).http2_only();
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(60))
        .keep_alive_timeout(Duration::from_secs(180))
        .max_header_list_size(HEADER_LIST_MAX)
        .max_concurrent_streams(calls);
    let stream = TokioIo::new(Patience::with(stream, HEADER));
    let serving = builder.serve_connection(stream, TowerToHyperService::new(router));
    tokio::select! {
        // The client's errors are its own.
        _ = serving => {}
        () = closer.closed() => {}
    }
}
