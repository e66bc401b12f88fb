//! The web API answers recorded requests with the recorded status, texts, headers and shapes.

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use axum::{Extension, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Peer, router};
use crate::cluster::testing::{PASSWORD, TestCluster, recorded_json};
use crate::identity::Certificate;

fn served(cluster: &TestCluster) -> Router {
    router(cluster.state.clone()).layer(Extension(Peer(([127, 0, 0, 1], 5555).into())))
}

/// Headers that are compared; the rest (length, date, connection) depend on the connection.
const HEADERS: [&str; 9] = [
    "cache-control",
    "content-type",
    "expires",
    "pragma",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
    "x-xss-protection",
];

async fn send(app: &Router, request: &Value, body: Option<&Value>) -> Response {
    let method = request["method"].as_str().expect("a method");
    let mut builder = Request::builder()
        .method(method)
        .uri(request["path"].as_str().expect("a path"));
    let content_type = match request["headers"].get("Content-Type") {
        Some(Value::Null) => None,
        Some(other) => other.as_str(),
        None => (method == "POST").then_some("application/json"),
    };
    if let Some(content_type) = content_type {
        builder = builder.header("content-type", content_type);
    }
    let body = match (body.filter(|b| !b.is_null()), request["body_text"].as_str()) {
        (Some(json), _) => json.to_string(),
        (None, text) => text.unwrap_or_default().to_owned(),
    };
    app.clone()
        .oneshot(builder.body(Body::from(body)).expect("a request"))
        .await
        .expect("an answer")
}

async fn text(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .expect("a body");
    String::from_utf8(bytes.into()).expect("text")
}

/// The same keys and types at every level. A recorded list says what its elements look like.
fn same_shape(have: &Value, want: &Value, place: &str) {
    match (have, want) {
        (Value::Object(have), Value::Object(want)) => {
            assert_eq!(
                have.keys().collect::<Vec<_>>(),
                want.keys().collect::<Vec<_>>(),
                "{place}"
            );
            for (key, value) in want {
                same_shape(&have[key], value, &format!("{place}.{key}"));
            }
        }
        (Value::Array(have), Value::Array(want)) => {
            assert_eq!(have.len(), want.len(), "{place}");
            for (have, want) in have.iter().zip(want) {
                same_shape(have, want, place);
            }
        }
        _ => assert_eq!(
            std::mem::discriminant(have),
            std::mem::discriminant(want),
            "{place}: {have} for {want}"
        ),
    }
}

fn same_headers(name: &str, response: &Response, recorded: &Value) {
    let Some(recorded) = recorded["headers"].as_object() else {
        return;
    };
    for header in HEADERS {
        let want = recorded
            .iter()
            .find(|(k, _)| k.eq_ignore_ascii_case(header))
            .and_then(|(_, v)| v.as_str());
        let have = response
            .headers()
            .get(header)
            .map(|v| v.to_str().expect("text"));
        assert_eq!(have, want, "{name}: {header}");
    }
}

#[tokio::test]
async fn discovery_answers_as_recorded() {
    for (file, second_factor) in [
        ("ping-otp-only", true),
        ("ping-second-factor-off", false),
        ("find", true),
        ("motd-empty", true),
        ("path-not-found", true),
    ] {
        let cluster = TestCluster::new("root.example.com", "", &[], second_factor);
        let case = recorded_json(&format!("login/{file}.json"));
        let response = send(&served(&cluster), &case["request"], None).await;
        assert_eq!(
            u64::from(response.status().as_u16()),
            case["response"]["status"].as_u64().expect("a status"),
            "{file}"
        );
        same_headers(file, &response, &case["response"]);
        let body: Value = serde_json::from_str(&text(response).await).expect("JSON");
        assert_eq!(body, case["response"]["body"], "{file}");
    }
}

/// The recorded cluster had security keys too, so this compares what does not depend on them.
#[tokio::test]
async fn a_ping_with_a_connector_leaves_parts_empty() {
    let cluster = TestCluster::new("root.example.com", "", &[], true);
    let mut want = recorded_json("login/ping-local.json")["response"]["body"].take();
    for key in [
        "webauthn",
        "allow_passwordless",
        "allow_headless",
        "second_factor",
        "preferred_local_mfa",
    ] {
        want["auth"].as_object_mut().expect("an object").remove(key);
    }
    let response = send(
        &served(&cluster),
        &json!({"method": "GET", "path": "/webapi/ping/local"}),
        None,
    )
    .await;
    let mut have: Value = serde_json::from_str(&text(response).await).expect("JSON");
    for key in ["second_factor", "preferred_local_mfa"] {
        assert_eq!(
            have["auth"].as_object_mut().expect("an object").remove(key),
            Some("otp".into())
        );
    }
    assert_eq!(have, want);
    let response = send(
        &served(&cluster),
        &json!({"method": "GET", "path": "/webapi/ping/nosuch"}),
        None,
    )
    .await;
    assert_eq!(response.status(), 400);
    // The recorded cluster had one connector to list.
    let want = recorded_json("login/ping-unknown-connector.json")["response"]["body_text"]
        .as_str()
        .expect("text")
        .replace("github", "");
    assert_eq!(text(response).await, want);
}

/// Every recorded request of the two login steps, in a cluster of its own.
#[tokio::test]
async fn login_answers_as_recorded() {
    // The code must be good for the recorded failure to be the one that is reached.
    let good_code = [
        "bad-ssh-key",
        "bad-tls-key",
        "unknown-leaf",
        "unknown-kube",
        "wrong-password",
        "no-password",
        "otp-with-space",
    ];
    let mut seen = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/login"))
        .expect("recordings")
    {
        let file = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a name");
        let Some(name) = file
            .strip_suffix(".json")
            .filter(|n| n.starts_with("begin-") || n.starts_with("finish-"))
        else {
            continue;
        };
        if name == "finish-reused-otp" {
            continue;
        }
        seen += 1;
        let mut case = recorded_json(&format!("login/{file}"));
        let mut body = case["request"]["body"].take();
        let user_key = if body.get("User").is_some() {
            "User"
        } else if body.get("USER").is_some() {
            "USER"
        } else {
            "user"
        };
        let user = body[user_key].as_str().unwrap_or("u01").to_owned();
        let known: Vec<&str> = Some(user.as_str())
            .filter(|u| !matches!(*u, "nobody" | ""))
            .into_iter()
            .collect();
        let documents: String =
            known.iter().map(|u| format!("{{kind: user, version: v2, metadata: {{name: \"{u}\"}}, spec: {{roles: [access]}}}}\n")).collect();
        let cluster = TestCluster::new(
            "root.example.com",
            &documents,
            &known,
            !name.contains("second-factor-off"),
        );
        if user == "nodev" {
            let hash = cluster
                .state
                .store()
                .credential("nodev")
                .expect("a query")
                .expect("a credential")
                .password_hash;
            cluster
                .state
                .store()
                .set_credential("nodev", &hash, "")
                .expect("no device");
        }
        let code_key = if body.get("Totp_Code").is_some() {
            "Totp_Code"
        } else {
            "totp_code"
        };
        let wants_success = case["response"]["status"] == 200;
        let live = wants_success || good_code.iter().any(|n| name == format!("finish-{n}"));
        if live && body[code_key].as_str().is_some_and(|c| !c.is_empty()) {
            let code = cluster.code(&user);
            body[code_key] = if name.ends_with("with-space") {
                format!("{} {}", &code[..3], &code[3..]).into()
            } else {
                code.into()
            };
        }
        let response = send(&served(&cluster), &case["request"], Some(&body)).await;
        assert_eq!(
            u64::from(response.status().as_u16()),
            case["response"]["status"].as_u64().expect("a status"),
            "{name}"
        );
        same_headers(name, &response, &case["response"]);
        let have = text(response).await;
        if wants_success {
            let have: Value = serde_json::from_str(&have).expect("JSON");
            same_shape(&have, &case["response"]["body"], name);
            assert_eq!(
                have["username"], case["response"]["body"]["username"],
                "{name}"
            );
            lifetime(name, &have, &case["response"]["body"]);
        } else {
            assert_eq!(
                have,
                case["response"]["body_text"].as_str().expect("text"),
                "{name}"
            );
        }
    }
    assert!(seen > 50, "{seen} recordings");
}

/// The certificate lives as long as the recorded one.
fn lifetime(name: &str, have: &Value, want: &Value) {
    let certificate = |answer: &Value| {
        let pem = STANDARD
            .decode(answer["tls_cert"].as_str()?)
            .expect("base64");
        Some(Certificate::from_pem(&pem).expect("a certificate"))
    };
    let (Some(have), Some(want)) = (certificate(have), certificate(want)) else {
        return;
    };
    assert_eq!(
        have.not_after - have.not_before,
        want.not_after - want.not_before,
        "{name}"
    );
    assert_eq!(have.identity.username, want.identity.username, "{name}");
}

#[tokio::test]
async fn a_code_is_accepted_once_and_a_new_one_after_it() {
    let documents = "{kind: user, version: v2, metadata: {name: u02}, spec: {roles: [access]}}";
    let cluster = TestCluster::new("root.example.com", documents, &["u02"], true);
    let app = served(&cluster);
    let case = recorded_json("login/finish-reused-otp.json");
    let mut body = case["request"]["body"].clone();
    body["totp_code"] = cluster.code("u02").into();
    assert_eq!(
        send(&app, &case["request"], Some(&body)).await.status(),
        200
    );
    let again = send(&app, &case["request"], Some(&body)).await;
    assert_eq!(again.status(), 403);
    assert_eq!(
        text(again).await,
        case["response"]["body_text"].as_str().expect("text")
    );
    cluster.advance_ms(30_000);
    body["totp_code"] = cluster.code("u02").into();
    assert_eq!(
        send(&app, &case["request"], Some(&body)).await.status(),
        200
    );
}

/// A user whose document is gone, with password and key still in the state, is as unknown as any.
#[tokio::test]
async fn a_removed_user_is_unknown() {
    let documents = "{kind: user, version: v2, metadata: {name: other}, spec: {roles: [access]}}";
    let cluster = TestCluster::new("root.example.com", documents, &["u02", "other"], true);
    let app = served(&cluster);
    for step in ["begin", "finish"] {
        let request = json!({"method": "POST", "path": format!("/webapi/mfa/login/{step}")});
        let key =
            recorded_json("login/finish-ok-tls-only-p256.json")["request"]["body"]["tls_pub_key"]
                .clone();
        let mut answers = Vec::new();
        for user in ["u02", "nobody"] {
            let body = json!({"user": user, "pass": PASSWORD, "password": PASSWORD, "totp_code": cluster.code("u02"),
                "tls_pub_key": key});
            let answer = send(&app, &request, Some(&body)).await;
            answers.push((answer.status(), text(answer).await));
        }
        assert_eq!(answers[0], answers[1], "{step}");
        assert_eq!(answers[0].0, 403, "{step}");
        let body = json!({"user": "other", "pass": PASSWORD, "password": PASSWORD, "totp_code": cluster.code("other"),
            "tls_pub_key": key});
        assert_eq!(
            send(&app, &request, Some(&body)).await.status(),
            200,
            "{step}"
        );
    }
}

/// login.md 3.4: the second step tells the lock, the first does not know of it; a wrong password comes before it.
#[tokio::test]
async fn a_lock_is_told_at_the_second_step() {
    let documents = "{kind: user, version: v2, metadata: {name: u02}, spec: {roles: [access]}}\n---\n\
        {kind: lock, version: v2, metadata: {name: l}, spec: {target: {role: access}, expires: \"2030-01-01T00:00:00Z\"}}";
    let cluster = TestCluster::new("root.example.com", documents, &["u02"], true);
    let app = served(&cluster);
    let key = recorded_json("login/finish-ok-tls-only-p256.json")["request"]["body"]["tls_pub_key"]
        .clone();
    let step = async |step: &str, password: &str| {
        let request = json!({"method": "POST", "path": format!("/webapi/mfa/login/{step}")});
        let body = json!({"user": "u02", "pass": password, "password": password, "totp_code": cluster.code("u02"),
            "tls_pub_key": key});
        let answer = send(&app, &request, Some(&body)).await;
        (answer.status().as_u16(), text(answer).await)
    };
    assert_eq!(step("begin", PASSWORD).await.0, 200);
    let (status, answer) = step("finish", "wrong").await;
    assert_eq!(status, 403);
    assert!(answer.contains("invalid username, password or second factor"));
    let (status, answer) = step("finish", PASSWORD).await;
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let told = answer["error"]["message"].as_str();
    assert_eq!(
        (status, told),
        (403, Some(r#"lock targeting Role:"access" is in force"#))
    );
}

#[tokio::test]
async fn accounts_are_locked_as_recorded() {
    let sequences = recorded_json("login/lockout-sequences.json");
    let documents = "{kind: user, version: v2, metadata: {name: known}, spec: {roles: [access]}}";
    for (sequence, steps) in sequences.as_object().expect("sequences") {
        let cluster = TestCluster::new("root.example.com", documents, &["known"], true);
        let app = served(&cluster);
        let key =
            recorded_json("login/finish-ok-tls-only-p256.json")["request"]["body"]["tls_pub_key"]
                .clone();
        for step in steps.as_array().expect("steps") {
            let name = step["step"].as_str().expect("a name");
            let begin = name.starts_with("lock_by_begin_") && !name.ends_with("finish_right")
                || name.ends_with("begin_right")
                || name.starts_with("lock_reset_") && !name.ends_with("finish");
            let right = name.contains("right") || name.contains("ok");
            // The rate limit is not the subject here.
            cluster.advance_ms(3_000);
            let user = if name.starts_with("lock_unknown") {
                "nobody"
            } else {
                "known"
            };
            let (path, body) = if begin {
                (
                    "begin",
                    json!({"user": user, "pass": if right { PASSWORD } else { "nope" }}),
                )
            } else {
                let code = if right {
                    cluster.code("known")
                } else {
                    "000000".to_owned()
                };
                (
                    "finish",
                    json!({"user": user, "password": PASSWORD, "totp_code": code, "tls_pub_key": key}),
                )
            };
            let request = json!({"method": "POST", "path": format!("/webapi/mfa/login/{path}")});
            let response = send(&app, &request, Some(&body)).await;
            assert_eq!(
                u64::from(response.status().as_u16()),
                step["status"].as_u64().expect("a status"),
                "{sequence}: {name}"
            );
            if let Some(message) = step["message"].as_str() {
                let have: Value = serde_json::from_str(&text(response).await).expect("JSON");
                assert_eq!(have["error"]["message"], message, "{sequence}: {name}");
            }
        }
    }
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_again() {
    let cluster = TestCluster::new("root.example.com", "", &[], true);
    let app = served(&cluster);
    let case = recorded_json("login/rate-limit.json");
    for i in 0..41 {
        let response = send(&app, &case["request"], Some(&json!({}))).await;
        assert_eq!(response.status(), 403, "request {i}");
        cluster.advance_ms(90);
    }
    let response = send(&app, &case["request"], Some(&json!({}))).await;
    same_headers("rate limit", &response, &case["response"]);
    assert_eq!(response.status(), 429);
    assert_eq!(
        text(response).await,
        case["response"]["body_text"].as_str().expect("text")
    );
    let large = json!({"user": "u01", "pass": "x".repeat(1_000_100)});
    cluster.advance_ms(60_000);
    let response = send(&app, &case["request"], Some(&large)).await;
    assert_eq!(
        (
            response.status().as_u16(),
            text(response).await.contains("the read limit is reached")
        ),
        (429, true)
    );
}
