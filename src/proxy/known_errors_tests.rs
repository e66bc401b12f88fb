//! The table against every error that was recorded.

use super::super::testing::{app, orders};
use super::*;
use crate::pg::recorded;

fn leaf() -> Expected {
    Expected {
        user: "remote-alice-root".into(),
        remote: true,
        cluster: "leaf".into(),
        database: "leaf-orders".into(),
        ..orders()
    }
}

/// Every recorded message-only error, by name.
fn recorded_texts() -> Vec<(String, String)> {
    let cases: serde_json::Value =
        serde_json::from_str(&recorded::file("db-service/error-responses.json")).unwrap();
    let text = |(name, case): (&String, &serde_json::Value)| {
        let error = case["error"]
            .as_object()
            .filter(|fields| fields.len() == 1)?;
        Some((name.clone(), error["M"].as_str()?.to_owned()))
    };
    cases.as_object().unwrap().iter().filter_map(text).collect()
}

#[test]
fn every_recorded_text_gets_the_code_it_deserves() {
    let expected = [
        ("username_mismatch", "28000"),
        ("username_mismatch_remote", "28000"),
        ("username_empty", "28000"),
        ("database_not_allowed", "28000"),
        ("db_role_denied", "42501"),
        ("active_connections_other_roles", "55006"),
        ("second_connect_after_foreign_grant pg18", "55006"),
        ("unmanaged_login_pg15", "42710"),
        ("unmanaged_nologin_drop_pg18", "42710"),
        ("missing_admin_user", "58000"),
        ("upstream_refused_plain", "08001"),
        ("upstream_refused_provisioned", "08001"),
        ("admin_role_does_not_exist", "28000"),
        ("unknown_postgres_database_no_default_db", "3D000"),
        ("role_does_not_exist_new_user", "42704"),
        ("weak_admin_no_createrole_pg15", "42501"),
        ("plain_user_missing_in_db", "28000"),
        ("raw_path_unknown_database_service", "3D000"),
        ("raw_path_lock_in_force", "28000"),
    ];
    let texts = recorded_texts();
    for (name, code) in expected {
        let (_, text) = texts
            .iter()
            .find(|(n, _)| n == name)
            .unwrap_or_else(|| panic!("{name} is not recorded"));
        assert_eq!(advise(text, &app()).sqlstate, code, "{name}: {text}");
    }
}

#[test]
fn every_recorded_text_is_completed_and_kept() {
    let texts = recorded_texts();
    assert!(texts.len() > 35, "{}", texts.len());
    for (name, text) in texts {
        let mut error = ErrorResponse::message_only(&text);
        assert!(complete(&mut error, &app()), "{name}");
        assert_eq!(error.message(), text, "{name}");
        assert_eq!(error.sqlstate().unwrap().len(), 5, "{name}");
        assert!(error.detail().unwrap().starts_with("failed at: "), "{name}");
    }
}

#[test]
fn texts_that_were_not_recorded_have_a_code_too() {
    for (text, code, hop) in [
        (
            "failed to connect to any of the database servers",
            "08001",
            "database app",
        ),
        ("access to resource requires MFA", "28000", "database app"),
        (
            r#"exceeded connection limit for "10.0.0.1""#,
            "53300",
            "proxy proxy.test:443",
        ),
        (
            r#"cluster "" is not found"#,
            "3D000",
            "proxy proxy.test:443",
        ),
        ("something nobody has seen", "08004", "database app"),
        (
            "dial tcp: lookup db.test: no such host",
            "08001",
            "database app",
        ),
    ] {
        let advice = advise(text, &app());
        assert_eq!(advice.sqlstate, code, "{text}");
        assert_eq!(advice.hop.to_string(), hop, "{text}");
    }
}

#[test]
fn hints_name_the_right_user_also_when_it_is_not_the_expected_one() {
    let text = r#"please use your mapped remote username ("remote-alice-root") to connect instead of "alice""#;
    let hint = advise(
        text,
        &Expected {
            user: "alice".into(),
            ..leaf()
        },
    )
    .hint
    .unwrap();
    assert!(hint.contains("psql -U remote-alice-root"), "{hint}");
    // 14.0 says "Teleport username" on a leaf as well (db-service.md 1.10).
    let text =
        r#"please use your Teleport username ("remote-alice-root") to connect instead of "alice""#;
    assert!(
        advise(text, &leaf())
            .hint
            .unwrap()
            .contains("-U remote-alice-root")
    );
}

#[test]
fn commands_in_hints_lead_to_the_cluster_of_the_database() {
    let text =
        "access to db denied. User does not have permissions. Confirm database user and name.";
    assert!(
        advise(text, &leaf())
            .hint
            .unwrap()
            .contains("`postern db ls -v --cluster leaf`")
    );
    assert!(
        advise(text, &app())
            .hint
            .unwrap()
            .contains("`postern db ls -v`")
    );
}

#[test]
fn the_databases_own_words_are_left_alone() {
    for error in [
        ErrorResponse::fatal("3D000", r#"database "x" does not exist"#),
        ErrorResponse::fatal("28000", r#"role "nobody" does not exist"#),
        ErrorResponse::fatal("57P03", "the database system is starting up"),
        ErrorResponse::fatal("08001", "could not connect: connection refused"),
    ] {
        let mut same = error.clone();
        assert!(!complete(&mut same, &app()));
        assert_eq!(same, error);
    }
}

#[test]
fn a_text_of_ours_that_is_complete_is_left_alone() {
    let error = ErrorResponse::fatal("28000", "access denied")
        .with_detail("here")
        .with_hint("call Bob");
    let mut same = error.clone();
    assert!(!complete(&mut same, &app()));
    assert_eq!(same, error);
    let mut hinted = ErrorResponse::fatal("28000", "access denied").with_hint("call Bob");
    assert!(complete(&mut hinted, &app()), "the hop is added");
    assert_eq!(hinted.hint().as_deref(), Some("call Bob"));
}

#[test]
fn names_are_quoted_as_teleport_quotes_them() {
    let text = wrong_user(&orders(), "a\"b\\c\nd\u{7}é");
    assert_eq!(
        text,
        r#"please use your Teleport username ("alice") to connect instead of "a\"b\\c\nd\aé""#
    );
    assert_eq!(quoted(r#"x ("a\"b\\c") y"#).as_deref(), Some(r#"a"b\c"#));
    assert_eq!(quoted(r#"x ("unfinished"#), None);
}

#[test]
fn a_code_in_the_text_must_look_like_one() {
    assert_eq!(embedded_sqlstate("a (SQLSTATE 28000)"), Some("28000"));
    assert_eq!(
        embedded_sqlstate("a (SQLSTATE 42704) b (SQLSTATE 3D000))"),
        Some("3D000")
    );
    for text in [
        "a (SQLSTATE 2800)",
        "a (SQLSTATE 28é00)",
        "a (SQLSTATE 28000",
        "a (SQLSTATE ",
        "a",
    ] {
        assert_eq!(embedded_sqlstate(text), None, "{text}");
    }
}
