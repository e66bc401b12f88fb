//! Tests of ErrorResponse against everything a client of Teleport 18.3.0 saw.

use proptest::prelude::*;

use super::*;
use crate::pg::recorded;

fn body_of(bytes: &[u8]) -> &[u8] {
    assert_eq!(bytes[0], b'E');
    &bytes[5..]
}

#[test]
fn recorded_errors_are_read_and_written_byte_for_byte() {
    let cases: serde_json::Value =
        serde_json::from_str(&recorded::file("db-service/error-responses.json")).unwrap();
    let mut seen = 0;
    for (name, case) in cases.as_object().unwrap() {
        let (Some(hex), Some(fields)) = (case["hex"].as_str(), case["error"].as_object()) else {
            continue;
        };
        let raw = recorded::bytes(hex);
        let parsed = ErrorResponse::parse(Kind::Error, body_of(&raw)).unwrap();
        assert_eq!(parsed.encode(), raw, "{name}");
        assert_eq!(parsed.fields.len(), fields.len(), "{name}");
        for (letter, text) in fields {
            let got = parsed.get(letter.as_bytes()[0]);
            assert_eq!(got.as_deref(), text.as_str(), "{name} {letter}");
        }
        assert_eq!(parsed.is_message_only(), fields.len() == 1, "{name}");
        seen += 1;
    }
    assert!(seen > 40, "only {seen} recorded errors");
}

#[test]
fn message_only_errors_are_made_as_teleport_makes_them() {
    assert_eq!(
        ErrorResponse::message_only("access denied").encode(),
        b"E\0\0\0\x14Maccess denied\0\0"
    );
}

#[test]
fn every_prefix_of_a_body_is_refused() {
    let raw = recorded::plain_server_bytes("bad-startup-parameter");
    let body = body_of(&raw[1..]);
    assert!(ErrorResponse::parse(Kind::Error, body).is_ok());
    for end in 0..body.len() {
        assert_eq!(
            ErrorResponse::parse(Kind::Error, &body[..end]),
            Err(MessageError::Body(b'E')),
            "{end}"
        );
    }
    let trailing = [body, b"x"].concat();
    assert!(ErrorResponse::parse(Kind::Error, &trailing).is_err());
}

#[test]
fn completing_fills_only_what_is_missing() {
    let mut error = ErrorResponse::message_only("connection refused");
    error.complete("FATAL", "08001", Some("database dead"), Some("ask"));
    assert_eq!(
        error.encode()[5..],
        b"SFATAL\0VFATAL\0C08001\0Mconnection refused\0Ddatabase dead\0Hask\0\0"[..]
    );
    let whole = error.clone();
    error.complete("ERROR", "XX000", Some("other"), Some("other"));
    assert_eq!(error, whole);
    assert_eq!(
        error.to_string(),
        "FATAL: connection refused (SQLSTATE 08001)"
    );
}

#[test]
fn a_field_cannot_smuggle_another() {
    let error = ErrorResponse::fatal("08006", "a\0Hevil");
    assert_eq!(error.message(), "a");
    assert_eq!(error.hint(), None);
}

proptest! {
    #[test]
    fn any_body_is_judged_without_panic(body: Vec<u8>) {
        if let Ok(parsed) = ErrorResponse::parse(Kind::Notice, &body) {
            let encoded = parsed.encode();
            prop_assert_eq!(&encoded[5..], &body[..]);
        }
    }
}
