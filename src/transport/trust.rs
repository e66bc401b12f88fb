//! Whom to trust at the other end of a TLS connection.
//!
//! Two kinds of connection (credentials.md 1.9): the web port under public or given roots ([`Trust::web_config`]), and the
//! cluster's own services under its host CAs and nothing else ([`host_config`]).

mod untrusted;
mod verifier;

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};

use super::ClientCert;
pub(crate) use untrusted::span;
pub use untrusted::{Blame, Untrusted, Why};
use verifier::Verifier;

/// What the user lets count as the proxy's certificate, beside the system's roots and `SSL_CERT_FILE`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trust {
    /// Contents of `--ca-file` files, PEM. A certificate in them signs servers; one that is byte-equal to the server's own
    /// certificate is accepted as a pin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ca_pem: Vec<String>,
    /// Accept any certificate on the web port (`--insecure`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
}

/// Why no TLS configuration could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The text holds no PEM block `CERTIFICATE`.
    #[error("no certificate found (expected PEM blocks `-----BEGIN CERTIFICATE-----`)")]
    NoCertificate,
    /// A PEM block is damaged.
    #[error("damaged PEM: {0}")]
    Pem(String),
    /// A host CA certificate cannot be used as a trust anchor.
    #[error("unusable CA certificate: {0}")]
    Anchor(String),
    /// The client certificate and key do not go together, or the key is of a kind we cannot use.
    #[error("unusable client certificate: {0}")]
    ClientCert(String),
}

impl Trust {
    /// Adds the content of a `--ca-file`.
    ///
    /// # Errors
    /// [`TrustError::NoCertificate`], [`TrustError::Pem`] when the text is not a list of PEM certificates.
    pub fn add_pem(&mut self, content: &str) -> Result<(), TrustError> {
        certificates(content)?;
        if !self.ca_pem.iter().any(|known| known == content) {
            self.ca_pem.push(content.to_owned());
        }
        Ok(())
    }

    /// Makes the configuration for connections to the web port: HTTPS and the database protocols.
    ///
    /// The system's roots are read when a certificate comes that the given ones do not cover, not before: a demo cluster
    /// costs no root store. Resumption is off.
    ///
    /// # Errors
    /// [`TrustError`] when a CA file or the client certificate is unusable.
    pub fn web_config(
        &self,
        alpn: &[&str],
        client: Option<ClientCert>,
    ) -> Result<ClientConfig, TrustError> {
        let mut given = Vec::new();
        for pem in &self.ca_pem {
            given.extend(certificates(pem)?);
        }
        let verifier = Verifier::web(given, self.insecure);
        config(
            verifier,
            alpn.iter().map(|p| p.as_bytes().to_vec()).collect(),
            client,
        )
    }
}

/// Makes the configuration for a service that the cluster's host CAs vouch for: these anchors and no others, whatever the
/// web port's trust is. Resumption is off.
///
/// # Errors
/// [`TrustError::Anchor`] for a CA certificate that is none, [`TrustError::ClientCert`].
pub fn host_config(
    host_cas_der: &[Vec<u8>],
    alpn: &[String],
    client: Option<ClientCert>,
) -> Result<ClientConfig, TrustError> {
    let verifier = Verifier::host(host_cas_der)?;
    config(
        verifier,
        alpn.iter().map(|p| p.as_bytes().to_vec()).collect(),
        client,
    )
}

fn config(
    verifier: Verifier,
    alpn: Vec<Vec<u8>>,
    client: Option<ClientCert>,
) -> Result<ClientConfig, TrustError> {
    let builder = ClientConfig::builder_with_provider(verifier.provider())
        .with_safe_default_protocol_versions()
        .expect("ring supports TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match client {
        None => builder.with_no_client_auth(),
        Some(cert) => builder
            .with_client_auth_cert(cert.chain(), cert.key())
            .map_err(|e| TrustError::ClientCert(e.to_string()))?,
    };
    config.alpn_protocols = alpn;
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    Ok(config)
}

/// Reads every `CERTIFICATE` block of a PEM text.
fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let found = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| TrustError::Pem(e.to_string()))?;
    if found.is_empty() {
        return Err(TrustError::NoCertificate);
    }
    Ok(found)
}

#[cfg(all(test, feature = "cluster-core"))]
mod tests;
