//! What can go wrong when deciding about access, with the texts of rbac.md 13.

use super::expr::ExprError;
use crate::quote::quote;

/// Why a session or a listing is refused. `Display` is the text a Teleport cluster sends, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// No role allows it, or one denies it (rbac.md 5).
    #[error("access to db denied. User does not have permissions. Confirm database user and name.")]
    Denied,
    /// The certificate is restricted to other resources (rbac.md 5 step 0).
    #[error("access to db denied, not in allowed resource IDs")]
    NotInAllowedResources,
    /// A role that allows it asks for a second factor in each session (rbac.md 5 step 4).
    #[error("access to resource requires MFA")]
    MfaRequired,
    /// A role that allows it asks for a trusted device.
    #[error("access to resource requires a trusted device")]
    DeviceRequired,
    /// A requested database role is not among the allowed ones (rbac.md 7.3).
    #[error("access to database role {} denied", quote(role))]
    RoleDenied {
        /// The first refused role.
        role: String,
    },
    /// Automatic users must be named as the Teleport user (rbac.md 7.4).
    #[error(
        "please use your Teleport username ({}) to connect instead of {}",
        quote(user),
        quote(given)
    )]
    UseTeleportUser {
        /// The right name.
        user: String,
        /// The name that was given.
        given: String,
    },
    /// The same in a leaf cluster, where the user has a mapped name (rbac.md 7.4, 8.1).
    #[error(
        "please use your mapped remote username ({}) to connect instead of {}",
        quote(user),
        quote(given)
    )]
    UseMappedUser {
        /// The right name, `remote-<user>-<root cluster>`.
        user: String,
        /// The name that was given.
        given: String,
    },
    /// The role provisions users, the type of database cannot (rbac.md 7.4 step 5).
    #[error(
        "your Teleport role requires automatic database user provisioning but this database doesn't support it, contact \
         your Teleport administrator"
    )]
    AutoUserUnsupported,
    /// The role provisions users, the database has no admin user.
    #[error(
        "your Teleport role requires automatic database user provisioning but this database doesn't have admin user \
         configured, contact your Teleport administrator"
    )]
    NoAdminUser,
    /// Activating the automatic user failed.
    #[error(
        "your Teleport role requires automatic database user provisioning but an attempt to activate database user {} \
         failed due to the following error: {cause}",
        quote(user)
    )]
    Activation {
        /// The automatic user.
        user: String,
        /// What failed.
        cause: String,
    },
    /// The startup message names no user (rbac.md 6.1).
    #[error("user name must not be empty")]
    EmptyUser,
    /// A label selector or expression of a role is broken; the text reaches the database client.
    #[error("{0}")]
    Match(MatchError),
    /// The same in a role with automatic users: the database service closes the connection without a message.
    #[error("{0}")]
    SilentMatch(MatchError),
}

impl AccessError {
    /// Whether the cluster's answer is a plain refusal, as opposed to a broken role.
    #[must_use]
    pub fn is_access_denied(&self) -> bool {
        !matches!(self, Self::Match(_) | Self::SilentMatch(_))
    }

    /// Whether a database service closes the connection without an ErrorResponse (rbac.md 3.6).
    #[must_use]
    pub fn closes_without_message(&self) -> bool {
        matches!(self, Self::SilentMatch(_))
    }
}

/// A label matcher that cannot be evaluated: an error, not a non-match (rbac.md 2, 3.6).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// A pattern of a selector does not compile; the text is Go's.
    #[error("{0}")]
    Regexp(String),
    /// A label expression does not parse or fails on this database.
    #[error("{0}")]
    Expression(ExprError),
}

impl From<MatchError> for AccessError {
    fn from(error: MatchError) -> Self {
        Self::Match(error)
    }
}

/// Why a role or database document is refused; `Display` is the text of rbac.md 1.3, 1.4 and 7.1 where one is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DocumentError(pub String);

impl DocumentError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}
