//! Failures of logging in.

use super::{CliError, Kind};
use crate::flow::login::{LoginError, Unsupported};
use crate::hop::Hop;
use crate::transport::clock;
use crate::transport::trust::{Untrusted, Why};
use crate::webapi::WebError;

impl From<LoginError> for CliError {
    fn from(error: LoginError) -> Self {
        let message = error.to_string();
        match error {
            LoginError::Web(inner) => inner.into(),
            LoginError::Announced { asked, error } => {
                let mut cli = Self::from(*error);
                cli.message = message;
                cli.hint(format!("the cluster's public address may be wrong, or reachable only from elsewhere than {asked}"))
            }
            LoginError::NoProxy(failures) => {
                let cli = Self::new(Kind::Unreachable, message)
                    .hint("name the port if it is neither 443 nor 3080: postern login --proxy HOST:PORT");
                match failures.first().and_then(WebError::addr) {
                    Some(addr) => cli.at(Hop::Proxy(addr.to_owned())),
                    None => cli,
                }
            }
            LoginError::Unsupported { proxy, method } => unsupported(proxy, &method),
            LoginError::Listen { .. } => Self::new(Kind::Failed, message)
                .hint("another address or port: postern login --bind-addr 127.0.0.1:PORT"),
            LoginError::CallbackAddress(_) => Self::new(Kind::Usage, message)
                .hint("for example: --bind-addr 0.0.0.0:3100 --callback https://dev.example.com"),
            LoginError::Refused { proxy, .. } => {
                Self::new(Kind::Failed, message).at(Hop::Proxy(proxy)).hint(
                    "the connector may be set up wrongly, or give this person no roles; the cluster's log has more",
                )
            }
            LoginError::NoCallback { .. } => Self::new(Kind::SecondFactor, message)
                .hint("the browser must reach this computer at the end; try again: postern login"),
            LoginError::KeyField { proxy, .. } => Self::new(Kind::Failed, message)
                .hint("proxy and auth service are of different versions; ask the cluster's administrator. The one-time code is used up")
                .at(Hop::Proxy(proxy)),
            LoginError::Answer(_) | LoginError::ExpiredOnArrival { .. } => {
                Self::new(Kind::Failed, message).hint("ask the cluster's administrator; a longer --ttl may help with an expired one")
            }
            LoginError::ClockBehind { .. } | LoginError::ClockAhead { .. } => {
                Self::new(Kind::Unreachable, message).hint(clock::SET_IT)
            }
            LoginError::Code { error, skew } => Self::from(*error).hint(format!(
                "the clock of this computer is {} the proxy's: codes that are made on this computer are wrong until it is set (on Linux: timedatectl set-ntp true)",
                clock::off(skew)
            )),
        }
    }
}

fn unsupported(proxy: String, method: &Unsupported) -> CliError {
    let error = CliError::new(Kind::SecondFactor, method.to_string());
    const WAYS: &str =
        "what works: a local user with password and one-time code (authenticator app)";
    let error = match method {
        Unsupported::Kind(_) | Unsupported::Passwordless | Unsupported::Headless => error.hint(
            format!("{WAYS}: postern login --proxy {proxy} --auth local --user NAME"),
        ),
        Unsupported::SecurityKeysOnly => error.hint(format!(
            "{WAYS}; the cluster's administrator can allow otp beside webauthn"
        )),
        Unsupported::SecurityKeyOfUser | Unsupported::NoDevice { .. } => error.hint(format!(
            "{WAYS}; add an authenticator app in the web UI: https://{proxy}/web/account/security"
        )),
        Unsupported::HardwareKey(_) => error.hint(format!(
            "{WAYS}, under a policy that takes keys made by software"
        )),
    };
    error.at(Hop::Proxy(proxy))
}

impl From<WebError> for CliError {
    fn from(error: WebError) -> Self {
        let message = error.to_string();
        let hop = error.hop();
        let unreachable = Self::new(Kind::Unreachable, message.clone()).at(hop.clone());
        match &error {
            WebError::Dial(error) => error.clone().into(),
            WebError::Address(_) => Self::new(Kind::Usage, message),
            WebError::Trust(_) => Self::new(Kind::Failed, message).hint("see --ca-file"),
            WebError::Resolve { .. } => {
                unreachable.hint("check the spelling of the host name, and the network")
            }
            WebError::Connect { .. } | WebError::Timeout { .. } => {
                unreachable.hint("check host and port; is the cluster up, is a VPN needed?")
            }
            WebError::NotTls { .. } => {
                unreachable.hint("is this the proxy's web port (mostly 443 or 3080)?")
            }
            WebError::Broken { .. } => unreachable,
            WebError::Decode { .. } => {
                unreachable.hint("is this the proxy's web port (mostly 443 or 3080)?")
            }
            WebError::Untrusted { untrusted, .. } => distrusted(unreachable, untrusted),
            WebError::Status {
                status,
                message: text,
                ..
            } => {
                let refused = Self::new(Kind::Failed, message).at(hop);
                match (status, text.as_str()) {
                    (502..=504, _) => unreachable
                        .hint("the load balancer in front of the proxy does not reach it; is the proxy up?"),
                    (404, _) => refused.hint("is this the web port of a Teleport proxy?"),
                    (429, text) if text.starts_with("rate limit") => refused.hint("wait that long, then try once more"),
                    (_, "too many incorrect attempts, please try again later") => {
                        refused.hint("the account is locked for up to 30 minutes")
                    }
                    (_, "local auth disabled") => refused.hint("this cluster takes single sign-on only: postern login --auth CONNECTOR"),
                    (403, text) if text.starts_with("Failed to login due to a disallowed callback") => refused.hint(
                        "the connector takes browsers back on this computer only (http://127.0.0.1); other addresses are allowed in its client_redirect_settings",
                    ),
                    (403, text) if text.starts_with("Failed to login.") => {
                        refused.hint("the connector may be set up wrongly: the log of the cluster's auth service says why")
                    }
                    (400, text) if text.starts_with("invalid connector name") => match connectors(text).as_slice() {
                        [] => refused.hint("this cluster has no single sign-on: postern login --auth local"),
                        names => names.iter().fold(refused, |refused, name| {
                            refused.hint(format!("postern login --auth {name}"))
                        }),
                    },
                    (403, "invalid credentials" | "invalid username or password") => {
                        refused.hint("another user? postern login --user NAME")
                    }
                    (403, "invalid username, password or second factor") => refused.hint(
                        "each one-time code counts once and for 30 seconds: wait for the next one; the clock of the device that shows it must be right",
                    ),
                    _ => refused,
                }
            }
        }
    }
}

/// The names that a cluster offers in `invalid connector name: NAME; valid options: a, b` (login.md 2.2).
fn connectors(text: &str) -> Vec<&str> {
    let list = text.split_once("valid options: ").map_or("", |(_, l)| l);
    let names = list.split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).collect()
}

/// A certificate that nobody trusts: whose it is was said; what to do about it is said here.
pub(super) fn distrusted(error: CliError, untrusted: &Untrusted) -> CliError {
    match &untrusted.why {
        Why::Issuer | Why::SelfSigned | Why::Other(_) => error
            .hint("trust its authority, or this very certificate: postern login --ca-file FILE")
            .hint("or, for a test only, verify nothing: postern login --insecure"),
        Why::Name { presented, .. } => match presented.iter().find(|name| !name.contains('*')) {
            Some(name) => error.hint(format!(
                "use the name it is for: postern login --proxy {name}:PORT"
            )),
            None => error.hint("for a test only, verify nothing: postern login --insecure"),
        },
        Why::Expired { .. } | Why::NotYet { .. } => match untrusted.why.blame() {
            Some(blame) => error.hint(blame.advice()),
            None => error,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_code_and_a_refused_password_have_hints_of_their_own() {
        // Texts of the recorded refusals (login.md 3.4).
        for (text, hint) in [
            ("invalid credentials", "--user NAME"),
            (
                "invalid username, password or second factor",
                "wait for the next one",
            ),
        ] {
            let error = CliError::from(WebError::Status {
                addr: "p:443".to_owned(),
                status: 403,
                message: text.to_owned(),
            });
            assert_eq!((error.kind, error.hints.len()), (Kind::Failed, 1));
            assert!(error.message.contains(text), "{error:?}");
            assert!(error.hints[0].contains(hint), "{error:?}");
        }
    }
}
