//! Recorded answers, decoded.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde_json::{Value, json};

use super::client::status_error;
use super::types::{Base64, Challenge, Finish, LoginAnswer, Ping, PublicKey, go_seconds};
use super::*;
use crate::compat::{Age, Server};
use crate::transport::clock::parse_date;

fn data(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/login")
        .join(folder)
}

fn recorded(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a recording")).expect("JSON")
}

fn all(folder: &str) -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = std::fs::read_dir(data(folder))
        .expect("recordings")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            (
                path.file_stem()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned(),
                recorded(&path),
            )
        })
        .collect();
    assert!(found.len() > 10, "{folder} is incomplete");
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn one(name: &str) -> Value {
    recorded(&data("").join(format!("{name}.json")))
}

/// Adds a key that nobody knows to every object.
fn with_unknown_keys(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(with_unknown_keys);
            map.insert("key_of_the_future".into(), json!({"a": [1]}));
        }
        Value::Array(list) => list.iter_mut().for_each(with_unknown_keys),
        _ => {}
    }
}

/// Makes every string, number, boolean and list null.
fn with_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(with_nulls),
        other => *other = Value::Null,
    }
}

#[test]
fn every_ping_is_decoded() {
    let mut pings = 0;
    for (name, exchange) in all("discovery") {
        if exchange["response"]["status"] != 200 || !(name.starts_with("ping") || name == "find") {
            continue;
        }
        pings += 1;
        let mut body = exchange["response"]["body"].clone();
        let ping: Ping =
            serde_json::from_value(body.clone()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(ping.cluster_name, "root.example.com", "{name}");
        assert_eq!(ping.server().age(), Age::Same, "{name}");
        assert!(ping.proxy.tls_routing_enabled, "{name}");
        assert_eq!(ping.proxy.ssh.public_addr, "proxy.root.test:3181", "{name}");
        assert_eq!(
            ping.auth.kind,
            body["auth"]["type"].as_str().expect("a type"),
            "{name}"
        );
        assert_eq!(
            ping.auth.has_motd,
            body["auth"]["has_motd"] == true,
            "{name}"
        );
        with_unknown_keys(&mut body);
        assert_eq!(
            serde_json::from_value::<Ping>(body.clone()).expect("unknown keys are ignored"),
            ping,
            "{name}"
        );
        with_nulls(&mut body);
        serde_json::from_value::<Ping>(body).unwrap_or_else(|e| panic!("{name} with nulls: {e}"));
    }
    assert!(pings > 10, "{pings}");
}

#[test]
fn what_pings_say() {
    let auth = |name: &str| {
        let ping: Ping =
            serde_json::from_value(one(&format!("discovery/{name}"))["response"]["body"].clone())
                .expect("a ping");
        ping.auth
    };
    assert_eq!(auth("ping").default_ttl_seconds(), Some(43_200));
    assert_eq!(
        auth("ping-motd-and-default-ttl-2h").default_ttl_seconds(),
        Some(7200)
    );
    assert_eq!(auth("ping-local").default_ttl_seconds(), None);
    assert_eq!(auth("ping-second-factor-off").second_factor, "off");
    assert_eq!(auth("ping-webauthn-only").second_factor, "webauthn");
    let github = auth("ping-default-github");
    assert_eq!(
        github.sso().map(|c| (c.name.as_str(), c.display.as_str())),
        Some(("github", "GitHub"))
    );
    assert_eq!(
        auth("ping-default-passwordless").local.expect("local").name,
        "passwordless"
    );
    for (value, word) in [
        (json!(true), "on"),
        (json!(false), "off"),
        (json!(null), ""),
        (json!("otp"), "otp"),
    ] {
        let ping: Ping =
            serde_json::from_value(json!({"auth": {"second_factor": value}})).expect("a ping");
        assert_eq!(ping.auth.second_factor, word);
    }
}

#[test]
fn every_begin_is_decoded() {
    let mut seen = (0, 0, 0);
    for (name, exchange) in all("begin") {
        if exchange["response"]["status"] != 200 {
            continue;
        }
        let body = &exchange["response"]["body"];
        let challenge: Challenge =
            serde_json::from_value(body.clone()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(
            challenge.webauthn,
            !body["webauthn_challenge"].is_null(),
            "{name}"
        );
        assert_eq!(challenge.totp, body["totp_challenge"] == true, "{name}");
        assert!(!challenge.sso, "{name}");
        match (challenge.webauthn, challenge.totp) {
            (true, _) => seen.0 += 1,
            (false, true) => seen.1 += 1,
            (false, false) => seen.2 += 1,
        }
    }
    assert!(seen.0 > 0 && seen.1 > 0 && seen.2 > 0, "{seen:?}");
    assert_eq!(
        serde_json::from_str::<Challenge>("{}").expect("nothing"),
        Challenge::default()
    );
    let empty = json!({"webauthn_challenge": {}, "totp_challenge": null});
    assert_eq!(
        serde_json::from_value::<Challenge>(empty).expect("empty"),
        Challenge::default()
    );
}

#[test]
fn every_finish_is_decoded() {
    let mut certificates = 0;
    for (name, exchange) in all("finish") {
        if exchange["response"]["status"] != 200 {
            continue;
        }
        let body = &exchange["response"]["body"];
        let answer: LoginAnswer =
            serde_json::from_value(body.clone()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(
            answer.username,
            body["username"].as_str().expect("a name"),
            "{name}"
        );
        assert_eq!(
            answer.tls_cert.is_empty(),
            body["tls_cert"].is_null(),
            "{name}"
        );
        assert_eq!(answer.host_signers.len(), 1, "{name}");
        assert!(
            answer.host_signers[0].tls_certs[0].starts_with(b"-----BEGIN CERTIFICATE-----"),
            "{name}"
        );
        if !answer.tls_cert.is_empty() {
            certificates += 1;
            crate::identity::Certificate::from_pem(&answer.tls_cert)
                .unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }
    assert!(certificates > 10, "{certificates}");
}

#[test]
fn every_refusal_keeps_status_and_text() {
    let mut refusals = 0;
    for (name, exchange) in ["discovery", "begin", "finish"].into_iter().flat_map(all) {
        let response = &exchange["response"];
        let status = u16::try_from(response["status"].as_u64().expect("a status")).expect("small");
        if status < 300 {
            continue;
        }
        refusals += 1;
        let text = match response["body_text"].as_str() {
            Some(text) => text.to_owned(),
            None => response["body"].to_string(),
        };
        let message = response["body"]["error"]["message"]
            .as_str()
            .unwrap_or_else(|| panic!("{name} has no text"));
        assert_eq!(
            status_error("h:1", status, text.as_bytes(), None),
            WebError::Status {
                addr: "h:1".into(),
                status,
                message: message.to_owned()
            },
            "{name}"
        );
    }
    assert!(refusals > 40, "{refusals}");
}

#[test]
fn refusals_of_other_servers() {
    let text = |body: &str| match status_error("h:1", 502, body.as_bytes(), Some("nginx/1.22.1")) {
        WebError::Status { message, .. } => message,
        other => panic!("{other:?}"),
    };
    assert_eq!(text(""), "HTTP status 502 Bad Gateway (nginx/1.22.1)");
    assert_eq!(
        text("<html>Bad Gateway</html>"),
        "HTTP status 502 Bad Gateway (nginx/1.22.1)"
    );
    assert_eq!(
        text("no upstream"),
        "HTTP status 502 Bad Gateway (nginx/1.22.1): no upstream"
    );
    assert_eq!(text(r#"{"message":"top"}"#), "top");
    assert_eq!(
        text(r#"{"error":{"message":"inner"},"messages":["outer"]}"#),
        "inner; outer"
    );
    assert_eq!(text("{}"), "HTTP status 502 Bad Gateway (nginx/1.22.1): {}");
}

#[test]
fn our_requests_are_like_those_of_tsh() {
    let sequence = one("sequences/tsh-login");
    let requests: Vec<&Value> = sequence["connections_in_order"]
        .as_array()
        .expect("connections")
        .iter()
        .filter_map(|c| c["requests"].as_array())
        .flatten()
        .collect();
    let body = |path: &str| {
        &requests
            .iter()
            .find(|r| r["path"] == path)
            .unwrap_or_else(|| panic!("{path}"))["body"]
    };
    let begin = serde_json::to_value(types::Begin {
        user: "u20",
        pass: "correct horse battery",
        passwordless: false,
    });
    assert_eq!(&begin.expect("JSON"), body("/webapi/mfa/login/begin"));
    let theirs = body("/webapi/mfa/login/finish")
        .as_object()
        .expect("an object");
    let finish = Finish {
        user: "u20",
        password: "correct horse battery",
        webauthn_challenge_response: None,
        totp_code: "439171",
        key: PublicKey::Tls(b"-----BEGIN PUBLIC KEY-----\n".to_vec()),
        ssh_pub_key: Some(Base64(
            base64::engine::general_purpose::STANDARD
                .decode(theirs["ssh_pub_key"].as_str().expect("base64"))
                .expect("base64"),
        )),
        ttl: 43_200_000_000_000,
        route_to_cluster: "",
        kubernetes_cluster: "",
    };
    let ours = serde_json::to_value(&finish).expect("JSON");
    for (key, value) in ours.as_object().expect("an object") {
        let their = theirs
            .get(key)
            .unwrap_or_else(|| panic!("tsh does not send {key}"));
        if key == "tls_pub_key" {
            assert!(
                their
                    .as_str()
                    .expect("base64")
                    .starts_with(value.as_str().expect("base64").trim_end_matches('='))
            );
        } else {
            assert_eq!(value, their, "{key}");
        }
    }
    // With a key for SSH nothing is left out; without one it is the one thing that is.
    let left_out: Vec<&String> = theirs
        .keys()
        .filter(|k| ours.get(k.as_str()).is_none())
        .collect();
    assert_eq!(left_out, [""; 0]);
    assert_eq!(
        format!("{finish:?}"),
        r#"Finish { user: "u20", password: "****", totp_code: "****", key: Tls([45, 45, 45, 45, 45, 66, 69, 71, 73, 78, 32, 80, 85, 66, 76, 73, 67, 32, 75, 69, 89, 45, 45, 45, 45, 45, 10]), ttl: 43200000000000, .. }"#
    );
    let without = serde_json::to_value(Finish {
        ssh_pub_key: None,
        ..finish
    });
    assert!(without.expect("JSON").get("ssh_pub_key").is_none());
}

/// The point in a recorded public key: the last 65 bytes of its PEM.
fn point(pem: &[u8]) -> Vec<u8> {
    use rustls::pki_types::{SubjectPublicKeyInfoDer, pem::PemObject};
    let der = SubjectPublicKeyInfoDer::from_pem_slice(pem).expect("PEM");
    der[der.len() - 65..].to_vec()
}

#[test]
fn the_key_goes_into_the_field_that_the_version_knows() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let decode = |value: &Value| {
        STANDARD
            .decode(value.as_str().expect("text"))
            .expect("base64")
    };
    // 18: PEM, byte for byte.
    let recorded = decode(&one("finish/finish-ok-tls-only-p256")["request"]["body"]["tls_pub_key"]);
    let point = point(&recorded);
    for version in ["17.0.0", "18.3.0", "19.0.0", ""] {
        assert_eq!(
            PublicKey::p256(&point, &Server::of(version)),
            PublicKey::Tls(recorded.clone()),
            "{version}"
        );
    }
    // 14: a line of authorized_keys with the same point in it.
    let recorded =
        decode(&one("../teleport-14.0.0-dev/login/finish-p256")["request"]["body"]["pub_key"]);
    let line = String::from_utf8(recorded.clone()).expect("text");
    let blob = STANDARD
        .decode(line.split(' ').nth(1).expect("a blob").trim())
        .expect("base64");
    let point = &blob[blob.len() - 65..];
    for version in ["14.0.0-dev", "15.4.10", "16.4.7"] {
        assert_eq!(
            PublicKey::p256(point, &Server::of(version)),
            PublicKey::Ssh(recorded.clone()),
            "{version}"
        );
    }
}

#[test]
fn dates_and_durations() {
    let limited = one("errors/rate-limit");
    let date = limited["response"]["headers"]["Date"]
        .as_str()
        .expect("a date");
    assert_eq!(date, "Mon, 23 Nov 2026 07:39:40 GMT");
    assert_eq!(parse_date(date), Some(1_795_419_580));
    assert_eq!(parse_date("yesterday"), None);
    for (text, seconds) in [
        ("12h0m0s", Some(43_200)),
        ("0s", Some(0)),
        ("1m30s", Some(90)),
        ("1.5h", Some(5400)),
        ("never", Some(0)),
        ("", None),
        ("12", None),
        ("12x", None),
        ("h", None),
    ] {
        assert_eq!(go_seconds(text), seconds, "{text}");
    }
}

#[test]
fn addresses_that_are_none() {
    for addr in [
        "",
        "a b:1",
        "user@host:1",
        "host:1/path",
        "host:1?q",
        "host:99999",
    ] {
        let client = Client::new(crate::transport::route::Route::direct(addr));
        assert!(matches!(client, Err(WebError::Address(_))), "{addr}");
    }
}
