//! The one certificate verifier: pins, given roots, system roots, or nothing at all.

use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate, X509Name};

use super::{TrustError, Untrusted, Why};

/// Asks, in this order: is any certificate fine; is it a pin; do the given roots vouch; do the system's roots vouch.
///
/// A pin is a given certificate that is byte-equal to the server's. It is checked for its dates but not for the host name:
/// the user named this very certificate, and only the holder of its key can present it, so a name adds nothing; and the
/// certificate of an evaluation cluster is often reached under a name that is not in it. webpki cannot do this: it refuses
/// a CA certificate as a server's own (credentials.md 1.10, item 3).
#[derive(Debug)]
pub(super) struct Verifier {
    provider: Arc<CryptoProvider>,
    insecure: bool,
    pins: Vec<CertificateDer<'static>>,
    given: Option<Arc<WebPkiServerVerifier>>,
    /// `None` where the system's roots have no say; else read at first need. The inner `None`: there are none.
    system: Option<OnceLock<Option<Arc<WebPkiServerVerifier>>>>,
}

impl Verifier {
    pub(super) fn web(given: Vec<CertificateDer<'static>>, insecure: bool) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        // A pin need not be a usable anchor, so one that is not parsable as such is no error.
        roots.add_parsable_certificates(given.iter().cloned());
        Self {
            given: webpki(roots, &provider),
            provider,
            insecure,
            pins: given,
            system: Some(OnceLock::new()),
        }
    }

    pub(super) fn host(cas: &[Vec<u8>]) -> Result<Self, TrustError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        for der in cas {
            roots
                .add(CertificateDer::from(der.clone()))
                .map_err(|e| TrustError::Anchor(e.to_string()))?;
        }
        Ok(Self {
            given: webpki(roots, &provider),
            provider,
            insecure: false,
            pins: Vec::new(),
            system: None,
        })
    }

    pub(super) fn provider(&self) -> Arc<CryptoProvider> {
        Arc::clone(&self.provider)
    }

    fn system(&self) -> Option<&Arc<WebPkiServerVerifier>> {
        let cell = self.system.as_ref()?;
        cell.get_or_init(|| {
            let mut roots = RootCertStore::empty();
            // Unreadable single files are the system's business; what matters is what could be read.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            webpki(roots, &self.provider)
        })
        .as_ref()
    }
}

fn webpki(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Option<Arc<WebPkiServerVerifier>> {
    // The builder's only failures are an empty root store and bad CRLs, of which there are none.
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .ok()
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.insecure {
            return Ok(ServerCertVerified::assertion());
        }
        if self
            .pins
            .iter()
            .any(|pin| pin.as_ref() == end_entity.as_ref())
        {
            return match dates(end_entity, now) {
                None => Ok(ServerCertVerified::assertion()),
                Some(why) => Err(refuse(end_entity, why)),
            };
        }
        let mut reason = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let anchors = self
            .given
            .as_ref()
            .into_iter()
            .map(Some)
            .chain(std::iter::once_with(|| self.system()));
        for webpki in anchors.flatten() {
            match webpki.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ) {
                Ok(verified) => return Ok(verified),
                // "Unknown issuer" from one store says less than any other reason from the other.
                Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {}
                Err(other) => reason = other,
            }
        }
        Err(refuse(
            end_entity,
            explain(end_entity, reason, server_name, now),
        ))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn explain(cert: &CertificateDer<'_>, reason: Error, asked: &ServerName<'_>, now: UnixTime) -> Why {
    let Error::InvalidCertificate(reason) = reason else {
        return Why::Other(reason.to_string());
    };
    match reason {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => {
            // The dates may also be those of an intermediate; then the own ones are fine.
            dates(cert, now)
                .unwrap_or_else(|| Why::Other("expired intermediate certificate".to_owned()))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Why::Name {
                asked: asked.to_str().into_owned(),
                presented: names(cert),
            }
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => issuer_reason(cert),
        other => {
            let text = other.to_string();
            // webpki's `CaUsedAsEndEntity` is not among rustls' own variants.
            if text.contains("CaUsedAsEndEntity") {
                issuer_reason(cert)
            } else {
                Why::Other(text)
            }
        }
    }
}

fn issuer_reason(cert: &CertificateDer<'_>) -> Why {
    match X509Certificate::from_der(cert) {
        Ok((_, parsed)) if parsed.subject() == parsed.issuer() => Why::SelfSigned,
        _ => Why::Issuer,
    }
}

fn dates(cert: &CertificateDer<'_>, now: UnixTime) -> Option<Why> {
    let (_, parsed) = X509Certificate::from_der(cert).ok()?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let (not_before, not_after) = (
        parsed.validity().not_before.timestamp(),
        parsed.validity().not_after.timestamp(),
    );
    if now < not_before {
        Some(Why::NotYet {
            not_before,
            now,
            skew: None,
        })
    } else if now > not_after {
        Some(Why::Expired {
            not_after,
            now,
            skew: None,
        })
    } else {
        None
    }
}

fn names(cert: &CertificateDer<'_>) -> Vec<String> {
    let Ok((_, parsed)) = X509Certificate::from_der(cert) else {
        return Vec::new();
    };
    let Ok(Some(san)) = parsed.subject_alternative_name() else {
        return Vec::new();
    };
    san.value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(dns) => Some((*dns).to_owned()),
            GeneralName::IPAddress([a, b, c, d]) => {
                Some(std::net::Ipv4Addr::new(*a, *b, *c, *d).to_string())
            }
            GeneralName::IPAddress(bytes) => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|b| std::net::Ipv6Addr::from(b).to_string()),
            _ => None,
        })
        .collect()
}

fn refuse(cert: &CertificateDer<'_>, why: Why) -> Error {
    let (subject, issuer) = match X509Certificate::from_der(cert) {
        Ok((_, parsed)) => (common_name(parsed.subject()), common_name(parsed.issuer())),
        Err(_) => ("unreadable".to_owned(), "unreadable".to_owned()),
    };
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(Untrusted {
        subject,
        issuer,
        why,
    }))))
}

fn common_name(name: &X509Name<'_>) -> String {
    let cn = name
        .iter_common_name()
        .next()
        .and_then(|cn| cn.as_str().ok());
    let text = cn.map_or_else(|| name.to_string(), str::to_owned);
    if text.is_empty() {
        "(no name)".to_owned()
    } else {
        format!("\"{text}\"")
    }
}
