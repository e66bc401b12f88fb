//! A user, database or host certificate as the client and the cluster see it.

use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;

use super::{Identity, oids, pem, subject};

/// How far before its issue a leaf's validity begins, in seconds (credentials.md 1.6).
pub const BACKDATING_SECONDS: i64 = 60;

/// A parsed certificate. Its signature isn't verified here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// What the subject says.
    pub identity: Identity,
    /// The issuer's common name: the root cluster, whatever cluster the certificate routes to.
    pub issuer_cluster: String,
    /// Begin of validity, unix seconds.
    pub not_before: i64,
    /// First moment at which the certificate is no longer valid, unix seconds.
    pub not_after: i64,
    /// Serial number, big-endian, without leading zeros.
    pub serial: Vec<u8>,
    /// The certificate itself.
    pub der: Vec<u8>,
}

/// Where a moment lies relative to a certificate's validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Validity begins later: almost always a clock that is behind.
    NotYet {
        /// Seconds until it begins, at least 1.
        in_seconds: i64,
    },
    /// Usable now.
    Valid,
    /// Validity is over.
    Expired {
        /// Seconds since its end, 0 at the very end.
        since: i64,
    },
}

/// Why bytes aren't a usable certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The PEM text is damaged.
    #[error(transparent)]
    Pem(#[from] pem::PemError),
    /// The PEM text holds none or several blocks.
    #[error("expected exactly one PEM block, found {0}")]
    BlockCount(usize),
    /// The PEM block holds something else.
    #[error("expected a CERTIFICATE block, found {0:?}")]
    Label(String),
    /// The bytes aren't an X.509 certificate in DER.
    #[error("not an X.509 certificate: {0}")]
    Malformed(String),
    /// Bytes follow the certificate.
    #[error("{0} bytes follow the certificate")]
    TrailingData(usize),
    /// An attribute of the subject isn't text.
    #[error("subject attribute {oid} isn't text")]
    Text {
        /// Dotted attribute type.
        oid: String,
    },
    /// The traits aren't a JSON object of string lists.
    #[error("unreadable traits: {0}")]
    Traits(String),
    /// The subject names no user.
    #[error("the certificate names no user")]
    NoUser,
    /// The subject names no role, and no scope instead.
    #[error("the certificate names no role")]
    NoRole,
    /// The issuer has no common name, so the cluster is unknown.
    #[error("the certificate's issuer has no name")]
    NoIssuer,
}

impl Certificate {
    /// Parses one DER certificate.
    ///
    /// # Errors
    /// [`CertificateError`]; never panics, whatever the bytes. A certificate without user or role is refused
    /// (credentials.md 1.2).
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let (rest, parsed) = X509Certificate::from_der(der)
            .map_err(|error| CertificateError::Malformed(error.to_string()))?;
        if !rest.is_empty() {
            return Err(CertificateError::TrailingData(rest.len()));
        }
        let identity = subject::read(parsed.subject())?;
        if identity.username.is_empty() {
            return Err(CertificateError::NoUser);
        }
        let scoped = identity.other.iter().any(|(oid, _)| oid == oids::SCOPE_PIN);
        if identity.roles.is_empty() && !scoped {
            return Err(CertificateError::NoRole);
        }
        let issuer_cluster = subject::common_name(parsed.issuer())
            .filter(|name| !name.is_empty())
            .ok_or(CertificateError::NoIssuer)?;
        let validity = parsed.validity();
        let serial = parsed.raw_serial();
        let zeros = serial.iter().take_while(|byte| **byte == 0).count();
        Ok(Self {
            identity,
            issuer_cluster,
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
            serial: serial.get(zeros..).unwrap_or_default().to_vec(),
            der: der.to_vec(),
        })
    }

    /// Parses a PEM text that holds one certificate and nothing else: clusters issue leaves without a chain, and refuse
    /// clients that send one (credentials.md 1.1).
    ///
    /// # Errors
    /// As [`Certificate::from_der`], and when the text isn't exactly one `CERTIFICATE` block.
    pub fn from_pem(text: &[u8]) -> Result<Self, CertificateError> {
        let blocks = pem::blocks(text)?;
        let [block] = blocks.as_slice() else {
            return Err(CertificateError::BlockCount(blocks.len()));
        };
        if block.label != "CERTIFICATE" {
            return Err(CertificateError::Label(block.label.clone()));
        }
        Self::from_der(&block.contents)
    }

    /// The certificate as a PEM block.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.der)
    }

    /// Whether the certificate leads to a database (1.3.9999.2.1 is there).
    #[must_use]
    pub fn is_database(&self) -> bool {
        self.identity.route_to_database.is_some()
    }

    /// Judges the validity at `now` (unix seconds): over from `not_after` on, as credentials.md 5.3 counts it.
    #[must_use]
    pub fn valid_at(&self, now: i64) -> Validity {
        if now >= self.not_after {
            Validity::Expired {
                since: now.saturating_sub(self.not_after),
            }
        } else if now < self.not_before {
            Validity::NotYet {
                in_seconds: self.not_before.saturating_sub(now),
            }
        } else {
            Validity::Valid
        }
    }

    /// When the cluster issued the certificate, by the cluster's clock (unix seconds).
    #[must_use]
    pub fn issued_at(&self) -> i64 {
        self.not_before.saturating_add(BACKDATING_SECONDS)
    }

    /// Whether the certificate was already over when it was issued, which no clock of ours can be blamed for: the
    /// lifetime asked for was too short.
    #[must_use]
    pub fn expired_at_issue(&self) -> bool {
        self.not_after <= self.issued_at()
    }
}
