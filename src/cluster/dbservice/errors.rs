//! What a client is told when its connection is refused: a PostgreSQL ErrorResponse.
//!
//! Messages are those of db-service.md 1.6, 2.9 and 3.6, byte for byte; severity, SQLSTATE and hint are additions
//! which Teleport leaves out and some clients need.

use crate::pg::{ErrorResponse, Kind};

/// An ErrorResponse made by the service, always followed by the end of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Severity word of the server when the error is the database's own, else `FATAL`.
    pub(super) severity: String,
    /// SQLSTATE, five characters.
    pub(super) code: String,
    /// The text of the protocol.
    pub(super) message: String,
    /// DETAIL, only from the database itself.
    pub(super) detail: Option<String>,
    /// What the user can do about it.
    pub(super) hint: Option<String>,
}

/// Access denied, name mismatch, locked (db-service.md 1.6).
pub(super) const DENIED: &str = "28000";
/// The database resource is unknown (db-service.md 1.6).
pub(super) const UNKNOWN_DATABASE: &str = "3D000";
/// Automatic user provisioning failed (db-service.md 1.6).
pub(super) const PROVISIONING: &str = "58000";
/// The database cannot be reached.
pub(super) const UNREACHABLE: &str = "08006";
/// More sessions than the cluster serves at a time.
pub(super) const TOO_MANY: &str = "53300";
/// A session was cut.
pub(super) const ENDED: &str = "57P01";
/// The cluster is shutting down.
pub(super) const STOPPING: &str = "57P03";

impl Refusal {
    /// Makes a FATAL error with the given SQLSTATE and text.
    pub(super) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            severity: "FATAL".into(),
            code: code.into(),
            message: message.into(),
            detail: None,
            hint: None,
        }
    }

    /// Adds what the user can do.
    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Encodes the message, type byte and length included.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut response =
            ErrorResponse::new(Kind::Error, &self.severity, &self.code, &self.message);
        if let Some(detail) = &self.detail {
            response = response.with_detail(detail);
        }
        if let Some(hint) = &self.hint {
            response = response.with_hint(hint);
        }
        response.encode()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_every_field_in_order() {
        let refusal = Refusal {
            detail: Some("d".into()),
            ..Refusal::new(DENIED, "access denied").with_hint("ask an administrator")
        };
        let bytes = refusal.to_bytes();
        assert_eq!(bytes[0], b'E');
        assert_eq!(
            u32::from_be_bytes(bytes[1..5].try_into().expect("four bytes")) as usize,
            bytes.len() - 1
        );
        assert_eq!(
            &bytes[5..],
            b"SFATAL\0VFATAL\0C28000\0Maccess denied\0Dd\0Hask an administrator\0\0".as_slice()
        );
    }
}
