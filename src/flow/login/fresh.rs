//! What a cluster grants, looked at before it is believed.

use super::error::LoginError;
use super::{Door, Ssh};
use crate::identity::{Certificate, Validity};
use crate::profile::keys::KeyPair;
use crate::profile::{Auth, HostCas, KeyLocation, Profile, VERSION};
use crate::transport::clock::TOLERATED;
use crate::transport::route::Network;
use crate::webapi::types::{HostSigner, LoginAnswer};

/// The useful content of an answer.
#[derive(Debug)]
pub(super) struct Granted {
    certificate: Certificate,
    host_cas: Vec<HostCas>,
    skew: Option<i64>,
    ssh: Option<Ssh>,
}

/// Takes an answer that makes a login: a certificate for this key that is valid now, and authorities. `skew`: seconds by which
/// this computer's clock is ahead of the cluster's, where that is known.
///
/// # Errors
/// Everything that makes the certificate useless.
pub(super) fn granted(
    answer: &LoginAnswer,
    key: &KeyPair,
    now: i64,
    skew: Option<i64>,
) -> Result<Granted, LoginError> {
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
    check_time(&certificate, now, skew.map(|s| now - s))?;
    let host_cas = host_cas(&answer.host_signers)?;
    Ok(Granted {
        certificate,
        host_cas,
        skew: skew.filter(|s| s.abs() > TOLERATED),
        ssh: Ssh::granted(answer),
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

fn host_cas(signers: &[HostSigner]) -> Result<Vec<HostCas>, LoginError> {
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
    granted: Granted,
    network: Network,
}

impl Fresh {
    pub(super) async fn new(mut door: Door, granted: Granted) -> Self {
        Self {
            network: door.network().await,
            door,
            granted,
        }
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.granted.certificate
    }

    /// Seconds by which this computer's clock is ahead of the cluster's (negative: behind), when that is worth a warning.
    pub fn skew(&self) -> Option<i64> {
        self.granted.skew
    }

    /// Whether everything is on the web port, told apart by ALPN.
    pub fn tls_routing(&self) -> bool {
        self.door.ping.proxy.tls_routing_enabled
    }

    /// The SSH certificate, when one was issued.
    pub fn ssh(&self) -> Option<&Ssh> {
        self.granted.ssh.as_ref()
    }

    /// Makes the profile, once it is known where the key lies. `asked`: what the user typed.
    pub fn profile(self, asked: &str, key: KeyLocation, now: i64) -> Profile {
        let Self {
            door,
            granted,
            network,
        } = self;
        let proxy = door.proxy().to_owned();
        let auth = Auth {
            connector: door
                .sso()
                .map_or_else(|| "local".to_owned(), |sso| sso.name),
            by_name: door.connector.is_some(),
        };
        let mut asked = vec![asked.to_owned(), door.asked];
        asked.retain(|a| *a != proxy);
        asked.dedup();
        Profile {
            version: VERSION,
            proxy,
            asked,
            // The issuer is what counts from now on (login.md 8.3), equal to the ping's name in practice.
            cluster: granted.certificate.issuer_cluster.clone(),
            selected_cluster: None,
            user: granted.certificate.identity.username.clone(),
            server_version: door.ping.server_version,
            tls_cert_pem: granted.certificate.to_pem(),
            host_cas: granted.host_cas,
            trust: door.trust,
            network,
            key,
            created: now,
            auth: Some(auth),
        }
    }
}
