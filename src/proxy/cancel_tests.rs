//! Cancel requests, as clients send them and as the cluster answers.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::super::testing::{Opening, Rig, app, own, rest, silent, startup, take};
use super::super::{Options, UpstreamError};
use super::*;
use crate::hop::Hop;
use crate::pg::recorded::{self, Side};
use crate::pg::{FirstPacket, sqlstate};

fn request() -> Vec<u8> {
    recorded::plain("cancel-plain", Side::Client)
}

#[tokio::test(start_paused = true)]
async fn a_request_goes_up_as_it_was_read_and_both_ends_close_when_the_cluster_does() {
    // 16 bytes as every client sends, 24 as protocol 3.2 allows.
    for case in ["cancel-plain", "cancel-24-byte"] {
        let sent = recorded::plain(case, Side::Client);
        let mut rig = Rig::new(app());
        rig.say(&sent).await;
        let mut far = rig.far_end(Purpose::Cancel).await;
        assert_eq!(take(&mut far, sent.len()).await, sent, "{case}");
        silent(&mut far).await;
        silent(&mut rig.client).await;
        drop(far);
        assert_eq!(rest(&mut rig.client).await, b"", "{case}");
        assert_eq!(rig.shared.report().cancels, 1);
        assert_eq!(rig.done().await, Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancel_may_follow_a_refusal_of_tls() {
    let mut rig = Rig::new(app());
    rig.say(&FirstPacket::Ssl.encode()).await;
    assert_eq!(take(&mut rig.client, 1).await, b"N");
    rig.say(&request()).await;
    let mut far = rig.far_end(Purpose::Cancel).await;
    assert_eq!(take(&mut far, 16).await, request());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_at_once_still_has_its_request_delivered() {
    let mut rig = Rig::new(app());
    rig.say(&request()).await;
    rig.client.shutdown().await.unwrap();
    let mut far = rig.far_end(Purpose::Cancel).await;
    drop(rig.client);
    assert_eq!(take(&mut far, 16).await, request());
    silent(&mut far).await;
    drop(far);
    rig.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_never_closes_is_waited_for_ten_seconds() {
    let mut rig = Rig::new(app());
    let from = Instant::now();
    rig.say(&request()).await;
    let mut far = rig.far_end(Purpose::Cancel).await;
    assert_eq!(take(&mut far, 16).await, request());
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(rest(&mut far).await, b"");
    assert_eq!(from.elapsed().as_secs(), 10);
    rig.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_way_that_cannot_be_opened_is_noted_and_the_client_closed_without_a_byte() {
    let failure = UpstreamError {
        hop: Hop::Proxy("proxy.test:443".into()),
        sqlstate: sqlstate::UNABLE_TO_CONNECT,
        message: "no route".into(),
        hint: None,
    };
    for (opening, note) in [
        (
            Opening::Fails(failure),
            "the cancel request could not be sent, proxy proxy.test:443: no route",
        ),
        (
            Opening::Hangs,
            "the cancel request could not be sent: the cluster did not answer in time",
        ),
    ] {
        let mut rig = Rig::with(app(), opening, Options::default());
        rig.say(&request()).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(rest(&mut rig.client).await, b"");
        assert_eq!(rig.shared.report().cancels, 0);
        assert_eq!(rig.done().await, [note]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_is_noted_because_libpq_does_not_show_it() {
    let mut rig = Rig::new(app());
    rig.say(&request()).await;
    let mut far = rig.far_end(Purpose::Cancel).await;
    far.write_all(&recorded::plain_server_bytes("cancel-no-user-in-cert"))
        .await
        .unwrap();
    drop(far);
    let error = rig.refusal().await;
    assert_eq!(error.message(), "user name must not be empty");
    assert_eq!(error.sqlstate().as_deref(), Some("28000"));
    assert_eq!(
        rig.done().await,
        ["the cluster refused the cancel request: user name must not be empty"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_cancel_needs_no_session_place_and_outlives_the_order_to_stop() {
    let options = Options {
        max_sessions: 1,
        ..Options::default()
    };
    let mut rig = Rig::with(app(), Opening::Works, options);
    rig.say(&startup("app").encode()).await;
    let _session = rig.far_end(Purpose::Session).await;
    let (mut client, task) = rig.another(own());
    client.write_all(&request()).await.unwrap();
    let mut far = rig.far_end(Purpose::Cancel).await;
    assert_eq!(take(&mut far, 16).await, request());
    drop(rig.stop);
    rig.task.await.unwrap();
    silent(&mut far).await;
    drop(far);
    task.await.unwrap();
}
