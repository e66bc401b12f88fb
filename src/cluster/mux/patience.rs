//! A deadline for the beginning of an HTTP/2 connection: the library that speaks it waits for ever for the client's preface.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::cluster::hooked::{Hooked, ReadHook};

/// Length of the preface.
const PREFACE: usize = 24;

/// A stream whose first bytes must come in time; later ones take as long as they like.
pub(super) type Patient<S> = Hooked<S, Patience>;

/// What is still missing, and until when it may be.
#[derive(Debug)]
pub(super) struct Patience {
    missing: usize,
    deadline: Pin<Box<Sleep>>,
}

impl Patience {
    /// Lets the client take `limit` for the preface.
    pub(super) fn with<S>(stream: S, limit: Duration) -> Patient<S> {
        Hooked::new(
            stream,
            Self {
                missing: PREFACE,
                deadline: Box::pin(sleep(limit)),
            },
        )
    }
}

impl ReadHook for Patience {
    fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        inner: &mut S,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.missing > 0 && self.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buf.filled().len();
        let polled = Pin::new(inner).poll_read(cx, buf);
        self.missing = self.missing.saturating_sub(buf.filled().len() - before);
        polled
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
        let mut stream = Patience::with(far, limit);
        near.write_all(&[0; PREFACE - 1]).await.expect("a write");
        let mut bytes = [0; PREFACE - 1];
        stream.read_exact(&mut bytes).await.expect("in time");
        let begun = tokio::time::Instant::now();
        let error = stream.read_u8().await.expect_err("one byte is missing");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed(), limit);

        let (mut near, far) = tokio::io::duplex(64);
        let mut stream = Patience::with(far, limit);
        near.write_all(&[0; PREFACE]).await.expect("a write");
        let mut bytes = [0; PREFACE];
        stream.read_exact(&mut bytes).await.expect("in time");
        tokio::time::advance(limit * 2).await;
        near.write_all(b"x").await.expect("a write");
        assert_eq!(stream.read_u8().await.expect("no deadline any more"), b'x');
    }
}
