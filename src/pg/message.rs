//! Framing of messages after the start: `type, length (itself included), body`.

use bytes::{Buf, Bytes, BytesMut};

/// Length of type and length word, bytes.
pub const HEADER_LEN: usize = 5;

/// Message types that the tunnel or the embedded cluster looks at.
pub mod tag {
    /// Authentication…: a request, or Ok.
    pub const AUTHENTICATION: u8 = b'R';
    /// BackendKeyData: process id and cancel key.
    pub const BACKEND_KEY_DATA: u8 = b'K';
    /// DataRow.
    pub const DATA_ROW: u8 = b'D';
    /// ErrorResponse.
    pub const ERROR_RESPONSE: u8 = b'E';
    /// NegotiateProtocolVersion.
    pub const NEGOTIATE: u8 = b'v';
    /// NoticeResponse.
    pub const NOTICE_RESPONSE: u8 = b'N';
    /// ParameterStatus.
    pub const PARAMETER_STATUS: u8 = b'S';
    /// PasswordMessage, from the client.
    pub const PASSWORD: u8 = b'p';
    /// Query, from the client.
    pub const QUERY: u8 = b'Q';
    /// ReadyForQuery.
    pub const READY_FOR_QUERY: u8 = b'Z';
    /// RowDescription.
    pub const ROW_DESCRIPTION: u8 = b'T';
    /// Terminate, from the client.
    pub const TERMINATE: u8 = b'X';
}

/// A message as it came: type and body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The type byte.
    pub tag: u8,
    /// Everything behind the length word.
    pub body: Bytes,
}

/// Why bytes are no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The length word is below 4.
    #[error("invalid message length {0}")]
    Length(u32),
    /// The message is longer than the caller takes.
    #[error("message of {len} bytes exceeds the limit of {limit}")]
    TooLong {
        /// Whole length with header, bytes.
        len: usize,
        /// The limit given, bytes.
        limit: usize,
    },
    /// The body of a message of this type breaks off or is not laid out as its type demands.
    #[error("malformed message of type {:?}", char::from(*.0))]
    Body(u8),
}

impl Message {
    /// Takes one message of at most `limit` bytes (header included) from the front of `buf`, or asks for more with `None`.
    /// Nothing is reserved for bytes that have not arrived.
    ///
    /// # Errors
    /// [`MessageError::Length`], [`MessageError::TooLong`].
    pub fn parse(buf: &mut BytesMut, limit: usize) -> Result<Option<Self>, MessageError> {
        let Some(len) = peek_len(buf)? else {
            return Ok(None);
        };
        if len > limit {
            return Err(MessageError::TooLong { len, limit });
        }
        if buf.len() < len {
            return Ok(None);
        }
        let tag = buf[0];
        let mut packet = buf.split_to(len);
        packet.advance(HEADER_LEN);
        Ok(Some(Self {
            tag,
            body: packet.freeze(),
        }))
    }

    /// Returns the whole message, header included.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.tag, 0, 0, 0, 0];
        out.extend_from_slice(&self.body);
        put_length(&mut out, 1);
        out
    }
}

/// Returns the whole length, header included, of the message at the front of `buf`; `None` when the header is not there yet.
///
/// # Errors
/// [`MessageError::Length`].
pub fn peek_len(buf: &[u8]) -> Result<Option<usize>, MessageError> {
    let Some(head) = buf.first_chunk::<HEADER_LEN>() else {
        return Ok(None);
    };
    let len = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    if len < 4 {
        return Err(MessageError::Length(len));
    }
    Ok(Some(len as usize + 1))
}

/// Writes the length of `out[at..]` into the four bytes at `at`.
pub(super) fn put_length(out: &mut [u8], at: usize) {
    let len = u32::try_from(out.len() - at).expect("messages made here are far below 4 GiB");
    out[at..at + 4].copy_from_slice(&len.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pg::recorded;

    #[test]
    fn recorded_start_is_cut_into_its_messages() {
        let server = recorded::plain_server_bytes("query-noping");
        // The first recorded byte answers SSLRequest, messages follow.
        let mut buf = BytesMut::from(&server[1..]);
        let mut tags = String::new();
        while let Some(message) = Message::parse(&mut buf, 1 << 20).unwrap() {
            tags.push(char::from(message.tag));
        }
        assert!(buf.is_empty());
        assert_eq!(tags, "RKSSSSSSSSSSSSSZTDCZ");
    }

    #[test]
    fn every_prefix_of_a_message_asks_for_more() {
        let whole = Message {
            tag: tag::PARAMETER_STATUS,
            body: Bytes::from_static(b"TimeZone\0Etc/UTC\0"),
        };
        let bytes = whole.encode();
        for end in 0..bytes.len() {
            let mut buf = BytesMut::from(&bytes[..end]);
            assert_eq!(Message::parse(&mut buf, 1024), Ok(None), "{end} bytes");
            assert_eq!(buf, bytes[..end]);
        }
        let mut buf = BytesMut::from(bytes.as_slice());
        assert_eq!(Message::parse(&mut buf, 1024), Ok(Some(whole)));
    }

    #[test]
    fn lengths_are_checked_before_the_body_arrives() {
        let mut buf = BytesMut::from(&[b'S', 0, 0, 0, 3][..]);
        assert_eq!(Message::parse(&mut buf, 10), Err(MessageError::Length(3)));
        let mut buf = BytesMut::from(&[b'S', 0xFF, 0xFF, 0xFF, 0xFF][..]);
        assert!(matches!(
            Message::parse(&mut buf, 10),
            Err(MessageError::TooLong { limit: 10, .. })
        ));
        // The limit counts the header: five bytes and an empty body.
        let mut buf = BytesMut::from(&[b'Z', 0, 0, 0, 4][..]);
        assert!(Message::parse(&mut buf, 5).unwrap().is_some());
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_parsed(tag: u8, body: Vec<u8>, rest: Vec<u8>) {
            let message = Message { tag, body: body.into() };
            let mut buf = BytesMut::from(message.encode().as_slice());
            buf.extend_from_slice(&rest);
            prop_assert_eq!(Message::parse(&mut buf, usize::MAX), Ok(Some(message)));
            prop_assert_eq!(&buf[..], &rest[..]);
        }
    }
}
