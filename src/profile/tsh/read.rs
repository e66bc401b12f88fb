//! Reading a login that tsh made (credentials.md 3.8). Nothing is written, no file is made.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::super::authorities;
use super::super::key_pem::{self, PrivateKeyError};
use super::{Certificate, HostCas, TshError, TshProfile, is_plain, lock};
use crate::identity::Validity;

/// How often a login that looks half written is looked at again.
const TRIES: u32 = 10;
/// And how long in between.
const NAP: Duration = Duration::from_millis(50);

/// A login that tsh made.
#[derive(Clone, Debug)]
pub struct TshLogin {
    /// Settings of the profile.
    pub profile: TshProfile,
    /// The user certificate.
    pub certificate: Certificate,
    /// Where its key lies.
    pub key_path: PathBuf,
    /// The key, PKCS#8 DER; or why it cannot be used, which does not keep `status` from showing the rest.
    pub key: Result<Zeroizing<Vec<u8>>, TshError>,
    /// Host CAs of all clusters that tsh knows.
    pub host_cas: Vec<HostCas>,
}

/// Reads key, certificate and authorities of a profile. A login that is being written is waited for, for half a second.
///
/// # Errors
/// [`TshError`].
pub fn read(dir: &Path, profile: &TshProfile, now: i64) -> Result<TshLogin, TshError> {
    let mut tries = 1;
    loop {
        let found = read_once(dir, profile, now);
        let passing = match &found {
            Ok(login) => login.key.as_ref().err(),
            Err(error) => Some(error),
        }
        .is_some_and(TshError::may_pass);
        if !passing || tries == TRIES || !begun(dir, profile) {
            return found;
        }
        tries += 1;
        std::thread::sleep(NAP);
    }
}

/// Whether there is anything that another process could be completing.
fn begun(dir: &Path, profile: &TshProfile) -> bool {
    let keys = keys_dir(dir, profile);
    [".key", ".crt", "-x509.pem"]
        .iter()
        .any(|end| keys.join(format!("{}{end}", profile.user)).exists())
}

fn keys_dir(dir: &Path, profile: &TshProfile) -> PathBuf {
    dir.join("keys").join(&profile.name)
}

fn read_once(dir: &Path, profile: &TshProfile, now: i64) -> Result<TshLogin, TshError> {
    let name = &profile.name;
    let user = &profile.user;
    if !is_plain(user) {
        return Err(TshError::damaged(
            &dir.join(format!("{name}.yaml")),
            &format!("{user:?} is no user name"),
        ));
    }
    let keys = keys_dir(dir, profile);
    let pairs = [
        // 17 and later, then 16 and earlier.
        (
            keys.join(format!("{user}.key")),
            keys.join(format!("{user}.crt")),
        ),
        (keys.join(user), keys.join(format!("{user}-x509.pem"))),
    ];
    let mut found = Vec::new();
    for (key, certificate) in &pairs {
        match pair(key, certificate) {
            Ok(Some(pair)) => found.push(Ok((pair, key))),
            Ok(None) => {}
            Err(error) => found.push(Err(error)),
        }
    }
    // After an upgrade of tsh both may be there.
    let valid = |it: &Result<(Pair, &PathBuf), TshError>| {
        it.as_ref()
            .is_ok_and(|(pair, _)| pair.certificate.valid_at(now) == Validity::Valid)
    };
    let at = found.iter().position(valid).unwrap_or(0);
    if found.is_empty() {
        return Err(TshError::NoKey { name: name.clone() });
    }
    let (Pair { certificate, key }, key_path) = found.swap_remove(at)?;
    check(profile, &certificate)?;
    let host_cas = host_cas(&keys)?;
    if !host_cas
        .iter()
        .any(|cas| cas.cluster == certificate.issuer_cluster)
    {
        return Err(TshError::NoAuthority {
            name: name.clone(),
            cluster: certificate.issuer_cluster,
        });
    }
    let policy = &profile.private_key_policy;
    let key = if policy.starts_with("hardware_key") {
        Err(TshError::Hardware {
            name: name.clone(),
            policy: policy.clone(),
        })
    } else {
        key
    };
    Ok(TshLogin {
        profile: profile.clone(),
        certificate,
        key_path: key_path.clone(),
        key,
        host_cas,
    })
}

struct Pair {
    certificate: Certificate,
    key: Result<Zeroizing<Vec<u8>>, TshError>,
}

/// Reads a key and its certificate under tsh's lock; `None` when there is no such pair. An empty key is none: taking the
/// lock makes one.
fn pair(key_path: &Path, certificate_path: &Path) -> Result<Option<Pair>, TshError> {
    let mut file = match File::open(key_path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(TshError::io(key_path, &e)),
    };
    lock::shared(&file, key_path)?;
    let mut key = Zeroizing::new(String::new());
    file.read_to_string(&mut key)
        .map_err(|e| TshError::io(key_path, &e))?;
    let pem = match fs::read(certificate_path) {
        Ok(pem) => pem,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(TshError::io(certificate_path, &e)),
    };
    drop(file);
    if key.trim().is_empty() {
        return Ok(None);
    }
    let certificate =
        Certificate::from_pem(&pem).map_err(|e| TshError::certificate(certificate_path, &e))?;
    let key = match key_pem::to_pkcs8(&key) {
        Ok(key) if key_pem::belongs(&key, &certificate.der) => Ok(key),
        Ok(_) => Err(TshError::Mismatch {
            key: key_path.to_owned(),
            certificate: certificate_path.to_owned(),
        }),
        Err(PrivateKeyError::Missing) => {
            Err(TshError::damaged(key_path, &PrivateKeyError::Missing))
        }
        Err(error) => Err(TshError::Key {
            path: key_path.to_owned(),
            error,
        }),
    };
    Ok(Some(Pair { certificate, key }))
}

fn check(profile: &TshProfile, certificate: &Certificate) -> Result<(), TshError> {
    let identity = &certificate.identity;
    if identity.username != profile.user {
        return Err(TshError::OtherUser {
            name: profile.name.clone(),
            user: profile.user.clone(),
            other: identity.username.clone(),
        });
    }
    if !identity.usage.is_empty() {
        return Err(TshError::Usage {
            name: profile.name.clone(),
            usage: identity.usage.join(", "),
        });
    }
    Ok(())
}

/// Every authority under `cas`; the one file of older versions where that directory is missing (credentials.md 3.6).
fn host_cas(keys: &Path) -> Result<Vec<HostCas>, TshError> {
    let mut texts = Vec::new();
    let cas = keys.join("cas");
    if cas.is_dir() {
        walk(&cas, &mut texts, 4)?;
    } else if let Ok(text) = fs::read_to_string(keys.join("certs.pem")) {
        texts.push(text);
    }
    Ok(authorities::by_cluster(&texts))
}

fn walk(dir: &Path, texts: &mut Vec<String>, depth: u32) -> Result<(), TshError> {
    let entries = fs::read_dir(dir).map_err(|e| TshError::io(dir, &e))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() && depth > 0 {
            walk(&path, texts, depth - 1)?;
        } else if let Ok(text) = fs::read_to_string(&path) {
            texts.push(text);
        }
    }
    Ok(())
}
