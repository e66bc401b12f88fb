//! Issued certificates against those of real clusters.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use x509_parser::extensions::GeneralName;

use super::*;
use crate::identity::recorded::{Extension, Recorded, extensions, parse};
use crate::identity::{Certificate, Identity, RouteToDatabase, decode_subject};

mod authorities;
mod leaves;
mod users;

const NOW: i64 = 1_795_000_000;
const KEY_USAGE: &str = "2.5.29.15";
const SUBJECT_ALT_NAME: &str = "2.5.29.17";
const SUBJECT_KEY_ID: &str = "2.5.29.14";
const AUTHORITY_KEY_ID: &str = "2.5.29.35";
const EXTENDED_KEY_USAGE: &str = "2.5.29.37";

fn authority(kind: CaKind) -> Authority {
    Authority::generate(kind, "root.example.com", NOW).expect("an authority")
}

fn roots(ca: &[u8]) -> Arc<RootCertStore> {
    let mut store = RootCertStore::empty();
    store
        .add(CertificateDer::from(ca.to_vec()))
        .expect("an anchor");
    Arc::new(store)
}

fn at(seconds: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds.try_into().expect("after 1970")))
}

/// Verifies as a TLS server verifies its client.
fn client_trusted(leaf: &[u8], ca: &[u8], now: i64) -> Result<(), rustls::Error> {
    WebPkiClientVerifier::builder_with_provider(roots(ca), Arc::new(default_provider()))
        .build()
        .expect("a verifier")
        .verify_client_cert(&CertificateDer::from(leaf), &[], at(now))
        .map(drop)
}

/// Verifies as a TLS client verifies its server.
fn server_trusted(leaf: &[u8], ca: &[u8], name: &str, now: i64) -> Result<(), rustls::Error> {
    let name = ServerName::try_from(name.to_owned()).expect("a server name");
    WebPkiServerVerifier::builder_with_provider(roots(ca), Arc::new(default_provider()))
        .build()
        .expect("a verifier")
        .verify_server_cert(&CertificateDer::from(leaf), &[], &name, &[], at(now))
        .map(drop)
}

fn spki(der: &[u8]) -> Vec<u8> {
    parse(der).public_key().raw.to_vec()
}

fn user_key() -> SubjectPublicKey {
    SubjectPublicKey::from_der(&spki(&Recorded::load("base-full").der)).expect("a recorded key")
}

/// The extensions but for the one that names the authority's key.
fn own_extensions(der: &[u8]) -> Vec<Extension> {
    extensions(der)
        .into_iter()
        .filter(|(oid, ..)| oid != AUTHORITY_KEY_ID)
        .collect()
}

fn extension(der: &[u8], oid: &str) -> Option<Extension> {
    extensions(der).into_iter().find(|(id, ..)| id == oid)
}

fn alternative_names(der: &[u8]) -> Vec<String> {
    let parsed = parse(der);
    let Some(names) = parsed.subject_alternative_name().expect("readable names") else {
        return Vec::new();
    };
    names
        .value
        .general_names
        .iter()
        .map(|name| match name {
            GeneralName::DNSName(name) => (*name).to_owned(),
            GeneralName::IPAddress(bytes) => match bytes.len() {
                4 => IpAddr::from(<[u8; 4]>::try_from(*bytes).expect("four")).to_string(),
                _ => IpAddr::from(<[u8; 16]>::try_from(*bytes).expect("sixteen")).to_string(),
            },
            other => panic!("{other:?}"),
        })
        .collect()
}

fn alice() -> Identity {
    Identity {
        username: "alice".into(),
        roles: vec!["access".into()],
        ..Identity::default()
    }
}
