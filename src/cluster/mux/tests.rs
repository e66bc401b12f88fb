//! The port accepts and refuses recorded handshakes as the real proxy does, alerts included.

mod origins;
mod rotation;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{Front, serve};
use crate::cluster::ca::{Authority, CaKind, SubjectPublicKey};
use crate::cluster::dbservice::{Catalog, DbService};
use crate::cluster::issue;
use crate::cluster::testing::{DOCUMENTS, TestCluster, recorded_json};
use crate::identity::{Certificate, RouteToDatabase};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

struct Port {
    cluster: TestCluster,
    front: Arc<Front>,
    addr: SocketAddr,
    _stop: oneshot::Sender<()>,
}

/// A cluster named root on a free port, at the real time: TLS knows no other.
async fn port() -> Port {
    let cluster = TestCluster::at("root", DOCUMENTS, &["alice"], true, now());
    let databases = DbService::new(cluster.state.clone() as Arc<dyn Catalog>);
    let front = Front::new(&cluster.state, databases).expect("a front");
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let addr = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(serve(listener, Arc::clone(&front), async {
        let _ = stopped.await;
    }));
    Port {
        cluster,
        front,
        addr,
        _stop: stop,
    }
}

fn now() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a clock after 1970");
    i64::try_from(since.as_secs()).expect("a time")
}

/// A client certificate and its key.
type Holder = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The client certificate that a recording names, issued by this cluster.
fn holder(cluster: &TestCluster, what: &str) -> Holder {
    let pair = rcgen::KeyPair::generate().expect("a key");
    let key = SubjectPublicKey::from_pem(pair.public_key_pem().as_bytes()).expect("a public key");
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pair.serialize_der()));
    let state = &cluster.state;
    let base = issue::login(state, "alice", &key, 0, "127.0.0.1").expect("a certificate");
    let parsed = Certificate::from_der(&base).expect("a certificate");
    let mut identity = parsed.identity.clone();
    if what.contains("database") {
        identity.usage = vec!["usage:db".to_owned()];
        identity.route_to_database = Some(RouteToDatabase {
            service_name: "app".to_owned(),
            protocol: "postgres".to_owned(),
            username: "app".to_owned(),
            ..RouteToDatabase::default()
        });
    }
    let lifetime = if what.contains("expired") {
        (now() - 7200, now() - 3600)
    } else {
        (now() - 60, now() + 3600)
    };
    let leaf = Authority::generate(CaKind::User, "leaf", now()).expect("an authority");
    // Same names as the real one, another key.
    let forger = Authority::generate(CaKind::User, "root", now()).expect("an authority");
    let own = state.authority(CaKind::User);
    let issuer = if what.contains("issued by leaf") || what.contains("self-signed") {
        &leaf
    } else if what.contains("not signed by it") {
        &forger
    } else {
        &own
    };
    let der = issuer
        .issue_user(&identity, &key, lifetime.0, lifetime.1)
        .expect("a certificate");
    let mut chain = vec![CertificateDer::from(der)];
    if what.contains("two certificates") {
        chain.push(CertificateDer::from(
            state.authority(CaKind::User).cert_der().to_vec(),
        ));
    }
    (chain, private)
}

/// Takes any server certificate: which one is shown is looked at afterwards.
#[derive(Debug)]
struct Anyone(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        m: &[u8],
        c: &CertificateDer<'_>,
        d: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(m, c, d)
    }
    fn verify_tls13_signature(
        &self,
        m: &[u8],
        c: &CertificateDer<'_>,
        d: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(m, c, d)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Checks signatures in the handshake for [`Anyone`].
fn verifier(port: &Port) -> Arc<WebPkiServerVerifier> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from(
            port.cluster
                .state
                .authority(CaKind::Host)
                .cert_der()
                .to_vec(),
        ))
        .expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .expect("a verifier")
}

/// Connects as a recording did and says what came back, in the words of [`recorded_outcome`].
async fn outcome(
    port: &Port,
    alpn: &[&str],
    sni: Option<&str>,
    holder: Option<Holder>,
    version: &'static SupportedProtocolVersion,
) -> String {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = verifier(port);
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .expect("a version")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(verifier)));
    let mut config = match holder {
        Some((chain, key)) => builder
            .with_client_auth_cert(chain, key)
            .expect("a client certificate"),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|p| p.as_bytes().to_vec()).collect();
    config.enable_sni = sni.is_some();
    config.resumption = rustls::client::Resumption::disabled();
    let name = ServerName::try_from(sni.unwrap_or("unused").to_owned()).expect("a name");
    let tcp = TcpStream::connect(port.addr).await.expect("a connection");
    let alert = |e: &std::io::Error| {
        let text = e.to_string();
        text.strip_prefix("received fatal alert: ").map_or_else(
            || "closed in handshake".to_owned(),
            |alert| format!("alert {alert}"),
        )
    };
    let mut tls = match timeout(
        Duration::from_secs(20),
        TlsConnector::from(Arc::new(config)).connect(name, tcp),
    )
    .await
    .expect("an end of the handshake")
    {
        Ok(tls) => tls,
        Err(e) => return alert(&e),
    };
    let selected = tls.get_ref().1.alpn_protocol().map_or_else(
        || "none".to_owned(),
        |p| String::from_utf8_lossy(p).into_owned(),
    );
    // A server that refuses may have closed already.
    let _ = tls
        .write_all(if selected == "h2" {
            PREFACE
        } else {
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        })
        .await;
    let mut bytes = [0; 64];
    match timeout(Duration::from_secs(3), tls.read(&mut bytes)).await {
        Err(_) => format!("{selected}, silent"),
        Ok(Ok(0)) => format!("{selected}, closed"),
        Ok(Ok(n)) => format!(
            "{selected}, {}",
            if bytes[..n].starts_with(b"HTTP/1.1 ") {
                "HTTP/1.1"
            } else if bytes[..n].starts_with(b"SSH-") {
                "SSH"
            } else {
                "HTTP/2"
            }
        ),
        Ok(Err(e)) => alert(&e),
    }
}

fn recorded_outcome(case: &serde_json::Value) -> String {
    let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
    let (handshake, read) = (text("handshake"), text("first_read"));
    let place = if handshake == "ok" { &read } else { &handshake };
    for (mark, alert) in [
        ("UNKNOWN_CA", "UnknownCA"),
        ("CERTIFICATE_EXPIRED", "CertificateExpired"),
        ("CERTIFICATE_REQUIRED", "CertificateRequired"),
        ("no application protocol", "NoApplicationProtocol"),
    ] {
        if place.contains(mark) {
            return format!("alert {alert}");
        }
    }
    if handshake != "ok" {
        return "closed in handshake".to_owned();
    }
    let selected = case["selected"].as_str().unwrap_or("none");
    let what = match read.as_str() {
        "EOF with close_notify" => "closed",
        r if r.starts_with("48545450") => "HTTP/1.1",
        r if r.starts_with("5353482d") => "SSH",
        r if r.starts_with("0000") => "HTTP/2",
        other => panic!("unexpected recording {other}"),
    };
    format!("{selected}, {what}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_handshakes_end_alike() {
    let port = port().await;
    let cases = recorded_json("transport/tls-handshakes.json");
    let mut wrong = Vec::new();
    let mut seen = 0;
    for case in cases.as_array().expect("a list") {
        let name = case["case"].as_str().expect("a name");
        if name.starts_with("leaf auth") || name.starts_with("separate mode") {
            continue;
        }
        seen += 1;
        let alpn: Vec<&str> = case["alpn"]
            .as_array()
            .map(|a| a.iter().filter_map(|p| p.as_str()).collect())
            .unwrap_or_default();
        let holder = case["client_cert"]
            .as_str()
            .map(|what| holder(&port.cluster, what));
        let version = if case["tls"] == "1.2" {
            &rustls::version::TLS12
        } else {
            &rustls::version::TLS13
        };
        let have = outcome(&port, &alpn, case["sni"].as_str(), holder, version).await;
        let want = recorded_outcome(case);
        if have != want {
            wrong.push(format!("{name}: {have}, recorded {want}"));
        }
    }
    assert!(seen > 40, "{seen}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// transport.md 7.3: the connection ends without a status, a good version is served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_client_is_cut_off() {
    use crate::proto::auth::PingRequest;
    use crate::proto::auth::auth_service_client::AuthServiceClient;
    let port = port().await;
    let alpn = ["teleport-auth@726f6f74.teleport.cluster.local", "h2"];
    for (version, served) in [
        ("16.99.9", false),
        ("garbage", false),
        ("17.0.0-alpha.1", true),
    ] {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from(
                port.cluster
                    .state
                    .authority(CaKind::Host)
                    .cert_der()
                    .to_vec(),
            ))
            .expect("a root");
        let (chain, key) = holder(&port.cluster, "base");
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .expect("a client certificate");
        config.alpn_protocols = alpn.iter().map(|p| p.as_bytes().to_vec()).collect();
        let (config, addr) = (Arc::new(config), port.addr);
        let connector = tower::service_fn(move |_: http::Uri| {
            let config = Arc::clone(&config);
            async move {
                let name = ServerName::try_from("726f6f74.teleport.cluster.local").expect("a name");
                let tcp = TcpStream::connect(addr).await?;
                TlsConnector::from(config)
                    .connect(name, tcp)
                    .await
                    .map(hyper_util::rt::TokioIo::new)
            }
        });
        let channel = tonic::transport::Endpoint::from_static("http://teleport.cluster.local")
            .connect_with_connector(connector)
            .await
            .expect("a channel");
        let mut request = tonic::Request::new(PingRequest {});
        request
            .metadata_mut()
            .insert("version", version.parse().expect("ASCII"));
        let answer = timeout(
            Duration::from_secs(10),
            AuthServiceClient::new(channel).ping(request),
        )
        .await
        .expect("an end");
        match answer {
            Ok(answer) => assert!(
                served
                    && answer
                        .metadata()
                        .get("version")
                        .is_some_and(|v| v == "18.3.0"),
                "{version}"
            ),
            Err(status) => assert!(
                !served && status.metadata().get("version").is_none(),
                "{version}: {status}"
            ),
        }
    }
}

/// transport.md 11: three bytes are not enough, and nobody waits for ever. Plain protocols are closed at once.
#[tokio::test]
async fn other_protocols_are_closed_without_an_answer() {
    let port = port().await;
    for word in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"SSH-2.0-client\r\n",
        b"\x00\x00\x00\x10\x04\xd2\x16\x2e\x00\x00\x00\x01\x00\x00\x00\x02",
    ] {
        let mut tcp = TcpStream::connect(port.addr).await.expect("a connection");
        tcp.write_all(word).await.expect("a write");
        let mut answer = Vec::new();
        // Unread bytes turn the end into a reset; either way nothing comes.
        let _ = timeout(Duration::from_secs(5), tcp.read_to_end(&mut answer))
            .await
            .expect("an end");
        assert!(answer.is_empty());
    }
}
