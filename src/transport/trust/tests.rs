//! Real handshakes in memory, with certificates made here.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConnection, HandshakeKind, RootCertStore, ServerConfig, ServerConnection};

use super::*;

/// A certificate with its key.
struct Made {
    der: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

impl Made {
    fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()))
    }
}

fn params(cn: &str, names: &[&str], ca: bool) -> CertificateParams {
    let mut params =
        CertificateParams::new(names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>())
            .expect("names");
    params.distinguished_name.push(DnType::CommonName, cn);
    params.is_ca = if ca {
        IsCa::Ca(BasicConstraints::Unconstrained)
    } else {
        IsCa::ExplicitNoCa
    };
    params
}

fn self_signed(params: &CertificateParams) -> Made {
    let key = KeyPair::generate().expect("a key");
    let cert = params.self_signed(&key).expect("a certificate");
    Made {
        der: cert.der().clone(),
        pem: cert.pem(),
        key,
    }
}

fn signed(params: &CertificateParams, ca_params: &CertificateParams, ca: &Made) -> Made {
    let key = KeyPair::generate().expect("a key");
    let cert = params
        .signed_by(&key, &Issuer::from_params(ca_params, &ca.key))
        .expect("a certificate");
    Made {
        der: cert.der().clone(),
        pem: cert.pem(),
        key,
    }
}

fn server(made: &Made, client_ca: Option<&Made>) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            roots.add(ca.der.clone()).expect("an anchor");
            builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .expect("a verifier"),
            )
        }
    };
    let mut config = builder
        .with_single_cert(vec![made.der.clone()], made.key_der())
        .expect("a configuration");
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
    Arc::new(config)
}

/// Shakes hands to the end and lets the tickets through; gives both ends or the client's error.
fn handshake(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
    name: &str,
) -> Result<(ClientConnection, ServerConnection), rustls::Error> {
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let mut c = ClientConnection::new(Arc::clone(client), name).expect("a client");
    let mut s = ServerConnection::new(Arc::clone(server)).expect("a server");
    for _ in 0..10 {
        let mut wire = Vec::new();
        while c.wants_write() {
            c.write_tls(&mut wire).expect("memory");
        }
        let mut read = wire.as_slice();
        while !read.is_empty() {
            s.read_tls(&mut read).expect("memory");
            s.process_new_packets()?;
        }
        let mut wire = Vec::new();
        while s.wants_write() {
            s.write_tls(&mut wire).expect("memory");
        }
        let mut read = wire.as_slice();
        while !read.is_empty() {
            c.read_tls(&mut read).expect("memory");
            c.process_new_packets()?;
        }
    }
    assert!(!c.is_handshaking() && !s.is_handshaking());
    Ok((c, s))
}

fn refusal(trust: &Trust, made: &Made, name: &str) -> Untrusted {
    let client = Arc::new(
        trust
            .web_config(&["http/1.1"], None)
            .expect("a configuration"),
    );
    let error = handshake(&client, &server(made, None), name).expect_err("a refusal");
    // As it arrives through tokio-rustls.
    let error = std::io::Error::new(std::io::ErrorKind::InvalidData, error);
    Untrusted::find(&error)
        .unwrap_or_else(|| panic!("no reason in {error}"))
        .clone()
}

fn accepts(trust: &Trust, made: &Made, name: &str) -> bool {
    let client = Arc::new(
        trust
            .web_config(&["http/1.1"], None)
            .expect("a configuration"),
    );
    handshake(&client, &server(made, None), name).is_ok()
}

fn with_ca(pem: &str) -> Trust {
    let mut trust = Trust::default();
    trust.add_pem(pem).expect("a certificate");
    trust
}

#[test]
fn a_given_authority_vouches_and_no_other() {
    let ca_params = params("Lab CA", &[], true);
    let ca = self_signed(&ca_params);
    let leaf = signed(
        &params("proxy", &["proxy.example.com", "127.0.0.1"], false),
        &ca_params,
        &ca,
    );
    assert!(accepts(&with_ca(&ca.pem), &leaf, "proxy.example.com"));
    assert!(accepts(&with_ca(&ca.pem), &leaf, "127.0.0.1"));
    let refused = refusal(&Trust::default(), &leaf, "proxy.example.com");
    assert_eq!(
        refused,
        Untrusted {
            subject: "\"proxy\"".into(),
            issuer: "\"Lab CA\"".into(),
            why: Why::Issuer
        }
    );
    let other = self_signed(&params("Lab CA", &[], true));
    assert_eq!(
        refusal(&with_ca(&other.pem), &leaf, "proxy.example.com").why,
        Why::Issuer
    );
}

#[test]
fn names_are_checked_and_told() {
    let ca_params = params("Lab CA", &[], true);
    let ca = self_signed(&ca_params);
    let leaf = signed(
        &params("proxy", &["proxy.example.com", "127.0.0.1"], false),
        &ca_params,
        &ca,
    );
    assert_eq!(
        refusal(&with_ca(&ca.pem), &leaf, "other.example.com").why,
        Why::Name {
            asked: "other.example.com".into(),
            presented: vec!["proxy.example.com".into(), "127.0.0.1".into()]
        }
    );
}

#[test]
fn the_self_signed_web_certificate_of_a_fresh_cluster_is_a_pin() {
    // CA:TRUE and used as the server's own certificate, as Teleport makes it (credentials.md 1.10).
    let made = self_signed(&params("localhost", &["localhost"], true));
    assert!(accepts(&with_ca(&made.pem), &made, "localhost"));
    // A pin names the certificate, not the host.
    assert!(accepts(&with_ca(&made.pem), &made, "127.0.0.1"));
    let refused = refusal(&Trust::default(), &made, "localhost");
    assert_eq!(refused.why, Why::SelfSigned);
    assert_eq!(refused.issuer, "\"localhost\"");
    // Same names, other key: no pin.
    let twin = self_signed(&params("localhost", &["localhost"], true));
    assert_eq!(
        refusal(&with_ca(&twin.pem), &made, "localhost").why,
        Why::SelfSigned
    );
}

#[test]
fn dates_are_checked_of_pins_too() {
    let mut old = params("localhost", &["localhost"], true);
    old.not_before = rcgen::date_time_ymd(2001, 1, 1);
    old.not_after = rcgen::date_time_ymd(2002, 1, 1);
    let old = self_signed(&old);
    assert!(matches!(
        refusal(&with_ca(&old.pem), &old, "localhost").why,
        Why::Expired {
            not_after: 1_009_843_200,
            ..
        }
    ));
    let mut young = params("localhost", &["localhost"], true);
    young.not_before = rcgen::date_time_ymd(2090, 1, 1);
    young.not_after = rcgen::date_time_ymd(2091, 1, 1);
    let young = self_signed(&young);
    assert!(matches!(
        refusal(&with_ca(&young.pem), &young, "localhost").why,
        Why::NotYet { .. }
    ));
}

#[test]
fn insecure_takes_anything() {
    let made = self_signed(&params("x", &["x.example.com"], true));
    let trust = Trust {
        insecure: true,
        ..Trust::default()
    };
    assert!(accepts(&trust, &made, "y.example.com"));
}

#[test]
fn host_services_are_vouched_for_by_host_authorities_only() {
    let ca_params = params("root", &[], true);
    let ca = self_signed(&ca_params);
    let host = signed(
        &params("host", &["teleport.cluster.local"], false),
        &ca_params,
        &ca,
    );
    let right = host_config(&[ca.der.to_vec()], &["h2".to_owned()], None).expect("a configuration");
    let (client, _) = handshake(
        &Arc::new(right),
        &server(&host, None),
        "teleport.cluster.local",
    )
    .expect("a handshake");
    assert_eq!(client.alpn_protocol(), Some(&b"h2"[..]));
    let other = self_signed(&params("root", &[], true));
    for anchors in [vec![other.der.to_vec()], vec![]] {
        let wrong = Arc::new(host_config(&anchors, &[], None).expect("a configuration"));
        let error = handshake(&wrong, &server(&host, None), "teleport.cluster.local")
            .expect_err("a refusal");
        assert_eq!(Untrusted::find(&error).expect("a reason").why, Why::Issuer);
    }
    assert!(matches!(
        host_config(&[b"no certificate".to_vec()], &[], None),
        Err(TrustError::Anchor(_))
    ));
}

#[test]
fn the_client_certificate_is_sent_alone_and_no_session_is_resumed() {
    let ca_params = params("root", &[], true);
    let ca = self_signed(&ca_params);
    let host = signed(
        &params("host", &["teleport.cluster.local"], false),
        &ca_params,
        &ca,
    );
    let user = signed(&params("alice", &[], false), &ca_params, &ca);
    let cert = ClientCert {
        cert_der: user.der.to_vec(),
        key_pkcs8: user.key.serialize_der().into(),
    };
    let client =
        Arc::new(host_config(&[ca.der.to_vec()], &[], Some(cert)).expect("a configuration"));
    let server = server(&host, Some(&ca));
    for _ in 0..2 {
        let (client, server) =
            handshake(&client, &server, "teleport.cluster.local").expect("a handshake");
        assert_eq!(server.peer_certificates(), Some(&[user.der.clone()][..]));
        assert_eq!(client.handshake_kind(), Some(HandshakeKind::Full));
    }
}

#[test]
fn files_without_certificates_are_refused() {
    let mut trust = Trust::default();
    assert_eq!(trust.add_pem("hello"), Err(TrustError::NoCertificate));
    assert!(matches!(
        trust.add_pem("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"),
        Err(TrustError::Pem(_))
    ));
    assert_eq!(trust, Trust::default());
}

#[test]
fn keys_are_not_printed() {
    let cert = ClientCert {
        cert_der: vec![1],
        key_pkcs8: b"secret".to_vec().into(),
    };
    assert_eq!(
        format!("{cert:?}"),
        r#"ClientCert { cert_der: "1 bytes", key_pkcs8: "****" }"#
    );
}
