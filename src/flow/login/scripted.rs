//! A proxy for tests: answers logins with recorded answers, over real TLS on loopback, and keeps what it saw.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::*;
use crate::identity::Certificate;
use crate::profile::keys::KeyPair;
use crate::webapi::types::PublicKey;

pub(super) fn recorded(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/login")
        .join(format!("{name}.json"));
    let exchange: Value =
        serde_json::from_slice(&std::fs::read(path).expect("a recording")).expect("JSON");
    exchange["response"].clone()
}

/// The ping of a recording, which announces no address: the server's own is to be used.
pub(super) fn ping(name: &str) -> Value {
    let mut response = recorded(&format!("discovery/{name}"));
    response["body"]["proxy"]["ssh"]["public_addr"] = json!("");
    response
}

/// What a server saw.
#[derive(Clone, Default)]
pub(super) struct Seen {
    pub(super) connections: Arc<AtomicUsize>,
    /// Connections that only test whether connections have to be upgraded.
    pub(super) tests: Arc<AtomicUsize>,
    pub(super) requests: Arc<Mutex<Vec<(String, Value)>>>,
}

/// The protocol of such a test (transport.md 5.1).
const TEST: &[u8] = b"teleport-reversetunnel";

impl Seen {
    pub(super) fn paths(&self) -> Vec<String> {
        self.requests
            .lock()
            .expect("no panic")
            .iter()
            .map(|(path, _)| path.clone())
            .collect()
    }
}

/// A proxy that gives prepared answers in turn, with the given `Date`.
pub(super) struct Proxy {
    pub(super) addr: String,
    pub(super) trust: Trust,
    pub(super) seen: Seen,
}

impl Proxy {
    pub(super) async fn start(answers: Vec<Value>, date: &str) -> Self {
        let mut params =
            rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().expect("a key");
        let cert = params.self_signed(&key).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![cert.der().clone()],
                rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .expect("a configuration");
        config.alpn_protocols = vec![b"http/1.1".to_vec(), TEST.to_vec()];
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address").to_string();
        let mut trust = Trust::default();
        trust.add_pem(&cert.pem()).expect("a certificate");
        let seen = Seen::default();
        let answers = Arc::new(Mutex::new(answers.into_iter()));
        let (to, date) = (seen.clone(), date.to_owned());
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, answers, seen, date) = (
                    acceptor.clone(),
                    Arc::clone(&answers),
                    to.clone(),
                    date.clone(),
                );
                tokio::spawn(async move {
                    let Ok(tls) = acceptor.accept(tcp).await else {
                        return;
                    };
                    if tls.get_ref().1.alpn_protocol() == Some(TEST) {
                        seen.tests.fetch_add(1, Ordering::SeqCst);
                        return;
                    }
                    seen.connections.fetch_add(1, Ordering::SeqCst);
                    let mut stream = BufReader::new(tls);
                    while let Some((path, body)) = request(&mut stream).await {
                        seen.requests.lock().expect("no panic").push((path, body));
                        let Some(answer) = answers.lock().expect("no panic").next() else {
                            return;
                        };
                        let body = answer["body"].to_string();
                        let text = format!(
                            "HTTP/1.1 {} X\r\nContent-Type: application/json\r\nDate: {date}\r\nContent-Length: {}\r\n\r\n{body}",
                            answer["status"],
                            body.len()
                        );
                        if stream.write_all(text.as_bytes()).await.is_err()
                            || stream.flush().await.is_err()
                        {
                            return;
                        }
                    }
                });
            }
        });
        Self { addr, trust, seen }
    }

    pub(super) async fn door(&self) -> Door {
        discover(
            std::slice::from_ref(&self.addr),
            &self.trust,
            None,
            &Arc::default(),
        )
        .await
        .expect("a proxy")
    }
}

pub(super) async fn request(
    stream: &mut (impl AsyncBufReadExt + Unpin),
) -> Option<(String, Value)> {
    let (mut path, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        path = path.or_else(|| line.split(' ').nth(1).map(str::to_owned));
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((path?, serde_json::from_slice(&body).unwrap_or_default()))
}

/// A moment as HTTP writes it.
pub(super) fn http_date(unix: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp(unix)
        .expect("a date")
        .format(&time::format_description::well_known::Rfc2822)
        .expect("a date")
        .replace("+0000", "GMT")
}

/// A certificate for `key` as a recorded answer, valid from a minute before `issued` on.
pub(super) fn granted(key: &KeyPair, issued: i64, seconds: i64) -> Value {
    use crate::cluster::ca::{Authority, CaKind, SubjectPublicKey};
    use base64::Engine;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let PublicKey::Tls(spki) = PublicKey::p256(key.public_point(), &compat::Server::of("18.3.0"))
    else {
        panic!("18 takes PEM")
    };
    let identity = crate::identity::Identity {
        username: "u01".to_owned(),
        roles: vec!["access".to_owned()],
        teleport_cluster: "root.example.com".to_owned(),
        ..Default::default()
    };
    let authority =
        Authority::generate(CaKind::User, "root.example.com", issued - 1000).expect("an authority");
    let spki = SubjectPublicKey::from_pem(&spki).expect("a key");
    let der = authority
        .issue_user(&identity, &spki, issued - 60, issued + seconds)
        .expect("a certificate");
    let pem = Certificate::from_der(&der).expect("our own").to_pem();
    let mut answer = recorded("finish/finish-ok-tls-only-p256");
    answer["body"]["tls_cert"] = json!(encode(pem.as_bytes()));
    answer["body"]["username"] = json!("u01");
    answer
}
