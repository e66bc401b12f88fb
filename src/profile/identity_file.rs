//! Identity files and directories of tbot: logins for machines, made by `tctl auth sign` and tbot (credentials.md 4).
//!
//! They name no proxy. Whoever made them replaces them, without a lock, so what does not fit together is read again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::HostCas;
use super::authorities;
use super::key_pem::{self, PrivateKeyError};
use crate::identity::{Certificate, CertificateError};

/// How often files that do not fit together are read again.
const TRIES: u32 = 20;
/// And how long in between.
const NAP: Duration = Duration::from_millis(50);
/// The real parser refuses longer lines; no key or certificate has one.
const LONGEST_LINE: usize = 64 * 1024;

/// Why an identity cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The file system said no.
    #[error("cannot read the identity {}: {message}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's text.
        message: String,
    },
    /// A directory without any of the files that are looked for.
    #[error("{} holds no identity: neither identity nor key and tlscert nor tls.key and tls.crt", path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// A PEM block without an end, or a line without one.
    #[error("the identity {} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// No TLS certificate: made for SSH only.
    #[error("the identity {} has no TLS certificate, which databases need", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A certificate that is no user's, e.g. a database server's own.
    #[error("the certificate in {} is no user's: {error}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: CertificateError,
    },
    /// The key cannot be used.
    #[error("the identity {}: {error}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        error: PrivateKeyError,
    },
    /// Key and certificate are not of one making.
    #[error("key and certificate in {} do not belong together", path.display())]
    Mismatch {
        /// File or directory.
        path: PathBuf,
    },
}

/// A login out of files for machines.
#[derive(Clone, Debug)]
pub struct Identity {
    /// What was named: a file or a directory.
    pub path: PathBuf,
    /// Whether it is a directory, as tbot writes it.
    pub is_dir: bool,
    /// Where the private key lies.
    pub key_path: PathBuf,
    /// The certificate: a user's, or one for a database.
    pub certificate: Certificate,
    /// The key, PKCS#8 DER.
    pub key: Zeroizing<Vec<u8>>,
    /// Host CAs of all clusters.
    pub host_cas: Vec<HostCas>,
}

/// Reads a file, a directory as tbot writes it, or the three files of `tctl auth sign --format=tls` by their common name.
///
/// # Errors
/// [`IdentityError`].
pub fn read(path: &Path) -> Result<Identity, IdentityError> {
    let mut tries = 1;
    loop {
        let found = read_once(path);
        let passing = matches!(
            found,
            Err(IdentityError::Mismatch { .. }
                | IdentityError::Damaged { .. }
                | IdentityError::NoCertificate { .. }
                | IdentityError::Key {
                    error: PrivateKeyError::Missing,
                    ..
                })
        );
        if !passing || tries == TRIES {
            return found;
        }
        tries += 1;
        std::thread::sleep(NAP);
    }
}

/// The files that one identity consists of.
struct Files {
    key: PathBuf,
    /// `None`: everything is in the file of the key.
    rest: Option<(PathBuf, PathBuf)>,
}

fn files(path: &Path) -> Result<Files, IdentityError> {
    if path.is_dir() {
        // The single file first: it cannot be caught half replaced as a pair can.
        let single = path.join("identity");
        if single.is_file() {
            return Ok(Files {
                key: single,
                rest: None,
            });
        }
        for (key, certificate, authorities) in [
            ("key", "tlscert", "teleport-host-ca.crt"),
            ("tls.key", "tls.crt", "tls.cas"),
        ] {
            if path.join(key).is_file() && path.join(certificate).is_file() {
                return Ok(Files {
                    key: path.join(key),
                    rest: Some((path.join(certificate), path.join(authorities))),
                });
            }
        }
        return Err(IdentityError::Empty {
            path: path.to_owned(),
        });
    }
    let beside = |end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    if !path.exists() && beside(".key").is_file() && beside(".crt").is_file() {
        return Ok(Files {
            key: beside(".key"),
            rest: Some((beside(".crt"), beside(".cas"))),
        });
    }
    Ok(Files {
        key: path.to_owned(),
        rest: None,
    })
}

fn read_once(path: &Path) -> Result<Identity, IdentityError> {
    let files = files(path)?;
    let text = |file: &Path| {
        fs::read_to_string(file)
            .map(Zeroizing::new)
            .map_err(|error| IdentityError::Io {
                path: file.to_owned(),
                message: match error.kind() {
                    io::ErrorKind::InvalidData => "it is no text".to_owned(),
                    _ => error.to_string(),
                },
            })
    };
    let first = text(&files.key)?;
    let (certificate_path, certificate, authorities) = match &files.rest {
        None => {
            let parts = parse(&first).map_err(|what| IdentityError::Damaged {
                path: files.key.clone(),
                what: what.to_owned(),
            })?;
            (files.key.clone(), parts.certificate, parts.authorities)
        }
        Some((certificate, authorities)) => (
            certificate.clone(),
            Some(text(certificate)?.to_string()),
            vec![text(authorities)?.to_string()],
        ),
    };
    let key = key_pem::to_pkcs8(&first).map_err(|error| IdentityError::Key {
        path: files.key.clone(),
        error,
    })?;
    let certificate = certificate.ok_or_else(|| IdentityError::NoCertificate {
        path: certificate_path.clone(),
    })?;
    let certificate = Certificate::from_pem(certificate.as_bytes()).map_err(|error| {
        match error {
            // Half written, perhaps.
            CertificateError::Pem(_) | CertificateError::BlockCount(0) => IdentityError::Damaged {
                path: certificate_path.clone(),
                what: error.to_string(),
            },
            error => IdentityError::Certificate {
                path: certificate_path.clone(),
                error,
            },
        }
    })?;
    if !key_pem::belongs(&key, &certificate.der) {
        return Err(IdentityError::Mismatch {
            path: path.to_owned(),
        });
    }
    Ok(Identity {
        path: path.to_owned(),
        is_dir: path.is_dir(),
        certificate,
        key,
        host_cas: authorities::by_cluster(&authorities),
        key_path: files.key,
    })
}

/// Whether others than its owner can read a file.
#[cfg(unix)]
pub fn exposed(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o077 != 0)
}

/// Whether others than its owner can read a file: not known here.
#[cfg(not(unix))]
pub fn exposed(_: &Path) -> bool {
    // Access is by lists there, which a mode does not tell.
    false
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    certificate: Option<String>,
    authorities: Vec<String>,
}

/// Sorts the blocks of an identity file: the first is the key, the second the certificate, the others are authorities,
/// whatever their labels; lines of SSH and comments are passed over (credentials.md 4.1).
fn parse(text: &str) -> Result<Parts, &'static str> {
    let mut parts = Parts::default();
    let mut lines = text.lines().map(str::trim);
    let mut blocks = 0;
    while let Some(line) = lines.next() {
        if line.len() > LONGEST_LINE {
            return Err("a line is too long");
        }
        if !line.starts_with("-----BEGIN") {
            continue;
        }
        let mut block = Zeroizing::new(format!("{line}\n"));
        loop {
            let line = lines.next().ok_or("a PEM block has no end")?;
            block.push_str(line);
            block.push('\n');
            if line.starts_with("-----END") {
                break;
            }
        }
        match blocks {
            0 => {}
            1 => parts.certificate = Some(block.to_string()),
            _ => parts.authorities.push(block.to_string()),
        }
        blocks += 1;
    }
    Ok(parts)
}

#[cfg(test)]
#[path = "identity_file_tests.rs"]
mod tests;
