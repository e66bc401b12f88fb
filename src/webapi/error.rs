//! Why a request to the web API failed.

use std::error::Error as StdError;

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
            Self::Address(_) | Self::Trust(_) => None,
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

    /// How much was there: of several addresses tried, the failure with the highest number tells most.
    pub(crate) fn progress(&self) -> u8 {
        match self {
            Self::Address(_) | Self::Trust(_) | Self::Resolve { .. } => 0,
            Self::Timeout { .. } => 1,
            Self::Connect { .. } => 2,
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

    /// Sorts out what reqwest wraps.
    pub(super) fn from_reqwest(addr: &str, error: &reqwest::Error) -> Self {
        let addr = addr.to_owned();
        if let Some(untrusted) = Untrusted::find(error) {
            return Self::Untrusted {
                addr,
                untrusted: Box::new(untrusted.clone()),
            };
        }
        let mut innermost = error.to_string();
        let mut next: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(cause) = next {
            if let Some(ResolveFailed(message)) = cause.downcast_ref() {
                return Self::Resolve {
                    addr,
                    message: message.clone(),
                };
            }
            if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
                return match tls {
                    rustls::Error::InvalidMessage(what) => Self::NotTls {
                        addr,
                        message: format!("its first bytes are no TLS record ({what:?})"),
                    },
                    other => Self::Broken {
                        addr,
                        message: format!("TLS: {other}"),
                    },
                };
            }
            innermost = cause.to_string();
            let io = cause.downcast_ref::<std::io::Error>();
            if let Some(kind) = io
                .filter(|io| io.get_ref().is_none())
                .map(std::io::Error::kind)
            {
                use std::io::ErrorKind::{
                    ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable,
                    TimedOut,
                };
                match kind {
                    ConnectionRefused => {
                        return Self::Connect {
                            addr,
                            message: "connection refused".to_owned(),
                        };
                    }
                    HostUnreachable | NetworkUnreachable => {
                        return Self::Connect {
                            addr,
                            message: innermost,
                        };
                    }
                    TimedOut => return Self::Timeout { addr },
                    // Connected, but no handshake came to its end.
                    ConnectionReset if error.is_connect() => return Self::hung_up(addr),
                    _ => {}
                }
            }
            next = match io.and_then(std::io::Error::get_ref) {
                Some(inner) => Some(inner),
                None => cause.source(),
            };
        }
        if error.is_timeout() {
            return Self::Timeout { addr };
        }
        if error.is_connect() && innermost.contains("handshake eof") {
            return Self::hung_up(addr);
        }
        Self::Broken {
            addr,
            message: innermost,
        }
    }
}

/// Marks a failure of our own resolver in reqwest's error chain.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct ResolveFailed(pub(super) String);
