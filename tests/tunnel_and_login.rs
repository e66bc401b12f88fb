//! A login that ends, goes or changes while a tunnel is open; and a login whose key is gone.

use std::time::Duration;

use postern::profile::Home;
use postern::profile::keys::{self, KeyLocation};

use rustix::process::{Pid, Signal, kill_process};

use crate::common::demo::Demo;
use crate::common::env::TestEnv;
use crate::common::tunnel::Tunnel;
use crate::common::wait_for;

const SHARED: [&str; 5] = ["app", "--db-user", "app", "--db-name", "app"];

#[test]
fn a_tunnel_renews_its_certificate_with_the_login_of_the_moment() {
    let env = TestEnv::new();
    // A login of one minute: its certificates are near their end from the first moment.
    let _ = env.login_with("bob", &["--ttl", "1m"]).ok();
    let tunnel = Tunnel::open(&env, &SHARED);
    let answer = || tunnel.psql("app", "select current_user");
    assert_eq!(answer().ok().trim(), "app");

    let _ = env.run(&["logout"]).ok();
    let stderr = answer().fails(2);
    for part in [
        "FATAL:  not logged in",
        "DETAIL:  failed at: this computer",
        &format!("postern login --proxy {}", env.demo.proxy()),
    ] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }

    let _ = env.login_with("alice", &[]).ok();
    let stderr = answer().fails(2);
    assert!(
        stderr.contains("this tunnel was opened by bob, but alice is logged in now"),
        "{stderr}"
    );

    // A new login of bob's heals it.
    let _ = env.login_with("bob", &["--ttl", "8h"]).ok();
    assert_eq!(answer().ok().trim(), "app");
    // What it has now is good for hours: no login is looked for.
    let _ = env.run(&["logout"]).ok();
    assert_eq!(answer().ok().trim(), "app");
}

#[test]
fn a_cluster_that_is_gone_is_named_with_hop_and_hint() {
    let demo: &'static Demo =
        Box::leak(Box::new(Demo::start(&["--no-leaf", "--no-second-factor"])));
    let env = TestEnv::beside(demo);
    let input = format!("{}\n", demo.password("bob"));
    let (proxy, ca) = (demo.proxy(), demo.ca_file());
    let args = [
        "login",
        "--proxy",
        &proxy,
        "--user",
        "bob",
        "--ca-file",
        &ca,
        "--key-store",
        "file",
        "--password-stdin",
    ];
    let _ = env.run_with_input(&args, &input).ok();
    let tunnel = Tunnel::open(&env, &SHARED);
    assert_eq!(tunnel.psql("app", "select 1").ok().trim(), "1");

    let mut cluster = demo.child.lock().expect("no panic");
    kill_process(Pid::from_child(&cluster), Signal::TERM).expect("a signal");
    wait_for("the end of the cluster", Duration::from_secs(20), || {
        cluster.try_wait().expect("a status")
    });
    let hop = format!("proxy {proxy}");
    let stderr = tunnel.psql("app", "select 1").fails(2);
    assert!(
        stderr.contains("FATAL:")
            && stderr.contains(&format!("DETAIL:  failed at: {hop}"))
            && stderr.contains("HINT:"),
        "{stderr}"
    );
    for args in [
        &["clusters"][..],
        &["db", "ls"],
        &["db", "connect", "app"],
        &["proxy", "db", "app"],
        &["login", "--force", "--password-stdin"],
    ] {
        let error = env
            .run(&[args, &["--format", "json"]].concat())
            .json_error(15);
        assert_eq!(error["hop"], hop.as_str(), "{args:?}: {error}");
        assert!(error["hint"].is_string(), "{args:?}: {error}");
    }
    // These need nobody.
    assert_eq!(env.run(&["status"]).code, 0);
    assert_eq!(env.run(&["logout"]).code, 0);
}

/// Every command that needs the key says the same.
fn says_that_the_key_is_gone(env: &TestEnv, place: &str) {
    for args in [
        &["status"][..],
        &["clusters"],
        &["db", "ls"],
        &["db", "connect", "orders"],
        &["proxy", "db", "orders"],
    ] {
        let stderr = env.run(args).fails(10);
        for part in [
            &format!(
                "the private key of the login to {} is gone from",
                env.demo.proxy()
            ),
            place,
            "postern login",
        ] {
            assert!(stderr.contains(part), "{args:?}: {part}: {stderr}");
        }
        let _ = env
            .run(&[args, &["--format", "json"]].concat())
            .json_error(10);
    }
}

/// Where the only profile says that its key is.
fn location(env: &TestEnv) -> KeyLocation {
    let profiles = std::fs::read_dir(env.postern_home().join("profiles")).expect("profiles");
    let profile = profiles
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|e| e == "json"))
        .expect("a profile");
    let profile: serde_json::Value =
        serde_json::from_slice(&std::fs::read(profile).expect("a file")).expect("JSON");
    serde_json::from_value(profile["key"].clone()).expect("a location")
}

#[test]
fn a_lost_key_file_is_reported_as_that() {
    let env = TestEnv::logged_in("alice");
    keys::remove(&Home::new(env.postern_home()), &location(&env)).expect("removed");
    says_that_the_key_is_gone(&env, "key");
    // The next login needs no --force, and works.
    env.login("alice");
    assert_eq!(env.run(&["status"]).code, 0);
}

/// What a restart of the computer does to the kernel's key store.
#[cfg(target_os = "linux")]
#[test]
fn a_restart_is_reported_as_that() {
    use linux_keyutils::{KeyRing, KeyRingIdentifier};
    if KeyRing::get_persistent(KeyRingIdentifier::Session).is_err() {
        // A container that forbids it has no such keys to lose.
        return;
    }
    let env = TestEnv::new();
    let (proxy, ca) = (env.demo.proxy(), env.demo.ca_file());
    let input = format!("{}\n", env.demo.password("alice"));
    let args = [
        "login",
        "--proxy",
        &proxy,
        "--user",
        "alice",
        "--ca-file",
        &ca,
        "--key-store",
        "keychain",
        "--password-stdin",
    ];
    let _ = env.run_with_input(&args, &input).ok();
    let status = env.run(&["status", "--format", "json"]).json();
    assert_eq!(status["key"]["store"], "keychain", "{status}");
    assert!(
        env.run(&["status"]).ok().contains("the kernel's key store"),
        "status says where the key is"
    );
    let _ = env.run(&["db", "ls"]).ok();
    keys::remove(&Home::new(env.postern_home()), &location(&env)).expect("removed");
    says_that_the_key_is_gone(&env, "it holds keys until the computer restarts");
    assert_eq!(
        env.run(&["logout"]).code,
        0,
        "logging out is possible still"
    );
}
