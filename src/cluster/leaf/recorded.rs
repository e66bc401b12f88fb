//! A stream that remembers what was read from it, for a connection whose first message decides that another reads it all.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

use crate::cluster::hooked::{Hooked, ReadHook};

/// Bytes remembered at most; a ClientHello is a few hundred, with large keys a few thousand.
const LIMIT: usize = 64 * 1024;

/// A stream that remembers.
pub(in crate::cluster) type Recorded<S> = Hooked<S, Recording>;

/// Begins to remember what is read from `inner`.
pub(in crate::cluster) fn recorded<S>(inner: S) -> Recorded<S> {
    Hooked::new(inner, Recording(Mode::Recording(Vec::new())))
}

/// What was read, until it is forgotten or given once more.
#[derive(Debug)]
pub(in crate::cluster) struct Recording(Mode);

#[derive(Debug)]
enum Mode {
    Recording(Vec<u8>),
    Replaying { bytes: Vec<u8>, given: usize },
    Through,
}

impl Recording {
    /// Forgets: what was read has its reader.
    pub(in crate::cluster) fn forget(&mut self) {
        self.0 = Mode::Through;
    }

    /// Gives what was read once more, before all that follows.
    pub(in crate::cluster) fn replay(&mut self) {
        if let Mode::Recording(bytes) = std::mem::replace(&mut self.0, Mode::Through)
            && !bytes.is_empty()
        {
            self.0 = Mode::Replaying { bytes, given: 0 };
        }
    }
}

impl ReadHook for Recording {
    fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        inner: &mut S,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Mode::Through => Pin::new(inner).poll_read(cx, buf),
            Mode::Recording(bytes) => {
                let before = buf.filled().len();
                std::task::ready!(Pin::new(inner).poll_read(cx, buf))?;
                let read = &buf.filled()[before..];
                if bytes.len() + read.len() > LIMIT {
                    buf.set_filled(before);
                    let error = io::Error::new(
                        io::ErrorKind::InvalidData,
                        "a first message that is too long",
                    );
                    return Poll::Ready(Err(error));
                }
                bytes.extend_from_slice(read);
                Poll::Ready(Ok(()))
            }
            Mode::Replaying { bytes, given } => {
                let rest = &bytes[*given..];
                let n = rest.len().min(buf.remaining());
                buf.put_slice(&rest[..n]);
                *given += n;
                if *given == bytes.len() {
                    self.0 = Mode::Through;
                }
                Poll::Ready(Ok(()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn what_was_read_comes_again_when_asked_for() {
        let mut stream = recorded(&b"hello, world"[..]);
        let mut first = [0; 5];
        stream.read_exact(&mut first).await.expect("a read");
        stream.hook_mut().replay();
        let mut all = String::new();
        stream.read_to_string(&mut all).await.expect("a read");
        assert_eq!(all, "hello, world");

        let mut stream = recorded(&b"hello, world"[..]);
        stream.read_exact(&mut first).await.expect("a read");
        stream.hook_mut().forget();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await.expect("a read");
        assert_eq!(rest, ", world");
    }

    #[tokio::test]
    async fn the_memory_has_an_end() {
        let long = vec![0; LIMIT + 1];
        let mut stream = recorded(&long[..]);
        let mut all = Vec::new();
        assert!(stream.read_to_end(&mut all).await.is_err());
    }
}
