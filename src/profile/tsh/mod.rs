//! tsh's directory of profiles: read by everything, written by `login --save-tsh-profile` only.
//!
//! ```text
//! HOME/current-profile               name of the profile in use
//! HOME/<host>.yaml                   one for each proxy
//! HOME/keys/<host>/<user>.key, .crt  private key and certificate (17 and later)
//! HOME/keys/<host>/<user>, <user>-x509.pem   the same of 16 and earlier
//! HOME/keys/<host>/cas/*.pem         authorities of the clusters
//! ```
//!
//! Source: credentials.md 3.

mod lock;
mod read;
mod write;
mod yaml;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::HostCas;
use super::key_pem::PrivateKeyError;
use crate::identity::{Certificate, CertificateError};

pub use read::{TshLogin, read};
pub use write::{NewProfile, write};
pub use yaml::TshProfile;

/// Why a profile of tsh cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TshError {
    /// The file system said no.
    #[error("cannot read or write tsh's file {}: {message}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's text.
        message: String,
    },
    /// The file is not what it should be.
    #[error("tsh's file {} is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The profile is there, its keys are not: logged out, or kept in an agent only.
    #[error(
        "tsh's profile {name} has no key on disk: it was logged out, or its key is in an agent only"
    )]
    NoKey {
        /// Name of the profile.
        name: String,
    },
    /// tsh is writing, and does not end.
    #[error("tsh holds {} locked", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The key cannot be used.
    #[error("tsh's key {}: {error}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        error: PrivateKeyError,
    },
    /// The profile demands a key in hardware.
    #[error("tsh's profile {name} uses a hardware key ({policy}), which is not supported")]
    Hardware {
        /// Name of the profile.
        name: String,
        /// `hardware_key`, `hardware_key_touch`, …
        policy: String,
    },
    /// Key and certificate are not of one login.
    #[error("tsh's files {} and {} do not belong together", key.display(), certificate.display())]
    Mismatch {
        /// The key.
        key: PathBuf,
        /// The certificate.
        certificate: PathBuf,
    },
    /// The certificate is somebody else's.
    #[error("tsh's profile {name} says {user}, but its certificate is {other}'s")]
    OtherUser {
        /// Name of the profile.
        name: String,
        /// The profile's user.
        user: String,
        /// The certificate's.
        other: String,
    },
    /// A certificate for databases or the like only; it cannot call the auth service.
    #[error("the certificate of tsh's profile {name} is for {usage} only")]
    Usage {
        /// Name of the profile.
        name: String,
        /// `usage:db`, …
        usage: String,
    },
    /// No authority of the root cluster among the files.
    #[error("tsh's profile {name} has no certificate authority of cluster {cluster}")]
    NoAuthority {
        /// Name of the profile.
        name: String,
        /// The root cluster.
        cluster: String,
    },
}

impl TshError {
    fn io(path: &Path, error: &io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            message: error.to_string(),
        }
    }

    fn damaged(path: &Path, what: &impl ToString) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            what: what.to_string(),
        }
    }

    fn certificate(path: &Path, error: &CertificateError) -> Self {
        Self::damaged(path, error)
    }

    /// Whether a file may just have been caught half written: tsh writes in place.
    fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Damaged { .. }
                | Self::Mismatch { .. }
                | Self::NoKey { .. }
                | Self::NoAuthority { .. }
        )
    }
}

/// The profile that is meant: of `proxy` (`HOST` or `HOST:PORT`) when one is given; else the only one that has `cluster`
/// selected or as its root; else the one that tsh used last. `None`: tsh is not logged in there.
///
/// # Errors
/// [`TshError::Io`], [`TshError::Damaged`] for the file of exactly this profile.
pub fn choose(
    dir: &Path,
    proxy: Option<&str>,
    cluster: Option<&str>,
) -> Result<Option<TshProfile>, TshError> {
    if let Some(proxy) = proxy {
        let (host, port) = split(proxy);
        let found = yaml::load(dir, &host.to_ascii_lowercase())?.or(yaml::load(dir, host)?);
        return Ok(found.filter(|it| port.is_none_or(|port| it.port() == port)));
    }
    let current = current(dir)?;
    let last = match &current {
        Some(name) => yaml::load(dir, name)?,
        None => None,
    };
    if let Some(cluster) = cluster
        && last
            .as_ref()
            .is_none_or(|it| it.selected_cluster() != cluster)
    {
        let mut fitting = names(dir)
            .into_iter()
            .filter_map(|name| yaml::load(dir, &name).ok().flatten())
            .filter(|it| it.selected_cluster() == cluster);
        if let (Some(only), None) = (fitting.next(), fitting.next()) {
            return Ok(Some(only));
        }
    }
    Ok(last)
}

/// Every profile that can be read, by name. Damaged ones are passed over, as tsh passes them over.
pub fn all(dir: &Path) -> Vec<TshProfile> {
    let names = names(dir).into_iter();
    names
        .filter_map(|name| yaml::load(dir, &name).ok().flatten())
        .collect()
}

/// Names of all profiles, sorted. Links are passed over, as tsh passes them over.
pub fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned))
        .collect();
    names.sort();
    names
}

/// Name of the profile that tsh used last.
///
/// # Errors
/// [`TshError::Io`].
pub fn current(dir: &Path) -> Result<Option<String>, TshError> {
    let path = dir.join("current-profile");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|name| is_plain(name))),
        Err(e)
            if e.kind() == io::ErrorKind::NotFound || e.kind() == io::ErrorKind::NotADirectory =>
        {
            Ok(None)
        }
        Err(e) => Err(TshError::io(&path, &e)),
    }
}

/// Whether a name can be part of a path without leading elsewhere: names come from clusters and are used as they are.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0'])
}

/// Host and port of an address; brackets of an IPv6 address are not part of the host.
fn split(address: &str) -> (&str, Option<u16>) {
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().ok())
        }
        _ => (address, None),
    };
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    (bare.unwrap_or(host), port)
}

#[cfg(test)]
mod tests;
