//! Failures on the way to a cluster.

use super::{CliError, Kind};
use crate::auth::{ApiError, Fault};
use crate::flow::conn::{CheckerError, ConnError};
use crate::hop::Hop;
use crate::transport::dial::DialError;
use crate::transport::http_proxy::ProxyFault;
use crate::transport::route::UpgradeFault;
use crate::transport::tls_fault::TlsFault;
use crate::transport::trust::TrustError;

const LOGIN_AGAIN: &str = "log in again: postern login --force";

impl From<ConnError> for CliError {
    fn from(error: ConnError) -> Self {
        let message = error.to_string();
        let hop = error.hop();
        match error {
            ConnError::Api(err) => err.into(),
            ConnError::Trust(err) => err.into(),
            // Only the login's own host authorities count here, no CA file.
            ConnError::Dial {
                error:
                    DialError::Tls {
                        fault: TlsFault::Untrusted(whose),
                        ..
                    },
                ..
            } => match whose.why.blame() {
                Some(blame) => Self::new(Kind::Unreachable, message)
                    .at(hop)
                    .hint(blame.advice()),
                None => Self::new(Kind::NotLoggedIn, message).at(hop).hint(format!(
                    "the cluster may have renewed its host authority; {LOGIN_AGAIN}"
                )),
            },
            ConnError::Dial { error, .. } => error.into(),
            ConnError::Offline { cluster, .. } => {
                Self::new(Kind::Unreachable, message).at(hop).hint(format!(
                    "try again in a moment; postern clusters tells whether {cluster} is online"
                ))
            }
            ConnError::LongName { .. } => Self::new(Kind::Failed, message).at(hop).hint(
                "no client can reach it, tsh neither; its administrator has to set it up again under a shorter name",
            ),
            ConnError::OnlyDatabase { database } => Self::new(Kind::Denied, message).hint(format!(
                "it can connect to {database} (postern db connect, postern proxy db); everything else needs an identity made without --db-service"
            )),
            ConnError::UnknownCluster { cluster, known } => {
                let nearest = crate::flow::target::nearest(&cluster, &known);
                let error = Self::new(Kind::NotFound, message);
                match nearest.first() {
                    Some(name) => error.hint(format!("did you mean --cluster {name}?")),
                    None => error.hint("postern clusters lists them"),
                }
            }
        }
    }
}

impl From<DialError> for CliError {
    fn from(error: DialError) -> Self {
        let message = error.to_string();
        let hop = error.hop();
        if error.tls().is_some_and(TlsFault::needs_login) {
            return Self::new(Kind::NotLoggedIn, message)
                .at(hop)
                .hint(LOGIN_AGAIN);
        }
        let hint = match &error {
            DialError::Address(_) => {
                "an address looks like this: teleport.example.com:443".to_owned()
            }
            DialError::Resolve { .. } => "check the name, and the network or VPN".to_owned(),
            DialError::Connect { .. } | DialError::Timeout { .. } => {
                "is the proxy up, and the network or VPN?".to_owned()
            }
            DialError::Trust(error) => return error.clone().into(),
            DialError::HttpProxy { fault, .. } => return http_proxy(message, hop, fault),
            DialError::Upgrade { fault, .. } => upgrade_hint(fault),
            DialError::Closed { .. } => {
                "the proxy may be starting; try again in a moment".to_owned()
            }
            DialError::Tls { fault, .. } => match fault {
                TlsFault::Untrusted(whose) => match whose.why.blame() {
                    Some(blame) => blame.advice().to_owned(),
                    None => "log in with the proxy's own authority: postern login --ca-file FILE"
                        .to_owned(),
                },
                TlsFault::NoProtocol | TlsFault::WrongProtocol(_) => {
                    "something between here and the proxy ends TLS; if it is a load balancer, set TELEPORT_TLS_ROUTING_CONN_UPGRADE=yes"
                        .to_owned()
                }
                TlsFault::NotTls => "check the port: this one does not speak TLS".to_owned(),
                _ => "check the address of the proxy: postern status".to_owned(),
            },
        };
        Self::new(Kind::Unreachable, message).at(hop).hint(hint)
    }
}

const CHECK_HTTP_PROXY: &str = "check HTTPS_PROXY; if the cluster is reached without it, unset it or list the host in NO_PROXY";

/// What to do about an HTTP proxy, whose failures are not the cluster's.
fn http_proxy(message: String, hop: Hop, fault: &ProxyFault) -> CliError {
    let (kind, hint) = match fault {
        ProxyFault::Setting { .. } => (
            Kind::Usage,
            "a value looks like this: HTTPS_PROXY=http://proxy.example.com:3128".to_owned(),
        ),
        ProxyFault::Credentials { sent: false } => (
            Kind::Unreachable,
            "put them into its address: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT".to_owned(),
        ),
        ProxyFault::Credentials { sent: true } => (
            Kind::Unreachable,
            "check user and password in HTTPS_PROXY; special characters are written as %XX"
                .to_owned(),
        ),
        ProxyFault::Refused { target, .. } => (
            Kind::Unreachable,
            format!("its administrator must allow CONNECT to {target}; or, if the cluster is reached without it, list the host in NO_PROXY"),
        ),
        ProxyFault::Bad { target, .. } => (
            Kind::Unreachable,
            format!("check the address {target}; if the cluster is reached without this HTTP proxy, list the host in NO_PROXY"),
        ),
        ProxyFault::Unreachable(error) => (
            Kind::Unreachable,
            match error.tls() {
                Some(TlsFault::Untrusted(_)) => {
                    "add its authority to FILE, beside that of the cluster: postern login --ca-file FILE"
                }
                Some(TlsFault::NotTls) => {
                    "it speaks no TLS itself: write HTTPS_PROXY=http://HOST:PORT"
                }
                _ => CHECK_HTTP_PROXY,
            }
            .to_owned(),
        ),
        ProxyFault::NotHttp(_) => (Kind::Unreachable, CHECK_HTTP_PROXY.to_owned()),
    };
    CliError::new(kind, message).at(hop).hint(hint)
}

fn upgrade_hint(fault: &UpgradeFault) -> String {
    match fault {
        UpgradeFault::Status {
            code: 502..=504, ..
        } => "the load balancer in front of the proxy does not reach it; is the proxy up?".to_owned(),
        _ => "the load balancer in front of the proxy must pass WebSocket upgrades of /webapi/connectionupgrade on"
            .to_owned(),
    }
}

impl From<TrustError> for CliError {
    fn from(error: TrustError) -> Self {
        Self::new(
            Kind::NotLoggedIn,
            format!("the login cannot be used: {error}"),
        )
        .hint(LOGIN_AGAIN)
    }
}

impl From<CheckerError> for CliError {
    fn from(error: CheckerError) -> Self {
        match error {
            CheckerError::Api(err) => err.into(),
            CheckerError::Access(err) => {
                Self::new(Kind::Failed, format!("your roles make no sense: {err}"))
            }
        }
    }
}

impl From<ApiError> for CliError {
    fn from(error: ApiError) -> Self {
        let hop = error.hop();
        let (kind, hint) = match error.fault {
            Fault::Login => (Kind::NotLoggedIn, LOGIN_AGAIN),
            // Certificates of tbot, mostly (credentials.md 4.4).
            Fault::Denied if error.text.contains("not allowed to reissue") => (
                Kind::Denied,
                "this identity cannot make certificates for databases: use tbot's database output, or allow_reissue: true in its identity output",
            ),
            Fault::Denied if error.text.contains("\"read\" on \"role\"") => (
                Kind::Denied,
                "an identity of tbot that may reissue also needs a role that may read roles; tbot's database output needs neither",
            ),
            Fault::Denied => (
                Kind::Denied,
                "your user may be locked or lack the right; ask the cluster's administrator, postern status shows who you are",
            ),
            Fault::PinnedIp => (
                Kind::NotLoggedIn,
                "your certificate is bound to another network address; log in again from here: postern login --force",
            ),
            Fault::HardwareKey => (
                Kind::SecondFactor,
                "the cluster wants a key on hardware, which this version cannot use; tsh can",
            ),
            Fault::Query => (
                Kind::Usage,
                "a query looks like this: --query 'labels[\"env\"] == \"dev\" && hasPrefix(name, \"pg\")'",
            ),
            // A deleted role of the certificate says so itself.
            Fault::NotFound if error.text.contains("role ") => (Kind::NotLoggedIn, LOGIN_AGAIN),
            Fault::NotFound => (
                Kind::NotFound,
                "postern db ls shows the databases there are",
            ),
            Fault::RateLimited => (
                Kind::Unreachable,
                "the cluster asks to slow down; try again in a moment",
            ),
            Fault::Unreachable => (Kind::Unreachable, "try again in a moment"),
            Fault::Unimplemented => (
                Kind::Failed,
                "the cluster's version does not know this; postern is made for 18",
            ),
            Fault::Invalid | Fault::TooLarge | Fault::BadAnswer | Fault::Other => {
                return Self::new(Kind::Failed, error.to_string()).at(hop);
            }
        };
        Self::new(kind, error.to_string()).at(hop).hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;

    #[test]
    fn an_unknown_cluster_names_the_known_ones() {
        let known = vec!["root".to_owned(), "leaf".to_owned()];
        let error = CliError::from(ConnError::UnknownCluster {
            cluster: "leef".to_owned(),
            known,
        });
        assert_eq!(error.kind, Kind::NotFound);
        assert_eq!(
            error.message,
            "there is no cluster \"leef\"; known are: root, leaf"
        );
        assert_eq!(error.hints, ["did you mean --cluster leaf?"]);
    }

    #[test]
    fn an_expired_login_and_an_unreachable_proxy_have_codes_of_their_own() {
        let expired = DialError::Tls {
            addr: "p:443".to_owned(),
            fault: TlsFault::ClientExpired,
        };
        assert_eq!(CliError::from(expired).kind, Kind::NotLoggedIn);
        let refused = DialError::Connect {
            addr: "p:443".to_owned(),
            reason: "connection refused".to_owned(),
        };
        let error = CliError::from(ConnError::Dial {
            cluster: "root".to_owned(),
            error: refused,
        });
        assert_eq!(
            (error.kind, error.hop),
            (Kind::Unreachable, Hop::Proxy("p:443".to_owned()))
        );
    }

    #[test]
    fn faults_of_calls_have_codes() {
        let kind = |status| CliError::from(ApiError::new("root", &status, None)).kind;
        assert_eq!(
            kind(Status::permission_denied("access denied")),
            Kind::Denied
        );
        assert_eq!(
            kind(Status::unknown(
                "parsing expression\n\t1:8: expected operand, found 'EOF'"
            )),
            Kind::Usage
        );
        assert_eq!(
            kind(Status::not_found("access denied\n\trole x is not found")),
            Kind::NotLoggedIn
        );
        assert_eq!(
            kind(Status::not_found("database service \"x\" not found")),
            Kind::NotFound
        );
        assert_eq!(kind(Status::unavailable("x")), Kind::Unreachable);
        let expired = "access denied: client credentials have expired, please relogin.";
        assert_eq!(kind(Status::permission_denied(expired)), Kind::NotLoggedIn);
    }
}
