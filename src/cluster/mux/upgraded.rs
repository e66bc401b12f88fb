//! Connections inside upgraded ones (transport.md 5): the same services, reached through a load balancer that ends TLS.

use futures_util::future::BoxFuture;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::either::Either;

use super::{Front, Guest, HANDSHAKE, PING};
use crate::cluster::web::{Carriage, Handover};
use crate::readahead::ReadAhead;
use crate::transport::ping::PingStream;
use crate::transport::websocket::WebSocketStream;

/// A stream of either kind.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// What carries a connection to the port: TCP, or the upgraded connection of a request to the web API.
pub(super) type Wire = Either<TcpStream, Box<dyn Duplex>>;

impl Front {
    /// Serves the connection that a request has upgraded, if one has. What it carries is treated like a new connection, but
    /// the proxy shows the certificate of its cluster there: the client has verified the balancer's outside.
    pub(super) fn upgraded(&self, handover: Handover, guest: Guest) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let Some((carriage, on)) = handover.take() else {
                return;
            };
            let Ok(Ok(stream)) = timeout(HANDSHAKE, on).await else {
                return;
            };
            let stream = TokioIo::new(stream);
            let inside: Box<dyn Duplex> = match carriage {
                Carriage::WebSocket { pings } => {
                    Box::new(WebSocketStream::server(stream, pings.then_some(PING)))
                }
                Carriage::Pings => Box::new(PingStream::server(stream, PING)),
                Carriage::Bare => Box::new(stream),
                Carriage::Nothing => return,
            };
            let wire = Wire::Right(inside);
            Box::pin(self.tls(ReadAhead::new(wire), guest)).await;
        })
    }
}
