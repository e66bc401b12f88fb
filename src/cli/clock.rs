//! A login that only the cluster holds to be over: then one of the two clocks is wrong.

use super::{CliError, Cx, Exit, Kind};
use crate::flow::session;
use crate::hop::Hop;
use crate::identity::Validity;
use crate::transport::clock::{self, TOLERATED};
use crate::transport::route::Route;

/// Looks at a command's failure: where the cluster refused a login that is valid by this computer's clock, the proxy is
/// asked for its time, and a clock that is off is named with its size.
///
/// # Errors
/// The failure itself, with what was found out.
pub(super) async fn explained(cx: &Cx, outcome: Result<Exit, CliError>) -> Result<Exit, CliError> {
    let mut error = match outcome {
        Err(error) if error.kind == Kind::NotLoggedIn && error.hop != Hop::Local => error,
        other => return other,
    };
    let Ok((profile, certificate, _)) = session::look(&cx.home, cx.now) else {
        return Err(error);
    };
    if certificate.valid_at(cx.now) != Validity::Valid {
        return Err(error);
    }
    let env = cx.home.network_env();
    let route = Route::new(&profile.proxy, &profile.trust, &profile.network, env);
    if let Some(skew) = route.skew().await
        && skew.abs() > TOLERATED
    {
        error.message = format!(
            "{}; the clock of this computer is {} the proxy's",
            error.message,
            clock::off(skew)
        );
        error.hints.insert(0, clock::SET_IT.to_owned());
    }
    Err(error)
}
