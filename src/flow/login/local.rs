//! Password and one-time code.

use std::time::Duration;

use zeroize::Zeroizing;

use super::Door;
use super::error::{LoginError, Unsupported};
use super::fresh::{Fresh, granted};
use crate::profile::keys::KeyPair;
use crate::webapi::WebError;
use crate::webapi::types::{Base64, Finish, PublicKey};

impl Door {
    /// Sends user and password.
    ///
    /// # Errors
    /// [`LoginError::Web`] with the server's text; [`LoginError::Unsupported`] when only a security key can go on.
    pub async fn begin(self, user: &str, password: &str) -> Result<Begun, LoginError> {
        let challenge = self
            .client
            .login_begin(user, password)
            .await
            .map_err(|e| self.announced(e))?;
        if (challenge.webauthn || challenge.sso) && !challenge.totp {
            return Err(self.unsupported(Unsupported::SecurityKeyOfUser));
        }
        Ok(Begun {
            door: self,
            user: user.to_owned(),
            password: Zeroizing::new(password.to_owned()),
            code: challenge.totp,
        })
    }
}

/// The password was right.
pub struct Begun {
    door: Door,
    user: String,
    password: Zeroizing<String>,
    code: bool,
}

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Begun")
            .field("user", &self.user)
            .field("password", &"****")
            .finish_non_exhaustive()
    }
}

impl Begun {
    /// Tells whether the cluster wants a one-time code.
    pub fn wants_code(&self) -> bool {
        self.code
    }

    /// Sends the code (empty when none is wanted) and the public key; takes the certificate. `clock` gives unix seconds.
    ///
    /// # Errors
    /// [`LoginError::Web`] with the server's text, and everything that makes the certificate useless.
    pub async fn finish(
        self,
        code: &str,
        key: &KeyPair,
        ttl: Option<Duration>,
        clock: &dyn Fn() -> i64,
    ) -> Result<Fresh, LoginError> {
        let Self {
            door,
            user,
            password,
            ..
        } = self;
        let request = Finish {
            user: &user,
            password: &password,
            webauthn_challenge_response: None,
            totp_code: code,
            key: PublicKey::p256(key.public_point(), &door.ping.server()),
            ssh_pub_key: door.ssh_key(key).map(Base64),
            ttl: door.ttl(ttl),
            route_to_cluster: "",
            kubernetes_cluster: "",
        };
        let answer = door
            .client
            .login_finish(&request)
            .await
            .map_err(|error| door.refused(error));
        let now = clock();
        let skew = door.client.server_time().map(|server| now - server);
        let answer = answer.map_err(|error| code_refused(error, code, skew))?;
        let granted = granted(&answer, key, now, skew)?;
        Ok(Fresh::new(door, granted).await)
    }
}

/// Seconds that a code's time may be over before it is refused (login.md 3.4: one period).
const CODE_LIFE: i64 = 30;

/// A code that is made on this computer goes by its clock.
fn code_refused(error: LoginError, code: &str, skew: Option<i64>) -> LoginError {
    match (error, skew.filter(|skew| skew.abs() > CODE_LIFE)) {
        (LoginError::Web(error @ WebError::Status { status: 403, .. }), Some(skew))
            if !code.is_empty() =>
        {
            LoginError::Code {
                error: Box::new(error),
                skew,
            }
        }
        (error, _) => error,
    }
}
