//! Connection upgrades: a byte stream through a load balancer that ends TLS (transport.md 5).
//!
//! Behind `/webapi/connectionupgrade` the proxy treats what arrives like a new connection to its port. Two types exist:
//! WebSocket since 15.1, and before that a type of Teleport's own, with ping framing around the bytes where pings are
//! wanted.

use super::extra_headers::ExtraHeaders;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE, USER_AGENT,
};
use http::{HeaderMap, HeaderName, Request};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::exchange::{Answer, exchange};
use super::websocket::{WebSocketStream, accept};
use super::{BoxStream, IoStream, PingStream};

/// The path of the upgrade.
pub const PATH: &str = "/webapi/connectionupgrade";

/// How connections to the proxy's services get through what stands in front of its web port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Upgrade {
    /// As they are: the web port is the proxy's own.
    None,
    /// Inside a WebSocket.
    WebSocket,
    /// Inside the type of proxies before 15.1.
    Legacy,
}

/// Why a connection was not upgraded.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum UpgradeFault {
    /// Another answer than 101.
    #[error("it answered {status}")]
    Status {
        /// The status code.
        code: u16,
        /// Code and reason; who answered, when the answer says it.
        status: String,
    },
    /// 101, but not for what was asked.
    #[error("its answer is none to what was asked: {0}")]
    Different(&'static str),
    /// The connection ended, or no HTTP came back.
    #[error("{0}")]
    Broken(String),
}

impl UpgradeFault {
    /// Whether the server does not know the type of upgrade asked for: then an older type may do.
    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Self::Status { code: 404, .. })
    }
}

/// Whether the proxy shall ping from time to time, so that nothing on the way takes the connection for dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pings {
    /// Yes: what is carried does not do so itself.
    Wanted,
    /// No: it does.
    Inside,
}

impl Pings {
    fn name(self) -> &'static str {
        match self {
            Self::Wanted => "alpn-ping",
            Self::Inside => "alpn",
        }
    }
}

/// Upgrades a connection to the web port `addr` (`host:port`) to carry what would otherwise be a connection of its own.
///
/// # Errors
/// [`UpgradeFault`].
pub(super) async fn websocket<S: IoStream + 'static>(
    stream: S,
    addr: &str,
    pings: Pings,
    extra: &ExtraHeaders,
) -> Result<BoxStream, UpgradeFault> {
    let mut key = [0; 16];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut key)
        .map_err(|_| UpgradeFault::Broken("no random numbers to be had".to_owned()))?;
    let key = STANDARD.encode(key);
    let request = request(addr, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, &key)
        .header(SEC_WEBSOCKET_PROTOCOL, pings.name());
    let (stream, headers) = switched(stream, request, addr, extra).await?;
    expect(&headers, &UPGRADE, "websocket", "another upgrade")?;
    expect(
        &headers,
        &SEC_WEBSOCKET_PROTOCOL,
        pings.name(),
        "another sub-protocol",
    )?;
    expect(
        &headers,
        &SEC_WEBSOCKET_ACCEPT,
        &accept(&key),
        "another request's key",
    )?;
    Ok(Box::new(WebSocketStream::client(stream)))
}

/// The same with the type of proxies before 15.1.
///
/// # Errors
/// [`UpgradeFault`].
pub(super) async fn legacy<S: IoStream + 'static>(
    stream: S,
    addr: &str,
    pings: Pings,
    extra: &ExtraHeaders,
) -> Result<BoxStream, UpgradeFault> {
    // Proxies from 15 on also read the second header, which balancers leave alone.
    let request = request(addr, pings.name()).header("x-teleport-upgrade", pings.name());
    let (stream, headers) = switched(stream, request, addr, extra).await?;
    expect(&headers, &UPGRADE, pings.name(), "another upgrade")?;
    Ok(match pings {
        Pings::Wanted => Box::new(PingStream::client(stream)),
        Pings::Inside => Box::new(stream),
    })
}

fn request(addr: &str, kind: &str) -> http::request::Builder {
    Request::get(PATH)
        .header(HOST, addr)
        .header(USER_AGENT, concat!("postern/", env!("CARGO_PKG_VERSION")))
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, kind)
}

async fn switched<S: IoStream + 'static>(
    stream: S,
    request: http::request::Builder,
    addr: &str,
    extra: &ExtraHeaders,
) -> Result<(impl IoStream + 'static, HeaderMap), UpgradeFault> {
    let mut request = request
        .body(String::new())
        .map_err(|err| UpgradeFault::Broken(err.to_string()))?;
    extra.fill(addr, request.headers_mut());
    match exchange(stream, request).await {
        Ok(Answer::Switched(switched)) => Ok((switched.stream, switched.headers)),
        Ok(Answer::Refused(refusal)) => Err(UpgradeFault::Status {
            code: refusal.code,
            status: refusal.status(),
        }),
        Err(text) => Err(UpgradeFault::Broken(text)),
    }
}

fn expect(
    headers: &HeaderMap,
    name: &HeaderName,
    value: &str,
    otherwise: &'static str,
) -> Result<(), UpgradeFault> {
    let same = headers
        .get(name)
        .and_then(|found| found.to_str().ok())
        .is_some_and(|found| found.eq_ignore_ascii_case(value));
    if same {
        Ok(())
    } else {
        Err(UpgradeFault::Different(otherwise))
    }
}
