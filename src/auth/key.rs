//! A fresh key for a database certificate, and its public half in the two forms that servers take.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::identity::pem;

/// What stands before the 65 bytes of an uncompressed point in a P-256 `SubjectPublicKeyInfo` (RFC 5480).
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The system gave no random numbers, or the key made from them could not be read.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("cannot make a private key: the system gives no random numbers")]
pub struct KeyError;

/// A P-256 key pair.
pub struct SessionKey {
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

impl std::fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionKey")
            .field("pkcs8", &"****")
            .field("public", &self.public)
            .finish()
    }
}

impl SessionKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`KeyError`] when there is no source of random numbers.
    pub fn generate() -> Result<Self, KeyError> {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)
            .map_err(|_| KeyError)?;
        let pkcs8 = Zeroizing::new(document.as_ref().to_vec());
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8, &random)
            .map_err(|_| KeyError)?;
        let public = PublicKey {
            point: pair.public_key().as_ref().to_vec(),
        };
        Ok(Self { pkcs8, public })
    }

    /// The private half as PKCS #8 DER.
    pub fn pkcs8(&self) -> Zeroizing<Vec<u8>> {
        self.pkcs8.clone()
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }
}

/// The public half of a P-256 key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// The uncompressed point, 65 bytes.
    point: Vec<u8>,
}

impl PublicKey {
    /// `SubjectPublicKeyInfo` DER, as it stands in a certificate.
    pub fn spki(&self) -> Vec<u8> {
        [&SPKI_PREFIX[..], &self.point].concat()
    }

    /// PEM with the label `PUBLIC KEY`: what 17 and later take.
    pub fn pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.spki())
    }

    /// A line as in `authorized_keys` (RFC 5656, 3.1): what 16 and earlier take.
    pub fn ssh_line(&self) -> String {
        const NAME: &str = "ecdsa-sha2-nistp256";
        let mut blob = Vec::new();
        for part in [NAME.as_bytes(), b"nistp256", &self.point] {
            // A part is at most 65 bytes.
            blob.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            blob.extend_from_slice(part);
        }
        format!("{NAME} {}\n", BASE64.encode(blob))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pem_is_the_recorded_one_for_the_recorded_key() {
        use prost::Message;
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/data/auth-api/certs-db-ec-key.request.binpb"
        );
        let bytes = std::fs::read(path).expect(path);
        let request =
            crate::proto::auth::UserCertsRequest::decode(bytes.as_slice()).expect("the request");
        let pem = String::from_utf8(request.tls_public_key).expect("text");
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = BASE64.decode(body).expect("base64");
        let key = PublicKey {
            point: der[SPKI_PREFIX.len()..].to_vec(),
        };
        assert_eq!(key.spki(), der);
        assert_eq!(key.pem(), pem);
    }

    /// A key made by `ssh-keygen -t ecdsa`, with its point.
    #[test]
    fn the_ssh_line_has_the_three_parts() {
        let key = PublicKey {
            point: [vec![4], vec![0x11; 64]].concat(),
        };
        let line = key.ssh_line();
        let (name, rest) = line.split_once(' ').expect("two words");
        assert_eq!(name, "ecdsa-sha2-nistp256");
        assert!(
            rest.starts_with("AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBBERER"),
            "{rest}"
        );
        assert!(line.ends_with('\n'));
    }

    #[test]
    fn keys_differ_and_do_not_show() {
        let (a, b) = (
            SessionKey::generate().expect("a key"),
            SessionKey::generate().expect("a key"),
        );
        assert_ne!(a.public(), b.public());
        assert!(format!("{a:?}").contains("pkcs8: \"****\""));
    }
}
