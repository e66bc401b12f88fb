//! Logins that other programs keep: what is completed before they are used, and what is said about them.

use super::{CliError, Cx, Kind};
use crate::flow::login;
use crate::flow::session::{Origin, Session};
use crate::profile::{KeyLocation, identity_file};

/// Finds the port of a proxy that was named without one: an identity names no proxy at all, so nothing else knows it.
///
/// # Errors
/// Those of the search, when nothing answers like a proxy.
pub(super) async fn complete(cx: &mut Cx) -> Result<(), CliError> {
    let (Some(_), Some(proxy)) = (cx.home.identity(), cx.home.selected()) else {
        return Ok(());
    };
    let addresses = login::candidates(proxy).map_err(|e| CliError::new(Kind::Usage, e))?;
    let found = match addresses.as_slice() {
        [only] => only.clone(),
        _ => {
            let trust = crate::transport::trust::Trust {
                insecure: cx.global.insecure,
                ..Default::default()
            };
            // Boxed: its state is large, and every command would carry it.
            let door = Box::pin(login::discover(
                &addresses,
                &trust,
                Some("local"),
                cx.home.network_env(),
            ))
            .await?;
            door.proxy().to_owned()
        }
    };
    cx.home = cx.home.clone().select(Some(found));
    Ok(())
}

/// Says whose login is used when it is tsh's, and warns of an identity that others can read.
pub(super) fn tell(cx: &mut Cx, session: &Session) {
    let profile = &session.profile;
    match &session.origin {
        Origin::Own => {}
        Origin::Tsh { dir } => cx.ui.status(&format!(
            "Using the login of tsh: {} at {} (from {}, which is only read).",
            profile.user,
            profile.proxy,
            dir.display()
        )),
        Origin::Identity { .. } | Origin::Tbot { .. } => {
            if let KeyLocation::Elsewhere { path } = &profile.key
                && identity_file::exposed(path)
            {
                cx.ui.warn(&format!(
                    "others on this computer can read the private key in {}: chmod 600 {}",
                    path.display(),
                    super::output::shell_word(&path.display().to_string())
                ));
            }
        }
    }
}

/// Refuses what makes no sense for a login that only its maker can renew or end.
///
/// # Errors
/// [`Kind::Usage`].
pub(super) fn not_with_identity(cx: &Cx, command: &str, why: &str) -> Result<(), CliError> {
    let Some(path) = cx.home.identity() else {
        return Ok(());
    };
    Err(CliError::new(
        Kind::Usage,
        format!(
            "{command} does not go with the identity {}: {why}",
            path.display()
        ),
    )
    .hint("leave --identity out, and unset POSTERN_IDENTITY_FILE and TELEPORT_IDENTITY_FILE"))
}
