//! Failures of the login on disk.

use super::{CliError, Kind};
use crate::flow::session::SessionError;
use crate::profile::ProfileError;

impl From<SessionError> for CliError {
    fn from(error: SessionError) -> Self {
        let message = error.to_string();
        let again = match &error {
            SessionError::NotLoggedIn { proxy: Some(proxy) } => {
                format!("postern login --proxy {proxy}")
            }
            SessionError::Expired { user, proxy, .. } => {
                format!("postern login --proxy {proxy} --user {user}")
            }
            SessionError::NotLoggedIn { proxy: None } => "postern login --proxy HOST".to_owned(),
            _ => "postern login".to_owned(),
        };
        match error {
            SessionError::Profile(inner) => inner.into(),
            SessionError::NotYet { .. } => Self::new(Kind::NotLoggedIn, message)
                .hint("set the clock of this computer, then log in again: postern login --force"),
            SessionError::Damaged { .. } => Self::new(Kind::NotLoggedIn, message)
                .hint("the file is kept as it is; log in again: postern login --force"),
            _ => Self::new(Kind::NotLoggedIn, message).hint(format!("log in: {again}")),
        }
    }
}

impl From<ProfileError> for CliError {
    fn from(error: ProfileError) -> Self {
        let message = error.to_string();
        match error {
            ProfileError::Damaged { .. } => Self::new(Kind::NotLoggedIn, message)
                .hint("the file is kept; log in again: postern login --proxy HOST"),
            ProfileError::Newer { .. } => Self::new(Kind::NotLoggedIn, message)
                .hint("use the newer postern, or log in again: postern login --proxy HOST"),
            ProfileError::Locked {
                holder: Some(pid), ..
            } => Self::new(Kind::Failed, message)
                .hint(format!("wait for it, or look what it is: ps -p {pid}")),
            ProfileError::Locked { holder: None, .. } => {
                Self::new(Kind::Failed, message).hint("wait for the other postern to end")
            }
            ProfileError::Io { .. } => Self::new(Kind::Failed, message)
                .hint("POSTERN_HOME names another directory for postern's state"),
        }
    }
}
