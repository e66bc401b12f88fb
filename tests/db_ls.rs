//! `postern db ls`: what is listed, for whom, in which form.

use crate::common::env::TestEnv;

#[test]
fn verbose_shows_users_and_roles() {
    let env = TestEnv::logged_in("alice");
    let text = env.run(&["db", "ls", "-v"]).ok();
    let orders = text
        .lines()
        .find(|l| l.contains("orders"))
        .unwrap_or_else(|| panic!("{text}"));
    assert!(orders.contains("[alice] (Auto-provisioned)"), "{text}");
    assert!(
        orders.contains("[reader writer]") || orders.contains("reader, writer"),
        "{text}"
    );
    let app = text.lines().find(|l| l.contains("app")).expect("app");
    assert!(
        app.contains("[app postgres]") && !app.contains("Auto-provisioned"),
        "{text}"
    );
    assert!(
        !text.contains("secret"),
        "a denied database is listed: {text}"
    );
}

#[test]
fn json_has_tshs_places() {
    let env = TestEnv::logged_in("alice");
    let list = env.run(&["db", "ls", "--format", "json"]).json();
    let orders = list
        .as_array()
        .expect("a list")
        .iter()
        .find(|d| d["metadata"]["name"] == "orders")
        .expect("orders");
    assert_eq!(orders["users"]["allowed"], serde_json::json!(["alice"]));
    assert_eq!(
        orders["database_roles"],
        serde_json::json!(["reader", "writer"])
    );
    assert_eq!(orders["kind"], "db");
}

#[test]
fn names_search_query_labels() {
    let env = TestEnv::logged_in("alice");
    let names = |args: &[&str]| {
        let mut all = vec!["db", "ls", "--format", "names"];
        all.extend(args);
        env.run(&all)
            .ok()
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert!(names(&[]).contains(&"orders".to_owned()));
    assert_eq!(names(&["--search", "orders"]), ["orders"]);
    assert_eq!(
        names(&["--query", "labels[\"mode\"] == \"keep\""]),
        ["orders"]
    );
    assert_eq!(names(&["mode=keep"]), ["orders"]);
    assert!(names(&["--search", "nothing-like-this"]).is_empty());
}

#[test]
fn bad_query_says_what_is_wrong_with_it() {
    let env = TestEnv::logged_in("alice");
    let stderr = env.run(&["db", "ls", "--query", "labels["]).fails(2);
    assert!(stderr.contains("--query"), "{stderr}");
}

#[test]
fn each_user_sees_their_own() {
    let env = TestEnv::logged_in("bob");
    let names = env.run(&["db", "ls", "--format", "names"]).ok();
    assert!(names.lines().all(|n| n != "orders"), "{names}");
    assert!(names.lines().any(|n| n == "app"), "{names}");
}

#[test]
fn not_logged_in_is_exit_10() {
    let env = TestEnv::new();
    let error = env.run(&["db", "ls", "--format", "json"]).json_error(10);
    assert_eq!(error["code"], 10, "{error}");
    assert!(
        error["hint"]
            .as_str()
            .expect("a hint")
            .contains("postern login"),
        "{error}"
    );
}

#[test]
fn unknown_cluster_names_the_known() {
    let env = TestEnv::logged_in("alice");
    let stderr = env.run(&["db", "ls", "--cluster", "nowhere"]).fails(12);
    assert!(
        stderr.contains("nowhere") && stderr.contains("root"),
        "{stderr}"
    );
}

#[test]
fn a_pipe_never_cuts() {
    let env = TestEnv::logged_in("alice");
    let mut command = env.postern(&["db", "ls", "-v"]);
    command.env("COLUMNS", "40");
    let text = String::from_utf8(command.output().expect("it runs").stdout).expect("text");
    assert!(text.contains("[alice] (Auto-provisioned)"), "{text}");
    assert!(!text.contains("..."), "{text}");
}
