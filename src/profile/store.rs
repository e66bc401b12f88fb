//! Reading and writing the files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::files::{ProfileError, private_dir, write_atomic};
use super::keys::{self, KeyError};
use super::lock::{Lock, PATIENCE};
use super::{Home, HostCas, KeyLocation, Profile, VERSION};

fn file_name(proxy: &str) -> String {
    let mut name = String::with_capacity(proxy.len() + 5);
    for c in proxy.to_ascii_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' | '.' | '-' => name.push(c),
            ':' => name.push('_'),
            other => {
                let mut utf8 = [0; 4];
                for byte in other.encode_utf8(&mut utf8).bytes() {
                    name.push_str(&format!("%{byte:02x}"));
                }
            }
        }
    }
    name + ".json"
}

impl Home {
    pub(super) fn keys_dir(&self) -> PathBuf {
        self.dir.join("keys")
    }

    fn profiles_dir(&self) -> PathBuf {
        self.dir.join("profiles")
    }

    /// The file that holds the profile of a proxy, whether it exists or not.
    pub fn profile_path(&self, proxy: &str) -> PathBuf {
        self.profiles_dir().join(file_name(proxy))
    }

    pub(super) fn lock(&self) -> Result<Lock, ProfileError> {
        private_dir(&self.dir)?;
        Lock::take(&self.dir.join("lock"), PATIENCE)
    }

    /// Reads the profile that is meant: the selected proxy's, else the one used last. `None`: not logged in.
    ///
    /// # Errors
    /// [`ProfileError`] when the file is there and of no use.
    pub fn current(&self) -> Result<Option<Profile>, ProfileError> {
        let last = self.read_current()?;
        let Some(wanted) = &self.selected else {
            return last.map_or(Ok(None), |name| read(&self.profiles_dir().join(name)));
        };
        if let Some(name) = last
            && let Ok(Some(profile)) = read(&self.profiles_dir().join(name))
            && profile.answers_to(wanted)
        {
            return Ok(Some(profile));
        }
        self.find(wanted)
    }

    /// Reads the profile of a proxy given as `HOST:PORT` or `HOST`. `None` when there is none.
    ///
    /// # Errors
    /// [`ProfileError`] when the file of exactly this proxy is of no use.
    pub fn find(&self, proxy: &str) -> Result<Option<Profile>, ProfileError> {
        if let Some(exact) = read(&self.profile_path(proxy))? {
            return Ok(Some(exact));
        }
        Ok(self
            .all()?
            .into_iter()
            .filter_map(Result::ok)
            .find(|p| p.answers_to(proxy)))
    }

    /// Reads every profile, in the order of their file names.
    ///
    /// # Errors
    /// [`ProfileError`] when the directory cannot be read; damaged files are elements.
    pub fn all(&self) -> Result<Vec<Result<Profile, ProfileError>>, ProfileError> {
        let dir = self.profiles_dir();
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(ProfileError::io("read", &dir, &e)),
        };
        let mut paths: Vec<PathBuf> = entries
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
            .collect();
        paths.sort();
        Ok(paths
            .iter()
            .filter_map(|path| read(path).transpose())
            .collect())
    }

    /// Writes a profile, makes it the current one, and removes the key of the login it replaces.
    ///
    /// # Errors
    /// [`ProfileError`]; the former profile is then still whole.
    pub fn save(&self, profile: &Profile) -> Result<(), ProfileError> {
        let _lock = self.lock()?;
        private_dir(&self.profiles_dir())?;
        let path = self.profile_path(&profile.proxy);
        let former = match read(&path) {
            Ok(former) => former,
            Err(ProfileError::Damaged { .. } | ProfileError::Newer { .. }) => {
                // Kept for whoever wants to look at it.
                let aside = path.with_extension("json.damaged");
                fs::rename(&path, &aside).map_err(|e| ProfileError::io("set aside", &path, &e))?;
                None
            }
            Err(other) => return Err(other),
        };
        let json = serde_json::to_vec_pretty(profile).expect("a profile is plain data");
        write_atomic(&path, &json)?;
        self.write_current(&path)?;
        if former
            .as_ref()
            .is_none_or(|former| former.tls_cert_pem != profile.tls_cert_pem)
        {
            self.forget_certs(&profile.proxy);
        }
        if let Some(former) = former
            && former.key != profile.key
        {
            // Best effort: the old key opens nothing once its certificate is gone.
            let _ = keys::remove(self, &former.key);
        }
        Ok(())
    }

    /// Adds the host CAs of a leaf to the saved profile of this login; nothing happens when another login has taken its place.
    ///
    /// # Errors
    /// [`ProfileError`]; the saved profile is then as it was.
    pub fn keep_host_cas(&self, profile: &Profile, leaf: &HostCas) -> Result<(), ProfileError> {
        let path = self.profile_path(&profile.proxy);
        if !path.exists() {
            return Ok(());
        }
        let _lock = self.lock()?;
        let Some(mut saved) =
            read(&path)?.filter(|saved| saved.tls_cert_pem == profile.tls_cert_pem)
        else {
            return Ok(());
        };
        saved.host_cas.retain(|cas| cas.cluster != leaf.cluster);
        saved.host_cas.push(leaf.clone());
        let json = serde_json::to_vec_pretty(&saved).expect("a profile is plain data");
        write_atomic(&path, &json)
    }

    /// Changes a saved profile; does nothing where there is none, or it is of no use.
    ///
    /// # Errors
    /// [`ProfileError`] when it cannot be written.
    pub fn update(
        &self,
        proxy: &str,
        change: impl FnOnce(&mut Profile),
    ) -> Result<(), ProfileError> {
        let path = self.profile_path(proxy);
        if !path.exists() {
            return Ok(());
        }
        let _lock = self.lock()?;
        let Ok(Some(mut profile)) = read(&path) else {
            return Ok(());
        };
        change(&mut profile);
        let json = serde_json::to_vec_pretty(&profile).expect("a profile is plain data");
        write_atomic(&path, &json)
    }

    /// Makes a saved profile the current one.
    ///
    /// # Errors
    /// [`ProfileError`] when the pointer cannot be written.
    pub fn make_current(&self, profile: &Profile) -> Result<(), ProfileError> {
        let _lock = self.lock()?;
        self.write_current(&self.profile_path(&profile.proxy))
    }

    /// Tells whether this is the profile used last.
    pub fn is_current(&self, profile: &Profile) -> bool {
        let name = file_name(&profile.proxy);
        self.read_current()
            .is_ok_and(|current| current.is_some_and(|c| c == name))
    }

    /// Removes a profile and its key.
    ///
    /// # Errors
    /// [`ProfileError`] when the profile cannot be removed. That the key could not be is the inner result.
    pub fn remove(&self, profile: &Profile) -> Result<Result<(), KeyError>, ProfileError> {
        let _lock = self.lock()?;
        let was_current = self.is_current(profile);
        self.forget_certs(&profile.proxy);
        let path = self.profile_path(&profile.proxy);
        let replaced = read(&path).ok().flatten().map(|now| now.key);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(ProfileError::io("remove", &path, &e));
            }
            _ => {}
        }
        if was_current {
            let pointer = self.dir.join("current");
            fs::remove_file(&pointer).map_err(|e| ProfileError::io("remove", &pointer, &e))?;
        }
        // Last: whoever read the profile just before finds it gone when the key is, and not a profile without a key.
        if let Some(key) = replaced.filter(|key| *key != profile.key) {
            // Another process logged in since the caller read the profile. Best effort: its profile is gone.
            let _ = keys::remove(self, &key);
        }
        Ok(keys::remove(self, &profile.key))
    }

    /// The path of a key file, for [`KeyLocation::File`].
    pub fn key_path(&self, location: &KeyLocation) -> Option<PathBuf> {
        match location {
            KeyLocation::File { name } => Some(self.keys_dir().join(name)),
            KeyLocation::Elsewhere { path } => Some(path.clone()),
            KeyLocation::Keychain { .. } => None,
        }
    }

    fn write_current(&self, path: &Path) -> Result<(), ProfileError> {
        let name = path
            .file_name()
            .expect("profile paths end in a name")
            .to_string_lossy();
        write_atomic(&self.dir.join("current"), name.as_bytes())
    }

    fn read_current(&self) -> Result<Option<String>, ProfileError> {
        let path = self.dir.join("current");
        match fs::read_to_string(&path) {
            // Only a plain file name: the pointer never leads out of the directory.
            Ok(name) if !name.trim().is_empty() && !name.contains(['/', '\\']) => {
                Ok(Some(name.trim().to_owned()))
            }
            Ok(_) => Ok(None),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) if e.kind() == io::ErrorKind::InvalidData => Ok(None),
            Err(e) => Err(ProfileError::io("read", &path, &e)),
        }
    }
}

/// Reads one profile file; `None` when there is none.
fn read(path: &Path) -> Result<Option<Profile>, ProfileError> {
    match fs::read(path) {
        Ok(bytes) => parse(&bytes, path).map(Some),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(ProfileError::io("read", path, &e)),
    }
}

/// Decodes a profile; `path` is for the error only.
///
/// # Errors
/// [`ProfileError::Damaged`], [`ProfileError::Newer`].
pub fn parse(bytes: &[u8], path: &Path) -> Result<Profile, ProfileError> {
    let damaged = |what: String| ProfileError::Damaged {
        path: path.to_owned(),
        what,
    };
    if bytes.is_empty() {
        return Err(damaged("the file is empty".to_owned()));
    }
    match serde_json::from_slice::<Profile>(bytes) {
        Ok(profile) if profile.version <= VERSION => Ok(profile),
        Ok(profile) => Err(ProfileError::Newer {
            path: path.to_owned(),
            found: profile.version.into(),
        }),
        Err(error) => {
            // A newer layout need not even decode.
            let newer = serde_json::from_slice::<serde_json::Value>(bytes)
                .ok()
                .and_then(|v| v.get("version")?.as_u64())
                .filter(|v| *v > u64::from(VERSION));
            Err(match newer {
                Some(found) => ProfileError::Newer {
                    path: path.to_owned(),
                    found,
                },
                None => damaged(error.to_string()),
            })
        }
    }
}
