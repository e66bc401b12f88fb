//! Private keys as other programs write them: PKCS#8, PKCS#1, SEC1, OpenSSH, and references to hardware (credentials.md 3.4).
//!
//! All become PKCS#8, the one form that the rest of this program knows.

use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::Deserialize;
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;
use zeroize::{Zeroize as _, Zeroizing};

use super::openssh::{self, Key};
use crate::identity::pem;

/// Label of a reference to a key in a YubiKey; what follows it is JSON.
const HARDWARE: &str = "PIV YUBIKEY PRIVATE KEY";
/// rsaEncryption with its NULL, as an AlgorithmIdentifier.
const RSA: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];
/// id-Ed25519, as an AlgorithmIdentifier.
const ED25519: &[u8] = &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];
/// id-ecPublicKey, without the curve that follows.
const EC: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// prime256v1.
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// secp384r1.
const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];

/// Why a private key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrivateKeyError {
    /// The key lies in a security key; there is nothing to sign with here.
    #[error("the key is in a hardware key{}, which is not supported", hardware(*serial, *slot))]
    Hardware {
        /// Serial number of the YubiKey, when the reference tells it.
        serial: Option<u64>,
        /// Slot in it, e.g. 0x9a.
        slot: Option<u64>,
    },
    /// There is no PEM block.
    #[error("there is no private key in it")]
    Missing,
    /// A key that needs a passphrase.
    #[error("the private key is protected by a passphrase")]
    Passphrase,
    /// No key, or one of a kind that is not supported.
    #[error("the private key cannot be read: {0}")]
    Unusable(String),
}

fn hardware(serial: Option<u64>, slot: Option<u64>) -> String {
    match (serial, slot) {
        (Some(serial), Some(slot)) => format!(" (YubiKey {serial}, slot {slot:x})"),
        (Some(serial), None) => format!(" (YubiKey {serial})"),
        _ => String::new(),
    }
}

#[derive(Deserialize)]
struct Reference {
    serial_number: Option<u64>,
    slot_key: Option<u64>,
}

/// Reads the first PEM block of a text as a private key, whatever its label says; gives PKCS#8 DER.
///
/// # Errors
/// [`PrivateKeyError`].
pub fn to_pkcs8(text: &str) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
    let block = first_block(text).ok_or(PrivateKeyError::Missing)?;
    let mut blocks = pem::blocks(block.as_bytes())
        .map_err(|error| PrivateKeyError::Unusable(error.to_string()))?;
    let mut first = blocks.pop().ok_or(PrivateKeyError::Missing)?;
    if first.label == HARDWARE {
        let reference: Option<Reference> = serde_json::from_slice(&first.contents).ok();
        return Err(PrivateKeyError::Hardware {
            serial: reference.as_ref().and_then(|r| r.serial_number),
            slot: reference.and_then(|r| r.slot_key),
        });
    }
    let key = if first.contents.starts_with(openssh::MAGIC) {
        from_openssh(&first.contents)
    } else {
        wrap(&first.contents)
    };
    first.contents.zeroize();
    let key = key?;
    check(&key)?;
    Ok(key)
}

/// The text of the first PEM block; the rest of an identity file is none of a key's business.
fn first_block(text: &str) -> Option<&str> {
    let begin = text.find("-----BEGIN ")?;
    let rest = &text[begin..];
    let end = rest.find("-----END ")?;
    let line = rest[end..].find('\n').map_or(rest.len(), |n| end + n);
    Some(&rest[..line])
}

/// Tells the forms apart by what follows the first element of the outer sequence, and makes PKCS#8 of each.
fn wrap(der: &[u8]) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
    let odd = || PrivateKeyError::Unusable("it is neither PKCS#8 nor PKCS#1 nor SEC1".to_owned());
    let (0x30, body, []) = element(der).ok_or_else(odd)? else {
        return Err(odd());
    };
    match element(body).ok_or_else(odd)? {
        (0x02, _, rest) => match rest.first() {
            Some(0x30) => Ok(Zeroizing::new(der.to_vec())),
            Some(0x02) => Ok(pkcs8(RSA, der)),
            Some(0x04) => Ok(pkcs8(&ec_algorithm(rest)?, der)),
            _ => Err(odd()),
        },
        (0x30, ..) => Err(PrivateKeyError::Passphrase),
        _ => Err(odd()),
    }
}

/// Finds the curve in a SEC1 key (element [0] after the secret) and makes an AlgorithmIdentifier of it.
fn ec_algorithm(secret_and_rest: &[u8]) -> Result<Vec<u8>, PrivateKeyError> {
    let unnamed = || PrivateKeyError::Unusable("it names no curve".to_owned());
    let (_, secret, rest) = element(secret_and_rest).ok_or_else(unnamed)?;
    let named = match element(rest) {
        Some((0xa0, curve, _)) => curve,
        _ if secret.len() == 32 => P256,
        _ if secret.len() == 48 => P384,
        _ => return Err(unnamed()),
    };
    Ok(tagged(0x30, &[EC, named].concat()))
}

fn from_openssh(bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, PrivateKeyError> {
    let unsupported = |what: &str| {
        Err(PrivateKeyError::Unusable(format!(
            "{what} keys in OpenSSH's form are not supported; rewrite it as PEM: ssh-keygen -p -m PEM -f FILE"
        )))
    };
    let (curve, secret, point) = match openssh::read(bytes)? {
        Key::Ed25519 { seed } => {
            let seed = Zeroizing::new(tagged(0x04, &seed));
            return Ok(pkcs8(ED25519, &seed));
        }
        Key::Nist {
            curve,
            secret,
            point,
        } => match curve.as_str() {
            "nistp256" => (P256, secret, point),
            "nistp384" => (P384, secret, point),
            other => return unsupported(other),
        },
        Key::Other(kind) => return unsupported(&kind),
    };
    let public = tagged(0x03, &[&[0], &point[..]].concat());
    let mut body = Zeroizing::new(vec![0x02, 0x01, 0x01]);
    body.extend(Zeroizing::new(tagged(0x04, &secret)).iter());
    body.extend(tagged(0xa1, &public));
    let algorithm = tagged(0x30, &[EC, curve].concat());
    Ok(pkcs8(&algorithm, &Zeroizing::new(tagged(0x30, &body))))
}

/// The secret number of a P-256 key in the PKCS#8 form that ring makes.
///
/// # Panics
/// When it is another kind of key.
pub(super) fn p256_secret(pkcs8: &[u8]) -> Zeroizing<Vec<u8>> {
    let secret = || {
        let (_, body, _) = element(pkcs8)?;
        let (_, _, rest) = element(body)?;
        let (_, _, rest) = element(rest)?;
        let (_, sec1, _) = element(rest)?;
        let (_, body, _) = element(sec1)?;
        let (_, _, rest) = element(body)?;
        let (_, secret, _) = element(rest)?;
        Some(Zeroizing::new(secret.to_vec()))
    };
    secret().expect("ring's PKCS#8")
}

fn signing_key(
    pkcs8: &[u8],
) -> Result<std::sync::Arc<dyn rustls::sign::SigningKey>, PrivateKeyError> {
    any_supported_type(&PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8)))
        .map_err(|error| PrivateKeyError::Unusable(error.to_string()))
}

/// Refuses what TLS could not sign with.
///
/// # Errors
/// [`PrivateKeyError::Unusable`].
pub(super) fn check(pkcs8: &[u8]) -> Result<(), PrivateKeyError> {
    signing_key(pkcs8).map(drop)
}

/// Whether a certificate (DER) is for this key (PKCS#8 DER). A key or certificate that cannot be read is for nothing.
pub fn belongs(pkcs8: &[u8], cert_der: &[u8]) -> bool {
    let Ok(key) = signing_key(pkcs8) else {
        return false;
    };
    let Ok((_, certificate)) = X509Certificate::from_der(cert_der) else {
        return false;
    };
    key.public_key()
        .is_some_and(|spki| spki.as_ref() == certificate.public_key().raw)
}

fn pkcs8(algorithm: &[u8], key: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut body = Zeroizing::new(vec![0x02, 0x01, 0x00]);
    body.extend(algorithm);
    body.extend(Zeroizing::new(tagged(0x04, key)).iter());
    Zeroizing::new(tagged(0x30, &body))
}

/// One DER element.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 6);
    out.push(tag);
    let length = content.len();
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let skip = bytes.iter().take_while(|b| **b == 0).count();
            out.push(0x80 | u8::try_from(bytes.len() - skip).expect("at most eight"));
            out.extend(&bytes[skip..]);
        }
    }
    out.extend(content);
    out
}

/// Splits the first DER element off: tag, content, what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let (bytes, rest) = rest.split_at_checked(count)?;
        let length = bytes
            .iter()
            .fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        (length, rest)
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}

#[cfg(test)]
#[path = "key_pem_tests.rs"]
mod tests;
