//! Host CA certificates from files, sorted by the cluster that they vouch for.

use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;

use super::HostCas;
use crate::identity::pem;

/// Reads every `CERTIFICATE` block of the texts. The cluster of each is its issuer's common name, whatever file it came from
/// (credentials.md 3.6); blocks and certificates that cannot be read are left out, as tsh leaves them out.
pub(super) fn by_cluster<T: AsRef<str>>(texts: &[T]) -> Vec<HostCas> {
    let mut found: Vec<HostCas> = Vec::new();
    for text in texts {
        let Ok(blocks) = pem::blocks(text.as_ref().as_bytes()) else {
            continue;
        };
        for block in blocks.iter().filter(|block| block.label == "CERTIFICATE") {
            let Some(cluster) = issuer(&block.contents) else {
                continue;
            };
            let pem = pem::encode("CERTIFICATE", &block.contents);
            match found.iter_mut().find(|cas| cas.cluster == cluster) {
                Some(cas) if cas.certs_pem.contains(&pem) => {}
                Some(cas) => cas.certs_pem.push(pem),
                None => found.push(HostCas {
                    cluster,
                    certs_pem: vec![pem],
                }),
            }
        }
    }
    found
}

fn issuer(der: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let name = certificate.issuer().iter_common_name().next()?;
    let name = name.as_str().ok()?;
    (!name.is_empty()).then(|| name.to_owned())
}
