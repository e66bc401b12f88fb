//! From a proxy's address to a certificate: discovery, password, one-time code.
//!
//! [`discover`] → [`Door::begin`] → [`Begun::finish`] → [`Fresh`]; whoever calls asks the person in between. From `begin` on
//! everything is on one connection.

mod address;
mod error;

use std::time::Duration;

use tokio::task::JoinSet;
use zeroize::Zeroizing;

use crate::compat;
use crate::identity::{Certificate, Validity};
use crate::profile::keys::KeyPair;
use crate::profile::{HostCas, KeyLocation, Profile, VERSION};
use crate::transport::trust::Trust;
use crate::webapi::types::{Finish, Ping, PublicKey};
use crate::webapi::{Client, WebError};

pub use address::{candidates, web_address};
pub use error::{LoginError, Unsupported};

/// Asked for when neither the user nor the cluster says anything.
const DEFAULT_TTL: Duration = Duration::from_secs(12 * 3600);
/// The clock of this computer may differ from the cluster's by so many seconds before anybody needs to know.
const TOLERATED_SKEW: i64 = 30;

/// A proxy that was found, and what it wants.
#[derive(Debug)]
pub struct Door {
    client: Client,
    ping: Ping,
    trust: Trust,
    asked: String,
}

/// Asks each address at the same time, and takes the first that answers like a proxy. Then goes on with the address that the
/// cluster announces (login.md 2.4). `local`: asks for the local login instead of the cluster's default.
///
/// # Errors
/// [`LoginError::Web`] for a single address, [`LoginError::NoProxy`] for several.
pub async fn discover(
    addresses: &[String],
    trust: &Trust,
    local: bool,
) -> Result<Door, LoginError> {
    let connector = local.then_some("local");
    let mut tries = JoinSet::new();
    for addr in addresses {
        let client = Client::new(addr, trust)?;
        tries.spawn(async move {
            let answer = client.ping(connector).await;
            answer.map(|ping| (client, ping))
        });
    }
    let mut failures = Vec::new();
    let (client, ping) = loop {
        match tries.join_next().await {
            Some(Ok(Ok(found))) => break found,
            Some(Ok(Err(error))) => failures.push(error),
            // A task that panicked or was cancelled has nothing to say.
            Some(Err(_)) => {}
            None => return Err(no_proxy(failures)),
        }
    };
    let asked = client.addr().to_owned();
    let announced = web_address(&ping.proxy.ssh.public_addr, &asked);
    let client = if announced == asked {
        client
    } else {
        Client::new(&announced, trust)?
    };
    Ok(Door {
        client,
        ping,
        trust: trust.clone(),
        asked,
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
            ("local" | "", _) => {
                if auth.private_key_policy.starts_with("hardware_key") {
                    Unsupported::HardwareKey(auth.private_key_policy.clone())
                } else if matches!(auth.second_factor.as_str(), "webauthn" | "u2f") {
                    Unsupported::SecurityKeysOnly
                } else {
                    return Ok(());
                }
            }
            (kind, _) => {
                let connector = auth.sso().cloned().unwrap_or_default();
                Unsupported::Sso {
                    kind: kind.to_owned(),
                    name: connector.name,
                    display: connector.display,
                }
            }
        };
        Err(self.unsupported(method))
    }

    fn unsupported(&self, method: Unsupported) -> LoginError {
        LoginError::Unsupported {
            proxy: self.proxy().to_owned(),
            method,
        }
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
        let ttl = ttl
            .or_else(|| {
                door.ping
                    .auth
                    .default_ttl_seconds()
                    .map(Duration::from_secs)
            })
            .unwrap_or(DEFAULT_TTL);
        let request = Finish {
            user: &user,
            password: &password,
            webauthn_challenge_response: None,
            totp_code: code,
            key: PublicKey::p256(key.public_point(), &door.ping.server()),
            ttl: i64::try_from(ttl.as_nanos()).unwrap_or(i64::MAX),
            route_to_cluster: "",
            kubernetes_cluster: "",
        };
        let answer = door
            .client
            .login_finish(&request)
            .await
            .map_err(|error| door.refused(error))?;
        let now = clock();
        let skew = door
            .client
            .server_time()
            .map(|server| now - server)
            .filter(|s| s.abs() > TOLERATED_SKEW);
        if answer.tls_cert.is_empty() {
            return Err(LoginError::Answer("it holds no TLS certificate".to_owned()));
        }
        let certificate = Certificate::from_pem(&answer.tls_cert)
            .map_err(|e| LoginError::Answer(format!("its certificate is damaged: {e}")))?;
        if !certificate
            .der
            .windows(key.public_point().len())
            .any(|bytes| bytes == key.public_point())
        {
            return Err(LoginError::Answer(
                "its certificate is for another key than ours".to_owned(),
            ));
        }
        check_time(&certificate, now, door.client.server_time())?;
        let host_cas = host_cas(&answer.host_signers)?;
        Ok(Fresh {
            proxy: door.proxy().to_owned(),
            door,
            certificate,
            host_cas,
            skew,
        })
    }
}

impl Door {
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

/// Refuses a certificate that cannot be used on arrival, and finds out whose clock is to blame.
fn check_time(certificate: &Certificate, now: i64, server: Option<i64>) -> Result<(), LoginError> {
    match certificate.valid_at(now) {
        Validity::Valid => Ok(()),
        Validity::NotYet { .. } => {
            let server = server.unwrap_or_else(|| certificate.issued_at());
            Err(LoginError::ClockBehind {
                seconds: server - now,
            })
        }
        Validity::Expired { .. } => match server {
            Some(server) if server < certificate.not_after => Err(LoginError::ClockAhead {
                seconds: now - server,
            }),
            _ => Err(LoginError::ExpiredOnArrival {
                not_after: certificate.not_after,
            }),
        },
    }
}

fn host_cas(signers: &[crate::webapi::types::HostSigner]) -> Result<Vec<HostCas>, LoginError> {
    let mut found = Vec::new();
    for signer in signers.iter().filter(|s| !s.domain_name.is_empty()) {
        let mut certs_pem = Vec::new();
        for pem in &signer.tls_certs {
            let text = String::from_utf8(pem.clone()).map_err(|_| {
                LoginError::Answer(format!("a host CA of {} is no PEM", signer.domain_name))
            })?;
            certs_pem.push(text);
        }
        if !certs_pem.is_empty() {
            found.push(HostCas {
                cluster: signer.domain_name.clone(),
                certs_pem,
            });
        }
    }
    if found.is_empty() {
        return Err(LoginError::Answer(
            "it names no authority for the cluster's own services (host_signers)".to_owned(),
        ));
    }
    Ok(found)
}

/// A login that was granted and is not saved yet.
#[derive(Debug)]
pub struct Fresh {
    door: Door,
    proxy: String,
    certificate: Certificate,
    host_cas: Vec<HostCas>,
    skew: Option<i64>,
}

impl Fresh {
    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Seconds by which this computer's clock is ahead of the cluster's (negative: behind), when that is worth a warning.
    pub fn skew(&self) -> Option<i64> {
        self.skew
    }

    /// Makes the profile, once it is known where the key lies. `asked`: what the user typed.
    pub fn profile(self, asked: &str, key: KeyLocation, now: i64) -> Profile {
        let mut asked = vec![asked.to_owned(), self.door.asked];
        asked.retain(|a| *a != self.proxy);
        asked.dedup();
        Profile {
            version: VERSION,
            proxy: self.proxy,
            asked,
            // The issuer is what counts from now on (login.md 8.3), equal to the ping's name in practice.
            cluster: self.certificate.issuer_cluster.clone(),
            selected_cluster: None,
            user: self.certificate.identity.username.clone(),
            server_version: self.door.ping.server_version,
            tls_cert_pem: self.certificate.to_pem(),
            host_cas: self.host_cas,
            trust: self.door.trust,
            key,
            created: now,
        }
    }
}

#[cfg(all(test, feature = "cluster-core"))]
mod scripted;
#[cfg(all(test, feature = "cluster-core"))]
mod tests;
