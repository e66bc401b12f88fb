//! Reading a socket in large pieces where there is much to read.
//!
//! The TLS library asks for 4 KiB at a time, four system calls for each of the larger records. Once a read fills what was
//! asked for, the next one takes up to 64 KiB into a buffer that is given back when the stream runs dry: a session that
//! exchanges short messages never has one.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::hooked::{Hooked, ReadHook};

/// Size of the buffer, bytes.
const BUFFER: usize = 64 * 1024;

/// A stream with a buffer before it.
pub(super) type ReadAhead<S> = Hooked<S, Ahead>;

/// What was read and not asked for yet.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    held: Vec<u8>,
    given: usize,
    /// The last read left nothing to be wished for: there is more, most likely.
    more: bool,
}

/// A stream of which `held` was read already; it comes again.
pub(super) fn ahead<S>(inner: S, held: Vec<u8>) -> ReadAhead<S> {
    Hooked::new(
        inner,
        Ahead {
            held,
            given: 0,
            more: false,
        },
    )
}

impl ReadHook for Ahead {
    fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        inner: &mut S,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.given == self.held.len() {
            self.given = 0;
            self.held.clear();
            if !self.more || buf.remaining() >= BUFFER {
                if self.held.capacity() > 0 {
                    self.held = Vec::new();
                }
                let room = buf.remaining();
                ready!(Pin::new(inner).poll_read(cx, buf))?;
                self.more = room > 0 && buf.remaining() == 0;
                return Poll::Ready(Ok(()));
            }
            self.held.resize(BUFFER, 0);
            let mut into = ReadBuf::new(&mut self.held);
            let read = Pin::new(inner).poll_read(cx, &mut into);
            let filled = into.filled().len();
            self.held.truncate(filled);
            if filled == 0 {
                self.held = Vec::new();
                self.more = false;
                return read;
            }
            self.more = filled >= BUFFER / 4;
            ready!(read)?;
        }
        let rest = &self.held[self.given..];
        let take = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..take]);
        self.given += take;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn nothing_is_lost_whatever_is_asked_for() {
        let sent: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
        for size in [1000, 4096, BUFFER, 3 * BUFFER] {
            let (mut near, far) = tokio::io::duplex(300_000);
            let mut stream = ahead(far, sent[..8].to_vec());
            let rest = &sent[8..];
            let mut got = Vec::new();
            let read = async {
                let mut piece = vec![0; size];
                while let Ok(n @ 1..) = stream.read(&mut piece).await {
                    got.extend_from_slice(&piece[..n]);
                }
            };
            let write = async {
                near.write_all(rest).await.expect("a write");
                drop(near);
            };
            tokio::join!(read, write);
            assert!(got == sent, "pieces of {size}");
            assert_eq!(stream_buffer(&stream), 0, "given back at the end");
        }
    }

    #[tokio::test]
    async fn short_messages_need_no_buffer() {
        let (mut near, far) = tokio::io::duplex(300_000);
        let mut stream = ahead(far, Vec::new());
        let mut piece = [0; 4096];
        for _ in 0..3 {
            near.write_all(&[1; 100]).await.expect("a write");
            assert_eq!(stream.read(&mut piece).await.expect("a read"), 100);
            assert_eq!(stream_buffer(&stream), 0);
        }
        near.write_all(&[1; 100_000]).await.expect("a write");
        let mut left = 100_000;
        let mut largest = 0;
        while left > 0 {
            left -= stream.read(&mut piece).await.expect("a read");
            largest = largest.max(stream_buffer(&stream));
        }
        assert!(largest >= BUFFER);
        near.write_all(&[1; 100]).await.expect("a write");
        assert_eq!(stream.read(&mut piece).await.expect("a read"), 100);
        near.write_all(&[1; 100]).await.expect("a write");
        assert_eq!(stream.read(&mut piece).await.expect("a read"), 100);
        assert_eq!(stream_buffer(&stream), 0, "given back");
    }

    fn stream_buffer<S>(stream: &ReadAhead<S>) -> usize {
        stream.hook_ref().held.capacity()
    }
}
