//! Proof that a new process in a new session of the same user reads a keychain entry back.
//!
//! On Linux the key must come from the user's *persistent* keyring, the only one that another shell, a cron job or a systemd
//! unit shares with us; `keychain` takes it out of the session's own keyring when it writes it. So what the child finds, it
//! found the way any other session does. On the other platforms the keychain belongs to the user, and a child is proof enough.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ring::digest::{SHA256, digest};

use super::{KEYCHAIN_PATIENCE, KeyError, KeyLocation, keychain};

/// Answers whether a new session reads the entry as exactly these bytes, before the deadline.
pub type Proof<'a> = dyn Fn(&KeyLocation, &[u8], Instant) -> Result<(), KeyError> + 'a;

/// Runs `program util probe-key LOCATION`, i.e. [`probe`], and compares what it saw. The child is killed when the
/// deadline passes.
///
/// # Errors
/// [`KeyError::NotShared`], [`KeyError::Timeout`].
pub fn by_own_program(
    program: &Path,
    location: &KeyLocation,
    key: &[u8],
    deadline: Instant,
) -> Result<(), KeyError> {
    let not_shared = |what: String| KeyError::NotShared(what);
    let json = serde_json::to_string(location).expect("a location is plain data");
    let mut child = Command::new(program)
        .args(["util", "probe-key", &json])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| not_shared(format!("cannot start {}: {e}", program.display())))?;
    loop {
        match child.try_wait() {
            Ok(Some(_)) => break,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(1)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(KeyError::Timeout(KEYCHAIN_PATIENCE));
            }
            Err(e) => return Err(not_shared(e.to_string())),
        }
    }
    // The answer is 64 characters, far below what a pipe holds, so waiting first cannot block the child.
    let output = child
        .wait_with_output()
        .map_err(|e| not_shared(e.to_string()))?;
    let seen = String::from_utf8_lossy(&output.stdout);
    if seen.trim() == fingerprint(key) {
        Ok(())
    } else {
        Err(not_shared("a new session does not find it".to_owned()))
    }
}

/// The other side: leaves the session of the caller, reads the entry, returns the SHA-256 of what it found.
///
/// # Errors
/// [`KeyError`] when nothing is found or the keychain fails.
pub fn probe(location: &str) -> Result<String, KeyError> {
    let location: KeyLocation = serde_json::from_str(location)
        .map_err(|e| KeyError::NotShared(format!("no location of a key: {e}")))?;
    #[cfg(unix)]
    {
        // Fails only for a process that leads its group already, e.g. when a person types the command.
        let _ = rustix::process::setsid();
    }
    let key = keychain::get(&location, Instant::now() + KEYCHAIN_PATIENCE)?;
    match key {
        Some(key) => Ok(fingerprint(&key)),
        None => Err(KeyError::NotShared("no such entry".to_owned())),
    }
}

fn fingerprint(key: &[u8]) -> String {
    digest(&SHA256, key)
        .as_ref()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}
