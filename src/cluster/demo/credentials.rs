//! Passwords and one-time keys of the demo's users, in a file that only the owner reads. The cluster itself keeps a hash.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cluster::random;
use crate::cluster::store::Store;
use crate::cluster::users::{self, CredentialError};

/// How one user logs in. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// The user.
    pub name: String,
    /// The password.
    pub password: String,
    /// The one-time key, base32.
    pub totp_key: String,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("name", &self.name)
            .field("secrets", &"****")
            .finish()
    }
}

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is damaged.
    #[error("{path}: {source}; remove it to get new passwords")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A credential cannot be made.
    #[error(transparent)]
    Credential(#[from] CredentialError),
}

/// Gives every user of `names` credentials: those of the file, or new ones. A lost file means new passwords; one-time keys
/// stay, since they are in people's authenticator apps.
///
/// # Errors
/// When the file or the state cannot be used.
pub(super) fn ensure<'a>(
    path: &Path,
    store: &Store,
    names: impl Iterator<Item = &'a String>,
) -> Result<Vec<Credential>, CredentialsError> {
    let mut known = read(path)?;
    let mut changed = false;
    let mut credentials = Vec::new();
    for name in names {
        let stored = store.credential(name).map_err(CredentialError::from)?;
        let fits = |c: &&Credential| {
            c.name == *name && stored.as_ref().is_some_and(|s| s.totp_key == c.totp_key)
        };
        let credential = if let Some(kept) = known.iter().find(fits) {
            kept.clone()
        } else {
            let password = random::password().map_err(CredentialError::from)?;
            let key = users::set_password(store, name, &password)?;
            changed = true;
            Credential {
                name: name.clone(),
                password,
                totp_key: key.base32().to_owned(),
            }
        };
        known.retain(|c| c.name != *name);
        credentials.push(credential);
    }
    if changed {
        // Users whose document is gone for now keep theirs.
        write(
            path,
            &credentials.iter().cloned().chain(known).collect::<Vec<_>>(),
        )?;
    }
    Ok(credentials)
}

fn read(path: &Path) -> Result<Vec<Credential>, CredentialsError> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|source| CredentialsError::Content {
            path: path.to_owned(),
            source,
        }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(CredentialsError::File {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Replaces the file; a temporary file has mode 0600 from the beginning.
fn write(path: &Path, credentials: &[Credential]) -> Result<(), CredentialsError> {
    let wrap = |source| CredentialsError::File {
        path: path.to_owned(),
        source,
    };
    let text =
        serde_json::to_string_pretty(credentials).map_err(|source| CredentialsError::Content {
            path: path.to_owned(),
            source,
        })?;
    let mut file =
        tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("."))).map_err(wrap)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.as_file().sync_data())
        .map_err(wrap)?;
    file.persist(path).map_err(|e| wrap(e.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_kept_and_a_lost_file_gives_new_passwords_with_the_old_keys() {
        let dir = tempfile::tempdir().expect("a directory");
        let (path, store) = (
            dir.path().join("credentials.json"),
            Store::open(&dir.path().join("state.db")).expect("a store"),
        );
        let names = ["alice".to_owned(), "bob".to_owned()];
        let first = ensure(&path, &store, names.iter()).expect("credentials");
        assert_ne!(first[0].password, first[1].password);
        assert_eq!(
            ensure(&path, &store, names.iter()).expect("the same"),
            first
        );
        assert_eq!(
            ensure(&path, &store, names[..1].iter()).expect("fewer"),
            first[..1]
        );
        assert_eq!(
            ensure(&path, &store, names.iter()).expect("the same again"),
            first
        );

        std::fs::remove_file(&path).expect("a file");
        let second = ensure(&path, &store, names.iter()).expect("new ones");
        assert_ne!(second[0].password, first[0].password);
        assert_eq!(second[0].totp_key, first[0].totp_key);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(
                std::fs::metadata(&path)
                    .expect("metadata")
                    .permissions()
                    .mode()
                    & 0o777,
                0o600
            );
        }
        std::fs::write(&path, "{").expect("damage");
        let message = ensure(&path, &store, names.iter())
            .expect_err("a damaged file")
            .to_string();
        assert!(
            message.contains("credentials.json") && message.contains("remove it"),
            "{message}"
        );
    }
}
