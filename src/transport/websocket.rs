//! A byte stream in the frames of a WebSocket, as Teleport's connection upgrade uses them (transport.md 5.2; RFC 6455, 5).
//!
//! Both ends do without most of what general WebSockets have: bytes travel in binary frames, one for each write, never in
//! fragments; the client's mask is zero, because proxies of early 15.x did not take one off; nobody says good-bye. That is
//! why this is no general library: those mask at random and deal in whole messages, where a stream needs neither.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// Appended to the key of a WebSocket request before it is hashed (RFC 6455, 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Most bytes put into one frame.
const MAX_PAYLOAD: usize = 64 * 1024;
/// The longest head: two bytes, eight of length, four of mask.
const MAX_HEAD: usize = 14;
/// Longest payload of a control frame (RFC 6455, 5.5).
const MAX_CONTROL: usize = 125;
/// What Teleport's proxies put into their pings.
const PING: &[u8] = b"teleport";

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
const CONTINUATION: u8 = 0;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING_CODE: u8 = 9;
const PONG: u8 = 10;

/// What a server answers to a WebSocket key (RFC 6455, 4.2.2).
pub fn accept(key: &str) -> String {
    let both = format!("{key}{GUID}");
    STANDARD.encode(digest::digest(
        &digest::SHA1_FOR_LEGACY_USE_ONLY,
        both.as_bytes(),
    ))
}

/// A stream with the frames of a WebSocket around `S`: reads and writes payload.
///
/// Cancel-safe, as all progress is kept here. A close frame, or the end of the stream at a frame's boundary, is a normal
/// end; the end inside a frame is [`io::ErrorKind::UnexpectedEof`].
#[derive(Debug)]
pub struct WebSocketStream<S> {
    inner: S,
    client: bool,
    head: [u8; MAX_HEAD],
    head_len: usize,
    /// What the frame that is being read is, and how much of it is to come.
    frame: Option<Frame>,
    /// Payload of a control frame, as far as it has come.
    control: Vec<u8>,
    ended: bool,
    /// The last frame with bytes of the stream said that it goes on in the next.
    continues: bool,
    /// Frames that were accepted and are not written in full.
    out: Vec<u8>,
    out_at: usize,
    /// An answer to a ping, or a ping, is in `out` or behind it and must go out without a writer.
    pushing: bool,
    pings: Option<Interval>,
    writer: Option<std::task::Waker>,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    code: u8,
    /// It carries bytes of the stream.
    data: bool,
    remaining: u64,
    mask: [u8; 4],
    /// Bytes of payload so far, for the mask.
    at: usize,
}

impl<S> WebSocketStream<S> {
    /// The client's end: its frames are marked as masked, with the mask zero; it answers pings.
    pub fn client(inner: S) -> Self {
        Self {
            inner,
            client: true,
            head: [0; MAX_HEAD],
            head_len: 0,
            frame: None,
            control: Vec::new(),
            ended: false,
            continues: false,
            out: Vec::new(),
            out_at: 0,
            pushing: false,
            pings: None,
            writer: None,
        }
    }

    /// The server's end; with an interval it pings, for as long as somebody reads.
    pub fn server(inner: S, pings: Option<Duration>) -> Self {
        let pings = pings.map(|every| {
            let mut interval = interval_at(Instant::now() + every, every);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        });
        Self {
            client: false,
            pings,
            ..Self::client(inner)
        }
    }

    /// Puts a whole frame behind those that wait to be written.
    fn put(&mut self, code: u8, payload: &[u8]) {
        let mask_bit = if self.client { MASKED } else { 0 };
        self.out.reserve(MAX_HEAD + payload.len());
        self.out.push(FIN | code);
        match payload.len() {
            len @ 0..=125 => self
                .out
                .push(mask_bit | u8::try_from(len).expect("at most 125")),
            len => match u16::try_from(len) {
                Ok(len) => {
                    self.out.push(mask_bit | 126);
                    self.out.extend_from_slice(&len.to_be_bytes());
                }
                Err(_) => {
                    self.out.push(mask_bit | 127);
                    self.out.extend_from_slice(&(len as u64).to_be_bytes());
                }
            },
        }
        if self.client {
            self.out.extend_from_slice(&[0; 4]);
        }
        self.out.extend_from_slice(payload);
    }

    /// The length of the head whose first two bytes are here.
    fn head_wanted(&self) -> usize {
        if self.head_len < 2 {
            return 2;
        }
        let length = match self.head[1] & !MASKED {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if self.head[1] & MASKED == 0 { 0 } else { 4 };
        2 + length + mask
    }

    /// Reads the head that is complete now.
    fn begin_frame(&mut self) -> io::Result<()> {
        let wanted = self.head_wanted();
        let head = &self.head[..wanted];
        let (remaining, masked_from) = match head[1] & !MASKED {
            126 => (u64::from(u16::from_be_bytes([head[2], head[3]])), 4),
            127 => {
                let mut len = [0; 8];
                len.copy_from_slice(&head[2..10]);
                (u64::from_be_bytes(len), 10)
            }
            short => (u64::from(short), 2),
        };
        let mut mask = [0; 4];
        if head[1] & MASKED != 0 {
            mask.copy_from_slice(&head[masked_from..masked_from + 4]);
        }
        let code = head[0] & 0x0f;
        if code >= CLOSE && remaining > MAX_CONTROL as u64 {
            return Err(invalid("a control frame of a WebSocket is too long"));
        }
        // Nobody who speaks this fragments, but whoever stands between may.
        let data = code == BINARY || (code == CONTINUATION && self.continues);
        if data {
            self.continues = head[0] & FIN == 0;
        }
        self.head_len = 0;
        self.control.clear();
        self.frame = Some(Frame {
            code,
            data,
            remaining,
            mask,
            at: 0,
        });
        Ok(())
    }

    /// Does what a control frame says that has come in full.
    fn end_control(&mut self, code: u8) {
        match code {
            CLOSE => self.ended = true,
            // One answer at a time: a peer that only pings and reads nothing cannot fill our memory.
            PING_CODE if self.out.len() <= MAX_PAYLOAD => {
                let payload = std::mem::take(&mut self.control);
                self.put(PONG, &payload);
                self.pushing = true;
            }
            _ => {}
        }
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Frame {
    fn unmask(&mut self, bytes: &mut [u8]) {
        if self.mask != [0; 4] {
            for (i, byte) in bytes.iter_mut().enumerate() {
                *byte ^= self.mask[(self.at + i) % 4];
            }
        }
        self.at = (self.at + bytes.len()) % 4;
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocketStream<S> {
    /// Writes out the accepted frames.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.out_at < self.out.len() {
            let n = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.out[self.out_at..]))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.out_at += n;
        }
        self.out.clear();
        self.out_at = 0;
        Poll::Ready(Ok(()))
    }

    /// Pings when it is time, and gets pings and their answers out; called by the reader.
    fn poll_push(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let mut due = false;
        if let Some(pings) = &mut self.pings {
            while pings.poll_tick(cx).is_ready() {
                due = true;
            }
        }
        if due && self.out.is_empty() {
            self.put(PING_CODE, PING);
            self.pushing = true;
        }
        if self.pushing {
            let flushed = self.poll_drain(cx)?.is_ready()
                && Pin::new(&mut self.inner).poll_flush(cx)?.is_ready();
            if flushed {
                self.pushing = false;
                if let Some(writer) = self.writer.take() {
                    writer.wake();
                }
            }
        }
        Ok(())
    }

    /// Remembers who must be woken when what the reader pushes is out: it has taken the only place that `inner` has for
    /// who waits to write.
    fn note_writer<T>(&mut self, cx: &Context<'_>, result: Poll<T>) -> Poll<T> {
        if result.is_pending() {
            self.writer = Some(cx.waker().clone());
        }
        result
    }

    /// Reads the head of a frame; `false`: the stream has ended.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        loop {
            let wanted = self.head_wanted();
            if self.head_len >= 2 && self.head_len == wanted {
                self.begin_frame()?;
                return Poll::Ready(Ok(true));
            }
            let mut buf = ReadBuf::new(&mut self.head[self.head_len..wanted]);
            ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buf))?;
            let n = buf.filled().len();
            if n == 0 {
                return Poll::Ready(if self.head_len == 0 {
                    Ok(false)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                });
            }
            self.head_len += n;
        }
    }

    /// Reads a frame that carries no bytes of the stream to its end.
    fn poll_aside(&mut self, cx: &mut Context<'_>, mut frame: Frame) -> Poll<io::Result<()>> {
        while frame.remaining > 0 {
            let mut room = [0; 256];
            let want = usize::try_from(frame.remaining.min(256)).expect("at most 256");
            let mut buf = ReadBuf::new(&mut room[..want]);
            ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buf))?;
            let got = buf.filled_mut();
            if got.is_empty() {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            frame.unmask(got);
            frame.remaining -= got.len() as u64;
            if frame.code >= CLOSE {
                self.control.extend_from_slice(got);
            }
            self.frame = Some(frame);
        }
        self.frame = None;
        if frame.code >= CLOSE {
            self.end_control(frame.code);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WebSocketStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            this.poll_push(cx)?;
            if this.ended || buf.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            match this.frame {
                None => {
                    if !ready!(this.poll_head(cx))? {
                        this.ended = true;
                    }
                }
                // Text is dropped, as Teleport's ends drop it.
                Some(frame) if !frame.data => ready!(this.poll_aside(cx, frame))?,
                Some(frame) if frame.remaining == 0 => this.frame = None,
                Some(mut frame) => {
                    let want = usize::try_from(frame.remaining)
                        .map_or(buf.remaining(), |n| n.min(buf.remaining()));
                    let mut part = ReadBuf::new(buf.initialize_unfilled_to(want));
                    ready!(Pin::new(&mut this.inner).poll_read(cx, &mut part))?;
                    let got = part.filled_mut();
                    let n = got.len();
                    if n == 0 {
                        return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                    }
                    frame.unmask(got);
                    frame.remaining -= n as u64;
                    this.frame = Some(frame).filter(|frame| frame.remaining > 0);
                    buf.advance(n);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WebSocketStream<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if data.is_empty() {
            return Poll::Ready(Ok(0));
        }
        // What was accepted before must be out: memory stays bounded, and the writer feels the peer's pace.
        let drained = this.poll_drain(cx);
        ready!(this.note_writer(cx, drained))?;
        let payload = &data[..data.len().min(MAX_PAYLOAD)];
        this.put(BINARY, payload);
        let drained = this.poll_drain(cx);
        if let Poll::Ready(Err(error)) = this.note_writer(cx, drained) {
            return Poll::Ready(Err(error));
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
#[path = "websocket_tests.rs"]
mod tests;
