//! `postern logout`: removes certificates and keys; no network.

use clap::Args;

use super::{CliError, Cx, Exit, origin};
use crate::flow::session::{self, Origin, SessionError};
use crate::profile::{Profile, ProfileError};

/// Arguments of `logout`.
#[derive(Args, Debug)]
pub struct LogoutArgs {}

/// Removes logins, valid or expired: all, or those that `--proxy` and `--user` leave when they are typed; the environment
/// narrows nothing. Damaged profiles are named and kept.
///
/// # Errors
/// [`super::Kind::NotLoggedIn`] when there is none.
pub fn run(cx: &mut Cx, _args: &LogoutArgs) -> Result<Exit, CliError> {
    origin::not_with_identity(cx, "logout", "the file is not postern's to remove")?;
    let (profiles, damaged) = wanted(cx)?;
    if profiles.is_empty() {
        let Some(error) = damaged.into_iter().next() else {
            return Err(nobody(cx));
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
        cx.home
            .deactivate(|one| one.proxy == profile.proxy && one.login == profile.user)?;
        cx.ui.status(&format!(
            "Logged out {} from {}.",
            profile.user, profile.proxy
        ));
    }
    if let Some(tsh) = tsh(cx) {
        cx.ui.hint(&tsh);
    }
    Ok(Exit::Done)
}

/// What was typed: the proxy and the user.
fn typed(cx: &Cx) -> (Option<&String>, Option<&String>) {
    let global = &cx.global;
    (
        global.proxy.as_ref().filter(|_| global.typed.proxy),
        global.user.as_ref().filter(|_| global.typed.user),
    )
}

fn wanted(cx: &Cx) -> Result<(Vec<Profile>, Vec<ProfileError>), CliError> {
    let (proxy, user) = typed(cx);
    let (mut profiles, mut damaged) = (Vec::new(), Vec::new());
    if let Some(proxy) = proxy {
        profiles.extend(cx.home.find(proxy)?);
    } else {
        for profile in cx.home.all()? {
            match profile {
                Ok(profile) => profiles.push(profile),
                Err(error) => damaged.push(error),
            }
        }
    }
    if let Some(user) = user {
        profiles.retain(|profile| profile.user == *user);
    }
    Ok((profiles, damaged))
}

/// Nothing to do is no success: whoever meant a login should know that it is not there.
fn nobody(cx: &Cx) -> CliError {
    let (proxy, user) = typed(cx);
    let error = CliError::from(SessionError::NotLoggedIn {
        proxy: proxy.cloned(),
    });
    let error = match tsh(cx) {
        Some(tsh) => error.hint(tsh),
        None => error,
    };
    match user {
        Some(user) => CliError {
            message: format!("{} as {user}", error.message),
            ..error
        },
        None => error,
    }
}

/// What is left after a logout: a login of tsh that commands go on to use.
fn tsh(cx: &Cx) -> Option<String> {
    let (profile, _, origin) = session::look(&cx.home, cx.now).ok()?;
    matches!(origin, Origin::Tsh { .. }).then(|| {
        format!(
            "tsh is still logged in to {} as {}, which postern uses: tsh logout",
            profile.proxy, profile.user
        )
    })
}
