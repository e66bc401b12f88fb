//! Client certificates from other clusters: of a leaf that links, and of a root's users.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use crate::cluster::leaf::{Leaves, Trust};

/// Takes the certificates that the host authority of a leaf signed. Who joins or is removed meanwhile counts at once.
#[derive(Debug)]
pub(super) struct LeafVerifier {
    leaves: Arc<Leaves>,
    provider: Arc<CryptoProvider>,
}

impl LeafVerifier {
    pub(super) fn new(leaves: &Arc<Leaves>, provider: &Arc<CryptoProvider>) -> Self {
        Self {
            leaves: Arc::clone(leaves),
            provider: Arc::clone(provider),
        }
    }
}

/// Takes the certificates that the user authority of one of some roots signed, and perhaps those of this cluster.
#[derive(Debug)]
pub(super) struct RootVerifier {
    trusts: Vec<Arc<Trust>>,
    local: Option<Arc<dyn ClientCertVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl RootVerifier {
    pub(super) fn new(
        trusts: Vec<Arc<Trust>>,
        local: Option<Arc<dyn ClientCertVerifier>>,
        provider: &Arc<CryptoProvider>,
    ) -> Self {
        Self {
            trusts,
            local,
            provider: Arc::clone(provider),
        }
    }
}

/// What both have in common: no names of authorities are sent, since clients have one certificate, and signatures in the
/// handshake are checked as everywhere.
macro_rules! verifier {
    ($name:ident, mandatory: $mandatory:literal, |$self:ident, $certificate:ident, $now:ident| $verify:expr) => {
        impl ClientCertVerifier for $name {
            fn offer_client_auth(&self) -> bool {
                true
            }

            fn client_auth_mandatory(&self) -> bool {
                $mandatory
            }

            fn root_hint_subjects(&self) -> &[DistinguishedName] {
                &[]
            }

            fn verify_client_cert(
                &$self,
                $certificate: &CertificateDer<'_>,
                _intermediates: &[CertificateDer<'_>],
                $now: UnixTime,
            ) -> Result<ClientCertVerified, Error> {
                $verify
            }

            fn verify_tls12_signature(
                &self,
                message: &[u8],
                cert: &CertificateDer<'_>,
                dss: &DigitallySignedStruct,
            ) -> Result<HandshakeSignatureValid, Error> {
                let algorithms = &self.provider.signature_verification_algorithms;
                verify_tls12_signature(message, cert, dss, algorithms)
            }

            fn verify_tls13_signature(
                &self,
                message: &[u8],
                cert: &CertificateDer<'_>,
                dss: &DigitallySignedStruct,
            ) -> Result<HandshakeSignatureValid, Error> {
                let algorithms = &self.provider.signature_verification_algorithms;
                verify_tls13_signature(message, cert, dss, algorithms)
            }

            fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
                self.provider.signature_verification_algorithms.supported_schemes()
            }
        }
    };
}

verifier!(LeafVerifier, mandatory: true, |self, certificate, now| {
    match self.leaves.signer(certificate, now) {
        Some(_) => Ok(ClientCertVerified::assertion()),
        None => Err(CertificateError::UnknownIssuer.into()),
    }
});

verifier!(RootVerifier, mandatory: false, |self, certificate, now| {
    let local = self.local.as_ref().map(|local| local.verify_client_cert(certificate, &[], now));
    match local {
        Some(Ok(verified)) => return Ok(verified),
        // The local authorities know it but it is over: the alert says so (transport.md 17).
        Some(Err(Error::InvalidCertificate(CertificateError::Expired))) => {
            return Err(CertificateError::Expired.into());
        }
        _ => {}
    }
    let mut refusal = CertificateError::UnknownIssuer;
    for trust in &self.trusts {
        match trust.verify(certificate, now) {
            Ok(()) => return Ok(ClientCertVerified::assertion()),
            Err(CertificateError::Expired) => refusal = CertificateError::Expired,
            Err(_) => {}
        }
    }
    Err(refusal.into())
});
