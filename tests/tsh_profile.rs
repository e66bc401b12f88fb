//! A login of tsh stands in for one of postern: used and never written, said once, copied on demand.
//!
//! The files are laid out as tsh lays them out (credentials.md 3.2); tests/live does the same with tsh itself.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::env::TestEnv;
use crate::common::ran::Ran;

/// A home in which nobody but tsh is logged in.
struct WithTsh {
    env: TestEnv,
    dir: PathBuf,
}

/// Writes the login of a postern profile as tsh 18 would keep it.
fn as_tsh(env: &TestEnv, dir: &Path, cluster: &str) {
    as_tsh_at(env, dir, cluster, |proxy| proxy);
}

/// The same, with another address of the proxy; tsh has one profile for each host.
fn as_tsh_at(env: &TestEnv, dir: &Path, cluster: &str, at: fn(String) -> String) {
    let profiles = env.postern_home().join("profiles");
    let path = std::fs::read_dir(profiles)
        .expect("profiles")
        .next()
        .expect("one")
        .expect("an entry")
        .path();
    let profile: Value =
        serde_json::from_slice(&std::fs::read(path).expect("a profile")).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let (proxy, user) = (text(&profile["proxy"]), text(&profile["user"]));
    let proxy = at(proxy);
    let host = proxy.rsplit_once(':').expect("a port").0;
    let keys = dir.join("keys").join(host);
    std::fs::create_dir_all(keys.join("cas")).expect("directories");
    let key = env
        .postern_home()
        .join("keys")
        .join(text(&profile["key"]["name"]));
    std::fs::copy(key, keys.join(format!("{user}.key"))).expect("a copy");
    std::fs::write(
        keys.join(format!("{user}.crt")),
        text(&profile["tls_cert_pem"]),
    )
    .expect("a write");
    for authority in profile["host_cas"].as_array().expect("a list") {
        let pem: String = authority["certs_pem"]
            .as_array()
            .expect("a list")
            .iter()
            .map(text)
            .collect();
        let file = format!("{}.pem", text(&authority["cluster"]));
        std::fs::write(keys.join("cas").join(file), pem).expect("a write");
    }
    let yaml = format!(
        "web_proxy_addr: {proxy}\nuser: {user}\ncluster: {cluster}\ntls_routing_enabled: true\n"
    );
    std::fs::write(dir.join(format!("{host}.yaml")), yaml).expect("a write");
    std::fs::write(dir.join("current-profile"), format!("{host}\n")).expect("a write");
}

/// Every file below, with its content and when it was changed.
fn snapshot(dir: &Path) -> Vec<(PathBuf, Vec<u8>, std::time::SystemTime)> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let changed = std::fs::metadata(&path).and_then(|m| m.modified());
                let content = std::fs::read(&path).expect("a file");
                found.push((path, content, changed.expect("a time")));
            }
        }
    }
    found.sort();
    found
}

impl WithTsh {
    fn new() -> Self {
        let env = TestEnv::logged_in("alice");
        let dir = env.home.path().join(".tsh");
        as_tsh(&env, &dir, "root");
        let _ = env.run(&["logout"]).ok();
        Self { env, dir }
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, &[])
    }

    fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Ran {
        let mut command = self.env.postern(args);
        command.env("SSL_CERT_FILE", self.env.demo.ca_file());
        command.envs(variables.iter().copied());
        Ran::of(&mut command)
    }
}

#[test]
fn a_login_of_tsh_is_used_read_only_and_said_once() {
    let it = WithTsh::new();
    let before = snapshot(&it.dir);
    let said = |out: &Ran| out.stderr.matches("Using the login of tsh: alice").count();

    let listed = it.run(&["db", "ls"]);
    assert_eq!((listed.code, said(&listed)), (0, 1), "{listed}");
    assert!(listed.stdout.contains("orders"), "{listed}");
    let sql = [
        "db",
        "connect",
        "orders",
        "--",
        "-XAtc",
        "select current_user",
    ];
    let connected = it.run(&sql);
    assert_eq!((connected.code, said(&connected)), (0, 1), "{connected}");
    assert_eq!(connected.stdout.trim(), "alice");
    // Scripts get their JSON and nothing else.
    let json = it.run(&["db", "ls", "--format", "json"]);
    assert_eq!((json.code, json.stderr.as_str()), (0, ""), "{json}");

    let status: Value = it.run(&["status", "--format", "json"]).json();
    assert_eq!(status["origin"], "tsh");
    assert_eq!(status["origin_path"], it.dir.to_str().expect("a path"));
    let text = it.run(&["status"]).ok();
    assert!(text.contains("Read from:    tsh's profile"), "{text}");

    let logout = it.run(&["logout"]).fails(10);
    assert!(logout.contains("tsh is still logged in"), "{logout}");
    assert_eq!(snapshot(&it.dir), before, "tsh's files have changed");
}

#[test]
fn a_login_of_postern_comes_first_and_the_environment_chooses_among_tshs() {
    let it = WithTsh::new();
    let origin = |variables: &[(&str, &str)]| {
        let status: Value = it
            .run_with(&["status", "--format", "json"], variables)
            .json();
        status["origin"].as_str().expect("a text").to_owned()
    };
    assert_eq!(origin(&[]), "tsh");
    let proxy = it.env.demo.proxy();
    assert_eq!(origin(&[("TELEPORT_PROXY", &proxy)]), "tsh");
    let nobody = it.run_with(&["db", "ls"], &[("TELEPORT_PROXY", "other.test:443")]);
    assert!(nobody.fails(10).contains("not logged in to other.test:443"));
    let empty = it.env.home.path().join("empty");
    let nobody = it.run_with(
        &["db", "ls"],
        &[("TELEPORT_HOME", empty.to_str().expect("a path"))],
    );
    assert!(nobody.fails(10).contains("not logged in"));
    it.env.login("alice");
    assert_eq!(origin(&[]), "postern");
}

#[test]
fn a_login_of_tsh_becomes_ones_own() {
    let it = WithTsh::new();
    let before = snapshot(&it.dir);
    let copied: Value = it
        .run(&[
            "login",
            "--from-tsh",
            "--key-store",
            "file",
            "--format",
            "json",
        ])
        .json();
    assert_eq!(
        (copied["origin"].as_str(), copied["user"].as_str()),
        (Some("postern"), Some("alice"))
    );
    assert_eq!(snapshot(&it.dir), before, "tsh's files have changed");
    // Now it stands alone.
    std::fs::remove_dir_all(&it.dir).expect("tsh's files");
    let listed = it.run(&["db", "ls"]);
    assert_eq!(listed.code, 0, "{listed}");
    assert!(!listed.stderr.contains("tsh"), "{listed}");
    let none = it.run(&["login", "--from-tsh"]).fails(10);
    assert!(none.contains("tsh is not logged in"), "{none}");
}

#[test]
fn all_means_the_logins_of_tsh_too() {
    use crate::common::demo::Demo;
    let it = WithTsh::new();
    let current = it.dir.join("current-profile");
    let last = std::fs::read(&current).expect("a name");
    let with_leaf = TestEnv::beside(Demo::with_leaf());
    with_leaf.login("alice");
    let to_ip = |proxy: String| proxy.replace("localhost", "127.0.0.1");
    as_tsh_at(&with_leaf, &it.dir, "root", to_ip);
    std::fs::write(&current, &last).expect("written");
    // Logged out, and damaged: both are nothing.
    std::fs::write(
        it.dir.join("gone.test.yaml"),
        "web_proxy_addr: gone.test:443\nuser: alice\ncluster: gone\n",
    )
    .expect("written");
    std::fs::write(it.dir.join("bad.test.yaml"), "]").expect("written");
    let before = snapshot(&it.dir);
    let (near, far) = (it.env.demo.proxy(), to_ip(with_leaf.demo.proxy()));
    let clusters = |ran: &Ran| {
        let rows: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        let mut found: Vec<(String, String)> = (rows.as_array().expect("a list").iter())
            .map(|row| {
                let text = |key: &str| row[key].as_str().expect("a text").to_owned();
                (text("proxy"), text("cluster"))
            })
            .collect();
        found.sort();
        found.dedup();
        found
    };
    let row = |proxy: &String, cluster: &str| (proxy.clone(), cluster.to_owned());
    let mut all = vec![row(&far, "leaf"), row(&far, "root"), row(&near, "root")];
    all.sort();
    let list = ["db", "ls", "-R", "--format", "json"];
    let ran = it.run(&list);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
    assert_eq!(clusters(&ran), all);
    // A login of postern at one of them counts there, the others stay.
    it.env.login("bob");
    let ran = it.run(&list);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
    assert_eq!(clusters(&ran), all);
    let users = it.run(&["db", "ls", "-R", "-f", "names"]).ok();
    assert!(users.contains("leaf-orders"), "{users}");
    // One that is over is said and costs the others nothing; without any it is the failure.
    it.env.expire();
    let host = near.rsplit_once(':').expect("a port").0;
    std::fs::remove_file(it.dir.join("keys").join(host).join("alice.key")).expect("removed");
    let ran = it.run(&list);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains(&format!("{near} is left out")), "{ran}");
    assert_eq!(clusters(&ran), [row(&far, "leaf"), row(&far, "root")]);
    let after = snapshot(&it.dir);
    assert!(
        after.iter().all(|file| before.contains(file)),
        "tsh's files have changed"
    );
    std::fs::remove_dir_all(&it.dir).expect("removed");
    let _ = it.run(&list).fails(10);
}

#[test]
fn an_expired_login_of_tsh_names_both_ways_to_renew_it() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sessions/keys");
    let it = WithTsh::new();
    // Kim's certificate of cluster root ended years ago.
    let host = std::fs::read_to_string(it.dir.join("current-profile")).expect("a name");
    let keys = it.dir.join("keys").join(host.trim());
    for (from, to) in [
        ("p256-pkcs8.pem", "kim.key"),
        ("p256-expired.crt", "kim.crt"),
    ] {
        std::fs::copy(data.join(from), keys.join(to)).expect("a copy");
    }
    let yaml = it.dir.join(format!("{}.yaml", host.trim()));
    let text = std::fs::read_to_string(&yaml).expect("a file");
    std::fs::write(&yaml, text.replace("user: alice", "user: kim")).expect("a write");
    for command in [&["db", "ls"][..], &["status"]] {
        let out = it.run(command);
        assert_eq!(out.code, 10, "{out}");
        assert!(out.stderr.contains("has expired"), "{out}");
        assert!(out.stderr.contains("tsh login --proxy="), "{out}");
        assert!(out.stderr.contains("postern login --proxy "), "{out}");
    }
}
