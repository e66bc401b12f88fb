//! What of a login only tsh has a use for: the SSH certificate and the SSH keys of authorities.

use crate::webapi::types::LoginAnswer;

/// The SSH side of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ssh {
    /// The certificate, one line with its newline.
    pub certificate: String,
    /// Keys of the authorities that vouch for hosts: cluster, then a line of `authorized_keys`.
    pub authorities: Vec<(String, String)>,
}

impl Ssh {
    /// Takes it from an answer; `None` when no SSH certificate was asked for.
    pub(super) fn granted(answer: &LoginAnswer) -> Option<Self> {
        let certificate = String::from_utf8(answer.cert.clone()).ok()?;
        if certificate.trim().is_empty() {
            return None;
        }
        let authorities = answer
            .host_signers
            .iter()
            .flat_map(|signer| {
                let lines = signer.checking_keys.iter();
                lines.map(|line| {
                    let line = String::from_utf8_lossy(line).into_owned();
                    (signer.domain_name.clone(), line)
                })
            })
            .collect();
        Some(Self {
            certificate,
            authorities,
        })
    }
}
