//! From the leaf to the root: TCP, and TLS whose other end is known.
//!
//! At the first contact the root is recognised by its web certificate, like any web site, or by the pin of its host
//! authority. Afterwards only its host authority counts, as it was given when the cluster joined.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime, pem::PemObject,
};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::authority;
use super::document::TrustedCluster;
use super::trust::Trust;
use super::wire::{JOIN_PROTOCOL, LINK_PROTOCOL};
use crate::cluster::ca::{CaError, CaKind, HostRequest};
use crate::cluster::state::ClusterState;
use crate::identity::{BACKDATING_SECONDS, GENERIC_CLUSTER_NAME};

/// Time for TCP, and again for TLS.
const DIAL: Duration = Duration::from_secs(15);
/// Seconds for which the certificate of one link is valid; each attempt has a new one.
const LIFETIME: i64 = 24 * 3600;

/// Why the root is not reached.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    /// No connection.
    #[error("cannot connect to {addr}: {source}")]
    Connect {
        /// `host:port`.
        addr: String,
        /// What the system says.
        source: io::Error,
    },
    /// It is not the root, or does not want this cluster.
    #[error("TLS with {addr}: {source}")]
    Tls {
        /// `host:port`.
        addr: String,
        /// What the library says.
        source: io::Error,
    },
    /// The file with authorities cannot be used.
    #[error("{path}: {message}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A setting or certificate cannot be used.
    #[error("{0}")]
    Setup(String),
}

impl From<rustls::Error> for DialError {
    fn from(error: rustls::Error) -> Self {
        Self::Setup(error.to_string())
    }
}

impl From<CaError> for DialError {
    fn from(error: CaError) -> Self {
        Self::Setup(error.to_string())
    }
}

/// Whether an error says that the root does not know this cluster, or not any more.
pub(super) fn is_stranger(error: &io::Error) -> bool {
    use rustls::{AlertDescription, Error};
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<Error>());
    matches!(
        inner,
        Some(Error::AlertReceived(
            AlertDescription::UnknownCA | AlertDescription::BadCertificate
        ))
    )
}

/// Connects in order to join.
///
/// # Errors
/// [`DialError`].
pub(super) async fn to_join(root: &TrustedCluster) -> Result<TlsStream<TcpStream>, DialError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let (config, name) = if let Some(pin) = &root.ca_pin {
        let verifier = Pinned {
            pin: pin.clone(),
            provider,
        };
        let config = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        (config, GENERIC_CLUSTER_NAME)
    } else {
        let roots = web_roots(root.ca_file.as_ref())?;
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        (config, host(&root.web_addr))
    };
    connect(&root.web_addr, config, JOIN_PROTOCOL, name).await
}

/// Connects for the link, with a new certificate of this cluster.
///
/// # Errors
/// [`DialError`].
pub(super) async fn to_link(
    state: &ClusterState,
    root: &TrustedCluster,
    trust: &Trust,
) -> Result<TlsStream<TcpStream>, DialError> {
    let now = state.now();
    let own = state.authority(CaKind::Host).issue_host(&HostRequest {
        common_name: format!("{}.{}", state.host_id(), state.name()),
        organization: "Proxy".to_owned(),
        dns: Vec::new(),
        ips: Vec::new(),
        not_before: now - BACKDATING_SECONDS,
        not_after: now + LIFETIME,
    })?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own.key_pkcs8_der.to_vec()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(trust.host.roots())
        .with_client_auth_cert(vec![CertificateDer::from(own.cert_der.clone())], key)?;
    connect(
        &root.tunnel_addr,
        config,
        LINK_PROTOCOL,
        GENERIC_CLUSTER_NAME,
    )
    .await
}

async fn connect(
    addr: &str,
    mut config: ClientConfig,
    protocol: &str,
    name: &str,
) -> Result<TlsStream<TcpStream>, DialError> {
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    config.resumption = Resumption::disabled();
    let late = || io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
    let tcp = timeout(DIAL, TcpStream::connect(addr))
        .await
        .unwrap_or_else(|_| Err(late()))
        .map_err(|source| DialError::Connect {
            addr: addr.to_owned(),
            source,
        })?;
    // Only a hint to the system; small messages would be late without it.
    let _ = tcp.set_nodelay(true);
    let name = ServerName::try_from(name.to_owned())
        .map_err(|_| DialError::Setup(format!("{name:?} is no name of a server")))?;
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, tcp);
    // On the heap: the handshake's state is large.
    let handshake = timeout(DIAL, Box::pin(connecting)).await;
    handshake
        .unwrap_or_else(|_| Err(late()))
        .map_err(|source| DialError::Tls {
            addr: addr.to_owned(),
            source,
        })
}

/// The system's authorities and those of the file. That the system has none is no error when the file has one.
fn web_roots(file: Option<&PathBuf>) -> Result<RootCertStore, DialError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = file {
        let wrong = |message: String| DialError::CaFile {
            path: path.clone(),
            message,
        };
        let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .map_err(|e| wrong(e.to_string()))?;
        if certificates.is_empty() {
            return Err(wrong("it holds no certificate".to_owned()));
        }
        for certificate in certificates {
            roots.add(certificate).map_err(|e| wrong(e.to_string()))?;
        }
    }
    if roots.is_empty() {
        return Err(DialError::Setup(format!(
            "this system trusts no authority; name the root's with the label {} or {}",
            super::document::CA_FILE,
            super::document::CA_PIN
        )));
    }
    Ok(roots)
}

/// The host part of `host:port`, without the brackets of an IPv6 address.
fn host(addr: &str) -> &str {
    let host = addr.rsplit_once(':').map_or(addr, |(host, _)| host);
    host.strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host)
}

/// Takes the server whose certificate is signed by an authority with the pinned key, which it sends along.
#[derive(Debug)]
struct Pinned {
    pin: String,
    provider: Arc<rustls::crypto::CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mut roots = RootCertStore::empty();
        for certificate in intermediates {
            if authority::pin(certificate).as_ref() == Some(&self.pin) {
                roots.add(certificate.clone().into_owned())?;
            }
        }
        if roots.is_empty() {
            return Err(CertificateError::UnknownIssuer.into());
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(
            Arc::new(roots),
            Arc::clone(&self.provider),
        )
        .build()
        .map_err(|e| rustls::Error::General(e.to_string()))?;
        verifier.verify_server_cert(end_entity, &[], server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
