//! The cluster's authorities and what they sign (credentials.md 1.7, 8.1-8.3).
//!
//! rcgen makes the authorities and the certificates of hosts, databases and the web; user certificates are written by
//! hand in `user.rs`, because their subjects hold several values in one RDN and no map of names can say that.

use std::fmt;
use std::str::FromStr;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use zeroize::Zeroizing;

use crate::cluster::random;
use crate::identity::{der, pem};

mod leaf;
pub mod phase;
mod public_key;
pub mod ssh;
pub mod ssh_user;
mod user;
mod web;

pub use leaf::{HostRequest, KeyedCert, LOOPBACK_HOSTS};
pub use public_key::{KeyAlgorithm, PublicKeyError, SubjectPublicKey};
pub use web::{WebAuthority, web_authority};

/// Lifetime of an authority's certificate: 87 600 h (credentials.md 1.7).
pub const AUTHORITY_LIFETIME_SECONDS: i64 = 315_360_000;

/// The authorities of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CaKind {
    /// Signs host certificates of auth and proxy.
    Host,
    /// Signs user and database certificates.
    User,
    /// Signs certificates of database servers.
    Db,
    /// Signs the certificates the database service presents to databases.
    DbClient,
}

impl CaKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Host, Self::User, Self::Db, Self::DbClient];

    /// The name the API uses: `host`, `user`, `db`, `db_client`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::User => "user",
            Self::Db => "db",
            Self::DbClient => "db_client",
        }
    }
}

impl fmt::Display for CaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CaKind {
    type Err = CaError;

    fn from_str(name: &str) -> Result<Self, CaError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| CaError::UnknownKind(name.to_owned()))
    }
}

/// Why an authority can't be made, loaded or used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaError {
    /// No such authority.
    #[error("unknown certificate authority {0:?}")]
    UnknownKind(String),
    /// The system gives no random bytes.
    #[error("no random numbers available")]
    Random,
    /// A time lies outside what certificates can say, or the end isn't after the begin.
    #[error("validity from {not_before} to {not_after} can't be put into a certificate")]
    Validity {
        /// Begin, unix seconds.
        not_before: i64,
        /// End, unix seconds.
        not_after: i64,
    },
    /// A name can't stand in this kind of certificate.
    #[error("name {0:?} can't be put into a certificate")]
    Name(String),
    /// The stored certificate isn't an authority's.
    #[error("not a certificate authority: {0}")]
    NotAnAuthority(String),
    /// The stored key doesn't belong to the certificate.
    #[error("the key doesn't belong to the certificate authority")]
    KeyMismatch,
    /// The signing library refused.
    #[error("signing failed: {0}")]
    Signing(String),
}

impl From<rcgen::Error> for CaError {
    fn from(error: rcgen::Error) -> Self {
        Self::Signing(error.to_string())
    }
}

/// One authority: its self-signed certificate and its key.
pub struct Authority {
    cluster: String,
    cert_der: Vec<u8>,
    cert_pem: String,
    key_pem: Zeroizing<String>,
    /// The certificate's subject, byte for byte; issuer of everything signed here.
    subject_der: Vec<u8>,
    key_id: Vec<u8>,
    validity: (i64, i64),
    issuer: Issuer<'static, KeyPair>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("cluster", &self.cluster)
            .field("key", &"****")
            .finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes a new authority with a P-256 key, valid for ten years from `now` (unix seconds, not backdated).
    ///
    /// The kind doesn't show in the certificate: authorities of a cluster share organization and common name and differ
    /// in the serial number attribute only (credentials.md 1.7).
    ///
    /// # Errors
    /// [`CaError::Name`] for an empty cluster name, [`CaError::Validity`], [`CaError::Random`], [`CaError::Signing`].
    pub fn generate(_kind: CaKind, cluster: &str, now: i64) -> Result<Self, CaError> {
        if cluster.is_empty() {
            return Err(CaError::Name(cluster.to_owned()));
        }
        let serial = random_serial()?;
        let mut name = DistinguishedName::new();
        name.push(DnType::OrganizationName, dn_value(cluster)?);
        name.push(DnType::CommonName, dn_value(cluster)?);
        name.push(
            serial_number_type(),
            dn_value(&u128::from_be_bytes(serial).to_string())?,
        );
        let (cert_pem, key_pem) = self_signed(
            name,
            serial,
            now,
            now.saturating_add(AUTHORITY_LIFETIME_SECONDS),
        )?;
        Self::from_pem(&cert_pem, &key_pem)
    }

    /// Loads an authority from the two PEM texts it was kept as.
    ///
    /// # Errors
    /// [`CaError::NotAnAuthority`] when the certificate is unreadable or no authority's, [`CaError::KeyMismatch`] when the
    /// key is another's, [`CaError::Signing`] when the key is unreadable.
    pub fn from_pem(cert: &str, key: &str) -> Result<Self, CaError> {
        let not_ca = |why: &dyn fmt::Display| CaError::NotAnAuthority(why.to_string());
        let blocks = pem::blocks(cert.as_bytes()).map_err(|error| not_ca(&error))?;
        let [block] = blocks.as_slice() else {
            return Err(not_ca(&format_args!(
                "expected one certificate, found {}",
                blocks.len()
            )));
        };
        let (_, parsed) =
            X509Certificate::from_der(&block.contents).map_err(|error| not_ca(&error))?;
        if !parsed.is_ca() {
            return Err(not_ca(&"its certificate is not CA:TRUE"));
        }
        let cluster = parsed
            .subject()
            .iter_common_name()
            .find_map(|name| name.as_str().ok())
            .ok_or_else(|| not_ca(&"it has no common name"))?;
        let key_id = parsed
            .iter_extensions()
            .find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
                _ => None,
            })
            .ok_or_else(|| not_ca(&"it has no subject key identifier"))?;
        let pair = KeyPair::from_pem(key)?;
        if parsed.public_key().subject_public_key.data.as_ref() != pair.public_key_raw() {
            return Err(CaError::KeyMismatch);
        }
        Ok(Self {
            cluster: cluster.to_owned(),
            cert_pem: pem::encode("CERTIFICATE", &block.contents),
            key_pem: Zeroizing::new(key.to_owned()),
            subject_der: parsed.subject().as_raw().to_vec(),
            key_id,
            validity: (
                parsed.validity().not_before.timestamp(),
                parsed.validity().not_after.timestamp(),
            ),
            issuer: Issuer::from_ca_cert_der(
                &CertificateDer::from(block.contents.as_slice()),
                pair,
            )?,
            cert_der: block.contents.clone(),
        })
    }

    /// Name of the cluster the authority belongs to.
    #[must_use]
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// The certificate as PEM.
    #[must_use]
    pub fn cert_pem(&self) -> &str {
        &self.cert_pem
    }

    /// The private key as PKCS#8 PEM: a secret.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// The certificate as DER.
    #[must_use]
    pub fn cert_der(&self) -> &[u8] {
        &self.cert_der
    }

    /// Begin and end of the certificate, unix seconds.
    #[must_use]
    pub fn validity(&self) -> (i64, i64) {
        self.validity
    }

    /// The certificate's subject as DER: what issuers are compared with, and what TLS names as acceptable authority.
    #[must_use]
    pub fn subject_der(&self) -> &[u8] {
        &self.subject_der
    }
}

/// Makes a self-signed P-256 authority certificate; gives certificate and key as PEM.
fn self_signed(
    name: DistinguishedName,
    serial: [u8; 16],
    not_before: i64,
    not_after: i64,
) -> Result<(String, Zeroizing<String>), CaError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = params(serial, not_before, not_after)?;
    params.distinguished_name = name;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
    ];
    let certificate = params.self_signed(&key)?;
    Ok((
        pem::encode("CERTIFICATE", certificate.der()),
        Zeroizing::new(key.serialize_pem()),
    ))
}

/// rcgen's parameters with everything of its own taste replaced.
fn params(serial: [u8; 16], not_before: i64, not_after: i64) -> Result<CertificateParams, CaError> {
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    (params.not_before, params.not_after) = validity(not_before, not_after)?;
    params.distinguished_name = DistinguishedName::new();
    Ok(params)
}

/// Both ends of a validity; years 1950 to 9999.
fn validity(not_before: i64, not_after: i64) -> Result<(OffsetDateTime, OffsetDateTime), CaError> {
    let wrong = CaError::Validity {
        not_before,
        not_after,
    };
    let time = |seconds| {
        OffsetDateTime::from_unix_timestamp(seconds)
            .ok()
            .filter(|time| (1950..=9999).contains(&time.year()))
    };
    match (time(not_before), time(not_after)) {
        (Some(begin), Some(end)) if not_before < not_after => Ok((begin, end)),
        _ => Err(wrong),
    }
}

/// A serial number uniform in [0, 2^128) (credentials.md 1.1).
fn random_serial() -> Result<[u8; 16], CaError> {
    random::bytes().map_err(|_| CaError::Random)
}

/// A name's value in the string type real clusters choose.
fn dn_value(value: &str) -> Result<DnValue, CaError> {
    if der::is_printable(value) {
        let printable = value
            .try_into()
            .map_err(|_| CaError::Name(value.to_owned()))?;
        Ok(DnValue::PrintableString(printable))
    } else {
        Ok(DnValue::Utf8String(value.to_owned()))
    }
}

fn serial_number_type() -> DnType {
    DnType::from_oid(&[2, 5, 4, 5])
}

#[cfg(test)]
mod tests;
