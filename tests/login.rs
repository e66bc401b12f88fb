//! Logging in, being logged in, logging out.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::common::demo::Demo;
use crate::common::env::TestEnv;

#[test]
fn password_and_code() {
    let env = TestEnv::beside(Demo::with_codes());
    let out = env.login_with("alice", &["--format", "json"]).json();
    assert_eq!(out["user"], "alice", "{out}");
    let status = env.run(&["status", "--format", "json"]).json();
    assert_eq!(status["user"], "alice");
    assert_eq!(status["proxy"], env.demo.proxy());
}

#[test]
fn a_used_code_is_refused_with_the_servers_text() {
    let env = TestEnv::beside(Demo::with_codes());
    let code = env.demo.code("bob");
    let (proxy, ca) = (env.demo.proxy(), env.demo.ca_file());
    let args = [
        "login",
        "--proxy",
        &proxy,
        "--user",
        "bob",
        "--ca-file",
        &ca,
        "--key-store",
        "file",
        "--password-stdin",
        "--force",
    ];
    let input = format!("{}\n{code}\n", env.demo.password("bob"));
    let _ = env.run_with_input(&args, &input).ok();
    let stderr = env.run_with_input(&args, &input).fails(1);
    assert!(
        stderr.contains("invalid username, password or second factor")
            && stderr.contains("counts once"),
        "{stderr}"
    );
    // The session that was there is untouched.
    assert_eq!(env.run(&["status"]).code, 0);
}

#[test]
fn a_missing_code_in_a_script_is_exit_11() {
    let env = TestEnv::beside(Demo::with_codes());
    let (proxy, ca) = (env.demo.proxy(), env.demo.ca_file());
    let args = [
        "login",
        "--proxy",
        &proxy,
        "--user",
        "bob",
        "--ca-file",
        &ca,
        "--password-stdin",
    ];
    let stderr = env
        .run_with_input(&args, &format!("{}\n", env.demo.password("bob")))
        .fails(11);
    assert!(stderr.contains("one-time code"), "{stderr}");
}

#[test]
fn wrong_password_gives_the_servers_text() {
    let env = TestEnv::new();
    let (proxy, ca) = (env.demo.proxy(), env.demo.ca_file());
    let args = [
        "login",
        "--proxy",
        &proxy,
        "--user",
        "nobody",
        "--ca-file",
        &ca,
        "--password-stdin",
    ];
    let stderr = env.run_with_input(&args, "wrong\n").fails(1);
    assert!(stderr.contains("invalid credentials"), "{stderr}");
    assert_eq!(env.run(&["status"]).code, 10);
}

#[test]
fn second_login_returns_at_once_unless_forced() {
    let env = TestEnv::logged_in("alice");
    let (proxy, ca) = (env.demo.proxy(), env.demo.ca_file());
    let out = env.run(&[
        "login",
        "--proxy",
        &proxy,
        "--user",
        "alice",
        "--ca-file",
        &ca,
    ]);
    assert_eq!(out.code, 0, "{out}");
    assert!(
        out.stderr.contains("already logged in") || out.stdout.contains("already logged in"),
        "{out}"
    );
    // Forced, without a terminal and without a password, it cannot go on.
    let out = env.run(&["login", "--proxy", &proxy, "--user", "alice", "--force"]);
    assert_eq!(out.code, 2, "{out}");
}

#[test]
fn without_proxy_a_script_gets_exit_2_and_an_example() {
    let env = TestEnv::new();
    let stderr = env.run(&["login"]).fails(2);
    assert!(stderr.contains("postern login --proxy="), "{stderr}");
}

#[test]
fn proxy_from_environment_and_last_profile() {
    let env = TestEnv::new();
    let ca = env.demo.ca_file();
    let input = format!("{}\n", env.demo.password("alice"));
    let mut command = env.postern(&[
        "login",
        "--user",
        "alice",
        "--ca-file",
        &ca,
        "--key-store",
        "file",
        "--password-stdin",
    ]);
    command
        .env("POSTERN_PROXY", env.demo.proxy())
        .stdin(std::process::Stdio::piped());
    let mut child = command
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), input.as_bytes())
        .expect("input");
    assert!(child.wait().expect("it ends").success());
    // The last profile names proxy, user and authority.
    let _ = env
        .run_with_input(
            &[
                "login",
                "--force",
                "--password-stdin",
                "--key-store",
                "file",
            ],
            &input,
        )
        .ok();
}

#[test]
fn the_content_of_a_ca_file_is_remembered_not_its_path() {
    let env = TestEnv::new();
    let copy = env.home.path().join("ca.pem");
    std::fs::copy(env.demo.ca_file(), &copy).expect("a copy");
    let (proxy, input) = (
        env.demo.proxy(),
        format!("{}\n", env.demo.password("alice")),
    );
    let login = |more: &[&str]| {
        let args = [
            &["login", "--proxy", &proxy, "--user", "alice", "--force"],
            &["--key-store", "file", "--password-stdin"][..],
            more,
        ];
        env.run_with_input(&args.concat(), &input)
    };
    let _ = login(&["--ca-file", copy.to_str().expect("text")]).ok();
    std::fs::remove_file(&copy).expect("removed");
    let _ = env.run(&["db", "ls"]).ok();
    // Proxy connections of a session verify it too.
    let args = [
        "db",
        "connect",
        "app",
        "--db-user",
        "app",
        "--db-name",
        "app",
    ];
    let psql = ["--", "-X", "-A", "-t", "-c", "select 1"];
    let out = env.run(&[&args[..], &psql[..]].concat());
    assert_eq!(out.ok().trim(), "1");
    let _ = login(&[]).ok();
}

/// The server's own certificate is as good as the authority behind it.
#[test]
fn the_proxys_very_certificate_is_a_pin() {
    let env = TestEnv::new();
    let proxy = env.demo.proxy();
    let out = env
        .command("openssl")
        .args(["s_client", "-connect", &proxy, "-servername", "localhost"])
        .output()
        .expect("openssl runs");
    // s_client prints the certificate of the server only, among other lines.
    let pin = env.home.path().join("pin.pem");
    std::fs::write(&pin, out.stdout).expect("written");
    let args = [
        "login",
        "--proxy",
        &proxy,
        "--user",
        "alice",
        "--key-store",
        "file",
        "--password-stdin",
        "--ca-file",
        pin.to_str().expect("text"),
    ];
    let input = format!("{}\n", env.demo.password("alice"));
    let _ = env.run_with_input(&args, &input).ok();
    let _ = env.run(&["db", "ls"]).ok();
}

#[test]
fn state_is_private() {
    let env = TestEnv::logged_in("alice");
    fn check(path: &Path) {
        let mode = std::fs::metadata(path)
            .expect("metadata")
            .permissions()
            .mode()
            & 0o777;
        if path.is_dir() {
            assert_eq!(mode, 0o700, "{}", path.display());
            for entry in std::fs::read_dir(path).expect("a directory") {
                check(&entry.expect("an entry").path());
            }
        } else {
            assert_eq!(mode, 0o600, "{}", path.display());
        }
    }
    check(&env.postern_home());
}

#[test]
fn logout_is_offline_and_says_when_there_is_nothing() {
    let env = TestEnv::logged_in("alice");
    let _ = env.run(&["logout"]).ok();
    assert_eq!(env.run(&["status"]).code, 10);
    assert_eq!(env.run(&["logout"]).code, 10);
}

#[test]
fn untrusted_certificate_names_issuer_and_flag() {
    let env = TestEnv::new();
    let proxy = env.demo.proxy();
    let stderr = env
        .run_with_input(
            &[
                "login",
                "--proxy",
                &proxy,
                "--user",
                "alice",
                "--password-stdin",
            ],
            "x\n",
        )
        .fails(15);
    assert!(
        stderr.contains("--ca-file") && stderr.contains("web CA"),
        "{stderr}"
    );
}

#[test]
fn insecure_warns_each_time() {
    let env = TestEnv::new();
    let proxy = env.demo.proxy();
    let input = format!("{}\n", env.demo.password("alice"));
    let args = [
        "login",
        "--proxy",
        &proxy,
        "--user",
        "alice",
        "--insecure",
        "--key-store",
        "file",
        "--password-stdin",
    ];
    let out = env.run_with_input(&args, &input);
    assert_eq!(out.code, 0, "{out}");
    assert!(
        out.stderr.contains("not verified") || out.stderr.contains("insecure"),
        "{out}"
    );
    let out = env.run(&["db", "ls"]);
    assert_eq!(out.code, 0, "{out}");
    assert!(
        out.stderr.contains("not verified") || out.stderr.contains("insecure"),
        "{out}"
    );
}

#[test]
fn ports_that_are_no_cluster() {
    let env = TestEnv::new();
    // Nothing listens.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    let stderr = env
        .run(&[
            "login",
            "--proxy",
            &free.to_string(),
            "--user",
            "a",
            "--password-stdin",
        ])
        .fails(15);
    assert!(stderr.contains(&free.to_string()), "{stderr}");
    // Something that speaks no TLS.
    let plain = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let addr = plain.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = plain.accept() {
            let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let stderr = env
        .run(&["login", "--proxy", &addr, "--user", "a", "--password-stdin"])
        .fails(15);
    assert!(stderr.contains("TLS"), "{stderr}");
    // A name that does not exist.
    let stderr = env
        .run(&[
            "login",
            "--proxy",
            "no-such-host.invalid",
            "--user",
            "a",
            "--password-stdin",
        ])
        .fails(15);
    assert!(stderr.contains("no-such-host.invalid"), "{stderr}");
}

#[test]
fn damaged_profile_is_named_and_kept() {
    let env = TestEnv::logged_in("alice");
    let profile = walk(&env.postern_home())
        .into_iter()
        .find(|p| p.extension().is_some_and(|e| e == "json"))
        .expect("a profile");
    let text = std::fs::read_to_string(&profile).expect("text");
    std::fs::write(&profile, &text[..text.len() / 2]).expect("damage");
    for args in [&["status"][..], &["db", "ls"]] {
        let stderr = env.run(args).fails(10);
        assert!(
            stderr.contains(profile.to_str().expect("text")) && stderr.contains("postern login"),
            "{stderr}"
        );
    }
    assert_eq!(
        std::fs::read_to_string(&profile).expect("text"),
        text[..text.len() / 2],
        "the damaged file is kept"
    );
}

fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = vec![];
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found
}
