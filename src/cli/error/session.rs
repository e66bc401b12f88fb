//! Failures of the login on disk.

use super::{CliError, Kind};
use crate::flow::session::{Origin, SessionError};
use crate::profile::ProfileError;
use crate::profile::identity_file::IdentityError;
use crate::transport::clock;

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
                .hint(clock::SET_IT),
            SessionError::Damaged { .. } => Self::new(Kind::NotLoggedIn, message)
                .hint("the file is kept as it is; log in again: postern login --force"),
            SessionError::Expired {
                origin: Origin::Tsh { .. },
                user,
                proxy,
                ..
            } => Self::new(Kind::NotLoggedIn, format!("{message} (a login of tsh)")).hint(format!(
                "log in again with tsh: tsh login --proxy={proxy} --user={user}; or here: {again}"
            )),
            SessionError::Tsh(_) => Self::new(Kind::NotLoggedIn, message)
                .hint(format!("tsh's files are left as they are; log in here: {again} --proxy HOST")),
            SessionError::Identity(error) => identity(&error, message),
            SessionError::IdentityExpired { path, .. } => Self::new(Kind::NotLoggedIn, message)
                .hint(format!(
                    "whoever makes it renews it: tbot does so by itself while it runs, an administrator with: tctl auth sign --user=… --out={}",
                    path.display()
                )),
            SessionError::IdentityProxy { .. } => Self::new(Kind::Usage, message)
                .hint("name it: --proxy HOST:PORT, or TELEPORT_PROXY"),
            _ => Self::new(Kind::NotLoggedIn, message).hint(format!("log in: {again}")),
        }
    }
}

/// What to do about an identity that cannot be used.
fn identity(error: &IdentityError, message: String) -> CliError {
    let hint = match error {
        IdentityError::Io { .. } | IdentityError::Empty { .. } => {
            "--identity (or TELEPORT_IDENTITY_FILE) names a file of tctl auth sign, or the directory that tbot writes"
        }
        IdentityError::NoCertificate { .. } => {
            "make it with --format=file: tctl auth sign --format=file --user=NAME --out=FILE"
        }
        IdentityError::Certificate { .. } => {
            "tctl auth sign --format=db makes certificates of database servers; a user's come from --format=file --user=NAME"
        }
        IdentityError::Damaged { .. }
        | IdentityError::Key { .. }
        | IdentityError::Mismatch { .. } => {
            "have it made again: tctl auth sign --format=file --user=NAME --out=FILE, or by tbot"
        }
    };
    CliError::new(Kind::NotLoggedIn, message).hint(hint)
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
