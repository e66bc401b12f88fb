//! What was wrong with a TLS connection, in words a user can act on.
//!
//! Source: transport.md 1 (client-certificate problems), 17 (symptom table).

use std::error::Error as StdError;
use std::io;

use rustls::{AlertDescription, CertificateError, Error as TlsError};
use thiserror::Error;

use super::trust::Untrusted;

/// A reason for which one side of a TLS connection refused the other.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TlsFault {
    /// Alert 45: our certificate has expired.
    #[error("the certificate of this login has expired")]
    ClientExpired,
    /// Alert 48 or 42: the cluster does not know who issued our certificate.
    #[error(
        "the cluster does not accept the certificate of this login, its user authority may have been rotated"
    )]
    ClientUnknown,
    /// Alert 116: a certificate is needed and none was sent.
    #[error("the cluster asks for a client certificate")]
    ClientMissing,
    /// Alert 120: the port serves none of the protocol names offered.
    #[error("the port does not serve the protocol, something in front of the proxy may end TLS")]
    NoProtocol,
    /// Another alert.
    #[error("the server sent the alert {0}")]
    Alert(String),
    /// The server's certificate was refused; says whose it is and why.
    #[error("{0}")]
    Untrusted(Untrusted),
    /// The server's certificate was refused for a reason that has no words of ours.
    #[error("the server's certificate is not accepted: {0}")]
    BadCertificate(String),
    /// The server name cannot stand in a TLS handshake.
    #[error("{0:?} cannot be used as a server name")]
    ServerName(String),
    /// The peer does not speak TLS.
    #[error("the port does not speak TLS")]
    NotTls,
    /// The peer chose a protocol that does not fit.
    #[error("the server chose {0:?} as protocol")]
    WrongProtocol(String),
    /// Anything else, as the TLS library says it.
    #[error("{0}")]
    Other(String),
}

impl TlsFault {
    /// The fault behind an I/O error of a TLS stream, if TLS is what failed.
    pub fn of_io(err: &io::Error) -> Option<Self> {
        err.get_ref()
            .and_then(|inner| Self::of(inner as &(dyn StdError + 'static)))
    }

    /// The fault somewhere in a chain of errors, if TLS is what failed.
    pub fn of(err: &(dyn StdError + 'static)) -> Option<Self> {
        if let Some(untrusted) = Untrusted::find(err) {
            return Some(Self::Untrusted(untrusted.clone()));
        }
        let mut next = Some(err);
        while let Some(err) = next {
            if let Some(tls) = err.downcast_ref::<TlsError>() {
                return Some(Self::from(tls));
            }
            if let Some(io) = err.downcast_ref::<io::Error>()
                && let Some(fault) = Self::of_io(io)
            {
                return Some(fault);
            }
            next = err.source();
        }
        None
    }

    /// Whether logging in again is what helps.
    pub fn needs_login(&self) -> bool {
        matches!(
            self,
            Self::ClientExpired | Self::ClientUnknown | Self::ClientMissing
        )
    }
}

impl From<&TlsError> for TlsFault {
    fn from(err: &TlsError) -> Self {
        match err {
            TlsError::AlertReceived(alert) => match alert {
                AlertDescription::CertificateExpired => Self::ClientExpired,
                AlertDescription::UnknownCA | AlertDescription::BadCertificate => {
                    Self::ClientUnknown
                }
                AlertDescription::CertificateRequired => Self::ClientMissing,
                AlertDescription::NoApplicationProtocol => Self::NoProtocol,
                other => Self::Alert(format!("{other:?}")),
            },
            TlsError::InvalidCertificate(CertificateError::Other(inner)) => {
                match inner.0.downcast_ref::<Untrusted>() {
                    Some(untrusted) => Self::Untrusted(untrusted.clone()),
                    None => Self::BadCertificate(inner.to_string()),
                }
            }
            TlsError::InvalidCertificate(fault) => Self::BadCertificate(fault.to_string()),
            TlsError::NoApplicationProtocol => Self::NoProtocol,
            TlsError::InvalidMessage(_) => Self::NotTls,
            other => Self::Other(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::trust::Why;

    fn alert(alert: AlertDescription) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, TlsError::AlertReceived(alert))
    }

    /// The texts are those that rustls 0.23.46 gave against Teleport 18.3.0.
    #[test]
    fn recorded_faults_have_a_meaning() {
        for (desc, text, fault) in [
            (
                AlertDescription::CertificateExpired,
                "received fatal alert: CertificateExpired",
                TlsFault::ClientExpired,
            ),
            (
                AlertDescription::UnknownCA,
                "received fatal alert: UnknownCA",
                TlsFault::ClientUnknown,
            ),
            (
                AlertDescription::CertificateRequired,
                "received fatal alert: CertificateRequired",
                TlsFault::ClientMissing,
            ),
            (
                AlertDescription::NoApplicationProtocol,
                "received fatal alert: NoApplicationProtocol",
                TlsFault::NoProtocol,
            ),
        ] {
            let err = alert(desc);
            assert_eq!(err.to_string(), text);
            assert_eq!(TlsFault::of_io(&err), Some(fault));
        }
        let whose = Untrusted {
            subject: "proxy".to_owned(),
            issuer: "their CA".to_owned(),
            why: Why::Issuer,
        };
        let refused =
            CertificateError::Other(rustls::OtherError(std::sync::Arc::new(whose.clone())));
        let err = io::Error::new(
            io::ErrorKind::InvalidData,
            TlsError::InvalidCertificate(refused),
        );
        assert_eq!(TlsFault::of_io(&err), Some(TlsFault::Untrusted(whose)));
        assert_eq!(
            TlsFault::of_io(&io::Error::from(io::ErrorKind::UnexpectedEof)),
            None
        );
    }

    #[test]
    fn login_helps_against_refused_client_certificates_only() {
        assert!(TlsFault::ClientExpired.needs_login());
        assert!(TlsFault::ClientUnknown.needs_login());
        assert!(!TlsFault::NoProtocol.needs_login());
        assert!(!TlsFault::NotTls.needs_login());
    }
}
