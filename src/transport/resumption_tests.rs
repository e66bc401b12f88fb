//! No TLS session is ever resumed: on 14, which issues tickets, a resumed session keeps the identity of its first certificate
//! (transport.md 16).

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::client::Resumption;
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::trust::{Trust, host_config};
use super::{ClientCert, alpn};

const NAME: &str = "726f6f74.teleport.cluster.local";

/// A server that issues tickets and takes early data, and a client certificate that it accepts.
struct Issuing {
    server: ServerConfig,
    anchor: Vec<u8>,
    pem: String,
    cert: ClientCert,
}

fn issuing(version: &'static SupportedProtocolVersion) -> Issuing {
    let ca_key = KeyPair::generate().expect("a key");
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let anchor = ca.self_signed(&ca_key).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec![NAME.to_owned()])
        .expect("a name")
        .signed_by(&key, &Issuer::from_params(&ca, &ca_key))
        .expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(anchor.der().clone()).expect("an anchor");
    let clients = rustls::server::WebPkiClientVerifier::builder_with_provider(
        Arc::new(roots),
        Arc::clone(&provider),
    )
    .allow_unauthenticated()
    .build()
    .expect("a verifier");
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .expect("a version")
        .with_client_cert_verifier(clients)
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .expect("a configuration");
    server.ticketer = rustls::crypto::ring::Ticketer::new().expect("tickets");
    server.send_tls13_tickets = 4;
    Issuing {
        server,
        pem: anchor.pem(),
        anchor: anchor.der().to_vec(),
        cert: ClientCert {
            cert_der: leaf.der().to_vec(),
            key_pkcs8: key.serialize_der().into(),
        },
    }
}

/// Connects three times with one configuration, long enough for tickets to arrive; what kind of handshakes the server saw.
async fn handshakes(server: &ServerConfig, client: ClientConfig) -> Vec<HandshakeKind> {
    let acceptor = TlsAcceptor::from(Arc::new(server.clone()));
    let connector = TlsConnector::from(Arc::new(client));
    let mut kinds = Vec::new();
    for _ in 0..3 {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let acceptor = acceptor.clone();
        let served = tokio::spawn(async move {
            let mut tls = acceptor.accept(theirs).await.expect("TLS");
            tls.write_all(b"x").await.expect("a byte");
            tls.shutdown().await.expect("an end");
            tls.get_ref().1.handshake_kind().expect("a handshake")
        });
        let name = ServerName::try_from(NAME).expect("a name");
        let mut tls = connector.connect(name, ours).await.expect("TLS");
        let mut read = Vec::new();
        tls.read_to_end(&mut read).await.expect("a byte");
        assert_eq!(read, b"x");
        kinds.push(served.await.expect("no panic"));
    }
    kinds
}

#[tokio::test]
async fn no_kind_of_connection_resumes_a_session() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let Issuing {
            mut server,
            anchor,
            pem,
            cert,
        } = issuing(version);
        let mut web = Trust::default();
        web.add_pem(&pem).expect("an authority");
        let anchors = [anchor];
        let kinds = [
            (
                "gRPC",
                host_config(&anchors, &alpn::auth("root"), Some(cert.clone())),
            ),
            (
                "HTTP",
                host_config(&anchors, &alpn::auth_http("root"), Some(cert.clone())),
            ),
            (
                "database",
                web.web_config(&alpn::database("postgres").expect("names"), Some(cert)),
            ),
            ("web", web.web_config(&["http/1.1"], None)),
        ];
        for (kind, config) in kinds {
            let config = config.expect("a configuration");
            assert!(!config.enable_early_data, "{kind}");
            server.alpn_protocols.clone_from(&config.alpn_protocols);
            let seen = handshakes(&server, config.clone()).await;
            assert!(
                seen.iter().all(|kind| *kind != HandshakeKind::Resumed),
                "{kind}, {version:?}: {seen:?}"
            );
            // The same server resumes the sessions of whoever wants it.
            let mut other = config;
            other.resumption = Resumption::in_memory_sessions(8);
            let seen = handshakes(&server, other).await;
            assert!(
                seen.contains(&HandshakeKind::Resumed),
                "{kind}, {version:?}: {seen:?}"
            );
        }
    }
}

/// Every configuration of the client comes from the one place that switches resumption off.
#[test]
fn configurations_are_made_in_one_place() {
    fn look(dir: &std::path::Path, made: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                // The embedded cluster is a server.
                if name != "cluster" {
                    look(&path, made);
                }
            } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
                let text = std::fs::read_to_string(&path).expect("a source file");
                let code = text.split("#[cfg(test)]").next().expect("a part");
                if code.contains("ClientConfig::builder") {
                    made.push(name);
                }
            }
        }
    }
    let mut made = Vec::new();
    look(
        &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut made,
    );
    assert_eq!(made, ["trust.rs"]);
}
