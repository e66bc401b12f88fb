//! The answer to a single sign-on as the browser carries it: sealed with a key that only this login and the cluster know.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::types::LoginAnswer;

/// The key of one login: 32 random bytes, `secret_key` of its callback address. Prints as `****`.
pub struct SecretKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

/// Why a sealed answer is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not the JSON, the base64 or the nonce of a sealed answer.
    #[error("it is no sealed answer")]
    Form,
    /// Sealed with another key, or changed on the way.
    #[error("it was sealed for another login, or changed on the way")]
    Key,
    /// The right key, and no login answer inside.
    #[error("it was opened, and holds no login")]
    Content,
}

#[derive(Deserialize)]
struct Sealed {
    ciphertext: String,
    nonce: String,
}

impl SecretKey {
    /// Draws one.
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        SystemRandom::new()
            .fill(&mut *bytes)
            .expect("the operating system gives random numbers");
        Self(bytes)
    }

    /// Takes the bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// 64 lower-case hex digits, as the callback address has them.
    pub fn hex(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(64));
        for byte in self.0.iter() {
            for half in [byte >> 4, byte & 15] {
                text.push(char::from_digit(half.into(), 16).expect("four bits"));
            }
        }
        text
    }

    /// Opens a sealed answer: the value of `response`, URL-decoded (login.md 6.5).
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(&self, response: &str) -> Result<LoginAnswer, SealError> {
        let sealed: Sealed = serde_json::from_str(response).map_err(|_| SealError::Form)?;
        let bytes = |text: &str| STANDARD.decode(text).map_err(|_| SealError::Form);
        let nonce: [u8; NONCE_LEN] = bytes(&sealed.nonce)?
            .try_into()
            .map_err(|_| SealError::Form)?;
        let mut text = Zeroizing::new(bytes(&sealed.ciphertext)?);
        let key = UnboundKey::new(&AES_256_GCM, &*self.0).expect("AES-256 takes 32 bytes");
        let plain = LessSafeKey::new(key)
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut text)
            .map_err(|_| SealError::Key)?;
        serde_json::from_slice(plain).map_err(|_| SealError::Content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_answer_opens() {
        // The vector of login.md 6.5.
        let mut key = [0; 32];
        for (i, byte) in (0..).zip(&mut key) {
            *byte = i;
        }
        let key = SecretKey::new(key);
        assert_eq!(
            key.hex().as_str(),
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        );
        let sealed = r#"{"ciphertext":"PCCjaKCXrHrgJLWxk4gUBOCzpUmdaWZiQWMzFmpGe0fibDIv","nonce":"AAECAwQFBgcICQoL"}"#;
        assert_eq!(key.open(sealed).expect("ours").username, "alice");
        assert_eq!(format!("{key:?}"), "****");
    }

    #[test]
    fn the_recorded_answer_opens_and_nothing_else_does() {
        let opened: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/data/login/sso/sso-3-opened.json"))
                .expect("JSON");
        let hex = opened["secret_key_hex"].as_str().expect("text");
        let mut bytes = [0; 32];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hex");
        }
        let key = SecretKey::new(bytes);
        assert_eq!(key.hex().as_str(), hex);
        let url = reqwest::Url::parse(opened["client_redirect"].as_str().expect("text"))
            .expect("an address");
        let (name, sealed) = url.query_pairs().next().expect("one parameter");
        assert_eq!((name.as_ref(), url.query_pairs().count()), ("response", 1));
        let answer = key.open(&sealed).expect("ours");
        let plain: LoginAnswer =
            serde_json::from_value(opened["plaintext"].clone()).expect("an answer");
        assert_eq!(answer, plain);
        assert!(!answer.tls_cert.is_empty() && answer.host_signers.len() == 1);

        assert_eq!(SecretKey::generate().open(&sealed), Err(SealError::Key));
        let value: serde_json::Value = serde_json::from_str(&sealed).expect("JSON");
        let text = value["ciphertext"].as_str().expect("text");
        let mut changed = STANDARD.decode(text).expect("base64");
        for at in [0, changed.len() / 2, changed.len() - 1] {
            changed[at] ^= 1;
            let mut other = value.clone();
            other["ciphertext"] = STANDARD.encode(&changed).into();
            assert_eq!(key.open(&other.to_string()), Err(SealError::Key), "{at}");
            changed[at] ^= 1;
        }
        for (field, bad) in [
            ("nonce", ""),
            ("nonce", "AAECAwQFBgcICQo="),
            ("nonce", "AAECAwQFBgcICQoLDA0ODw=="),
            ("nonce", "!"),
            ("ciphertext", "!"),
        ] {
            let mut other = value.clone();
            other[field] = bad.into();
            assert_eq!(key.open(&other.to_string()), Err(SealError::Form), "{bad}");
        }
        let mut short = value.clone();
        short["ciphertext"] = "AAAA".into();
        assert_eq!(key.open(&short.to_string()), Err(SealError::Key));
        for text in ["", "{}", "[]", "null"] {
            assert_eq!(key.open(text), Err(SealError::Form), "{text}");
        }
    }
}
