//! `postern db why`: the decision with its reasons, equal to what `db connect` does.

use serde_json::{Value, json};

use crate::common::demo::Demo;
use crate::common::env::TestEnv;

fn leafy(user: &str) -> TestEnv {
    let env = TestEnv::beside(Demo::with_leaf());
    env.login(user);
    env
}

fn why(env: &TestEnv, args: &[&str], code: i32) -> Value {
    let mut all = vec!["db", "why", "--format", "json"];
    all.extend(args);
    let out = env.run(&all);
    assert_eq!(out.code, code, "{out}");
    serde_json::from_str(&out.stdout).unwrap_or_else(|e| panic!("{e}: {out}"))
}

fn role<'v>(answer: &'v Value, name: &str) -> &'v Value {
    let roles = answer["roles"].as_array().expect("roles");
    (roles.iter().find(|role| role["role"] == name))
        .unwrap_or_else(|| panic!("no {name}: {answer}"))
}

#[test]
fn an_automatic_user_with_roles_from_traits() {
    let env = leafy("alice");
    let answer = why(&env, &["orders"], 0);
    assert_eq!(answer["verdict"], "allowed");
    assert_eq!(answer["user"]["value"], "alice");
    assert_eq!(answer["automatic"], true);
    assert_eq!(answer["mode"], "keep");
    assert_eq!(
        answer["database_roles"]["value"],
        json!(["reader", "writer"])
    );
    let keep = role(&answer, "auto-keep");
    assert_eq!(keep["effect"], "allows");
    assert_eq!(keep["allow"]["labels"][0]["value"], "keep");
    assert_eq!(keep["allow"]["labels"][0]["matched_by"], "keep");
    let from_trait = (keep["allow"]["db_roles"].as_array().expect("a list").iter())
        .find(|entry| entry["values"] == json!(["writer"]))
        .expect("writer");
    assert_eq!(from_trait["traits"], json!(["db_roles"]));
    assert_eq!(role(&answer, "plain")["effect"], "no_match");

    let text = env.run(&["db", "why", "orders"]).ok();
    assert!(text.starts_with("orders: allowed\n"), "{text}");
    assert!(text.contains("your trait db_roles"), "{text}");
    assert!(text.contains("wants mode=plain, here mode=keep"), "{text}");
}

#[test]
fn what_is_refused_and_what_would_work() {
    let env = leafy("alice");
    let answer = why(&env, &["app", "--db-user", "mallory"], 14);
    assert_eq!(answer["verdict"], "denied");
    assert_eq!(answer["allowed"]["users"], json!(["app", "postgres"]));
    let plain = role(&answer, "plain");
    assert_eq!(plain["effect"], "not_enough");
    assert!(
        plain["says"]
            .as_str()
            .expect("a sentence")
            .contains("does not list \"mallory\""),
        "{plain}"
    );
    let answer = why(&env, &["orders", "--db-roles", "owner"], 14);
    assert!(
        answer["reason"]
            .as_str()
            .expect("a reason")
            .starts_with("access to database role \"owner\" denied"),
        "{answer}"
    );
    assert_eq!(
        answer["hints"],
        json!(["allowed: --db-roles reader,writer"])
    );
    let answer = why(&env, &["app"], 0);
    assert_eq!(answer["verdict"], "choice");
    assert_eq!(answer["user"], Value::Null);
    let answer = why(&env, &["app", "--db-user", "app", "--db-name", "app"], 0);
    assert_eq!(answer["verdict"], "allowed");
    // carol's role for everything lists nothing, because she lacks the trait.
    let env = leafy("carol");
    let answer = why(&env, &["vault", "--db-user", "app", "--db-name", "x"], 11);
    assert_eq!(answer["verdict"], "second_factor");
    assert_eq!(role(&answer, "mfa-db")["second_factor"], true);
}

#[test]
fn a_database_that_is_hidden_or_missing() {
    let env = leafy("alice");
    let answer = why(&env, &["secret"], 12);
    assert_eq!(answer["verdict"], "not_found");
    let denied = role(&answer, "denied");
    assert!(
        denied["says"]
            .as_str()
            .expect("a sentence")
            .contains("hides those with secret=yes"),
        "{denied}"
    );
    assert_eq!(why(&env, &["ordrs"], 12)["nearest"], json!(["orders"]));
    assert_eq!(why(&env, &["leaf-app"], 12)["elsewhere"], json!(["leaf"]));
    let out = env.run(&["db", "why", "secret"]);
    assert_eq!(out.code, 12, "{out}");
    assert!(out.stdout.contains("Hides databases with"), "{out}");
    let out = env.run(&["db", "why", "x", "--cluster", "leef"]);
    assert!(out.stderr.contains("did you mean --cluster leaf?"), "{out}");
    assert_eq!(out.code, 12, "{out}");
}

#[test]
fn the_name_in_a_leaf_and_its_reason() {
    let env = leafy("alice");
    let answer = why(&env, &["leaf-orders", "--cluster", "leaf"], 0);
    assert_eq!(answer["username"], "remote-alice-root");
    assert_eq!(answer["user"]["value"], "remote-alice-root");
    let reason = answer["username_why"].as_str().expect("a reason");
    assert!(reason.contains("remote-<user>-<cluster>"), "{reason}");
    let listed = env.run(&["db", "ls", "-v", "--cluster", "leaf"]);
    assert!(
        listed.stderr.contains("in leaf you are remote-alice-root"),
        "{listed}"
    );
    let mut tty = env.terminal(env.postern(&[
        "db",
        "connect",
        "leaf-orders",
        "--cluster",
        "leaf",
        "--",
        "-X",
        "-c",
        "select 1",
    ]));
    tty.exp_string("as user remote-alice-root (it is provisioned automatically, and a leaf cluster knows you as")
        .expect("the line before psql");
    tty.exp_eof().expect("an end");
}
