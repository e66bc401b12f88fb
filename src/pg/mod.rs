//! The PostgreSQL wire protocol, as far as a tunnel needs it: bytes in, bytes out, nothing awaited.
//!
//! | file | holds |
//! |---|---|
//! | [`startup`] | the first packet of a client, [`startup::FirstPacket`] |
//! | [`cancel`] | CancelRequest and its key |
//! | [`negotiate`] | NegotiateProtocolVersion |
//! | [`message`] | framing of everything after the start |
//! | [`query`] | a statement and the rows of its answer, as texts |
//! | [`error_response`] | ErrorResponse and NoticeResponse |
//! | [`sqlstate`] | the SQLSTATE codes that are used |
//!
//! Parsers take a buffer that grows: `Ok(None)` asks for more bytes and leaves the buffer untouched, `Ok(Some(_))` removes
//! exactly what was read. Integers are big-endian. Both ends use this module: the tunnel reads what clients send and
//! completes what servers answer, the embedded cluster the reverse.

pub mod cancel;
pub mod error_response;
pub mod message;
pub mod negotiate;
pub mod query;
pub mod sqlstate;
pub mod startup;

#[cfg(test)]
pub(crate) mod recorded;

pub use cancel::{CancelKey, CancelRequest};
pub use error_response::{ErrorResponse, Kind};
pub use message::{Message, MessageError};
pub use negotiate::NegotiateProtocolVersion;
pub use startup::{FirstPacket, FirstPacketError, ProtocolVersion, Startup};

/// The two bytes `N` and `S` answer SSLRequest and GSSENCRequest: this is the refusal, "go on in clear".
pub const ENCRYPTION_REFUSED: u8 = b'N';
/// The consent to SSLRequest: the next bytes are a TLS handshake.
pub const ENCRYPTION_ACCEPTED: u8 = b'S';
