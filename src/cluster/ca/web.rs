//! The authority of the web certificate: nothing of the cluster, only what a fresh machine is told to trust.
//!
//! Real lab clusters sign their web certificate with itself as CA:TRUE, which webpki refuses as a server's; this one is
//! issued by a root of its own and CA:FALSE (credentials.md 1.10).

use rcgen::{DistinguishedName, DnType, ExtendedKeyUsagePurpose};

use super::leaf::{KeyedCert, Leaf, alternative_names};
use super::{AUTHORITY_LIFETIME_SECONDS, Authority, CaError, dn_value, random_serial, self_signed};

/// The root of the web certificate.
#[derive(Debug)]
pub struct WebAuthority(Authority);

/// Makes a new web authority for a cluster, valid for ten years from `now` (unix seconds).
///
/// # Errors
/// [`CaError::Validity`], [`CaError::Random`], [`CaError::Signing`].
pub fn web_authority(cluster: &str, now: i64) -> Result<WebAuthority, CaError> {
    let mut name = DistinguishedName::new();
    name.push(
        DnType::CommonName,
        dn_value(&format!("postern demo web CA {cluster}"))?,
    );
    let (cert_pem, key_pem) = self_signed(
        name,
        random_serial()?,
        now,
        now.saturating_add(AUTHORITY_LIFETIME_SECONDS),
    )?;
    WebAuthority::from_pem(&cert_pem, &key_pem)
}

impl WebAuthority {
    /// Loads the authority from the two PEM texts it was kept as.
    ///
    /// # Errors
    /// As [`Authority::from_pem`].
    pub fn from_pem(cert: &str, key: &str) -> Result<Self, CaError> {
        Authority::from_pem(cert, key).map(Self)
    }

    /// Issues a web server's certificate for the given host names and addresses; the common name is the first.
    ///
    /// # Errors
    /// [`CaError::Name`] for a name that isn't ASCII or no name at all, [`CaError::Validity`], [`CaError::Random`],
    /// [`CaError::Signing`].
    pub fn issue_web(
        &self,
        hosts: &[&str],
        not_before: i64,
        not_after: i64,
    ) -> Result<KeyedCert, CaError> {
        let first = hosts.first().ok_or_else(|| CaError::Name(String::new()))?;
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, dn_value(first)?);
        Leaf {
            subject,
            names: alternative_names(hosts.iter().copied())?,
            purposes: vec![ExtendedKeyUsagePurpose::ServerAuth],
            not_before,
            not_after,
        }
        .sign(&self.0.issuer)
    }

    /// The certificate as PEM: what a client is told to trust.
    #[must_use]
    pub fn cert_pem(&self) -> &str {
        self.0.cert_pem()
    }

    /// The private key as PKCS#8 PEM: a secret.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        self.0.key_pem()
    }

    /// The certificate as DER.
    #[must_use]
    pub fn cert_der(&self) -> &[u8] {
        self.0.cert_der()
    }
}
