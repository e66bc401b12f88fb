//! Certificates of real clusters, for tests: the PEM and, decoded by another program, the JSON beside it.

use serde_json::Value;
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::certificate::X509Certificate;

use super::pem;

/// One recorded certificate.
pub(crate) struct Recorded {
    pub(crate) name: String,
    pub(crate) pem: String,
    pub(crate) der: Vec<u8>,
    pub(crate) json: Value,
}

/// An extension: dotted type, critical or not, DER value.
#[cfg(feature = "cluster-core")]
pub(crate) type Extension = (String, bool, Vec<u8>);

impl Recorded {
    /// Reads `tests/data/credentials/<name>.{pem,json}`.
    pub(crate) fn load(name: &str) -> Self {
        let base = format!(
            "{}/tests/data/credentials/{name}",
            env!("CARGO_MANIFEST_DIR")
        );
        let read = |end| std::fs::read_to_string(format!("{base}.{end}")).expect("a recorded file");
        let pem = read("pem");
        let mut blocks = pem::blocks(pem.as_bytes()).expect("recorded PEM");
        assert_eq!(blocks.len(), 1, "{name}");
        Self {
            name: name.to_owned(),
            der: blocks.remove(0).contents,
            json: serde_json::from_str(&read("json")).expect("recorded JSON"),
            pem,
        }
    }

    /// All of one folder below `tests/data/credentials`.
    pub(crate) fn all(folder: &str) -> Vec<Self> {
        let dir = format!(
            "{}/tests/data/credentials/{folder}",
            env!("CARGO_MANIFEST_DIR")
        );
        let mut names: Vec<String> = std::fs::read_dir(dir)
            .expect("recorded certificates")
            .filter_map(|entry| {
                let name = entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("a plain name");
                name.strip_suffix(".pem")
                    .map(|name| format!("{folder}{name}"))
            })
            .collect();
        names.sort();
        names.iter().map(|name| Self::load(name)).collect()
    }

    /// The certificate's subject as DER.
    pub(crate) fn subject_der(&self) -> Vec<u8> {
        parse(&self.der).subject().as_raw().to_vec()
    }

    /// The subject's attributes as recorded in the JSON: (dotted type, value), in certificate order.
    pub(crate) fn attributes(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let rdns = self.json["subject"].as_array().expect("RDNs");
        rdns.iter()
            .flat_map(|rdn| rdn.as_array().expect("attributes"))
            .map(|attribute| (text(&attribute["oid"]), text(&attribute["value"])))
            .collect()
    }

    /// The recorded values of one attribute type.
    pub(crate) fn values(&self, oid: &str) -> Vec<String> {
        self.attributes()
            .into_iter()
            .filter(|(id, _)| id == oid)
            .map(|(_, value)| value)
            .collect()
    }

    /// The only recorded value of one attribute type, empty when there is none.
    pub(crate) fn value(&self, oid: &str) -> String {
        self.values(oid).into_iter().next().unwrap_or_default()
    }

    /// A recorded time, unix seconds.
    pub(crate) fn time(&self, field: &str) -> i64 {
        let text = self.json[field].as_str().expect("a time");
        time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339)
            .expect("RFC 3339")
            .unix_timestamp()
    }

    /// Whether it is a user's, database user's or host's certificate, not an authority's or a database server's.
    #[cfg(feature = "cluster-core")]
    pub(crate) fn is_identity(&self) -> bool {
        !self.value(super::oids::TELEPORT_CLUSTER).is_empty()
    }
}

/// Parses a certificate with nothing of this project.
pub(crate) fn parse(der: &[u8]) -> X509Certificate<'_> {
    let (rest, certificate) = X509Certificate::from_der(der).expect("a certificate");
    assert!(rest.is_empty());
    certificate
}

/// The extensions of a certificate, in its order.
#[cfg(feature = "cluster-core")]
pub(crate) fn extensions(der: &[u8]) -> Vec<Extension> {
    parse(der)
        .iter_extensions()
        .map(|extension| {
            (
                extension.oid.to_id_string(),
                extension.critical,
                extension.value.to_vec(),
            )
        })
        .collect()
}
