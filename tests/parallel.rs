//! Many commands at once on one profile, logins that replace it among them: all succeed, and no file is lost or damaged.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::common::env::TestEnv;
use crate::common::ran::Ran;

/// How often the commands are started together.
const ROUNDS: usize = 50;

/// File names in a directory, sorted; those of half-written files too.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .expect("a directory")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect();
    names.sort();
    names
}

/// The profile is whole, its key is there and is the only one, and nothing half written is left.
fn assert_whole(home: &Path, round: usize) {
    let profiles = names(&home.join("profiles"));
    assert_eq!(profiles.len(), 1, "round {round}: {profiles:?}");
    let text = std::fs::read(home.join("profiles").join(&profiles[0])).expect("the profile");
    let profile: Value = serde_json::from_slice(&text).expect("a whole profile");
    let key = profile["key"]["name"].as_str().expect("a key in a file");
    assert_eq!(names(&home.join("keys")), [key], "round {round}");
    let current = std::fs::read_to_string(home.join("current")).expect("the pointer");
    assert_eq!(current.trim(), profiles[0], "round {round}");
    let strays: Vec<String> = names(home)
        .into_iter()
        .filter(|name| name.starts_with(".new-"))
        .collect();
    assert_eq!(strays, [""; 0], "round {round}");
}

#[test]
fn eight_commands_at_once_on_one_profile_all_succeed_fifty_times() {
    let env = TestEnv::logged_in("alice");
    let password = format!("{}\n", env.demo.password("alice"));
    let (proxy, ca) = (env.demo.proxy(), env.demo.ca_file());
    let login = [
        "login",
        "--proxy",
        &proxy,
        "--user",
        "alice",
        "--ca-file",
        &ca,
        "--key-store",
        "file",
        "--password-stdin",
    ];
    let force = [&login[..], &["--force"]].concat();
    let sql = [
        "db",
        "connect",
        "orders",
        "--",
        "-XAtc",
        "select current_user",
    ];
    let commands: [(&[&str], &str); 8] = [
        (&force, ""),
        (&force, ""),
        (&login, ""),
        (&["status"], "alice"),
        (&["db", "ls", "--format", "names"], "orders"),
        (&["db", "ls", "--format", "json"], "\"orders\""),
        (&["clusters"], "root"),
        (&sql, "alice"),
    ];
    for round in 0..ROUNDS {
        let started: Vec<_> = commands
            .iter()
            .map(|(args, _)| {
                let mut input = tempfile::tempfile().expect("a file");
                std::io::Write::write_all(&mut input, password.as_bytes()).expect("a write");
                std::io::Seek::rewind(&mut input).expect("a file");
                env.postern(args)
                    .stdin(input)
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .expect("postern starts")
            })
            .collect();
        for (child, (args, shows)) in started.into_iter().zip(&commands) {
            let out = Ran::end_of(child);
            assert_eq!(out.code, 0, "round {round}: {args:?}: {out}");
            assert!(out.stdout.contains(shows), "round {round}: {args:?}: {out}");
        }
        assert_whole(&env.postern_home(), round);
    }
}
