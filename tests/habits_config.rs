//! The configuration of tsh: headers for what stands in front of a proxy, and aliases.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;

use crate::common::env::TestEnv;

/// Something that speaks HTTPS on loopback and answers 404 to everything.
struct Front {
    port: u16,
    ca_pem: String,
    requests: Mutex<mpsc::Receiver<String>>,
}

impl Front {
    fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a pair");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a server");
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (give, requests) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let tls = rustls::ServerConnection::new(Arc::clone(&config)).expect("a connection");
                let mut tls = rustls::StreamOwned::new(tls, stream);
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && tls.read(&mut byte).is_ok_and(|n| n == 1) {
                    head.push(byte[0]);
                }
                let _ = give.send(String::from_utf8_lossy(&head).into_owned());
                let _ = tls.write_all(
                    b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                );
                tls.conn.send_close_notify();
                let _ = tls.flush();
            }
        });
        Self {
            port,
            ca_pem: made.cert.pem(),
            requests: Mutex::new(requests),
        }
    }

    /// The requests that a login sends before it gives up.
    fn requests_of(&self, env: &TestEnv) -> Vec<String> {
        let ca = env.home.path().join("ca.pem");
        std::fs::write(&ca, &self.ca_pem).expect("written");
        let proxy = format!("localhost:{}", self.port);
        let ca = ca.to_str().expect("text");
        let args = [
            "login",
            "--proxy",
            &proxy,
            "--user",
            "a",
            "--ca-file",
            ca,
            "--password-stdin",
        ];
        let ran = env.run_with_input(&args, "x\n");
        assert_ne!(ran.code, 0, "{ran}");
        let requests = self.requests.lock().expect("no panic");
        let first = requests
            .recv_timeout(Duration::from_secs(30))
            .expect("a request");
        let all: Vec<String> = std::iter::once(first)
            .chain(requests.try_iter())
            .filter(|head| !head.is_empty())
            .collect();
        assert!(!all.is_empty(), "no request came: {ran}");
        all
    }
}

fn configure(env: &TestEnv, text: &str) {
    let dir = env.home.path().join(".tsh/config");
    std::fs::create_dir_all(&dir).expect("a directory");
    std::fs::write(dir.join("config.yaml"), text).expect("written");
}

#[test]
fn headers_of_tshs_configuration_go_to_the_proxies_that_match() {
    let front = Front::start();
    let env = TestEnv::new();
    configure(
        &env,
        "add_headers:\n- proxy: \"local*:*\"\n  headers:\n    X-Pass: let-me-in\n",
    );
    for head in front.requests_of(&env) {
        assert!(
            head.to_ascii_lowercase()
                .contains("\r\nx-pass: let-me-in\r\n"),
            "{head}"
        );
    }
    configure(
        &env,
        "add_headers:\n- proxy: elsewhere\n  headers:\n    X-Pass: let-me-in\n",
    );
    for head in front.requests_of(&env) {
        assert!(!head.contains("let-me-in"), "{head}");
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_a_warning() {
    let env = TestEnv::new();
    configure(&env, "add_headers: [");
    let ran = env.run(&["version"]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.stderr.contains("config.yaml") && ran.stderr.contains("are not sent"),
        "{ran}"
    );
}

#[test]
fn an_alias_says_what_it_stands_for() {
    let env = TestEnv::new();
    configure(
        &env,
        "aliases:\n  conn: tsh db connect --db-user=$0 orders\n",
    );
    let err = env.run(&["conn", "app"]).fails(2);
    assert!(err.contains("alias of tsh"), "{err}");
    assert!(err.contains("tsh db connect --db-user=$0 orders"), "{err}");
}
