//! The bytes of a session: start, greeting, parameters, cancel.

use std::sync::Arc;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::cluster::dbservice::DbService;
use crate::cluster::dbservice::testpg::{Caller, TestPg, User, service};
use crate::pg::{
    CancelKey, CancelRequest, ErrorResponse, Kind, NegotiateProtocolVersion, ProtocolVersion,
    Startup,
};

/// Sends a startup message and reads up to ReadyForQuery or the end: type and body of each message.
async fn start(stream: &mut DuplexStream, startup: &Startup) -> Vec<(u8, Vec<u8>)> {
    stream
        .write_all(&startup.encode())
        .await
        .expect("a startup message");
    let mut messages = Vec::new();
    while messages.last().is_none_or(|(kind, _)| *kind != b'Z') {
        let Ok(kind) = stream.read_u8().await else {
            break;
        };
        let length = stream.read_u32().await.expect("a length");
        let mut body = vec![0; length as usize - 4];
        stream.read_exact(&mut body).await.expect("a body");
        messages.push((kind, body));
    }
    messages
}

/// A Query message.
pub(super) fn query(sql: &str) -> Vec<u8> {
    let length = u32::try_from(sql.len() + 5).expect("a short query");
    [
        b"Q".as_slice(),
        &length.to_be_bytes(),
        sql.as_bytes(),
        b"\0",
    ]
    .concat()
}

/// Opens a session on a bare stream, and reads the greeting.
pub(super) async fn opened(service: &Arc<DbService>, caller: &Caller) -> DuplexStream {
    let mut stream = caller.dial(service);
    let startup = Startup::new(ProtocolVersion::V3_0).with("user", &caller.db_user);
    let messages = start(&mut stream, &startup).await;
    assert_eq!(
        messages.last().map(|(kind, _)| *kind),
        Some(b'Z'),
        "{messages:?}"
    );
    stream
}

/// The shared account.
fn app() -> Caller {
    Caller {
        db_user: "app".into(),
        ..Caller::auto("plain").with_role("app")
    }
}

fn setting(messages: &[(u8, Vec<u8>)], name: &str) -> Option<String> {
    messages
        .iter()
        .filter(|(kind, _)| *kind == b'S')
        .find_map(|(_, body)| {
            let text = String::from_utf8_lossy(body);
            let mut parts = text.split('\0');
            (parts.next() == Some(name)).then(|| parts.next().unwrap_or_default().to_owned())
        })
}

#[tokio::test]
async fn the_greeting_has_the_recorded_order() {
    let pg = TestPg::shared();
    let service = service(pg);
    let mut stream = app().dial(&service);
    let messages = start(
        &mut stream,
        &Startup::new(ProtocolVersion::V3_0).with("user", "app"),
    )
    .await;
    let kinds: String = messages.iter().map(|(kind, _)| char::from(*kind)).collect();
    // provisioning-pg15.json, first_connect: R, K, S…, Z.
    assert!(kinds.starts_with("RKS") && kinds.ends_with("SZ"), "{kinds}");
    assert!(
        kinds[2..kinds.len() - 1].chars().all(|kind| kind == 'S'),
        "{kinds}"
    );
    assert_eq!(messages[0].1, [0, 0, 0, 0]);
    assert_eq!(
        messages.last().map(|(_, body)| body.as_slice()),
        Some(b"I".as_slice())
    );
    let pid = u32::from_be_bytes(messages[1].1[..4].try_into().expect("four bytes"));
    pg.until_true(&format!(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {pid} AND usename = 'app')"
    ))
    .await;
}

#[tokio::test]
async fn parameters_go_to_the_database_but_for_the_application_name() {
    let pg = TestPg::shared();
    let service = service(pg);
    let startup = Startup::new(ProtocolVersion::V3_0)
        .with("user", "app")
        .with("application_name", "psql")
        .with("TimeZone", "Asia/Tokyo")
        .with("options", "-c geqo=off");
    let mut stream = app().dial(&service);
    let messages = start(&mut stream, &startup).await;
    assert_eq!(
        setting(&messages, "TimeZone").as_deref(),
        Some("Asia/Tokyo")
    );
    assert_eq!(setting(&messages, "application_name").as_deref(), Some(""));

    let startup = Startup::new(ProtocolVersion::V3_0)
        .with("user", "app")
        .with("nosuchparam", "1");
    let messages = start(&mut app().dial(&service), &startup).await;
    // transport/db/bad-startup-parameter.txt
    let error = ErrorResponse::parse(Kind::Error, &messages[0].1).expect("an ErrorResponse");
    assert_eq!(error.sqlstate().as_deref(), Some("42704"));
    assert_eq!(
        error.message(),
        "unrecognized configuration parameter \"nosuchparam\""
    );
}

#[tokio::test]
async fn the_startup_message_wins_over_the_certificate_even_when_empty() {
    let pg = TestPg::shared();
    let service = service(pg);
    let plain = Startup::new(ProtocolVersion::V3_0);
    // Nothing said: the certificate's user and name.
    let messages = start(&mut app().dial(&service), &plain).await;
    assert_eq!(
        setting(&messages, "session_authorization").as_deref(),
        Some("app")
    );
    // A certificate without user serves a session.
    let bare = Caller {
        db_user: String::new(),
        db_name: String::new(),
        ..app()
    };
    let said = plain
        .clone()
        .with("user", "app")
        .with("database", "postgres");
    let messages = start(&mut bare.dial(&service), &said).await;
    assert_eq!(messages.last().map(|(kind, _)| *kind), Some(b'Z'));
    // Empty is a value.
    let messages = start(&mut app().dial(&service), &plain.with("user", "")).await;
    let error = ErrorResponse::parse(Kind::Error, &messages[0].1).expect("an ErrorResponse");
    assert_eq!(error.message(), "user name must not be empty");
    assert_eq!(error.severity().as_deref(), Some("FATAL"));
}

#[tokio::test]
async fn a_newer_protocol_is_negotiated_down() {
    let pg = TestPg::shared();
    let service = service(pg);
    let newer = ProtocolVersion { major: 3, minor: 2 };
    let startup = Startup::new(newer).with("user", "app").with("_pq_.x", "1");
    let messages = start(&mut app().dial(&service), &startup).await;
    assert_eq!(messages[0].0, b'v');
    let answer = NegotiateProtocolVersion::parse(&messages[0].1).expect("an answer");
    assert_eq!(
        answer,
        NegotiateProtocolVersion {
            newest: ProtocolVersion::V3_0,
            unrecognised: vec![b"_pq_.x".to_vec()]
        }
    );
    assert_eq!(messages[1].0, b'R');
    assert_eq!(messages.last().map(|(kind, _)| *kind), Some(b'Z'));
}

#[tokio::test]
async fn a_query_sent_with_the_startup_message_is_answered() {
    let pg = TestPg::shared();
    let service = service(pg);
    let mut stream = app().dial(&service);
    let mut bytes = Startup::new(ProtocolVersion::V3_0)
        .with("user", "app")
        .encode();
    bytes.extend(query("select 1"));
    stream.write_all(&bytes).await.expect("both");
    let mut got = BytesMut::new();
    while got
        .windows(6)
        .filter(|window| window == b"Z\0\0\0\x05I")
        .count()
        < 2
    {
        assert_ne!(
            stream.read_buf(&mut got).await.expect("an answer"),
            0,
            "closed"
        );
    }
    assert!(got.windows(8).any(|window| window == b"SELECT 1"));
}

/// Starts `pg_sleep(600)` as `caller`; gives the stream and what cancels it.
pub(super) async fn sleeping(
    pg: &TestPg,
    service: &Arc<DbService>,
    caller: &Caller,
) -> (DuplexStream, CancelRequest) {
    let mut stream = caller.dial(service);
    let messages = start(
        &mut stream,
        &Startup::new(ProtocolVersion::V3_0).with("user", &caller.db_user),
    )
    .await;
    let (_, mut key) = messages
        .into_iter()
        .find(|(kind, _)| *kind == b'K')
        .expect("a cancel key");
    let pid = key.as_slice().get_u32();
    let request = CancelRequest {
        pid,
        key: CancelKey::new(&key.split_off(4)),
    };
    stream
        .write_all(&query("SELECT pg_sleep(600)"))
        .await
        .expect("a query");
    let asleep = format!(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {pid} AND wait_event = 'PgSleep')"
    );
    pg.until_true(&asleep).await;
    (stream, request)
}

/// Sends a cancel request as `caller`, and gives what comes before the connection is closed.
async fn send(service: &Arc<DbService>, caller: &Caller, request: &CancelRequest) -> Vec<u8> {
    let mut stream = caller.dial(service);
    stream
        .write_all(&request.encode())
        .await
        .expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("the end");
    answer
}

#[tokio::test]
async fn a_cancel_request_ends_the_query_with_57014() {
    let pg = TestPg::shared();
    let service = service(pg);
    for caller in [app(), Caller::auto("c-auto")] {
        let (mut stream, request) = sleeping(pg, &service, &caller).await;
        // Neither another key nor another certificate's refusal touches the query.
        let wrong = CancelRequest {
            pid: request.pid,
            key: CancelKey::new(&[1, 2, 3, 4]),
        };
        assert_eq!(send(&service, &caller, &wrong).await, b"");
        let nobody = Caller {
            db_user: String::new(),
            ..caller.clone()
        };
        let refused = send(&service, &nobody, &request).await;
        let refused = ErrorResponse::parse(Kind::Error, &refused[5..]).expect("an ErrorResponse");
        assert_eq!(refused.message(), "user name must not be empty");
        assert_eq!(refused.sqlstate().as_deref(), Some("28000"));

        assert_eq!(
            send(&service, &caller, &request).await,
            b"",
            "closed without a reply"
        );
        let mut got = BytesMut::new();
        while !got.ends_with(b"Z\0\0\0\x05I") {
            assert_ne!(
                stream.read_buf(&mut got).await.expect("an answer"),
                0,
                "closed"
            );
        }
        assert!(got.windows(7).any(|window| window == b"C57014\0"));
    }
    pg.until("c-auto", &User::locked()).await;
}

#[tokio::test]
async fn a_cancel_request_outlives_its_sender() {
    let pg = TestPg::shared();
    let service = service(pg);
    let (mut stream, request) = sleeping(pg, &service, &app()).await;
    let mut cancelling = app().dial(&service);
    cancelling
        .write_all(&request.encode())
        .await
        .expect("a request");
    drop(cancelling);
    let mut got = BytesMut::new();
    while !got.ends_with(b"Z\0\0\0\x05I") {
        assert_ne!(
            stream.read_buf(&mut got).await.expect("an answer"),
            0,
            "closed"
        );
    }
}
