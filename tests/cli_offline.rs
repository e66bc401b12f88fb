//! Commands that need no cluster, as a shell sees them.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use serde_json::Value;

/// A home directory of a user who never logged in.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn state(&self) -> std::path::PathBuf {
        self.0.path().join("state")
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, &[], "")
    }

    fn run_with(&self, args: &[&str], env: &[(&str, &str)], input: &str) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
        command
            .env_clear()
            .env("HOME", self.0.path())
            .env("POSTERN_HOME", self.state())
            .env("USER", "tester");
        let output = command
            .envs(env.iter().copied())
            .args(args)
            .write_stdin(input)
            .output()
            .expect("it runs");
        Ran {
            code: output.status.code().expect("no signal"),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn error(&self) -> Value {
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.err).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

#[test]
fn without_a_login() {
    let home = Home::new();
    for command in ["status", "logout", "clusters"] {
        let ran = home.run(&[command]);
        assert_eq!((ran.code, ran.out.as_str()), (10, ""), "{command}");
        assert!(
            ran.err.contains("not logged in") && ran.err.contains("postern login"),
            "{ran:?}"
        );
        for args in [[command, "--format", "json"], ["--format", "json", command]] {
            let ran = home.run(&args);
            assert_eq!((ran.code, ran.out.as_str()), (10, ""), "{command}");
            let error = ran.error();
            assert_eq!(error["code"], 10);
            assert_eq!(error["hop"], "this computer");
            assert!(error["message"].is_string() && error["hint"].is_string());
        }
    }
    assert!(!home.state().exists(), "asking leaves nothing behind");
    let ran = home.run_with(&["status"], &[("POSTERN_PROXY", "p.example.com")], "");
    assert!(
        ran.err.contains("not logged in to p.example.com"),
        "{ran:?}"
    );
}

#[test]
fn version_and_help_are_data() {
    let home = Home::new();
    let version = env!("CARGO_PKG_VERSION");
    for args in [&["version"][..], &["--version"], &["-V"]] {
        let ran = home.run(args);
        assert_eq!(
            (ran.code, ran.out.trim(), ran.err.as_str()),
            (0, &*format!("postern {version}"), "")
        );
    }
    let ran = home.run(&["version", "--format", "json"]);
    assert_eq!(
        serde_json::from_str::<Value>(&ran.out).expect("JSON")["version"],
        version
    );
    let ran = home.run(&["--help"]);
    assert!(
        ran.code == 0
            && ran.err.is_empty()
            && ran.out.contains("login")
            && !ran.out.contains("util"),
        "{ran:?}"
    );
}

#[test]
fn wrong_command_lines_are_exit_2() {
    let home = Home::new();
    for args in [
        &[][..],
        &["no-such-command"],
        &["login", "--no-such-flag"],
        &["login", "--ttl", "soon", "--proxy", "h"],
        &["login", "--ttl", "30s", "--proxy", "h"],
        &["login", "--key-store", "shoebox"],
        &["status", "--format", "names"],
        &["login", "--proxy", "not a host"],
        &["login", "--proxy", "host:port"],
        &[
            "login",
            "--proxy",
            "h:1",
            "--ca-file",
            "/no/such/file",
            "--password-stdin",
        ],
    ] {
        let ran = home.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}");
        assert!(!ran.err.is_empty(), "{args:?}");
        if !args.is_empty() && !args.contains(&"names") {
            let json: Vec<&str> = args.iter().copied().chain(["--format", "json"]).collect();
            let error = home.run(&json).error();
            assert_eq!(error["code"], 2, "{args:?}");
        }
    }
}

#[test]
fn a_missing_command_is_told_in_one_line_of_json_too() {
    let home = Home::new();
    for args in [
        &["--format", "json"][..],
        &["--format", "json", "db"],
        &["proxy", "--format=json"],
    ] {
        let ran = home.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}");
        let error = ran.error();
        assert_eq!(error["message"], "the command line names no command");
        assert_eq!(error["hint"], "postern --help lists the commands");
    }
}

#[test]
fn a_script_that_gives_too_little_is_told_what_to_type() {
    let home = Home::new();
    let ran = home.run(&["login"]);
    assert!(
        ran.code == 2 && ran.err.contains("postern login --proxy="),
        "{ran:?}"
    );
    // Only a login with a password needs one; what the cluster's own way is, it alone knows.
    let ran = home.run(&["login", "--proxy", "h.example.com", "--auth", "local"]);
    assert!(
        ran.code == 2 && ran.err.contains("--password-stdin") && ran.err.contains("--user=tester"),
        "{ran:?}"
    );
    let ran = home.run_with(
        &["login", "--auth", "local"],
        &[("POSTERN_PROXY", "h.example.com"), ("POSTERN_USER", "dana")],
        "",
    );
    assert!(
        ran.err.contains("--proxy=h.example.com --user=dana"),
        "{ran:?}"
    );
    let not_pem = home.0.path().join("ca.pem");
    fs::write(&not_pem, "hello").expect("written");
    let ran = home.run(&[
        "login",
        "--proxy",
        "h:1",
        "--password-stdin",
        "--ca-file",
        not_pem.to_str().expect("text"),
    ]);
    assert!(
        ran.code == 2 && ran.err.contains("no certificate found"),
        "{ran:?}"
    );
}

#[test]
fn nobody_there_is_exit_15() {
    let home = Home::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address")
        .to_string();
    let ran = home.run(&[
        "login",
        "--proxy",
        &closed,
        "--password-stdin",
        "--format",
        "json",
    ]);
    assert_eq!(ran.code, 15);
    let error = ran.error();
    assert_eq!(
        (&error["code"], &error["hop"]),
        (&Value::from(15), &Value::from(format!("proxy {closed}")))
    );
    assert!(
        !home.state().exists(),
        "a failed login leaves nothing behind"
    );
}

/// Writes a profile whose certificate, recorded from a real cluster, expired long ago or not yet began, as the clock has it.
fn expired(home: &Home) -> std::path::PathBuf {
    let finish: Value =
        serde_json::from_str(include_str!("data/login/finish/finish-ttl-1ns.json")).expect("JSON");
    let body = &finish["response"]["body"];
    let pem = |value: &Value| {
        use base64::Engine;
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(value.as_str().expect("text"))
            .expect("base64");
        String::from_utf8(bytes).expect("PEM")
    };
    let profile = serde_json::json!({
        "version": 1,
        "proxy": "proxy.root.test:3181",
        "cluster": "root.example.com",
        "user": "u24",
        "server_version": "18.3.0",
        "tls_cert_pem": pem(&body["tls_cert"]),
        "host_cas": [{"cluster": "root.example.com", "certs_pem": [pem(&body["host_signers"][0]["tls_certs"][0])]}],
        "key": {"store": "file", "name": "1.pem"},
        "created": 1_795_419_538,
    });
    let dir = home.state().join("profiles");
    fs::create_dir_all(&dir).expect("a directory");
    let path = dir.join("proxy.root.test_3181.json");
    fs::write(&path, profile.to_string()).expect("written");
    fs::write(home.state().join("current"), "proxy.root.test_3181.json").expect("written");
    path
}

#[test]
fn an_expired_login_is_shown_and_exit_10() {
    let home = Home::new();
    expired(&home);
    let ran = home.run(&["status"]);
    assert_eq!(ran.code, 10, "{ran:?}");
    assert!(
        ran.out.contains("u24") && ran.out.contains("EXPIRED") && ran.err.contains("has expired"),
        "{ran:?}"
    );
    let ran = home.run(&["status", "--format", "json"]);
    let status: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(status["user"], "u24");
    assert_eq!(status["proxy"], "proxy.root.test:3181");
    assert_eq!(status["cluster"], "root.example.com");
    assert_eq!(status["expired"], true);
    assert_eq!(status["valid_until"], "2026-11-23T07:38:58Z");
    assert_eq!(status["key"]["store"], "file");
    assert_eq!(ran.error()["code"], 10);
    assert_eq!(home.run(&["clusters"]).code, 10);
    // The same by name of the proxy.
    assert_eq!(home.run(&["status", "--proxy", "proxy.root.test"]).code, 10);
    assert!(
        home.run(&["status", "--proxy", "elsewhere"])
            .err
            .contains("not logged in to elsewhere")
    );
    // Logging out of it is still possible, once.
    let ran = home.run(&["logout"]);
    assert!(
        ran.code == 0 && ran.err.contains("Logged out u24"),
        "{ran:?}"
    );
    assert_eq!(home.run(&["logout"]).code, 10);
}

#[test]
fn a_damaged_profile_is_named_and_kept() {
    let home = Home::new();
    let path = expired(&home);
    let whole = fs::read(&path).expect("a profile");
    for damaged in [
        &whole[..whole.len() / 2],
        b"",
        b"\0\0\0",
        b"{}",
        b"[1]",
        br#"{"version": 9}"#,
    ] {
        fs::write(&path, damaged).expect("written");
        for command in ["status", "logout", "clusters"] {
            let ran = home.run(&[command]);
            assert_eq!(ran.code, 10, "{command}: {ran:?}");
            assert!(
                ran.err.contains(path.to_str().expect("text")) && ran.err.contains("postern login"),
                "{ran:?}"
            );
        }
        assert_eq!(fs::read(&path).expect("kept"), damaged);
    }
}

#[test]
fn the_proof_of_a_keychain_never_shows_a_key() {
    let home = Home::new();
    for location in [
        r#"{"store":"keychain","backend":"kernel","service":"postern","account":"none"}"#,
        "{}",
        "",
    ] {
        let ran = home.run(&["util", "probe-key", location]);
        assert!(ran.code == 1 && ran.out.is_empty(), "{ran:?}");
    }
}

/// The whole way: written by this process, proven by the program in a session of its own, read back, removed.
#[cfg(target_os = "linux")]
#[test]
fn the_kernels_key_store_is_proven_by_the_program_itself() {
    use linux_keyutils::{KeyRing, KeyRingIdentifier};
    use postern::profile::keys::{self, KeyError, KeyLocation, KeyPair, KeyStore, proof};
    if KeyRing::get_persistent(KeyRingIdentifier::Session).is_err() {
        // A container that forbids it: the file is used, which the other tests show.
        return;
    }
    let home = postern::profile::Home::new(tempfile::tempdir().expect("a directory").path());
    let key = KeyPair::generate();
    let program = Path::new(env!("CARGO_BIN_EXE_postern"));
    let begin = Instant::now();
    let prove = |location: &KeyLocation, key: &[u8], deadline: Instant| {
        proof::by_own_program(program, location, key, deadline)
    };
    let stored = keys::store(&home, KeyStore::Best, "test", key.pkcs8(), &prove).expect("stored");
    assert!(
        begin.elapsed() < Duration::from_millis(2500),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(stored.fallback, None);
    assert_eq!(
        keys::load(&home, &stored.location).expect("read"),
        *key.pkcs8()
    );
    // Other bytes than those stored are no proof.
    let deadline = Instant::now() + keys::KEYCHAIN_PATIENCE;
    assert!(matches!(
        prove(&stored.location, b"other", deadline),
        Err(KeyError::NotShared(_))
    ));
    keys::remove(&home, &stored.location).expect("removed");
    assert!(matches!(
        prove(&stored.location, key.pkcs8(), deadline),
        Err(KeyError::NotShared(_))
    ));
}
