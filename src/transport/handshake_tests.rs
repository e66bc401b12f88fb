//! Recorded handshakes of a real proxy, played again by a server in this process that ends each as the real one did: what
//! the client says about them (transport.md 1, 17).

use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig,
    SignatureScheme, client::danger::HandshakeSignatureValid,
};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::ClientCert;
use super::dial::{DialError, connect_tcp, handshake};
use super::grpc::{Link, LinkEnd};
use super::route::{Route, Service};
use super::tls_fault::TlsFault;
use super::trust::host_config;
use super::watch::Watch;

const DEADLINE: Duration = Duration::from_secs(20);
const SERVER_NAME: &str = "726f6f74.teleport.cluster.local";

/// How a recorded connection ended for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// Bytes of the service came.
    Served,
    /// Alert 48.
    UnknownCa,
    /// Alert 45.
    Expired,
    /// Alert 116.
    CertificateRequired,
    /// Alert 120.
    NoProtocol,
    /// TCP ended without an answer to the ClientHello.
    EofInHandshake,
    /// After the handshake, close_notify and nothing before it.
    ClosedAfter,
    /// Nothing within a second.
    Silent,
}

fn ending(case: &Value) -> Ending {
    let handshake = case["handshake"].as_str().expect("an outcome");
    let seen = if handshake == "ok" {
        case["first_read"].as_str().expect("what was read")
    } else {
        handshake
    };
    match seen {
        s if s.contains("UNKNOWN_CA") => Ending::UnknownCa,
        s if s.contains("CERTIFICATE_EXPIRED") => Ending::Expired,
        s if s.contains("CERTIFICATE_REQUIRED") => Ending::CertificateRequired,
        s if s.contains("no application protocol") => Ending::NoProtocol,
        s if s.starts_with("SSLEOFError") => Ending::EofInHandshake,
        "EOF with close_notify" => Ending::ClosedAfter,
        "nothing within 1 s" => Ending::Silent,
        s if s.bytes().all(|b| b.is_ascii_hexdigit()) => Ending::Served,
        other => panic!("an outcome without a row: {other}"),
    }
}

/// Refuses every client certificate for one reason, from which rustls makes the alert.
#[derive(Debug)]
struct Refuse {
    why: CertificateError,
    real: Arc<dyn ClientCertVerifier>,
}

impl ClientCertVerifier for Refuse {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }
    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Err(self.why.clone().into())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.real.verify_tls12_signature(message, cert, signed)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.real.verify_tls13_signature(message, cert, signed)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.real.supported_verify_schemes()
    }
}

/// An authority, and a certificate of it that serves both ends.
struct Pki {
    ca: CertificateDer<'static>,
    leaf: CertificateDer<'static>,
    key: KeyPair,
}

impl Pki {
    fn new() -> Self {
        let ca_key = KeyPair::generate().expect("a key");
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let names = vec!["*.teleport.cluster.local".to_owned()];
        let leaf = CertificateParams::new(names)
            .expect("names")
            .signed_by(&key, &Issuer::from_params(&ca, &ca_key))
            .expect("a certificate");
        Self {
            ca: ca.self_signed(&ca_key).expect("an authority").der().clone(),
            leaf: leaf.der().clone(),
            key,
        }
    }

    fn client(&self) -> ClientCert {
        ClientCert {
            cert_der: self.leaf.to_vec(),
            key_pkcs8: self.key.serialize_der().into(),
        }
    }

    /// A server that ends as recorded.
    fn server(&self, case: &Value, ending: Ending) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = if case["tls"] == "1.2" {
            &rustls::version::TLS12
        } else {
            &rustls::version::TLS13
        };
        let mut roots = RootCertStore::empty();
        roots.add(self.ca.clone()).expect("an anchor");
        let builder =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let required = ending == Ending::CertificateRequired;
        let real = if required {
            builder.build()
        } else {
            builder.allow_unauthenticated().build()
        }
        .expect("a verifier");
        let refuse = |why| {
            Arc::new(Refuse {
                why,
                real: real.clone(),
            }) as Arc<dyn ClientCertVerifier>
        };
        let verifier = match ending {
            Ending::UnknownCa => refuse(CertificateError::UnknownIssuer),
            Ending::Expired => refuse(CertificateError::Expired),
            _ => real.clone(),
        };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[versions])
            .expect("a version")
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![self.leaf.clone()],
                PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der())),
            )
            .expect("a configuration");
        if ending == Ending::NoProtocol {
            config.alpn_protocols = vec![b"something-else".to_vec()];
        } else if let Some(selected) = case["selected"].as_str() {
            config.alpn_protocols = vec![selected.as_bytes().to_vec()];
        }
        config
    }
}

/// What the client knows in the end.
#[derive(Debug, PartialEq)]
enum Known {
    Dial(DialError),
    Read(Option<TlsFault>),
    Closed,
    Bytes,
    Waiting,
}

/// Dials a server that ends as recorded, and reads once.
async fn play(pki: &Pki, case: &Value, ending: Ending) -> (String, Known) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let addr = listener.local_addr().expect("an address").to_string();
    let server = Arc::new(pki.server(case, ending));
    let serving = async {
        let (mut tcp, _) = listener.accept().await.expect("a connection");
        if ending == Ending::EofInHandshake {
            let mut hello = [0; 4096];
            assert!(tcp.read(&mut hello).await.expect("a ClientHello") > 5);
            return;
        }
        // A refusal is what most cases want.
        let Ok(mut tls) = TlsAcceptor::from(server).accept(tcp).await else {
            return;
        };
        match ending {
            Ending::Served => tls.write_all(b"bytes").await.expect("a write"),
            Ending::ClosedAfter => tls.shutdown().await.expect("a close_notify"),
            Ending::Silent => {}
            other => panic!("{other:?} let the client in"),
        }
        // Held until the client goes.
        let mut rest = [0; 16];
        let _ = tls.read(&mut rest).await;
    };
    let alpn: Vec<String> = case["alpn"]
        .as_array()
        .map(|all| {
            all.iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        })
        .unwrap_or_default();
    let client = (ending != Ending::CertificateRequired).then(|| pki.client());
    let config = host_config(&[pki.ca.to_vec()], &alpn, client).expect("a configuration");
    let dialling = async {
        let tcp = connect_tcp(&addr, &Watch::default())
            .await
            .expect("the server listens");
        let mut tls = match handshake(&addr, tcp, Arc::new(config), SERVER_NAME).await {
            Ok(tls) => tls,
            Err(err) => return Known::Dial(err),
        };
        let mut bytes = [0; 16];
        let patience = if ending == Ending::Silent {
            Duration::from_millis(100)
        } else {
            DEADLINE
        };
        match timeout(patience, tls.read(&mut bytes)).await {
            Err(_) => Known::Waiting,
            Ok(Ok(0)) => Known::Closed,
            Ok(Ok(_)) => Known::Bytes,
            Ok(Err(err)) => Known::Read(TlsFault::of_io(&err)),
        }
    };
    let (known, ()) = timeout(DEADLINE, async { tokio::join!(dialling, serving) })
        .await
        .expect("an end");
    (addr, known)
}

fn recorded() -> Vec<Value> {
    serde_json::from_str(include_str!(
        "../../tests/data/transport/tls-handshakes.json"
    ))
    .expect("JSON")
}

#[tokio::test]
async fn every_recorded_ending_has_its_meaning() {
    let pki = Pki::new();
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    for case in recorded() {
        let name = case["case"].as_str().expect("a name");
        let ending = ending(&case);
        *seen.entry(format!("{ending:?}")).or_default() += 1;
        let (addr, known) = play(&pki, &case, ending).await;
        // Only TLS 1.3 lets the client finish before the server has looked at its certificate.
        let refused = |fault| match case["tls"].as_str() {
            Some("1.2") => Known::Dial(DialError::Tls {
                addr: addr.clone(),
                fault,
            }),
            _ => Known::Read(Some(fault)),
        };
        let want = match ending {
            Ending::Served => Known::Bytes,
            Ending::Silent => Known::Waiting,
            Ending::ClosedAfter => Known::Closed,
            Ending::UnknownCa => refused(TlsFault::ClientUnknown),
            Ending::Expired => refused(TlsFault::ClientExpired),
            Ending::CertificateRequired => refused(TlsFault::ClientMissing),
            Ending::NoProtocol => Known::Dial(DialError::Tls {
                addr: addr.clone(),
                fault: TlsFault::NoProtocol,
            }),
            Ending::EofInHandshake => Known::Dial(DialError::Closed { addr: addr.clone() }),
        };
        assert_eq!(known, want, "{name}");
    }
    assert_eq!(seen.len(), 8, "{seen:?}");
    assert_eq!(seen.values().sum::<usize>(), 68, "{seen:?}");
}

/// The same alerts under gRPC, whose own error has lost them: the link still tells.
#[tokio::test]
async fn a_link_tells_why_its_first_call_failed() {
    let pki = Pki::new();
    for (name, want) in [
        (
            "root auth, cert expired base, 1.3",
            LinkEnd::Tls(TlsFault::ClientExpired),
        ),
        (
            "root auth, cert forged, 1.3",
            LinkEnd::Tls(TlsFault::ClientUnknown),
        ),
        (
            "root auth, cert database, 1.3",
            LinkEnd::Closed { answered: false },
        ),
    ] {
        let case = recorded()
            .into_iter()
            .find(|case| case["case"] == name)
            .expect(name);
        let ending = ending(&case);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let addr = listener.local_addr().expect("an address").to_string();
        let server = Arc::new(pki.server(&case, ending));
        let serving = tokio::spawn(async move {
            let (tcp, _) = listener.accept().await.expect("a connection");
            if let Ok(mut tls) = TlsAcceptor::from(server).accept(tcp).await {
                tls.shutdown().await.expect("a close_notify");
            }
        });
        let config = host_config(&[pki.ca.to_vec()], &["h2".to_owned()], Some(pki.client()))
            .expect("a configuration");
        let link = Link::dial(&Route::direct(&addr), &Service::new(config, SERVER_NAME))
            .await
            .expect("a link");
        let mut client =
            crate::proto::auth::auth_service_client::AuthServiceClient::new(link.channel());
        let call = client.ping(crate::proto::auth::PingRequest {});
        timeout(DEADLINE, call)
            .await
            .expect("an end")
            .expect_err("a refusal");
        assert_eq!(link.end(), Some(want), "{name}");
        serving.await.expect("a server");
    }
}
