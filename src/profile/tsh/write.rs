//! Writing a profile that tsh takes for its own (credentials.md 3.9), beside the others that are there.
//!
//! As tsh does it: files are written in place, key and certificate under tsh's lock on the key, `known_hosts` under its own
//! lock. Nothing else is ever created in `<user>-ssh` and `<user>-db`, where tsh reads every file.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::super::HostCas;
use super::{TshError, is_plain, lock, split};

/// What a profile of tsh consists of.
#[derive(Clone)]
pub struct NewProfile<'a> {
    /// `host:port` of the web port.
    pub proxy: &'a str,
    /// Teleport user.
    pub user: &'a str,
    /// The root cluster.
    pub cluster: &'a str,
    /// Everything is on the web port, told apart by ALPN.
    pub tls_routing: bool,
    /// A load balancer in front needs the connection upgrade.
    pub upgrade: bool,
    /// The connector, when one was named.
    pub connector: Option<&'a str>,
    /// Private key of the certificate, PEM.
    pub key_pem: &'a str,
    /// User certificate, PEM.
    pub certificate_pem: &'a str,
    /// Private key of the SSH certificate, PEM.
    pub ssh_key_pem: &'a str,
    /// Its public key: one line without a comment.
    pub ssh_public: &'a str,
    /// SSH certificate, one line.
    pub ssh_certificate: &'a str,
    /// Host CAs, of the root at least.
    pub host_cas: &'a [HostCas],
    /// SSH keys of host authorities: cluster, then a line of `authorized_keys`.
    pub ssh_authorities: &'a [(String, String)],
}

/// Trees of a former login of the same user, whose keys fit no longer.
const TREES: [&str; 5] = ["-ssh", "-db", "-app", "-kube", "-windowsdesktop"];

/// Writes the profile and makes it tsh's current one.
///
/// # Errors
/// [`TshError`]. Names that would lead out of the directory are refused before anything is written.
pub fn write(dir: &Path, new: &NewProfile<'_>) -> Result<(), TshError> {
    let name = split(new.proxy).0;
    for part in [name, new.user, new.cluster]
        .into_iter()
        .chain(new.host_cas.iter().map(|cas| cas.cluster.as_str()))
    {
        if !is_plain(part) {
            return Err(TshError::damaged(
                dir,
                &format!("{part:?} cannot be a file name"),
            ));
        }
    }
    let keys = dir.join("keys").join(name);
    let user = |end: &str| keys.join(format!("{}{end}", new.user));
    directory(&keys)?;
    for end in TREES {
        remove_tree(&user(end))?;
    }
    for end in ["-x509.pem", "kube_credentials.lock"] {
        remove(&user(end))?;
    }
    let key_path = user(".key");
    let mut key = open(&key_path, 0o600)?;
    lock::exclusive(&key, &key_path)?;
    replace(&mut key, &key_path, new.key_pem.as_bytes())?;
    put(&user(".crt"), 0o600, new.certificate_pem)?;
    drop(key);
    put(&user(""), 0o600, new.ssh_key_pem)?;
    put(&user(".pub"), 0o600, new.ssh_public)?;
    let ssh = user("-ssh");
    directory(&ssh)?;
    put(
        &ssh.join(format!("{}-cert.pub", new.cluster)),
        0o600,
        new.ssh_certificate,
    )?;
    authorities(&keys, new.host_cas)?;
    known_hosts(dir, name, new.ssh_authorities)?;
    put(&dir.join(format!("{name}.yaml")), 0o660, &yaml(new))?;
    put(&dir.join("current-profile"), 0o660, &format!("{name}\n"))
}

fn authorities(keys: &Path, host_cas: &[HostCas]) -> Result<(), TshError> {
    let cas = keys.join("cas");
    directory(&cas)?;
    let mut all = String::new();
    for of in host_cas {
        let text = of.certs_pem.concat();
        put(&cas.join(format!("{}.pem", of.cluster)), 0o640, &text)?;
        all.push_str(&text);
        all.push('\n');
    }
    put(&keys.join("certs.pem"), 0o640, &all)
}

/// Adds a line for each authority that is not there yet; the others stay as they are.
fn known_hosts(dir: &Path, host: &str, new: &[(String, String)]) -> Result<(), TshError> {
    let path = dir.join("known_hosts");
    let mut file = open(&path, 0o600)?;
    lock::exclusive(&file, &path)?;
    let mut text = String::new();
    file.read_to_string(&mut text)
        .map_err(|e| TshError::io(&path, &e))?;
    let mut added = text.clone();
    if !added.is_empty() && !added.ends_with('\n') {
        added.push('\n');
    }
    for (cluster, key) in new {
        let mut words = key.split_ascii_whitespace();
        let (Some(kind), Some(blob)) = (words.next(), words.next()) else {
            continue;
        };
        let line = format!("@cert-authority {host},{cluster},*.{cluster} {kind} {blob} type=host");
        if !added.lines().any(|known| known == line) {
            added.push_str(&line);
            added.push('\n');
        }
    }
    if added == text {
        return Ok(());
    }
    replace(&mut file, &path, added.as_bytes())
}

fn yaml(new: &NewProfile<'_>) -> String {
    let mut lines = vec![format!("web_proxy_addr: {}", scalar(new.proxy))];
    if new.tls_routing {
        lines.push(format!("ssh_proxy_addr: {}", scalar(new.proxy)));
        lines.push(format!("postgres_proxy_addr: {}", scalar(new.proxy)));
    }
    lines.push(format!("user: {}", scalar(new.user)));
    lines.push(format!("cluster: {}", scalar(new.cluster)));
    lines.push("dir: \"\"".to_owned());
    if new.tls_routing {
        lines.push("tls_routing_enabled: true".to_owned());
    }
    if new.upgrade {
        lines.push("tls_routing_conn_upgrade_required: true".to_owned());
    }
    if let Some(connector) = new.connector {
        lines.push(format!("auth_connector: {}", scalar(connector)));
    }
    lines.extend(
        [
            "mfa_mode: auto",
            "private_key_policy: \"\"",
            "piv_slot: \"\"",
            "piv_pin_cache_ttl: 0s",
            "missingclusterdetails: false",
            "ssh_dial_timeout: 30s",
        ]
        .map(str::to_owned),
    );
    lines.join("\n") + "\n"
}

/// A text as a scalar: plain when nothing in it means anything to YAML, else in double quotes, where JSON's are YAML's.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(':')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-@:+".contains(c))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    if plain {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

fn directory(path: &Path) -> Result<(), TshError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|e| TshError::io(path, &e))
}

/// Opens for reading and writing, making the file with this mode where it is missing, and leaving its content.
fn open(path: &Path, mode: u32) -> Result<File, TshError> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path).map_err(|e| TshError::io(path, &e))
}

fn put(path: &Path, mode: u32, content: &str) -> Result<(), TshError> {
    let mut file = open(path, mode)?;
    replace(&mut file, path, content.as_bytes())
}

fn replace(file: &mut File, path: &Path, content: &[u8]) -> Result<(), TshError> {
    let mut go = || {
        file.rewind()?;
        file.set_len(0)?;
        file.write_all(content)?;
        file.sync_all()
    };
    go().map_err(|e| TshError::io(path, &e))
}

fn remove(path: &PathBuf) -> Result<(), TshError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(TshError::io(path, &e)),
        _ => Ok(()),
    }
}

fn remove_tree(path: &PathBuf) -> Result<(), TshError> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(TshError::io(path, &e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
