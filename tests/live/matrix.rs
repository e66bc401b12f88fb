//! alice, bob and carol on every database of root and leaf: what each may do, and that nothing else is possible.
//!
//! [`everything`] takes the way to the proxy, so that the same commands run through whatever stands between.

use std::process::Stdio;
use std::time::Duration;

use super::lab::plain;
use super::way::Way;
use crate::common::ran::Ran;
use crate::common::wait_for;

/// `user role,role` of a session.
pub(super) const WHO: &str = "select current_user || ' ' || coalesce((select string_agg(r.rolname, ',' order by r.rolname) from \
                   pg_auth_members m join pg_roles r on r.oid = m.roleid where m.member = current_user::regrole), '')";

/// What comes of `db connect`.
enum End {
    /// A session of this user with these roles.
    Session(&'static str),
    /// An exit code, and a text on standard error.
    Fails(i32, &'static str),
}
use End::{Fails, Session};

/// A user, a cluster, a database with the flags that choose user and name, and what comes of it. The documents of the pair
/// say so; what `db ls` shows of them is compared with tsh beside this.
struct Case(
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    End,
);

const APP: &[&str] = &["--db-user", "app", "--db-name", "app"];
const POSTGRES: &[&str] = &["--db-user", "postgres", "--db-name", "postgres"];
const DEAD: &[&str] = &["--db-user", "app", "--db-name", "postgres"];

const CASES: &[Case] = &[
    Case(
        "alice",
        "root",
        "orders",
        &[],
        Session("alice reader,teleport-auto-user,writer"),
    ),
    Case(
        "alice",
        "root",
        "scratch",
        &[],
        Session("alice reader,teleport-auto-user,writer"),
    ),
    Case(
        "alice",
        "root",
        "orders",
        &["--db-user", "app"],
        Fails(14, "\"alice\""),
    ),
    Case(
        "alice",
        "root",
        "orders",
        &["--db-roles", "owner"],
        Fails(14, "access to database role \"owner\" denied"),
    ),
    Case("alice", "root", "app", APP, Session("app ")),
    Case("alice", "root", "app", POSTGRES, Session("postgres ")),
    Case(
        "alice",
        "root",
        "app",
        &["--db-user", "mallory", "--db-name", "app"],
        Fails(14, "mallory"),
    ),
    Case(
        "alice",
        "root",
        "dead",
        DEAD,
        Fails(2, "connection refused"),
    ),
    Case("alice", "root", "secret", APP, Fails(12, "not found")),
    Case("alice", "root", "vault", APP, Fails(12, "not found")),
    Case(
        "alice",
        "leaf",
        "leaf-orders",
        &[],
        Session("remote-alice-root reader,teleport-auto-user,writer"),
    ),
    Case(
        "alice",
        "leaf",
        "leaf-orders",
        &["--db-user", "alice"],
        Fails(14, "remote-alice-root"),
    ),
    Case("alice", "leaf", "leaf-app", APP, Session("app ")),
    Case("bob", "root", "app", APP, Session("app ")),
    Case("bob", "root", "secret", APP, Session("app ")),
    Case("bob", "root", "app", POSTGRES, Fails(14, "postgres")),
    Case("bob", "root", "dead", DEAD, Fails(2, "connection refused")),
    Case("bob", "root", "orders", &[], Fails(12, "not found")),
    Case("bob", "root", "vault", APP, Fails(12, "not found")),
    Case("bob", "leaf", "leaf-app", APP, Session("app ")),
    Case("bob", "leaf", "leaf-orders", &[], Fails(12, "not found")),
    Case(
        "carol",
        "root",
        "orders",
        &[],
        Session("carol owner,reader,teleport-auto-user"),
    ),
    Case("carol", "root", "vault", DEAD, Fails(11, "second factor")),
    Case("carol", "root", "app", APP, Fails(14, "app")),
    Case(
        "carol",
        "root",
        "scratch",
        &["--db-name", "postgres"],
        Fails(14, "scratch"),
    ),
    Case(
        "carol",
        "leaf",
        "leaf-orders",
        &[],
        Session("remote-carol-root owner,reader,teleport-auto-user"),
    ),
    Case("carol", "leaf", "leaf-app", APP, Fails(12, "not found")),
];

/// Every command of one user on this way: login, the lists, every database, and a cancel on root and leaf.
pub(super) fn everything(way: &Way<'_>, user: &str) {
    way.log_in(user);
    lists(way, user);
    for Case(who, cluster, database, flags, end) in CASES {
        if *who != user {
            continue;
        }
        let mut args = vec![*database];
        if *cluster != "root" {
            args.extend(["--cluster", cluster]);
        }
        args.extend(*flags);
        explained(way, user, &args, end);
        let out = way.connect(user, &args, WHO);
        match end {
            Session(row) => assert_eq!(out.ok().trim_end_matches('\n'), *row, "{user} {args:?}"),
            Fails(code, text) => {
                assert_eq!(out.code, *code, "{user} {args:?}: {out}");
                assert!(out.stderr.contains(text), "{user} {args:?}: {out}");
            }
        }
    }
    for (cluster, args) in cancellable(user) {
        cancels(way, user, cluster, args);
    }
}

/// `db why` says beforehand what comes of it; a database that nobody answers for is still allowed.
fn explained(way: &Way<'_>, user: &str, args: &[&str], end: &End) {
    let mut all = vec!["db", "why"];
    all.extend(args);
    let out = way.run(user, &all);
    let wanted = match end {
        Session(_) | Fails(2, _) => 0,
        Fails(code, _) => *code,
    };
    assert_eq!(out.code, wanted, "{user} {args:?}: {out}");
}

/// `db ls` in its forms, of root and leaf: each shows every database with a session above, and none that is not found.
fn lists(way: &Way<'_>, user: &str) {
    for cluster in ["root", "leaf"] {
        let place = ["--cluster", cluster];
        let text = |flags: &[&str]| {
            let mut args = vec!["db", "ls"];
            args.extend(place);
            args.extend(flags);
            way.run(user, &args)
        };
        let json = text(&["--format", "json"]).json();
        let names: Vec<&str> = json
            .as_array()
            .expect("a list")
            .iter()
            .map(|row| row["metadata"]["name"].as_str().expect("a name"))
            .collect();
        let verbose = text(&["-v"]).ok();
        assert_eq!(
            text(&["--format", "names"])
                .ok()
                .lines()
                .collect::<Vec<_>>(),
            names
        );
        for Case(who, at, database, _, end) in CASES {
            if *who != user || *at != cluster {
                continue;
            }
            let hidden = matches!(end, Fails(12, _));
            assert_eq!(names.contains(database), !hidden, "{user}: {names:?}");
            let row = verbose
                .lines()
                .find(|line| line.split_whitespace().next() == Some(database));
            assert_eq!(row.is_some(), !hidden, "{user}: {verbose}");
            if let (Session(who), true) = (end, database.ends_with("orders")) {
                let (name, _) = who.split_once(' ').expect("two words");
                let cell = format!("[{name}] (Auto-provisioned)");
                assert!(row.expect("a row").contains(&cell), "{verbose}");
            }
        }
    }
}

/// Where each user can run a long query.
fn cancellable(user: &str) -> [(&'static str, &'static [&'static str]); 2] {
    const LEAF_APP: &[&str] = &[
        "leaf-app",
        "--cluster",
        "leaf",
        "--db-user",
        "app",
        "--db-name",
        "app",
    ];
    const ROOT_APP: &[&str] = &["app", "--db-user", "app", "--db-name", "app"];
    if user == "bob" {
        [("root", ROOT_APP), ("leaf", LEAF_APP)]
    } else {
        [
            ("root", &["orders"]),
            ("leaf", &["leaf-orders", "--cluster", "leaf"]),
        ]
    }
}

/// Ctrl+C ends the query at the server, not only its client.
fn cancels(way: &Way<'_>, user: &str, server: &str, args: &[&str]) {
    // The marker is this process', user's and way's own; the pair may serve others.
    let marker = format!("{}{user}{}", std::process::id(), way.name());
    let sql = format!("select pg_sleep(61), '{marker}'");
    let mut all = vec!["db", "connect"];
    all.extend(args);
    all.extend(["--", "-X", "-c", &sql]);
    let like = format!(
        "select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like 'select \
         pg_sleep(61), ''{marker}''%'"
    );
    let running = || way.live.sql(server, &like) == "1";
    let child = wait_for("a session of the user", Duration::from_secs(90), || {
        let mut child = way
            .postern(user, &all)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("postern starts");
        let started = wait_for(
            "the query to run, or the program to end",
            Duration::from_secs(60),
            || {
                if running() {
                    return Some(true);
                }
                child
                    .try_wait()
                    .expect("a child")
                    .is_some()
                    .then_some(false)
            },
        );
        // Another session of the same user was in the way; anything else fails in the next attempt as well.
        started.then_some(child)
    });
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("a signal");
    wait_for("the query to end", Duration::from_secs(30), || {
        (!running()).then_some(())
    });
    let out = Ran::end_of(child);
    assert!(
        out.stderr
            .contains("canceling statement due to user request"),
        "{user} on {server}: {out}"
    );
}

#[test]
fn alice_on_every_database() {
    let Some(way) = plain() else { return };
    everything(way, "alice");
}

#[test]
fn bob_on_every_database() {
    let Some(way) = plain() else { return };
    everything(way, "bob");
}

#[test]
fn carol_on_every_database() {
    let Some(way) = plain() else { return };
    everything(way, "carol");
}
