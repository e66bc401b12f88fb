//! Why a request to the web API failed.

use crate::hop::Hop;
use crate::transport::dial::DialError;
use crate::transport::tls_fault::TlsFault;
use crate::transport::trust::{TrustError, Untrusted};

/// A failed request. `addr` is the `host:port` it went to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebError {
    /// The address cannot be put into a URL.
    #[error("{0:?} is no address of a proxy (expected HOST or HOST:PORT)")]
    Address(String),
    /// A CA file is unusable.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// An HTTP proxy on the way failed.
    #[error(transparent)]
    Dial(DialError),
    /// The host name has no address.
    #[error("cannot find the host of {addr}: {message}")]
    Resolve {
        /// Where to.
        addr: String,
        /// The resolver's text.
        message: String,
    },
    /// Nobody listens, or no way leads there.
    #[error("cannot connect to {addr}: {message}")]
    Connect {
        /// Where to.
        addr: String,
        /// The system's text.
        message: String,
    },
    /// No answer in time.
    #[error("no answer from {addr} in time")]
    Timeout {
        /// Where to.
        addr: String,
    },
    /// Somebody listens who does not speak TLS.
    #[error("{addr} does not speak TLS: {message}")]
    NotTls {
        /// Where to.
        addr: String,
        /// What came instead.
        message: String,
    },
    /// The certificate was refused.
    #[error("the certificate of {addr} is not trusted: {untrusted}")]
    Untrusted {
        /// Where to.
        addr: String,
        /// Whose certificate, and why not.
        untrusted: Box<Untrusted>,
    },
    /// The connection broke, or the peer spoke nonsense.
    #[error("the connection to {addr} failed: {message}")]
    Broken {
        /// Where to.
        addr: String,
        /// What happened.
        message: String,
    },
    /// The server said no; the text is the server's.
    #[error("{message}")]
    Status {
        /// Where to.
        addr: String,
        /// HTTP status, 300 or more.
        status: u16,
        /// `error.message` of the answer, further texts appended (login.md 1.3).
        message: String,
    },
    /// A 200 that is not what a Teleport proxy answers.
    #[error("{addr} answers {path} like no Teleport proxy: {message}")]
    Decode {
        /// Where to.
        addr: String,
        /// The path asked for.
        path: String,
        /// What is wrong.
        message: String,
    },
}

impl WebError {
    /// Where the request went, when it went anywhere.
    pub fn addr(&self) -> Option<&str> {
        match self {
            Self::Address(_) | Self::Trust(_) | Self::Dial(_) => None,
            Self::Resolve { addr, .. }
            | Self::Connect { addr, .. }
            | Self::Timeout { addr }
            | Self::NotTls { addr, .. }
            | Self::Untrusted { addr, .. }
            | Self::Broken { addr, .. }
            | Self::Status { addr, .. }
            | Self::Decode { addr, .. } => Some(addr),
        }
    }

    /// Where it failed.
    pub fn hop(&self) -> Hop {
        match self {
            Self::Dial(error) => error.hop(),
            _ => self
                .addr()
                .map_or(Hop::Local, |addr| Hop::Proxy(addr.to_owned())),
        }
    }

    /// How much was there: of several addresses tried, the failure with the highest number tells most.
    pub(crate) fn progress(&self) -> u8 {
        match self {
            Self::Address(_) | Self::Trust(_) | Self::Resolve { .. } => 0,
            Self::Timeout { .. } => 1,
            Self::Connect { .. } | Self::Dial(_) => 2,
            Self::Broken { .. } => 3,
            Self::NotTls { .. } => 4,
            Self::Decode { .. } | Self::Status { .. } => 5,
            Self::Untrusted { .. } => 6,
        }
    }

    fn hung_up(addr: String) -> Self {
        let message = "it closed the connection during the TLS handshake".to_owned();
        Self::NotTls { addr, message }
    }

    /// Sorts out why there is no connection.
    pub(super) fn from_dial(addr: &str, error: DialError) -> Self {
        let addr = addr.to_owned();
        match error {
            DialError::Address(_) => Self::Address(addr),
            DialError::Trust(error) => Self::Trust(error),
            DialError::Resolve { reason, .. } => Self::Resolve {
                addr,
                message: reason,
            },
            DialError::Connect { reason, .. } => Self::Connect {
                addr,
                message: reason,
            },
            DialError::Timeout { .. } => Self::Timeout { addr },
            DialError::Closed { .. } => Self::hung_up(addr),
            DialError::Tls { fault, .. } => match fault {
                TlsFault::Untrusted(untrusted) => Self::Untrusted {
                    addr,
                    untrusted: Box::new(untrusted),
                },
                TlsFault::NotTls => Self::NotTls {
                    addr,
                    message: "its first bytes are no TLS record".to_owned(),
                },
                other => Self::Broken {
                    addr,
                    message: format!("TLS: {other}"),
                },
            },
            other @ (DialError::HttpProxy { .. } | DialError::Upgrade { .. }) => Self::Dial(other),
        }
    }
}
