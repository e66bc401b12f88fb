//! Single sign-on of the embedded cluster by a real provider: npm's oidc-provider, with its own pages of login and consent.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::env::TestEnv;
use crate::common::oidc::World;
use crate::common::ran::Ran;
use crate::common::wait_for;

const WHO: &str =
    "select current_user, pg_has_role('reader', 'member'), pg_has_role('writer', 'member')";

/// Somebody in the group that the role is given to.
fn dba(email: &str, db_roles: &[&str]) -> Value {
    json!({"email": email, "email_verified": true, "groups": ["staff", "dba"], "db_roles": db_roles, "level": 7})
}

fn connect(env: &TestEnv, args: &[&str]) -> Ran {
    let sql = ["--", "-X", "-q", "-A", "-t", "-c", WHO];
    env.run(&[&["db", "connect"], args, &sql].concat())
}

/// The last event of a login by this user, or of one that failed for this reason.
fn event(world: &World, found: impl Fn(&Value) -> bool) -> Value {
    wait_for("the event", Duration::from_secs(30), || {
        let log = std::fs::read_to_string(world.demo.dir.join("audit.jsonl")).unwrap_or_default();
        let events = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events
            .filter(|event| event["event"] == "user.login" && found(event))
            .last()
    })
}

#[test]
fn claims_become_database_roles_and_change_with_the_next_login() {
    let Some(world) = World::shared() else { return };
    let env = TestEnv::beside(world.demo);
    world.account("kim", dba("kim@corp.test", &["reader"]));
    // Nobody names the connector: it is the cluster's default.
    let login = world.begin(&env, &[]);
    let page = world.browser().log_in(&login.link(), "kim");
    assert!(
        page.url.path() == "/web/msg/info/login_success"
            && page.status == 200
            && page.body.contains("Logged in"),
        "{page:?}"
    );
    let ran = login.end();
    assert!(
        ran.code == 0
            && ran.stderr.contains("Log in to root with Corp rs")
            && ran.stderr.contains("Logged in to root as kim@corp.test"),
        "{ran}"
    );
    let status = env.run(&["status", "--format", "json"]).json();
    assert_eq!(status["user"], "kim@corp.test");
    assert_eq!(status["roles"], json!(["by-claims"]));
    assert_eq!(connect(&env, &["orders"]).ok().trim(), "kim@corp.test|t|f");
    assert_eq!(
        connect(&env, &["orders", "--db-roles", "reader"])
            .ok()
            .trim(),
        "kim@corp.test|t|f"
    );
    let refused = connect(&env, &["orders", "--db-roles", "writer"]).fails(14);
    assert!(
        refused.contains("writer") && refused.contains("reader"),
        "{refused}"
    );
    // Who asks the cluster itself is refused as well, whatever the client thinks.
    let event = event(world, |event| event["user"] == "kim@corp.test");
    assert_eq!(
        (&event["code"], &event["method"], &event["success"]),
        (&json!("T1001I"), &json!("oidc"), &json!(true))
    );
    assert_eq!(event["attributes"]["db_roles"], json!(["reader"]));
    assert_eq!(event["attributes"]["email"], json!(["kim@corp.test"]));
    assert_eq!(
        event["attributes"]["level"],
        Value::Null,
        "a number is no trait"
    );

    // The next login brings what the provider says then; the former certificate keeps what it says.
    world.account("kim", dba("kim@corp.test", &["writer"]));
    assert_eq!(connect(&env, &["orders"]).ok().trim(), "kim@corp.test|t|f");
    let again = world.login(&env, "kim", &["--force"]);
    assert_eq!(again.code, 0, "{again}");
    assert_eq!(connect(&env, &["orders"]).ok().trim(), "kim@corp.test|f|t");
    let refused = connect(&env, &["orders", "--db-roles", "reader"]).fails(14);
    assert!(refused.contains("writer"), "{refused}");
}

#[test]
fn claims_reach_the_roles_of_a_leaf() {
    let Some(world) = World::shared() else { return };
    let env = TestEnv::beside(world.demo);
    world.account("lea", dba("lea@corp.test", &["writer"]));
    let ran = world.login(&env, "lea", &["--auth", "corp"]);
    assert_eq!(ran.code, 0, "{ran}");
    let leaf = ["--cluster", "leaf", "leaf-orders"];
    assert_eq!(
        connect(&env, &leaf).ok().trim(),
        "remote-lea@corp.test-root|f|t"
    );
    let refused = connect(&env, &[&leaf[..], &["--db-roles", "reader"]].concat()).fails(14);
    assert!(refused.contains("writer"), "{refused}");
}

#[test]
fn every_kind_of_signature_logs_in() {
    let Some(world) = World::shared() else { return };
    for (connector, shown) in [
        ("corp", "Corp rs"),
        ("corp-es", "Corp es"),
        ("corp-ed", "Corp ed"),
    ] {
        let env = TestEnv::beside(world.demo);
        let name = format!("{connector}@corp.test");
        world.account(connector, dba(&name, &["reader"]));
        let ran = world.login(&env, connector, &["--auth", connector]);
        assert!(ran.code == 0 && ran.stderr.contains(shown), "{ran}");
        let status = env.run(&["status", "--format", "json"]).json();
        assert_eq!(status["user"], name);
    }
}

#[test]
fn whoever_gets_no_certificate_is_told_why() {
    let Some(world) = World::shared() else { return };
    let refused = |account: &str, wanted: &str| {
        let env = TestEnv::beside(world.demo);
        let login = world.begin(&env, &["--auth", "corp"]);
        let page = world.browser().log_in(&login.link(), account);
        assert_eq!(page.url.path(), "/web/msg/error/login", "{page:?}");
        let stderr = login.end().fails(1);
        assert!(
            stderr.contains("the single sign-on was refused") && stderr.contains(wanted),
            "{stderr}"
        );
        assert!(env.run(&["status"]).fails(10).contains("not logged in"));
    };
    world.account(
        "ned",
        json!({"email": "ned@corp.test", "groups": ["staff"], "db_roles": ["writer"]}),
    );
    refused("ned", "unable to map claims to role for connector: corp");
    world.account(
        "mail",
        json!({"email": "m@corp.test", "email_verified": false, "groups": ["dba"]}),
    );
    refused("mail", "email not verified by provider");
    world.account(
        "team",
        json!({"email": "t@corp.test", "groups": ["team-nosuch"]}),
    );
    refused("team", "role nosuch is not found");
    world.account("anon", json!({"groups": ["dba"]}));
    refused("anon", "sends no claim \"email\"");
    // A user of the cluster's own is nobody that the provider could vouch for.
    world.account("false-alice", dba("alice", &["writer"]));
    refused(
        "false-alice",
        "local user \"alice\" already exists and is not an OIDC user",
    );
    let failed = event(world, |event| {
        event["error"]
            .as_str()
            .is_some_and(|e| e.contains("\"alice\" already"))
    });
    assert_eq!(
        (&failed["code"], &failed["success"], &failed["method"]),
        (&json!("T1001W"), &json!(false), &json!("oidc"))
    );
    assert_eq!(failed["user"], Value::Null);

    // A lock counts before there is a user to lock.
    let cluster = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_postern-cluster"));
        Ran::of(command.args(args).arg("--dir").arg(&world.demo.dir))
    };
    cluster(&[
        "locks",
        "add",
        "--user",
        "lou@corp.test",
        "--message",
        "on leave",
    ])
    .ok();
    world.account("lou", dba("lou@corp.test", &["reader"]));
    refused(
        "lou",
        "lock targeting User:\"lou@corp.test\" is in force: on leave",
    );

    // Who says no at the provider.
    let env = TestEnv::beside(world.demo);
    let (login, browser) = (world.begin(&env, &["--auth", "corp"]), world.browser());
    let page = browser.to_login(&login.link());
    let _ = browser.give_up(&page);
    let stderr = login.end().fails(1);
    assert!(
        stderr.contains("OIDC provider returned error: End-User aborted interaction"),
        "{stderr}"
    );
}

#[test]
fn a_user_of_a_login_is_listed_locked_out_and_removed() {
    let Some(world) = World::shared() else { return };
    let env = TestEnv::beside(world.demo);
    world.account("tom", dba("tom@corp.test", &["reader"]));
    assert_eq!(world.login(&env, "tom", &["--auth", "corp"]).code, 0);
    let cluster = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_postern-cluster"));
        Ran::of(command.args(args).arg("--dir").arg(&world.demo.dir))
    };
    let users = cluster(&["users", "ls", "--format", "json"]).json();
    let users = users.as_array().expect("a list");
    let tom = users
        .iter()
        .find(|user| user["name"] == "tom@corp.test")
        .expect("the user");
    assert_eq!(
        (&tom["roles"], &tom["password"]),
        (&json!(["by-claims"]), &json!(false))
    );
    assert_eq!(tom["traits"]["db_roles"], json!(["reader"]));
    let source = tom["source"].as_str().expect("text");
    assert!(source.starts_with("corp until 2"), "{source}");
    // The name is taken for as long.
    let taken = cluster(&["users", "add", "tom@corp.test", "--roles", "plain"]);
    assert!(
        taken
            .fails(1)
            .contains("is logged in through the connector \"corp\" until")
    );
    // No password is anybody's.
    let stderr = env.run_with_input(
        &[
            "login",
            "--force",
            "--auth",
            "local",
            "--user",
            "tom@corp.test",
            "--password-stdin",
        ],
        "x\n",
    );
    assert!(stderr.fails(1).contains("invalid credentials"));
    assert_eq!(connect(&env, &["orders"]).ok().trim(), "tom@corp.test|t|f");
    cluster(&["users", "rm", "tom@corp.test"]).ok();
    let gone = connect(&env, &["orders"]);
    assert_ne!(gone.code, 0, "{gone}");
    assert_ne!(
        env.run(&["db", "ls"]).code,
        0,
        "the certificate is of no use any more"
    );
}

#[test]
fn an_answer_of_the_provider_counts_once() {
    let Some(world) = World::shared() else { return };
    let env = TestEnv::beside(world.demo);
    world.account("rae", dba("rae@corp.test", &["reader"]));
    let (login, browser) = (world.begin(&env, &["--auth", "corp"]), world.browser());
    let _ = browser.log_in(&login.link(), "rae");
    assert_eq!(login.end().code, 0);
    let answer = browser
        .visited("/v1/webapi/oidc/callback?")
        .expect("the way back");
    for again in [
        answer.clone(),
        answer.replace("state=", "state=0"),
        answer.replace("/v1", ""),
    ] {
        let page = browser.open(&again);
        assert!(
            page.url.path() == "/web/msg/error/login/callback"
                && page.body.contains("not known here"),
            "{page:?}"
        );
    }
    // The code of one login in another, which the provider does not redeem twice.
    let env = TestEnv::beside(world.demo);
    let login = world.begin(&env, &["--auth", "corp"]);
    let other = world.browser();
    let _ = other.to_login(&login.link());
    let asked: reqwest::Url = other
        .visited("/auth?")
        .expect("the way there")
        .parse()
        .expect("an address");
    let state = asked
        .query_pairs()
        .find(|(name, _)| name == "state")
        .expect("a state")
        .1
        .into_owned();
    let used: reqwest::Url = answer.parse().expect("an address");
    let mut forged = used.clone();
    let pairs = used.query_pairs().map(|(name, value)| match name.as_ref() {
        "state" => (name.into_owned(), state.clone()),
        _ => (name.into_owned(), value.into_owned()),
    });
    forged.query_pairs_mut().clear().extend_pairs(pairs);
    let _ = other.open(forged.as_str());
    let stderr = login.end().fails(1);
    assert!(
        stderr.contains("the identity provider refuses at")
            && stderr.contains("/token: HTTP 400, invalid_grant"),
        "{stderr}"
    );
}

#[test]
fn a_provider_that_is_not_there_is_named() {
    let Some(world) = World::shared() else { return };
    let env = TestEnv::beside(world.demo);
    let stderr = world.begin(&env, &["--auth", "gone"]).end().fails(1);
    assert!(
        stderr.contains("Failed to login.")
            && stderr.contains("the identity provider does not answer at https://localhost:1/.well-known/openid-configuration"),
        "{stderr}"
    );
    let log = std::fs::read_to_string(world.demo.dir.join("stderr.txt")).expect("a log");
    assert!(
        log.contains("a single sign-on does not begin: the identity provider does not answer"),
        "{log}"
    );
    let stderr = world.begin(&env, &["--auth", "nosuch"]).end().fails(1);
    assert!(
        stderr.contains(
            "invalid connector name: nosuch; valid options: corp, corp-ed, corp-es, gone"
        ),
        "{stderr}"
    );
}

#[test]
fn logins_side_by_side_have_nothing_in_common() {
    let Some(world) = World::shared() else { return };
    let people = [
        ("ann", "ann@corp.test", "reader"),
        ("ben", "ben@corp.test", "writer"),
    ];
    let begun = people.map(|(account, email, role)| {
        world.account(account, dba(email, &[role]));
        let env = TestEnv::beside(world.demo);
        let login = world.begin(&env, &["--auth", "corp"]);
        let browser = world.browser();
        let page = browser.to_login(&login.link());
        (env, login, browser, page)
    });
    // Who began last is back first.
    for ((env, login, browser, page), (account, email, _)) in begun.into_iter().zip(people).rev() {
        let _ = browser.fill_in(&page, account);
        let ran = login.end();
        assert!(
            ran.code == 0 && ran.stderr.contains(&format!("as {email}")),
            "{ran}"
        );
        let status = env.run(&["status", "--format", "json"]).json();
        assert_eq!(status["user"], email);
    }
}

#[test]
fn an_expired_login_is_renewed_through_its_connector() {
    let Some(world) = World::shared() else { return };
    let env = TestEnv::beside(world.demo);
    world.account("ria", dba("ria@corp.test", &["reader"]));
    assert_eq!(world.login(&env, "ria", &["--auth", "corp-es"]).code, 0);
    env.expire();
    let mut command = env.postern(&["db", "ls"]);
    command.env("POSTERN_LOGIN_BROWSER", "none");
    let mut tty = env.terminal(command);
    let (_, link) = tty
        .exp_regex("http://127\\.0\\.0\\.1:[0-9]+/[0-9a-f-]+")
        .expect("an address");
    let _ = world.browser().log_in(&link, "ria");
    tty.exp_string("orders").expect("the list");
    tty.exp_eof().expect("an end");
    let status = env.run(&["status", "--format", "json"]).json();
    assert_eq!(status["user"], "ria@corp.test");
}
