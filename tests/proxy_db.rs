//! `postern proxy db`: the tunnel for any program.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::common::env::TestEnv;
use crate::common::tunnel::Tunnel;
use crate::common::wait_for;

#[test]
fn json_line_says_everything() {
    let env = TestEnv::logged_in("alice");
    let _guard = crate::common::exclusive("alice");
    let tunnel = Tunnel::open(&env, &["orders", "--db-roles", "reader"]);
    assert_eq!(tunnel.ready["host"], "127.0.0.1");
    assert_eq!(tunnel.ready["database"], "orders");
    assert_eq!(tunnel.ready["db_user"], "alice");
    assert_eq!(tunnel.ready["db_roles"], serde_json::json!(["reader"]));
    assert_eq!(tunnel.ready["cluster"], "root");
    assert!(
        tunnel.ready["expires"]
            .as_str()
            .expect("a time")
            .contains('T')
    );
    assert_eq!(
        tunnel.psql("alice", "select current_user").ok().trim(),
        "alice"
    );
}

#[test]
fn another_user_gets_teleports_text_and_the_right_name() {
    let env = TestEnv::logged_in("alice");
    let tunnel = Tunnel::open(&env, &["orders"]);
    let stderr = tunnel.psql("bob", "select 1").fails(2);
    assert!(
        stderr.contains(
            "please use your Teleport username (\"alice\") to connect instead of \"bob\""
        ),
        "{stderr}"
    );
    assert!(
        stderr.contains("HINT") && stderr.contains("alice"),
        "{stderr}"
    );
}

#[test]
fn dead_upstream_is_an_error_response_with_hop_and_hint() {
    let env = TestEnv::logged_in("alice");
    let tunnel = Tunnel::open(&env, &["dead", "--db-user", "app", "--db-name", "app"]);
    let mut stream = tunnel.connect();
    stream
        .write_all(&startup(
            0x0003_0000,
            &[("user", "app"), ("database", "app")],
        ))
        .expect("a write");
    let mut answer = vec![];
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer);
    assert_eq!(answer.first(), Some(&b'E'), "{text}");
    for field in ["SFATAL", "VFATAL", "C08", "connection refused", "dead"] {
        assert!(text.contains(field), "{field}: {text}");
    }
    assert!(answer.windows(2).any(|w| w == b"\0H"), "no hint: {text}");
}

#[test]
fn first_packets() {
    let env = TestEnv::logged_in("bob");
    let tunnel = Tunnel::open(&env, &["app", "--db-user", "app", "--db-name", "app"]);
    // SSLRequest and GSSENCRequest are answered N, in either order.
    let mut stream = tunnel.connect();
    let mut one = [0];
    for request in [
        b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
        b"\x00\x00\x00\x08\x04\xd2\x16\x30",
    ] {
        stream.write_all(request).expect("a write");
        stream.read_exact(&mut one).expect("an answer");
        assert_eq!(&one, b"N");
    }
    // Protocol 3.2 is negotiated down, and the session starts.
    stream
        .write_all(&startup(
            0x0003_0002,
            &[("user", "app"), ("database", "app")],
        ))
        .expect("a write");
    stream.read_exact(&mut one).expect("an answer");
    assert_eq!(&one, b"v", "NegotiateProtocolVersion");
    let mut rest = vec![0; 4];
    stream.read_exact(&mut rest).expect("a length");
    let length = u32::from_be_bytes(rest[..4].try_into().expect("four")) as usize;
    let mut body = vec![0; length - 4];
    stream.read_exact(&mut body).expect("a body");
    stream.read_exact(&mut one).expect("the next message");
    assert_eq!(&one, b"R", "AuthenticationOk");
    // Direct TLS is recognised and refused by an alert.
    let mut stream = tunnel.connect();
    stream
        .write_all(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00")
        .expect("a write");
    let mut answer = vec![];
    let _ = stream.read_to_end(&mut answer);
    assert_eq!(answer.first(), Some(&0x15), "a TLS alert");
}

fn startup(protocol: u32, params: &[(&str, &str)]) -> Vec<u8> {
    let mut body = protocol.to_be_bytes().to_vec();
    for (key, value) in params {
        body.extend([key.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
    }
    body.push(0);
    let mut packet = u32::try_from(body.len() + 4)
        .expect("small")
        .to_be_bytes()
        .to_vec();
    packet.extend(body);
    packet
}

#[test]
fn listens_where_told_and_only_there() {
    let env = TestEnv::logged_in("bob");
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address")
        .port();
    let tunnel = Tunnel::open(
        &env,
        &[
            "app",
            "--db-user",
            "app",
            "--db-name",
            "app",
            "--port",
            &free.to_string(),
        ],
    );
    assert_eq!(tunnel.ready["port"], free);
    // A taken port is said plainly.
    let out = env.run(&[
        "proxy",
        "db",
        "app",
        "--db-user",
        "app",
        "--db-name",
        "app",
        "--port",
        &free.to_string(),
    ]);
    let stderr = out.fails(1);
    assert!(stderr.contains(&free.to_string()), "{stderr}");
}

#[test]
fn terminate_ends_the_tunnel() {
    let env = TestEnv::logged_in("bob");
    let mut tunnel = Tunnel::open(&env, &["app", "--db-user", "app", "--db-name", "app"]);
    kill_process(Pid::from_child(&tunnel.child), Signal::TERM).expect("a signal");
    let status = wait_for("the end", Duration::from_secs(5), || {
        tunnel.child.try_wait().expect("a status")
    });
    assert!(status.code().is_some(), "{status}");
}

#[test]
fn banner_for_people() {
    let env = TestEnv::logged_in("alice");
    let mut child = env
        .postern(&["db", "proxy", "orders"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut text = String::new();
    while !text.contains("Ctrl+C") {
        let before = text.len();
        out.read_line(&mut text).expect("a line");
        assert!(text.len() > before, "the banner ended early: {text}");
    }
    let value = |label: &str| {
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with(label))
            .unwrap_or_else(|| panic!("no {label}: {text}"));
        line.trim_start()[label.len()..].trim().to_owned()
    };
    let port = value("port");
    assert!(port.parse::<u16>().is_ok_and(|port| port > 0), "{text}");
    assert_eq!(value("host"), "127.0.0.1");
    assert_eq!(value("user"), "alice");
    assert_eq!(value("database"), "postgres");
    assert_eq!(value("roles"), "reader, writer");
    // The URI is one that libpq takes.
    let uri = value("URI");
    assert_eq!(
        uri,
        format!("postgresql://alice@127.0.0.1:{port}/postgres?sslmode=disable")
    );
    let _guard = crate::common::exclusive("alice");
    let ran = crate::common::ran::Ran::of(env.command("psql").args([
        &uri,
        "-X",
        "-A",
        "-t",
        "-w",
        "-c",
        "select current_user",
    ]));
    assert_eq!(ran.ok().trim(), "alice");
    let gui = value("In a program with a form");
    assert!(
        gui.contains("enter user alice") && gui.contains("no password"),
        "{text}"
    );
    let _ = child.kill();
    let _ = child.wait();
}
