//! Clients of the root that want to a database of the leaf.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Port, linked, until, web_roots};
use crate::pg::{ErrorResponse, Kind};

/// What alice gets who wants to the database `service` of `cluster` through the root as `user`: an error, since no PostgreSQL
/// is there.
pub(super) async fn connect(
    root: &Port,
    cluster: &str,
    service: &str,
    user: &str,
) -> ErrorResponse {
    let (certificate, key) = root.database_certificate(cluster, service);
    let mut config = rustls::ClientConfig::builder()
        .with_root_certificates(web_roots(root))
        .with_client_auth_cert(vec![CertificateDer::from(certificate.der)], key)
        .expect("a configuration");
    config.alpn_protocols = vec![b"teleport-postgres".to_vec()];
    let tcp = TcpStream::connect(root.addr).await.expect("a connection");
    let name = ServerName::try_from("localhost").expect("a name");
    let mut stream = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .expect("a handshake");
    let body = [
        b"\0\x03\0\0user\0",
        user.as_bytes(),
        b"\0database\0postgres\0\0",
    ]
    .concat();
    let length = u32::try_from(body.len() + 4)
        .expect("a length")
        .to_be_bytes();
    stream
        .write_all(&[&length[..], &body].concat())
        .await
        .expect("a write");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    assert_eq!(answer.first(), Some(&b'E'), "{answer:?}");
    ErrorResponse::parse(Kind::Error, &answer[5..]).expect("an ErrorResponse")
}

fn text(error: &ErrorResponse) -> (String, String, String) {
    let or = |text: Option<std::borrow::Cow<'_, str>>| text.unwrap_or_default().into_owned();
    (
        or(error.sqlstate()),
        error.message().into_owned(),
        or(error.hint()),
    )
}

#[tokio::test]
async fn the_leaf_decides_and_connects() {
    let (root, leaf) = linked().await;
    // As far as a cluster without PostgreSQL goes: allowed, and then nothing listens.
    let (code, message, _) = text(&connect(&root, "leaf", "dead", "app").await);
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("08006", "connection refused")
    );
    let (code, message, _) = text(&connect(&root, "leaf", "dead", "owner").await);
    assert_eq!(code, "28000");
    assert_eq!(
        message,
        "access to db denied. User does not have permissions. Confirm database user and name."
    );
    let (_, message, hint) = text(&connect(&root, "leaf", "orders", "alice").await);
    assert_eq!(
        message,
        "please use your mapped remote username (\"remote-alice-root\") to connect instead of \"alice\""
    );
    assert!(hint.contains("remote-alice-root"), "{hint}");
    let (code, message, _) = text(&connect(&root, "leaf", "nosuch", "app").await);
    assert_eq!(
        (code.as_str(), message.as_str()),
        (
            "3D000",
            "database \"nosuch\" not found among registered databases in cluster \"leaf\""
        )
    );

    // The same link, another role map.
    let mut documents = (*leaf.state().documents()).clone();
    let trusted = documents
        .trusted_clusters
        .get_mut("root")
        .expect("the root");
    trusted.role_map[0].remote = "nobody".to_owned();
    leaf.state().replace_documents(documents);
    let (code, message, hint) = text(&connect(&root, "leaf", "dead", "app").await);
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("28000", "access denied")
    );
    assert!(
        hint.contains("the cluster leaf gives none of your roles"),
        "{hint}"
    );
    let reports = (leaf.cluster.reports())();
    assert!(
        reports
            .iter()
            .any(|r| r
                .starts_with("no roles mapped for remote user \"alice\" from cluster \"root\"")),
        "{reports:?}"
    );
}

#[tokio::test]
async fn an_error_names_the_hop() {
    let (root, mut leaf) = linked().await;
    let (code, message, hint) = text(&connect(&root, "nosuch", "app", "app").await);
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("3D000", "cluster \"nosuch\" is not found")
    );
    assert!(hint.contains("postern clusters"), "{hint}");
    leaf.unlink();
    until("the leaf to be offline", || !root.online("leaf")).await;
    let (code, message, hint) = text(&connect(&root, "leaf", "dead", "app").await);
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("08006", "cluster \"leaf\" is offline")
    );
    assert!(
        hint.contains("you reached the root cluster root, but the leaf cluster leaf has no link to it; it was heard of last at 20"),
        "{hint}"
    );
}
