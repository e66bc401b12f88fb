//! Certificates that come with a key of their own: hosts, database servers, the database service towards databases.

use std::fmt;
use std::net::IpAddr;

use rcgen::{
    CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};
use zeroize::Zeroizing;

use super::{Authority, CaError, dn_value, params, random_serial};
use crate::identity::{GENERIC_CLUSTER_NAME, pem};

/// What a program on this machine calls a server: names for [`Authority::issue_db_server`].
pub const LOOPBACK_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A certificate and the private key made for it (P-256).
#[derive(Clone)]
pub struct KeyedCert {
    /// The certificate as DER.
    pub cert_der: Vec<u8>,
    /// The private key as PKCS#8 DER: a secret.
    pub key_pkcs8_der: Zeroizing<Vec<u8>>,
}

impl KeyedCert {
    /// The certificate as PEM.
    #[must_use]
    pub fn cert_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.cert_der)
    }

    /// The private key as PKCS#8 PEM: a secret.
    #[must_use]
    pub fn key_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(pem::encode("PRIVATE KEY", &self.key_pkcs8_der))
    }
}

impl fmt::Debug for KeyedCert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedCert")
            .field("cert_der", &self.cert_der)
            .field("key_pkcs8_der", &"****")
            .finish()
    }
}

/// What a host certificate shall say (credentials.md 1.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRequest {
    /// Common name: `<host uuid>.<cluster>`.
    pub common_name: String,
    /// The system role: `Proxy`, `Admin`, …
    pub organization: String,
    /// Host names; those of every host certificate are added. An address among them becomes an IP entry.
    pub dns: Vec<String>,
    /// Addresses.
    pub ips: Vec<IpAddr>,
    /// Begin of validity, unix seconds.
    pub not_before: i64,
    /// End of validity, unix seconds.
    pub not_after: i64,
}

impl Authority {
    /// Issues a certificate for the proxy or the auth service, usable on both ends of a connection.
    ///
    /// # Errors
    /// [`CaError::Name`] for a name that isn't ASCII or an empty subject, [`CaError::Validity`], [`CaError::Random`],
    /// [`CaError::Signing`].
    pub fn issue_host(&self, request: &HostRequest) -> Result<KeyedCert, CaError> {
        if request.common_name.is_empty() || request.organization.is_empty() {
            return Err(CaError::Name(request.common_name.clone()));
        }
        let mut subject = DistinguishedName::new();
        subject.push(DnType::from_oid(&[2, 5, 4, 9]), dn_value("")?);
        subject.push(DnType::from_oid(&[2, 5, 4, 17]), dn_value("null")?);
        subject.push(DnType::OrganizationName, dn_value(&request.organization)?);
        subject.push(DnType::CommonName, dn_value(&request.common_name)?);
        subject.push(
            DnType::from_oid(&[1, 3, 9999, 1, 7]),
            dn_value(self.cluster())?,
        );
        let wildcard = format!("*.{GENERIC_CLUSTER_NAME}");
        let ips: Vec<String> = request.ips.iter().map(ToString::to_string).collect();
        let names = request
            .dns
            .iter()
            .map(String::as_str)
            .chain([wildcard.as_str(), GENERIC_CLUSTER_NAME])
            .chain(ips.iter().map(String::as_str));
        Leaf {
            subject,
            names: alternative_names(names)?,
            purposes: vec![
                ExtendedKeyUsagePurpose::ServerAuth,
                ExtendedKeyUsagePurpose::ClientAuth,
            ],
            not_before: request.not_before,
            not_after: request.not_after,
        }
        .sign(&self.issuer)
    }

    /// Issues a certificate for a database server, to be called on the `db` authority (credentials.md 4.3). The common
    /// name is the first host.
    ///
    /// # Errors
    /// As [`Authority::issue_host`]; [`CaError::Name`] without any host.
    pub fn issue_db_server(
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
        .sign(&self.issuer)
    }

    /// Issues the certificate the database service presents to a database as `user`, to be called on the `db_client`
    /// authority: the common name is the database user and nothing else is said (db-service.md 2.5).
    ///
    /// # Errors
    /// [`CaError::Name`] for an empty name or one with a NUL, which databases refuse; else as [`Authority::issue_host`].
    pub fn issue_db_client(
        &self,
        user: &str,
        not_before: i64,
        not_after: i64,
    ) -> Result<KeyedCert, CaError> {
        if user.is_empty() || user.contains('\0') {
            return Err(CaError::Name(user.to_owned()));
        }
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, dn_value(user)?);
        Leaf {
            subject,
            names: Vec::new(),
            purposes: vec![ExtendedKeyUsagePurpose::ClientAuth],
            not_before,
            not_after,
        }
        .sign(&self.issuer)
    }
}

/// What distinguishes one leaf from another.
pub(super) struct Leaf {
    pub(super) subject: DistinguishedName,
    pub(super) names: Vec<SanType>,
    pub(super) purposes: Vec<ExtendedKeyUsagePurpose>,
    pub(super) not_before: i64,
    pub(super) not_after: i64,
}

impl Leaf {
    /// Makes a key and signs: key usage and basic constraints critical, no subject key identifier (credentials.md 1.1).
    pub(super) fn sign(self, issuer: &Issuer<'_, KeyPair>) -> Result<KeyedCert, CaError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = params(random_serial()?, self.not_before, self.not_after)?;
        params.distinguished_name = self.subject;
        params.subject_alt_names = self.names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = self.purposes;
        params.use_authority_key_identifier_extension = true;
        // rcgen's own "no authority" setting would add a subject key identifier, which real leaves don't have.
        let mut not_an_authority =
            CustomExtension::from_oid_content(&[2, 5, 29, 19], vec![0x30, 0x00]);
        not_an_authority.set_criticality(true);
        params.custom_extensions = vec![not_an_authority];
        let certificate = params.signed_by(&key, issuer)?;
        Ok(KeyedCert {
            cert_der: certificate.der().to_vec(),
            key_pkcs8_der: Zeroizing::new(key.serialize_der()),
        })
    }
}

/// Alternative names: host names first, then addresses, each once.
pub(super) fn alternative_names<'a>(
    names: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<SanType>, CaError> {
    let mut hosts: Vec<SanType> = Vec::new();
    let mut addresses: Vec<SanType> = Vec::new();
    for name in names {
        let (list, entry) = if let Ok(address) = name.parse::<IpAddr>() {
            (&mut addresses, SanType::IpAddress(address))
        } else {
            let wrong = || CaError::Name(name.to_owned());
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(wrong());
            }
            (
                &mut hosts,
                SanType::DnsName(name.try_into().map_err(|_| wrong())?),
            )
        };
        if !list.contains(&entry) {
            list.push(entry);
        }
    }
    hosts.append(&mut addresses);
    Ok(hosts)
}
