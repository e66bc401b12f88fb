//! Public keys that users submit for certification (login.md 3.4, 7.2).

use ring::agreement::{self, EphemeralPrivateKey, UnparsedPublicKey};
use ring::rand::SystemRandom;
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::public_key::{PublicKey, RSAPublicKey};
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::identity::der::{self, tag};
use crate::identity::pem;

const EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";
const P256: &str = "1.2.840.10045.3.1.7";
const P384: &str = "1.3.132.0.34";
const RSA_ENCRYPTION: &str = "1.2.840.113549.1.1.1";
const ED25519: &str = "1.3.101.112";

const RSA_BITS: std::ops::RangeInclusive<usize> = 1024..=16_384;

/// Kinds of keys that are certified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// RSA, 1024 bits and more.
    Rsa,
    /// Ed25519.
    Ed25519,
}

/// A public key to certify, checked and written anew as a SubjectPublicKeyInfo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectPublicKey {
    der: Vec<u8>,
    algorithm: KeyAlgorithm,
}

/// Why a submitted key can't be certified; the first text is the one real clusters answer with (login.md 3.4).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// No PEM block.
    #[error("failed to decode public key PEM block")]
    NotPem,
    /// A PEM block of something else.
    #[error("unsupported public key PEM block {0:?}")]
    Label(String),
    /// The block's content isn't a public key.
    #[error("failed to parse public key")]
    Malformed,
    /// A kind of key that is not certified.
    #[error("unsupported public key algorithm {0}")]
    Algorithm(String),
    /// An RSA key too short or too long.
    #[error("unsupported RSA key of {0} bits")]
    RsaBits(usize),
}

impl SubjectPublicKey {
    /// Reads the first PEM block, `PUBLIC KEY` or `RSA PUBLIC KEY`, either with a PKIX or a PKCS#1 body.
    ///
    /// # Errors
    /// [`PublicKeyError`].
    pub fn from_pem(text: &[u8]) -> Result<Self, PublicKeyError> {
        let blocks = pem::blocks(text).map_err(|_| PublicKeyError::NotPem)?;
        let block = blocks.first().ok_or(PublicKeyError::NotPem)?;
        if !matches!(block.label.as_str(), "PUBLIC KEY" | "RSA PUBLIC KEY") {
            return Err(PublicKeyError::Label(block.label.clone()));
        }
        match RSAPublicKey::from_der(&block.contents) {
            Ok(([], key)) => Self::rsa(&key),
            _ => Self::from_der(&block.contents),
        }
    }

    /// Reads a DER SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`PublicKeyError`], a point off its curve included.
    pub fn from_der(info: &[u8]) -> Result<Self, PublicKeyError> {
        let Ok(([], info)) = SubjectPublicKeyInfo::from_der(info) else {
            return Err(PublicKeyError::Malformed);
        };
        let algorithm = info.algorithm.algorithm.to_id_string();
        let bits = info.subject_public_key.data.as_ref();
        match algorithm.as_str() {
            RSA_ENCRYPTION => match info.parsed() {
                Ok(PublicKey::RSA(key)) => Self::rsa(&key),
                _ => Err(PublicKeyError::Malformed),
            },
            EC_PUBLIC_KEY => {
                let curve = info
                    .algorithm
                    .parameters
                    .as_ref()
                    .and_then(|parameters| parameters.as_oid().ok())
                    .ok_or(PublicKeyError::Malformed)?;
                match curve.to_id_string().as_str() {
                    P256 => Self::curve(KeyAlgorithm::P256, P256, &agreement::ECDH_P256, bits),
                    P384 => Self::curve(KeyAlgorithm::P384, P384, &agreement::ECDH_P384, bits),
                    other => Err(PublicKeyError::Algorithm(other.to_owned())),
                }
            }
            ED25519 if bits.len() == 32 => Ok(Self {
                der: der::sequence(&[&der::sequence(&[&oid(ED25519)]), &der::bit_string(bits)]),
                algorithm: KeyAlgorithm::Ed25519,
            }),
            ED25519 => Err(PublicKeyError::Malformed),
            other => Err(PublicKeyError::Algorithm(other.to_owned())),
        }
    }

    /// The SubjectPublicKeyInfo as DER.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The kind of key.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// Whether it is an RSA key, which gets one more key usage.
    #[must_use]
    pub fn is_rsa(&self) -> bool {
        self.algorithm == KeyAlgorithm::Rsa
    }

    fn rsa(key: &RSAPublicKey<'_>) -> Result<Self, PublicKeyError> {
        let (modulus, exponent) = (key.modulus, key.exponent);
        let negative = |integer: &[u8]| integer.first().is_none_or(|byte| byte & 0x80 != 0);
        let even = |integer: &[u8]| integer.last().is_none_or(|byte| byte & 1 == 0);
        if [modulus, exponent]
            .into_iter()
            .any(|integer| negative(integer) || even(integer))
        {
            return Err(PublicKeyError::Malformed);
        }
        let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
        let digits = &modulus[zeros..];
        let bits = digits.len() * 8
            - digits
                .first()
                .map_or(0, |byte| byte.leading_zeros() as usize);
        if !RSA_BITS.contains(&bits) {
            return Err(PublicKeyError::RsaBits(bits));
        }
        let key = der::sequence(&[&der::unsigned(modulus), &der::unsigned(exponent)]);
        let algorithm = der::sequence(&[&oid(RSA_ENCRYPTION), &der::element(tag::NULL, &[])]);
        Ok(Self {
            der: der::sequence(&[&algorithm, &der::bit_string(&key)]),
            algorithm: KeyAlgorithm::Rsa,
        })
    }

    fn curve(
        algorithm: KeyAlgorithm,
        curve: &str,
        group: &'static agreement::Algorithm,
        point: &[u8],
    ) -> Result<Self, PublicKeyError> {
        // A key agreement is ring's way to say whether a point is uncompressed, on its curve and not at infinity.
        EphemeralPrivateKey::generate(group, &SystemRandom::new())
            .and_then(|own| {
                agreement::agree_ephemeral(own, &UnparsedPublicKey::new(group, point), |_| ())
            })
            .map_err(|_| PublicKeyError::Malformed)?;
        let id = der::sequence(&[&oid(EC_PUBLIC_KEY), &oid(curve)]);
        Ok(Self {
            der: der::sequence(&[&id, &der::bit_string(point)]),
            algorithm,
        })
    }
}

fn oid(dotted: &str) -> Vec<u8> {
    der::oid(dotted).expect("a constant of this file is a dotted identifier")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::identity::recorded::{Recorded, parse};

    fn recorded(name: &str) -> Vec<u8> {
        parse(&Recorded::load(name).der).public_key().raw.to_vec()
    }

    fn read(label: &str, body: &[u8]) -> Result<SubjectPublicKey, PublicKeyError> {
        SubjectPublicKey::from_pem(pem::encode(label, body).as_bytes())
    }

    #[test]
    fn every_certified_kind_under_either_label() {
        for (name, algorithm) in [
            ("base-full", KeyAlgorithm::P256),
            ("base-p384", KeyAlgorithm::P384),
            ("base-rsa", KeyAlgorithm::Rsa),
            ("base-ed25519", KeyAlgorithm::Ed25519),
        ] {
            let info = recorded(name);
            for label in ["PUBLIC KEY", "RSA PUBLIC KEY"] {
                let key = read(label, &info).expect(name);
                assert_eq!(key.as_der(), info, "{name}");
                assert_eq!(key.algorithm(), algorithm, "{name}");
                assert_eq!(key.is_rsa(), algorithm == KeyAlgorithm::Rsa);
            }
        }
    }

    #[test]
    fn pkcs1_under_either_label() {
        let info = recorded("base-rsa");
        let (_, parsed) = SubjectPublicKeyInfo::from_der(&info).expect("a key");
        for label in ["PUBLIC KEY", "RSA PUBLIC KEY"] {
            assert_eq!(
                read(label, &parsed.subject_public_key.data)
                    .expect("PKCS#1")
                    .as_der(),
                info
            );
        }
    }

    #[test]
    fn what_is_not_certified() {
        let info = recorded("base-full");
        let undecodable = SubjectPublicKey::from_pem(b"garbage").expect_err("no PEM");
        assert_eq!(
            undecodable.to_string(),
            "failed to decode public key PEM block"
        );
        assert_eq!(SubjectPublicKey::from_pem(b""), Err(PublicKeyError::NotPem));
        assert_eq!(
            SubjectPublicKey::from_pem(b"-----BEGIN PUBLIC KEY-----\nAAAA"),
            Err(PublicKeyError::NotPem)
        );
        assert_eq!(
            read("PRIVATE KEY", &info),
            Err(PublicKeyError::Label("PRIVATE KEY".into()))
        );
        assert_eq!(
            read("PUBLIC KEY", b"garbage"),
            Err(PublicKeyError::Malformed)
        );
        let mut off_curve = info.clone();
        *off_curve.last_mut().expect("a byte") ^= 1;
        assert_eq!(
            read("PUBLIC KEY", &off_curve),
            Err(PublicKeyError::Malformed)
        );
        let certificate = Recorded::load("base-full").der;
        assert_eq!(
            read("PUBLIC KEY", &certificate),
            Err(PublicKeyError::Malformed)
        );
        let x25519 = der::sequence(&[
            &der::sequence(&[&oid("1.3.101.110")]),
            &der::bit_string(&[9; 32]),
        ]);
        assert_eq!(
            read("PUBLIC KEY", &x25519),
            Err(PublicKeyError::Algorithm("1.3.101.110".into()))
        );
        let rsa = |modulus: &[u8], exponent: &[u8]| {
            read(
                "RSA PUBLIC KEY",
                &der::sequence(&[&der::unsigned(modulus), &der::unsigned(exponent)]),
            )
            .map(drop)
        };
        assert_eq!(
            rsa(&[0xff; 64], &[1, 0, 1]),
            Err(PublicKeyError::RsaBits(512))
        );
        assert_eq!(
            rsa(&[0xff; 4096], &[3]),
            Err(PublicKeyError::RsaBits(32_768))
        );
        assert_eq!(rsa(&[0xfe; 128], &[3]), Err(PublicKeyError::Malformed));
        assert_eq!(rsa(&[0xff; 128], &[3]), Ok(()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = SubjectPublicKey::from_der(&bytes);
            let _ = read("PUBLIC KEY", &bytes);
        }

        #[test]
        fn damaged_keys_are_read(index in any::<prop::sample::Index>(), value in any::<u8>(), rsa in any::<bool>()) {
            let mut info = recorded(if rsa { "base-rsa" } else { "base-full" });
            let index = index.index(info.len());
            info[index] = value;
            let _ = SubjectPublicKey::from_der(&info);
        }
    }
}
