//! The first packet of a client: what it wants to do.
//!
//! Source: transport.md 10.3, db-service.md 1.5; limits observed on 18.3.0 (a packet of 10 004 bytes is served, 10 005 is not).

use bytes::{Buf, BytesMut};

use super::cancel::{CANCEL_CODE, CancelRequest};

/// Longest packet that is accepted before the session starts, bytes, its length word included.
pub const MAX_PACKET_LEN: usize = 10_004;

const SSL_CODE: u32 = 80_877_103;
const GSS_CODE: u32 = 80_877_104;
/// First byte of a TLS record that carries a handshake.
const TLS_HANDSHAKE: u8 = 0x16;

/// A protocol version such as 3.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProtocolVersion {
    /// 3 for everything since PostgreSQL 7.4.
    pub major: u16,
    /// 0, or 2 since PostgreSQL 18.
    pub minor: u16,
}

impl ProtocolVersion {
    /// Protocol 3.0, the only one that Teleport 18.3 serves.
    pub const V3_0: Self = Self { major: 3, minor: 0 };

    /// Reads the version from its place in the packet.
    pub fn from_code(code: u32) -> Self {
        Self {
            major: (code >> 16) as u16,
            minor: (code & 0xFFFF) as u16,
        }
    }

    /// Returns the number as it stands in the packet, 196608 for 3.0.
    pub fn code(self) -> u32 {
        (u32::from(self.major) << 16) | u32::from(self.minor)
    }
}

impl std::fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What a client's first bytes mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirstPacket {
    /// SSLRequest: asks for TLS; answered with one byte, then the client goes on.
    Ssl,
    /// GSSENCRequest: asks for GSSAPI encryption; answered with one byte, then the client goes on.
    GssEnc,
    /// StartupMessage: starts a session.
    Startup(Startup),
    /// CancelRequest: stops a statement of another connection.
    Cancel(CancelRequest),
    /// A TLS ClientHello without SSLRequest (`sslnegotiation=direct`). Nothing was removed from the buffer.
    DirectTls,
}

/// Why a first packet cannot be read. The connection is closed; no answer fits except to [`FirstPacketError::Version`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FirstPacketError {
    /// The length word is below 8 or above [`MAX_PACKET_LEN`]: not PostgreSQL.
    #[error("invalid length of startup packet: {0}")]
    Length(u32),
    /// A request code that does not exist.
    #[error("unknown request code {0}")]
    Code(u32),
    /// A protocol version other than 3.x.
    #[error("unsupported frontend protocol {0}: server supports 3.0")]
    Version(ProtocolVersion),
    /// SSLRequest, GSSENCRequest or CancelRequest of the wrong size.
    #[error("request with code {code} has invalid length {len}")]
    RequestLength {
        /// The request code.
        code: u32,
        /// The packet's length word.
        len: u32,
    },
    /// The parameters are not pairs of texts that each end in a zero byte, with one more zero byte at the end.
    #[error("invalid startup packet layout: expected terminator as last byte")]
    Layout,
}

impl FirstPacket {
    /// Takes one packet from the front of `buf`, or asks for more bytes with `None`.
    ///
    /// # Errors
    /// As soon as the bytes present rule out every packet; `buf` is then of no further use.
    pub fn parse(buf: &mut BytesMut) -> Result<Option<Self>, FirstPacketError> {
        let Some(&first) = buf.first() else {
            return Ok(None);
        };
        if first == TLS_HANDSHAKE {
            return Ok(Some(Self::DirectTls));
        }
        let Some((head, rest)) = buf.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let len = u32::from_be_bytes(*head);
        if !(8..=MAX_PACKET_LEN as u32).contains(&len) {
            return Err(FirstPacketError::Length(len));
        }
        let Some((code, _)) = rest.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let code = u32::from_be_bytes(*code);
        check_code(code, len)?;
        if buf.len() < len as usize {
            return Ok(None);
        }
        let packet = buf.split_to(len as usize);
        let body = &packet[8..];
        Ok(Some(match code {
            SSL_CODE => Self::Ssl,
            GSS_CODE => Self::GssEnc,
            CANCEL_CODE => Self::Cancel(
                CancelRequest::from_body(body)
                    .ok_or(FirstPacketError::RequestLength { code, len })?,
            ),
            _ => Self::Startup(Startup {
                version: ProtocolVersion::from_code(code),
                params: parse_params(body)?,
            }),
        }))
    }

    /// Returns the packet as a client writes it; empty for [`FirstPacket::DirectTls`], which is not this protocol's.
    pub fn encode(&self) -> Vec<u8> {
        let request = |code: u32| [8_u32.to_be_bytes(), code.to_be_bytes()].concat();
        match self {
            Self::Ssl => request(SSL_CODE),
            Self::GssEnc => request(GSS_CODE),
            Self::Startup(startup) => startup.encode(),
            Self::Cancel(cancel) => cancel.encode().to_vec(),
            Self::DirectTls => Vec::new(),
        }
    }
}

fn check_code(code: u32, len: u32) -> Result<(), FirstPacketError> {
    let fits = match code {
        SSL_CODE | GSS_CODE => len == 8,
        CANCEL_CODE => (13..=12 + super::cancel::MAX_KEY_LEN as u32).contains(&len),
        _ => {
            return match ProtocolVersion::from_code(code) {
                ProtocolVersion { major: 3, .. } => Ok(()),
                ProtocolVersion { major: 1234, .. } => Err(FirstPacketError::Code(code)),
                version => Err(FirstPacketError::Version(version)),
            };
        }
    };
    if fits {
        Ok(())
    } else {
        Err(FirstPacketError::RequestLength { code, len })
    }
}

/// A StartupMessage: protocol version and parameters in the order sent. Texts are bytes: their encoding is the client's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Startup {
    version: ProtocolVersion,
    params: Vec<Param>,
}

/// Name and value, neither with a zero byte.
type Param = (Vec<u8>, Vec<u8>);

impl Startup {
    /// Begins a message without parameters.
    pub fn new(version: ProtocolVersion) -> Self {
        Self {
            version,
            params: Vec::new(),
        }
    }

    /// Adds a parameter. A zero byte ends the text, as it does on the wire; a parameter without name is left out, as it would
    /// end the list.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let text = |s: &str| s.bytes().take_while(|b| *b != 0).collect::<Vec<u8>>();
        let name = text(name);
        if !name.is_empty() {
            self.params.push((name, text(value)));
        }
        self
    }

    /// Returns the requested protocol version.
    pub fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// Returns the value of the named parameter; of several, the last, as PostgreSQL does.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let found = self.params.iter().rev().find(|(n, _)| n == name.as_bytes());
        found.map(|(_, value)| value.as_slice())
    }

    /// Returns the database user; `None` when absent or empty.
    pub fn user(&self) -> Option<String> {
        self.text("user")
    }

    /// Returns the database name; `None` when absent or empty (the server then takes the user's name).
    pub fn database(&self) -> Option<String> {
        self.text("database")
    }

    fn text(&self, name: &str) -> Option<String> {
        let value = self.get(name).filter(|v| !v.is_empty())?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// Iterates over all parameters in the order sent.
    pub fn params(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.params
            .iter()
            .map(|(n, v)| (n.as_slice(), v.as_slice()))
    }

    /// Returns the same request in protocol 3.0, without the `_pq_.` options, which 3.0 servers don't know.
    #[must_use]
    pub fn downgraded(&self) -> Self {
        let plain = |(name, _): &&Param| !is_protocol_option(name);
        Self {
            version: ProtocolVersion::V3_0,
            params: self.params.iter().filter(plain).cloned().collect(),
        }
    }

    /// Returns the names of the `_pq_.` options: extensions of the protocol, none of which is known here.
    pub fn protocol_options(&self) -> Vec<Vec<u8>> {
        let names = self.params.iter().map(|(name, _)| name);
        names
            .filter(|name| is_protocol_option(name))
            .cloned()
            .collect()
    }

    /// Returns the whole packet, length included. The result may exceed [`MAX_PACKET_LEN`] when the parameters do.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![0; 4];
        out.extend_from_slice(&self.version.code().to_be_bytes());
        for (name, value) in &self.params {
            out.extend_from_slice(name);
            out.push(0);
            out.extend_from_slice(value);
            out.push(0);
        }
        out.push(0);
        super::message::put_length(&mut out, 0);
        out
    }
}

fn is_protocol_option(name: &[u8]) -> bool {
    name.starts_with(b"_pq_.")
}

fn parse_params(mut body: &[u8]) -> Result<Vec<Param>, FirstPacketError> {
    let mut params = Vec::new();
    loop {
        let name = take_text(&mut body).ok_or(FirstPacketError::Layout)?;
        if name.is_empty() {
            break;
        }
        let value = take_text(&mut body).ok_or(FirstPacketError::Layout)?;
        params.push((name.to_vec(), value.to_vec()));
    }
    if body.is_empty() {
        Ok(params)
    } else {
        Err(FirstPacketError::Layout)
    }
}

/// Takes a text and its zero byte from the front of `body`.
pub(super) fn take_text<'a>(body: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = body.iter().position(|b| *b == 0)?;
    let text = &body[..end];
    body.advance(end + 1);
    Some(text)
}

#[cfg(test)]
#[path = "startup_tests.rs"]
mod tests;
