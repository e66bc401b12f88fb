//! What a client gets that has logged in (login.md 8.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::cluster::ca::ssh_user::SshPublicKey;
use crate::cluster::ca::{CaKind, SubjectPublicKey};
use crate::cluster::issue::{IssueError, Login};
use crate::cluster::leaf::authority::PublicAuthority;
use crate::cluster::state::ClusterState;
use crate::identity::pem;

#[derive(Serialize)]
pub(super) struct Credentials<'a> {
    username: &'a str,
    cert: Option<String>,
    tls_cert: Option<String>,
    host_signers: [Signer<'a>; 1],
    #[serde(rename = "samlSingleLogoutEnabled")]
    saml_single_logout_enabled: bool,
    mfa_token: &'static str,
    client_options: ClientOptions,
}

#[derive(Serialize)]
struct Signer<'a> {
    domain_name: &'a str,
    checking_keys: Vec<String>,
    tls_certs: Vec<String>,
}

#[derive(Serialize)]
struct ClientOptions {
    default_relay_addr: &'static str,
}

impl<'a> Credentials<'a> {
    /// Issues the certificates of a login for the keys there are.
    ///
    /// # Errors
    /// When signing fails.
    pub(super) fn issue(
        state: &'a ClusterState,
        user: &'a str,
        login: &Login,
        ssh_key: Option<&SshPublicKey>,
        tls_key: Option<&SubjectPublicKey>,
    ) -> Result<Self, IssueError> {
        let cert = ssh_key.map(|key| login.ssh(state, key)).transpose()?;
        let tls_cert = tls_key.map(|key| login.x509(state, key)).transpose()?;
        let hosts = PublicAuthority::of(&state.authorities(), CaKind::Host);
        let base64 = |texts: &[String]| texts.iter().map(|text| STANDARD.encode(text)).collect();
        Ok(Self {
            username: user,
            cert: cert.map(|line| STANDARD.encode(line)),
            tls_cert: tls_cert.map(|der| STANDARD.encode(pem::encode("CERTIFICATE", &der))),
            host_signers: [Signer {
                domain_name: state.name(),
                checking_keys: base64(&hosts.ssh),
                tls_certs: base64(&hosts.tls),
            }],
            saml_single_logout_enabled: false,
            mfa_token: "",
            client_options: ClientOptions {
                default_relay_addr: "",
            },
        })
    }
}
