//! Database certificates of a login, kept for its next command.
//!
//! ```text
//! HOME/certs/<proxy>/<id>.json  one certificate: what for, whose, and which wishes led to it
//! ```
//!
//! A kept certificate is for the key of its login (credentials.md 6.1: tsh does so with RSA keys), so the files hold no secret
//! and are worth nothing once the login's key is gone. They go with the login: at logout, at the next login, at their end.
//! Each file is one whole state, written beside its place and renamed; two commands that keep the same certificate at the
//! same time leave one of the two. Only what is read back, belongs to this very login and leads to the same target counts.

use std::fs;
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::files::{ProfileError, private_dir, write_atomic};
use super::{Home, VERSION};

/// Most certificates kept for one proxy.
const MOST: usize = 64;
/// Most wishes remembered with one certificate.
const MOST_WISHES: usize = 16;
/// No file of ours is larger, bytes.
const LARGEST: u64 = 128 * 1024;

/// What a certificate leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeptTarget {
    /// The cluster that owns the database.
    pub cluster: String,
    /// Name of the database resource.
    pub database: String,
    /// Its protocol.
    pub protocol: String,
    /// Database user.
    pub user: String,
    /// Database name.
    pub name: String,
    /// Requested database roles, sorted; empty means all allowed ones.
    pub roles: Vec<String>,
}

/// What was typed: the same words lead to the same target until the cluster says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptWish {
    /// The cluster that owns the database.
    pub cluster: String,
    /// Name of the database resource, whole.
    pub database: String,
    /// Database user, when one was named.
    #[serde(default)]
    pub user: Option<String>,
    /// Database name, when one was named.
    #[serde(default)]
    pub name: Option<String>,
    /// Database roles asked for, sorted.
    #[serde(default)]
    pub roles: Vec<String>,
}

/// One kept certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptCert {
    /// Layout of the file.
    pub version: u32,
    /// SHA-256 of the login's certificate, in hexadecimal digits.
    pub login: String,
    /// What it leads to.
    pub target: KeptTarget,
    /// The user is made on the way.
    #[serde(default)]
    pub automatic: bool,
    /// Database roles that the user had when the certificate was issued; empty for shared accounts.
    #[serde(default)]
    pub granted: Vec<String>,
    /// What may be typed for it.
    #[serde(default)]
    pub wishes: Vec<KeptWish>,
    /// The certificate, PEM.
    pub cert_pem: String,
    /// First moment at which it is no longer valid, unix seconds.
    pub not_after: i64,
}

impl KeptCert {
    /// Notes one more wish that leads here; the oldest one goes when there are too many.
    pub fn add_wish(&mut self, wish: &KeptWish) {
        self.wishes.retain(|known| known != wish);
        self.wishes.push(wish.clone());
        if self.wishes.len() > MOST_WISHES {
            self.wishes.remove(0);
        }
    }
}

/// The kept certificates of one login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certs {
    dir: PathBuf,
    login: String,
}

impl Home {
    /// The certificates kept for the login at `proxy` whose certificate is `login_der`.
    pub fn certs(&self, proxy: &str, login_der: &[u8]) -> Certs {
        Certs {
            dir: self.certs_of(proxy),
            login: hex(digest(&SHA256, login_der).as_ref()),
        }
    }

    fn certs_of(&self, proxy: &str) -> PathBuf {
        let profile = self.profile_path(proxy);
        let name = profile.file_stem().unwrap_or_default();
        self.dir.join("certs").join(name)
    }

    /// Removes every certificate kept for logins at `proxy`.
    pub(super) fn forget_certs(&self, proxy: &str) {
        // Best effort: without the login's key they open nothing.
        let _ = fs::remove_dir_all(self.certs_of(proxy));
    }
}

impl Certs {
    /// All that are valid after `now`, unix seconds, sorted by cluster, database and the rest of their targets. Damaged and
    /// foreign files are as good as none.
    pub fn all(&self, now: i64) -> Vec<KeptCert> {
        let mut found: Vec<KeptCert> = self
            .files()
            .iter()
            .filter_map(|path| read(path))
            .filter(|kept| kept.login == self.login && kept.not_after > now)
            .collect();
        found.sort_by(|a, b| order(&a.target).cmp(&order(&b.target)));
        found
    }

    /// The one for exactly this target.
    pub fn get(&self, target: &KeptTarget, now: i64) -> Option<KeptCert> {
        read(&self.path(target)).filter(|kept| {
            kept.login == self.login && kept.target == *target && kept.not_after > now
        })
    }

    /// The one that these words led to.
    pub fn for_wish(&self, wish: &KeptWish, now: i64) -> Option<KeptCert> {
        let mut fitting = self.all(now);
        fitting.retain(|kept| kept.wishes.contains(wish));
        // Two would contradict each other.
        match fitting.len() {
            1 => fitting.pop(),
            _ => None,
        }
    }

    /// Keeps one, with its layout and login filled in; its wishes no longer lead anywhere else. What has expired goes, and the
    /// ones that end first when there are too many.
    ///
    /// # Errors
    /// [`ProfileError`]; nothing depends on a kept certificate, so a caller may go on without it.
    pub fn keep(&self, kept: &KeptCert, now: i64) -> Result<(), ProfileError> {
        let kept = KeptCert {
            version: VERSION,
            login: self.login.clone(),
            ..kept.clone()
        };
        private_dir(&self.dir)?;
        self.sweep(&kept, now);
        write(&self.path(&kept.target), &kept)
    }

    /// Removes the one for this target.
    pub fn remove(&self, target: &KeptTarget) {
        // Best effort: one that stays is refused again, and costs a moment.
        let _ = fs::remove_file(self.path(target));
    }

    fn sweep(&self, new: &KeptCert, now: i64) {
        let place = self.path(&new.target);
        let mut others = Vec::new();
        for path in self.files().into_iter().filter(|path| *path != place) {
            match read(&path) {
                Some(mut other) if other.not_after > now => {
                    let before = other.wishes.len();
                    if other.login == self.login {
                        other.wishes.retain(|wish| !new.wishes.contains(wish));
                    }
                    if other.wishes.len() != before {
                        let _ = write(&path, &other);
                    }
                    others.push((other.not_after, path));
                }
                // Best effort, as all of it: what stays counts for nothing.
                _ => drop(fs::remove_file(&path)),
            }
        }
        others.sort();
        let spare = (others.len() + 1).saturating_sub(MOST);
        for (_, path) in others.drain(..spare) {
            let _ = fs::remove_file(path);
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
            .collect()
    }

    fn path(&self, target: &KeptTarget) -> PathBuf {
        let what = serde_json::to_vec(&(&self.login, target)).expect("plain data");
        let id = hex(&digest(&SHA256, &what).as_ref()[..16]);
        self.dir.join(id + ".json")
    }
}

fn order(target: &KeptTarget) -> [&str; 4] {
    [
        &target.cluster,
        &target.database,
        &target.user,
        &target.name,
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write(path: &Path, kept: &KeptCert) -> Result<(), ProfileError> {
    write_atomic(path, &serde_json::to_vec(kept).expect("plain data"))
}

fn read(path: &Path) -> Option<KeptCert> {
    if fs::metadata(path).ok()?.len() > LARGEST {
        return None;
    }
    let kept: KeptCert = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    (kept.version == VERSION).then_some(kept)
}

#[cfg(test)]
#[path = "certs_tests.rs"]
mod tests;
