//! Ping framing of the `…-ping` ALPN protocols: keeps connections alive through balancers that cut idle ones.
//!
//! A frame is a length (u32, big-endian) and that many bytes; length 0 is a ping and means nothing. Servers ping every
//! 30 s, clients never. Source: transport.md 4.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// Interval at which Teleport's proxy pings.
pub const PING_INTERVAL: Duration = Duration::from_secs(30);

const HEADER_LEN: usize = 4;
/// Most bytes put into one frame: with the header they fill what the TLS library takes at once, four of its largest records.
pub const MAX_PAYLOAD: usize = 64 * 1024 - HEADER_LEN;

/// A stream with ping framing around `S`: reads and writes payload.
///
/// Cancel-safe: a read or write that was dropped half-way loses nothing, as all progress is kept here. Header and payload
/// go out in one write, so that over TLS they share a record. End of stream at a frame's boundary is a normal end, inside
/// a frame [`io::ErrorKind::UnexpectedEof`].
#[derive(Debug)]
pub struct PingStream<S> {
    inner: S,
    /// Bytes of the next frame's header that have arrived.
    header: [u8; HEADER_LEN],
    header_len: usize,
    /// Bytes of the current frame that have not.
    remaining: u32,
    /// A frame that was accepted and is not written in full.
    out: Vec<u8>,
    out_at: usize,
    pinger: Option<Pinger>,
}

#[derive(Debug)]
struct Pinger {
    interval: Interval,
    /// A ping was put into `out` (or behind it into `inner`'s buffer) and may still be there.
    in_flight: bool,
    /// Who waits for the stream to become writable. The reader drives pings and would otherwise take over the only place
    /// that `inner` has for that.
    writer: Option<Waker>,
}

impl<S> PingStream<S> {
    /// Wraps the client's end: swallows pings, sends none.
    pub fn client(inner: S) -> Self {
        Self {
            inner,
            header: [0; HEADER_LEN],
            header_len: 0,
            remaining: 0,
            out: Vec::new(),
            out_at: 0,
            pinger: None,
        }
    }

    /// Wraps the server's end: also pings every `interval`, first after one, for as long as somebody reads.
    pub fn server(inner: S, interval: Duration) -> Self {
        let mut interval = interval_at(Instant::now() + interval, interval);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            pinger: Some(Pinger {
                interval,
                in_flight: false,
                writer: None,
            }),
            ..Self::client(inner)
        }
    }

    /// Returns the stream inside, whose bytes are frames.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> PingStream<S> {
    /// Writes out the accepted frame.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.out_at < self.out.len() {
            let n = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.out[self.out_at..]))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.out_at += n;
        }
        // An idle connection holds no buffer.
        self.out = Vec::new();
        self.out_at = 0;
        Poll::Ready(Ok(()))
    }

    /// Puts a ping out when it is time and no data is on its way, which serves as well. Called by the reader.
    fn poll_ping(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(pinger) = &mut self.pinger else {
            return Ok(());
        };
        while pinger.interval.poll_tick(cx).is_ready() {
            if self.out.is_empty() {
                self.out.extend_from_slice(&[0; HEADER_LEN]);
                pinger.in_flight = true;
            }
        }
        if pinger.in_flight {
            let flushed = self.poll_drain(cx)?.is_ready()
                && Pin::new(&mut self.inner).poll_flush(cx)?.is_ready();
            if let Some(pinger) = self.pinger.as_mut().filter(|_| flushed) {
                pinger.in_flight = false;
                if let Some(writer) = pinger.writer.take() {
                    writer.wake();
                }
            }
        }
        Ok(())
    }

    /// Reads of the current frame, or of the next one that holds anything; 0 is the end.
    fn poll_part(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        while self.remaining == 0 {
            let mut head = ReadBuf::new(&mut self.header[self.header_len..]);
            ready!(Pin::new(&mut self.inner).poll_read(cx, &mut head))?;
            let n = head.filled().len();
            if n == 0 {
                return Poll::Ready(if self.header_len == 0 {
                    Ok(0)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                });
            }
            self.header_len += n;
            if self.header_len == HEADER_LEN {
                self.header_len = 0;
                self.remaining = u32::from_be_bytes(self.header);
            }
        }
        let want = buf.remaining().min(self.remaining as usize);
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(want));
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut part))?;
        let n = part.filled().len();
        if n == 0 {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        buf.advance(n);
        self.remaining -= u32::try_from(n).expect("at most `remaining` bytes were read");
        Poll::Ready(Ok(n))
    }

    /// Remembers who must be woken when a ping that stands in the way is out.
    fn note_writer<T>(&mut self, cx: &Context<'_>, result: Poll<T>) -> Poll<T> {
        if let (Poll::Pending, Some(pinger)) = (&result, &mut self.pinger) {
            pinger.writer = Some(cx.waker().clone());
        }
        result
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for PingStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.poll_ping(cx)?;
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        loop {
            match this.poll_part(cx, buf) {
                // What else there is comes along: many short frames make one read.
                Poll::Ready(Ok(1..)) if buf.remaining() > 0 => {}
                // The next read meets the end, or the error, again.
                Poll::Pending | Poll::Ready(_) if buf.filled().len() > before => {
                    return Poll::Ready(Ok(()));
                }
                other => return other.map_ok(|_| ()),
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for PingStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if data.is_empty() {
            return Poll::Ready(Ok(0));
        }
        // The frame before must be out: memory stays bounded, and the writer feels the peer's pace.
        let drained = this.poll_drain(cx);
        ready!(this.note_writer(cx, drained))?;
        let payload = &data[..data.len().min(MAX_PAYLOAD)];
        let len = u32::try_from(payload.len()).expect("a payload is at most 64 KiB");
        let header = len.to_be_bytes();
        // Accepted as a whole: what cannot be written now waits in `out` for the next write or flush.
        let mut written = 0;
        if this.inner.is_write_vectored() {
            let both = [IoSlice::new(&header), IoSlice::new(payload)];
            match Pin::new(&mut this.inner).poll_write_vectored(cx, &both) {
                Poll::Ready(Ok(n)) => written = n,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {}
            }
        }
        if written < HEADER_LEN + payload.len() {
            this.out
                .extend_from_slice(&header[written.min(HEADER_LEN)..]);
            this.out
                .extend_from_slice(&payload[written.saturating_sub(HEADER_LEN)..]);
            let drained = this.poll_drain(cx);
            if let Poll::Ready(Err(error)) = this.note_writer(cx, drained) {
                return Poll::Ready(Err(error));
            }
        }
        Poll::Ready(Ok(payload.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let drained = this.poll_drain(cx);
        ready!(this.note_writer(cx, drained))?;
        let flushed = Pin::new(&mut this.inner).poll_flush(cx);
        this.note_writer(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let drained = this.poll_drain(cx);
        ready!(this.note_writer(cx, drained))?;
        let closed = Pin::new(&mut this.inner).poll_shutdown(cx);
        this.note_writer(cx, closed)
    }
}

#[cfg(test)]
#[path = "ping_tests.rs"]
mod tests;
