//! Single sign-on: somebody else vouches for the person, in a browser (login.md 6).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom, SystemRandom};

use super::callback::{Callback, Start};
use super::error::{LoginError, Unsupported};
use super::fresh::{Fresh, granted};
use super::{Door, unmet_policy};
use crate::profile::keys::KeyPair;
use crate::webapi::Console;
use crate::webapi::types::PublicKey;

/// Who vouches for the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connector {
    /// `github`, `oidc` or `saml`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What people call it; never empty.
    pub display: String,
}

impl Door {
    /// The single sign-on that is the way in here.
    pub fn sso(&self) -> Option<Connector> {
        let auth = &self.ping.auth;
        let connector = auth.sso()?;
        let display = if connector.display.is_empty() {
            &connector.name
        } else {
            &connector.display
        };
        Some(Connector {
            kind: auth.kind.clone(),
            name: connector.name.clone(),
            display: display.clone(),
        })
    }

    /// Tells the cluster that somebody comes by single sign-on, and learns where the browser has to go. `clock` gives unix
    /// seconds.
    ///
    /// # Errors
    /// [`LoginError::Web`] with the server's text.
    pub async fn console(
        self,
        callback: Callback,
        key: &KeyPair,
        ttl: Option<Duration>,
        clock: &dyn Fn() -> i64,
    ) -> Result<Away, LoginError> {
        let Some(connector) = self.sso() else {
            return Err(self.unsupported(Unsupported::Kind(self.ping.auth.kind.clone())));
        };
        let mut verifier = [0; 32];
        SystemRandom::new()
            .fill(&mut verifier)
            .expect("the operating system gives random numbers");
        let verifier = URL_SAFE_NO_PAD.encode(verifier);
        let redirect_url = callback.redirect_url();
        let key_field = PublicKey::p256(key.public_point(), &self.ping.server());
        let mut request = Console::new(&redirect_url, key_field, self.ttl(ttl), &connector.name);
        request.ssh_pub_key = self.ssh_key(key);
        request.pkce_verifier = &verifier;
        request.client_version = &self.ping.server_version;
        let answer = self
            .client
            .console(&connector.kind, &request)
            .await
            .map_err(|error| self.refused(error))?;
        // Taken now: the person may be away for minutes.
        let skew = self.client.server_time().map(|server| clock() - server);
        let useless = |what: &str| LoginError::Answer(what.to_owned());
        let start = if answer.post_form.is_empty() {
            if answer.redirect_url.is_empty() {
                return Err(useless("it does not say where the browser has to go"));
            }
            Start::Address(answer.redirect_url)
        } else {
            let page = STANDARD.decode(&answer.post_form);
            Start::Page(page.map_err(|_| useless("the form for the browser is no base64"))?)
        };
        Ok(Away {
            door: self,
            callback,
            start,
            skew,
        })
    }
}

/// Somebody has to go to the browser now.
#[derive(Debug)]
pub struct Away {
    door: Door,
    callback: Callback,
    start: Start,
    skew: Option<i64>,
}

impl Away {
    /// What to open in the browser.
    pub fn link(&self) -> String {
        self.callback.link()
    }

    /// Waits for the browser to bring the answer. `clock` gives unix seconds.
    ///
    /// # Errors
    /// [`LoginError::Refused`] with the text of the cluster or of the identity provider, [`LoginError::NoCallback`] after
    /// `patience`, [`LoginError::Unsupported`] when a key made by software is not enough, and everything that makes the
    /// certificate useless.
    pub async fn wait(
        self,
        key: &KeyPair,
        patience: Duration,
        clock: &dyn Fn() -> i64,
    ) -> Result<Fresh, LoginError> {
        let Self {
            door,
            callback,
            start,
            skew,
        } = self;
        let check = |answer: &_| granted(answer, key, clock(), skew);
        match callback.wait(start, door.proxy(), patience, check).await {
            Ok(granted) => Ok(Fresh::new(door, granted).await),
            Err(LoginError::Refused { message, .. }) if unmet_policy(&message).is_some() => {
                let policy = unmet_policy(&message).unwrap_or_default();
                Err(door.unsupported(Unsupported::HardwareKey(policy)))
            }
            Err(other) => Err(other),
        }
    }
}
