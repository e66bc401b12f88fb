//! Reads a client's first packets up to the one that decides.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::pg::{CancelRequest, ENCRYPTION_REFUSED, FirstPacket, FirstPacketError, Startup};

/// What the client wants.
#[derive(Debug)]
pub(super) enum Request {
    /// A session; with it what the client sent behind the startup message.
    Session(Startup, BytesMut),
    /// To stop the statement of another connection.
    Cancel(CancelRequest),
}

/// How a connection ended before it wanted anything.
#[derive(Debug)]
pub(super) enum Ended {
    /// The client hung up, at a packet's boundary or inside.
    Closed,
    /// The client hung up at the refusal of TLS: it insists.
    InsistedOnTls,
    /// The client began with TLS. Its ClientHello is unread in part.
    DirectTls,
    /// SSLRequest or GSSENCRequest came twice.
    Repeated,
    /// Not PostgreSQL, or not a version of it that is served.
    Unreadable(FirstPacketError),
}

impl From<io::Error> for Ended {
    /// Reading from or writing to the local client failed: it has gone.
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}

/// Answers encryption requests with `N`, each at most once and in either order, and returns the packet behind them. The
/// caller sets a deadline.
pub(super) async fn read<C: AsyncRead + AsyncWrite + Unpin>(
    client: &mut C,
) -> Result<Request, Ended> {
    let mut buf = BytesMut::new();
    let (mut ssl, mut gss) = (false, false);
    loop {
        match FirstPacket::parse(&mut buf).map_err(Ended::Unreadable)? {
            None => {
                if client.read_buf(&mut buf).await? == 0 {
                    return Err(if ssl && buf.is_empty() {
                        Ended::InsistedOnTls
                    } else {
                        Ended::Closed
                    });
                }
                continue;
            }
            Some(FirstPacket::Startup(startup)) => return Ok(Request::Session(startup, buf)),
            Some(FirstPacket::Cancel(cancel)) => return Ok(Request::Cancel(cancel)),
            Some(FirstPacket::DirectTls) => return Err(Ended::DirectTls),
            Some(FirstPacket::Ssl) if !ssl => ssl = true,
            Some(FirstPacket::GssEnc) if !gss => gss = true,
            Some(FirstPacket::Ssl | FirstPacket::GssEnc) => return Err(Ended::Repeated),
        }
        client.write_all(&[ENCRYPTION_REFUSED]).await?;
        client.flush().await?;
    }
}

#[cfg(test)]
#[path = "first_tests.rs"]
mod tests;
