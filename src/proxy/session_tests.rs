//! Sessions: what goes up, what comes down, and every way a start can fail.

use std::time::Duration;

use proptest::prelude::*;
use tokio::io::AsyncWriteExt;

use super::super::testing::{
    Opening, Rig, app, orders, own, read_error, read_message, rest, silent, startup, take,
};
use super::super::{Expected, Options, Purpose, UpstreamError};
use crate::hop::Hop;
use crate::pg::recorded::{self, Side};
use crate::pg::{ErrorResponse, ProtocolVersion, Startup, sqlstate};

/// What a server of the recorded session sent, from AuthenticationOk to ReadyForQuery.
fn recorded_start() -> Vec<u8> {
    let server = recorded::plain_server_bytes("gss-then-ssl");
    // Two refusals of encryption stand before it.
    server[2..].to_vec()
}

#[tokio::test(start_paused = true)]
async fn a_recorded_session_passes_through_unchanged() {
    let mut rig = Rig::new(app());
    let mut far = rig.start("app").await;
    let server = recorded::plain_server_bytes("query-noping");
    let client = recorded::plain("query-noping", Side::Client);
    // SSLRequest (8 bytes) and StartupMessage (36) stand before the query.
    let query_and_terminate = &client[44..];
    let (start, result) = server[1..].split_at(server.len() - 1 - 0x6e);
    far.write_all(start).await.unwrap();
    assert_eq!(take(&mut rig.client, start.len()).await, start);
    assert_eq!(rig.shared.report().sessions, 1);
    rig.say(query_and_terminate).await;
    assert_eq!(
        take(&mut far, query_and_terminate.len()).await,
        query_and_terminate
    );
    far.write_all(result).await.unwrap();
    assert_eq!(take(&mut rig.client, result.len()).await, result);
    drop(far);
    assert_eq!(rest(&mut rig.client).await, b"");
    assert_eq!(rig.done().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_a_client_pipelines_is_held_back_until_the_first_byte_of_the_answer() {
    let mut rig = Rig::new(app());
    let startup = startup("app").encode();
    let query = b"Q\0\0\0\x0dselect 1\0";
    rig.say(&[&startup[..], &query[..5]].concat()).await;
    let mut far = rig.far_end(Purpose::Session).await;
    assert_eq!(take(&mut far, startup.len()).await, startup);
    rig.say(&query[5..]).await;
    silent(&mut far).await;
    // One byte is enough: the type of AuthenticationOk.
    far.write_all(b"R").await.unwrap();
    assert_eq!(take(&mut far, query.len()).await, query);
    silent(&mut rig.client).await;
}

#[tokio::test(start_paused = true)]
async fn no_answer_for_a_minute_is_no_failure() {
    let mut rig = Rig::new(app());
    let mut far = rig.start("app").await;
    // Making a user may take 60 s (transport.md 11).
    tokio::time::sleep(Duration::from_secs(65)).await;
    far.write_all(&recorded_start()).await.unwrap();
    assert_eq!(
        take(&mut rig.client, recorded_start().len()).await,
        recorded_start()
    );
}

#[tokio::test(start_paused = true)]
async fn a_newer_protocol_is_negotiated_down_and_started_as_3_0() {
    let mut rig = Rig::new(app());
    let newer = Startup::new(ProtocolVersion { major: 3, minor: 2 })
        .with("user", "app")
        .with("_pq_.report", "1")
        .with("database", "postgres");
    rig.say(&newer.encode()).await;
    let expected = b"v\0\0\0\x18\0\x03\0\0\0\0\0\x01_pq_.report\0";
    assert_eq!(take(&mut rig.client, expected.len()).await, expected);
    let mut far = rig.far_end(Purpose::Session).await;
    let plain = startup("app").encode();
    assert_eq!(take(&mut far, plain.len()).await, plain);
    far.write_all(&recorded_start()).await.unwrap();
    assert_eq!(
        take(&mut rig.client, recorded_start().len()).await,
        recorded_start()
    );
}

#[tokio::test(start_paused = true)]
async fn the_recorded_3_2_client_that_teleport_drops_is_served() {
    let mut rig = Rig::new(app());
    let sent = recorded::plain("startup-protocol-3-2", Side::Client);
    rig.say(&sent[8..]).await;
    let negotiated = read_message(&mut rig.client).await;
    assert_eq!(
        (negotiated.tag, &negotiated.body[..]),
        (b'v', &[0, 3, 0, 0, 0, 0, 0, 0][..])
    );
    let mut far = rig.far_end(Purpose::Session).await;
    let mut expected = sent[8..].to_vec();
    expected[7] = 0;
    assert_eq!(take(&mut far, expected.len()).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_password_exchange_goes_both_ways_before_the_session_is_ready() {
    let mut rig = Rig::new(app());
    let mut far = rig.start("app").await;
    let cleartext = b"R\0\0\0\x08\0\0\0\x03";
    far.write_all(cleartext).await.unwrap();
    assert_eq!(take(&mut rig.client, 9).await, cleartext);
    rig.say(b"p\0\0\0\x07pw\0").await;
    assert_eq!(take(&mut far, 8).await, b"p\0\0\0\x07pw\0");
    far.write_all(&recorded_start()).await.unwrap();
    assert_eq!(
        take(&mut rig.client, recorded_start().len()).await,
        recorded_start()
    );
}

#[tokio::test(start_paused = true)]
async fn errors_of_teleport_are_completed() {
    for (case, code, hop, hint) in [
        (
            "dead-db",
            "08001",
            "database app",
            "ask whoever runs that server",
        ),
        (
            "denied-db-user",
            "28000",
            "database app",
            "`postern db ls -v`",
        ),
        (
            "auto-user-role-denied",
            "42501",
            "database app",
            "`postern db connect app` without --db-roles",
        ),
        (
            "auto-user-wrong-name",
            "28000",
            "database app",
            "connect as user alice",
        ),
        (
            "mfa-db-without-mfa",
            "28000",
            "database app",
            "`tsh db connect` with a security key",
        ),
    ] {
        let mut rig = Rig::new(app());
        let mut far = rig.start("app").await;
        let raw = recorded::plain_server_bytes(case)[1..].to_vec();
        far.write_all(&raw).await.unwrap();
        drop(far);
        let error = rig.refusal().await;
        let text = String::from_utf8(raw[6..raw.len() - 2].to_vec()).unwrap();
        assert_eq!(error.message(), text, "{case}");
        assert_eq!(error.severity().as_deref(), Some("FATAL"), "{case}");
        assert_eq!(error.sqlstate().as_deref(), Some(code), "{case}");
        assert_eq!(
            error.detail().unwrap(),
            format!("failed at: {hop}"),
            "{case}"
        );
        assert!(
            error.hint().unwrap().contains(hint),
            "{case}: {:?}",
            error.hint()
        );
        assert_eq!(rig.shared.report().refused, 1);
        assert_eq!(rig.shared.report().sessions, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn errors_of_the_database_pass_unchanged() {
    let cases: serde_json::Value =
        serde_json::from_str(&recorded::file("db-service/error-responses.json")).unwrap();
    let mut seen = 0;
    for (name, case) in cases.as_object().unwrap() {
        if case["error"]["C"].is_null() {
            continue;
        }
        let raw = recorded::bytes(case["hex"].as_str().unwrap());
        let mut rig = Rig::new(app());
        let mut far = rig.start("app").await;
        far.write_all(&raw).await.unwrap();
        drop(far);
        assert_eq!(rest(&mut rig.client).await, raw, "{name}");
        seen += 1;
    }
    assert!(seen >= 3, "{seen}");
}

#[tokio::test(start_paused = true)]
async fn an_error_with_severity_and_code_whose_text_is_teleports_gets_hop_and_hint() {
    let mut rig = Rig::new(orders());
    let mut far = rig.start("alice").await;
    let sent = ErrorResponse::fatal("28000", "access to resource requires MFA");
    far.write_all(&sent.encode()).await.unwrap();
    let error = rig.refusal().await;
    assert!(error.encode()[5..].starts_with(&sent.encode()[5..sent.encode().len() - 1]));
    assert_eq!(
        error.detail().as_deref(),
        Some("failed at: database orders")
    );
    assert_eq!(
        error.hint().as_deref(),
        Some(super::super::known_errors::PER_SESSION_MFA_HINT)
    );
}

#[tokio::test(start_paused = true)]
async fn messages_before_an_error_arrive_before_it() {
    let mut rig = Rig::new(app());
    let mut far = rig.start("app").await;
    let notice = b"N\0\0\0\x0bSINFO\0\0";
    let error = &recorded::plain_server_bytes("dead-db")[1..];
    far.write_all(&[notice, error].concat()).await.unwrap();
    assert_eq!(take(&mut rig.client, notice.len()).await, notice);
    assert_eq!(rig.refusal().await.message(), "connection refused");
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_closes_without_a_word_is_explained() {
    let mut rig = Rig::new(app());
    drop(rig.start("app").await);
    let error = rig.refusal().await;
    assert_eq!(error.severity().as_deref(), Some("FATAL"));
    assert_eq!(error.sqlstate().as_deref(), Some("08006"));
    assert_eq!(
        error.message(),
        "the proxy closed the connection: database unknown, offline, or access refused"
    );
    assert_eq!(
        error.detail().as_deref(),
        Some("failed at: proxy proxy.test:443")
    );
    assert!(error.hint().unwrap().contains("`postern db ls -v`"));
}

#[tokio::test(start_paused = true)]
async fn an_end_in_the_middle_of_the_start_is_explained() {
    let mut rig = Rig::new(app());
    let mut far = rig.start("app").await;
    let start = recorded_start();
    // AuthenticationOk whole, BackendKeyData in part.
    far.write_all(&start[..12]).await.unwrap();
    drop(far);
    assert_eq!(take(&mut rig.client, 9).await, start[..9]);
    let error = rig.refusal().await;
    assert_eq!(error.sqlstate().as_deref(), Some("08006"));
    assert_eq!(error.detail().as_deref(), Some("failed at: database app"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_postgresql_is_not_passed_on() {
    let mut rig = Rig::new(app());
    let mut far = rig.start("app").await;
    far.write_all(&recorded::plain_server_bytes("cert-protocol-mysql"))
        .await
        .unwrap();
    let error = rig.refusal().await;
    assert_eq!(error.sqlstate().as_deref(), Some("08P01"));
}

#[tokio::test(start_paused = true)]
async fn a_way_that_cannot_be_opened_is_told_to_the_client_and_the_person() {
    let failure = UpstreamError {
        hop: Hop::Auth("root".into()),
        sqlstate: sqlstate::INVALID_AUTHORIZATION,
        message: "the login has expired".into(),
        hint: Some("run `postern login`".into()),
    };
    let mut rig = Rig::with(app(), Opening::Fails(failure), Options::default());
    rig.say(&startup("app").encode()).await;
    let error = rig.refusal().await;
    assert_eq!(
        error.to_string(),
        "FATAL: the login has expired (SQLSTATE 28000)"
    );
    assert_eq!(
        error.detail().as_deref(),
        Some("failed at: auth service of cluster root")
    );
    assert_eq!(error.hint().as_deref(), Some("run `postern login`"));
    assert_eq!(
        rig.done().await,
        ["auth service of cluster root: the login has expired"]
    );
}

#[tokio::test(start_paused = true)]
async fn another_name_than_the_automatic_user_is_refused_here_with_teleports_text() {
    let recorded = recorded::plain_server_bytes("auto-user-wrong-name");
    let text = String::from_utf8(recorded[7..recorded.len() - 2].to_vec()).unwrap();
    let mut rig = Rig::new(orders());
    rig.say(&startup("bob").encode()).await;
    let error = rig.refusal().await;
    assert_eq!(error.message(), text);
    assert_eq!(error.sqlstate().as_deref(), Some("28000"));
    assert!(
        error
            .hint()
            .unwrap()
            .starts_with("connect as user alice, e.g. psql -U alice; ")
    );
    assert!(rig.far_ends.try_recv().is_err(), "nothing is opened for it");
}

#[tokio::test(start_paused = true)]
async fn on_a_leaf_the_mapped_name_is_told() {
    let leaf = Expected {
        user: "remote-alice-root".into(),
        remote: true,
        cluster: "leaf".into(),
        database: "leaf-orders".into(),
        ..orders()
    };
    let mut rig = Rig::new(leaf);
    rig.say(&startup("alice").encode()).await;
    let error = rig.refusal().await;
    // db-service.md 1.6.
    assert_eq!(
        error.message(),
        r#"please use your mapped remote username ("remote-alice-root") to connect instead of "alice""#
    );
    let hint = error.hint().unwrap().into_owned();
    assert!(
        hint.contains("remote-alice-root, your name in cluster leaf"),
        "{hint}"
    );
    assert!(
        hint.contains("`postern db connect leaf-orders --cluster leaf`"),
        "{hint}"
    );
}

#[tokio::test(start_paused = true)]
async fn another_user_or_database_than_announced_is_refused_unless_the_cluster_decides() {
    for (user, name, code) in [
        ("app", Some("other"), "3D000"),
        // Without a name it is that of the user.
        ("app", None, "3D000"),
        ("other", Some("postgres"), "28000"),
    ] {
        let mut startup = Startup::new(ProtocolVersion::V3_0).with("user", user);
        if let Some(name) = name {
            startup = startup.with("database", name);
        }
        let mut rig = Rig::new(app());
        rig.say(&startup.encode()).await;
        let error = rig.refusal().await;
        assert_eq!(error.sqlstate().as_deref(), Some(code), "{error:?}");
        assert!(error.message().contains("\"postgres\"") || code == "28000");
        assert!(error.hint().expect("a hint").contains("--any-target"));
        assert!(rig.far_ends.try_recv().is_err(), "the cluster was asked");
        let options = Options {
            any_target: true,
            ..Options::default()
        };
        let mut rig = Rig::with(app(), Opening::Works, options);
        rig.say(&startup.encode()).await;
        rig.far_end(Purpose::Session).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_startup_message_without_user_is_answered_as_postgresql_does() {
    let mut rig = Rig::new(app());
    let nobody = Startup::new(ProtocolVersion::V3_0).with("database", "x");
    rig.say(&nobody.encode()).await;
    let error = rig.refusal().await;
    assert_eq!(error.sqlstate().as_deref(), Some("28000"));
    assert_eq!(
        error.message(),
        "no PostgreSQL user name specified in startup packet"
    );
    assert!(rig.shared.report().startup_seen);
}

#[tokio::test(start_paused = true)]
async fn one_session_too_many_is_told_so_and_a_place_is_given_back() {
    let options = Options {
        max_sessions: 1,
        ..Options::default()
    };
    let mut rig = Rig::with(app(), Opening::Works, options);
    let far = rig.start("app").await;
    let (mut second, task) = rig.another(own());
    second.write_all(&startup("app").encode()).await.unwrap();
    assert_eq!(
        read_error(&mut second).await.sqlstate().as_deref(),
        Some("53300")
    );
    drop(second);
    task.await.unwrap();
    drop(far);
    rig.refusal().await;
    let (mut third, _task) = rig.another(own());
    third.write_all(&startup("app").encode()).await.unwrap();
    rig.far_end(Purpose::Session).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_stops_the_opening() {
    let mut rig = Rig::with(app(), Opening::Hangs, Options::default());
    rig.say(&startup("app").encode()).await;
    silent(&mut rig.client).await;
    assert_eq!(rig.done().await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn either_end_ends_both() {
    for phase in ["waiting", "starting", "running"] {
        let mut rig = Rig::new(app());
        let mut far = rig.start("app").await;
        let start = recorded_start();
        let sent = match phase {
            "waiting" => &[][..],
            "starting" => &start[..9],
            _ => &start[..],
        };
        far.write_all(sent).await.unwrap();
        assert_eq!(take(&mut rig.client, sent.len()).await, sent);
        // Half-closing is closing.
        rig.client.shutdown().await.unwrap();
        assert_eq!(rest(&mut far).await, b"", "{phase}");
        rig.task.await.unwrap();
    }
    let mut rig = Rig::new(app());
    let mut far = rig.start("app").await;
    far.write_all(&recorded_start()).await.unwrap();
    far.shutdown().await.unwrap();
    assert_eq!(rest(&mut rig.client).await, recorded_start());
}

#[tokio::test(start_paused = true)]
async fn stopping_closes_a_running_session() {
    let mut rig = Rig::new(app());
    let mut far = rig.start("app").await;
    far.write_all(&recorded_start()).await.unwrap();
    assert_eq!(
        take(&mut rig.client, recorded_start().len()).await,
        recorded_start()
    );
    drop(rig.stop);
    assert_eq!(rest(&mut rig.client).await, b"");
    assert_eq!(rest(&mut far).await, b"");
    rig.task.await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn however_the_start_is_cut_it_arrives_whole(pieces in proptest::collection::vec(1_usize..30, 1..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut rig = Rig::new(app());
            let mut far = rig.start("app").await;
            let start = [&recorded_start()[..], b"behind it"].concat();
            let mut left = &start[..];
            for piece in pieces.iter().cycle() {
                if left.is_empty() {
                    break;
                }
                let (now, later) = left.split_at((*piece).min(left.len()));
                far.write_all(now).await.unwrap();
                tokio::task::yield_now().await;
                left = later;
            }
            assert_eq!(take(&mut rig.client, start.len()).await, start);
            assert_eq!(rig.shared.report().sessions, 1);

            let mut rig = Rig::new(app());
            let mut far = rig.start("app").await;
            for byte in &recorded::plain_server_bytes("dead-db")[1..] {
                far.write_all(&[*byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
            assert_eq!(rig.refusal().await.sqlstate().as_deref(), Some("08001"));
        });
    }
}

/// What Teleport says to a user who may not.
fn denied() -> Vec<u8> {
    ErrorResponse::message_only("access to db denied. User does not have permissions.").encode()
}

#[tokio::test(start_paused = true)]
async fn what_may_be_stale_is_tried_once_more_and_the_client_sees_only_the_second_try() {
    for refusal in [denied(), Vec::new()] {
        let mut rig = Rig::with(app(), Opening::Kept, Options::default());
        let mut far = rig.start("app").await;
        far.write_all(&refusal).await.unwrap();
        drop(far);
        let mut far = rig.far_end(Purpose::Session).await;
        let again = startup("app").encode();
        assert_eq!(take(&mut far, again.len()).await, again);
        far.write_all(&recorded_start()).await.unwrap();
        assert_eq!(
            take(&mut rig.client, recorded_start().len()).await,
            recorded_start()
        );
        assert_eq!(rig.shared.report().refused, 0);
        assert_eq!(rig.done().await, ["stale"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_refusal_stands() {
    let mut rig = Rig::with(app(), Opening::Kept, Options::default());
    let mut far = rig.start("app").await;
    far.write_all(&denied()).await.unwrap();
    let mut again = rig.far_end(Purpose::Session).await;
    again.write_all(&denied()).await.unwrap();
    let error = rig.refusal().await;
    assert_eq!(
        error.sqlstate().as_deref(),
        Some(sqlstate::INVALID_AUTHORIZATION)
    );
    assert_eq!(rig.done().await, ["stale"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_tried_again_that_the_client_knows_of_or_that_is_not_about_rights() {
    let busy = ErrorResponse::fatal(sqlstate::TOO_MANY_CONNECTIONS, "sorry").encode();
    let authenticated = b"R\0\0\0\x08\0\0\0\0";
    for (answer, passed) in [
        (busy, 0),
        (
            [&authenticated[..], &denied()].concat(),
            authenticated.len(),
        ),
    ] {
        let mut rig = Rig::with(app(), Opening::Kept, Options::default());
        let mut far = rig.start("app").await;
        far.write_all(&answer).await.unwrap();
        assert_eq!(take(&mut rig.client, passed).await.len(), passed);
        let _ = rig.refusal().await;
        assert!(rig.far_ends.try_recv().is_err(), "it was tried again");
        assert_eq!(rig.done().await, Vec::<String>::new());
    }
    // Nor where nothing was kept.
    let mut rig = Rig::new(app());
    let mut far = rig.start("app").await;
    far.write_all(&denied()).await.unwrap();
    let _ = rig.refusal().await;
    assert!(rig.far_ends.try_recv().is_err(), "it was tried again");
}
