//! Passwords and one-time codes: who may log in (login.md 3).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use super::lockout::Lockout;
use super::random::NoRandomness;
use super::store::{Store, StoreError};
use super::totp::Key;

/// Memory in KiB, passes, lanes: the second recommendation of RFC 9106 would be 64 MiB, too much for a small machine.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// Why nobody is logged in; the texts are those of the wire.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The first step failed, whatever the reason.
    #[error("invalid credentials")]
    InvalidCredentials,
    /// Password or one-time code is wrong, or the code was used before.
    #[error("invalid username, password or second factor")]
    WrongPasswordOrCode,
    /// The password is wrong, where no code is asked for.
    #[error("invalid username or password")]
    WrongPassword,
    /// A code is asked for and none came.
    #[error("missing second factor")]
    MissingSecondFactor,
    /// Too many failures.
    #[error("too many incorrect attempts, please try again later")]
    Locked,
    /// The state cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Making a credential failed.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// No random bytes.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The state cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The password cannot be hashed.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
}

/// Checks logins.
#[derive(Debug)]
pub struct Logins {
    store: Arc<Store>,
    lockout: Lockout,
    /// A hash of no user's password, so that unknown users cost as much time as known ones.
    decoy: String,
    second_factor: AtomicBool,
}

impl Logins {
    /// Uses the credentials in `store`; without `second_factor` a password is enough.
    ///
    /// # Errors
    /// When the failed logins kept in it cannot be read.
    pub fn new(store: Arc<Store>, second_factor: bool) -> Result<Self, StoreError> {
        let decoy = decoy();
        Ok(Self {
            lockout: Lockout::open(Arc::clone(&store))?,
            store,
            decoy,
            second_factor: AtomicBool::new(second_factor),
        })
    }

    /// Reads the failed logins again, after somebody else forgave a user.
    ///
    /// # Errors
    /// When they cannot be read; what is known stays.
    pub fn reload(&self) -> Result<(), StoreError> {
        self.lockout.reload()
    }

    /// Whether a one-time code is asked for.
    #[must_use]
    pub fn second_factor(&self) -> bool {
        self.second_factor.load(Ordering::Relaxed)
    }

    /// Asks for one-time codes from now on, or not any more.
    pub fn set_second_factor(&self, asked: bool) {
        self.second_factor.store(asked, Ordering::Relaxed);
    }

    /// The first step: checks the password and says whether a code will be asked for. Slow on purpose: call it where
    /// blocking is allowed.
    ///
    /// # Errors
    /// [`LoginError::InvalidCredentials`] for every refusal.
    pub fn begin(&self, user: &str, password: &str, now: i64) -> Result<bool, LoginError> {
        let credential = self.store.credential(user)?;
        let right = self.password_is_right(
            credential.as_ref().map(|c| c.password_hash.as_str()),
            password,
        );
        let Some(credential) = credential else {
            return Err(LoginError::InvalidCredentials);
        };
        if self.lockout.is_locked(user, now) {
            return Err(LoginError::InvalidCredentials);
        }
        if !right {
            self.lockout.fail(user, now)?;
            return Err(LoginError::InvalidCredentials);
        }
        self.lockout.succeed(user)?;
        Ok(self.second_factor() && !credential.totp_key.is_empty())
    }

    /// The second step: checks password and code together. An accepted code is used up. Slow on purpose, as the first.
    ///
    /// # Errors
    /// What the wire shows.
    pub fn finish(
        &self,
        user: &str,
        password: &str,
        code: &str,
        now: i64,
    ) -> Result<(), LoginError> {
        let second_factor = self.second_factor();
        if second_factor && code.is_empty() {
            return Err(LoginError::MissingSecondFactor);
        }
        let wrong = || {
            if second_factor {
                LoginError::WrongPasswordOrCode
            } else {
                LoginError::WrongPassword
            }
        };
        let credential = self.store.credential(user)?;
        let right = self.password_is_right(
            credential.as_ref().map(|c| c.password_hash.as_str()),
            password,
        );
        let Some(credential) = credential else {
            return Err(wrong());
        };
        if self.lockout.is_locked(user, now) {
            return Err(LoginError::Locked);
        }
        let code_is_right = || -> Result<bool, StoreError> {
            let known = Key::parse(&credential.totp_key).is_ok_and(|key| key.accepts(code, now));
            // Only with the right password: a stranger must not use up the user's code.
            Ok(known && right && self.store.use_code(user, code)?)
        };
        if !right || (second_factor && !code_is_right()?) {
            return Err(if self.lockout.fail(user, now)? {
                LoginError::Locked
            } else {
                wrong()
            });
        }
        self.lockout.succeed(user)?;
        Ok(())
    }

    fn password_is_right(&self, hash: Option<&str>, password: &str) -> bool {
        let verified = PasswordHash::new(hash.unwrap_or(&self.decoy)).is_ok_and(|parsed| {
            hasher()
                .verify_password(password.as_bytes(), &parsed)
                .is_ok()
        });
        verified && hash.is_some()
    }
}

/// Sets the password of `user` and keeps the one-time key there is, or makes one.
///
/// # Errors
/// When the password cannot be hashed or the state not written.
pub fn set_password(store: &Store, user: &str, password: &str) -> Result<Key, CredentialError> {
    let kept = store
        .credential(user)?
        .and_then(|c| Key::parse(&c.totp_key).ok());
    let key = match kept {
        Some(key) => key,
        None => Key::generate()?,
    };
    store.set_credential(user, &hash_password(password)?, key.base32())?;
    Ok(key)
}

/// Hashes a password, as a PHC string. Slow on purpose.
///
/// # Errors
/// When the password cannot be hashed.
pub fn hash_password(password: &str) -> Result<String, CredentialError> {
    hasher()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|e| CredentialError::Hash(e.to_string()))
}

/// A hash of the usual cost that no password has: making one at each start would take time and 19 MiB.
fn decoy() -> String {
    let (memory, passes, lanes) = COST;
    format!(
        "$argon2id$v=19$m={memory},t={passes},p={lanes}$bm9ib2R5J3Mgc2FsdA$bm9ib2R5J3MgaGFzaCwgMzIgYnl0ZXMgbG9uZy4uLi4"
    )
}

fn hasher() -> Argon2<'static> {
    let (memory, passes, lanes) = COST;
    Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        Params::new(memory, passes, lanes, None).expect("the cost is legal"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::totp::PERIOD;

    const NOW: i64 = 1_800_000_000;

    fn logins(second_factor: bool) -> (tempfile::TempDir, Logins, Key) {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Arc::new(Store::open(&dir.path().join("state.db")).expect("a store"));
        let key = set_password(&store, "alice", "secret").expect("a credential");
        (dir, Logins::new(store, second_factor).expect("logins"), key)
    }

    #[test]
    fn a_code_is_accepted_once() {
        let (_dir, logins, key) = logins(true);
        assert!(
            logins
                .begin("alice", "secret", NOW)
                .expect("the right password")
        );
        let code = key.code(NOW);
        assert!(matches!(
            logins.finish("alice", "wrong", &code, NOW),
            Err(LoginError::WrongPasswordOrCode)
        ));
        logins
            .finish("alice", "secret", &code, NOW)
            .expect("a fresh code, not used up by the wrong password");
        assert!(matches!(
            logins.finish("alice", "secret", &code, NOW),
            Err(LoginError::WrongPasswordOrCode)
        ));
        logins
            .finish("alice", "secret", &key.code(NOW + PERIOD), NOW)
            .expect("another code");
        assert!(matches!(
            logins.finish("alice", "secret", "", NOW),
            Err(LoginError::MissingSecondFactor)
        ));
        assert!(matches!(
            logins.finish("nobody", "secret", &code, NOW),
            Err(LoginError::WrongPasswordOrCode)
        ));
    }

    #[test]
    fn without_a_second_factor_a_code_is_ignored() {
        let (_dir, logins, _) = logins(false);
        assert!(
            !logins
                .begin("alice", "secret", NOW)
                .expect("the right password")
        );
        logins.finish("alice", "secret", "", NOW).expect("no code");
        logins
            .finish("alice", "secret", "000000", NOW)
            .expect("a superfluous code");
        assert!(matches!(
            logins.finish("alice", "x", "", NOW),
            Err(LoginError::WrongPassword)
        ));
    }

    #[test]
    fn a_new_password_keeps_the_key() {
        let (_dir, logins, key) = logins(true);
        let again = set_password(&logins.store, "alice", "other").expect("a new password");
        assert_eq!(again.base32(), key.base32());
        assert!(logins.begin("alice", "secret", NOW).is_err());
        assert!(logins.begin("alice", "other", NOW).is_ok());
        assert!(logins.begin("", "", NOW).is_err());
    }

    #[test]
    fn the_decoy_costs_as_much_as_a_password() {
        let decoy = decoy();
        let parsed = PasswordHash::new(&decoy).expect("a PHC string");
        let real = hash_password("correct horse battery").expect("a hash");
        let real = PasswordHash::new(&real).expect("a PHC string");
        assert_eq!(parsed.params, real.params);
        assert_eq!(parsed.algorithm, real.algorithm);
        assert_eq!(
            parsed.hash.map(|h| h.len()),
            real.hash.map(|h| h.len()),
            "the output is as long"
        );
    }
}
