//! A deadline for the beginning of an HTTP/2 connection: the library that speaks it waits for ever for the client's preface.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Length of the preface.
const PREFACE: usize = 24;

/// A stream whose first bytes must come in time; later ones take as long as they like.
#[derive(Debug)]
pub(super) struct Patience<S> {
    inner: S,
    missing: usize,
    deadline: Pin<Box<Sleep>>,
}

impl<S> Patience<S> {
    /// Lets the client take `limit` for the preface.
    pub(super) fn new(inner: S, limit: Duration) -> Self {
        Self {
            inner,
            missing: PREFACE,
            deadline: Box::pin(sleep(limit)),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patience<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.missing > 0 && self.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        self.missing = self.missing.saturating_sub(buf.filled().len() - before);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patience<S> {
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
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test(start_paused = true)]
    async fn only_the_preface_is_in_a_hurry() {
        let limit = Duration::from_secs(10);
        let (mut near, far) = tokio::io::duplex(64);
        let mut stream = Patience::new(far, limit);
        near.write_all(&[0; PREFACE - 1]).await.expect("a write");
        let mut bytes = [0; PREFACE - 1];
        stream.read_exact(&mut bytes).await.expect("in time");
        let begun = tokio::time::Instant::now();
        let error = stream.read_u8().await.expect_err("one byte is missing");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed(), limit);

        let (mut near, far) = tokio::io::duplex(64);
        let mut stream = Patience::new(far, limit);
        near.write_all(&[0; PREFACE]).await.expect("a write");
        let mut bytes = [0; PREFACE];
        stream.read_exact(&mut bytes).await.expect("in time");
        tokio::time::advance(limit * 2).await;
        near.write_all(b"x").await.expect("a write");
        assert_eq!(stream.read_u8().await.expect("no deadline any more"), b'x');
    }
}
