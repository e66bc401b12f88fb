//! What stands between a user and a cluster: load balancers that end TLS, HTTP proxies.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::common::behind::{NAMES, behind, login, named, profile};
use crate::common::env::TestEnv;
use crate::common::middle::{Nginx, free_port, squid};
use crate::common::ran::Ran;
use crate::common::tls_connect::TlsConnect;
use crate::common::tunnel::Tunnel;
use crate::common::wait_for;

const WHO: &[&str] = &["--", "-X", "-A", "-t", "-c", "select current_user"];

/// Everything a user does, through whatever stands between.
fn everything(env: &TestEnv, vars: &[(&str, &str)]) {
    let run = |args: &[&str]| Ran::of(env.postern(args).envs(vars.iter().copied()));
    let list = run(&["db", "ls", "--format", "names"]).ok();
    assert!(list.lines().any(|name| name == "orders"), "{list}");
    assert_eq!(
        run(&[&["db", "connect", "orders"], WHO].concat())
            .ok()
            .trim(),
        "alice"
    );
    let leaf = &["db", "connect", "leaf-orders", "--cluster", "leaf"];
    assert_eq!(run(&[leaf, WHO].concat()).ok().trim(), "remote-alice-root");
    interrupt(env, vars);
}

/// The times of a `db ping`, one for each layer of the way.
fn times(env: &TestEnv, vars: &[(&str, &str)]) -> Value {
    let mut ping = env.postern(&["db", "ping", "orders", "--count=1", "--format=json"]);
    let all = Ran::of(ping.envs(vars.iter().copied())).json();
    all["rounds"][0].clone()
}

/// Ctrl+C ends the statement on the server.
fn interrupt(env: &TestEnv, vars: &[(&str, &str)]) {
    let marker = format!("net{}", free_port());
    let running = || {
        env.demo.sql(&format!(
            "select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like '%''{marker}''%'"
        ))
    };
    let sql = format!("select pg_sleep(64), '{marker}'");
    let child = env
        .postern(&["db", "connect", "orders", "--", "-X", "-c", &sql])
        .envs(vars.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    wait_for("the query to run", Duration::from_secs(60), || {
        (running() == "1").then_some(())
    });
    kill_process(Pid::from_child(&child), Signal::INT).expect("a signal");
    wait_for("the query to end", Duration::from_secs(30), || {
        (running() == "0").then_some(())
    });
    let out = Ran::end_of(child);
    assert!(
        out.stderr
            .contains("canceling statement due to user request"),
        "{out}"
    );
}

#[test]
fn a_balancer_is_found_at_login_and_passed_by_websockets() {
    let Some(behind) = behind(Nginx::new) else {
        return;
    };
    let _ = behind.login("alice").ok();
    assert_eq!(profile(&behind.env)["network"]["upgrade"], "websocket");
    everything(&behind.env, &[]);
    let round = times(&behind.env, &[]);
    assert!(round["upgrade"].is_number(), "{round}");
    assert!(round["http_proxy"].is_null(), "{round}");
    let tunnel = Tunnel::open(&behind.env, &["orders"]);
    assert_eq!(
        tunnel.psql("alice", "select current_user").ok().trim(),
        "alice"
    );
    // A megabyte there and back keeps its length and its content.
    let sql = "select length(s), md5(s) = md5(repeat('0123456789abcdef', 65536)) from \
               (select repeat('0123456789abcdef', 65536) as s) x";
    assert_eq!(tunnel.psql("alice", sql).ok().trim(), "1048576|t");
    let log = std::fs::read_to_string(behind.nginx.path("access.log")).expect("nginx's log");
    assert!(
        log.contains("GET /webapi/connectionupgrade HTTP/1.1\" 101"),
        "{log}"
    );
}

/// A balancer that speaks HTTP/2 chooses it of what the auth connection offers; the test at login is not deceived by that.
#[test]
fn a_balancer_with_http2_is_found_too() {
    let Some(behind) = behind(|port| Nginx {
        listen_flags: "http2",
        ..Nginx::new(port)
    }) else {
        return;
    };
    let _ = behind.login("alice").ok();
    assert_eq!(profile(&behind.env)["network"]["upgrade"], "websocket");
    everything(&behind.env, &[]);
}

/// Servers before 15.1 answer 404 to WebSockets; they know a type of their own.
#[test]
fn the_former_type_serves_where_websockets_are_unknown() {
    let Some(behind) = behind(|port| Nginx {
        location: "if ($http_upgrade = websocket) { return 404; }".to_owned(),
        ..Nginx::new(port)
    }) else {
        return;
    };
    let _ = behind.login("alice").ok();
    everything(&behind.env, &[]);
    let log = std::fs::read_to_string(behind.nginx.path("access.log")).expect("nginx's log");
    assert!(
        log.contains("GET /webapi/connectionupgrade HTTP/1.1\" 101"),
        "{log}"
    );
}

/// A profile that knows nothing of the way, or the wrong thing, learns it when it is needed.
#[test]
fn a_balancer_that_came_later_is_found_when_it_is_met() {
    let Some(behind) = behind(Nginx::new) else {
        return;
    };
    let _ = behind.login("alice").ok();
    let dir = behind.env.postern_home().join("profiles");
    let path = std::fs::read_dir(dir)
        .expect("profiles")
        .next()
        .expect("a profile")
        .expect("an entry")
        .path();
    for known in [Value::Null, serde_json::json!({"upgrade": "none"})] {
        let mut changed = profile(&behind.env);
        if known.is_null() {
            changed
                .as_object_mut()
                .expect("an object")
                .remove("network");
        } else {
            changed["network"] = known;
        }
        std::fs::write(&path, changed.to_string()).expect("a file");
        let list = behind.env.run(&["db", "ls", "--format", "names"]).ok();
        assert!(list.contains("orders"), "{list}");
        assert_eq!(profile(&behind.env)["network"]["upgrade"], "websocket");
    }
}

/// What the environment says counts more than what was tested.
#[test]
fn the_environment_decides_about_upgrades() {
    let env = TestEnv::logged_in("alice");
    const UPGRADE: &str = "TELEPORT_TLS_ROUTING_CONN_UPGRADE";
    // The embedded cluster takes upgrades on its own port.
    let out = Ran::of(
        env.postern(&[&["db", "connect", "orders"], WHO].concat())
            .env(UPGRADE, "yes"),
    );
    assert_eq!(out.ok().trim(), "alice");
    let Some(behind) = behind(Nginx::new) else {
        return;
    };
    let _ = behind.login("alice").ok();
    let error = Ran::of(
        behind
            .env
            .postern(&["db", "ls", "--format", "json"])
            .env(UPGRADE, "no"),
    )
    .json_error(15);
    assert!(
        error["hint"].as_str().expect("a hint").contains(UPGRADE),
        "{error}"
    );
}

#[test]
fn an_http_proxy_is_used_for_everything() {
    let Some(squid) = squid(NAMES, Some(("kim", "s3cret:@"))) else {
        return;
    };
    let env = TestEnv::beside(named());
    let url = format!("http://kim:s3cret%3A%40@127.0.0.1:{}", squid.port);
    let vars = [("HTTPS_PROXY", url.as_str())];
    let (proxy, ca) = (env.demo.proxy(), env.demo.ca_file());
    let out = login(&env, &proxy, &ca, "alice", &vars);
    assert!(!out.stderr.contains("s3cret"), "{out}");
    let _ = out.ok();
    everything(&env, &vars);
    let round = times(&env, &vars);
    assert!(round["http_proxy"].is_number(), "{round}");
    assert!(round["upgrade"].is_null(), "{round}");
    let tunnel = |vars: &[(&str, &str)]| {
        let mut command = env.postern(&["db", "ls", "--format", "json"]);
        Ran::of(command.envs(vars.iter().copied()))
    };
    // Lower case, and the other variable, do as well.
    for name in ["https_proxy", "HTTP_PROXY", "http_proxy"] {
        let _ = tunnel(&[(name, &url)]).ok();
    }
    // Without it, and where NO_PROXY lists the host, the name is unknown: everything else went through squid.
    for vars in [
        &[][..],
        &[("HTTPS_PROXY", url.as_str()), ("NO_PROXY", "cluster.test")],
        &[("HTTPS_PROXY", url.as_str()), ("no_proxy", ".test")],
    ] {
        let error = tunnel(vars).json_error(15);
        assert_eq!(error["hop"], "proxy cluster.test", "{error}");
    }
    let log = std::fs::read_to_string(squid.path("access.log")).expect("squid's log");
    let connects = log
        .lines()
        .filter(|line| line.contains(&format!("CONNECT {proxy}")) && line.contains(" kim "));
    assert!(connects.count() > 5, "{log}");
}

/// What Go's rules exempt is never sent to an HTTP proxy: this computer itself.
#[test]
fn loopback_needs_no_http_proxy() {
    let env = TestEnv::logged_in("alice");
    let dead = format!("http://127.0.0.1:{}", free_port());
    let mut command = env.postern(&["db", "ls", "--format", "names"]);
    let list = Ran::of(command.env("HTTPS_PROXY", dead)).ok();
    assert!(list.contains("orders"), "{list}");
}

/// Some HTTP proxies speak TLS themselves; who vouches for them may be another than for the cluster.
#[test]
fn an_http_proxy_may_speak_tls() {
    // transport.md 6.
    let hosts = [("127.0.0.1", "cluster.test")];
    let proxy = TlsConnect::start(&hosts, "Proxy-Authorization: Basic YWxpY2U6czNjcmV0\r\n");
    let env = TestEnv::beside(named());
    let both = env.home.path().join("both.pem");
    let cluster = std::fs::read_to_string(env.demo.ca_file()).expect("a file");
    std::fs::write(&both, format!("{cluster}{}", proxy.ca_pem)).expect("a file");
    let url = format!("https://alice:s3cret@localhost:{}", proxy.port);
    let vars = [("HTTPS_PROXY", url.as_str())];
    let (at, both) = (env.demo.proxy(), both.display().to_string());
    let _ = login(&env, &at, &both, "alice", &vars).ok();
    everything(&env, &vars);
    let heads = proxy.heads();
    assert!(heads.len() > 5, "{heads:?}");
    for head in heads {
        assert!(
            head.starts_with(&format!("CONNECT {at} HTTP/1.1\r\n")),
            "{head}"
        );
    }
}

/// Headers of tsh's configuration go wherever the balancer asks for them: to the web API and to upgrades.
#[test]
fn a_gateway_that_wants_a_header_is_passed() {
    let Some(behind) = behind(|port| Nginx {
        location: "if ($http_x_pass != let-me-in) { return 403; }".to_owned(),
        ..Nginx::new(port)
    }) else {
        return;
    };
    let hop = format!("proxy {}", behind.env.demo.proxy());
    let without = behind.login("alice");
    assert_ne!(without.code, 0, "{without}");
    assert!(without.stderr.contains("403 Forbidden (nginx"), "{without}");
    let directory = behind.env.home.path().join(".tsh/config");
    std::fs::create_dir_all(&directory).expect("a directory");
    let configuration = directory.join("config.yaml");
    let text = "add_headers:\n- proxy: \"localhost:*\"\n  headers: {X-Pass: let-me-in}\n";
    std::fs::write(&configuration, text).expect("a file");
    let _ = behind.login("alice").ok();
    assert_eq!(profile(&behind.env)["network"]["upgrade"], "websocket");
    everything(&behind.env, &[]);
    // It was for the header.
    std::fs::remove_file(configuration).expect("a file");
    let out = behind.env.run(&["db", "ls", "--format", "json"]);
    let error = out.json_error(15);
    assert_eq!(error["hop"], hop, "{error}");
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains("403 Forbidden (nginx"), "{error}");
}
