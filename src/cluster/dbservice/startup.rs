//! The first packets of a tunnelled connection, up to a startup message or a cancel request.
//!
//! Transport.md 10.3 and db-service.md 1.5: SSLRequest and GSSENCRequest are answered `N` once each, a cancel request
//! has exactly 16 bytes, everything else closes the connection without a reply. A startup message for protocol 3.1 or
//! later is accepted, where Teleport closes, and answered with NegotiateProtocolVersion once the session is open.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::pg::startup::MAX_PACKET_LEN;
use crate::pg::{CancelRequest, ENCRYPTION_REFUSED, FirstPacket, Startup};

/// How long a client may take for its startup message.
const STARTUP_DEADLINE: Duration = Duration::from_secs(30);
/// Length of the only kind of cancel request that is taken, bytes.
const CANCEL_LEN: usize = 16;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// A session.
    Startup(Startup),
    /// The end of a running statement of another session.
    Cancel(CancelRequest),
}

/// Reads until a startup message or a cancel request has come, at most 30 s.
///
/// `None` means that the connection is to be closed without a reply. Reads not one byte beyond the packet.
pub(super) async fn first_packet<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
) -> Option<First> {
    tokio::time::timeout(STARTUP_DEADLINE, read_first(stream))
        .await
        .ok()?
}

async fn read_first<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Option<First> {
    let (mut ssl_seen, mut gss_seen) = (false, false);
    loop {
        let seen = match read_packet(stream).await? {
            FirstPacket::Ssl => &mut ssl_seen,
            FirstPacket::GssEnc => &mut gss_seen,
            FirstPacket::Startup(startup) => return Some(First::Startup(startup)),
            FirstPacket::Cancel(cancel) if cancel.encode().len() == CANCEL_LEN => {
                return Some(First::Cancel(cancel));
            }
            FirstPacket::Cancel(_) | FirstPacket::DirectTls => return None,
        };
        if std::mem::replace(seen, true) {
            return None;
        }
        stream.write_all(&[ENCRYPTION_REFUSED]).await.ok()?;
        stream.flush().await.ok()?;
    }
}

async fn read_packet<S: AsyncRead + Unpin>(stream: &mut S) -> Option<FirstPacket> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.ok()?;
    let length = usize::try_from(u32::from_be_bytes(head)).ok()?;
    if !(8..=MAX_PACKET_LEN).contains(&length) {
        return None;
    }
    let mut packet = BytesMut::zeroed(length);
    packet[..4].copy_from_slice(&head);
    stream.read_exact(&mut packet[4..]).await.ok()?;
    FirstPacket::parse(&mut packet).ok()?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::ProtocolVersion;

    const SSL: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
    const GSS: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x30";
    /// Teleport 18.3.0, transport/db/direct-startup.txt.
    const STARTUP: &[u8] = b"\0\0\0\x24\0\x03\0\0user\0app\0database\0postgres\0\0";

    /// What came of the bytes, and what was answered to them.
    async fn after(bytes: &[u8]) -> (Option<First>, Vec<u8>) {
        let (mut near, mut far) = tokio::io::duplex(64 * 1024);
        near.write_all(bytes).await.expect("duplex takes them");
        near.shutdown().await.expect("duplex closes");
        let first = first_packet(&mut far).await;
        drop(far);
        let mut answer = Vec::new();
        near.read_to_end(&mut answer)
            .await
            .expect("duplex gives them");
        (first, answer)
    }

    #[tokio::test]
    async fn a_startup_message_needs_no_request_before_it() {
        let (first, answer) = after(STARTUP).await;
        let Some(First::Startup(startup)) = first else {
            panic!("no startup message: {first:?}")
        };
        assert_eq!(
            (startup.user().as_deref(), startup.database().as_deref()),
            (Some("app"), Some("postgres"))
        );
        assert_eq!(answer, b"");
    }

    #[tokio::test]
    async fn both_requests_are_refused_once_in_any_order() {
        for requests in [[SSL, GSS], [GSS, SSL]] {
            let (first, answer) = after(&[requests[0], requests[1], STARTUP].concat()).await;
            assert!(matches!(first, Some(First::Startup(_))));
            assert_eq!(answer, b"NN");
        }
        for twice in [SSL, GSS] {
            let (first, answer) = after(&[twice, twice, STARTUP].concat()).await;
            assert_eq!(first, None);
            assert_eq!(answer, b"N");
        }
    }

    #[tokio::test]
    async fn a_cancel_request_has_sixteen_bytes() {
        let cancel = b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\x5e\x2b\xec\x7e\xbd\xe7";
        let (first, answer) = after(cancel).await;
        let Some(First::Cancel(request)) = first else {
            panic!("no cancel request: {first:?}")
        };
        assert_eq!(request.encode().as_slice(), cancel);
        assert_eq!(answer, b"");
        let longer = b"\0\0\0\x18\x04\xd2\x16\x2e\0\0\x5e\x2b\xec\x7e\xbd\xe7\0\0\0\0\0\0\0\0";
        assert_eq!(after(longer).await, (None, Vec::new()));
    }

    #[tokio::test]
    async fn a_newer_protocol_is_accepted_another_major_is_not() {
        let mut newer = STARTUP.to_vec();
        newer[7] = 2;
        let (first, _) = after(&newer).await;
        let Some(First::Startup(startup)) = first else {
            panic!("no startup message: {first:?}")
        };
        assert_eq!(startup.version(), ProtocolVersion { major: 3, minor: 2 });
        for code in [0x0002_0000_u32, 0x0004_0000] {
            let mut other = STARTUP.to_vec();
            other[4..8].copy_from_slice(&code.to_be_bytes());
            assert_eq!(after(&other).await, (None, Vec::new()));
        }
    }

    #[tokio::test]
    async fn the_longest_packet_has_10004_bytes() {
        for (length, accepted) in [
            (10_003, true),
            (10_004, true),
            (10_005, false),
            (10_006, false),
        ] {
            let value = "x".repeat(length - 4 - 4 - 2 - 1 - 1);
            let packet = Startup::new(ProtocolVersion::V3_0)
                .with("k", &value)
                .encode();
            assert_eq!(packet.len(), length);
            assert_eq!(after(&packet).await.0.is_some(), accepted, "{length}");
        }
    }

    #[tokio::test]
    async fn every_beginning_of_a_packet_closes_without_a_reply() {
        for end in 0..STARTUP.len() {
            assert_eq!(
                after(&STARTUP[..end]).await,
                (None, Vec::new()),
                "{end} bytes"
            );
        }
    }

    #[tokio::test]
    async fn bytes_behind_the_packet_stay_in_the_stream() {
        let (mut near, mut far) = tokio::io::duplex(1024);
        near.write_all(&[STARTUP, b"Q".as_slice()].concat())
            .await
            .expect("duplex takes them");
        assert!(first_packet(&mut far).await.is_some());
        assert_eq!(far.read_u8().await.expect("a byte is left"), b'Q');
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_given_up_after_thirty_seconds() {
        let (_near, mut far) = tokio::io::duplex(16);
        let begun = tokio::time::Instant::now();
        assert_eq!(first_packet(&mut far).await, None);
        assert_eq!(begun.elapsed(), STARTUP_DEADLINE);
    }
}
