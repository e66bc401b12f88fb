//! From a proxy's address to a certificate: discovery, then password and one-time code, or a single sign-on.
//!
//! [`discover`] → [`Door::begin`] → [`Begun::finish`] → [`Fresh`]; whoever calls asks the person in between. From `begin` on
//! everything is on one connection. For a single sign-on: [`discover`], [`Callback::open`], [`Door::console`] →
//! [`Away::wait`] → [`Fresh`], while a browser goes to [`Away::link`].

mod address;
mod callback;
mod error;
mod fresh;
mod local;
mod ssh;
mod sso;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::network::{self, UpgradeTest};
use crate::compat;
use crate::profile::keys::KeyPair;
use crate::transport::network_env::NetworkEnv;
use crate::transport::route::{Network, Route};
use crate::transport::trust::Trust;
use crate::webapi::types::Ping;
use crate::webapi::{Client, WebError};

use address::ANNOUNCED_PORT;
pub use address::candidates;
pub(super) use address::web_address;
pub use callback::{Callback, Listen};
pub use error::{LoginError, Unsupported};
pub use fresh::Fresh;
pub use local::Begun;
pub use ssh::Ssh;
pub use sso::{Away, Connector};

/// Asked for when neither the user nor the cluster says anything.
const DEFAULT_TTL: Duration = Duration::from_secs(12 * 3600);

/// A proxy that was found, and what it wants.
#[derive(Debug)]
pub struct Door {
    client: Client,
    ping: Ping,
    trust: Trust,
    asked: String,
    /// The connector that was asked for by name.
    connector: Option<String>,
    test: UpgradeTest,
}

/// Asks each address at the same time, and takes the first that answers like a proxy. Then goes on with the address that the
/// cluster announces (login.md 2.4). Beside that, it is tested whether connections have to be upgraded. `connector`: asks for
/// this way to log in instead of the cluster's default, e.g. `local`.
///
/// # Errors
/// [`LoginError::Web`] for a single address, [`LoginError::NoProxy`] for several.
pub async fn discover(
    addresses: &[String],
    trust: &Trust,
    connector: Option<&str>,
    env: &Arc<NetworkEnv>,
) -> Result<Door, LoginError> {
    let route = |addr: &str| Route::new(addr, trust, &Network::default(), env);
    let mut tries = JoinSet::new();
    for addr in addresses {
        let client = Client::new(route(addr))?;
        let test = UpgradeTest::start(client.route());
        let connector = connector.map(str::to_owned);
        tries.spawn(async move {
            let answer = client.ping(connector.as_deref()).await;
            answer.map(|ping| (client, ping, test))
        });
    }
    let mut failures = Vec::new();
    let (mut client, ping, mut test) = loop {
        match tries.join_next().await {
            Some(Ok(Ok(found))) => break found,
            Some(Ok(Err(error))) => failures.push(error),
            // A task that panicked or was cancelled has nothing to say.
            Some(Err(_)) => {}
            None => return Err(no_proxy(failures)),
        }
    };
    let asked = client.addr().to_owned();
    let announced = web_address(&ping.proxy.ssh.public_addr, &asked, ANNOUNCED_PORT);
    if announced != asked {
        client = Client::new(route(&announced))?;
        test = UpgradeTest::start(client.route());
    }
    Ok(Door {
        client,
        ping,
        trust: trust.clone(),
        asked,
        connector: connector.map(str::to_owned),
        test,
    })
}

fn no_proxy(mut failures: Vec<WebError>) -> LoginError {
    // The one that came farthest tells most.
    failures.sort_by_key(|e| std::cmp::Reverse(e.progress()));
    let unknown_host = failures
        .iter()
        .all(|e| matches!(e, WebError::Resolve { .. }));
    let farthest_is_telling = failures.first().is_some_and(|e| e.progress() >= 5);
    if failures.len() > 1 && !unknown_host && !farthest_is_telling {
        return LoginError::NoProxy(failures);
    }
    match failures.into_iter().next() {
        Some(error) => LoginError::Web(error),
        None => LoginError::NoProxy(Vec::new()),
    }
}

impl Door {
    /// What the cluster said about itself.
    pub fn ping(&self) -> &Ping {
        &self.ping
    }

    /// `host:port` that the cluster announces; everything from now on goes there.
    pub fn proxy(&self) -> &str {
        self.client.addr()
    }

    /// What is known now about the way to the proxy; waits for the end of the test.
    async fn network(&mut self) -> Network {
        let tested = self.test.outcome().await;
        network::network(&self.ping, self.proxy(), tested)
    }

    /// Refuses what the cluster asks for and this version cannot do. To be called before anybody is asked anything.
    ///
    /// # Errors
    /// [`LoginError::Unsupported`].
    pub fn supported(&self) -> Result<(), LoginError> {
        let auth = &self.ping.auth;
        let method = match (
            auth.kind.as_str(),
            auth.local.as_ref().map_or("", |l| l.name.as_str()),
        ) {
            ("local" | "", "passwordless") => Unsupported::Passwordless,
            ("local" | "", "headless") => Unsupported::Headless,
            _ if auth.private_key_policy.starts_with("hardware_key") => {
                Unsupported::HardwareKey(auth.private_key_policy.clone())
            }
            ("local" | "", _) if matches!(auth.second_factor.as_str(), "webauthn" | "u2f") => {
                Unsupported::SecurityKeysOnly
            }
            ("local" | "", _) => return Ok(()),
            _ if self.sso().is_some() => return Ok(()),
            (kind, _) => Unsupported::Kind(kind.to_owned()),
        };
        Err(self.unsupported(method))
    }

    fn unsupported(&self, method: Unsupported) -> LoginError {
        LoginError::Unsupported {
            proxy: self.proxy().to_owned(),
            method,
        }
    }

    /// What to ask for: as the user says, as the cluster does, or 12 hours.
    fn ttl(&self, ttl: Option<Duration>) -> i64 {
        let of_cluster = || self.ping.auth.default_ttl_seconds();
        let ttl = ttl
            .or_else(|| of_cluster().map(Duration::from_secs))
            .unwrap_or(DEFAULT_TTL);
        i64::try_from(ttl.as_nanos()).unwrap_or(i64::MAX)
    }

    /// The message of the day, if there is one.
    ///
    /// # Errors
    /// [`LoginError::Web`].
    pub async fn motd(&self) -> Result<Option<String>, LoginError> {
        if !self.ping.auth.has_motd {
            return Ok(None);
        }
        let text = self.client.motd().await.map_err(|e| self.announced(e))?;
        Ok(Some(text).filter(|t| !t.is_empty()))
    }

    /// An address that the user never typed needs an explanation when it does not work.
    fn announced(&self, error: WebError) -> LoginError {
        let reached = matches!(error, WebError::Status { .. } | WebError::Decode { .. });
        if reached || self.asked == self.proxy() {
            return LoginError::Web(error);
        }
        LoginError::Announced {
            asked: self.asked.clone(),
            error: Box::new(error),
        }
    }
}

impl Door {
    /// The key that an SSH certificate is wanted for, where the cluster takes one of its own.
    fn ssh_key(&self, key: &KeyPair) -> Option<Vec<u8>> {
        key.ssh_line()
            .filter(|_| !self.ping.server().single_key_field())
            .map(String::into_bytes)
    }

    fn refused(&self, error: WebError) -> LoginError {
        if let WebError::Status { message, .. } = &error {
            if message.starts_with("missing second factor") {
                return self.unsupported(Unsupported::NoDevice {
                    message: message.clone(),
                });
            }
            if let Some(policy) = unmet_policy(message) {
                return self.unsupported(Unsupported::HardwareKey(policy));
            }
            if let Some(old_field) = compat::wants_other_key_field(message) {
                return LoginError::KeyField {
                    proxy: self.proxy().to_owned(),
                    announced: self.ping.server_version.clone(),
                    old_field,
                };
            }
        }
        self.announced(error)
    }
}

/// Finds `private key policy not met: P` anywhere in a refusal (login.md 3.4).
fn unmet_policy(message: &str) -> Option<String> {
    [
        "private key policy not met: ",
        "private key policy not satisfied: ",
    ]
    .iter()
    .find_map(|text| {
        let rest = message.split_once(text)?.1;
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        Some(rest[..end].to_owned())
    })
}

#[cfg(all(test, feature = "cluster-core"))]
mod scripted;
#[cfg(all(test, feature = "cluster-core"))]
mod sso_tests;
#[cfg(all(test, feature = "cluster-core"))]
mod tests;
#[cfg(all(test, feature = "cluster-core"))]
mod version_tests;
