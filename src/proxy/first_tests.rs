//! Each arm of the first packet, and clients that have none.

use std::sync::Arc;
use std::time::Duration;

use rustls::AlertDescription;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::super::Options;
use super::super::testing::{Rig, app, own, rest, silent, startup, take};
use crate::pg::FirstPacket;
use crate::pg::recorded::{self, Side};

#[tokio::test(start_paused = true)]
async fn encryption_is_refused_once_each_in_either_order() {
    for order in [
        vec![FirstPacket::Ssl],
        vec![FirstPacket::GssEnc],
        vec![FirstPacket::Ssl, FirstPacket::GssEnc],
        vec![FirstPacket::GssEnc, FirstPacket::Ssl],
        vec![],
    ] {
        let mut rig = Rig::new(app());
        for packet in &order {
            rig.say(&packet.encode()).await;
            assert_eq!(take(&mut rig.client, 1).await, b"N", "{order:?}");
        }
        rig.start("app").await;
        rig.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_encryption_request_ends_the_connection() {
    for packet in [FirstPacket::Ssl, FirstPacket::GssEnc] {
        let mut rig = Rig::new(app());
        rig.say(&packet.encode()).await;
        assert_eq!(take(&mut rig.client, 1).await, b"N");
        rig.say(&packet.encode()).await;
        assert_eq!(rest(&mut rig.client).await, b"", "{packet:?}");
        assert!(rig.far_ends.try_recv().is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_client_is_served_byte_by_byte() {
    let mut rig = Rig::new(app());
    let sent = recorded::plain("gss-then-ssl", Side::Client);
    let (requests, startup_and_more) = sent.split_at(16);
    for byte in requests {
        rig.say(&[*byte]).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(take(&mut rig.client, 2).await, b"NN");
    let startup = &startup_and_more[..36];
    for byte in startup {
        rig.say(&[*byte]).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let mut far = rig.far_end(super::super::Purpose::Session).await;
    assert_eq!(take(&mut far, 36).await, startup);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_or_too_little_is_closed_after_the_deadline() {
    for begin in [&b""[..], &[0, 0, 0]] {
        let mut rig = Rig::new(app());
        let from = Instant::now();
        rig.say(begin).await;
        let ended = rig.task;
        ended.await.unwrap();
        assert_eq!(from.elapsed().as_secs(), 30);
        assert_eq!(rest(&mut rig.client).await, b"");
    }
}

#[tokio::test(start_paused = true)]
async fn garbage_is_closed_without_a_byte_and_without_opening_anything() {
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x31],
        &[0; 8],
    ] {
        let mut rig = Rig::new(app());
        rig.say(garbage).await;
        assert_eq!(rest(&mut rig.client).await, b"");
        assert!(rig.far_ends.try_recv().is_err());
        assert!(!rig.shared.report().startup_seen);
        rig.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_protocol_version_that_does_not_exist_is_told_so() {
    let mut rig = Rig::new(app());
    rig.say(&recorded::plain("bad-code", Side::Client)).await;
    let error = rig.refusal().await;
    assert_eq!(error.sqlstate().as_deref(), Some("0A000"));
    assert_eq!(
        error.message(),
        "unsupported frontend protocol 4.0: server supports 3.0"
    );
}

#[tokio::test(start_paused = true)]
async fn direct_tls_gets_an_alert_and_the_person_a_line() {
    let rig = Rig::new(app());
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_root_certificates(rustls::RootCertStore::empty())
    .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let error = connector.connect(name, rig.client).await.unwrap_err();
    let tls = error.get_ref().unwrap().downcast_ref::<rustls::Error>();
    assert_eq!(
        tls,
        Some(&rustls::Error::AlertReceived(
            AlertDescription::HandshakeFailure
        ))
    );
    rig.task.await.unwrap();
    let notes = rig.notes.lock().unwrap();
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains("sslmode=disable"), "{notes:?}");
    assert!(!notes[0].contains('\n'));
    assert_eq!(rig.shared.report().direct_tls, 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_at_the_refusal_of_tls_is_explained_once_in_a_while() {
    let mut rig = Rig::new(app());
    let insist = |mut client: tokio::io::DuplexStream| async move {
        client.write_all(&FirstPacket::Ssl.encode()).await.unwrap();
        assert_eq!(take(&mut client, 1).await, b"N");
    };
    let (first, task) = rig.another(own());
    insist(first).await;
    task.await.unwrap();
    let (second, task) = rig.another(own());
    insist(second).await;
    task.await.unwrap();
    assert_eq!(rig.shared.report().insisted_on_tls, 2);
    assert_eq!(rig.notes.lock().unwrap().len(), 1);
    tokio::time::sleep(Duration::from_secs(10)).await;
    let (third, task) = rig.another(own());
    insist(third).await;
    task.await.unwrap();
    silent(&mut rig.client).await;
    let notes = rig.done().await;
    assert_eq!(notes.len(), 2);
    assert!(
        notes[0].contains("sslmode=disable or sslmode=prefer"),
        "{notes:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_a_connection_that_has_said_nothing() {
    let mut rig = Rig::with(
        app(),
        super::super::testing::Opening::Works,
        Options::default(),
    );
    rig.say(&startup("app").encode()[..10]).await;
    drop(rig.stop);
    rig.task.await.unwrap();
    assert_eq!(rest(&mut rig.client).await, b"");
}
