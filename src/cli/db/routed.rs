//! Connecting with an identity that is for one database only: nothing is asked of the cluster.

use super::choose::TargetArgs;
use crate::cli::{CliError, Cx, Kind};
use crate::flow::credential::DbCredential;
use crate::flow::routed::{self, Asked, RoutedError};
use crate::flow::session::Session;

/// The credential of such an identity; `None` for any other login. Says once what it cannot do.
///
/// # Errors
/// [`RoutedError`]: [`Kind::Denied`] for what it is not for, [`Kind::Usage`] without a database user.
pub(super) fn credential(
    cx: &mut Cx,
    session: &Session,
    args: &TargetArgs,
) -> Result<Option<DbCredential>, CliError> {
    if session.route_to_database().is_none() {
        return Ok(None);
    }
    let asked = Asked {
        database: args.name.as_deref().filter(|name| !name.is_empty()),
        cluster: cx.global.cluster.as_deref(),
        wish: args.wish()?,
    };
    let credential = routed::credential(session, &asked)?;
    if credential
        .as_ref()
        .is_some_and(|it| !routed::can_cancel(it))
    {
        cx.ui.warn(
            "the certificate names no database user: statements cannot be cancelled (Ctrl+C); have it made with \
             --db-user, or in tbot with username",
        );
    }
    Ok(credential)
}

impl From<RoutedError> for CliError {
    fn from(error: RoutedError) -> Self {
        let message = error.to_string();
        match error {
            RoutedError::NoUser { .. } => {
                Self::new(Kind::Usage, message).hint("name it: --db-user NAME")
            }
            RoutedError::Other { .. } | RoutedError::Protocol { .. } => {
                Self::new(Kind::Denied, message)
                    .hint("postern status --identity FILE shows what an identity is for")
            }
        }
    }
}
