//! NegotiateProtocolVersion: tells a newer client which protocol it gets.

use super::message::{MessageError, put_length, tag};
use super::startup::{ProtocolVersion, Startup, take_text};

/// The answer to a StartupMessage that asks for 3.1 or newer, or for protocol options.
///
/// Servers put the whole version (196608) where the documentation speaks of the minor version alone, and libpq of
/// PostgreSQL 18 insists on it; so does this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NegotiateProtocolVersion {
    /// The newest version that is served.
    pub newest: ProtocolVersion,
    /// Names of the `_pq_.` options that were not recognised.
    pub unrecognised: Vec<Vec<u8>>,
}

impl NegotiateProtocolVersion {
    /// Returns what a server of protocol 3.0 answers to `startup`; `None` when it asks for nothing beyond 3.0.
    pub fn answer_to(startup: &Startup) -> Option<Self> {
        let unrecognised = startup.protocol_options();
        (startup.version() > ProtocolVersion::V3_0 || !unrecognised.is_empty()).then_some(Self {
            newest: ProtocolVersion::V3_0,
            unrecognised,
        })
    }

    /// Returns the whole message.
    pub fn encode(&self) -> Vec<u8> {
        let count = u32::try_from(self.unrecognised.len())
            .expect("a startup packet is at most 10 004 bytes");
        let mut out = vec![tag::NEGOTIATE, 0, 0, 0, 0];
        out.extend_from_slice(&self.newest.code().to_be_bytes());
        out.extend_from_slice(&count.to_be_bytes());
        for name in &self.unrecognised {
            out.extend_from_slice(name);
            out.push(0);
        }
        put_length(&mut out, 1);
        out
    }

    /// Reads the body of a message of type `v`.
    ///
    /// # Errors
    /// [`MessageError::Body`].
    pub fn parse(body: &[u8]) -> Result<Self, MessageError> {
        let broken = MessageError::Body(tag::NEGOTIATE);
        let (Some(newest), Some(count)) = (be_u32(body, 0), be_u32(body, 4)) else {
            return Err(broken);
        };
        let mut rest = &body[8..];
        let mut unrecognised = Vec::new();
        while unrecognised.len() < count as usize {
            let Some(name) = take_text(&mut rest) else {
                return Err(broken);
            };
            unrecognised.push(name.to_vec());
        }
        if !rest.is_empty() {
            return Err(broken);
        }
        Ok(Self {
            newest: ProtocolVersion::from_code(newest),
            unrecognised,
        })
    }
}

fn be_u32(body: &[u8], at: usize) -> Option<u32> {
    let word = body.get(at..at + 4)?;
    Some(u32::from_be_bytes(
        word.try_into().expect("four bytes were taken"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const V3_2: ProtocolVersion = ProtocolVersion { major: 3, minor: 2 };

    #[test]
    fn nothing_is_negotiated_with_a_plain_3_0_client() {
        let startup = Startup::new(ProtocolVersion::V3_0).with("user", "alice");
        assert_eq!(NegotiateProtocolVersion::answer_to(&startup), None);
    }

    #[test]
    fn a_3_2_client_is_told_3_0_and_what_was_not_recognised() {
        let startup = Startup::new(V3_2)
            .with("user", "alice")
            .with("_pq_.command_tag_format", "1");
        let answer = NegotiateProtocolVersion::answer_to(&startup).unwrap();
        let mut expected = b"v\0\0\0\x24\0\x03\0\0\0\0\0\x01_pq_.command_tag_format\0".to_vec();
        assert_eq!(answer.encode(), expected);
        assert_eq!(NegotiateProtocolVersion::parse(&expected[5..]), Ok(answer));
        expected.pop();
        for end in 5..expected.len() {
            assert!(
                NegotiateProtocolVersion::parse(&expected[5..end]).is_err(),
                "{end}"
            );
        }
    }

    #[test]
    fn an_option_alone_is_negotiated_too() {
        let startup = Startup::new(ProtocolVersion::V3_0).with("_pq_.x", "");
        let answer = NegotiateProtocolVersion::answer_to(&startup).unwrap();
        assert_eq!(answer.unrecognised, [b"_pq_.x"]);
        assert_eq!(answer.newest, ProtocolVersion::V3_0);
    }
}
