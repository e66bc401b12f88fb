//! `postern db ping`: every step has its time, and a failure its step and hop.

use serde_json::Value;

use crate::common::env::TestEnv;

/// The steps of a round straight to the proxy, in the order in which they come.
const STEPS: [&str; 7] = [
    "tcp",
    "tls",
    "authentication",
    "certificate",
    "connection",
    "handshake",
    "first_row",
];

fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = object
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

fn sorted<const N: usize>(steps: [&str; N], dns: bool) -> Vec<&str> {
    let mut all = steps.to_vec();
    all.extend(dns.then_some("dns"));
    all.push("total");
    all.sort_unstable();
    all
}

/// Whether the demo's proxy has a name that must be looked up.
fn named(env: &TestEnv) -> bool {
    let proxy = env.demo.proxy();
    let host = proxy.rsplit_once(':').expect("host:port").0;
    host.trim_matches(['[', ']'])
        .parse::<std::net::IpAddr>()
        .is_err()
}

#[test]
fn each_step_has_a_time_and_their_sum_is_the_total() {
    let env = TestEnv::logged_in("alice");
    let _guard = crate::common::exclusive("alice");
    let before = env.postern_home().join("certs");
    let all = env
        .run(&["db", "ping", "orders", "--count", "4", "-f", "json"])
        .json();
    assert_eq!(all["database"], "orders");
    assert_eq!(all["db_user"], "alice");
    assert_eq!(
        (&all["kept"], &all["failed"]),
        (&false.into(), &Value::Null)
    );
    let rounds = all["rounds"].as_array().expect("a list");
    assert_eq!(rounds.len(), 4);
    let steps = sorted(STEPS, named(&env));
    for round in rounds {
        assert_eq!(keys(round), steps, "{round}");
        let time = |key: &str| round[key].as_f64().expect("a time");
        let sum: f64 = steps
            .iter()
            .filter(|key| **key != "total")
            .map(|key| time(key))
            .sum();
        assert!((sum - time("total")).abs() < 0.02, "{round}");
        assert!(steps.iter().all(|key| time(key) > 0.0), "{round}");
    }
    let summary = &all["summary"];
    assert_eq!(keys(summary), steps);
    for key in &steps {
        let mut times: Vec<f64> = rounds
            .iter()
            .map(|r| r[key].as_f64().expect("a time"))
            .collect();
        times.sort_by(f64::total_cmp);
        assert_eq!(summary[key]["min"], times[0], "{key}");
        assert_eq!(summary[key]["max"], times[3], "{key}");
        let median = summary[key]["median"].as_f64().expect("a time");
        assert!(
            (median - f64::midpoint(times[1], times[2])).abs() < 0.001,
            "{key}"
        );
    }
    // What was issued for measuring is not kept.
    assert!(!before.exists(), "{}", before.display());
}

#[test]
fn with_the_kept_certificate_nobody_is_asked_for_another() {
    let env = TestEnv::logged_in("bob");
    let app = ["app", "--db-user=app", "--db-name=app"];
    let mut args = vec!["db", "ping", "--kept", "-f", "json"];
    args.extend(app);
    let all = env.run(&args).json();
    assert_eq!(all["kept"], true);
    let steps = sorted(["tcp", "tls", "handshake", "first_row"], named(&env));
    let rounds = all["rounds"].as_array().expect("a list");
    assert_eq!(rounds.len(), 3);
    assert!(rounds.iter().all(|round| keys(round) == steps), "{all}");

    let mut args = vec!["db", "ping", "--count=1"];
    args.extend(app);
    let table = env.run(&args);
    let text = table.stdout.as_str();
    for line in [
        "Step",
        "TCP",
        "TLS",
        "Authentication",
        "Certificate",
        "Database",
        "First row",
        "Total",
    ] {
        assert!(text.lines().any(|l| l.starts_with(line)), "{line}: {table}");
    }
    assert!(!text.contains("Median"), "{table}");
    assert!(table.stderr.contains("app in cluster"), "{table}");
}

#[test]
fn a_failure_names_its_step_and_hop_behind_the_steps_before() {
    let env = TestEnv::logged_in("alice");
    let failed = |args: &[&str], code: i32| {
        let mut all = vec!["db", "ping", "-f", "json"];
        all.extend(args);
        let out = env.run(&all);
        assert_eq!(out.code, code, "{out}");
        let shown: Value = serde_json::from_str(&out.stdout).expect("one object");
        let error: Value = serde_json::from_str(&out.stderr).expect("one object");
        assert_eq!(shown["failed"]["hop"], error["hop"], "{out}");
        assert_eq!(shown["failed"]["message"], error["message"], "{out}");
        assert_eq!(shown["failed"]["round"], 1, "{out}");
        shown["failed"].clone()
    };
    let before = |failed: &Value, step: &str| {
        let position = STEPS.iter().position(|s| *s == step).expect("a step");
        let steps = &STEPS[..position];
        for step in steps {
            assert!(failed["before"][step].is_number(), "{step}: {failed}");
        }
        let dns = usize::from(named(&env));
        assert_eq!(keys(&failed["before"]).len(), steps.len() + dns, "{failed}");
    };
    // The database behind a running service is not there.
    let dead = failed(&["dead", "--db-user=app", "--db-name=app"], 15);
    assert_eq!(
        (&dead["step"], &dead["hop"]),
        (&"handshake".into(), &"database dead".into())
    );
    before(&dead, "handshake");
    // Roles do not allow it.
    let denied = failed(&["orders", "--db-roles=owner"], 14);
    assert_eq!(denied["step"], "authentication");
    before(&denied, "authentication");
    // No such database name on a server that is there.
    let nowhere = failed(&["orders", "--db-name=nowhere"], 1);
    assert_eq!(nowhere["step"], "handshake");
}

#[test]
fn a_proxy_that_is_gone_ends_it_at_the_first_steps() {
    let env = TestEnv::logged_in("alice");
    // The login stays, the port goes: another home's profile that leads to a closed one.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port");
    let profile = std::fs::read_dir(env.postern_home().join("profiles"))
        .expect("profiles")
        .map(|entry| entry.expect("an entry").path())
        .next()
        .expect("a profile");
    let moved = |proxy: &str| {
        let text = std::fs::read_to_string(&profile).expect("a profile");
        let mut json: Value = serde_json::from_str(&text).expect("JSON");
        json["proxy"] = proxy.into();
        std::fs::write(&profile, json.to_string()).expect("written");
        let out = env.run(&["db", "ping", "orders", "-f", "json"]);
        assert_eq!(out.code, 15, "{out}");
        let shown: Value = serde_json::from_str(&out.stdout).expect("one object");
        shown["failed"].clone()
    };
    let refused = moved(&closed.to_string());
    assert_eq!(refused["step"], "tcp", "{refused}");
    assert_eq!(refused["hop"], format!("proxy {closed}"));
    assert_eq!(refused["before"], serde_json::json!({}));
    let unknown = moved("no-such-host.invalid:443");
    assert_eq!(unknown["step"], "dns", "{unknown}");

    // Somebody else answers there.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let other = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for mut connection in listener.incoming().map_while(Result::ok) {
            let _ = connection.read(&mut [0; 512]);
            let _ = connection.write_all(b"SSH-2.0-other\r\n");
        }
    });
    let tls = moved(&other.to_string());
    assert_eq!(tls["step"], "tls", "{tls}");
    assert!(tls["before"]["tcp"].is_number(), "{tls}");
}
