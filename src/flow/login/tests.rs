//! The whole login against recorded answers, over real TLS on loopback.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::scripted::*;
use super::*;
use crate::profile::KeyLocation;
use crate::profile::keys::KeyPair;
use crate::transport::route::Upgrade;

/// Unix seconds of the recordings' certificates: all are valid then.
const RECORDED: i64 = 1_795_420_800;

#[tokio::test]
async fn a_login_is_three_requests_on_one_connection() {
    let key = KeyPair::generate();
    let answers = vec![
        ping("ping"),
        recorded("begin/begin-ok-otp"),
        granted(&key, RECORDED, 3600),
    ];
    let proxy = Proxy::start(answers, &http_date(RECORDED)).await;
    let door = proxy.door().await;
    door.supported().expect("password and code");
    assert_eq!(door.motd().await, Ok(None));
    let begun = door
        .begin("u01", "correct horse battery")
        .await
        .expect("right");
    assert!(begun.wants_code());
    assert!(!format!("{begun:?}").contains("horse"));
    let fresh = begun
        .finish("716041", &key, Some(Duration::from_secs(3600)), &|| {
            RECORDED
        })
        .await
        .expect("granted");
    assert_eq!(fresh.skew(), None);
    let profile = fresh.profile(
        "localhost",
        KeyLocation::File {
            name: "1.pem".to_owned(),
        },
        RECORDED,
    );
    assert_eq!(
        (
            profile.proxy.as_str(),
            profile.cluster.as_str(),
            profile.user.as_str()
        ),
        (proxy.addr.as_str(), "root.example.com", "u01")
    );
    assert_eq!(profile.asked, ["localhost"]);
    assert_eq!(profile.server_version, "18.3.0");
    assert_eq!(profile.host_cas_der("root.example.com").len(), 1);
    assert_eq!(profile.trust, proxy.trust);
    // Tested on a connection of its own, beside the first request.
    assert_eq!(profile.network.upgrade, Some(Upgrade::None));
    assert_eq!(proxy.seen.tests.load(Ordering::SeqCst), 1);

    assert_eq!(
        proxy.seen.paths(),
        [
            "/webapi/ping",
            "/webapi/mfa/login/begin",
            "/webapi/mfa/login/finish"
        ]
    );
    assert_eq!(proxy.seen.connections.load(Ordering::SeqCst), 1);
    let requests = proxy.seen.requests.lock().expect("no panic");
    assert_eq!(
        requests[1].1,
        json!({"user": "u01", "pass": "correct horse battery", "passwordless": false})
    );
    let finish = &requests[2].1;
    assert_eq!(finish["ttl"], 3_600_000_000_000_i64);
    assert_eq!(finish["totp_code"], "716041");
    assert!(finish.get("pub_key").is_none() && finish["tls_pub_key"].is_string());
}

#[tokio::test]
async fn the_time_to_live_comes_from_user_cluster_or_default_in_this_order() {
    for (name, asked, nanoseconds) in [
        ("ping", None, 43_200_000_000_000_i64),
        ("ping-motd-and-default-ttl-2h", None, 7_200_000_000_000),
        (
            "ping-motd-and-default-ttl-2h",
            Some(Duration::from_secs(60)),
            60_000_000_000,
        ),
        ("ping-local", None, 43_200_000_000_000),
    ] {
        let key = KeyPair::generate();
        let answers = vec![
            ping(name),
            recorded("begin/begin-ok-no-device"),
            granted(&key, RECORDED, 3600),
        ];
        let proxy = Proxy::start(answers, &http_date(RECORDED)).await;
        let begun = proxy.door().await.begin("u01", "pw").await.expect("right");
        assert!(!begun.wants_code());
        begun
            .finish("", &key, asked, &|| RECORDED)
            .await
            .expect("granted");
        assert_eq!(
            proxy.seen.requests.lock().expect("no panic")[2].1["ttl"],
            nanoseconds,
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_old_server_gets_the_key_in_its_own_field() {
    let key = KeyPair::generate();
    let mut old = ping("ping");
    old["body"]["server_version"] = json!("16.4.2");
    let answers = vec![
        old,
        recorded("begin/begin-ok-no-device"),
        granted(&key, RECORDED, 3600),
    ];
    let proxy = Proxy::start(answers, &http_date(RECORDED)).await;
    let begun = proxy.door().await.begin("u01", "pw").await.expect("right");
    begun
        .finish("", &key, None, &|| RECORDED)
        .await
        .expect("granted");
    let requests = proxy.seen.requests.lock().expect("no panic");
    assert!(requests[2].1.get("tls_pub_key").is_none() && requests[2].1["pub_key"].is_string());
}

#[tokio::test]
async fn a_message_of_the_day_is_fetched_when_there_is_one() {
    for (name, text) in [
        ("motd", Some("Hello <b>& welcome\nline two")),
        ("motd-empty", None),
    ] {
        let answers = vec![
            ping("ping-motd-and-default-ttl-2h"),
            recorded(&format!("discovery/{name}")),
        ];
        let proxy = Proxy::start(answers, &http_date(RECORDED)).await;
        assert_eq!(proxy.door().await.motd().await, Ok(text.map(str::to_owned)));
    }
}

#[tokio::test]
async fn what_we_cannot_do_is_refused_before_anything_is_asked() {
    let mut hardware = ping("ping");
    hardware["body"]["auth"]["private_key_policy"] = json!("hardware_key_touch");
    let mut headless = ping("ping");
    headless["body"]["auth"]["local"]["name"] = json!("headless");
    let mut unheard = ping("ping-default-github");
    unheard["body"]["auth"]["type"] = json!("oracle");
    for (answer, expected) in [
        (unheard, Unsupported::Kind("oracle".into())),
        (ping("ping-default-passwordless"), Unsupported::Passwordless),
        (headless, Unsupported::Headless),
        (ping("ping-webauthn-only"), Unsupported::SecurityKeysOnly),
        (
            hardware,
            Unsupported::HardwareKey("hardware_key_touch".into()),
        ),
    ] {
        let proxy = Proxy::start(vec![answer], &http_date(RECORDED)).await;
        let refused = proxy.door().await.supported();
        assert_eq!(
            refused,
            Err(LoginError::Unsupported {
                proxy: proxy.addr.clone(),
                method: expected
            })
        );
        assert_eq!(proxy.seen.paths(), ["/webapi/ping"]);
    }
    for fine in [
        "ping",
        "ping-otp-only",
        "ping-second-factor-off",
        "ping-second-factor-optional",
        "ping-suite-legacy",
        "ping-default-github",
    ] {
        let proxy = Proxy::start(vec![ping(fine)], &http_date(RECORDED)).await;
        assert_eq!(proxy.door().await.supported(), Ok(()), "{fine}");
    }
}

#[tokio::test]
async fn a_user_with_a_security_key_only_is_told_so() {
    let proxy = Proxy::start(
        vec![ping("ping"), recorded("begin/begin-ok-webauthn")],
        &http_date(RECORDED),
    )
    .await;
    let error = proxy
        .door()
        .await
        .begin("wa", "pw")
        .await
        .expect_err("cannot go on");
    assert_eq!(
        error,
        LoginError::Unsupported {
            proxy: proxy.addr.clone(),
            method: Unsupported::SecurityKeyOfUser
        }
    );
    let proxy = Proxy::start(
        vec![ping("ping"), recorded("begin/begin-ok-webauthn-and-otp")],
        &http_date(RECORDED),
    )
    .await;
    assert!(
        proxy
            .door()
            .await
            .begin("both", "pw")
            .await
            .expect("the code will do")
            .wants_code()
    );
}

#[tokio::test]
async fn refusals_carry_the_servers_text() {
    let message = |error: &LoginError| error.to_string();
    for (begin, text) in [
        ("begin/begin-wrong-password", "invalid credentials"),
        ("begin/begin-locked-user", "invalid credentials"),
        ("errors/rate-limit", "rate limit exceeded, try again in 3s"),
    ] {
        let response = recorded(begin);
        if response["status"] == 200 {
            continue;
        }
        let proxy = Proxy::start(vec![ping("ping"), response], &http_date(RECORDED)).await;
        let error = proxy
            .door()
            .await
            .begin("u01", "nope")
            .await
            .expect_err("refused");
        assert_eq!(message(&error), text);
        assert_eq!(proxy.seen.paths().len(), 2, "nothing is tried again");
    }
    for (finish, text) in [
        (
            "finish-wrong-otp",
            "invalid username, password or second factor",
        ),
        (
            "finish-reused-otp",
            "invalid username, password or second factor",
        ),
        ("finish-local-auth-disabled", "local auth disabled"),
    ] {
        let answers = vec![
            ping("ping"),
            recorded("begin/begin-ok-otp"),
            recorded(&format!("finish/{finish}")),
        ];
        let proxy = Proxy::start(answers, &http_date(RECORDED)).await;
        let begun = proxy.door().await.begin("u01", "pw").await.expect("right");
        let error = begun
            .finish("000000", &KeyPair::generate(), None, &|| RECORDED)
            .await
            .expect_err("refused");
        assert_eq!(message(&error), text, "{finish}");
    }
    let answers = vec![
        ping("ping"),
        recorded("begin/begin-ok-no-device"),
        recorded("finish/finish-no-second-factor-no-device"),
    ];
    let proxy = Proxy::start(answers, &http_date(RECORDED)).await;
    let begun = proxy.door().await.begin("u01", "pw").await.expect("right");
    let error = begun
        .finish("", &KeyPair::generate(), None, &|| RECORDED)
        .await
        .expect_err("refused");
    assert!(
        matches!(
            error,
            LoginError::Unsupported {
                method: Unsupported::NoDevice { .. },
                ..
            }
        ),
        "{error:?}"
    );
}

/// Logs in at a proxy whose clock stands at `server`, with our clock at `now` and a certificate for `seconds`.
async fn with_clocks(server: i64, now: i64, seconds: i64) -> Result<Option<i64>, LoginError> {
    let key = KeyPair::generate();
    let answers = vec![
        ping("ping"),
        recorded("begin/begin-ok-no-device"),
        granted(&key, server, seconds),
    ];
    let proxy = Proxy::start(answers, &http_date(server)).await;
    let begun = proxy.door().await.begin("u01", "pw").await.expect("right");
    begun
        .finish("", &key, None, &|| now)
        .await
        .map(|fresh| fresh.skew())
}

#[tokio::test]
async fn clocks_that_differ_are_named_with_the_difference() {
    assert_eq!(with_clocks(RECORDED, RECORDED + 20, 3600).await, Ok(None));
    assert_eq!(
        with_clocks(RECORDED, RECORDED + 300, 3600).await,
        Ok(Some(300))
    );
    // Certificates begin a minute before their issue: up to there nobody needs to know.
    assert_eq!(with_clocks(RECORDED, RECORDED - 50, 3600).await, Ok(None));
    assert_eq!(
        with_clocks(RECORDED, RECORDED - 3600, 3600).await,
        Err(LoginError::ClockBehind { seconds: 3600 })
    );
    let ahead = with_clocks(RECORDED, RECORDED + 7200, 3600)
        .await
        .expect_err("expired here");
    assert_eq!(ahead, LoginError::ClockAhead { seconds: 7200 });
    assert!(ahead.to_string().contains("2 h ahead"), "{ahead}");
    let dead = with_clocks(RECORDED, RECORDED, -1).await;
    assert!(
        matches!(dead, Err(LoginError::ExpiredOnArrival { .. })),
        "{dead:?}"
    );
}

#[tokio::test]
async fn answers_of_no_use_are_refused() {
    // A certificate for somebody else's key, none at all, and no authority.
    let key = KeyPair::generate();
    let mut no_authority = granted(&key, RECORDED, 3600);
    no_authority["body"]["host_signers"] = Value::Null;
    for answer in [
        recorded("finish/finish-ok-tls-only-p256"),
        recorded("finish/finish-ssh-only"),
        no_authority,
    ] {
        let proxy = Proxy::start(
            vec![ping("ping"), recorded("begin/begin-ok-no-device"), answer],
            &http_date(RECORDED),
        )
        .await;
        let begun = proxy.door().await.begin("u01", "pw").await.expect("right");
        let error = begun
            .finish("", &key, None, &|| RECORDED)
            .await
            .expect_err("unusable");
        assert!(matches!(error, LoginError::Answer(_)), "{error:?}");
    }
}

#[tokio::test]
async fn of_two_addresses_the_one_with_a_proxy_is_taken() {
    let proxy = Proxy::start(vec![ping("ping")], &http_date(RECORDED)).await;
    let dead = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port")
        .local_addr()
        .expect("an address")
        .to_string();
    let both = [dead.clone(), proxy.addr.clone()];
    assert_eq!(
        discover(&both, &proxy.trust, None, &Arc::default())
            .await
            .expect("found")
            .proxy(),
        proxy.addr
    );
    // The one that listens has an untrusted certificate: that is what has to be said.
    let error = discover(&both, &Trust::default(), None, &Arc::default())
        .await
        .expect_err("not trusted");
    assert!(
        matches!(&error, LoginError::Web(WebError::Untrusted { addr, .. }) if *addr == proxy.addr),
        "{error:?}"
    );
    // Nobody anywhere: both are named.
    let other = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port")
        .local_addr()
        .expect("an address")
        .to_string();
    let error = discover(
        &[dead.clone(), other.clone()],
        &Trust::default(),
        None,
        &Arc::default(),
    )
    .await
    .expect_err("nobody");
    assert!(
        error.to_string().contains(&dead) && error.to_string().contains(&other),
        "{error}"
    );
}

#[tokio::test]
async fn ports_that_are_no_proxy() {
    // Closed.
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port")
        .local_addr()
        .expect("an address")
        .to_string();
    let error = discover(&[closed], &Trust::default(), None, &Arc::default())
        .await
        .expect_err("nobody");
    assert!(
        matches!(error, LoginError::Web(WebError::Connect { .. })),
        "{error:?}"
    );
    // Speaks something else, or hangs up.
    for first in [
        &b"SSH-2.0-OpenSSH_9.9\r\n"[..],
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address").to_string();
        tokio::spawn(async move {
            while let Ok((mut tcp, _)) = listener.accept().await {
                let mut hello = [0; 16];
                let _ = tcp.read(&mut hello).await;
                let _ = tcp.write_all(first).await;
            }
        });
        let error = discover(&[addr], &Trust::default(), None, &Arc::default())
            .await
            .expect_err("no TLS");
        assert!(
            matches!(error, LoginError::Web(WebError::NotTls { .. })),
            "{error:?}"
        );
    }
    // No such host.
    let error = discover(
        &["no-such-host.invalid:443".to_owned()],
        &Trust::default(),
        None,
        &Arc::default(),
    )
    .await
    .expect_err("nobody");
    assert!(
        matches!(error, LoginError::Web(WebError::Resolve { .. })),
        "{error:?}"
    );
    // TLS and HTTP, but no Teleport.
    for answer in [
        json!({"status": 200, "body": {}}),
        json!({"status": 200, "body": []}),
        recorded("discovery/path-not-found"),
    ] {
        let proxy = Proxy::start(vec![answer], &http_date(RECORDED)).await;
        let error = discover(
            std::slice::from_ref(&proxy.addr),
            &proxy.trust,
            None,
            &Arc::default(),
        )
        .await
        .expect_err("no proxy");
        assert!(
            matches!(
                error,
                LoginError::Web(WebError::Decode { .. } | WebError::Status { .. })
            ),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn an_announced_address_is_used_and_blamed() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port")
        .local_addr()
        .expect("an address")
        .to_string();
    let mut elsewhere = ping("ping");
    elsewhere["body"]["proxy"]["ssh"]["public_addr"] = json!(closed);
    let proxy = Proxy::start(vec![elsewhere], &http_date(RECORDED)).await;
    let door = proxy.door().await;
    assert_eq!(door.proxy(), closed);
    let error = door.begin("u01", "pw").await.expect_err("nobody there");
    assert!(
        matches!(&error, LoginError::Announced { asked, .. } if *asked == proxy.addr),
        "{error:?}"
    );
}

#[test]
fn hardware_key_policies_are_found_in_refusals() {
    assert_eq!(
        unmet_policy("private key policy not met: hardware_key_touch"),
        Some("hardware_key_touch".to_owned())
    );
    assert_eq!(
        unmet_policy("x: private key policy not satisfied: hardware_key\n\ty"),
        Some("hardware_key".to_owned())
    );
    assert_eq!(unmet_policy("invalid credentials"), None);
}
