//! `postern login --from-tsh`: a login that tsh made becomes one of ours, its files left as they are.

use super::save;
use super::{LoginArgs, report};
use crate::cli::{CliError, Cx, Exit, Kind};
use crate::flow::session::{self, SessionError};
use crate::profile::keys::KeyStore;

/// Copies certificate, key and authorities. No network.
///
/// # Errors
/// [`Kind::NotLoggedIn`] when tsh is not logged in, or not there; else those of writing.
pub(super) fn copy(cx: &mut Cx, args: &LoginArgs) -> Result<Exit, CliError> {
    let session = session::load_tsh(&cx.home, cx.now).map_err(|error| {
        let place = cx.home.tsh().map(|dir| dir.display().to_string());
        match error {
            SessionError::NotLoggedIn { proxy } => CliError::new(
                Kind::NotLoggedIn,
                format!(
                    "tsh is not logged in{}",
                    proxy.map_or_else(String::new, |proxy| format!(" to {proxy}"))
                ),
            )
            .hint(format!(
                "its directory is {} (TELEPORT_HOME); tsh login, or log in here: postern login --proxy HOST",
                place.as_deref().unwrap_or("not known")
            )),
            error => error.into(),
        }
    })?;
    cx.check_user(&session)?;
    let store = match args.key_store {
        None => KeyStore::Best,
        Some(store) => store.into(),
    };
    let mut profile = session.profile;
    save::save_profile(cx, store, &session.client_cert.key_pkcs8, &mut profile)?;
    report::print(cx, &profile, &session.certificate, false);
    Ok(Exit::Done)
}
