//! What the rows of the lists mean; the statements themselves are proven on servers, by the tests of whole programs.

use super::stop::{Means, Seen, has_stopped};
use super::*;

fn row(cells: &[Option<&str>]) -> Row {
    cells.iter().map(|cell| cell.map(str::to_owned)).collect()
}

#[test]
fn a_row_of_stv_recents_in_amazons_own_words() {
    // The example of PG_CANCEL_BACKEND in Amazon's Database Developer Guide, with a user who logged in by IAM.
    let one = redshift::activity(&row(&[
        Some("834"),
        Some("2013-10-14 08:33:49.47"),
        Some("1250414"),
        Some("IAM:dwuser"),
        Some("select * from listing;\\n"),
    ]))
    .expect("a session");
    assert_eq!(
        one,
        Activity {
            pid: 834,
            since: Some("2013-10-14T08:33:49.47Z".into()),
            seconds: Some(1.250_414),
            user: "dwuser".into(),
            state: Some("running".into()),
            query: "select * from listing;\n".into(),
            ..Activity::default()
        }
    );
    assert_eq!(redshift::activity(&row(&[None])), None);
}

#[test]
fn names_fold_on_redshift_and_are_cut_at_fifty_bytes() {
    let long = "a-user-name-that-is-much-longer-than-fifty-bytes-in-all";
    for (seen, user, same) in [
        ("IAM:alice", "alice", true),
        ("alice", "Alice", true),
        ("IAMR:alice", "alice", true),
        ("IAM:alice", "alic", false),
        ("IAM:alic", "alice", false),
        (&format!("IAM:{}", &long[..46]), long, true),
    ] {
        assert_eq!(redshift::same_user(seen, user), same, "{seen} {user}");
    }
}

#[test]
fn what_the_server_hides_is_not_taken_for_idle() {
    // A user without pg_read_all_stats sees no more of the others.
    let other = postgresql::seen(&row(&[
        Some("bob"),
        Some("f"),
        None,
        None,
        None,
        Some("<insufficient privilege>"),
    ]));
    assert!(other.hidden && !other.own && other.running.is_none());
    assert!(!has_stopped(Means::Cancel, &other, Some(&other)));
    assert!(has_stopped(Means::Terminate, &other, None));
    let idle = postgresql::seen(&row(&[
        Some("bob"),
        Some("t"),
        Some("idle"),
        Some("10:00"),
        Some("10:05"),
        Some("select 1"),
    ]));
    assert!(idle.own && !idle.hidden && idle.running.is_none());
}

#[test]
fn another_statement_or_another_session_means_that_the_former_is_over() {
    let seen = |session: &str, running: Option<&str>| Seen {
        own: true,
        session: Some(session.into()),
        running: running.map(Into::into),
        ..Seen::default()
    };
    let before = seen("10:00", Some("10:05"));
    for (now, cancelled, ended) in [
        (seen("10:00", Some("10:05")), false, false),
        (seen("10:00", None), true, false),
        (seen("10:00", Some("10:06")), true, false),
        (seen("10:07", Some("10:05")), true, true),
    ] {
        assert_eq!(has_stopped(Means::Cancel, &before, Some(&now)), cancelled);
        assert_eq!(has_stopped(Means::Terminate, &before, Some(&now)), ended);
    }
}
