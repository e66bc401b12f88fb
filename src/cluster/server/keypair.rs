//! A web certificate of one's own.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::ServerError;
use crate::cluster::config::KeyPair;
use crate::cluster::state::WebCertificate;

/// Reads the two files and sees that they belong together.
///
/// # Errors
/// When a file cannot be read, holds no certificate or no key, or the key is another certificate's.
pub fn load(pair: &KeyPair) -> Result<WebCertificate, ServerError> {
    let wrong = |path: &Path, message: String| ServerError::KeyPair {
        path: path.to_owned(),
        message,
    };
    let read = |path: &Path| {
        std::fs::read(path).map_err(|source| ServerError::File {
            path: path.to_owned(),
            source,
        })
    };
    let text = read(&pair.cert)?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|e| wrong(&pair.cert, format!("no certificates in PEM: {e}")))?;
    if chain.is_empty() {
        return Err(wrong(&pair.cert, "no certificate in PEM".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(&read(&pair.key)?)
        .map_err(|e| wrong(&pair.key, format!("no private key in PEM: {e}")))?;
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::from_der(chain.clone(), key.clone_key(), &provider).map_err(|e| {
        wrong(
            &pair.key,
            format!("not the key of {}: {e}", pair.cert.display()),
        )
    })?;
    Ok(WebCertificate {
        chain: chain.iter().map(|c| c.to_vec()).collect(),
        key: Arc::new(key),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_belongs_together() {
        let dir = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).expect("a file");
            path
        };
        let one = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a pair");
        let other = rcgen::KeyPair::generate().expect("a key");
        let cert = write("cert.pem", &one.cert.pem());
        let right = KeyPair {
            cert: cert.clone(),
            key: write("key.pem", &one.signing_key.serialize_pem()),
        };
        let loaded = load(&right).expect("a pair");
        assert_eq!(loaded.chain, [one.cert.der().to_vec()]);
        assert!(!format!("{loaded:?}").contains("PrivateKey"));
        for (key, wanted) in [
            (write("other.pem", &other.serialize_pem()), "not the key of"),
            (write("none.pem", "nothing"), "no private key"),
            (cert.clone(), "no private key"),
            (dir.path().join("absent"), "absent: "),
        ] {
            let pair = KeyPair {
                cert: cert.clone(),
                key,
            };
            let message = load(&pair).expect_err("no pair").to_string();
            assert!(message.contains(wanted), "{message}");
        }
        let pair = KeyPair {
            cert: write("empty.pem", ""),
            key: right.key,
        };
        assert!(load(&pair).is_err());
    }
}
