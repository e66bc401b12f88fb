//! Time-based one-time codes as the cluster checks them (login.md 3.5).

use totp_rs::{Algorithm, Builder, Secret, Totp};

use super::random::{self, NoRandomness};

/// Seconds for which one code is the current one.
pub const PERIOD: i64 = 30;

/// A user's one-time key.
#[derive(Clone)]
pub struct Key {
    base32: String,
    totp: Totp,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(****)")
    }
}

/// The text is not a usable one-time key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a one-time key is base32 text of at least 16 characters")]
pub struct BadKey;

impl Key {
    /// Makes a new random key of 160 bits.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn generate() -> Result<Self, NoRandomness> {
        let secret = Secret::from(random::bytes::<20>()?.to_vec());
        let base32 = secret.to_base32();
        Ok(Self {
            base32,
            totp: totp(secret),
        })
    }

    /// Reads the base32 spelling.
    ///
    /// # Errors
    /// When the text is no base32 or too short.
    pub fn parse(base32: &str) -> Result<Self, BadKey> {
        let secret = Secret::try_from_base32(base32).map_err(|_| BadKey)?;
        if secret.as_bytes().len() < 10 {
            return Err(BadKey);
        }
        Ok(Self {
            base32: base32.to_owned(),
            totp: totp(secret),
        })
    }

    /// The secret itself, as an authenticator app takes it.
    #[must_use]
    pub fn base32(&self) -> &str {
        &self.base32
    }

    /// The code that is current at `now` (unix seconds).
    #[must_use]
    pub fn code(&self, now: i64) -> String {
        self.totp
            .generate(u64::try_from(now).unwrap_or(0))
            .to_string()
    }

    /// Whether `code` is that of the previous, the current or the next period: exactly six digits.
    #[must_use]
    pub fn accepts(&self, code: &str, now: i64) -> bool {
        code.len() == 6
            && code.bytes().all(|b| b.is_ascii_digit())
            && self
                .totp
                .check(code, u64::try_from(now).unwrap_or(0))
                .is_some()
    }
}

fn totp(secret: Secret) -> Totp {
    let step = PERIOD.unsigned_abs();
    // "Noncompliant" only means that nobody judges the length of a key that is given.
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(1)
        .with_step_duration(step)
        .with_secret(secret)
        .build_noncompliant()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the SHA-1 column (last six digits).
    #[test]
    fn codes_are_those_of_the_standard() {
        let key = Key::parse("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").expect("a key");
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(key.code(time), code);
            assert!(key.accepts(code, time));
        }
    }

    #[test]
    fn three_periods_pass_and_other_spellings_do_not() {
        let key = Key::generate().expect("randomness");
        let now = 1_800_000_000;
        let code = key.code(now);
        for later in [-PERIOD, 0, PERIOD] {
            assert!(key.accepts(&code, now + later));
        }
        assert!(!key.accepts(&code, now + 3 * PERIOD));
        assert!(!key.accepts(&format!("{} {}", &code[..3], &code[3..]), now));
        assert!(!key.accepts("12", now));
        assert!(!key.accepts("", now));
        assert_eq!(
            Key::parse(key.base32())
                .expect("its own spelling")
                .code(now),
            code
        );
        assert_eq!(Key::parse("not base32!").err(), Some(BadKey));
        assert!(!format!("{key:?}").contains(key.base32()));
    }
}
