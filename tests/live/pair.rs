//! postern against real clusters: what the embedded one can only imitate.

#![expect(clippy::print_stderr, reason = "a measured time is said, not hidden")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::lab::plain;
use super::matrix::WHO;
use crate::common::ran::Ran;
use crate::common::wait_for;

#[test]
fn status_names_user_cluster_and_expiry() {
    let Some(way) = plain() else { return };
    let status = way.run("alice", &["status", "--format", "json"]).json();
    assert_eq!(status["user"], "alice", "{status}");
    assert_eq!(status["cluster"], "root", "{status}");
}

#[test]
fn wrong_password_gives_the_servers_text() {
    let Some(way) = plain() else { return };
    let stderr = way.login("bob", "wrong", "000000").fails(1);
    assert!(stderr.contains("invalid credentials"), "{stderr}");
}

#[test]
fn list_shows_users_and_roles() {
    let Some(way) = plain() else { return };
    let list = way.run("alice", &["db", "ls", "--format", "json"]).json();
    let find = |name: &str| {
        list.as_array()
            .expect("a list")
            .iter()
            .find(|d| d["metadata"]["name"] == name)
            .unwrap_or_else(|| panic!("no {name}"))
    };
    assert_eq!(
        find("orders")["users"]["allowed"],
        serde_json::json!(["alice"])
    );
    assert_eq!(
        find("orders")["database_roles"],
        serde_json::json!(["reader", "writer"])
    );
    assert_eq!(
        find("app")["users"]["allowed"],
        serde_json::json!(["app", "postgres"])
    );
    assert!(
        !list.to_string().contains("\"secret\""),
        "a denied database is listed"
    );
    let text = way.run("alice", &["db", "ls", "-v"]).ok();
    assert!(text.contains("[alice] (Auto-provisioned)"), "{text}");
    let leaf = way
        .run("alice", &["db", "ls", "-v", "--cluster", "leaf"])
        .ok();
    assert!(
        leaf.contains("[remote-alice-root] (Auto-provisioned)"),
        "{leaf}"
    );
}

#[test]
fn automatic_user_keeps_and_drops() {
    let Some(way) = plain() else { return };
    assert_eq!(
        way.row("alice", &["scratch"], WHO),
        "alice reader,teleport-auto-user,writer"
    );
    wait_for("the dropped user", Duration::from_secs(10), || {
        (way.live.sql(
            "root",
            "select count(*) from pg_roles where rolname = 'alice' and rolcanlogin",
        ) == "0")
            .then_some(())
    });
}

#[test]
fn roles_are_taken_as_asked() {
    let Some(way) = plain() else { return };
    let who = wait_for(
        "no session with other roles",
        Duration::from_secs(20),
        || {
            let out = way.run(
                "alice",
                &[
                    "db",
                    "connect",
                    "orders",
                    "--db-roles",
                    "reader",
                    "--",
                    "-X",
                    "-A",
                    "-t",
                    "-c",
                    WHO,
                ],
            );
            // Teleport refuses other roles while another session of the same user is there; the other tests use the same user.
            (!out.stderr.contains("has changed")).then(|| out.ok())
        },
    );
    assert_eq!(who.trim(), "alice reader,teleport-auto-user");
}

#[test]
fn shared_account_and_database_name() {
    let Some(way) = plain() else { return };
    let out = way.row(
        "alice",
        &["app", "--db-user", "app", "--db-name", "app"],
        "select current_user || ' ' || current_database()",
    );
    assert_eq!(out, "app app");
}

#[test]
fn leaf_user_is_mapped() {
    let Some(way) = plain() else { return };
    let who = way.row("alice", &["leaf-orders", "--cluster", "leaf"], WHO);
    assert_eq!(who, "remote-alice-root reader,teleport-auto-user,writer");
}

#[test]
fn wrong_user_on_the_leaf_is_explained() {
    let Some(way) = plain() else { return };
    let stderr = way
        .run(
            "alice",
            &[
                "db",
                "connect",
                "leaf-orders",
                "--cluster",
                "leaf",
                "--db-user",
                "alice",
            ],
        )
        .fails(14);
    assert!(
        stderr.contains("use your mapped remote username \"remote-alice-root\""),
        "{stderr}"
    );
}

#[test]
fn refused_role_is_named_before_a_certificate_is_asked_for() {
    let Some(way) = plain() else { return };
    let stderr = way
        .run("alice", &["db", "connect", "orders", "--db-roles", "owner"])
        .fails(14);
    assert!(
        stderr.contains("owner") && stderr.contains("reader") && stderr.contains("writer"),
        "{stderr}"
    );
}

#[test]
fn dead_upstream_names_the_hop() {
    let Some(way) = plain() else { return };
    let out = way.run(
        "alice",
        &[
            "db",
            "connect",
            "dead",
            "--db-user",
            "app",
            "--db-name",
            "postgres",
            "--",
            "-X",
            "-c",
            "select 1",
        ],
    );
    let stderr = out.fails(2);
    assert!(
        stderr.contains("connection refused") && stderr.contains("dead"),
        "{stderr}"
    );
}

#[test]
fn second_factor_database_is_refused_with_its_own_code() {
    let Some(way) = plain() else { return };
    let stderr = way
        .run(
            "carol",
            &[
                "db",
                "connect",
                "vault",
                "--db-user",
                "app",
                "--db-name",
                "postgres",
            ],
        )
        .fails(11);
    assert!(stderr.contains("second factor"), "{stderr}");
}

#[test]
fn unknown_cluster_and_database_name_the_known() {
    let Some(way) = plain() else { return };
    let stderr = way
        .run("alice", &["db", "ls", "--cluster", "leef"])
        .fails(12);
    assert!(stderr.contains("leaf"), "{stderr}");
    let stderr = way.run("alice", &["db", "connect", "ordres"]).fails(12);
    assert!(stderr.contains("orders"), "{stderr}");
}

#[test]
fn interrupt_cancels_the_query_on_root_and_leaf() {
    let Some(way) = plain() else { return };
    for (server, args) in [
        ("root", &["orders"][..]),
        ("leaf", &["leaf-orders", "--cluster", "leaf"][..]),
    ] {
        let sql = format!("select pg_sleep(61), '{server}'");
        let mut all = vec!["db", "connect"];
        all.extend(args);
        all.extend(["--", "-X", "-c", &sql]);
        let child = way
            .postern("alice", &all)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("postern starts");
        let like = format!(
            "select count(*) from pg_stat_activity where state = 'active' and query like 'select pg_sleep(61), ''{server}%'"
        );
        wait_for("the query to run", Duration::from_secs(30), || {
            (way.live.sql(server, &like) == "1").then_some(())
        });
        let start = Instant::now();
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("a signal");
        wait_for("the query to end", Duration::from_secs(1), || {
            (way.live.sql(server, &like) == "0").then_some(())
        });
        let took = start.elapsed();
        let out: Ran = child.wait_with_output().expect("postern ends").into();
        assert!(
            out.stderr
                .contains("canceling statement due to user request"),
            "{out}"
        );
        eprintln!(
            "{server}: the query was gone {} ms after the interrupt",
            took.as_millis()
        );
    }
}

#[test]
fn tunnel_serves_any_program() {
    let Some(way) = plain() else { return };
    let mut child = way
        .postern("alice", &["proxy", "db", "orders", "--format", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(child.stdout.take().expect("a pipe")),
        &mut line,
    )
    .expect("a line");
    let ready: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(ready["db_user"], "alice");
    let out = Command::new("psql")
        .args([
            "-X",
            "-A",
            "-t",
            "-w",
            "-h",
            ready["host"].as_str().expect("host"),
            "-p",
            &ready["port"].to_string(),
        ])
        .args(["-U", "alice", "-d", "postgres", "-c", "select current_user"])
        .output()
        .expect("psql runs");
    let out: Ran = out.into();
    assert_eq!(out.ok().trim(), "alice");
    let wrong: Ran = Command::new("psql")
        .args([
            "-X",
            "-w",
            "-h",
            "127.0.0.1",
            "-p",
            &ready["port"].to_string(),
            "-U",
            "mallory",
            "-d",
            "postgres",
            "-c",
            "select 1",
        ])
        .output()
        .expect("psql runs")
        .into();
    let stderr = wrong.fails(2);
    assert!(
        stderr.contains(
            "please use your Teleport username (\"alice\") to connect instead of \"mallory\""
        ),
        "{stderr}"
    );
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&child),
        rustix::process::Signal::TERM,
    )
    .expect("a signal");
    let status = child.wait().expect("it ends");
    assert!(status.code().is_some(), "{status}");
}
