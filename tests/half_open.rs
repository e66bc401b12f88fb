//! Crowds and dawdlers before the login: they get nothing, cost little, and keep nobody out.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::demo::Demo;
use crate::common::env::TestEnv;

/// Half-open connections of the crowd.
const CROWD: usize = 2000;
/// What they may cost the cluster, in KiB: no more than 256 of them are held, some 64 KiB each.
const COST: u64 = 256 * 64;

/// The first part of a ClientHello: it announces 512 bytes and ends after a few.
const HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";

fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.expect("a size").trim().trim_end_matches(" kB");
    number.parse().expect("a number")
}

fn connect(demo: &Demo) -> TcpStream {
    let port = demo.proxy().rsplit_once(':').expect("a port").1.to_owned();
    let stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("a connection");
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .expect("a timeout");
    stream
}

/// Whether the cluster still keeps the connection: nothing is to be read from it yet.
fn is_kept(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a mode");
    let read = (&mut &*stream).read(&mut [0; 16]);
    matches!(read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

#[test]
fn two_thousand_half_open_connections_keep_nobody_out() {
    let demo: &'static Demo = Box::leak(Box::new(Demo::start(&[])));
    let env = TestEnv::beside(demo);
    // What the first login needs once is there.
    let _ = env.login_with("bob", &[]).ok();
    let pid = demo.child.lock().expect("no panic").id();
    let before = resident_kib(pid);
    let crowd: Vec<TcpStream> = (0..CROWD)
        .map(|n| {
            let mut stream = connect(demo);
            let first = [&b""[..], HELLO, SSL_REQUEST, &SSL_REQUEST[..4]][n % 4];
            // Those that came first are sent away while the last ones come.
            let _ = stream.write_all(first);
            stream
        })
        .collect();
    let kept = || crowd.iter().filter(|stream| is_kept(stream)).count();
    crate::common::wait_for("the oldest to go", Duration::from_secs(20), || {
        (kept() <= 256).then_some(())
    });
    let cost = resident_kib(pid).saturating_sub(before);
    assert!(cost < COST, "{cost} KiB for {CROWD} connections");
    let begun = Instant::now();
    let _ = env.login_with("alice", &[]).ok();
    let took = begun.elapsed();
    let listed = env.run(&["db", "ls"]).ok();
    assert!(listed.contains("orders"), "{listed}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(kept() > 0, "the others are still there");
}

/// A few bytes now and then do not keep a connection: the time for each step is for all of it.
#[test]
fn dawdlers_are_sent_away() {
    let demo = Demo::shared();
    let openings: [(&str, &[u8]); 4] = [
        ("nothing", b""),
        ("a TLS handshake", HELLO),
        ("half a request for TLS", &SSL_REQUEST[..4]),
        ("PostgreSQL's own TLS", SSL_REQUEST),
    ];
    let waits: Vec<_> = openings
        .into_iter()
        .map(|(what, first)| {
            let mut stream = connect(demo);
            std::thread::spawn(move || {
                let begun = Instant::now();
                stream.write_all(first).expect("a write");
                let mut answer = [0; 1];
                if first == SSL_REQUEST {
                    stream.read_exact(&mut answer).expect("an answer");
                    assert_eq!(&answer, b"S");
                    stream.write_all(HELLO).expect("a write");
                }
                stream
                    .set_read_timeout(Some(Duration::from_millis(500)))
                    .expect("a timeout");
                // Goes on with a byte every half second: records of a ClientHello that never ends.
                let mut next = first.is_empty().then_some(0x16);
                loop {
                    match stream.read(&mut answer) {
                        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                        Ok(1) => panic!("{what}: an answer"),
                        Ok(_) | Err(_) => break,
                    }
                    if first != &SSL_REQUEST[..4]
                        && stream.write_all(&[next.take().unwrap_or(3)]).is_err()
                    {
                        break;
                    }
                    assert!(begun.elapsed() < Duration::from_secs(50), "{what} is kept");
                }
                (what, begun.elapsed())
            })
        })
        .collect();
    for wait in waits {
        let (what, took) = wait.join().expect("no panic");
        assert!(took < Duration::from_secs(40), "{what}: {took:?}");
    }
}

/// HTTP: a header that never ends, and one that is too long; both inside a handshake that went well.
#[test]
fn web_requests_have_a_time_and_a_size() {
    let demo = Demo::shared();
    let ca = demo.ca_file();
    let url = format!("https://{}/webapi/ping", demo.proxy());
    let curl = |args: &[&str]| {
        let out = Command::new("curl")
            .args([
                "-sS",
                "--max-time",
                "40",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                "--cacert",
                &ca,
            ])
            .args(args)
            .arg(&url)
            .output()
            .expect("curl runs");
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    assert_eq!(curl(&["--http1.1"]), "200");
    let long = format!("x-long: {}", "a".repeat(100_000));
    // More than one argument may hold, and more than one read beyond the limit brings.
    let long = ["-H", &long].repeat(4);
    let answer = curl(&[&["--http1.1"], &long[..]].concat());
    assert!(["431", "400", "000"].contains(&answer.as_str()), "{answer}");
    let answer = curl(&[&["--http2"], &long[..]].concat());
    assert!(["431", "400", "000"].contains(&answer.as_str()), "{answer}");
    // A body that is announced and does not come.
    let begun = Instant::now();
    let mut child = Command::new("openssl")
        .args([
            "s_client",
            "-quiet",
            "-connect",
            &demo.proxy(),
            "-CAfile",
            &ca,
        ])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("openssl runs");
    let mut input = child.stdin.take().expect("a pipe");
    input
        .write_all(b"POST /webapi/mfa/login/begin HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        .expect("a write");
    let mut answer = String::new();
    let mut out = child.stdout.take().expect("a pipe");
    let mut first = [0; 12];
    out.read_exact(&mut first).expect("an answer");
    answer.push_str(&String::from_utf8_lossy(&first));
    assert_eq!(answer, "HTTP/1.1 408");
    assert!(begun.elapsed() < Duration::from_secs(30));
    drop(input);
    child.kill().expect("an end");
    child.wait().expect("an end");
}
