//! Upgrades as Teleport 14.0.0-dev was recorded to answer them, played again by a server in this process: WebSockets are
//! unknown there, the former type serves, and inside the proxy shows its cluster's certificate (transport.md 5.3).

use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, ServerConfig};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::dial::DialError;
use super::network_env::NetworkEnv;
use super::ping::{PING_INTERVAL, PingStream};
use super::route::{Network, Pings, Route, Service, Upgrade};
use super::tls_fault::TlsFault;
use super::trust::{Trust, host_config};
use super::{BoxStream, IoStream};

const DEADLINE: Duration = Duration::from_secs(20);
/// The name by which services are verified inside an upgraded connection.
const INSIDE: &str = "teleport.cluster.local";

fn recorded(case: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!(
        "../../tests/data/teleport-14.0.0-dev/transport/connection-upgrade.json"
    ))
    .expect("JSON");
    all[case].clone()
}

fn text<'v>(case: &'v Value, key: &str) -> &'v str {
    case[key].as_str().expect("a text")
}

/// An authority with a certificate for one name.
struct Pki {
    ca_pem: String,
    ca: Vec<u8>,
    chain: rustls::pki_types::CertificateDer<'static>,
    key: KeyPair,
}

impl Pki {
    fn new(name: &str) -> Self {
        let ca_key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = params.self_signed(&ca_key).expect("an authority");
        let key = KeyPair::generate().expect("a key");
        let leaf = CertificateParams::new(vec![name.to_owned()])
            .expect("names")
            .signed_by(&key, &Issuer::from_params(&params, &ca_key))
            .expect("a certificate");
        Self {
            ca_pem: ca.pem(),
            ca: ca.der().to_vec(),
            chain: leaf.der().clone(),
            key,
        }
    }

    fn acceptor(&self, alpn: &str) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![self.chain.clone()],
                PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der())),
            )
            .expect("a configuration");
        config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

/// The head of a request.
async fn head(stream: &mut (impl IoStream + 'static)) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.expect("a head"));
    }
    String::from_utf8(bytes).expect("text")
}

/// Lines of a head that say what is asked for; other programs' names and addresses, and random numbers, do not count.
fn asked(head: &str) -> Vec<String> {
    let named = [
        "get ",
        "connection:",
        "upgrade:",
        "sec-websocket-version:",
        "sec-websocket-protocol:",
    ];
    let mut lines: Vec<String> = head
        .lines()
        .map(str::to_ascii_lowercase)
        .filter(|line| named.iter().any(|name| line.starts_with(name)))
        .collect();
    lines.sort();
    lines
}

/// A proxy of 14 behind a balancer, and the client's way to it.
struct Played {
    listener: TcpListener,
    web: Pki,
    host: Pki,
    route: Route,
}

impl Played {
    async fn new() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let web = Pki::new("localhost");
        let mut trust = Trust::default();
        trust.add_pem(&web.ca_pem).expect("PEM");
        let network = Network {
            upgrade: Some(Upgrade::WebSocket),
            ..Network::default()
        };
        let proxy = format!("localhost:{}", addr.port());
        Self {
            listener,
            web,
            host: Pki::new(INSIDE),
            route: Route::new(&proxy, &trust, &network, &Arc::<NetworkEnv>::default()),
        }
    }

    /// Takes one connection, whose request has to be the recorded one, and gives the recorded answer.
    async fn answer(&self, case: &Value) -> impl IoStream + 'static {
        let (tcp, _) = self.listener.accept().await.expect("a connection");
        let mut outer = self
            .web
            .acceptor("http/1.1")
            .accept(tcp)
            .await
            .expect("TLS");
        let head = head(&mut outer).await;
        assert_eq!(asked(&head), asked(text(case, "request")), "{head}");
        let answer = text(case, "answer").as_bytes();
        outer.write_all(answer).await.expect("a write");
        outer.flush().await.expect("a write");
        outer
    }

    /// What a real proxy did with what is inside: TLS, and the first bytes of the service.
    async fn inside(
        &self,
        outer: impl IoStream + 'static,
        pings: Pings,
        inner: &Value,
        bytes: &[u8],
    ) {
        let carried: BoxStream = match pings {
            Pings::Wanted => Box::new(PingStream::server(outer, PING_INTERVAL)),
            Pings::Inside => Box::new(outer),
        };
        let acceptor = self.host.acceptor(text(inner, "alpn"));
        let mut tls = acceptor.accept(carried).await.expect("TLS inside");
        tls.write_all(bytes).await.expect("a write");
        tls.flush().await.expect("a write");
        // Held until the client goes.
        let _ = tls.read(&mut [0; 16]).await;
    }

    fn service(&self, pings: Pings, alpn: &str, vouching: ClientConfig) -> Service {
        let outside = host_config(
            std::slice::from_ref(&self.host.ca),
            &[alpn.to_owned()],
            None,
        );
        Service {
            tls: (
                Arc::new(outside.expect("a configuration")),
                "localhost".to_owned(),
            ),
            upgraded: Some((Arc::new(vouching), INSIDE.to_owned())),
            pings,
            chooses: true,
        }
    }
}

#[tokio::test]
async fn websockets_are_refused_and_the_former_type_carries_every_service() {
    for (pings, case, refused, read) in [
        (
            Pings::Wanted,
            "legacy-alpn-ping-auth-root",
            true,
            "first_read",
        ),
        (
            Pings::Wanted,
            "legacy-alpn-ping-auth-leaf",
            true,
            "first_read",
        ),
        (Pings::Inside, "legacy-alpn-database", false, "ssl_answer"),
        (
            Pings::Inside,
            "legacy-alpn-database-ping",
            false,
            "ssl_answer",
        ),
    ] {
        let (websocket, legacy) = (recorded("websocket"), recorded(case));
        let inner = &legacy["inner"];
        let want = crate::pg::recorded::bytes(text(inner, read));
        let played = Played::new().await;
        let vouching = host_config(
            std::slice::from_ref(&played.host.ca),
            &[text(inner, "alpn").to_owned()],
            None,
        );
        let service = played.service(
            pings,
            text(inner, "alpn"),
            vouching.expect("a configuration"),
        );
        // The recorded refusal is of what long-lived services ask for; databases ask for the other sub-protocol.
        let mut first = websocket.clone();
        if !refused {
            let request = text(&websocket, "request").replace("alpn-ping", "alpn");
            first["request"] = request.into();
        }
        let serving = async {
            // The refused connection is not used again: a balancer may have closed it.
            let _refused = played.answer(&first).await;
            let outer = played.answer(&legacy).await;
            played.inside(outer, pings, inner, &want).await;
            // Known from now on.
            let outer = played.answer(&legacy).await;
            played.inside(outer, pings, inner, &want).await;
        };
        let dialling = async {
            for _ in 0..2 {
                let mut tls = played
                    .route
                    .connect(&service, DEADLINE)
                    .await
                    .unwrap_or_else(|error| panic!("{case}: {error}"));
                let mut bytes = vec![0; want.len()];
                tls.read_exact(&mut bytes).await.expect("the service");
                assert_eq!(bytes, want, "{case}");
                assert_eq!(played.route.upgrade(), Some(Upgrade::Legacy), "{case}");
            }
        };
        timeout(
            DEADLINE,
            Box::pin(async { tokio::join!(serving, dialling) }),
        )
        .await
        .unwrap_or_else(|_| panic!("{case}: no end"));
    }
}

/// The certificate inside is the cluster's: the authority of the web port does not vouch for it.
#[tokio::test]
async fn the_web_ports_authority_does_not_vouch_for_what_is_inside() {
    let legacy = recorded("legacy-alpn-database-web-ca");
    let error = text(&legacy["inner"], "error");
    assert!(
        error.contains("unable to get local issuer certificate"),
        "{error}"
    );
    let played = Played::new().await;
    let names = ["teleport-postgres".to_owned()];
    let of_web = host_config(std::slice::from_ref(&played.web.ca), &names, None);
    let service = played.service(Pings::Inside, &names[0], of_web.expect("a configuration"));
    let mut websocket = recorded("websocket");
    let request = text(&websocket, "request").replace("alpn-ping", "alpn");
    websocket["request"] = request.into();
    let serving = async {
        let _refused = played.answer(&websocket).await;
        let outer = played.answer(&legacy).await;
        let refused = played.host.acceptor(&names[0]).accept(outer).await;
        assert!(refused.is_err(), "the client went on");
    };
    let dialling = played.route.connect(&service, DEADLINE);
    let (dialled, ()) = timeout(
        DEADLINE,
        Box::pin(async { tokio::join!(dialling, serving) }),
    )
    .await
    .expect("an end");
    match dialled {
        Err(DialError::Tls {
            fault: TlsFault::Untrusted(_),
            ..
        }) => {}
        other => panic!("{:?}", other.map(|_| "a connection")),
    }
}
