//! TLS towards a database: who is trusted, which certificate is presented, and the dial itself.
//!
//! Encryption is mandatory, there is no fallback to clear text (db-service.md 2.5).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime, pem::PemObject,
};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::configs::{Configs, For, Way};
use super::connect_error::ConnectError;
use super::credential::{Credential, PasswordError, Passwords, by_certificate};
use super::errors::Refusal;
use super::key::UserKey;
use super::{Catalog, DbService};
use crate::rbac::database::TlsMode;
use crate::rbac::{Database, DatabaseKind};
use crate::readahead::ReadAhead;

/// How long resolving, connecting and the handshake may take together.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// Seconds a client certificate is valid at most: it is shown at once, and kept for a few minutes.
const CERTIFICATE: i64 = 600;
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// A TLS connection to a database.
pub(super) type ServerStream = TlsStream<ReadAhead<TcpStream>>;

/// A PostgreSQL server that was found, and what is needed to open TLS connections to it.
pub(super) struct Upstream {
    /// Host part of the resource's URI.
    pub(super) host: String,
    port: u16,
    addresses: Vec<SocketAddr>,
    database: Database,
    catalog: Arc<dyn Catalog>,
    configs: Arc<Configs>,
    /// Unix seconds after which no certificate of this session may be valid.
    not_after: i64,
}

impl Upstream {
    /// Resolves the host of the resource's URI, `host:port`. Certificates made for it end at `not_after`.
    pub(super) async fn resolve(
        service: &DbService,
        database: Database,
        not_after: i64,
    ) -> Result<Self, ConnectError> {
        let (host, port) = split_uri(&database.uri).ok_or_else(|| ConnectError::BadUri {
            name: database.name.clone(),
            uri: database.uri.clone(),
        })?;
        let found =
            tokio::time::timeout(DIAL_TIMEOUT, tokio::net::lookup_host((host.as_str(), port)))
                .await
                .map_err(|_| ConnectError::Timeout)?;
        let mut addresses: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
        // A server on this machine listens on 127.0.0.1 more often than on ::1.
        addresses.sort_by_key(|address| !address.is_ipv4());
        addresses.dedup();
        if addresses.is_empty() {
            return Err(ConnectError::Resolve { host });
        }
        Ok(Self {
            host,
            port,
            addresses,
            database,
            catalog: Arc::clone(&service.catalog),
            configs: Arc::clone(&service.configs),
            not_after,
        })
    }

    /// Identifies a database user on this server, whatever resource leads to it.
    pub(super) fn key(&self, user: &str) -> UserKey {
        let host = if self
            .addresses
            .iter()
            .any(|address| address.ip().is_loopback())
        {
            "loopback".to_owned()
        } else {
            self.addresses
                .iter()
                .map(|address| address.ip().to_string())
                .min()
                .unwrap_or_default()
        };
        UserKey {
            host,
            port: self.port,
            user: user.to_owned(),
        }
    }

    /// How the server is reached and trusted.
    pub(super) fn way(&self) -> Way {
        Way {
            uri: self.database.uri.clone(),
            tls: self.database.tls.clone(),
            ca_cert: self.database.ca_cert.clone(),
        }
    }

    /// How `user` logs in to the database `name`.
    pub(super) async fn credential(
        &self,
        user: &str,
        name: &str,
    ) -> Result<Credential, ConnectError> {
        if by_certificate(&self.database) {
            return Ok(Credential {
                login: user.to_owned(),
                password: None,
            });
        }
        let login = self.passwords()?.login(&self.database, user, name).await;
        login.map_err(ConnectError::NoPassword)
    }

    /// Forgets the password that the database did not take from `user`. False when there is none: the login went by
    /// certificate, and asking again is no use.
    pub(super) fn forget(&self, user: &str, name: &str) -> bool {
        if by_certificate(&self.database) {
            return false;
        }
        self.catalog.passwords().is_some_and(|passwords| {
            passwords.forget(&self.database, user, name);
            true
        })
    }

    /// What the client is told when `user` could not log in.
    pub(super) fn refusal(&self, user: &str, error: &ConnectError) -> Refusal {
        let refusal = error.refusal();
        match self.login_hint(user, error) {
            Some(hint) => refusal.with_hint(hint),
            None => refusal,
        }
    }

    /// What a cloud database wants of a user whose temporary password it did not take.
    pub(super) fn login_hint(&self, user: &str, error: &ConnectError) -> Option<String> {
        if by_certificate(&self.database) || !error.is_refused_login() {
            return None;
        }
        let name = postgres_protocol::escape::escape_identifier(user);
        Some(if self.is_redshift() {
            format!(
                "AWS gave a password for {name} and Redshift did not take it: see that the user exists, CREATE USER {name} \
                 WITH PASSWORD DISABLE; an admin user also needs GRANT ROLE \"sys:superuser\" TO {name};"
            )
        } else {
            format!(
                "the database did not take the token for {name}: the user must exist and hold rds_iam (an admin user WITH \
                 ADMIN OPTION), and postern-cluster's IAM identity needs rds-db:connect for it"
            )
        })
    }

    /// Whether the server is Amazon Redshift, whose users are of another kind.
    pub(super) fn is_redshift(&self) -> bool {
        self.database.kind() == DatabaseKind::Redshift
    }

    /// Whether the server is Amazon RDS or Aurora, whose users log in by a role.
    pub(super) fn is_rds(&self) -> bool {
        self.database.kind() == DatabaseKind::Rds
    }

    /// Whether the address leads to replicas only (db-service.md 2.5).
    pub(super) fn is_reader(&self) -> bool {
        match self.database.labels.get("endpoint-type") {
            Some(stated) => stated == "reader",
            None => self
                .host
                .split('.')
                .nth(1)
                .is_some_and(|label| label.starts_with("cluster-ro-")),
        }
    }

    fn passwords(&self) -> Result<Arc<dyn Passwords>, ConnectError> {
        self.catalog.passwords().ok_or_else(|| {
            ConnectError::NoPassword(PasswordError {
                message: format!(
                    "databases of type {} are not served here",
                    crate::quote::quote(self.database.kind().name())
                ),
                hint: Some("this postern-cluster was built without the feature `redshift`".into()),
            })
        })
    }

    /// Opens a TLS connection; a server of one's own sees a certificate whose common name is `user`.
    pub(super) async fn open(&self, user: &str) -> Result<ServerStream, ConnectError> {
        let (config, name) = self.config(user).await?;
        tokio::time::timeout(DIAL_TIMEOUT, self.dial(config, name))
            .await
            .map_err(|_| ConnectError::Timeout)?
    }

    async fn dial(
        &self,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Result<ServerStream, ConnectError> {
        let mut failed = None;
        for address in &self.addresses {
            match TcpStream::connect(address).await {
                Ok(mut tcp) => {
                    tcp.set_nodelay(true)
                        .map_err(|error| ConnectError::io(&error))?;
                    tcp.write_all(&SSL_REQUEST)
                        .await
                        .map_err(|error| ConnectError::io(&error))?;
                    if tcp
                        .read_u8()
                        .await
                        .map_err(|error| ConnectError::io(&error))?
                        != b'S'
                    {
                        return Err(ConnectError::NoTls);
                    }
                    let connector = TlsConnector::from(config);
                    return connector
                        .connect(name, ReadAhead::new(tcp))
                        .await
                        .map_err(|error| ConnectError::tls(&error));
                }
                Err(error) => {
                    failed = failed.or_else(|| Some(ConnectError::dial(*address, &error)));
                }
            }
        }
        Err(failed.unwrap_or(ConnectError::Timeout))
    }

    async fn config(
        &self,
        user: &str,
    ) -> Result<(Arc<ClientConfig>, ServerName<'static>), ConnectError> {
        let tls = &self.database.tls;
        let name = if tls.server_name.is_empty() {
            &self.host
        } else {
            &tls.server_name
        };
        let name = ServerName::try_from(name.clone())
            .map_err(|error| ConnectError::Tls(error.to_string()))?;
        let now = self.catalog.now();
        let limit = self.not_after.max(now + 60);
        let wanted = For {
            way: self.way(),
            user: user.to_owned(),
            authority: self.catalog.db_client_authority().cert_der().to_vec(),
            trust: self.catalog.db_trust(),
        };
        if let Some(config) = self.configs.get(&wanted, now, limit) {
            return Ok((config, name));
        }
        let not_after = limit.min(now + CERTIFICATE);
        let config = Arc::new(self.new_config(user, now, not_after).await?);
        self.configs.put(wanted, &config, not_after);
        Ok((config, name))
    }

    /// Settings with a certificate for `user` that ends at `not_after`, unix seconds.
    async fn new_config(
        &self,
        user: &str,
        now: i64,
        not_after: i64,
    ) -> Result<ClientConfig, ConnectError> {
        let tls = &self.database.tls;
        let roots = Arc::new(self.roots().await?);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| ConnectError::Tls(error.to_string()))?;
        let builder = match tls.mode {
            TlsMode::VerifyFull => builder.with_root_certificates(roots),
            TlsMode::VerifyCa => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(ChainOnly::new(Some(roots), &provider))),
            TlsMode::Insecure => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(ChainOnly::new(None, &provider))),
        };
        let mut config = if by_certificate(&self.database) {
            let issued = self
                .catalog
                .db_client_authority()
                .issue_db_client(user, now - 60, not_after)
                .map_err(|error| ConnectError::Certificate(error.to_string()))?;
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(issued.key_pkcs8_der.to_vec()));
            builder
                .with_client_auth_cert(vec![CertificateDer::from(issued.cert_der.clone())], key)
                .map_err(|error| ConnectError::Certificate(error.to_string()))?
        } else {
            builder.with_no_client_auth()
        };
        config.resumption = rustls::client::Resumption::disabled();
        config.enable_sni = tls.mode != TlsMode::VerifyCa;
        Ok(config)
    }

    /// The trusted authorities: the system's if the resource says so; the resource's own, or for a cloud database without
    /// them its provider's; for a server of one's own also the cluster's database authority (db-service.md 2.5). Unusable
    /// certificates in them are passed over.
    async fn roots(&self) -> Result<RootCertStore, ConnectError> {
        let mut roots = RootCertStore::empty();
        if self.database.tls.trust_system_cert_pool {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        let Database { tls, ca_cert, .. } = &self.database;
        let own = if tls.ca_cert.is_empty() {
            ca_cert
        } else {
            &tls.ca_cert
        };
        if !own.is_empty() {
            roots.add_parsable_certificates(certificates(own));
        } else if !by_certificate(&self.database) && tls.mode != TlsMode::Insecure {
            let found = self.passwords()?.authorities(&self.database).await;
            roots
                .add_parsable_certificates(certificates(&found.map_err(ConnectError::NoPassword)?));
        }
        if by_certificate(&self.database) {
            roots.add_parsable_certificates(
                self.catalog
                    .db_trust()
                    .into_iter()
                    .map(CertificateDer::from),
            );
        }
        Ok(roots)
    }
}

/// The certificates in a PEM text; unusable ones are passed over.
fn certificates(pem: &str) -> impl Iterator<Item = CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok)
}

/// Splits `host:port`, also `[::1]:5432`, optionally behind `postgres://` or `postgresql://`.
fn split_uri(uri: &str) -> Option<(String, u16)> {
    let rest = uri
        .strip_prefix("postgres://")
        .or_else(|| uri.strip_prefix("postgresql://"))
        .unwrap_or(uri);
    let (host, port) = rest.rsplit_once(':')?;
    let port = port.split(['/', '?']).next()?.parse().ok()?;
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

/// Checks the chain and no name (`verify-ca`), or nothing (`insecure`); the server must hold its key in any case.
#[derive(Debug)]
struct ChainOnly {
    roots: Option<Arc<RootCertStore>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ChainOnly {
    fn new(roots: Option<Arc<RootCertStore>>, provider: &CryptoProvider) -> Self {
        Self {
            roots,
            algorithms: provider.signature_verification_algorithms,
        }
    }
}

impl ServerCertVerifier for ChainOnly {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            let algorithms = self.algorithms.all;
            verify_server_cert_signed_by_trust_anchor(
                &certificate,
                roots,
                intermediates,
                now,
                algorithms,
            )?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::split_uri;

    #[test]
    fn uris() {
        assert_eq!(
            split_uri("localhost:5432"),
            Some(("localhost".into(), 5432))
        );
        assert_eq!(split_uri("[::1]:5433"), Some(("::1".into(), 5433)));
        assert_eq!(
            split_uri("postgres://db.example.com:5432/x"),
            Some(("db.example.com".into(), 5432))
        );
        assert_eq!(split_uri("localhost"), None);
        assert_eq!(split_uri(":5432"), None);
        assert_eq!(split_uri("h:99999"), None);
    }
}
