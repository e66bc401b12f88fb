//! Single sign-on with a real cluster, in a real browser: the connector is GitHub's, GitHub is the tests' own.

#![expect(clippy::print_stderr, reason = "a skipped test is said, not hidden")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustix::process::{Pid, Signal, kill_process};
use rustls::pki_types::PrivateKeyDer;

use crate::common::github::{GitHub, Person};
use crate::common::ran::Ran;
use crate::common::wait_for;

/// A cluster of its own, without databases: the open-source edition asks the one GitHub only, and this one's environment leads
/// to ours.
struct Cluster {
    dir: tempfile::TempDir,
    bin: PathBuf,
    child: Child,
    proxy: String,
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

impl Cluster {
    fn start(bin: PathBuf) -> (Self, GitHub) {
        let dir = tempfile::Builder::new()
            .prefix("tp")
            .tempdir()
            .expect("a directory");
        let at = |name: &str| dir.path().join(name);
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().expect("a key");
        let ca = params.self_signed(&ca_key).expect("an authority");
        let issuer = Issuer::new(params, ca_key);
        let names = ["localhost", "github.com", "api.github.com"].map(str::to_owned);
        let key = KeyPair::generate().expect("a key");
        let cert = CertificateParams::new(names.to_vec())
            .expect("names")
            .signed_by(&key, &issuer)
            .expect("a certificate");
        for (name, text) in [
            ("ca.pem", ca.pem()),
            ("web.crt", cert.pem()),
            ("web.key", key.serialize_pem()),
        ] {
            std::fs::write(at(name), text).expect("written");
        }
        // A build without its web pages wants some.
        std::fs::create_dir(at("webassets")).expect("a directory");
        std::fs::write(at("webassets").join("index.html"), "<html></html>").expect("written");
        let der = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let github = GitHub::start(vec![cert.der().clone()], der);
        let (web, auth) = (free_port(), free_port());
        let proxy = format!("localhost:{web}");
        let config = serde_json::json!({
            "version": "v3",
            "teleport": {"nodename": "sso", "data_dir": at("data"), "log": {"output": at("log"), "severity": "DEBUG"}},
            "auth_service": {"enabled": true, "cluster_name": "sso", "listen_addr": format!("127.0.0.1:{auth}"),
                "proxy_listener_mode": "multiplex", "authentication": {"type": "local", "second_factors": ["otp"]}},
            "proxy_service": {"enabled": true, "web_listen_addr": format!("127.0.0.1:{web}"), "public_addr": proxy,
                "https_keypairs": [{"key_file": at("web.key"), "cert_file": at("web.crt")}]},
            "ssh_service": {"enabled": false},
        });
        std::fs::write(at("teleport.yaml"), config.to_string()).expect("written");
        let output = || std::fs::File::create(at("out")).expect("a file");
        // The kernel ends it with the thread of this test, however that ends.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM"])
            .arg(bin.join("teleport"))
            .args(["start", "-c"])
            .arg(at("teleport.yaml"))
            .env("SSL_CERT_FILE", at("ca.pem"))
            .env("LAB_WEBASSETS", at("webassets"))
            .env("HTTPS_PROXY", &github.proxy)
            .env("NO_PROXY", "localhost,127.0.0.1")
            .stdin(Stdio::null())
            .stdout(output())
            .stderr(output())
            .spawn()
            .expect("teleport starts");
        let cluster = Self {
            dir,
            bin,
            child,
            proxy,
        };
        wait_for("the cluster to start", Duration::from_secs(60), || {
            (cluster.tctl(&["status"]).code == 0
                && std::net::TcpStream::connect(("127.0.0.1", web)).is_ok())
            .then_some(())
        });
        (cluster, github)
    }

    fn tctl(&self, args: &[&str]) -> Ran {
        Ran::of(
            Command::new(self.bin.join("tctl"))
                .arg("-c")
                .arg(self.dir.path().join("teleport.yaml"))
                .env("SSL_CERT_FILE", self.dir.path().join("ca.pem"))
                .args(args),
        )
    }

    fn postern(&self, args: &[&str]) -> Ran {
        Ran::of(
            Command::new(env!("CARGO_BIN_EXE_postern"))
                .args(args)
                .env_clear()
                .env("PATH", std::env::var_os("PATH").unwrap_or_default())
                .env("HOME", self.dir.path())
                .env("POSTERN_HOME", self.dir.path().join("postern"))
                .stdin(Stdio::null()),
        )
    }

    /// A browser as a person has one: it stays open, so that it follows the last page's way back here. With `--dump-dom` it
    /// would end as soon as it has read a page, now and then before it goes where the page sends it.
    fn browser(&self, chromium: &Path, github: &GitHub) -> PathBuf {
        let (script, dir) = (self.dir.path().join("browser"), self.dir.path().display());
        let text = format!(
            "#!/bin/sh\necho $$ >{dir}/browser.pid\nexec '{}' --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
             --ignore-certificate-errors --proxy-server={} --user-data-dir={dir}/chromium --remote-debugging-port=0 \"$@\"\n",
            chromium.display(),
            github.proxy
        );
        std::fs::write(&script, text).expect("written");
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o700)).expect("executable");
        script
    }

    /// Logs in, and closes the browser if one was opened.
    fn login(&self, browser: &Path, more: &[&str]) -> Ran {
        let ca = self.dir.path().join("ca.pem");
        let args = [
            "login",
            "--proxy",
            &self.proxy,
            "--ca-file",
            ca.to_str().expect("text"),
            "--key-store",
            "file",
            "--browser",
            browser.to_str().expect("text"),
        ];
        let ran = self.postern(&[&args[..], more].concat());
        let opened = self.dir.path().join("browser.pid");
        if let Ok(pid) = std::fs::read_to_string(&opened) {
            std::fs::remove_file(&opened).expect("removed");
            let pid = Pid::from_raw(pid.trim().parse().expect("a number")).expect("a process");
            // Whoever has gone by itself is gone.
            let _ = kill_process(pid, Signal::TERM);
            wait_for("the browser's end", Duration::from_secs(30), || {
                let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid()));
                // A zombie has ended too: whoever inherits it may be slow to ask.
                stat.map_or(true, |stat| stat.contains(") Z "))
                    .then_some(())
            });
        }
        ran
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where Chromium is; none, said aloud, where there is none.
fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let Some(program) = std::env::split_paths(&path)
        .map(|dir| dir.join("chromium"))
        .find(|program| program.is_file())
    else {
        eprintln!("skipped: chromium is not installed");
        return None;
    };
    Some(program)
}

#[test]
fn a_person_of_github_logs_in_by_a_browser() {
    let Some(bin) = std::env::var_os("TELEPORT_BIN") else {
        eprintln!("skipped: TELEPORT_BIN is unset");
        return;
    };
    let Some(chromium) = chromium() else { return };
    let (cluster, github) = Cluster::start(bin.into());
    let browser = cluster.browser(&chromium, &github);
    let connector = serde_json::json!({
        "kind": "github", "version": "v3", "metadata": {"name": "octo-hub"},
        "spec": {
            "client_id": "id", "client_secret": "secret", "display": "Octo Hub",
            "redirect_url": format!("https://{}/v1/webapi/github/callback", cluster.proxy),
            "teams_to_roles": [{"organization": "acme", "team": "dba", "roles": ["access"]}],
        }
    });
    let document = cluster.dir.path().join("github.json");
    std::fs::write(&document, connector.to_string()).expect("written");
    let _ = cluster
        .tctl(&["create", document.to_str().expect("text")])
        .ok();

    // A name that is none is answered with those that are.
    let stderr = cluster.login(&browser, &["--auth", "nosuch"]).fails(1);
    assert!(
        stderr.contains("invalid connector name: nosuch")
            && stderr.contains("postern login --auth octo-hub"),
        "{stderr}"
    );
    // Whoever refuses, and whoever the connector gives no role, is told so at once.
    let by_name = ["--auth", "octo-hub"];
    github.next(Person::Unwilling);
    let stderr = cluster.login(&browser, &by_name).fails(1);
    assert!(
        stderr.contains("GitHub returned error: The user has denied your application access."),
        "{stderr}"
    );
    github.next(Person::Stranger);
    let stderr = cluster.login(&browser, &by_name).fails(1);
    assert!(
        stderr.contains("the single sign-on was refused"),
        "{stderr}"
    );

    github.next(Person::Member);
    let ran = cluster.login(&browser, &by_name);
    let stderr = &ran.stderr;
    assert!(
        ran.code == 0
            && stderr.contains("Log in to sso with Octo Hub")
            && stderr.contains("http://127.0.0.1:")
            && stderr.contains("Logged in to sso as octo"),
        "{ran}"
    );
    let status = cluster.postern(&["status", "--format", "json"]).json();
    assert_eq!(status["user"], "octo");
    assert_eq!(status["roles"], serde_json::json!(["access"]));
    // The cluster takes the certificate.
    let clusters = cluster.postern(&["clusters", "--format", "json"]).json();
    assert_eq!(clusters[0]["cluster_name"], "sso");
    // The way is remembered with the login, and need not be named again.
    let ran = cluster.login(&browser, &["--force"]);
    assert!(ran.code == 0 && ran.stderr.contains("Octo Hub"), "{ran}");
}
