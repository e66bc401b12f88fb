use std::path::Path;

use super::*;
use crate::flow::session;
use crate::profile::Home;

/// 2026-11-24 17:00 UTC: every recorded identity is valid.
const NOW: i64 = 1_795_539_600;

fn session(name: &str) -> Session {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/sessions")
        .join(name);
    let home = Home::new("/nonexistent")
        .with_identity(Some(path))
        .select(Some("proxy.root.test:3080".to_owned()));
    session::load(&home, NOW).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn asked(user: Option<&str>, name: Option<&str>, roles: &[&str]) -> Asked<'static> {
    Asked {
        wish: Wish {
            user: user.map(str::to_owned),
            name: name.map(str::to_owned),
            roles: roles.iter().map(ToString::to_string).collect(),
        },
        ..Asked::default()
    }
}

#[test]
fn the_certificate_decides_and_the_command_line_completes() {
    let made =
        |name, asked: &Asked<'_>| credential(&session(name), asked).map(|c| c.map(|c| c.target));
    assert_eq!(made("tctl/alice", &Asked::default()), Ok(None));
    assert_eq!(made("tbot/identity", &Asked::default()), Ok(None));
    let target = made("tbot/database", &Asked::default())
        .expect("a target")
        .expect("routed");
    assert_eq!(
        (
            target.database.name.as_str(),
            target.user.as_str(),
            target.name.as_str()
        ),
        ("orders", "bot-machine", "postgres")
    );
    assert_eq!(
        (target.cluster.as_str(), target.is_remote()),
        ("root", false)
    );
    let target = made("tbot/tls", &asked(Some("other"), Some("x"), &[]))
        .expect("a target")
        .expect("routed");
    assert_eq!((target.user.as_str(), target.name.as_str()), ("other", "x"));
}

#[test]
fn without_a_user_one_is_wanted_and_cancelling_cannot_work() {
    let session = session("tctl/alice-app-nouser");
    assert_eq!(
        credential(&session, &Asked::default()).map(drop),
        Err(RoutedError::NoUser {
            database: "app".to_owned()
        })
    );
    let made = credential(&session, &asked(Some("app"), None, &[]));
    let made = made.expect("a credential").expect("routed");
    assert!(!can_cancel(&made));
    assert_eq!(made.target.name, "postgres");
    let with_user = credential(&self::session("tctl/alice-orders"), &Asked::default());
    assert!(can_cancel(
        &with_user.expect("a credential").expect("routed")
    ));
}

#[test]
fn what_it_is_not_for_is_refused() {
    let session = session("tctl/alice-orders");
    for (asked, text) in [
        (
            Asked {
                database: Some("app"),
                ..Asked::default()
            },
            "the identity is for database orders only, not for app",
        ),
        (
            Asked {
                cluster: Some("leaf"),
                ..Asked::default()
            },
            "the identity is for cluster root only, not for leaf",
        ),
        (
            asked(None, None, &["reader"]),
            "the identity is for database roles all allowed ones only, not for reader",
        ),
    ] {
        let error = credential(&session, &asked).expect_err("refused");
        assert_eq!(error.to_string(), text);
    }
    let begin = Asked {
        database: Some("ord"),
        cluster: Some("root"),
        ..Asked::default()
    };
    assert!(credential(&session, &begin).is_ok_and(|c| c.is_some()));
}
