//! IPv6 all the way, and names with several addresses of which some are dead.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::common::demo::Demo;
use crate::common::env::TestEnv;
use crate::common::first_line;
use crate::common::leaves::{document, token, until};
use crate::common::ran::Ran;
use crate::common::server::{PASSWORD, Server};
use crate::common::world::World;

const ON_IPV6: (&str, &str) = ("listen_addr: 127.0.0.1:0", "listen_addr: '[::1]:0'");

fn run(server: &Server, args: &[&str]) -> Ran {
    Ran::of(&mut server.client(args))
}

/// Sends what `from` gives to `to`, in a thread, until either ends.
fn pump(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
}

fn both_ways(one: &TcpStream, other: &TcpStream) {
    let clone = |stream: &TcpStream| stream.try_clone().expect("a socket");
    pump(clone(one), clone(other));
    pump(clone(other), clone(one));
}

#[test]
fn everything_works_over_ipv6() {
    let root = World::changed("public_addr: '[::1]'\n", &[ON_IPV6]);
    let address = root.server.status()["public_addr"]
        .as_str()
        .expect("an address")
        .to_owned();
    assert!(address.starts_with("[::1]:"), "{address}");
    let run = |args: &[&str]| run(&root.server, args);
    let status = run(&["status", "--format", "json"]).json();
    assert_eq!(status["proxy"], address);
    let profile = std::fs::read_dir(root.server.path("home/profiles"))
        .expect("profiles")
        .next()
        .expect("a profile")
        .expect("an entry");
    let name = profile.file_name().into_string().expect("a plain name");
    assert!(
        name.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-%".contains(&b)),
        "{name}"
    );
    assert_eq!(run(&["db", "ls", "--format", "names"]).ok(), "orders\n");
    let who = [
        "--db-name",
        "postgres",
        "--",
        "-X",
        "-A",
        "-t",
        "-c",
        "select current_user",
    ];
    assert_eq!(
        run(&[&["db", "connect", "orders"], &who[..]].concat()).ok(),
        "alice\n"
    );

    // Ctrl+C reaches the server.
    let session = root.session();
    kill_process(Pid::from_child(&session), Signal::INT).expect("a signal");
    let out = Ran::end_of(session);
    assert!(
        out.stderr
            .contains("canceling statement due to user request"),
        "{out}"
    );

    // The tunnel's own end too.
    let mut tunnel = root
        .server
        .client(&[
            "proxy",
            "db",
            "orders",
            "--db-name",
            "postgres",
            "--listen",
            "[::1]:0",
            "--format",
            "json",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let ready = first_line(tunnel.stdout.take().expect("a pipe"));
    let ready: serde_json::Value = serde_json::from_str(&ready).expect("JSON");
    assert_eq!(ready["host"], "::1");
    let uri = format!("postgresql://alice@[::1]:{}/postgres", ready["port"]);
    let mut psql = Command::new("psql");
    psql.args(["-X", "-A", "-t", "-w", "-c", "select current_user", &uri]);
    assert_eq!(Ran::of(psql.stdin(Stdio::null())).ok(), "alice\n");
    kill_process(Pid::from_child(&tunnel), Signal::TERM).expect("a signal");
    let _ = tunnel.wait();

    // A leaf that is itself on IPv6 and reached its root over it.
    let mut leaf = Server::new("public_addr: '[::1]'\n");
    leaf.reconfigure(ON_IPV6.0, ON_IPV6.1);
    leaf.reconfigure("cluster_name: root", "cluster_name: leaf");
    leaf.document(
        "all.yaml",
        "\
kind: role
version: v7
metadata: {name: visitor}
spec: {allow: {db_labels: {'*': '*'}, db_names: ['*'], db_users: [app]}}
---
kind: db
version: v3
metadata: {name: leaf-app}
spec: {protocol: postgres, uri: '[::1]:1'}
",
    );
    leaf.document(
        "root.yaml",
        &document(&root.server, &token(&root.server), "*"),
    );
    leaf.start();
    until(&root.server, &[("leaf", "online")]);
    let list = run(&["db", "ls", "--cluster", "leaf", "--format", "names"]);
    assert_eq!(list.ok(), "leaf-app\n");
    let app = [
        "db",
        "connect",
        "leaf-app",
        "--cluster",
        "leaf",
        "--db-user",
        "app",
    ];
    let out = run(&[&app[..], &["--db-name", "app", "--", "-c", "select 1"]].concat());
    assert!(
        out.stderr.contains("connection refused"),
        "the database's own port: {out}"
    );

    // Failures name the address as it is typed.
    let closed = TcpListener::bind("[::1]:0")
        .and_then(|l| l.local_addr())
        .expect("a port");
    let error = run(&[
        "login",
        "--user",
        "alice",
        "--proxy",
        &closed.to_string(),
        "--format",
        "json",
    ])
    .json_error(15);
    assert_eq!(error["hop"], format!("proxy {closed}"), "{error}");
    if [443, 3080]
        .iter()
        .all(|port| TcpStream::connect(("::1", *port)).is_err())
    {
        let error = run(&[
            "login", "--user", "alice", "--proxy", "::1", "--format", "json",
        ])
        .json_error(15);
        let message = error["message"].as_str().expect("a message");
        assert!(
            message.contains("[::1]:443") && message.contains("[::1]:3080"),
            "{error}"
        );
    }
    drop(leaf);
    root.end();
}

/// An HTTP proxy on IPv6 that knows one way, whatever it is asked for, and tells what that was.
fn http_proxy(cluster: SocketAddr) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("[::1]:0").expect("a port");
    let at = listener.local_addr().expect("its address");
    let (tell, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let mut reader = BufReader::new(client.try_clone().expect("a socket"));
            let mut head = String::new();
            while reader.read_line(&mut head).is_ok_and(|n| n > 2) {}
            let _ = tell.send(head.lines().next().unwrap_or_default().to_owned());
            let Ok(server) = TcpStream::connect(cluster) else {
                continue;
            };
            let mut client = client;
            let _ = client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
            both_ways(&client, &server);
        }
    });
    (at, asked)
}

#[test]
fn an_http_proxy_is_asked_for_a_literal_in_brackets() {
    const ADDRESS: &str = "[2001:db8::1]:443";
    let mut server = Server::new(&format!(
        "public_addr: '{ADDRESS}'\nauthentication: {{second_factor: off}}\n"
    ));
    server.reconfigure(ON_IPV6.0, ON_IPV6.1);
    server.start();
    let _ = server.run_with_password(&["users", "add", "alice"]).ok();
    let cluster = server.status()["listen"]
        .as_str()
        .expect("an address")
        .parse()
        .expect("IP:PORT");
    let (via, asked) = http_proxy(cluster);
    let via = format!("http://{via}");
    let ca = server.path("state/ca.pem").display().to_string();
    let login = |vars: &[(&str, &str)]| {
        let args = [
            "login",
            "--force",
            "--proxy",
            ADDRESS,
            "--user",
            "alice",
            "--ca-file",
            &ca,
        ];
        let mut command = server.client(&args);
        command
            .args([
                "--key-store",
                "file",
                "--password-stdin",
                "--format",
                "json",
            ])
            .env("HTTPS_PROXY", &via)
            .envs(vars.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let _ = writeln!(child.stdin.take().expect("a pipe"), "{PASSWORD}");
        Ran::end_of(child)
    };
    let _ = login(&[]).ok();
    let list = Ran::of(
        server
            .client(&["db", "ls", "--format", "names"])
            .env("HTTPS_PROXY", &via),
    );
    assert_eq!(list.ok(), "orders\n");
    let lines: Vec<String> = asked.try_iter().collect();
    assert!(lines.len() > 2, "{lines:?}");
    for line in lines {
        assert_eq!(line, format!("CONNECT {ADDRESS} HTTP/1.1"));
    }
    // Listed, it is tried directly, where nobody is.
    for listed in ["2001:db8::1", "2001:db8::/32", "[2001:db8::1]:443"] {
        let error = login(&[("NO_PROXY", listed)]).json_error(15);
        assert_eq!(error["hop"], format!("proxy {ADDRESS}"), "{error}");
        assert_eq!(
            asked.try_iter().collect::<Vec<_>>(),
            Vec::<String>::new(),
            "{listed}"
        );
    }
    // What is listed beside it changes nothing.
    let _ = login(&[("NO_PROXY", "2001:db9::/32,[2001:db8::1]:444")]).ok();
    assert!(asked.try_iter().count() > 0);
}

/// A command that runs where `hosts` is the system's hosts file: in a mount namespace of its own. nss_wrapper would do without,
/// but its answers are now and then those of the real file, and it has freed memory twice.
fn where_hosts_are(hosts: &Path, env: &TestEnv, program: &str) -> Command {
    let mut command = env.command("unshare");
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command
        .args(["--mount", "sh", "-c"])
        .arg("mount --bind \"$0\" /etc/hosts && exec \"$@\"")
        .args([hosts.as_os_str(), OsStr::new(program)]);
    command
}

/// What the name `localhost` means there, in the order of the resolver; `None`, said aloud, where a namespace is not allowed.
#[expect(clippy::print_stderr, reason = "a skipped test is said, not hidden")]
fn meaning(hosts: &Path, env: &TestEnv) -> Option<Vec<String>> {
    let mut asked = where_hosts_are(hosts, env, "getent");
    let ran = Ran::of(asked.args(["ahosts", "localhost"]));
    if ran.code != 0 {
        eprintln!("skipped: no hosts file of one's own: {}", ran.stderr.trim());
        return None;
    }
    let mut found: Vec<String> = ran
        .stdout
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(ToOwned::to_owned)
        .collect();
    found.dedup();
    Some(found)
}

/// A port that takes no more connections: attempts are neither answered nor refused. `None`: this system does not do that.
struct Hole {
    _listener: socket2::Socket,
    _full: VecDeque<socket2::Socket>,
}

impl Hole {
    #[expect(clippy::print_stderr, reason = "a skipped test is said, not hidden")]
    fn at(address: SocketAddr) -> Option<Self> {
        use socket2::{Domain, Socket, Type};
        let socket =
            || Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
        let listener = socket();
        listener.bind(&address.into()).expect("a free address");
        listener.listen(0).expect("a listener");
        let mut full = VecDeque::new();
        for _ in 0..64 {
            let client = socket();
            match client.connect_timeout(&address.into(), Duration::from_secs(2)) {
                Ok(()) => full.push_back(client),
                Err(_) => {
                    return Some(Self {
                        _listener: listener,
                        _full: full,
                    });
                }
            }
        }
        eprintln!("skipped: a full port still takes connections here");
        None
    }
}

#[test]
fn a_dead_address_beside_a_live_one_costs_no_deadline() {
    let demo = Demo::shared();
    let proxy = demo.proxy();
    let port = proxy
        .rsplit(':')
        .next()
        .expect("a port")
        .parse()
        .expect("a number");
    let env = TestEnv::beside(demo);
    let hosts = env.home.path().join("hosts");
    let name = |addresses: &[&str]| {
        let lines: Vec<String> = addresses
            .iter()
            .map(|a| format!("{a} localhost\n"))
            .collect();
        std::fs::write(&hosts, lines.concat()).expect("a file");
    };
    // The resolver puts IPv6 first whatever the file's order is: so there the dead address comes before the live one.
    name(&["127.0.0.1", "::1"]);
    let Some(order) = meaning(&hosts, &env) else {
        return;
    };
    assert_eq!(order, ["::1", "127.0.0.1"]);
    let with = |addresses: &[&str], args: &[&str], input: &str| {
        name(addresses);
        let mut child = where_hosts_are(&hosts, &env, env!("CARGO_BIN_EXE_postern"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let _ = child
            .stdin
            .take()
            .expect("a pipe")
            .write_all(input.as_bytes());
        Ran::end_of(child)
    };
    let (ca, password) = (demo.ca_file(), format!("{}\n", demo.password("alice")));
    let login = [
        "login",
        "--force",
        "--proxy",
        &proxy,
        "--user",
        "alice",
        "--ca-file",
        &ca,
        "--key-store",
        "file",
        "--password-stdin",
        "--format",
        "json",
    ];
    // Refused first.
    let _ = with(&["::1", "127.0.0.1"], &login, &password).ok();
    // All refused: each is named with its reason.
    let error = with(&["127.0.0.3", "::1"], &login, &password).json_error(15);
    let message = error["message"].as_str().expect("a message");
    for reason in ["connection refused (127.0.0.3)", "connection refused (::1)"] {
        assert!(message.contains(reason), "{error}");
    }
    let holes = ["[::1]:0", "127.0.0.2:0"].map(|address| {
        let mut address: SocketAddr = address.parse().expect("an address");
        address.set_port(port);
        Hole::at(address)
    });
    let [Some(_), Some(_)] = &holes else {
        return;
    };
    // Nobody answers: that takes the whole deadline, which everything on the way to a connection shares. So whatever works
    // below did not wait for a dead address.
    let error = with(&["::1"], &login, &password).json_error(15);
    assert_eq!(error["hop"], format!("proxy {proxy}"), "{error}");
    assert!(
        error["message"]
            .as_str()
            .expect("a message")
            .contains("in time"),
        "{error}"
    );
    // Silent and alive; silent, alive, refused and silent.
    for addresses in [
        &["::1", "127.0.0.1"][..],
        &["::1", "127.0.0.1", "127.0.0.3", "127.0.0.2"],
    ] {
        let _ = with(addresses, &login, &password).ok();
        let list = with(addresses, &["db", "ls", "--format", "names"], "").ok();
        assert!(list.contains("orders"), "{addresses:?}: {list}");
        let who = [
            "db",
            "connect",
            "orders",
            "--",
            "-X",
            "-A",
            "-t",
            "-c",
            "select current_user",
        ];
        assert_eq!(with(addresses, &who, "").ok(), "alice\n", "{addresses:?}");
    }
}
