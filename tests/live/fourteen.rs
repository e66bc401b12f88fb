//! The other end of the versions: postern against a real pair of Teleport 14.0.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::lab::{live14, plain14};
use super::matrix::everything;
use super::tsh::Tsh;
use super::way::Way;
use crate::common::ran::Ran;

#[test]
fn alice_on_every_database_of_14() {
    let Some(way) = plain14() else { return };
    everything(way, "alice");
}

#[test]
fn bob_on_every_database_of_14() {
    let Some(way) = plain14() else { return };
    everything(way, "bob");
}

#[test]
fn carol_on_every_database_of_14() {
    let Some(way) = plain14() else { return };
    everything(way, "carol");
}

#[test]
fn a_login_to_14_says_once_what_will_not_work() {
    let Some(live) = live14() else { return };
    // Nobody by this name is there, so that no code is used and nobody is locked out; the warning comes before.
    let loud = Way::plain(live);
    let stderr = loud.login("nobody-here", "wrong", "000000").fails(1);
    assert_eq!(stderr.matches("older than 14.1.3").count(), 1, "{stderr}");
    for missing in ["Redshift", "--db-roles", "mapped user"] {
        assert!(stderr.contains(missing), "{stderr}");
    }
    let mut quiet = Way::plain(live);
    quiet.flags.push("--skip-version-check".to_owned());
    let stderr = quiet.login("nobody-here", "wrong", "000000").fails(1);
    assert!(!stderr.contains("older than"), "{stderr}");
    let Some(way) = plain14() else { return };
    let listed = way.run("alice", &["db", "ls"]);
    assert!(!listed.stderr.contains("older than"), "{listed}");
}

#[test]
fn leaf_clusters_of_14_are_listed() {
    let Some(way) = plain14() else { return };
    let clusters = way.run("alice", &["clusters", "--format", "json"]).json();
    let found: Vec<(&str, &str)> = clusters
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| {
            let text = |key: &str| row[key].as_str().expect("text");
            (text("cluster_name"), text("status"))
        })
        .collect();
    assert_eq!(found, [("root", "online"), ("leaf", "online")]);
}

#[test]
fn roles_that_14_would_drop_are_no_reason_to_grant_all() {
    let Some(way) = plain14() else { return };
    // On the leaf it is the database service alone that would drop them.
    for (cluster, database) in [("root", "orders"), ("leaf", "leaf-orders")] {
        let connect = ["db", "connect", "--cluster", cluster, database];
        let stderr = way
            .run("alice", &[&connect[..], &["--db-roles", "reader"]].concat())
            .fails(1);
        assert!(
            stderr.contains("served by Teleport 14.0.0-dev")
                && stderr.contains("would grant all your database roles")
                && stderr.contains("14.3.1"),
            "{stderr}"
        );
    }
}

#[test]
fn a_tunnel_to_14_serves_any_program() {
    let Some(way) = plain14() else { return };
    let args = [
        "proxy",
        "db",
        "app",
        "--db-user",
        "app",
        "--db-name",
        "app",
        "--format",
        "json",
    ];
    let mut child = way
        .postern("bob", &args)
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("a pipe");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).expect("a line");
    let ready: Value = serde_json::from_str(&line).expect("JSON");
    let mut psql = Command::new("psql");
    psql.args(["-X", "-A", "-t", "-w", "-U", "app", "-d", "app"])
        .args(["-h", ready["host"].as_str().expect("host")])
        .args(["-p", &ready["port"].to_string()])
        .args(["-c", "select current_user"]);
    assert_eq!(Ran::of(&mut psql).ok().trim(), "app");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
    assert!(child.wait().expect("it ends").code().is_some());
}

/// The files that tsh up to 16 leaves: one key for everything, `<user>-x509.pem` (credentials.md 3.7).
#[test]
fn a_login_of_tsh_14_is_used_as_it_is() {
    let Some(live) = live14() else { return };
    let bin = std::env::var_os("TELEPORT14_BIN").expect("set, or there would be no pair");
    let text = |key: &str| live.env[key].as_str().expect("text");
    let tsh = Tsh::of_directory(Path::new(&bin), text("proxy"), text("ca_file"));
    tsh.log_in_with_code("carol", text("password"), || live.code("carol"));
    let theirs = tsh.home().join("tsh");
    let way = Way::to(live, "of-tsh-14", text("proxy"));
    let mut command = way.postern("carol", &["db", "ls", "--format", "names"]);
    command.env("TELEPORT_HOME", &theirs);
    command.env("SSL_CERT_FILE", text("ca_file"));
    let listed = Ran::of(&mut command).ok();
    assert!(listed.lines().any(|name| name == "orders"), "{listed}");
}
