//! The first bytes of a connection decide what speaks on it (transport.md 3.1, stage A).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// Bytes needed for a decision.
const NEEDED: usize = 8;

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// A TLS record with a ClientHello.
    Tls,
    /// Anything else: closed without an answer, as on a real web port. That includes plain HTTP and, for now,
    /// PostgreSQL without TLS around it.
    Other,
}

pub(super) fn classify(bytes: &[u8; NEEDED]) -> First {
    if bytes[0] == 0x16 {
        First::Tls
    } else {
        First::Other
    }
}

/// Reads the first bytes and puts them back in front of the stream.
///
/// # Errors
/// When the stream ends or fails before there are enough.
pub(super) async fn first<S: AsyncRead + Unpin>(mut inner: S) -> io::Result<(First, Prefixed<S>)> {
    let mut bytes = [0; NEEDED];
    inner.read_exact(&mut bytes).await?;
    Ok((
        classify(&bytes),
        Prefixed {
            prefix: bytes,
            given: 0,
            inner,
        },
    ))
}

/// A stream whose first bytes were read already and come again.
#[derive(Debug)]
pub(super) struct Prefixed<S> {
    prefix: [u8; NEEDED],
    given: usize,
    inner: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Prefixed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let rest = &self.prefix[self.given..];
        if rest.is_empty() {
            return Pin::new(&mut self.inner).poll_read(cx, buf);
        }
        let n = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..n]);
        self.given += n;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prefixed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_bytes_come_again_and_only_tls_goes_on() {
        let (kind, mut stream) = first(&b"\x16\x03\x01\x02\x00\x01\x00\x01rest"[..])
            .await
            .expect("enough bytes");
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.expect("the bytes");
        assert_eq!(
            (kind, all.as_slice()),
            (First::Tls, &b"\x16\x03\x01\x02\x00\x01\x00\x01rest"[..])
        );
        for other in [
            &b"GET / HTTP/1.1"[..],
            b"SSH-2.0-x",
            b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
            b"\x00\x00\x00\x10\x04\xd2\x16\x2e",
        ] {
            assert_eq!(first(other).await.expect("enough bytes").0, First::Other);
        }
        assert!(first(&b"\x16\x03"[..]).await.is_err());
    }
}
