//! What one cluster shows another of its authorities.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use serde::{Deserialize, Serialize};
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;

use crate::cluster::authorities::Authorities;
use crate::cluster::ca::CaKind;
use crate::cluster::random;
use crate::identity::pem;

/// Certificates of one authority at most: the present one and those before and after a rotation.
const CERTIFICATES: usize = 8;
/// Bytes of an SSH key at most.
const SSH_KEY: usize = 4096;

/// Certificates and SSH keys of one authority of a cluster, never its private keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAuthority {
    /// PEM texts, the present certificate first.
    pub tls: Vec<String>,
    /// `authorized_keys` lines.
    #[serde(default)]
    pub ssh: Vec<String>,
}

/// Why an authority from elsewhere is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// None, or more than can be.
    #[error("an authority has 1 to {CERTIFICATES} certificates, not {0}")]
    Number(usize),
    /// Not one certificate in PEM.
    #[error("a certificate of the authority is unreadable: {0}")]
    Unreadable(String),
    /// Not an authority's.
    #[error("a certificate of the authority is no authority's")]
    NotAnAuthority,
    /// It vouches for another cluster. Clients choose whom to trust by this name, so it must be the sender's.
    #[error("the authority is that of the cluster {found:?}, not of {wanted:?}")]
    OtherCluster {
        /// Common name of the certificate.
        found: String,
        /// The cluster that sent it.
        wanted: String,
    },
    /// Not an SSH key.
    #[error("an SSH key of the authority is unreadable")]
    SshKey,
}

impl PublicAuthority {
    /// What a cluster of ours shows of a kind; during a rotation both authorities.
    pub(in crate::cluster) fn of(authorities: &Authorities, kind: CaKind) -> Self {
        let trusted = authorities.trusted(kind);
        Self {
            tls: trusted.iter().map(|a| a.cert_pem().to_owned()).collect(),
            ssh: authorities.ssh_keys(kind),
        }
    }

    /// The host authority of a cluster of ours.
    pub(super) fn host_of(authorities: &Authorities) -> Self {
        Self::of(authorities, CaKind::Host)
    }

    /// The user authority of a cluster of ours.
    pub(super) fn user_of(authorities: &Authorities) -> Self {
        Self::of(authorities, CaKind::User)
    }

    /// Checks that everything in it is an authority of `cluster`.
    ///
    /// # Errors
    /// The first thing that is not.
    pub fn check(&self, cluster: &str) -> Result<(), AuthorityError> {
        if self.tls.is_empty() || self.tls.len() > CERTIFICATES {
            return Err(AuthorityError::Number(self.tls.len()));
        }
        for text in &self.tls {
            let der = certificate(text)?;
            let (_, parsed) = X509Certificate::from_der(&der)
                .map_err(|e| AuthorityError::Unreadable(e.to_string()))?;
            if !parsed.is_ca() {
                return Err(AuthorityError::NotAnAuthority);
            }
            let names: Vec<&str> = parsed
                .subject()
                .iter_common_name()
                .filter_map(|n| n.as_str().ok())
                .collect();
            if names != [cluster] {
                return Err(AuthorityError::OtherCluster {
                    found: names.join(", "),
                    wanted: cluster.to_owned(),
                });
            }
        }
        let legal = |key: &String| {
            key.len() <= SSH_KEY
                && key.trim_end().lines().count() == 1
                && key.split_whitespace().count() >= 2
                && !key.trim_end().contains(char::is_control)
        };
        if self.ssh.len() > CERTIFICATES || !self.ssh.iter().all(legal) {
            return Err(AuthorityError::SshKey);
        }
        Ok(())
    }

    /// The certificates as DER. Call it on what [`PublicAuthority::check`] took; anything else is left out.
    pub fn certificates(&self) -> Vec<CertificateDer<'static>> {
        self.tls
            .iter()
            .filter_map(|text| certificate(text).ok())
            .map(CertificateDer::from)
            .collect()
    }

    /// The certificates as trust anchors.
    pub(super) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(self.certificates());
        roots
    }

    /// What accepts the client certificates that this authority signed; `None` when it has no usable certificate.
    pub(super) fn verifier(&self) -> Option<Arc<dyn ClientCertVerifier>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        WebPkiClientVerifier::builder_with_provider(Arc::new(self.roots()), provider)
            .build()
            .ok()
    }
}

fn certificate(text: &str) -> Result<Vec<u8>, AuthorityError> {
    let mut blocks =
        pem::blocks(text.as_bytes()).map_err(|e| AuthorityError::Unreadable(e.to_string()))?;
    match (blocks.pop(), blocks.is_empty()) {
        (Some(block), true) if block.label == "CERTIFICATE" => Ok(block.contents),
        _ => Err(AuthorityError::Unreadable(
            "expected exactly one CERTIFICATE block".to_owned(),
        )),
    }
}

/// The pin of an authority's certificate: `sha256:` and the hash of its public key, as Teleport writes it.
pub fn pin(der: &[u8]) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(der).ok()?;
    let hash = ring::digest::digest(&ring::digest::SHA256, parsed.public_key().raw);
    Some(format!("sha256:{}", random::hex(hash.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ca::{Authority, HostRequest};

    const NOW: i64 = 1_795_419_051;

    fn authority(cluster: &str) -> Authority {
        Authority::generate(CaKind::Host, cluster, NOW).expect("an authority")
    }

    fn public(pem: &str) -> PublicAuthority {
        PublicAuthority {
            tls: vec![pem.to_owned()],
            ssh: vec!["ssh-ed25519 AAAA\n".to_owned()],
        }
    }

    #[test]
    fn an_authority_must_be_the_senders_own() {
        let leaf = authority("leaf");
        let good = public(leaf.cert_pem());
        assert_eq!(good.check("leaf"), Ok(()));
        assert_eq!(good.certificates().len(), 1);
        assert!(good.verifier().is_some());
        assert_eq!(
            good.check("root"),
            Err(AuthorityError::OtherCluster {
                found: "leaf".into(),
                wanted: "root".into()
            })
        );
        assert_eq!(
            PublicAuthority::default().check("leaf"),
            Err(AuthorityError::Number(0))
        );
        let host = leaf
            .issue_host(&HostRequest {
                common_name: "leaf".into(),
                organization: "Proxy".into(),
                dns: vec![],
                ips: vec![],
                not_before: NOW,
                not_after: NOW + 60,
            })
            .expect("a certificate");
        assert_eq!(
            public(&host.cert_pem()).check("leaf"),
            Err(AuthorityError::NotAnAuthority)
        );
        for text in [
            String::new(),
            "x".into(),
            [leaf.cert_pem(), leaf.cert_pem()].concat(),
        ] {
            assert!(matches!(
                public(&text).check("leaf"),
                Err(AuthorityError::Unreadable(_))
            ));
        }
        for key in [
            "",
            "one",
            "ssh-ed25519 AAAA\nssh-ed25519 BBBB",
            "ssh-ed25519 A\u{7}",
        ] {
            let wrong = PublicAuthority {
                ssh: vec![key.to_owned()],
                ..good.clone()
            };
            assert_eq!(wrong.check("leaf"), Err(AuthorityError::SshKey), "{key:?}");
        }
    }

    #[test]
    fn a_pin_names_the_key() {
        let authority = authority("root");
        let pin = pin(authority.cert_der()).expect("a pin");
        assert_eq!(pin.len(), "sha256:".len() + 64);
        assert_eq!(super::pin(b"nothing"), None);
    }
}
