//! One gRPC connection to an auth service, over a TLS connection dialled here.
//!
//! The identity is bound to the TLS connection, so a lost connection is never replaced behind the caller's back: its
//! calls fail and the caller opens a new [`Link`], with certificates that are current then.
//! Settings: transport.md 7.2 and 15. The metadata key `version` is left out on purpose (7.3).

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::{Channel, Endpoint};

use super::dial::{DialError, closed};
use super::route::{Route, Service};
use super::tls_fault::TlsFault;

/// Largest answer accepted; lists of roles and databases outgrow the usual 4 MiB.
pub const MAX_ANSWER: usize = 64 << 20;

/// How long TCP, TLS and the HTTP/2 preface may take together.
pub const DIAL_DEADLINE: Duration = Duration::from_secs(30);

/// How long one call may take.
const CALL_DEADLINE: Duration = Duration::from_secs(60);

/// Client PINGs more often than every 60 s end the connection with `too_many_pings`.
const PING_INTERVAL: Duration = Duration::from_secs(75);

/// What a call is told that comes after the end of its connection; tonic keeps nothing of the error but this text.
pub const ENDED: &str = "the connection has ended";

const PING_TIMEOUT: Duration = Duration::from_secs(60);

/// An open connection; clones share it.
#[derive(Clone, Debug)]
pub struct Link {
    channel: Channel,
    fate: Fate,
}

/// How a connection ended, seen from below gRPC, whose own errors lose it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEnd {
    /// A TLS alert or a TLS error.
    Tls(TlsFault),
    /// The server closed it.
    Closed {
        /// Whether it had sent anything before.
        answered: bool,
    },
    /// The network failed; the system's text.
    Io(String),
}

impl Link {
    /// Dials an auth service, to which the protocol names of `service` lead.
    ///
    /// A refused client certificate shows only in the first call (TLS 1.3); [`Link::end`] then tells.
    ///
    /// # Errors
    /// See [`DialError`].
    pub async fn dial(route: &Route, service: &Service) -> Result<Self, DialError> {
        let tls = route.connect(service, DIAL_DEADLINE).await?;
        let wrong = |fault| DialError::Tls {
            addr: route.proxy().to_owned(),
            fault,
        };
        match tls.get_ref().1.alpn_protocol() {
            Some(b"h2") => {}
            None => return Err(wrong(TlsFault::NoProtocol)),
            Some(other) => {
                return Err(wrong(TlsFault::WrongProtocol(
                    String::from_utf8_lossy(other).into_owned(),
                )));
            }
        }
        Self::over(tls)
            .await
            .map_err(|text| wrong(TlsFault::Other(text)))
    }

    /// Speaks gRPC on a stream that is already there.
    ///
    /// # Errors
    /// The text of what failed while the HTTP/2 preface was written.
    pub async fn over<S>(stream: S) -> Result<Self, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let fate = Fate::default();
        let mut stream = Some(TokioIo::new(Watched {
            stream,
            fate: fate.clone(),
        }));
        let once = tower::service_fn(move |_: Uri| {
            let stream = stream
                .take()
                .ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, ENDED));
            std::future::ready(stream)
        });
        // The authority is not looked at; an https URI without tonic's own TLS would be refused by tonic.
        let channel = Endpoint::from_static("http://teleport.cluster.local")
            .origin(Uri::from_static("https://teleport.cluster.local"))
            .user_agent(concat!("postern/", env!("CARGO_PKG_VERSION")))
            .map_err(|err| err.to_string())?
            .timeout(CALL_DEADLINE)
            .http2_keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(true)
            // The adaptive window measures with PINGs of its own, which count against the limit above.
            .http2_adaptive_window(false)
            // A page of a thousand databases fits: no answer waits for a round trip in its middle.
            .initial_stream_window_size(8 << 20)
            .initial_connection_window_size(16 << 20)
            // grpc-message repeats a chain of errors; hyper's limit of 16 KiB would hide long ones.
            .http2_max_header_list_size(1 << 20)
            .connect_with_connector(once)
            .await
            .map_err(|err| err.to_string())?;
        Ok(Self { channel, fate })
    }

    /// The channel that generated clients take.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// How the connection ended; `None` while it lives.
    pub fn end(&self) -> Option<LinkEnd> {
        self.fate.get()
    }
}

#[derive(Clone, Debug, Default)]
struct Fate(Arc<Mutex<(bool, Option<LinkEnd>)>>);

impl Fate {
    fn get(&self) -> Option<LinkEnd> {
        self.0.lock().ok().and_then(|state| state.1.clone())
    }

    fn answered(&self) {
        if let Ok(mut state) = self.0.lock() {
            state.0 = true;
        }
    }

    /// The first end counts: later errors are only its echo.
    fn ended(&self, err: Option<&io::Error>) {
        if let Ok(mut state) = self.0.lock()
            && state.1.is_none()
        {
            let answered = state.0;
            state.1 = Some(match err {
                None => LinkEnd::Closed { answered },
                Some(err) => match TlsFault::of_io(err) {
                    Some(fault) => LinkEnd::Tls(fault),
                    None if closed(err.kind()) => LinkEnd::Closed { answered },
                    None => LinkEnd::Io(err.to_string()),
                },
            });
        }
    }
}

/// A stream that remembers how reading from it ended.
struct Watched<S> {
    stream: S,
    fate: Fate,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        match &result {
            Err(err) => self.fate.ended(Some(err)),
            Ok(()) if buf.filled().len() > before => self.fate.answered(),
            Ok(()) if buf.remaining() > 0 => self.fate.ended(None),
            Ok(()) => {}
        }
        Poll::Ready(result)
    }
}

impl<S: AsyncRead + Unpin> Watched<S> {
    /// Notes that writing failed. A server that refuses says why and closes; its last word may still be unread.
    fn broken<T>(&mut self, cx: &mut Context<'_>, written: &io::Result<T>) {
        let Err(err) = written else { return };
        let mut bytes = [0; 1];
        let mut buf = ReadBuf::new(&mut bytes);
        match Pin::new(&mut self.stream).poll_read(cx, &mut buf) {
            Poll::Ready(Err(reason)) => self.fate.ended(Some(&reason)),
            _ => self.fate.ended(Some(err)),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf));
        self.broken(cx, &written);
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        self.broken(cx, &flushed);
        Poll::Ready(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, bufs));
        self.broken(cx, &written);
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
