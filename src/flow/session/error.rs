//! Why there is no login to use.

use std::path::PathBuf;

use super::Origin;
use crate::profile::identity_file::IdentityError;
use crate::profile::keys::KeyError;
use crate::profile::tsh::TshError;
use crate::profile::{KeyLocation, ProfileError};
use crate::transport::trust::span;

/// Why there is no session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// No profile, or none for the proxy asked for.
    #[error("not logged in{}", proxy.as_ref().map_or_else(String::new, |p| format!(" to {p}")))]
    NotLoggedIn {
        /// The proxy asked for, when one was.
        proxy: Option<String>,
    },
    /// The certificate's time is over.
    #[error("the login of {user} to {proxy} has expired")]
    Expired {
        /// Whose.
        user: String,
        /// Where.
        proxy: String,
        /// Seconds since its end.
        since: i64,
        /// Whose it is: ours, or tsh's.
        origin: Origin,
    },
    /// The time of an identity file is over; only who made it can make a new one.
    #[error("the identity {} of {user} has expired", path.display())]
    IdentityExpired {
        /// The file or directory.
        path: PathBuf,
        /// Whose.
        user: String,
    },
    /// An identity file names no proxy, and nothing else did.
    #[error("the identity {} does not say which proxy it is for", path.display())]
    IdentityProxy {
        /// The file or directory.
        path: PathBuf,
    },
    /// The identity cannot be used.
    #[error(transparent)]
    Identity(IdentityError),
    /// There is no login of ours, and tsh's cannot be used.
    #[error("not logged in, and {0}")]
    Tsh(TshError),
    /// By this computer's clock the certificate's time has not begun.
    #[error(
        "the login of {user} to {proxy} is not valid for another {}: this computer's clock is behind by at least that", span(*in_seconds)
    )]
    NotYet {
        /// Whose.
        user: String,
        /// Where.
        proxy: String,
        /// Seconds until it is.
        in_seconds: i64,
    },
    /// The certificate is there, its private key is not.
    #[error("the private key of the login to {proxy} is gone from {}{}", .location, gone_because(.location))]
    KeyGone {
        /// Where it was.
        location: KeyLocation,
        /// Whose profile.
        proxy: String,
    },
    /// The private key is there and cannot be used.
    #[error(transparent)]
    Key(KeyError),
    /// The certificate in the profile cannot be decoded.
    #[error("the profile {} is damaged: {what}", path.display())]
    Damaged {
        /// The file; it is left as it is.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The profile file is damaged, or cannot be read.
    #[error(transparent)]
    Profile(#[from] ProfileError),
}

fn gone_because(location: &KeyLocation) -> &'static str {
    match location {
        KeyLocation::Keychain { .. } if cfg!(target_os = "linux") => {
            " (it holds keys until the computer restarts, or until they were unused for some days)"
        }
        _ => "",
    }
}
