//! `postern logout`: removes certificates and keys; no network.

use clap::Args;

use super::{CliError, Cx, Exit};
use crate::flow::session::SessionError;
use crate::profile::{Profile, ProfileError};

/// Arguments of `logout`.
#[derive(Args, Debug)]
pub struct LogoutArgs {
    /// Only the login at this proxy; without it, every login
    #[arg(long, value_name = "HOST[:PORT]")]
    pub proxy: Option<String>,
}

/// Removes logins, valid or expired. Damaged profiles are named and kept.
///
/// # Errors
/// [`super::Kind::NotLoggedIn`] when there is none.
pub fn run(cx: &mut Cx, args: &LogoutArgs) -> Result<Exit, CliError> {
    let (profiles, damaged) = wanted(cx, args)?;
    if profiles.is_empty() {
        let Some(error) = damaged.into_iter().next() else {
            return Err(SessionError::NotLoggedIn {
                proxy: args.proxy.clone(),
            }
            .into());
        };
        return Err(error.into());
    }
    for error in damaged {
        cx.ui.warn(&format!("{error}; it is kept"));
    }
    for profile in profiles {
        let key = cx.home.remove(&profile)?;
        if let Err(error) = key {
            cx.ui
                .warn(&format!("the private key could not be removed: {error}"));
        }
        cx.ui.status(&format!(
            "Logged out {} from {}.",
            profile.user, profile.proxy
        ));
    }
    Ok(Exit::Done)
}

fn wanted(cx: &Cx, args: &LogoutArgs) -> Result<(Vec<Profile>, Vec<ProfileError>), CliError> {
    if let Some(proxy) = &args.proxy {
        return Ok((cx.home.find(proxy)?.into_iter().collect(), Vec::new()));
    }
    let (mut profiles, mut damaged) = (Vec::new(), Vec::new());
    for profile in cx.home.all()? {
        match profile {
            Ok(profile) => profiles.push(profile),
            Err(error) => damaged.push(error),
        }
    }
    Ok((profiles, damaged))
}
