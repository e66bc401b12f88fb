//! What goes wrong on the way to a login of Amazon's.

use super::identity::NoIdentity;

/// Why there is no login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// This process is nobody in AWS.
    Nobody(NoIdentity),
    /// AWS did not answer: host and reason.
    Unreachable(String),
    /// AWS said no.
    Refused {
        status: u16,
        code: String,
        message: String,
    },
    /// AWS said something else.
    Strange(String),
}

impl Problem {
    /// Whether another try may help.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { status, code, .. } => {
                *status >= 500 || code.starts_with("Throttling") || code == "RequestLimitExceeded"
            }
            _ => false,
        }
    }

    /// The identity kept in memory has ended before its time.
    pub(super) fn is_stale_identity(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code.starts_with("ExpiredToken") || code == "InvalidClientTokenId")
    }
}
