//! Real sockets of this process, asked for in both ways.

#![expect(clippy::print_stderr, reason = "a skipped test is said, not hidden")]

use std::io::Read;
use std::net::{TcpListener, TcpStream};

use super::*;

type Find = fn(SocketAddr, SocketAddr) -> std::io::Result<Option<Entry>>;

/// Those that this system has; one at least.
fn ways() -> Vec<(&'static str, Find)> {
    let mut ways: Vec<(&str, Find)> = Vec::new();
    if sock_diag::works() {
        ways.push(("sock_diag", sock_diag::find));
    }
    if table::works() {
        ways.push(("/proc", table::find));
    }
    assert!(!ways.is_empty() && tcp_is_known());
    ways
}

fn own() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn pair(listen: &str, connect: &str) -> Option<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((listen, 0)).ok()?;
    let port = listener.local_addr().expect("an address").port();
    let client = TcpStream::connect((connect, port)).expect("a connection");
    let (server, _) = listener.accept().expect("a client");
    Some((client, server))
}

#[test]
fn the_owner_of_a_connection_is_found() {
    // The last one is a client with a socket of IPv6 at an address of IPv4.
    for (listen, connect) in [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("127.0.0.1", "::ffff:127.0.0.1"),
    ] {
        let Some((_client, server)) = pair(listen, connect) else {
            eprintln!("skipped: no address {listen} on this machine");
            continue;
        };
        let (from, to) = (
            server.peer_addr().expect("a peer"),
            server.local_addr().expect("an address"),
        );
        assert_eq!(of_tcp(from, to), Peer::User(own()), "{connect}");
        for (way, find) in ways() {
            let entry = find(from, to).expect(way).expect(way);
            assert_eq!(entry.peer(), Peer::User(own()), "{way} {connect}");
        }
    }
}

#[test]
fn a_client_that_has_closed_is_nobody() {
    let (client, mut server) = pair("127.0.0.1", "127.0.0.1").expect("a loopback");
    let (from, to) = (
        server.peer_addr().expect("a peer"),
        server.local_addr().expect("an address"),
    );
    drop(client);
    assert_eq!(server.read(&mut [0]).expect("the end"), 0);
    assert_eq!(of_tcp(from, to), Peer::Gone);
    for (way, find) in ways() {
        let peer = find(from, to).expect(way).map_or(Peer::Gone, Entry::peer);
        assert_eq!(peer, Peer::Gone, "{way}");
    }
}

#[test]
fn a_listener_is_not_taken_for_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("an address");
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    for (way, find) in ways() {
        assert_eq!(find(at, nobody).expect(way), None, "{way}");
    }
}

#[test]
fn another_computers_sockets_are_not_looked_for() {
    let there = SocketAddr::from(([192, 0, 2, 1], 5432));
    let here = SocketAddr::from(([127, 0, 0, 1], 5432));
    assert_eq!(of_tcp(there, here), Peer::Unknown);
}
