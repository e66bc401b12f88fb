//! Keys of the SSH authorities: the host's for `host_signers` of the login answer (login.md 8.1), the users' for their
//! certificates (`ssh_user`).
//!
//! Database access never uses SSH, but other clients read both.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use zeroize::Zeroizing;

use super::CaError;
use crate::identity::pem;

const KEY_TYPE: &str = "ssh-ed25519";

/// An Ed25519 key of an SSH authority.
pub struct SshAuthority {
    public: [u8; 32],
    key_pem: Zeroizing<String>,
}

impl fmt::Debug for SshAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshAuthority")
            .field("public", &self.authorized_key())
            .field("key", &"****")
            .finish()
    }
}

impl SshAuthority {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`CaError::Random`] without random numbers.
    pub fn generate() -> Result<Self, CaError> {
        let pkcs8 =
            Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| CaError::Random)?;
        Self::from_pem(&pem::encode("PRIVATE KEY", pkcs8.as_ref()))
    }

    /// Loads a key from the PKCS#8 PEM text it was kept as.
    ///
    /// # Errors
    /// [`CaError::NotAnAuthority`] when the text isn't one Ed25519 key.
    pub fn from_pem(key: &str) -> Result<Self, CaError> {
        let public =
            pair(key)?.public_key().as_ref().try_into().map_err(|_| {
                CaError::NotAnAuthority("expected one Ed25519 private key".to_owned())
            })?;
        Ok(Self {
            public,
            key_pem: Zeroizing::new(key.to_owned()),
        })
    }

    /// The private key as PKCS#8 PEM: a secret.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// The public key as an `authorized_keys` line, newline included.
    #[must_use]
    pub fn authorized_key(&self) -> String {
        format!("{KEY_TYPE} {}\n", STANDARD.encode(self.blob()))
    }

    /// The public key in SSH's own form.
    pub(super) fn blob(&self) -> Vec<u8> {
        let mut blob = Vec::with_capacity(51);
        string(&mut blob, KEY_TYPE.as_bytes());
        string(&mut blob, &self.public);
        blob
    }

    /// Signs, in SSH's form of a signature.
    ///
    /// # Errors
    /// [`CaError::NotAnAuthority`] never in practice: the key was read before.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CaError> {
        let pair = pair(&self.key_pem)?;
        let mut signature = Vec::with_capacity(83);
        string(&mut signature, KEY_TYPE.as_bytes());
        string(&mut signature, pair.sign(message).as_ref());
        Ok(signature)
    }
}

/// Appends a string: its length in four bytes, then its bytes. Everything put here is far below 4 GiB.
pub(super) fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or_default().to_be_bytes());
    out.extend_from_slice(bytes);
}

fn pair(key: &str) -> Result<Ed25519KeyPair, CaError> {
    let not_a_key = || CaError::NotAnAuthority("expected one Ed25519 private key".to_owned());
    let blocks = pem::blocks(key.as_bytes()).map_err(|_| not_a_key())?;
    let [block] = blocks.as_slice() else {
        return Err(not_a_key());
    };
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(&block.contents).map_err(|_| not_a_key())
}
