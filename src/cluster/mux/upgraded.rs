//! Connections inside upgraded ones (transport.md 5): the same services, reached through a load balancer that ends TLS.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Front, Guest, HANDSHAKE, PING};
use crate::cluster::readahead::ahead;
use crate::cluster::web::{Carriage, Handover};
use crate::transport::ping::PingStream;
use crate::transport::websocket::WebSocketStream;

/// A stream of either kind.
trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// What carries a connection to the port.
pub(super) enum Wire {
    Tcp(TcpStream),
    /// The upgraded connection of a request to the web API.
    Upgraded(Upgraded),
}

/// An upgraded connection.
pub(super) struct Upgraded(Box<dyn Duplex>);

impl Wire {
    pub(super) fn is_upgraded(&self) -> bool {
        matches!(self, Self::Upgraded(_))
    }
}

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
            let wire = Wire::Upgraded(Upgraded(inside));
            Box::pin(self.tls(ahead(wire, Vec::new()), guest)).await;
        })
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Upgraded(stream) => Pin::new(&mut stream.0).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_write(cx, data),
            Self::Upgraded(stream) => Pin::new(&mut stream.0).poll_write(cx, data),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Upgraded(stream) => Pin::new(&mut stream.0).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Upgraded(stream) => Pin::new(&mut stream.0).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_write_vectored(cx, bufs),
            Self::Upgraded(stream) => Pin::new(&mut stream.0).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(tcp) => tcp.is_write_vectored(),
            Self::Upgraded(stream) => stream.0.is_write_vectored(),
        }
    }
}
