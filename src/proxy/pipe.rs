//! The data phase: bytes both ways, nothing looked at.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

use crate::transport::ping;

/// Size of the buffer that bytes are moved through: what goes out in one frame and four of TLS's largest records. Half of it
/// costs a COPY in 9 % more processor time, a quarter 22 %; twice as much gains nothing that could be measured.
const BUFFER: usize = ping::MAX_PAYLOAD;

thread_local! {
    /// The one buffer of this thread, warm in its cache whichever session moves bytes. Nothing stays in it between two
    /// polls, so a session that waits holds none.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

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
    // Whoever is still there learns of the end; timing out is as good as being told.
    let farewell = timeout(FAREWELL, upstream.shutdown());
    let _ = tokio::join!(super::answer::close(client), farewell);
}

/// Copies both ways until either side has ended and all it sent is written, or either failed.
async fn copy<C, U>(client: &mut C, upstream: &mut U)
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    let (mut up, mut down) = (OneWay::default(), OneWay::default());
    // One task and plain references instead of split halves: no lock between the directions, and one wake-up for both.
    std::future::poll_fn(|cx| {
        let mut scratch = SCRATCH.take();
        // Zeroed once in the life of a thread.
        scratch.resize(BUFFER, 0);
        let ended = up.poll_copy(cx, client, upstream, &mut scratch).is_ready()
            || down
                .poll_copy(cx, upstream, client, &mut scratch)
                .is_ready();
        SCRATCH.set(scratch);
        if ended {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// One direction.
#[derive(Default)]
struct OneWay {
    /// What was read and could not be written at once. The source is not read while there is any: backpressure.
    late: Vec<u8>,
    /// How much of it is written by now.
    written: usize,
    unflushed: bool,
    ended: bool,
}

impl OneWay {
    /// Moves bytes until one side is not ready; ready when the source has ended or failed and all of it is written, or when
    /// writing failed.
    fn poll_copy<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        scratch: &mut [u8],
    ) -> Poll<()>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            if self.written < self.late.len() {
                let rest = &self.late[self.written..];
                match ready!(Pin::new(&mut *to).poll_write(cx, rest)) {
                    Ok(n @ 1..) => self.written += n,
                    Ok(0) | Err(_) => return Poll::Ready(()),
                }
                self.unflushed = true;
                continue;
            }
            (self.late, self.written) = (Vec::new(), 0);
            if !self.ended {
                let mut room = ReadBuf::new(scratch);
                match Pin::new(&mut *from).poll_read(cx, &mut room) {
                    Poll::Ready(Ok(())) if !room.filled().is_empty() => {
                        if self.poll_pass(cx, to, room.filled()).is_ready() {
                            return Poll::Ready(());
                        }
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

    /// Writes what was read, and keeps what cannot be written now; ready when writing failed.
    fn poll_pass<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
        mut data: &[u8],
    ) -> Poll<()> {
        while !data.is_empty() {
            match Pin::new(&mut *to).poll_write(cx, data) {
                Poll::Ready(Ok(n @ 1..)) => data = &data[n..],
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                Poll::Pending => {
                    self.late = data.to_vec();
                    break;
                }
            }
            self.unflushed = true;
        }
        Poll::Pending
    }
}

#[cfg(test)]
#[path = "pipe_tests.rs"]
mod tests;
