//! The data phase: bytes are moved, message boundaries only counted.
//!
//! Two copies, no half close: when either side ends, both do (db-service.md 1.9). The counting is there for the end of a
//! session: whether a statement is running, whether an ErrorResponse may be put between two messages.
//!
//! What is there is taken together, up to 64 KiB, before anything is written: PostgreSQL sends TLS records of 8 KiB, and
//! four of 16 KiB in one system call cost the client and this process less. A buffer grows to that size when it is
//! filled and shrinks when it is not, so that a session that waits for its user holds two of 4 KiB.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};

use std::pin::Pin;
use std::task::Poll;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::monitor::Reason;

/// Sizes of a copy's buffer, bytes: for messages, and for bulk.
const SMALL: usize = 4 * 1024;
const CHUNK: usize = 64 * 1024;

/// Follows message boundaries in one direction: a type byte, then a length that counts itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Frames {
    header: [u8; 5],
    have: usize,
    left: usize,
    last: Option<u8>,
}

impl Frames {
    /// Takes note of bytes that went by; `begun` hears the type of each message that begins in them.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut begun: impl FnMut(u8)) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let skip = self.left.min(bytes.len());
                self.left -= skip;
                bytes = &bytes[skip..];
                continue;
            }
            let take = (5 - self.have).min(bytes.len());
            self.header[self.have..self.have + take].copy_from_slice(&bytes[..take]);
            self.have += take;
            bytes = &bytes[take..];
            if self.have == 5 {
                let [kind, length @ ..] = self.header;
                self.have = 0;
                self.left = usize::try_from(u32::from_be_bytes(length))
                    .unwrap_or(usize::MAX)
                    .saturating_sub(4);
                self.last = Some(kind);
                begun(kind);
            }
        }
    }

    /// Whether the last byte ended a message.
    pub(super) fn between_messages(&self) -> bool {
        self.have == 0 && self.left == 0
    }

    /// Type of the message begun last.
    pub(super) fn last(&self) -> Option<u8> {
        self.last
    }
}

/// How far both directions came.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// What the database was sent.
    pub(super) to_server: Frames,
    /// What the client was sent.
    pub(super) to_client: Frames,
    /// The database was sent something since it was last ready for a query.
    asked: AtomicBool,
    /// Messages that end in a ReadyForQuery, less the ReadyForQuery that came.
    owed: AtomicI64,
}

impl Progress {
    /// Whether a statement may be running in the backend. Errs towards yes: a cancel request does an idle backend no
    /// harm.
    pub(super) fn busy(&self) -> bool {
        self.asked.load(Relaxed) || self.owed.load(Relaxed) > 0
    }

    /// Whether the client took its leave, as opposed to vanishing.
    pub(super) fn terminated(&self) -> bool {
        self.to_server.last() == Some(b'X') && self.to_server.between_messages()
    }
}

/// Which side ended first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The client closed or vanished.
    Client,
    /// The database closed.
    Server,
    /// The session was cut.
    Cut(Reason),
}

/// Copies both ways until one side ends or `cut` resolves; `sent` sees what the client sent before the database does.
/// Nothing is closed here.
pub(super) async fn relay<C, S>(
    client: &mut C,
    server: &mut S,
    progress: &mut Progress,
    sent: impl FnMut(&[u8]),
    cut: impl Future<Output = Reason>,
) -> Ended
where
    C: AsyncRead + AsyncWrite + Unpin + ?Sized,
    S: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    let (mut client_read, mut client_write) = tokio::io::split(client);
    let (mut server_read, mut server_write) = tokio::io::split(server);
    let Progress {
        to_server,
        to_client,
        asked,
        owed,
    } = progress;
    let (asked, owed) = (&*asked, &*owed);
    let upwards = copy(&mut client_read, &mut server_write, sent, |bytes| {
        to_server.feed(bytes, |kind| {
            if matches!(kind, b'Q' | b'S' | b'F') {
                owed.fetch_add(1, Relaxed);
            }
        });
        asked.store(true, Relaxed);
    });
    let downwards = copy(
        &mut server_read,
        &mut client_write,
        |_| (),
        |bytes| {
            to_client.feed(bytes, |kind| {
                if kind == b'Z' {
                    owed.fetch_sub(1, Relaxed);
                    asked.store(false, Relaxed);
                }
            });
        },
    );
    tokio::select! {
        side = upwards => match side { Side::Reader => Ended::Client, Side::Writer => Ended::Server },
        side = downwards => match side { Side::Reader => Ended::Server, Side::Writer => Ended::Client },
        reason = cut => Ended::Cut(reason),
    }
}

/// The side of one copy that ended it.
enum Side {
    Reader,
    Writer,
}

/// Copies until one side ends. `seen` sees what was read. `note` sees exactly the bytes that the writer took, so that a
/// copy dropped in the middle of a write leaves a true count behind.
async fn copy<R, W>(
    reader: &mut R,
    writer: &mut W,
    mut seen: impl FnMut(&[u8]),
    mut note: impl FnMut(&[u8]),
) -> Side
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut buffer = vec![0; SMALL];
    loop {
        let Ok(read @ 1..) = fill(reader, &mut buffer).await else {
            return Side::Reader;
        };
        let mut rest = &buffer[..read];
        seen(rest);
        while !rest.is_empty() {
            let Ok(written @ 1..) = writer.write(rest).await else {
                return Side::Writer;
            };
            note(&rest[..written]);
            rest = &rest[written..];
        }
        if writer.flush().await.is_err() {
            return Side::Writer;
        }
        if read == buffer.len() && read < CHUNK {
            buffer = vec![0; CHUNK];
        } else if read <= SMALL && buffer.len() > SMALL {
            buffer = vec![0; SMALL];
        }
    }
}

/// Reads until the buffer is full or nothing more is there: at least one byte, or the end.
async fn fill<R: AsyncRead + Unpin>(reader: &mut R, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut buffer = ReadBuf::new(buffer);
    std::future::poll_fn(|cx| {
        loop {
            let before = buffer.filled().len();
            match Pin::new(&mut *reader).poll_read(cx, &mut buffer) {
                // The end, or a failure, comes again at the next read.
                _ if before > 0 && buffer.filled().len() == before => break,
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => {
                    if buffer.filled().len() == before || buffer.remaining() == 0 {
                        break;
                    }
                }
            }
        }
        Poll::Ready(Ok(buffer.filled().len()))
    })
    .await
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    fn message(kind: u8, payload: usize) -> Vec<u8> {
        let mut bytes = vec![kind];
        bytes.extend(u32::try_from(payload + 4).expect("small").to_be_bytes());
        bytes.extend(vec![0; payload]);
        bytes
    }

    #[test]
    fn boundaries_are_found_however_the_bytes_are_cut() {
        let mut all = message(b'T', 30);
        all.extend(message(b'N', 0));
        all.extend(message(b'Z', 1));
        for size in 1..=all.len() {
            let mut frames = Frames::default();
            let mut kinds = Vec::new();
            let mut boundaries = Vec::new();
            let mut done = 0;
            for piece in all.chunks(size) {
                frames.feed(piece, |kind| kinds.push(kind));
                done += piece.len();
                if frames.between_messages() {
                    boundaries.push(done);
                }
            }
            assert_eq!(kinds, b"TNZ", "pieces of {size}");
            assert!(frames.between_messages(), "pieces of {size}");
            assert!(
                boundaries.iter().all(|at| [35, 40, 46].contains(at)),
                "pieces of {size}: {boundaries:?}"
            );
        }
    }

    #[tokio::test]
    async fn carries_bytes_both_ways_and_ends_with_either_side() {
        let (mut near_client, mut client) = tokio::io::duplex(1000);
        let (mut server, mut near_server) = tokio::io::duplex(1000);
        let mut progress = Progress::default();
        let mut sent = 0;
        let ended = tokio::join!(
            relay(
                &mut client,
                &mut server,
                &mut progress,
                |bytes| sent += bytes.len(),
                std::future::pending()
            ),
            async {
                near_client
                    .write_all(&message(b'Q', 5000))
                    .await
                    .expect("client writes");
            },
            async {
                let mut got = vec![0; 5005];
                near_server
                    .read_exact(&mut got)
                    .await
                    .expect("server reads");
                near_server
                    .write_all(&message(b'T', 3))
                    .await
                    .expect("server writes");
                drop(near_server);
            }
        )
        .0;
        assert_eq!(ended, Ended::Server);
        assert_eq!(sent, 5005);
        assert!(progress.busy(), "no ReadyForQuery came");
        assert!(!progress.terminated());
        assert!(progress.to_client.between_messages());
        let mut got = vec![0; 8];
        near_client
            .read_exact(&mut got)
            .await
            .expect("client reads");
        assert_eq!(got, message(b'T', 3));
    }

    #[tokio::test]
    async fn a_pipelined_query_keeps_the_backend_busy() {
        let (mut near_client, mut client) = tokio::io::duplex(1000);
        let (mut server, mut near_server) = tokio::io::duplex(1000);
        let mut progress = Progress::default();
        near_client
            .write_all(&[message(b'Q', 5), message(b'Q', 5)].concat())
            .await
            .expect("client writes");
        near_server
            .write_all(&message(b'Z', 1))
            .await
            .expect("server writes");
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let drive = async {
            let mut got = vec![0; 6];
            near_client
                .read_exact(&mut got)
                .await
                .expect("client reads");
            let mut got = vec![0; 20];
            near_server
                .read_exact(&mut got)
                .await
                .expect("server reads");
            drop(stop);
        };
        let stop = async {
            let _ = stopped.await;
            Reason::Stopping
        };
        let (ended, ()) = tokio::join!(
            relay(&mut client, &mut server, &mut progress, |_| (), stop),
            drive
        );
        assert_eq!(ended, Ended::Cut(Reason::Stopping));
        assert!(progress.busy());
    }
}
