//! Why no connection to a service of the cluster came about, step by step.

use thiserror::Error;

use super::http_proxy::ProxyFault;
use super::tls_fault::TlsFault;
use super::trust::TrustError;
use super::upgrade::UpgradeFault;
use crate::hop::Hop;

/// Why no TLS connection came about.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DialError {
    /// The address is not `host:port`.
    #[error("{0:?} is not an address of the form host:port")]
    Address(String),
    /// The settings of the connection are unusable.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The name has no address.
    #[error("cannot find the address of {host}: {reason}")]
    Resolve {
        /// The name asked for.
        host: String,
        /// The resolver's text.
        reason: String,
    },
    /// No address of the name took the connection.
    #[error("cannot connect to {addr}: {reason}")]
    Connect {
        /// `host:port`.
        addr: String,
        /// The system's text, for each address tried.
        reason: String,
    },
    /// The deadline passed.
    #[error("{addr} did not answer within {} s while {doing}", after.as_secs())]
    Timeout {
        /// `host:port`.
        addr: String,
        /// The whole deadline.
        after: std::time::Duration,
        /// What was being waited for.
        doing: &'static str,
    },
    /// The TLS handshake failed.
    #[error("no TLS connection with {addr}: {fault}")]
    Tls {
        /// `host:port`.
        addr: String,
        /// What was wrong.
        fault: TlsFault,
    },
    /// The peer closed the connection in the middle of the handshake: it knows no service of the names offered.
    #[error("{addr} closed the connection during the TLS handshake")]
    Closed {
        /// `host:port`.
        addr: String,
    },
    /// An HTTP proxy on the way failed.
    #[error("the HTTP proxy {proxy} is of no use: {fault}")]
    HttpProxy {
        /// `host:port` of the HTTP proxy; empty when its address is what is wrong.
        proxy: String,
        /// What was wrong.
        fault: ProxyFault,
    },
    /// The web port, or what stands in front of it, did not let the connection be upgraded.
    #[error("{addr} did not upgrade the connection: {fault}")]
    Upgrade {
        /// `host:port`.
        addr: String,
        /// What was wrong.
        fault: UpgradeFault,
    },
}

impl DialError {
    /// Where it failed.
    pub fn hop(&self) -> Hop {
        match self {
            Self::Address(addr)
            | Self::Connect { addr, .. }
            | Self::Timeout { addr, .. }
            | Self::Tls { addr, .. }
            | Self::Closed { addr }
            | Self::Upgrade { addr, .. } => Hop::Proxy(addr.clone()),
            Self::Resolve { host, .. } => Hop::Proxy(host.clone()),
            Self::HttpProxy {
                fault: ProxyFault::Setting { .. },
                ..
            }
            | Self::Trust(_) => Hop::Local,
            Self::HttpProxy { proxy, .. } => Hop::HttpProxy(proxy.clone()),
        }
    }

    /// What was wrong with TLS, if that was it.
    pub fn tls(&self) -> Option<&TlsFault> {
        match self {
            Self::Tls { fault, .. } => Some(fault),
            _ => None,
        }
    }
}
