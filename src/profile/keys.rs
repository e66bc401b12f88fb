//! The private key: in the OS keychain when another session of this user can read it there, else in a 0600 file.

mod keychain;
pub mod proof;

use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Home;
use super::files::{private_dir, write_atomic};
use super::{key_pem, openssh};

/// The whole time a missing, locked or hanging keychain may cost.
pub const KEYCHAIN_PATIENCE: Duration = Duration::from_secs(2);

/// Where the private key of a profile lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "store", rename_all = "lowercase")]
pub enum KeyLocation {
    /// A file in the home's `keys` directory.
    File {
        /// Its name.
        name: String,
    },
    /// The OS keychain.
    Keychain {
        /// Which one, where there are several.
        backend: Backend,
        /// Service of the entry.
        service: String,
        /// Account of the entry; new for each login, so that two logins never share one.
        account: String,
    },
    /// A file of another program, which is read and never removed. Not written to profiles.
    Elsewhere {
        /// Its path.
        path: PathBuf,
    },
}

/// A keychain of the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// The Linux kernel's key store: needs no daemon, forgets at a restart.
    Kernel,
    /// The desktop's Secret Service (feature `secret-service`).
    SecretService,
    /// Keychain on macOS, Credential Manager on Windows.
    Native,
}

/// Which store the user asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyStore {
    /// The keychain when it is proven to work, else a file.
    #[default]
    Best,
    /// A file, whatever the keychain can do.
    File,
    /// The keychain or an error.
    Keychain,
}

/// Why a key could not be stored, read or removed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The entry or file is not there (any more).
    #[error("the private key of this login is gone from {}", place(.0))]
    Gone(KeyLocation),
    /// The keychain did not answer in time.
    #[error("the keychain did not answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// The keychain said no.
    #[error("the keychain failed: {0}")]
    Keychain(String),
    /// A new session of this user does not see what was stored.
    #[error("the keychain keeps the key from other sessions of this user: {0}")]
    NotShared(String),
    /// A key file could not be read or written.
    #[error("{0}")]
    File(String),
    /// What is stored is no key.
    #[error("the private key in {} is damaged", place(.0))]
    Damaged(KeyLocation),
}

fn place(location: &KeyLocation) -> String {
    match location {
        KeyLocation::File { name } => format!("the key file {name}"),
        KeyLocation::Elsewhere { path } => path.display().to_string(),
        KeyLocation::Keychain { backend, .. } => match backend {
            Backend::Kernel => "the kernel's key store",
            Backend::SecretService => "the Secret Service",
            Backend::Native if cfg!(target_os = "macos") => "the macOS Keychain",
            Backend::Native if cfg!(windows) => "the Windows Credential Manager",
            Backend::Native => "the keychain",
        }
        .to_owned(),
    }
}

impl fmt::Display for KeyLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&place(self))
    }
}

/// A new P-256 key. Printed as `****`.
pub struct KeyPair {
    pkcs8: Zeroizing<Vec<u8>>,
    point: Vec<u8>,
    ssh: Option<SshKey>,
}

/// An Ed25519 key for an SSH certificate, which only tsh needs. Printed as `****`.
struct SshKey {
    seed: Zeroizing<[u8; 32]>,
    public: Vec<u8>,
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyPair(****)")
    }
}

impl KeyPair {
    /// Makes a key with the system's random numbers.
    ///
    /// # Panics
    /// When the system has no random numbers, in which case nothing else is safe either.
    pub fn generate() -> Self {
        let rng = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &rng)
            .expect("the system gives random numbers");
        let pkcs8 = Zeroizing::new(document.as_ref().to_vec());
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8, &rng)
            .expect("ring reads what it wrote");
        let point = pair.public_key().as_ref().to_vec();
        Self {
            pkcs8,
            point,
            ssh: None,
        }
    }

    /// Adds a key for an SSH certificate, to be asked for together with the other one.
    ///
    /// # Panics
    /// As [`Self::generate`].
    #[must_use]
    pub fn with_ssh(mut self) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        SystemRandom::new()
            .fill(&mut *seed)
            .expect("the system gives random numbers");
        let pair = Ed25519KeyPair::from_seed_unchecked(&*seed).expect("any 32 bytes are a seed");
        let public = pair.public_key().as_ref().to_vec();
        self.ssh = Some(SshKey { seed, public });
        self
    }

    /// The public key for the SSH certificate, a line of `authorized_keys`; `None` when none is asked for.
    pub fn ssh_line(&self) -> Option<String> {
        self.ssh
            .as_ref()
            .map(|ssh| openssh::ed25519_line(&ssh.public))
    }

    /// The private key for the SSH certificate in OpenSSH's form, and its public line. With an old server, which certifies
    /// one key for both, it is the other key.
    pub fn ssh_files(&self, one_key: bool) -> (Zeroizing<String>, String) {
        match &self.ssh {
            Some(ssh) if !one_key => (
                openssh::write_ed25519(&*ssh.seed, &ssh.public),
                openssh::ed25519_line(&ssh.public),
            ),
            _ => {
                let secret = key_pem::p256_secret(&self.pkcs8);
                (
                    openssh::write_p256(&secret, &self.point),
                    openssh::p256_line(&self.point),
                )
            }
        }
    }

    /// The private key as PEM.
    pub fn pem(&self) -> Zeroizing<String> {
        pem(&self.pkcs8)
    }

    /// The private key, PKCS#8 DER.
    pub fn pkcs8(&self) -> &Zeroizing<Vec<u8>> {
        &self.pkcs8
    }

    /// The public key: uncompressed point, 65 bytes.
    pub fn public_point(&self) -> &[u8] {
        &self.point
    }
}

/// Where a key went, and why it did not go to the keychain when that was tried.
#[derive(Debug)]
pub struct Stored {
    /// The place.
    pub location: KeyLocation,
    /// Set when the keychain was tried and not used.
    pub fallback: Option<KeyError>,
}

/// Stores a key. `proof` answers whether another session can read an entry; see [`proof::by_own_program`].
///
/// # Errors
/// [`KeyError`] when the store asked for cannot be used.
pub fn store(
    home: &Home,
    which: KeyStore,
    label: &str,
    key: &[u8],
    proof: &proof::Proof<'_>,
) -> Result<Stored, KeyError> {
    let fallback = match which {
        KeyStore::File => None,
        KeyStore::Best | KeyStore::Keychain => match store_in_keychain(label, key, proof) {
            Ok(location) => {
                return Ok(Stored {
                    location,
                    fallback: None,
                });
            }
            Err(error) if which == KeyStore::Keychain => return Err(error),
            Err(error) => Some(error),
        },
    };
    Ok(Stored {
        location: store_in_file(home, key)?,
        fallback,
    })
}

fn store_in_keychain(
    label: &str,
    key: &[u8],
    proof: &proof::Proof<'_>,
) -> Result<KeyLocation, KeyError> {
    let backends = keychain::BACKENDS;
    let share = KEYCHAIN_PATIENCE / u32::try_from(backends.len()).expect("a few");
    let mut failure = KeyError::Keychain("there is none".to_owned());
    for backend in backends {
        let deadline = Instant::now() + share;
        let location = KeyLocation::Keychain {
            backend: *backend,
            service: "postern".to_owned(),
            account: format!("{label} {}", random_name()),
        };
        match keychain::set(&location, key, deadline).and_then(|()| proof(&location, key, deadline))
        {
            Ok(()) => return Ok(location),
            Err(error) => {
                // A hanging keychain has had its time; it is not waited for once more.
                let _ = keychain::delete(&location, deadline);
                failure = error;
            }
        }
    }
    Err(failure)
}

fn store_in_file(home: &Home, key: &[u8]) -> Result<KeyLocation, KeyError> {
    let dir = home.keys_dir();
    private_dir(home.dir())
        .and_then(|()| private_dir(&dir))
        .map_err(|e| KeyError::File(e.to_string()))?;
    let name = format!("{}.pem", random_name());
    write_atomic(&dir.join(&name), pem(key).as_bytes())
        .map_err(|e| KeyError::File(e.to_string()))?;
    Ok(KeyLocation::File { name })
}

/// Reads a key, PKCS#8 DER.
///
/// # Errors
/// [`KeyError::Gone`] when it is not there, e.g. after a reboot; others when it cannot be read.
pub fn load(home: &Home, location: &KeyLocation) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let key = match location {
        KeyLocation::File { name } => {
            let path = key_file(home, name, location)?;
            match fs::read_to_string(&path).map(Zeroizing::new) {
                Ok(text) => unpem(&text).ok_or_else(|| KeyError::Damaged(location.clone()))?,
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    return Err(KeyError::Gone(location.clone()));
                }
                Err(e) => {
                    return Err(KeyError::File(format!(
                        "cannot read {}: {e}",
                        path.display()
                    )));
                }
            }
        }
        KeyLocation::Keychain { .. } => {
            let deadline = Instant::now() + KEYCHAIN_PATIENCE;
            keychain::get(location, deadline)?.ok_or_else(|| KeyError::Gone(location.clone()))?
        }
        KeyLocation::Elsewhere { path } => match fs::read_to_string(path).map(Zeroizing::new) {
            Ok(text) => key_pem::to_pkcs8(&text)
                .map_err(|e| KeyError::File(format!("{}: {e}", path.display())))?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(KeyError::Gone(location.clone()));
            }
            Err(e) => {
                return Err(KeyError::File(format!(
                    "cannot read {}: {e}",
                    path.display()
                )));
            }
        },
    };
    key_pem::check(&key).map_err(|_| KeyError::Damaged(location.clone()))?;
    Ok(key)
}

/// Removes a key; one that is gone already is fine.
///
/// # Errors
/// [`KeyError`] when the key may still be there.
pub fn remove(home: &Home, location: &KeyLocation) -> Result<(), KeyError> {
    match location {
        KeyLocation::File { name } => {
            let path = key_file(home, name, location)?;
            match fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => Err(KeyError::File(format!(
                    "cannot remove {}: {e}",
                    path.display()
                ))),
                _ => Ok(()),
            }
        }
        KeyLocation::Keychain { .. } => {
            keychain::delete(location, Instant::now() + KEYCHAIN_PATIENCE)
        }
        // Not ours to remove.
        KeyLocation::Elsewhere { .. } => Ok(()),
    }
}

/// The path of a key file; a name that leads out of the directory is as good as damaged.
fn key_file(home: &Home, name: &str, location: &KeyLocation) -> Result<PathBuf, KeyError> {
    if name.is_empty() || name.contains(['/', '\\']) || name.starts_with('.') {
        return Err(KeyError::Damaged(location.clone()));
    }
    Ok(home.keys_dir().join(name))
}

fn random_name() -> String {
    let mut bytes = [0; 8];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the system gives random numbers");
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Writes the key as PEM in memory that is wiped, which `identity::pem` does not promise.
fn pem(key: &[u8]) -> Zeroizing<String> {
    use base64::Engine;
    let body = Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(key));
    let mut out = Zeroizing::new(String::with_capacity(body.len() + 80));
    out.push_str("-----BEGIN PRIVATE KEY-----\n");
    for line in body.as_bytes().chunks(64) {
        out.push_str(str::from_utf8(line).expect("base64 is ASCII"));
        out.push('\n');
    }
    out.push_str("-----END PRIVATE KEY-----\n");
    out
}

fn unpem(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
    let key = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()).ok()?;
    Some(Zeroizing::new(key.secret_pkcs8_der().to_vec()))
}

#[cfg(test)]
mod tests;
