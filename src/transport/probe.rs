//! The test whether connections to a proxy have to be upgraded (transport.md 5.1).

use std::time::Duration;

use super::dial::DialError;
use super::route::Route;
use super::tls_fault::TlsFault;

/// A protocol that every proxy serves and no load balancer knows.
const PROTOCOL: &str = "teleport-reversetunnel";

/// How long the test may take; a port that says nothing for longer needs no upgrade, it needs help.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether something in front of the proxy ends TLS without knowing the protocols behind it. Any failure that does not
/// say so counts as no: the connection that is wanted will tell more of it.
pub(super) async fn needs_upgrade(route: &Route) -> bool {
    match Box::pin(route.web_port(&[PROTOCOL], PATIENCE)).await {
        Ok(tls) => tls.get_ref().1.alpn_protocol().is_none(),
        Err(DialError::Tls { fault, .. }) => {
            matches!(fault, TlsFault::NoProtocol | TlsFault::WrongProtocol(_))
        }
        Err(_) => false,
    }
}
