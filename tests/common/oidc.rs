//! A real identity provider, npm's oidc-provider, and a person with a browser; a demo cluster that trusts the provider.

#![expect(clippy::print_stderr, reason = "a skipped test is said, not hidden")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use reqwest::Url;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use super::demo::Demo;
use super::env::TestEnv;
use super::ran::Ran;
use super::{first_line, wait_for};

/// How long a page, a line or an end may take.
const SOON: Duration = Duration::from_secs(60);

/// A demo cluster with a leaf whose default way to log in is the connector `corp`.
pub(crate) struct World {
    pub(crate) demo: &'static Demo,
    provider: Provider,
}

/// A running provider.
struct Provider {
    dir: tempfile::TempDir,
    port: String,
    // The kernel ends it with the thread that started it.
    _child: Child,
}

/// Where the provider's program lies; `None`, said aloud, where it cannot be had.
fn modules() -> Option<PathBuf> {
    if let Some(place) = std::env::var_os("POSTERN_TEST_OIDC").filter(|place| !place.is_empty()) {
        return Some(place.into());
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oidc");
    let ran = Command::new(script).stdin(Stdio::null()).output();
    let ran = ran.expect("the script starts");
    if ran.status.success() {
        let place = String::from_utf8(ran.stdout).expect("a path");
        return Some(place.trim().into());
    }
    eprintln!(
        "skipped: no identity provider: {}",
        String::from_utf8_lossy(&ran.stderr).trim()
    );
    None
}

impl World {
    /// The one that all tests share; `None`, said aloud, where there is no provider.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<World>> = OnceLock::new();
        SHARED
            .get_or_init(|| Some(Self::start(&modules()?)))
            .as_ref()
    }

    fn start(modules: &Path) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("po")
            .tempdir()
            .expect("a directory");
        certificates(dir.path());
        let state = tempfile::Builder::new()
            .prefix(&format!("pd{}-", std::process::id()))
            .tempdir()
            .expect("a directory")
            .keep();
        let trust = dir.path().join("ca.pem");
        let demo = Demo::start_with(
            &state,
            &["--no-second-factor"],
            &[("SSL_CERT_FILE", &trust)],
        );
        let demo: &'static Demo = Box::leak(Box::new(demo));
        let provider = Provider::start(dir, modules, &callback(demo));
        let world = Self { demo, provider };
        world.connect();
        world
    }

    /// Writes the documents: connectors, their default, and a role whose database roles are those of a claim, here and on the
    /// leaf.
    fn connect(&self) {
        let write = |path: &str, text: &str| {
            let path = self.demo.dir.join(path);
            let temporary = path.with_extension("new");
            std::fs::write(&temporary, text).expect("written");
            std::fs::rename(temporary, path).expect("in place");
        };
        let role = "kind: role\nversion: v7\nmetadata: {name: by-claims}\nspec:\n  options: {create_db_user_mode: keep, max_session_ttl: 2h}\n  \
                    allow:\n    db_labels: {mode: keep}\n    db_names: ['*']\n    db_roles: ['{{external.db_roles}}']\n";
        write("documents/by-claims.yaml", role);
        write("leaf/documents/by-claims.yaml", role);
        let trusted = self.demo.dir.join("leaf/documents/trusted-cluster.yaml");
        let text = std::fs::read_to_string(trusted).expect("a document");
        let wider = text.replace("^(auto-keep|plain)$", "^(auto-keep|plain|by-claims)$");
        assert_ne!(text, wider);
        write("leaf/documents/trusted-cluster.yaml", &wider);
        let connectors = [("corp", "rs"), ("corp-es", "es"), ("corp-ed", "ed")];
        let mut documents: Vec<String> = connectors
            .iter()
            .map(|(name, client)| self.connector(name, client, &self.issuer()))
            .collect();
        // Nobody listens there.
        documents.push(self.connector("gone", "rs", "https://localhost:1"));
        write("documents/oidc.yaml", &documents.join("---\n"));
        write(
            "documents/cluster-auth-preference.yaml",
            "kind: cluster_auth_preference\nversion: v2\nmetadata: {name: cluster-auth-preference}\n\
             spec: {type: oidc, connector_name: corp, second_factor: 'off', default_session_ttl: 12h}\n",
        );
        let browser = self.browser();
        let ping = format!("https://{}/webapi/ping", self.demo.proxy());
        wait_for("the documents", SOON, || {
            let ping: Value = serde_json::from_str(&browser.open(&ping).body).expect("JSON");
            (ping["auth"]["type"] == "oidc").then_some(())
        });
        let leaf = || {
            let status = Command::new(env!("CARGO_BIN_EXE_postern-cluster"))
                .args(["status", "--format", "json", "--dir"])
                .arg(self.demo.dir.join("leaf"))
                .output()
                .expect("a status");
            let status: Value = serde_json::from_slice(&status.stdout).expect("JSON");
            (status["roles"] == 4).then_some(())
        };
        wait_for("the documents of the leaf", SOON, leaf);
    }

    fn connector(&self, name: &str, client: &str, issuer: &str) -> String {
        let connector = json!({
            "kind": "oidc", "version": "v3", "metadata": {"name": name},
            "spec": {
                "issuer_url": issuer, "client_id": client, "client_secret": format!("secret of {client} & more: 100%"),
                "redirect_url": [callback(self.demo)], "display": format!("Corp {client}"), "scope": ["groups"], "prompt": "",
                "claims_to_roles": [
                    {"claim": "groups", "value": "dba", "roles": ["by-claims"]},
                    {"claim": "groups", "value": "^team-(.*)$", "roles": ["$1"]},
                ],
            },
        });
        format!("{connector}\n")
    }

    /// Where the provider is.
    pub(crate) fn issuer(&self) -> String {
        format!("https://localhost:{}", self.provider.port)
    }

    /// Sets what the provider says about somebody from the next login on.
    pub(crate) fn account(&self, name: &str, claims: Value) {
        static ACCOUNTS: Mutex<BTreeMap<String, Value>> = Mutex::new(BTreeMap::new());
        let mut accounts = ACCOUNTS.lock().expect("no panic");
        accounts.insert(name.to_owned(), claims);
        let path = self.provider.dir.path().join("accounts.json");
        let temporary = path.with_extension("new");
        std::fs::write(&temporary, json!(*accounts).to_string()).expect("written");
        std::fs::rename(temporary, path).expect("in place");
    }

    /// Somebody at a browser that nobody has used before.
    pub(crate) fn browser(&self) -> Browser {
        let trusted = [
            self.provider.dir.path().join("ca.pem"),
            self.demo.ca_file().into(),
        ];
        Browser::new(&trusted)
    }

    /// Begins a login of the client at a new computer, or again at `env`; it waits for the browser.
    pub(crate) fn begin(&self, env: &TestEnv, flags: &[&str]) -> Login {
        let (proxy, ca) = (self.demo.proxy(), self.demo.ca_file());
        let mut args = vec!["login", "--proxy", &proxy, "--ca-file", &ca];
        args.extend(["--key-store", "file", "--browser", "none"]);
        args.extend(flags);
        Login::start(env.postern(&args))
    }

    /// A whole login.
    #[track_caller]
    pub(crate) fn login(&self, env: &TestEnv, account: &str, flags: &[&str]) -> Ran {
        let login = self.begin(env, flags);
        let _ = self.browser().log_in(&login.link(), account);
        login.end()
    }
}

/// Where the provider sends browsers back.
fn callback(demo: &Demo) -> String {
    format!("https://{}/v1/webapi/oidc/callback", demo.proxy())
}

/// An authority, and a certificate of it for `localhost`.
fn certificates(dir: &Path) {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().expect("a key");
    let ca = params.self_signed(&ca_key).expect("an authority");
    let issuer = Issuer::new(params, ca_key);
    let key = KeyPair::generate().expect("a key");
    let cert = CertificateParams::new(vec!["localhost".to_owned()])
        .expect("a name")
        .signed_by(&key, &issuer)
        .expect("a certificate");
    for (name, text) in [
        ("ca.pem", ca.pem()),
        ("cert.pem", cert.pem()),
        ("key.pem", key.serialize_pem()),
        ("accounts.json", "{}".to_owned()),
    ] {
        std::fs::write(dir.join(name), text).expect("written");
    }
}

impl Provider {
    fn start(dir: tempfile::TempDir, modules: &Path, callback: &str) -> Self {
        let at = |name: &str| dir.path().join(name);
        let settings = json!({"modules": modules, "cert": at("cert.pem"), "key": at("key.pem"), "accounts": at("accounts.json"),
            "callbacks": [callback]});
        std::fs::write(at("settings.json"), settings.to_string()).expect("written");
        let log = std::fs::File::create(at("log")).expect("a file");
        let (settings, node) = (at("settings.json"), modules.join("node"));
        let (give, take) = mpsc::channel();
        // It lives as long as the thread that starts it, and that one as long as the process.
        std::thread::spawn(move || {
            let child = Command::new("setpriv")
                .args(["--pdeathsig", "KILL"])
                .arg(node)
                .arg(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/tests/oidc-provider/server.mjs"
                ))
                .arg(settings)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(log)
                .spawn()
                .expect("node starts");
            give.send(child).expect("the test waits");
            loop {
                std::thread::park();
            }
        });
        let mut child = take.recv().expect("a child");
        let port = first_line(child.stdout.take().expect("a pipe"));
        let log = || std::fs::read_to_string(dir.path().join("log")).unwrap_or_default();
        assert!(!port.is_empty(), "the provider does not start: {}", log());
        Self {
            port: port.trim().to_owned(),
            dir,
            _child: child,
        }
    }
}

/// A program that waits for its user to come back from a browser.
pub(crate) struct Login {
    child: Child,
    lines: mpsc::Receiver<String>,
    said: Mutex<String>,
}

impl Login {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let (give, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // Nobody may be listening any more.
                let _ = give.send(line);
            }
        });
        Self {
            child,
            lines,
            said: Mutex::default(),
        }
    }

    /// The address it asks its user to open.
    pub(crate) fn link(&self) -> String {
        loop {
            let said = || self.said.lock().expect("no panic");
            let line = self.lines.recv_timeout(SOON);
            let line = line.unwrap_or_else(|e| panic!("no address ({e}) in: {}", said()));
            said().push_str(&line);
            said().push('\n');
            let word = line.split_whitespace().next_back().unwrap_or_default();
            if word.starts_with("http://127.0.0.1:") {
                return word.to_owned();
            }
        }
    }

    /// Waits for its end.
    pub(crate) fn end(self) -> Ran {
        let ran = Ran::end_of(self.child);
        let mut stderr = self.said.into_inner().expect("no panic");
        for line in self.lines {
            stderr.push_str(&line);
            stderr.push('\n');
        }
        Ran { stderr, ..ran }
    }
}

/// A page as a browser has it in the end.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// As much of a browser as logins need: cookies, redirects, pages that lead on, forms.
pub(crate) struct Browser {
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    cookies: Mutex<BTreeMap<String, BTreeMap<String, String>>>,
    history: Mutex<Vec<String>>,
}

impl Browser {
    fn new(trusted: &[PathBuf]) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        for path in trusted {
            let pem = std::fs::read(path).expect("a file");
            roots.add_parsable_certificates(
                CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok),
            );
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(SOON)
            .build()
            .expect("a client");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        Self {
            client,
            runtime,
            cookies: Mutex::default(),
            history: Mutex::default(),
        }
    }

    /// Opens an address and goes wherever it leads.
    pub(crate) fn open(&self, url: &str) -> Page {
        self.go(url.parse().expect("an address"), None)
    }

    /// The first address that was opened and holds this text.
    pub(crate) fn visited(&self, text: &str) -> Option<String> {
        let history = self.history.lock().expect("no panic");
        history.iter().find(|url| url.contains(text)).cloned()
    }

    /// Opens the provider's page of login.
    pub(crate) fn to_login(&self, link: &str) -> Page {
        let page = self.open(link);
        assert!(page.body.contains("name=\"login\""), "no login: {page:?}");
        page
    }

    /// Logs in at the provider, agrees, and gives the page on which that ends.
    pub(crate) fn log_in(&self, link: &str, account: &str) -> Page {
        let page = self.to_login(link);
        self.fill_in(&page, account)
    }

    /// The same from the page of login on.
    pub(crate) fn fill_in(&self, page: &Page, account: &str) -> Page {
        let mut page = self.submit(
            page,
            &[("prompt", "login"), ("login", account), ("password", "x")],
        );
        while page.body.contains("value=\"consent\"") {
            page = self.submit(&page, &[("prompt", "consent")]);
        }
        page
    }

    /// Goes back without logging in.
    pub(crate) fn give_up(&self, page: &Page) -> Page {
        self.open(&format!("{}/abort", page.url))
    }

    fn submit(&self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let action = page.body.split("action=\"").nth(1);
        let action = action.and_then(|rest| rest.split('"').next());
        let action = action.unwrap_or_else(|| panic!("no form: {page:?}"));
        let mut form = Url::parse("http://x/").expect("an address");
        form.query_pairs_mut().extend_pairs(fields);
        let form = form.query().unwrap_or_default().to_owned();
        self.go(page.url.join(action).expect("an address"), Some(form))
    }

    fn go(&self, mut url: Url, mut form: Option<String>) -> Page {
        for _ in 0..20 {
            self.history.lock().expect("no panic").push(url.to_string());
            let (status, location, body) = self.runtime.block_on(self.ask(&url, form.take()));
            if let Some(location) = location {
                url = url.join(&location).expect("an address");
                continue;
            }
            let refresh = body.split("content=\"0;URL='").nth(1);
            let Some(next) = refresh.and_then(|rest| rest.split('\'').next()) else {
                return Page { url, status, body };
            };
            let next = next.replace("&#43;", "+").replace("&amp;", "&");
            url = url.join(&next).expect("an address");
        }
        panic!("led round and round: {url}");
    }

    async fn ask(&self, url: &Url, form: Option<String>) -> (u16, Option<String>, String) {
        let host = url.authority().to_owned();
        let kept = {
            let cookies = self.cookies.lock().expect("no panic");
            let own = cookies.get(&host).into_iter().flatten();
            let own: Vec<String> = own.map(|(name, value)| format!("{name}={value}")).collect();
            own.join("; ")
        };
        let request = match form {
            None => self.client.get(url.clone()),
            Some(form) => self
                .client
                .post(url.clone())
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form),
        };
        let answer = request.header("cookie", kept).send().await;
        let answer = answer.unwrap_or_else(|e| panic!("{url}: {e:?}"));
        self.keep(host, answer.headers());
        let status = answer.status().as_u16();
        let location = answer.headers().get("location");
        let location = location.map(|to| to.to_str().expect("text").to_owned());
        (status, location, answer.text().await.expect("a page"))
    }

    /// Keeps the cookies that a host gives.
    fn keep(&self, host: String, headers: &reqwest::header::HeaderMap) {
        let mut cookies = self.cookies.lock().expect("no panic");
        let own = cookies.entry(host).or_default();
        for cookie in headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            let pair = cookie.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a cookie");
            if value.is_empty() {
                own.remove(name);
            } else {
                own.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
