//! Whoever comes from tsh types what they always typed: flags, short forms, variables, formats.

use serde_json::Value;

use crate::common::env::TestEnv;
use crate::common::tunnel::Tunnel;

/// Standard output of tsh as recorded.
pub(crate) fn recorded(name: &str) -> String {
    let path = format!(
        "{}/tests/data/tsh-cli/{name}.txt",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let out = text.split_once("--- stdout\n").expect("an output").1;
    out.split("--- stderr").next().expect("its end").to_owned()
}

/// The keys of every object in a value, with their places.
fn keys(value: &Value, at: &str, out: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let at = format!("{at}.{key}");
                keys(value, &at, out);
                out.insert(at);
            }
        }
        Value::Array(list) => list.iter().for_each(|v| keys(v, &format!("{at}[]"), out)),
        _ => {}
    }
}

#[test]
fn flags_stand_where_tsh_lets_them_stand_and_the_last_one_counts() {
    let env = TestEnv::logged_in("alice");
    let want = env
        .run(&["db", "ls", "--search", "orders", "--format", "json"])
        .ok();
    assert!(want.contains("\"name\": \"orders\""), "{want}");
    let proxy = env.demo.proxy();
    for args in [
        &["db", "ls", "--search=orders", "-f", "json"][..],
        &["-f", "json", "db", "ls", "--search=orders"],
        &["db", "-fjson", "-c", "root", "ls", "--search=orders"],
        &[
            "--proxy",
            &proxy,
            "--user=alice",
            "db",
            "ls",
            "--search=orders",
            "-f=json",
        ],
        &[
            "--proxy",
            &format!("https://{proxy},3023"),
            "db",
            "ls",
            "--search=orders",
            "-fjson",
        ],
        &[
            "db",
            "ls",
            "-f",
            "text",
            "--search=orders",
            "--format",
            "json",
        ],
        &[
            "db",
            "ls",
            "-v",
            "--no-verbose",
            "--skip-version-check",
            "--mfa-mode=otp",
            "--search=orders",
            "-fjson",
        ],
        &[
            "db",
            "ls",
            "-l",
            "root",
            "--mlock=off",
            "-k",
            "no",
            "--search=orders",
            "-fjson",
        ],
    ] {
        assert_eq!(env.run(args).ok(), want, "{args:?}");
    }
}

#[test]
fn the_short_forms_of_a_target_mean_the_same() {
    let env = TestEnv::logged_in("alice");
    let sql = [
        "--",
        "-X",
        "-A",
        "-t",
        "-c",
        "select current_user, current_database()",
    ];
    let short = [
        "db",
        "connect",
        "--tunnel",
        "--disable-access-request",
        "app",
        "-u",
        "app",
        "-n",
        "app",
    ];
    assert_eq!(env.run(&[&short[..], &sql].concat()).ok(), "app|app\n");
    let long = ["db", "connect", "app", "--db-user=app", "--db-name=app"];
    assert_eq!(env.run(&[&long[..], &sql].concat()).ok(), "app|app\n");
    let _guard = crate::common::exclusive("alice");
    let tunnel = Tunnel::open(
        &env,
        &[
            "--tunnel", "-c", "root", "-p", "0", "-r", "reader", "orders",
        ],
    );
    assert_eq!(tunnel.ready["db_roles"], serde_json::json!(["reader"]));
}

#[test]
fn flags_without_meaning_say_so_once_and_spoil_nothing() {
    let env = TestEnv::logged_in("alice");
    let ran = env.run(&[
        "version",
        "--login",
        "root",
        "--jumphost=x",
        "--enable-escape-sequences",
    ]);
    assert_eq!(
        ran.stderr,
        "note: --login does nothing here: it is about ssh\n\
         note: --enable-escape-sequences does nothing here: it is about ssh\n\
         note: --jumphost does nothing here: it is about ssh\n"
    );
    assert_eq!(ran.stdout, env.run(&["version"]).ok());
    let err = env.run(&["db", "ls", "--mfa-mode", "platform"]).fails(2);
    assert!(err.contains("postern can do one-time codes"), "{err}");
}

#[test]
fn teleports_variables_are_taken_after_ours() {
    let env = TestEnv::logged_in("alice");
    let run = |variables: &[(&str, &str)], args: &[&str]| {
        let mut command = env.postern(args);
        command.envs(variables.iter().copied());
        crate::common::ran::Ran::of(&mut command)
    };
    let proxy = env.demo.proxy();
    let out = run(
        &[("TELEPORT_PROXY", &proxy), ("TELEPORT_USER", "alice")],
        &["db", "ls"],
    );
    assert!(out.ok().contains("orders"));
    // Another proxy, user and cluster.
    let elsewhere = run(
        &[("TELEPORT_PROXY", "elsewhere.example:443")],
        &["db", "ls"],
    );
    assert!(
        elsewhere
            .fails(10)
            .contains("not logged in to elsewhere.example:443")
    );
    let bob = run(&[("TELEPORT_USER", "bob")], &["db", "ls"]).fails(10);
    assert!(
        bob.contains("as bob, but as alice") && bob.contains("--user bob"),
        "{bob}"
    );
    let leaf = run(&[("TELEPORT_CLUSTER", "nowhere")], &["db", "ls"]).fails(12);
    assert!(leaf.contains("nowhere"), "{leaf}");
    let site = run(
        &[("TELEPORT_SITE", "nowhere")],
        &["db", "ls", "--cluster=root"],
    );
    assert!(site.ok().contains("orders"));
    let ours = run(
        &[("TELEPORT_CLUSTER", "nowhere"), ("POSTERN_CLUSTER", "root")],
        &["db", "ls"],
    );
    assert!(ours.ok().contains("orders"));
    // A second factor that only tsh can do is no reason to fail.
    let mode = run(&[("TELEPORT_MFA_MODE", "platform")], &["db", "ls"]);
    assert!(mode.ok().contains("orders"));
}

#[test]
fn yaml_has_the_keys_and_the_order_of_tsh() {
    let env = TestEnv::logged_in("alice");
    let yaml = env.run(&["db", "ls", "--format", "yaml"]).ok();
    let ours: Value = serde_saphyr::from_str(&yaml).expect("YAML");
    assert_eq!(ours, env.run(&["db", "ls", "--format", "json"]).json());
    let theirs: Value = serde_saphyr::from_str(&recorded("db-ls-yaml")).expect("YAML");
    let (mut a, mut b) = Default::default();
    keys(&ours[0], "", &mut a);
    keys(&theirs[0], "", &mut b);
    // Labels are the databases' own; tsh leaves the namespace out, of which there is only one.
    a.retain(|key| !key.starts_with(".metadata.labels.") && key != ".metadata.namespace");
    b.retain(|key| !key.starts_with(".metadata.labels."));
    assert_eq!(a, b);
    assert!(
        yaml.starts_with("- kind: db\n  metadata:\n    description: "),
        "{yaml}"
    );
    let none = env
        .run(&["db", "ls", "--search", "nothing-here", "-f", "yaml"])
        .ok();
    assert_eq!(
        none.trim_end(),
        recorded("db-ls-search-none-yaml").trim_end()
    );
    for args in [&["status"][..], &["clusters"], &["version"]] {
        let yaml = env.run(&[args, &["-f", "yaml"]].concat()).ok();
        let json = env.run(&[args, &["-f", "json"]].concat()).json();
        assert_eq!(
            serde_saphyr::from_str::<Value>(&yaml).expect("YAML"),
            json,
            "{args:?}"
        );
    }
    // An error is JSON, which is YAML as well.
    let error = env
        .run(&["db", "connect", "nowhere", "-f", "yaml"])
        .json_error(12);
    assert_eq!(error["kind"], "not_found");
}

#[test]
fn commands_of_tsh_that_are_missing_are_named_with_what_to_use() {
    let env = TestEnv::new();
    for (args, hint) in [
        (&["ssh", "root@host", "-v"][..], "tsh ssh"),
        (&["-d", "kube", "ls"], "tsh kube"),
        (&["request", "ls"], "tsh request"),
        (&["proxy", "app", "x"], "tsh proxy app"),
        (
            &["db", "exec", "select 1", "--dbs", "a"],
            "postern db connect NAME -- -c",
        ),
    ] {
        let err = env.run(args).fails(2);
        assert!(err.contains(hint), "{args:?}: {err}");
        assert_eq!(err.lines().count(), 2, "{args:?}: {err}");
    }
}

#[test]
fn debug_tells_where_settings_come_from() {
    let env = TestEnv::new();
    let mut command = env.postern(&["-d", "db", "ls", "--cluster", "leaf"]);
    command.env("TELEPORT_PROXY", "p.example:443");
    let err = crate::common::ran::Ran::of(&mut command).fails(10);
    for line in [
        "debug: proxy = p.example:443 (environment)",
        "debug: cluster = leaf (typed)",
        "debug: it failed at: this computer; exit code 10",
    ] {
        assert!(err.lines().any(|l| l == line), "{line}: {err}");
    }
}

#[test]
fn what_only_tshs_login_does_says_what_to_use() {
    let env = TestEnv::new();
    for (args, hint) in [
        (&["login", "-o", "identity"][..], "tctl auth sign"),
        (
            &["login", "--request-roles", "dba"],
            "postern login --from-tsh",
        ),
        (&["login", "--request-id=x"], "postern login --from-tsh"),
    ] {
        let err = env.run(args).fails(2);
        assert!(err.contains(hint), "{args:?}: {err}");
    }
    // The root cluster by its name, as many type it, and a leaf.
    let ran = env.login_with("alice", &["root", "--request-roles=no", "-v"]);
    assert!(!ran.stderr.contains("warning"), "{ran}");
    let _ = ran.ok();
    let ran = env.run(&["login", "leaf"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("export POSTERN_CLUSTER=leaf"), "{ran}");
}

#[test]
fn the_variables_of_env_are_those_of_tsh() {
    let env = TestEnv::logged_in("alice");
    let with = |text: &str| text.replace("proxy.root.test:3080", &env.demo.proxy());
    assert_eq!(env.run(&["env"]).ok(), with(&recorded("env")));
    let theirs: Value = serde_json::from_str(&with(&recorded("env-json"))).expect("JSON");
    assert_eq!(env.run(&["env", "-f", "json"]).json(), theirs);
    let unset = env.run(&["env", "--unset"]).ok();
    assert_eq!(unset, "unset TELEPORT_PROXY\nunset TELEPORT_CLUSTER\n");
    env.expire();
    let err = env.run(&["env"]).fails(10);
    assert!(err.contains("has expired"), "{err}");
}
