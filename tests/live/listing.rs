//! `db ls` beside tsh's, for every user and every database of root and leaf: what both print is equal.

use serde_json::Value;

use super::lab::{live, plain};
use super::tsh::Tsh;

/// Compares what both have, everywhere in the tree: postern may print more keys, and never another value. An empty object is
/// as good as none (rbac.md 10.3).
pub(super) fn compare(path: &str, theirs: &Value, ours: &Value, compared: &mut usize) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for (key, value) in theirs {
                match ours.get(key) {
                    Some(our) => compare(&format!("{path}.{key}"), value, our, compared),
                    None => assert!(
                        value.as_object().is_some_and(serde_json::Map::is_empty),
                        "{path}.{key} is missing: {value}"
                    ),
                }
            }
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            assert_eq!(theirs.len(), ours.len(), "{path}: {theirs:?} {ours:?}");
            for (at, (their, our)) in theirs.iter().zip(ours).enumerate() {
                compare(&format!("{path}[{at}]"), their, our, compared);
            }
        }
        _ => {
            *compared += 1;
            assert_eq!(theirs, ours, "{path}");
        }
    }
}

#[test]
fn every_database_is_printed_as_tsh_prints_it() {
    let (Some(live), Some(way)) = (live(), plain()) else {
        return;
    };
    let text = |key: &str| live.env[key].as_str().expect("a text");
    for (user, on_root, on_leaf) in [("alice", 4, 2), ("bob", 3, 1), ("carol", 6, 1)] {
        let Some(tsh) = Tsh::new(text("proxy"), text("ca_file")) else {
            return;
        };
        tsh.log_in_with_code(user, text("password"), || live.code(user));
        let args = ["db", "ls", "-R", "--format", "json"];
        let (theirs, ours) = (tsh.run(&args).json(), way.run(user, &args).json());
        let mut compared = 0;
        compare(&format!("{user}@all"), &theirs, &ours, &mut compared);
        assert!(
            compared >= 10 * (on_root + on_leaf),
            "{user}@all: {compared}"
        );
        for (cluster, databases) in [("root", on_root), ("leaf", on_leaf)] {
            let args = ["db", "ls", "--format", "json", "--cluster", cluster];
            let theirs = tsh.run(&args).json();
            let ours = way.run(user, &args).json();
            assert_eq!(
                theirs.as_array().map(Vec::len),
                Some(databases),
                "{user} on {cluster}: {theirs}"
            );
            let mut compared = 0;
            compare(&format!("{user}@{cluster}"), &theirs, &ours, &mut compared);
            assert!(compared >= 10 * databases, "{user}@{cluster}: {compared}");
            // Nothing is claimed that tsh does not say, either.
            for (their, our) in theirs
                .as_array()
                .expect("a list")
                .iter()
                .zip(ours.as_array().expect("a list"))
            {
                for key in ["users", "database_roles", "metadata"] {
                    assert_eq!(their.get(key), our.get(key), "{user}@{cluster} {key}");
                }
            }
        }
    }
}
