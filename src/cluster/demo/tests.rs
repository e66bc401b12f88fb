//! A whole demo cluster with a real PostgreSQL.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{DemoError, Options, Running, start};
use crate::cluster::ca::phase::Phase;
use crate::cluster::ca::{CaKind, SubjectPublicKey};
use crate::cluster::clock::system_clock;
use crate::cluster::dbservice::Catalog;
use crate::cluster::issue::{self, Reissue};
use crate::cluster::rotation::rotate;
use crate::cluster::server::ServerError;
use crate::cluster::store::Store;
use crate::cluster::testing::assert_clean_end;
use crate::identity::{Certificate, RouteToDatabase};
use crate::transport::ping::PingStream;

/// A database certificate of alice for `orders` and its key.
fn credential(running: &Running) -> (Vec<u8>, Vec<u8>) {
    let pair = rcgen::KeyPair::generate().expect("a key");
    let key = SubjectPublicKey::from_pem(pair.public_key_pem().as_bytes()).expect("a public key");
    let state = running.state();
    let base = Certificate::from_der(
        &issue::login(state, "alice", &key, 0, "127.0.0.1").expect("a login"),
    )
    .expect("a certificate");
    let checker = Catalog::checker(state.as_ref(), &base.identity).expect("a checker");
    let route = RouteToDatabase {
        service_name: "orders".to_owned(),
        protocol: "postgres".to_owned(),
        username: "alice".to_owned(),
        database: "postgres".to_owned(),
        roles: vec!["reader".to_owned()],
    };
    let wish = Reissue {
        expires: base.not_after,
        database: Some(route),
        ..Reissue::default()
    };
    let der = issue::reissue(state, &base, &checker, &wish, "127.0.0.1")
        .and_then(|granted| granted.x509(state, &key))
        .expect("a database certificate");
    (der, pair.serialize_der())
}

fn leaf_online(running: &Running) -> bool {
    let all = running.state().leaves().all();
    matches!(all.as_slice(), [leaf] if leaf.name == "leaf" && leaf.online)
}

async fn tls<S>(
    stream: S,
    root: &[u8],
    credential: Option<&(Vec<u8>, Vec<u8>)>,
    alpn: &[&str],
) -> TlsStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from(root.to_vec()))
        .expect("a root");
    let builder =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
    let mut config = match credential {
        Some((der, key)) => {
            let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.clone()));
            builder
                .with_client_auth_cert(vec![CertificateDer::from(der.clone())], key)
                .expect("a client certificate")
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|p| p.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .expect("a handshake")
}

/// Opens a session as alice and says who she is and what she may do.
async fn session<S>(stream: S) -> (String, bool, i64)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut config = tokio_postgres::Config::new();
    config
        .user("alice")
        .dbname("postgres")
        .ssl_mode(tokio_postgres::config::SslMode::Disable);
    let (client, connection) = config
        .connect_raw(stream, tokio_postgres::NoTls)
        .await
        .expect("a session");
    let connection = tokio::spawn(connection);
    let row = client
        .query_one(
            "SELECT current_user::text, pg_has_role('writer', 'member'), (SELECT count(*) FROM t)",
            &[],
        )
        .await
        .expect("a row");
    drop(client);
    assert_clean_end(connection.await.expect("no panic"));
    (row.get(0), row.get(1), row.get(2))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demo_serves_sessions_stops_and_starts_again_with_what_it_had() {
    let dir = tempfile::tempdir().expect("a directory");
    let running = start(Options::new(dir.path().join("state")))
        .await
        .expect("a demo");
    assert_eq!(running.warnings, Vec::<String>::new());
    assert!(leaf_online(&running));
    let description = running.description.clone();
    assert_eq!(
        description.proxy,
        format!("localhost:{}", running.addr.port())
    );
    assert_eq!(
        description
            .users
            .iter()
            .map(|u| u.name.as_str())
            .collect::<Vec<_>>(),
        ["alice", "bob", "carol"]
    );
    let ca = std::fs::read(&description.ca_file).expect("the CA file");
    assert_eq!(
        ca,
        running.state().authorities().web().cert_pem().as_bytes()
    );

    // Whoever started it reaches PostgreSQL without a password.
    let superuser = running
        .root
        .postgres()
        .connect("app")
        .await
        .expect("a connection past the cluster");
    assert_eq!(
        superuser
            .query_one("SELECT current_user::text", &[])
            .await
            .expect("a row")
            .get::<_, String>(0),
        "postgres"
    );
    drop(superuser);

    let expected = ("alice".to_owned(), false, 1000);
    let credential = credential(&running);
    let web = running.state().authorities().web().cert_der().to_vec();
    let dial = || async {
        TcpStream::connect(running.addr)
            .await
            .expect("a connection")
    };
    // The certificate on the outer TLS, without and with ping framing.
    let stream = tls(
        dial().await,
        &web,
        Some(&credential),
        &["teleport-postgres"],
    )
    .await;
    assert_eq!(session(stream).await, expected);
    let stream = tls(
        dial().await,
        &web,
        Some(&credential),
        &["teleport-postgres-ping", "teleport-postgres"],
    )
    .await;
    assert_eq!(
        stream.get_ref().1.alpn_protocol(),
        Some(&b"teleport-postgres-ping"[..])
    );
    assert_eq!(session(PingStream::client(stream)).await, expected);
    // A database certificate decides whatever was negotiated.
    assert_eq!(
        session(tls(dial().await, &web, Some(&credential), &["http/1.1"]).await).await,
        expected
    );
    // The certificate on PostgreSQL's own TLS inside.
    let mut outer = tls(dial().await, &web, None, &["teleport-postgres"]).await;
    outer
        .write_all(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])
        .await
        .expect("a request");
    assert_eq!(outer.read_u8().await.expect("an answer"), b'S');
    let host = running.state().authority(CaKind::Host).cert_der().to_vec();
    assert_eq!(
        session(tls(outer, &host, Some(&credential), &[]).await).await,
        expected
    );

    assert!(matches!(
        start(Options::new(dir.path().join("state"))).await,
        Err(DemoError::Server(ServerError::InUse(_)))
    ));
    let socket = description
        .postgres
        .root
        .host
        .join(format!(".s.PGSQL.{}", description.postgres.root.port));
    running.stop().await.expect("a clean stop");
    assert!(
        tokio::net::UnixStream::connect(&socket).await.is_err(),
        "PostgreSQL has stopped"
    );

    // PostgreSQL follows the cluster's authorities at its next start.
    rotate_databases(&dir.path().join("state/state.db"));
    let again = start(Options::new(dir.path().join("state")))
        .await
        .expect("the same demo");
    assert_eq!(again.warnings, Vec::<String>::new());
    assert!(leaf_online(&again));
    assert_eq!(again.description.users, description.users);
    assert_eq!(again.description.postgres, description.postgres);
    assert_eq!(
        std::fs::read(&again.description.ca_file).expect("the CA file"),
        ca
    );
    let credential = self::credential(&again);
    let stream = TcpStream::connect(again.addr).await.expect("a connection");
    let stream = tls(stream, &web, Some(&credential), &["teleport-postgres"]).await;
    assert_eq!(session(stream).await, expected);
    again.discard().await.expect("a clean stop");
}

/// Replaces the authorities on both ends of the connections to PostgreSQL.
fn rotate_databases(state: &std::path::Path) {
    let store = Store::open(state).expect("the state");
    let now = system_clock()() / 1000;
    for kind in [CaKind::Db, CaKind::DbClient] {
        for phase in [
            Phase::Init,
            Phase::UpdateClients,
            Phase::UpdateServers,
            Phase::Standby,
        ] {
            rotate(&store, kind, phase, now).expect("a step");
        }
    }
}
