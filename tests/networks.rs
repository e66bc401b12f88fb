//! What stands between a user and a cluster: load balancers that end TLS, HTTP proxies, and each of their failures with its
//! own hop.

use std::net::TcpListener;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::common::demo::Demo;
use crate::common::env::TestEnv;
use crate::common::flights::Flights;
use crate::common::middle::{Middle, Nginx, free_port, squid};
use crate::common::ran::Ran;
use crate::common::tunnel::Tunnel;
use crate::common::wait_for;

/// A user behind a load balancer in front of a cluster with a leaf.
struct Behind {
    env: TestEnv,
    nginx: Middle,
}

/// A cluster that announces a load balancer as its address.
fn behind(balancer: impl Fn(u16) -> Nginx) -> Option<Behind> {
    crate::common::middle::find("nginx")?;
    let port = free_port();
    let address = format!("localhost:{port}");
    let demo = Demo::start(&["--no-second-factor", "--public-addr", &address]);
    let demo: &'static Demo = Box::leak(Box::new(demo));
    let nginx = balancer(port).start(&demo.listen())?;
    let env = TestEnv::beside(demo);
    Some(Behind { env, nginx })
}

impl Behind {
    fn login(&self, user: &str) -> Ran {
        let ca = self.nginx.path("ca.pem").display().to_string();
        login(&self.env, &self.env.demo.proxy(), &ca, user, &[])
    }
}

/// Logs in by way of `proxy`, whose authority is the file `ca`.
fn login(env: &TestEnv, proxy: &str, ca: &str, user: &str, vars: &[(&str, &str)]) -> Ran {
    use std::io::Write;
    let mut command = env.postern(&[
        "login",
        "--proxy",
        proxy,
        "--user",
        user,
        "--ca-file",
        ca,
        "--key-store",
        "file",
        "--password-stdin",
        "--format",
        "json",
    ]);
    let mut child = command
        .envs(vars.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("postern starts");
    let _ = writeln!(
        child.stdin.take().expect("a pipe"),
        "{}",
        env.demo.password(user)
    );
    Ran::end_of(child)
}

/// The profile of the only login.
fn profile(env: &TestEnv) -> Value {
    let dir = env.postern_home().join("profiles");
    let entry = std::fs::read_dir(dir)
        .expect("profiles")
        .next()
        .expect("a profile");
    let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a file");
    serde_json::from_str(&text).expect("JSON")
}

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

/// A cluster that announces a name which only an HTTP proxy knows.
fn named() -> &'static Demo {
    static NAMED: OnceLock<(Flights, &'static Demo)> = OnceLock::new();
    let (_, demo) = NAMED.get_or_init(|| {
        let relay = Flights::new(Duration::ZERO);
        let address = format!("cluster.test:{}", relay.port);
        let demo = Demo::start(&["--no-second-factor", "--public-addr", &address]);
        let demo: &'static Demo = Box::leak(Box::new(demo));
        let port = demo.listen().rsplit(':').next().expect("a port").parse();
        relay.lead_to(port.expect("a number"));
        (relay, demo)
    });
    demo
}

const NAMES: &[(&str, &str)] = &[("127.0.0.1", "cluster.test")];

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

/// Checks code, hop and a part of the message of a failed command with `--format json`, and that there is advice.
#[track_caller]
fn failed(out: Ran, code: i32, hop: &str, text: &str) {
    let error = out.json_error(code);
    assert_eq!(error["hop"], hop, "{error}");
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains(text), "{error}");
    assert!(
        error["hint"].as_str().is_some_and(|hint| !hint.is_empty()),
        "{error}"
    );
}

#[test]
fn each_failure_before_the_proxy_names_its_hop() {
    let env = TestEnv::new();
    let (ca, dead) = (env.demo.ca_file(), format!("127.0.0.1:{}", free_port()));
    let try_login = |proxy: &str, vars: &[(&str, &str)]| login(&env, proxy, &ca, "alice", vars);
    failed(
        try_login("no-such-host.invalid:443", &[]),
        15,
        "proxy no-such-host.invalid:443",
        "cannot find the host",
    );
    failed(
        try_login(&dead, &[]),
        15,
        &format!("proxy {dead}"),
        "connection refused",
    );
    let via = |url: &str| try_login("cluster.test:443", &[("HTTPS_PROXY", url)]);
    failed(
        via(&format!("http://{dead}")),
        15,
        &format!("HTTP proxy {dead}"),
        "connection refused",
    );
    failed(
        via("http://no-such-proxy.invalid:3128"),
        15,
        "HTTP proxy no-such-proxy.invalid:3128",
        "cannot find the address",
    );
    for wrong in ["socks5://127.0.0.1:1080", "http://", "ftp://127.0.0.1:21"] {
        failed(via(wrong), 2, "this computer", "HTTPS_PROXY");
    }
    // Something that is no HTTP proxy.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let ssh = listener.local_addr().expect("its address").to_string();
    std::thread::spawn(move || {
        use std::io::Write;
        let mut kept = Vec::new();
        for mut client in listener.incoming().flatten() {
            let _ = client.write_all(b"SSH-2.0-OpenSSH_9.9\r\n");
            kept.push(client);
        }
    });
    failed(
        via(&format!("http://{ssh}")),
        15,
        &format!("HTTP proxy {ssh}"),
        "did not answer as an HTTP proxy does",
    );
    failed(
        try_login(&ssh, &[]),
        15,
        &format!("proxy {ssh}"),
        "does not speak TLS",
    );
}

#[test]
fn each_refusal_of_an_http_proxy_names_it() {
    let Some(squid) = squid(NAMES, Some(("kim", "s3cret"))) else {
        return;
    };
    let env = TestEnv::new();
    let ca = env.demo.ca_file();
    let hop = format!("HTTP proxy 127.0.0.1:{}", squid.port);
    let dead = format!("cluster.test:{}", free_port());
    for (user, proxy, text) in [
        (
            "",
            "cluster.test:443",
            "asks for a user name and password (407)",
        ),
        (
            "kim:wrong@",
            "cluster.test:443",
            "refuses the user name and password it was given (407)",
        ),
        (
            "kim:s3cret@",
            "forbidden.test:443",
            "refuses to connect to forbidden.test:443: 403 Forbidden",
        ),
        ("kim:s3cret@", &dead, "cannot connect to cluster.test"),
        (
            "kim:s3cret@",
            "no-such-host.invalid:443",
            "cannot connect to no-such-host.invalid:443",
        ),
    ] {
        let url = format!("http://{user}127.0.0.1:{}", squid.port);
        let out = login(&env, proxy, &ca, "alice", &[("HTTPS_PROXY", &url)]);
        assert!(
            !out.stderr.contains("s3cret") && !out.stderr.contains("wrong@"),
            "{out}"
        );
        failed(out, 15, &hop, text);
    }
}

#[test]
fn each_failure_of_a_balancer_names_it() {
    let env = TestEnv::new();
    for (answer, code, text) in [
        ("return 404;", 1, "HTTP status 404 Not Found (nginx"),
        ("return 502;", 15, "HTTP status 502 Bad Gateway (nginx"),
        (
            "return 200 '<html>welcome</html>';",
            15,
            "like no Teleport proxy",
        ),
    ] {
        let port = free_port();
        let nginx = Nginx {
            location: answer.to_owned(),
            ..Nginx::new(port)
        };
        let Some(nginx) = nginx.start("127.0.0.1:1") else {
            return;
        };
        let proxy = format!("localhost:{port}");
        let ca = nginx.path("ca.pem").display().to_string();
        let out = login(&env, &proxy, &ca, "alice", &[]);
        failed(out, code, &format!("proxy {proxy}"), text);
        // A certificate of somebody else's.
        let out = login(&env, &proxy, &env.demo.ca_file(), "alice", &[]);
        failed(out, 15, &format!("proxy {proxy}"), "is not trusted");
    }
    // It lets nobody upgrade a connection: logging in works, nothing else.
    for (answer, text) in [
        ("if ($http_upgrade) { return 403; }", "403 Forbidden (nginx"),
        (
            "if ($http_upgrade) { return 502; }",
            "502 Bad Gateway (nginx",
        ),
        ("if ($http_upgrade) { return 200 ok; }", "200 OK (nginx"),
    ] {
        let Some(behind) = behind(|port| Nginx {
            location: answer.to_owned(),
            ..Nginx::new(port)
        }) else {
            return;
        };
        let _ = behind.login("alice").ok();
        let hop = format!("proxy {}", behind.env.demo.proxy());
        let out = behind.env.run(&["db", "ls", "--format", "json"]);
        failed(out, 15, &hop, text);
    }
}
