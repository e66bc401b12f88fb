//! The answer to a login as the browser carries it: AES-256-GCM with a key that only the client knows (login.md 6.5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::Serialize;

use crate::cluster::random::{self, NoRandomness};

#[derive(Serialize)]
struct Sealed {
    ciphertext: String,
    nonce: String,
}

/// Seals `plain`; the JSON text that belongs into `response`.
///
/// # Errors
/// When the operating system gives no random bytes.
pub(super) fn seal(key: &[u8; 32], plain: &[u8]) -> Result<String, NoRandomness> {
    Ok(seal_with(key, random::bytes()?, plain))
}

fn seal_with(key: &[u8; 32], nonce: [u8; NONCE_LEN], plain: &[u8]) -> String {
    let key = UnboundKey::new(&AES_256_GCM, key).expect("AES-256 takes 32 bytes");
    let mut text = plain.to_vec();
    LessSafeKey::new(key)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut text)
        .expect("an answer is shorter than what AES-GCM takes");
    let sealed = Sealed {
        ciphertext: STANDARD.encode(&text),
        nonce: STANDARD.encode(nonce),
    };
    serde_json::to_string(&sealed).expect("two texts are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_answer_is_sealed_alike() {
        // The vector of login.md 6.5.
        let count = |i: usize| u8::try_from(i).expect("small");
        let sealed = seal_with(
            &std::array::from_fn(count),
            std::array::from_fn(count),
            br#"{"username":"alice"}"#,
        );
        assert_eq!(
            sealed,
            r#"{"ciphertext":"PCCjaKCXrHrgJLWxk4gUBOCzpUmdaWZiQWMzFmpGe0fibDIv","nonce":"AAECAwQFBgcICQoL"}"#
        );
        let fresh = || seal(&[7; 32], b"x").expect("random numbers");
        assert_ne!(fresh(), fresh(), "no nonce is used twice");
    }
}
