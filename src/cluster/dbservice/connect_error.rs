//! What failures on the way into PostgreSQL are called.

use std::io;
use std::net::SocketAddr;

use super::credential::PasswordError;
use super::errors::{DENIED, Refusal, UNREACHABLE};
use crate::pg::{ErrorResponse, Kind};

/// Why a database could not be reached or refused a login.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ConnectError {
    /// The resource's URI is not `host:port`.
    #[error("database {name} has no usable address: {uri}")]
    BadUri { name: String, uri: String },
    /// The host name leads nowhere.
    #[error("hostname resolving error (lookup {host}: no such host)")]
    Resolve { host: String },
    /// No connection to the address.
    #[error("dial error (dial tcp {address}: connect: {cause})")]
    Dial { address: SocketAddr, cause: String },
    /// Nothing happened in time.
    #[error("dial error (timeout: context deadline exceeded)")]
    Timeout,
    /// The server answered `N` to the SSLRequest.
    #[error("tls error (server refused TLS connection)")]
    NoTls,
    /// The server's certificate is signed by nobody we trust.
    #[error(
        "tls error (tls: failed to verify certificate: x509: certificate signed by unknown authority)"
    )]
    UnknownIssuer,
    /// The server's certificate is not valid now.
    #[error(
        "tls error (tls: failed to verify certificate: x509: certificate has expired or is not yet valid)"
    )]
    Validity,
    /// The server does not trust our client authority.
    #[error("tls error (remote error: tls: unknown certificate authority)")]
    ClientRefused,
    /// Any other failure of the handshake.
    #[error("tls error ({0})")]
    Tls(String),
    /// No client certificate could be made.
    #[error("cannot make a client certificate: {0}")]
    Certificate(String),
    /// PostgreSQL said no.
    #[error("server error ({0})")]
    Server(ServerError),
    /// The server asks for a password where a certificate is the proof, or in a way nobody here knows.
    #[error("the server asks for a password (authentication request {0})")]
    Password(u32),
    /// No temporary password could be had.
    #[error("{0}")]
    NoPassword(PasswordError),
    /// The connection broke.
    #[error("{0}")]
    Io(String),
    /// PostgreSQL said something that is no greeting.
    #[error("unexpected message from the server: {0}")]
    Protocol(String),
}

/// An ErrorResponse of PostgreSQL.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{severity}: {message} (SQLSTATE {code})")]
pub(super) struct ServerError {
    /// Severity word, as the server words it.
    pub(super) severity: String,
    /// SQLSTATE.
    pub(super) code: String,
    /// Text.
    pub(super) message: String,
    /// DETAIL.
    pub(super) detail: Option<String>,
}

impl ServerError {
    /// Reads the fields of an ErrorResponse, its type and length left out.
    pub(super) fn parse(body: &[u8]) -> Result<Self, ConnectError> {
        let error = ErrorResponse::parse(Kind::Error, body)
            .map_err(|error| ConnectError::Protocol(error.to_string()))?;
        Ok(Self {
            severity: error.severity().unwrap_or_default().into_owned(),
            code: error.sqlstate().unwrap_or_default().into_owned(),
            message: error.message().into_owned(),
            detail: error.detail().map(std::borrow::Cow::into_owned),
        })
    }
}

impl ConnectError {
    /// The address did not answer.
    pub(super) fn dial(address: SocketAddr, error: &io::Error) -> Self {
        Self::Dial {
            address,
            cause: os_text(error),
        }
    }

    /// A failure on an open connection: TLS alerts arrive this way too.
    pub(super) fn io(error: &io::Error) -> Self {
        if error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
            .is_some()
        {
            Self::tls(error)
        } else {
            Self::Io(os_text(error))
        }
    }

    /// A failure of the handshake.
    pub(super) fn tls(error: &io::Error) -> Self {
        use rustls::{AlertDescription, CertificateError, Error};
        match error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Error>())
        {
            Some(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => Self::UnknownIssuer,
            Some(Error::InvalidCertificate(
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
            )) => Self::Validity,
            Some(Error::AlertReceived(AlertDescription::UnknownCA)) => Self::ClientRefused,
            Some(other) => Self::Tls(other.to_string()),
            None => Self::Tls(os_text(error)),
        }
    }

    /// Whether the server is starting up or shutting down and may be there in a moment.
    pub(super) fn starting_up(&self) -> bool {
        matches!(self, Self::Server(error) if error.code == "57P03")
    }

    /// Whether the server did not take the user or its password.
    pub(super) fn is_refused_login(&self) -> bool {
        matches!(self, Self::Server(error) if matches!(error.code.as_str(), "28000" | "28P01"))
    }

    /// What the client is told when its own session could not be opened (db-service.md 2.9).
    pub(super) fn refusal(&self) -> Refusal {
        let pin = "see that the database's `tls.ca_cert` holds the authority that signed the server's certificate";
        match self {
            Self::Server(error) if self.is_refused_login() => {
                Refusal::new(&error.code, error.to_string()).with_hint(
                    "the database refused the user: see that the role exists, may log in, and that pg_hba.conf has a \
                     `hostssl … cert` line for it",
                )
            }
            Self::Server(error) => Refusal {
                severity: error.severity.clone(),
                detail: error.detail.clone(),
                ..Refusal::new(&error.code, error.message.clone())
            },
            Self::UnknownIssuer => Refusal::new(
                UNREACHABLE,
                "Database service cannot validate database's certificate: tls: failed to verify certificate: x509: \
                 certificate signed by unknown authority. Please verify if the correct CA bundle is used in the \
                 database config.",
            )
            .with_hint(pin),
            Self::Validity => Refusal::new(
                UNREACHABLE,
                "Connection Failure. Database service could not validate database’s certificate: certificate expired \
                 or is not yet valid.",
            )
            .with_hint("renew the database server's certificate, or set the clocks"),
            Self::ClientRefused => Refusal::new(
                DENIED,
                "Database cannot validate client certificate generated by database service: remote error: tls: \
                 unknown certificate authority.",
            )
            .with_hint("the database's `ssl_ca_file` must hold the cluster's db_client authority"),
            Self::Dial { cause, .. } => Refusal::new(UNREACHABLE, cause.clone())
                .with_hint("nothing answers at the database's address: see that the server runs"),
            Self::Resolve { host } => Refusal::new(UNREACHABLE, format!("lookup {host}: no such host"))
                .with_hint("the host in the database's `uri` does not resolve"),
            Self::NoTls => Refusal::new(UNREACHABLE, self.to_string())
                .with_hint("the database must have `ssl = on`: connections to it are always encrypted"),
            Self::Password(_) => Refusal::new(DENIED, self.to_string())
                .with_hint("pg_hba.conf needs a `hostssl … cert` line before the one that asks for a password"),
            Self::NoPassword(error) => {
                let refusal = Refusal::new(DENIED, error.message.clone());
                match &error.hint {
                    Some(hint) => refusal.with_hint(hint),
                    None => refusal,
                }
            }
            _ => Refusal::new(UNREACHABLE, self.to_string()),
        }
    }
}

/// The operating system's text alone, lower case as Go prints it: `connection refused`.
fn os_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}
