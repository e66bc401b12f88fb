//! Frames of a `-ping` connection: `transport::ping`.
#![no_main]

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use libfuzzer_sys::fuzz_target;
use postern::transport::PingStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Gives and takes bytes in pieces of the given sizes, with a wait before each.
struct Pieces<'a> {
    input: &'a [u8],
    output: Vec<u8>,
    sizes: &'a [u8],
    turn: usize,
}

impl Pieces<'_> {
    /// Every second turn nothing is ready; else at most this many bytes are.
    fn ready(&mut self) -> Option<usize> {
        self.turn += 1;
        let size = self
            .sizes
            .get(self.turn / 2 % self.sizes.len().max(1))
            .copied()
            .unwrap_or(7);
        self.turn.is_multiple_of(2).then_some(usize::from(size) + 1)
    }
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(size) = self.ready() else {
            return Poll::Pending;
        };
        let (now, later) = self
            .input
            .split_at(size.min(self.input.len()).min(buf.remaining()));
        buf.put_slice(now);
        self.input = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(size) = self.ready() else {
            return Poll::Pending;
        };
        let n = size.min(data.len());
        self.output.extend_from_slice(&data[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What a reader of the whole sees: the payload, and whether the end lies between frames.
fn plain(mut raw: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::new();
    while let Some((head, rest)) = raw.split_first_chunk::<4>() {
        let len = u32::from_be_bytes(*head) as usize;
        out.extend_from_slice(&rest[..len.min(rest.len())]);
        if len > rest.len() {
            return (out, false);
        }
        raw = &rest[len..];
    }
    (out, raw.is_empty())
}

fn read_all(raw: &[u8], sizes: &[u8]) -> (Vec<u8>, bool) {
    let mut cx = Context::from_waker(Waker::noop());
    let mut stream = PingStream::client(Pieces {
        input: raw,
        output: Vec::new(),
        sizes,
        turn: 0,
    });
    let mut out = Vec::new();
    let mut room = vec![0; 1 + sizes.iter().map(|s| usize::from(*s)).sum::<usize>()];
    loop {
        let mut buf = ReadBuf::new(&mut room);
        match Pin::new(&mut stream).poll_read(&mut cx, &mut buf) {
            Poll::Pending => {}
            Poll::Ready(Ok(())) if buf.filled().is_empty() => return (out, true),
            Poll::Ready(Ok(())) => out.extend_from_slice(buf.filled()),
            Poll::Ready(Err(error)) => {
                assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
                return (out, false);
            }
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let (sizes, raw) = data.split_at(data.len().min(4));
    let expected = plain(raw);
    assert_eq!(read_all(raw, sizes), expected);

    let mut cx = Context::from_waker(Waker::noop());
    let mut stream = PingStream::client(Pieces {
        input: &[],
        output: Vec::new(),
        sizes,
        turn: 0,
    });
    let mut rest = expected.0.as_slice();
    while !rest.is_empty() {
        let part = &rest[..rest.len().min(1000)];
        if let Poll::Ready(n) = Pin::new(&mut stream).poll_write(&mut cx, part) {
            rest = &rest[n.expect("this stream never fails")..];
        }
    }
    while Pin::new(&mut stream).poll_flush(&mut cx).is_pending() {}
    assert_eq!(plain(&stream.get_ref().output), (expected.0, true));
});
