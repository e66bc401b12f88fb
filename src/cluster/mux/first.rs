//! The first bytes of a connection decide what speaks on it (transport.md 3.1, stage A).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::readahead::ReadAhead;

/// Bytes needed for a decision.
const NEEDED: usize = 8;

/// PostgreSQL's request for TLS.
pub(super) const SSL_REQUEST: [u8; NEEDED] = *b"\0\0\0\x08\x04\xd2\x16\x2f";
/// Its request for GSSAPI encryption.
pub(super) const GSSENC_REQUEST: [u8; NEEDED] = *b"\0\0\0\x08\x04\xd2\x16\x30";
/// How its request to cancel a statement begins: length and code, then process id and key.
pub(super) const CANCEL_REQUEST: [u8; NEEDED] = *b"\0\0\0\x10\x04\xd2\x16\x2e";

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// A TLS record with a ClientHello.
    Tls,
    /// One of PostgreSQL's first packets (db-service.md 1.1, path R).
    Postgres,
    /// Anything else: closed without an answer, as on a real web port. That includes plain HTTP.
    Other,
}

pub(super) fn classify(bytes: &[u8; NEEDED]) -> First {
    if bytes[0] == 0x16 {
        First::Tls
    } else if [SSL_REQUEST, GSSENC_REQUEST, CANCEL_REQUEST].contains(bytes) {
        First::Postgres
    } else {
        First::Other
    }
}

/// Reads the first bytes and puts them back in front of the stream.
///
/// # Errors
/// When the stream ends or fails before there are enough.
pub(super) async fn first<S: AsyncRead + Unpin>(mut inner: S) -> io::Result<(First, ReadAhead<S>)> {
    let mut bytes = [0; NEEDED];
    inner.read_exact(&mut bytes).await?;
    Ok((classify(&bytes), ReadAhead::after(bytes.to_vec(), inner)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_bytes_come_again_and_tell_what_it_is() {
        let (kind, mut stream) = first(&b"\x16\x03\x01\x02\x00\x01\x00\x01rest"[..])
            .await
            .expect("enough bytes");
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.expect("the bytes");
        assert_eq!(
            (kind, all.as_slice()),
            (First::Tls, &b"\x16\x03\x01\x02\x00\x01\x00\x01rest"[..])
        );
        for (bytes, kind) in [
            (&b"GET / HTTP/1.1"[..], First::Other),
            (b"SSH-2.0-x", First::Other),
            (b"\0\0\0\x08\x04\xd2\x16\x31", First::Other),
            (b"\0\0\0\x24\0\x03\0\0user", First::Other),
            (b"\0\0\0\x08\x04\xd2\x16\x2f", First::Postgres),
            (b"\0\0\0\x08\x04\xd2\x16\x30", First::Postgres),
            (b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x01", First::Postgres),
        ] {
            assert_eq!(first(bytes).await.expect("enough bytes").0, kind);
        }
        assert!(first(&b"\x16\x03"[..]).await.is_err());
    }
}
