//! tsh: databases of a leaf cluster, through the root's port alone.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::tsh::Tsh;
use super::tsh_tunnel::Proxy;
use crate::common::demo::Demo;
use crate::common::ran::Ran;
use crate::common::{exclusive, wait_for};

const USER: &str = "remote-alice-root";
const WHO: &str = "select current_user || ':' || (select string_agg(r.rolname, ',' order by r.rolname) from \
                   pg_auth_members m join pg_roles r on r.oid = m.roleid where m.member = current_user::regrole);";

fn logged_in() -> Option<(Tsh, &'static Demo)> {
    let (tsh, demo) = Tsh::of(Demo::with_leaf)?;
    tsh.log_in("alice", &demo.password("alice"));
    Some((tsh, demo))
}

#[track_caller]
fn last(out: Ran) -> String {
    out.ok().lines().last().unwrap_or_default().to_owned()
}

fn running(demo: &Demo, marker: &str) -> bool {
    let sql = format!(
        "select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like '%''{marker}''%'"
    );
    demo.sql_on_leaf(&sql) == "1"
}

#[test]
fn clusters_and_their_databases_are_listed() {
    let Some((tsh, _)) = logged_in() else { return };
    let clusters: Value =
        serde_json::from_str(&tsh.run(&["clusters", "-f", "json"]).ok()).expect("JSON");
    let rows: Vec<_> = clusters
        .as_array()
        .expect("a list")
        .iter()
        .map(|c| {
            (
                c["cluster_name"].as_str(),
                c["status"].as_str(),
                c["cluster_type"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            (Some("root"), Some("online"), Some("root")),
            (Some("leaf"), Some("online"), Some("leaf"))
        ]
    );
    let listed = |args: &[&str]| -> Vec<String> {
        let rows: Value = serde_json::from_str(&tsh.run(args).ok()).expect("JSON");
        let name = |row: &Value| {
            let database = row.get("database").unwrap_or(row);
            let name = database["metadata"]["name"].as_str().expect("a name");
            match row["cluster"].as_str() {
                Some(cluster) => format!("{cluster}/{name}"),
                None => name.to_owned(),
            }
        };
        rows.as_array().expect("a list").iter().map(name).collect()
    };
    assert_eq!(
        listed(&["db", "ls", "-R", "-f", "json"]),
        [
            "leaf/leaf-app",
            "leaf/leaf-orders",
            "root/app",
            "root/dead",
            "root/orders",
            "root/scratch"
        ]
    );
    assert_eq!(
        listed(&["db", "ls", "--cluster", "leaf", "-f", "json"]),
        ["leaf-app", "leaf-orders"]
    );
    let table = tsh.run(&["db", "ls", "-v", "--cluster", "leaf"]).ok();
    assert!(
        table.contains("[remote-alice-root] (Auto-provisioned)"),
        "{table}"
    );
    assert!(table.contains("[reader writer]"), "{table}");
}

#[test]
fn the_user_arrives_under_its_mapped_name() {
    let Some((tsh, demo)) = logged_in() else {
        return;
    };
    let _guard = exclusive(USER);
    // In this order: tsh takes roles of the last time where it is not told others, and with a tunnel also where it is.
    for (more, roles) in [
        (&[][..], "reader,teleport-auto-user,writer"),
        (&["--tunnel"], "reader,teleport-auto-user,writer"),
        (&["--db-roles", "reader"], "reader,teleport-auto-user"),
        (
            &["--db-roles", "reader", "--tunnel"],
            "reader,teleport-auto-user",
        ),
    ] {
        let mut args = vec!["--cluster", "leaf", "leaf-orders", "--db-name", "postgres"];
        args.extend(more);
        assert_eq!(last(tsh.sql(&args, WHO)), format!("{USER}:{roles}"));
        wait_for("the user to be put away", Duration::from_secs(10), || {
            demo.role_on_leaf(USER).starts_with("nologin").then_some(())
        });
    }
    let app = [
        "--cluster",
        "leaf",
        "leaf-app",
        "--db-user",
        "app",
        "--db-name",
        "app",
    ];
    assert_eq!(last(tsh.sql(&app, "select current_user;")), "app");
    let wrong = [
        "--cluster",
        "leaf",
        "leaf-orders",
        "--db-user",
        "alice",
        "--db-name",
        "postgres",
    ];
    let out = tsh.sql(&wrong, "select 1;");
    assert!(
        out.stderr.contains(
            "please use your mapped remote username (\"remote-alice-root\") to connect instead of \"alice\""
        ),
        "{out}"
    );
}

#[test]
fn the_leaf_can_be_the_current_cluster() {
    let Some((tsh, _)) = logged_in() else { return };
    let _ = tsh.run(&["login", "leaf"]).ok();
    let status: Value =
        serde_json::from_str(&tsh.run(&["status", "-f", "json"]).ok()).expect("JSON");
    assert_eq!(status["active"]["cluster"], "leaf");
    let table = tsh.run(&["db", "ls"]).ok();
    assert!(
        table.contains("leaf-orders") && !table.contains("scratch"),
        "{table}"
    );
    let refused = tsh.refused(&["login", "nosuch"]);
    assert!(refused.contains("nosuch"), "{refused}");
}

#[test]
fn a_tunnel_carries_sessions_and_cancels() {
    let Some((tsh, demo)) = logged_in() else {
        return;
    };
    let _guard = exclusive(USER);
    let proxy = Proxy::start(
        &tsh,
        &[
            "--tunnel",
            "--cluster",
            "leaf",
            "leaf-orders",
            "--db-user",
            USER,
            "--db-name",
            "postgres",
        ],
    );
    let who = Ran::of(proxy.psql(USER, "").args(["-c", WHO]));
    assert_eq!(
        who.ok().trim(),
        "remote-alice-root:reader,teleport-auto-user,writer"
    );
    let query = proxy
        .psql(USER, "")
        .args(["-c", "select pg_sleep(60), 'tshleaf'"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("psql starts");
    wait_for("the query to run", Duration::from_secs(15), || {
        running(demo, "tshleaf").then_some(())
    });
    kill_process(Pid::from_child(&query), Signal::INT).expect("a signal");
    let out = Ran::end_of(query);
    assert!(
        out.stderr
            .contains("canceling statement due to user request"),
        "{out}"
    );
    assert!(!running(demo, "tshleaf"));
}

#[test]
fn ctrl_c_reaches_the_leaf() {
    let Some((tsh, demo)) = logged_in() else {
        return;
    };
    let _guard = exclusive(USER);
    let mut terminal = tsh.terminal(&[
        "db",
        "connect",
        "--cluster",
        "leaf",
        "leaf-orders",
        "--db-name",
        "postgres",
        "--tunnel",
    ]);
    terminal.exp_string("=>").expect("psql's prompt");
    terminal
        .send_line("select pg_sleep(60), 'tshleaftty';")
        .expect("input");
    wait_for("the query to run", Duration::from_secs(15), || {
        running(demo, "tshleaftty").then_some(())
    });
    terminal.send_control('c').expect("ctrl-c");
    terminal
        .exp_string("canceling statement due to user request")
        .expect("psql's message");
    wait_for("the query to end", Duration::from_secs(5), || {
        (!running(demo, "tshleaftty")).then_some(())
    });
    terminal.send_line("\\q").expect("input");
    terminal.exp_eof().expect("the end");
}
