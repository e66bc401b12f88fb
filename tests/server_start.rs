//! `postern-cluster start`: it gets ready, says so, is looked at, and stops.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::common::server::{DOCUMENTS, SOON, Server};
use crate::common::wait_for;

/// A free port; somebody else could take it before it is used, but nobody here does.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn get(port: u16, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .expect("a request");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).expect("a status").to_owned();
    (status, body.to_owned())
}

#[test]
fn it_starts_is_looked_at_and_stops() {
    let port = free_port();
    let mut server = Server::new(&format!("diag_addr: 127.0.0.1:{port}\n"));
    let idle = server.run(&["status"]);
    assert_eq!(idle.code, 4, "{idle}");
    assert!(idle.stderr.contains("no cluster is running"), "{idle}");

    server.start();
    server.says("The cluster root is ready at localhost:");
    let status = server.status();
    let mut keys: Vec<&str> = status
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    let mut documented: Vec<&str> = postern::cluster::cli::util::json::SHAPES
        .iter()
        .find(|shape| shape.page == "postern-cluster-status")
        .expect("a section of the manual")
        .keys()
        .map(|(key, _)| *key)
        .collect();
    documented.sort_unstable();
    assert_eq!(keys, documented);
    // The role "access" exists in every cluster.
    assert_eq!(
        (&status["roles"], &status["users"], &status["databases"]),
        (&2.into(), &1.into(), &1.into())
    );
    assert_eq!(status["documents_error"], Value::Null);
    assert_eq!(status["open_sessions"], serde_json::json!([]));
    let text = server.run(&["status"]).ok();
    assert!(text.contains("Cluster      root, version "), "{text}");
    assert!(text.contains("2 roles, 1 users, 1 databases"), "{text}");

    assert_eq!(
        get(port, "/healthz"),
        ("200".into(), "{\"status\":\"ok\"}\n".into())
    );
    assert_eq!(get(port, "/readyz").0, "200");
    assert_eq!(get(port, "/nothing").0, "404");
    let (code, metrics) = get(port, "/metrics");
    assert_eq!(code, "200");
    for line in [
        "postern_cluster_sessions 0",
        "postern_cluster_databases 1",
        "postern_cluster_logins_total 0",
        "postern_cluster_documents_stale 0",
        "# TYPE postern_cluster_sessions_opened_total counter",
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line}: {metrics}");
    }
    for line in metrics.lines().filter(|l| !l.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').expect("name and value");
        assert!(name.starts_with("postern_cluster_"), "{line}");
        value.parse::<u64>().expect("a number");
    }
    // A wrong password is counted.
    assert_ne!(server.login("alice", None).code, 0);
    let refused = |text: &str| text.contains("postern_cluster_logins_refused_total 0\n");
    assert!(!refused(&get(port, "/metrics").1));

    let second = server.run(&["start"]);
    assert_eq!(second.code, 1, "{second}");
    assert!(
        second.stderr.contains("another cluster is running"),
        "{second}"
    );
    assert_eq!(
        server.status()["pid"],
        status["pid"],
        "the first one goes on"
    );

    assert_eq!(server.end(Signal::TERM), Some(0));
    assert_eq!(server.run(&["status"]).code, 4);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn the_control_socket_answers_every_line_and_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mut server = Server::new("");
    server.start();
    let path = server.path("state/control.sock");
    let mode = |path| {
        std::fs::metadata(path)
            .expect("metadata")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&server.path("state")), 0o700);
    let mut stream = std::os::unix::net::UnixStream::connect(&path).expect("a connection");
    stream
        .write_all(b"{\"request\":\"sessions\"}\nnonsense\n{\"request\":\"destroy\"}\n{\"request\":\"changed\"}\n")
        .expect("a write");
    stream.shutdown(std::net::Shutdown::Write).expect("an end");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("answers");
    let answers: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(answers.len(), 4, "{text}");
    assert_eq!(answers[0], serde_json::json!({"ok": []}));
    assert!(
        answers[1]["error"]
            .as_str()
            .is_some_and(|e| e.contains("not understood"))
    );
    assert!(
        answers[2]["error"]
            .as_str()
            .is_some_and(|e| e.contains("destroy"))
    );
    assert_eq!(answers[3], serde_json::json!({"ok": {}}));
}

#[test]
fn a_long_path_to_the_state_directory_is_no_obstacle() {
    let mut server = Server::new("");
    let long = format!("a-directory-with-a-very-long-name/{}", "x".repeat(120));
    std::fs::create_dir_all(server.path(&long)).expect("a directory");
    let text = std::fs::read_to_string(server.path("cluster.yaml")).expect("a file");
    std::fs::write(
        server.path("cluster.yaml"),
        text.replace("data_dir: state", &format!("data_dir: {long}")),
    )
    .expect("a file");
    server.start();
    assert_eq!(server.status()["cluster"], "root");
    assert_eq!(server.end(Signal::INT), Some(0));
}

#[test]
fn systemd_is_told_when_it_is_ready_reloads_and_stops() {
    let mut server = Server::new("");
    let path = server.path("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(SOON)).expect("a time-out");
    let told = |wanted: &str| {
        let end = Instant::now() + SOON;
        loop {
            let mut buffer = [0; 512];
            let n = socket.recv(&mut buffer).expect("a message");
            let text = String::from_utf8_lossy(&buffer[..n]).into_owned();
            if text.lines().any(|line| line == wanted) {
                return;
            }
            assert!(Instant::now() < end, "{wanted} did not come");
        }
    };
    server.start_with(&[
        ("NOTIFY_SOCKET", &path),
        ("WATCHDOG_USEC", std::path::Path::new("400000")),
    ]);
    told("READY=1");
    told("WATCHDOG=1");
    told("WATCHDOG=1");
    server.signal(Signal::HUP);
    told("RELOADING=1");
    told("READY=1");
    assert_eq!(server.end(Signal::TERM), Some(0));
    told("STOPPING=1");
}

#[test]
fn what_is_wrong_is_said_before_anything_is_taken() {
    let server = Server::new("nonsense: 1\n");
    let ran = server.run(&["start"]);
    assert_eq!(ran.code, 3, "{ran}");
    assert!(
        ran.stderr
            .contains("cluster.yaml:5: unknown field `nonsense`"),
        "{ran}"
    );
    assert!(!server.path("state").exists());

    server.configure("");
    server.document(
        "all.yaml",
        &format!("{DOCUMENTS}---\nkind: user\nmetadata: {{name: x}}\nspec: {{}}\n"),
    );
    let ran = server.run(&["start"]);
    assert_eq!(ran.code, 3, "{ran}");
    assert!(
        ran.stderr.contains("all.yaml:18: user \"x\": a user needs"),
        "{ran}"
    );

    server.document("all.yaml", DOCUMENTS);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    server.configure(&format!("diag_addr: {address}\n"));
    let ran = server.run(&["start"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stderr.contains(&format!("cannot listen on {address}")),
        "{ran}"
    );
}

#[test]
fn a_certificate_of_ones_own_is_shown_and_exchanged() {
    let mut server = Server::new("https_keypair: {cert_file: web.crt, key_file: web.key}\n");
    let pair = || rcgen_pair(&server);
    let first = pair();
    server.start();
    let shown = |server: &Server| {
        let status = server.status();
        certificate_of(status["listen"].as_str().expect("an address"))
    };
    assert_eq!(shown(&server), first);
    let second = rcgen_pair(&server);
    assert_ne!(first, second);
    server.run(&["reload"]).ok();
    assert_eq!(shown(&server), second);
    std::fs::write(server.path("web.crt"), "nothing").expect("a file");
    let ran = server.run(&["reload"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("web.crt: no certificate"), "{ran}");
    assert_eq!(shown(&server), second, "the former one stays");
    let checked = server.run(&["check"]);
    assert_eq!(checked.code, 3, "{checked}");
    wait_for("its end", Duration::from_secs(30), || {
        Some(server.end(Signal::TERM))
    });
}

fn rcgen_pair(server: &Server) -> Vec<u8> {
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ])
        .args(["-subj", "/CN=localhost", "-days", "2", "-keyout"])
        .arg(server.path("web.key"))
        .arg("-out")
        .arg(server.path("web.crt"))
        .output()
        .expect("openssl runs");
    assert!(made.status.success(), "{made:?}");
    let der = std::process::Command::new("openssl")
        .args(["x509", "-outform", "der", "-in"])
        .arg(server.path("web.crt"))
        .output()
        .expect("openssl runs");
    der.stdout
}

/// The certificate that a port shows, DER.
fn certificate_of(address: &str) -> Vec<u8> {
    let out = std::process::Command::new("openssl")
        .args(["s_client", "-connect", address, "-servername", "localhost"])
        .stdin(std::process::Stdio::null())
        .output()
        .expect("openssl runs");
    let mut child = std::process::Command::new("openssl")
        .args(["x509", "-outform", "der"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("openssl runs");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(&out.stdout)
        .expect("a write");
    child.wait_with_output().expect("an end").stdout
}

/// Each password check takes 19 MiB for a moment; file-backed memory, which a debug build has more of, is left out.
#[test]
fn logins_leave_no_memory_behind() {
    let mut server = Server::new("authentication: {second_factor: 'off'}\n");
    server.start();
    server.run_with_password(&["users", "add", "alice"]).ok();
    for _ in 0..4 {
        server.login("alice", None).ok();
    }
    let pid = server.status()["pid"].as_u64().expect("a number");
    let anonymous = || {
        let text = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a status");
        let line = text.lines().find(|line| line.starts_with("RssAnon:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().nth(1));
        kibibytes
            .expect("RssAnon")
            .parse::<u64>()
            .expect("a number")
    };
    // The last check may just be ending.
    wait_for("less than 16 MiB", SOON, || {
        (anonymous() < 16 << 10).then_some(())
    });
}

#[test]
fn the_limit_of_open_files_is_raised_as_far_as_allowed() {
    let mut server = Server::new("");
    server.start();
    let pid = server.status()["pid"].as_u64().expect("a pid");
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).expect("its limits");
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let numbers: Vec<&str> = line.expect("a line").split_whitespace().skip(3).collect();
    assert_ne!(numbers[0], "256");
    assert_eq!(numbers[0], numbers[1]);
    assert_eq!(server.end(Signal::TERM), Some(0));
}
