//! Databases of a leaf cluster, through the root's one port: listed, connected, tunnelled, cancelled.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::common::demo::Demo;
use crate::common::env::TestEnv;
use crate::common::ran::Ran;
use crate::common::tunnel::Tunnel;
use crate::common::{exclusive, wait_for};

const USER: &str = "remote-alice-root";

fn logged_in(user: &str) -> TestEnv {
    let env = TestEnv::beside(Demo::with_leaf());
    env.login(user);
    env
}

/// How many queries with this marker the leaf's PostgreSQL is running.
fn running(demo: &Demo, marker: &str) -> u32 {
    let sql = format!(
        "select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like '%''{marker}''%'"
    );
    demo.sql_on_leaf(&sql).parse().expect("a number")
}

#[test]
fn clusters_and_databases_are_listed() {
    let env = logged_in("alice");
    let clusters: Value =
        serde_json::from_str(&env.run(&["clusters", "--format", "json"]).ok()).expect("JSON");
    assert_eq!(clusters[1]["cluster_name"], "leaf");
    assert_eq!(clusters[1]["status"], "online");
    let names = |args: &[&str]| -> Vec<String> {
        let rows: Value = serde_json::from_str(&env.run(args).ok()).expect("JSON");
        let rows = rows.as_array().expect("a list");
        let name = |row: &Value| row["metadata"]["name"].as_str().expect("a name").to_owned();
        rows.iter().map(name).collect()
    };
    assert_eq!(
        names(&["db", "ls", "--cluster", "leaf", "--format", "json"]),
        ["leaf-app", "leaf-orders"]
    );
    assert_eq!(
        names(&["db", "ls", "--format", "json"]),
        ["app", "dead", "orders", "scratch"]
    );
    let table = env.run(&["db", "ls", "-v", "--cluster", "leaf"]).ok();
    assert!(
        table.contains("[remote-alice-root] (Auto-provisioned)")
            && table.contains("[reader writer]"),
        "{table}"
    );
    let stderr = env.run(&["db", "ls", "--cluster", "nosuch"]).fails(12);
    assert!(stderr.contains("known are: root, leaf"), "{stderr}");
}

#[test]
fn the_user_arrives_under_its_mapped_name_and_leaves_no_trace() {
    let env = logged_in("alice");
    let _guard = exclusive(USER);
    let connect = |roles: &[&str]| {
        let mut args = vec!["db", "connect", "--cluster", "leaf", "leaf-orders"];
        args.extend(roles);
        args.extend([
            "--", "-X", "-A", "-t", "-c",
            "select current_user, pg_has_role('reader', 'member'), pg_has_role('writer', 'member'), (select count(*) from t)",
        ]);
        env.run(&args).ok()
    };
    assert_eq!(connect(&[]).trim(), "remote-alice-root|t|t|1000");
    wait_for("the user to be locked", Duration::from_secs(10), || {
        (env.demo.role_on_leaf(USER) == "nologin|teleport-auto-user").then_some(())
    });
    // The trait db_roles of the root's user reaches the roles of the leaf.
    assert_eq!(
        connect(&["--db-roles", "writer"]).trim(),
        "remote-alice-root|f|t|1000"
    );
    let shared = env.run(&[
        "db",
        "connect",
        "--cluster",
        "leaf",
        "leaf-app",
        "--db-user",
        "app",
        "--db-name",
        "app",
        "--",
        "-X",
        "-A",
        "-t",
        "-c",
        "select current_user || '@' || current_database()",
    ]);
    assert_eq!(shared.ok().trim(), "app@app");
    assert_eq!(
        env.demo.role("remote-alice-root"),
        "",
        "nothing on the root's server"
    );
}

#[test]
fn another_user_is_told_the_mapped_name() {
    let env = logged_in("alice");
    let args = [
        "db",
        "connect",
        "--cluster",
        "leaf",
        "leaf-orders",
        "--db-user",
        "alice",
    ];
    let stderr = env.run(&args).fails(14);
    assert!(
        stderr.contains("use your mapped remote username \"remote-alice-root\""),
        "{stderr}"
    );
    let tunnel = Tunnel::open(&env, &["leaf-orders", "--cluster", "leaf"]);
    assert_eq!(tunnel.ready["cluster"], "leaf");
    assert_eq!(tunnel.ready["db_user"], USER);
    let stderr = tunnel.psql("alice", "select 1").fails(2);
    assert!(
        stderr.contains(
            "please use your mapped remote username (\"remote-alice-root\") to connect instead of \"alice\""
        ),
        "{stderr}"
    );
    assert!(stderr.contains("HINT"), "{stderr}");
}

#[test]
fn a_tunnel_carries_sessions_side_by_side_and_much_data() {
    let env = logged_in("alice");
    let _guard = exclusive(USER);
    let tunnel = Tunnel::open(
        &env,
        &["leaf-orders", "--cluster", "leaf", "--db-roles", "reader"],
    );
    std::thread::scope(|scope| {
        let sessions: Vec<_> = (0..10)
            .map(|i| {
                let tunnel = &tunnel;
                scope.spawn(move || {
                    let sql = format!("select {i} || current_user || pg_sleep(0.2)");
                    tunnel.psql(USER, &sql).ok()
                })
            })
            .collect();
        for (i, session) in sessions.into_iter().enumerate() {
            assert_eq!(
                session.join().expect("no panic").trim(),
                format!("{i}{USER}")
            );
        }
    });
    // More than a stream may have on the way at once, both ways.
    let many = tunnel
        .psql(
            USER,
            "select repeat('x', 1000) from generate_series(1, 20000)",
        )
        .ok();
    assert_eq!(many.len(), 20_000 * 1001);
    let long = "x".repeat(100_000);
    let back = tunnel.psql(USER, &format!("select '{long}'")).ok();
    assert_eq!(back.trim(), long);
}

#[test]
fn ctrl_c_reaches_the_leaf() {
    let env = logged_in("alice");
    let _guard = exclusive(USER);
    let mut tty = env.terminal(env.postern(&[
        "db",
        "connect",
        "--cluster",
        "leaf",
        "leaf-orders",
        "--",
        "-X",
    ]));
    tty.exp_string("=>").expect("psql's prompt");
    for round in 0..3 {
        let marker = format!("leaftty{round}");
        tty.send_line(&format!("select pg_sleep(62), '{marker}';"))
            .expect("input");
        wait_for("the query to run", Duration::from_secs(10), || {
            (running(env.demo, &marker) == 1).then_some(())
        });
        tty.send_control('c').expect("ctrl-c");
        wait_for("the query to end", Duration::from_secs(2), || {
            (running(env.demo, &marker) == 0).then_some(())
        });
        tty.exp_string("canceling statement due to user request")
            .expect("psql's message");
        tty.exp_string("=>").expect("the prompt again");
    }
    tty.send_line("\\q").expect("input");
    tty.exp_eof().expect("the end");
}

#[test]
fn a_killed_client_leaves_neither_query_nor_user() {
    let env = logged_in("alice");
    let _guard = exclusive(USER);
    let mut child = env
        .postern(&[
            "db",
            "connect",
            "--cluster",
            "leaf",
            "leaf-orders",
            "--",
            "-X",
            "-c",
            "select pg_sleep(63), 'leafkill'",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    wait_for("the query to run", Duration::from_secs(10), || {
        (running(env.demo, "leafkill") == 1).then_some(())
    });
    kill_process(Pid::from_child(&child), Signal::KILL).expect("a signal");
    let _ = child.wait();
    wait_for("the query to end", Duration::from_secs(10), || {
        (running(env.demo, "leafkill") == 0).then_some(())
    });
    wait_for("the user to be locked", Duration::from_secs(10), || {
        (env.demo.role_on_leaf(USER) == "nologin|teleport-auto-user").then_some(())
    });
}

#[test]
fn who_has_no_role_there_sees_nothing() {
    // carol's roles are auto-keep, which is mapped, and two that are not.
    let env = logged_in("carol");
    let table = env
        .run(&["db", "ls", "--cluster", "leaf", "--format", "json"])
        .ok();
    let rows: Value = serde_json::from_str(&table).expect("JSON");
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    assert_eq!(rows[0]["metadata"]["name"], "leaf-orders");
    assert_eq!(
        rows[0]["users"],
        json!({"allowed": ["remote-carol-root"]}),
        "{}",
        rows[0]
    );
}

#[test]
fn the_audit_log_of_the_leaf_names_the_mapped_user() {
    let env = logged_in("alice");
    let _guard = exclusive(USER);
    let out: Ran = env.run(&[
        "db",
        "connect",
        "--cluster",
        "leaf",
        "leaf-orders",
        "--db-roles",
        "reader",
        "--",
        "-X",
        "-c",
        "select 'audited'",
    ]);
    out.ok();
    let events = |cluster: &str| -> Vec<Value> {
        let path = env.demo.dir.join(cluster).join("audit.jsonl");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    };
    let start = wait_for("the audit log", Duration::from_secs(10), || {
        let all = events("leaf");
        let query = all
            .iter()
            .find(|e| e["db_query"] == "select 'audited'")?
            .clone();
        all.into_iter()
            .find(|e| e["event"] == "db.session.start" && e["sid"] == query["sid"])
    });
    // Fields and values as a real leaf records them.
    assert_eq!(start["user"], USER);
    assert_eq!(start["user_cluster_name"], "root");
    assert_eq!(start["cluster_name"], "leaf");
    assert_eq!(start["user_kind"], 1);
    assert_eq!(start["db_user"], USER);
    assert_eq!(
        start["user_roles"].as_array().map(Vec::len),
        Some(2),
        "{start}"
    );
    let traits = start["user_traits"].as_object().expect("traits");
    assert_eq!(traits["db_roles"], json!(["writer"]));
    assert!(
        traits
            .values()
            .all(|v| v.as_array().is_some_and(|v| !v.is_empty())),
        "{start}"
    );
    assert!(
        events("").iter().all(|e| e["db_service"] != "leaf-orders"),
        "the root records nothing of it"
    );
}
