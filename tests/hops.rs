//! What can be broken between a user and the rows: each failure says at which hop.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::common::behind::{NAMES, behind, login};
use crate::common::demo::Demo;
use crate::common::env::TestEnv;
use crate::common::front::{Front, Manner};
use crate::common::middle::{Nginx, free_port, squid};
use crate::common::ran::Ran;
use crate::common::tls_connect::TlsConnect;

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
            "return 503;",
            15,
            "HTTP status 503 Service Unavailable (nginx",
        ),
        ("return 504;", 15, "HTTP status 504 Gateway Timeout (nginx"),
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

/// It forgets the headers of upgrades, which have to be passed on by name: what arrives is a request that the cluster does not
/// know.
#[test]
fn a_balancer_that_strips_upgrades_is_named() {
    let Some(behind) = behind(|port| Nginx {
        websockets: false,
        ..Nginx::new(port)
    }) else {
        return;
    };
    let _ = behind.login("alice").ok();
    let hop = format!("proxy {}", behind.env.demo.proxy());
    let error = behind
        .env
        .run(&["db", "ls", "--format", "json"])
        .json_error(15);
    assert_eq!(error["hop"], hop, "{error}");
    let text = error.to_string();
    for part in [
        "did not upgrade the connection",
        "404 Not Found (nginx",
        "must pass WebSocket upgrades",
    ] {
        assert!(text.contains(part), "{error}");
    }
}

#[test]
fn an_http_proxy_with_tls_is_named() {
    let proxy = TlsConnect::start(&[], "Proxy-Authorization: Basic a2ltOnMzY3JldA==\r\n");
    let env = TestEnv::new();
    let hop = format!("HTTP proxy localhost:{}", proxy.port);
    let ca = env.home.path().join("proxy.pem");
    std::fs::write(&ca, &proxy.ca_pem).expect("a file");
    let (ca, other) = (ca.display().to_string(), env.demo.ca_file());
    for (url, ca, text) in [
        (
            "https://kim:s3cret@localhost",
            &other,
            "not signed by a trusted authority",
        ),
        (
            "https://localhost",
            &ca,
            "asks for a user name and password (407)",
        ),
        (
            "https://kim:wrong@localhost",
            &ca,
            "refuses the user name and password it was given (407)",
        ),
        (
            "http://kim:s3cret@localhost",
            &ca,
            "did not answer as an HTTP proxy does",
        ),
    ] {
        let url = format!("{url}:{}", proxy.port);
        let vars = [("HTTPS_PROXY", url.as_str())];
        let out = login(&env, "cluster.test:443", ca, "alice", &vars);
        failed(out, 15, &hop, text);
    }
    // The other way round: it speaks no TLS.
    let plain = TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = plain.local_addr().expect("its address");
    std::thread::spawn(move || {
        use std::io::Write;
        for mut client in plain.incoming().flatten() {
            let _ = client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let url = format!("https://{addr}");
    let out = login(
        &env,
        "cluster.test:443",
        &ca,
        "alice",
        &[("HTTPS_PROXY", &url)],
    );
    failed(out, 15, &format!("HTTP proxy {addr}"), "TLS");
}

/// A cluster with a leaf behind a relay, where alice is logged in.
fn fronted() -> (TestEnv, Front) {
    let front = Front::new();
    let address = format!("localhost:{}", front.port);
    let demo = Demo::start(&["--no-second-factor", "--public-addr", &address]);
    front.lead_to(&demo.listen());
    let env = TestEnv::beside(Box::leak(Box::new(demo)));
    env.login("alice");
    (env, front)
}

#[test]
fn closed_services_behind_the_proxy_are_named() {
    let (env, front) = fronted();
    let json = ["--format", "json"];
    let list = |place: &[&str]| env.run(&[&["db", "ls"], place, &json].concat());
    // The authority of the leaf is known from now on.
    let _ = list(&["--cluster", "leaf"]).ok();
    front.treat(Manner::Close("teleport-auth@726f6f74"));
    let no_connection = "has no connection to cluster \"root\" at the moment";
    failed(list(&[]), 15, "auth service of cluster root", no_connection);
    front.treat(Manner::Close("teleport-auth@6c656166"));
    let no_connection = "has no connection to cluster \"leaf\" at the moment";
    let out = list(&["--cluster", "leaf"]);
    failed(out, 15, "auth service of cluster leaf", no_connection);
    let _ = list(&[]).ok();
    // The proxy itself answers for databases; what is behind it says so inside PostgreSQL's protocol.
    front.treat(Manner::Close("teleport-postgres"));
    let connect = |database, user| {
        let args = [
            "db",
            "connect",
            database,
            "--db-user",
            user,
            "--db-name",
            "postgres",
        ];
        env.run(&[&args[..], &["--", "-X", "-c", "select 1"]].concat())
    };
    let said = connect("orders", "alice").fails(2);
    let hop = format!("failed at: proxy {}", env.demo.proxy());
    assert!(said.contains(&hop), "{said}");
    assert!(said.contains("closed the connection"), "{said}");
    front.treat(Manner::Pass);
    let said = connect("dead", "app").fails(2);
    assert!(said.contains("connection refused"), "{said}");
    assert!(said.contains("failed at: database dead"), "{said}");
}

/// A port whose queue is full: the system answers nobody any more, as behind a firewall that drops.
struct BlackHole {
    addr: SocketAddr,
    _listening: Socket,
    _queued: Vec<TcpStream>,
}

impl BlackHole {
    fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        socket.bind(&any.into()).expect("a port");
        socket.listen(0).expect("a queue");
        let addr = socket.local_addr().expect("its address");
        let addr = addr.as_socket().expect("an address");
        let mut queued = Vec::new();
        while let Ok(client) = TcpStream::connect_timeout(&addr, Duration::from_secs(1)) {
            queued.push(client);
            assert!(queued.len() < 64, "the queue has no end");
        }
        Self {
            addr,
            _listening: socket,
            _queued: queued,
        }
    }
}

#[test]
fn silence_ends_after_a_deadline_and_is_named() {
    let (env, front) = fronted();
    front.treat(Manner::Swallow);
    let hole = BlackHole::new();
    let new = TestEnv::new();
    let (ca, at) = (new.demo.ca_file(), hole.addr.to_string());
    let proxy = format!("proxy {}", env.demo.proxy());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let out = login(&new, &at, &ca, "alice", &[]);
            failed(out, 15, &format!("proxy {at}"), "no answer");
        });
        scope.spawn(|| {
            let url = format!("http://{at}");
            let vars = [("HTTPS_PROXY", url.as_str())];
            let out = login(&new, "cluster.test:443", &ca, "alice", &vars);
            failed(
                out,
                15,
                &format!("HTTP proxy {at}"),
                "did not answer within",
            );
        });
        scope.spawn(|| {
            let out = env.run(&["db", "ls", "--format", "json"]);
            failed(
                out,
                15,
                &proxy,
                "did not answer within 30 s while the TLS handshake ran",
            );
        });
        scope.spawn(|| {
            let (at, ca) = (env.demo.proxy(), env.demo.ca_file());
            let other = TestEnv::beside(env.demo);
            let out = login(&other, &at, &ca, "alice", &[]);
            failed(out, 15, &proxy, "no answer");
        });
    });
}
