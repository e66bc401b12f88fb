//! The data phase: bytes both ways, nothing looked at.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

/// Size of each of the two buffers of a session, bytes.
pub(super) const BUFFER: usize = 64 * 1024;

/// How long the cluster's side may take to be told of the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Copies both ways until either side ends or fails, then closes both: there is no half-close in this protocol
/// (transport.md 10.5). A TLS stream that ends without close_notify has ended.
pub(super) async fn run<C, U>(client: &mut C, upstream: &mut U)
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    copy(client, upstream).await;
    // The buffers are gone by now. Whoever is still there learns of the end; timing out is as good as being told.
    let farewell = timeout(FAREWELL, upstream.shutdown());
    let _ = tokio::join!(super::answer::close(client), farewell);
}

/// Copies both ways until either side has ended and all it sent is written, or either failed.
async fn copy<C, U>(client: &mut C, upstream: &mut U)
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    let (mut up, mut down) = (OneWay::new(), OneWay::new());
    // One task and plain references instead of split halves: no lock between the directions.
    std::future::poll_fn(|cx| {
        if up.poll_copy(cx, client, upstream).is_ready()
            || down.poll_copy(cx, upstream, client).is_ready()
        {
            return Poll::Ready(());
        }
        Poll::Pending
    })
    .await;
}

/// One direction: a buffer and how much of it is waiting to be written.
struct OneWay {
    buf: Box<[u8]>,
    start: usize,
    end: usize,
    unflushed: bool,
    ended: bool,
}

impl OneWay {
    fn new() -> Self {
        Self {
            // Zeroed by the allocator: pages stay untouched until they are used.
            buf: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
            unflushed: false,
            ended: false,
        }
    }

    /// Moves bytes until one side is not ready; ready when the source has ended or failed and all of it is written, or when
    /// writing failed.
    fn poll_copy<R, W>(&mut self, cx: &mut Context<'_>, from: &mut R, to: &mut W) -> Poll<()>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            while self.start < self.end {
                match ready!(Pin::new(&mut *to).poll_write(cx, &self.buf[self.start..self.end])) {
                    Ok(n @ 1..) => self.start += n,
                    Ok(0) | Err(_) => return Poll::Ready(()),
                }
                self.unflushed = true;
            }
            if !self.ended {
                let mut room = ReadBuf::new(&mut self.buf);
                match Pin::new(&mut *from).poll_read(cx, &mut room) {
                    Poll::Ready(Ok(())) if !room.filled().is_empty() => {
                        (self.start, self.end) = (0, room.filled().len());
                        continue;
                    }
                    Poll::Ready(_) => self.ended = true,
                    Poll::Pending => {}
                }
            }
            // Nothing more to come for now: what was written must not wait in a buffer of the layers below.
            if self.unflushed {
                if ready!(Pin::new(&mut *to).poll_flush(cx)).is_err() {
                    return Poll::Ready(());
                }
                self.unflushed = false;
            }
            return if self.ended {
                Poll::Ready(())
            } else {
                Poll::Pending
            };
        }
    }
}

#[cfg(test)]
#[path = "pipe_tests.rs"]
mod tests;
