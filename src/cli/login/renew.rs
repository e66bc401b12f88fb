//! A login in place of one that has expired: asked for on a terminal, then the command that needed it goes on.

use super::plan::{self, Plan};
use super::{enter, now};
use crate::cli::signals::interruptible;
use crate::cli::{CliError, Cx};
use crate::flow::session::{self, Origin, Session, SessionError};

/// Loads the login that is meant. Somebody on a terminal can renew it there and then; a script gets the error, and so does a
/// person where nothing says at which proxy.
///
/// # Errors
/// Those of [`session::load`] when nobody is there or no login would help, else those of `login`.
pub(in crate::cli) async fn session(cx: &mut Cx) -> Result<Session, CliError> {
    let error = match session::load(&cx.home, cx.now) {
        Ok(session) => return Ok(session),
        Err(error) => error,
    };
    if !cx.interactive {
        return Err(error.into());
    }
    let Some(plan) = cure(cx, &error)? else {
        return Err(error.into());
    };
    cx.ui.status(&format!("Log in again: {error}."));
    // The prompts take Ctrl+C over; between them it has to end the command as well.
    interruptible(Box::pin(enter(cx, &plan))).await?;
    // The person took their time.
    cx.now = now();
    Ok(session::load(&cx.home, cx.now)?)
}

/// The login that would help; `None` when none would, or nothing says where.
fn cure(cx: &Cx, error: &SessionError) -> Result<Option<Plan>, CliError> {
    match error {
        // tsh's own files are not renewed: a login of ours takes over.
        SessionError::Expired {
            origin: Origin::Tsh { .. },
            proxy,
            ..
        } => plan::first(cx, proxy).map(Some),
        SessionError::Expired { .. } | SessionError::KeyGone { .. } | SessionError::Key(_) => {
            Ok(cx.home.current()?.map(|former| plan::again(cx, former)))
        }
        SessionError::NotLoggedIn { proxy: Some(proxy) } => plan::first(cx, proxy).map(Some),
        SessionError::NotLoggedIn { proxy: None }
        | SessionError::NotYet { .. }
        | SessionError::Damaged { .. }
        | SessionError::Tsh(_)
        | SessionError::Identity(_)
        | SessionError::IdentityExpired { .. }
        | SessionError::IdentityProxy { .. }
        | SessionError::Profile(_) => Ok(None),
    }
}
