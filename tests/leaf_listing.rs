//! `postern db ls --all`, and databases that another cluster has: leaves that answer, refuse, hang or are gone.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::common::demo::Demo;
use crate::common::env::TestEnv;
use crate::common::leaves::{document, leaf, root, token, until};
use crate::common::ran::Ran;
use crate::common::wait_for;

#[test]
fn every_cluster_is_listed_beside_the_others_and_a_bad_leaf_costs_nobody_anything() {
    let root = root();
    let token = token(&root);
    let mut leaves: Vec<_> = ["able", "gone", "hung", "strict"]
        .into_iter()
        .map(|name| leaf(&root, name, &token))
        .collect();
    for leaf in &mut leaves {
        leaf.start();
    }
    let online = ["able", "gone", "hung", "strict"].map(|name| (name, "online"));
    until(&root, &online);
    leaves[3].document("root.yaml", &document(&root, &token, "nobody"));
    wait_for("nothing to be mapped", Duration::from_secs(60), || {
        let out = Ran::of(&mut root.client(&["db", "ls", "--cluster", "strict"]));
        out.stderr.contains("access denied").then_some(())
    });
    assert_eq!(leaves[1].end(Signal::KILL), None);
    wait_for(
        "the dead leaf to be offline",
        Duration::from_secs(60),
        || {
            root.log()
                .contains("the leaf cluster gone is offline")
                .then_some(())
        },
    );
    // It keeps its link, takes connections, and never answers.
    leaves[2].signal(Signal::STOP);

    let list = |args: &[&str]| {
        let mut all = vec!["db", "ls", "--all", "--timeout", "3"];
        all.extend(args);
        Ran::of(&mut root.client(&all))
    };
    let start = Instant::now();
    let out = list(&["--format", "json"]);
    // One deadline, however many leaves; generous for a busy machine.
    assert!(start.elapsed() < Duration::from_secs(20), "{out}");
    assert!(
        out.stderr.contains("cluster gone") && out.stderr.contains("cluster hung"),
        "{out}"
    );
    let rows = out.json();
    let facts: Vec<(String, Value, Value)> = (rows.as_array().expect("a list").iter())
        .map(|row| {
            (
                row["cluster"].as_str().expect("a name").to_owned(),
                row["database"]["metadata"]["name"].clone(),
                row["error"]["kind"].clone(),
            )
        })
        .collect();
    let row = |cluster: &str, name, kind| (cluster.to_owned(), name, kind);
    assert_eq!(
        facts,
        [
            row("able", json!("leaf-app"), Value::Null),
            row("gone", Value::Null, json!("unreachable")),
            row("hung", Value::Null, json!("unreachable")),
            row("root", json!("orders"), Value::Null),
            row("strict", Value::Null, json!("denied")),
        ]
    );
    let text = list(&["-v"]);
    for told in [
        "cluster gone behind",
        "cluster hung behind",
        "did not answer within 3 s",
        "cluster strict behind",
        "access denied",
        "in able you are remote-alice-root",
    ] {
        assert!(text.stderr.contains(told), "{told}: {text}");
    }
    let table = text.ok();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(lines[0].starts_with("Proxy"), "{table}");
    assert!(
        lines[1].contains(" able ") && lines[1].contains(" leaf-app "),
        "{table}"
    );
    assert_eq!(
        list(&["--format", "names"])
            .ok()
            .lines()
            .collect::<Vec<_>>(),
        ["leaf-app", "orders"]
    );

    // A database that only a leaf has is proposed with its flag, whatever the other leaves do.
    let out = Ran::of(&mut root.client(&["db", "connect", "leaf-app"]));
    assert_eq!(out.code, 12, "{out}");
    assert!(
        out.stderr
            .contains("postern db connect --cluster able leaf-app"),
        "{out}"
    );
    assert!(out.stderr.contains("hung could not be asked"), "{out}");
    let out = Ran::of(&mut root.client(&["db", "why", "leaf-app", "--format", "json"]));
    assert_eq!(out.code, 12, "{out}");
    let answer: Value = serde_json::from_str(&out.stdout).expect("JSON");
    assert_eq!(answer["elsewhere"], json!(["able"]), "{out}");
    leaves[2].signal(Signal::CONT);
}

#[test]
fn when_no_cluster_answers_the_failure_is_its_own() {
    let mut root = root();
    assert_eq!(root.end(Signal::TERM), Some(0));
    let out = Ran::of(&mut root.client(&["db", "ls", "--all", "--timeout", "3"]));
    assert_eq!(out.code, 15, "{out}");
    assert_eq!(out.stdout, "");
}

#[test]
fn every_login_is_listed_and_an_expired_one_is_named() {
    let env = TestEnv::beside(Demo::with_leaf());
    env.login("alice");
    let proxy = env.demo.proxy();
    let other = TestEnv::new();
    // The same home, logged in at another proxy too.
    let mut input = other.demo.password("bob");
    input.push('\n');
    let _ = env
        .run_with_input(
            &[
                "login",
                "--proxy",
                &other.demo.proxy(),
                "--user",
                "bob",
                "--ca-file",
                &other.demo.ca_file(),
                "--key-store",
                "file",
                "--password-stdin",
            ],
            &input,
        )
        .ok();
    let rows = env.run(&["db", "ls", "-R", "--format", "json"]).json();
    let mut places: Vec<(String, String)> = (rows.as_array().expect("a list").iter())
        .map(|row| {
            let text = |key: &str| row[key].as_str().expect("a text").to_owned();
            (text("proxy"), text("cluster"))
        })
        .collect();
    assert!(places.is_sorted(), "{places:?}");
    places.dedup();
    let mut wanted = vec![
        (proxy.clone(), "leaf".to_owned()),
        (proxy.clone(), "root".to_owned()),
        (other.demo.proxy(), "root".to_owned()),
    ];
    wanted.sort();
    assert_eq!(places, wanted);

    // A login whose key is gone is named, and the others are listed.
    let profiles = env.postern_home().join("profiles");
    let file = (std::fs::read_dir(&profiles).expect("profiles"))
        .map(|entry| entry.expect("an entry").path())
        .find(|path| {
            let text = std::fs::read_to_string(path).expect("a profile");
            text.contains(&format!("\"proxy\": \"{proxy}\""))
        })
        .expect("alice's profile");
    std::fs::write(&file, "{").expect("a damaged profile");
    let out = env.run(&["db", "ls", "-R", "--format", "names"]);
    assert!(out.stderr.contains("is left out"), "{out}");
    assert!(out.ok().lines().any(|name| name == "app"));
}

#[test]
fn a_database_of_a_leaf_is_offered_on_a_terminal() {
    let env = TestEnv::beside(Demo::with_leaf());
    env.login("alice");
    let mut tty = env.terminal(env.postern(&[
        "db",
        "connect",
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
        "select 'user=' || current_user",
    ]));
    tty.exp_string("leaf-app in cluster leaf")
        .expect("a choice");
    tty.exp_string("Database [1-2]").expect("the prompt");
    tty.send_line("1").expect("the leaf");
    tty.exp_string("user=app").expect("a session on the leaf");
    tty.exp_eof().expect("an end");

    let stderr = env.run(&["db", "proxy", "leaf-app"]).fails(12);
    assert!(
        stderr.contains("postern db proxy --cluster leaf leaf-app"),
        "{stderr}"
    );
    // From the leaf, what the root has is found as well.
    let stderr = env
        .run(&["db", "connect", "orders", "--cluster", "leaf"])
        .fails(12);
    assert!(
        stderr.contains("postern db connect --cluster root orders"),
        "{stderr}"
    );
    let stderr = env.run(&["db", "connect", "nowhere"]).fails(12);
    assert!(!stderr.contains("--cluster leaf"), "{stderr}");
}
