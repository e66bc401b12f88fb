//! The key of a database certificate, and its public half in the two forms that servers take.

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
        let public = PublicKey::p256(pair.public_key().as_ref());
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

/// The public half of a P-256 or RSA key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    spki: Vec<u8>,
    ssh_name: &'static str,
    /// What follows the name in the blob of the line, in parts.
    ssh_parts: Vec<Vec<u8>>,
}

impl PublicKey {
    /// The key with this uncompressed point, 65 bytes.
    fn p256(point: &[u8]) -> Self {
        Self {
            spki: [&SPKI_PREFIX[..], point].concat(),
            ssh_name: "ecdsa-sha2-nistp256",
            ssh_parts: vec![b"nistp256".to_vec(), point.to_vec()],
        }
    }

    /// The key that a certificate, DER, is for; `None` when it is neither P-256 nor RSA.
    pub fn of_certificate(der: &[u8]) -> Option<Self> {
        use x509_parser::prelude::{FromDer as _, X509Certificate};
        use x509_parser::public_key::PublicKey as Parsed;
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let spki = certificate.public_key();
        if spki.raw.starts_with(&SPKI_PREFIX) {
            return Some(Self::p256(&spki.raw[SPKI_PREFIX.len()..]));
        }
        match spki.parsed().ok()? {
            Parsed::RSA(rsa) => Some(Self {
                spki: spki.raw.to_vec(),
                ssh_name: "ssh-rsa",
                ssh_parts: vec![mpint(rsa.exponent), mpint(rsa.modulus)],
            }),
            _ => None,
        }
    }

    /// `SubjectPublicKeyInfo` DER, as it stands in a certificate.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// PEM with the label `PUBLIC KEY`: what 17 and later take.
    pub fn pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.spki)
    }

    /// A line as in `authorized_keys` (RFC 4253, 6.6; RFC 5656, 3.1): what 16 and earlier take.
    pub fn ssh_line(&self) -> String {
        let mut blob = Vec::new();
        let parts = self.ssh_parts.iter().map(Vec::as_slice);
        for part in std::iter::once(self.ssh_name.as_bytes()).chain(parts) {
            // No key has parts of 4 GiB.
            blob.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            blob.extend_from_slice(part);
        }
        format!("{} {}\n", self.ssh_name, BASE64.encode(blob))
    }
}

/// A positive number as SSH writes it (RFC 4251, 5): no zeros before it but one where the first bit is set.
fn mpint(number: &[u8]) -> Vec<u8> {
    let start = number.iter().take_while(|byte| **byte == 0).count();
    let digits = &number[start..];
    let sign = digits.first().is_some_and(|byte| byte & 0x80 != 0);
    [&[0][..usize::from(sign)], digits].concat()
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
        let key = PublicKey::p256(&der[SPKI_PREFIX.len()..]);
        assert_eq!(key.spki(), der);
        assert_eq!(key.pem(), pem);
    }

    /// A key made by `ssh-keygen -t ecdsa`, with its point.
    #[test]
    fn the_ssh_line_has_the_three_parts() {
        let key = PublicKey::p256(&[vec![4], vec![0x11; 64]].concat());
        let line = key.ssh_line();
        let (name, rest) = line.split_once(' ').expect("two words");
        assert_eq!(name, "ecdsa-sha2-nistp256");
        assert!(
            rest.starts_with("AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBBERER"),
            "{rest}"
        );
        assert!(line.ends_with('\n'));
    }

    /// The line was made by `ssh-keygen -i -m PKCS8` from the certificate's key.
    #[test]
    fn an_rsa_login_has_the_line_that_ssh_keygen_writes() {
        let of = |name: &str| {
            let path = format!(
                "{}/tests/data/credentials/{name}.pem",
                env!("CARGO_MANIFEST_DIR")
            );
            let text = std::fs::read(&path).expect(&path);
            let certificate = crate::identity::Certificate::from_pem(&text).expect("a certificate");
            PublicKey::of_certificate(&certificate.der)
        };
        let key = of("base-rsa").expect("an RSA key");
        let expected = concat!(
            "AAAAB3NzaC1yc2EAAAADAQABAAABAQDOjORwCIbmvTdwnmP3FtN2rwwDlhTkvYsb1Qg4RRToPJGF4O8N8dXTidxLU9v6DPFsc7gI",
            "P/H/6C+zjVNNtjxZj8lmA16Mxawgmbc4sMo+E7P59G61q6i/ps7lXRHXO1pica8AEwCPE+cu9QSA5zqAM8X/F01rvvDC5K/XnorT",
            "plXiGmUN0HpMjJs30dKR9R8TVmVr1IR3AgLNFXq+mWYxazKOT4hA5POG2HktQz+Ox29nO4gbzndSLys2mwgzoHLOV/pBdcL/RXwU",
            "5CLHQHA4+z0ZyDssfXYL8zcc8B81Sd/K9oT9cBLPhKzEVLD23MqYf6qzK1kH8yRwUI6BFcGr",
        );
        assert_eq!(key.ssh_line(), format!("ssh-rsa {expected}\n"));
        assert!(
            key.pem()
                .starts_with("-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOC")
        );
        for other in ["base-ed25519", "base-p384"] {
            assert_eq!(of(other), None, "{other}");
        }
        let usual = of("base-minimal-tls-only").expect("a P-256 key");
        assert!(usual.ssh_line().starts_with("ecdsa-sha2-nistp256 "));
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
