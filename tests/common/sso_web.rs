//! The web port of a cluster whose default is a single sign-on, as recorded, and a person who goes through a browser.
//!
//! Ping, start and the last page are the recorded ones of Teleport 18.3.0; put in are what differs from login to login: the
//! address of this port, the certificate for the key that came, and the answer sealed with the key that came.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern::cluster::ca::{Authority, CaKind, SubjectPublicKey};
use postern::identity::{Certificate, Identity};
use reqwest::Url;
use reqwest::header::LOCATION;
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::{Value, json};

use super::github::head;

/// The protocol of a connection that only tests whether connections have to be upgraded (transport.md 5.1).
const TEST: &[u8] = b"teleport-reversetunnel";

/// What a SAML connector wants the browser to show.
const FORM: &str = "<form method=\"POST\" action=\"IDP\"><input name=\"SAMLRequest\"></form>";

/// A running web port.
pub(crate) struct SsoWeb {
    /// `localhost:port`.
    pub(crate) addr: String,
    /// Its authority, PEM.
    pub(crate) ca: String,
    state: Arc<State>,
}

struct State {
    addr: String,
    kind: &'static str,
    /// Callbacks elsewhere are allowed, as by the connector's `client_redirect_settings`.
    anywhere: bool,
    willing: Mutex<bool>,
    /// Path and body of every request.
    seen: Mutex<Vec<(String, Value)>>,
}

fn recorded(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/login");
    let text = std::fs::read(path.join(format!("{name}.json"))).expect("a recording");
    let exchange: Value = serde_json::from_slice(&text).expect("JSON");
    exchange["response"].clone()
}

impl SsoWeb {
    /// Starts one whose default is a connector of this kind: `github`, `oidc`, `saml`.
    pub(crate) fn start(kind: &'static str) -> Self {
        Self::with(kind, false)
    }

    /// The same; its connector lets browsers go back to any host.
    pub(crate) fn to_anywhere(kind: &'static str) -> Self {
        Self::with(kind, true)
    }

    fn with(kind: &'static str, anywhere: bool) -> Self {
        let mut params =
            rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().expect("a key");
        let cert = params.self_signed(&key).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![cert.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .expect("a configuration");
        config.alpn_protocols = vec![b"http/1.1".to_vec(), TEST.to_vec()];
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = format!(
            "localhost:{}",
            listener.local_addr().expect("an address").port()
        );
        let state = Arc::new(State {
            addr: addr.clone(),
            kind,
            anywhere,
            willing: Mutex::new(true),
            seen: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let (config, state) = (Arc::clone(&config), Arc::clone(&shared));
                // A connection that only tests ends early.
                std::thread::spawn(move || drop(state.serve(stream, config)));
            }
        });
        Self {
            addr,
            ca: cert.pem(),
            state,
        }
    }

    /// From now on people say no at the identity provider.
    pub(crate) fn unwilling(&self) {
        *self.state.willing.lock().expect("no panic") = false;
    }

    /// The starts of logins that came, with their paths.
    pub(crate) fn starts(&self) -> Vec<(String, Value)> {
        let seen = self.state.seen.lock().expect("no panic");
        let starts = seen.iter().filter(|(path, _)| path.ends_with("/console"));
        starts.cloned().collect()
    }
}

impl State {
    fn serve(&self, tcp: TcpStream, config: Arc<rustls::ServerConfig>) -> std::io::Result<()> {
        let tls = rustls::ServerConnection::new(config).map_err(std::io::Error::other)?;
        let mut stream = rustls::StreamOwned::new(tls, tcp);
        loop {
            let (line, body) = head(&mut stream)?;
            let Some(path) = line.split(' ').nth(1) else {
                return Ok(());
            };
            let body = serde_json::from_slice(&body).unwrap_or_default();
            let answer = self.answer(path, &body);
            let mut seen = self.seen.lock().expect("no panic");
            seen.push((path.to_owned(), body));
            drop(seen);
            write(&mut stream, &answer)?;
        }
    }

    fn answer(&self, path: &str, body: &Value) -> Value {
        let start = format!("/webapi/{}/login/console", self.kind);
        if path == "/webapi/ping" || path == "/webapi/ping/corp" {
            self.ping()
        } else if path == start {
            self.console(body)
        } else if path == "/idp" {
            self.last_page()
        } else {
            recorded("path-not-found")
        }
    }

    fn ping(&self) -> Value {
        let mut ping = recorded("discovery/ping-github");
        let auth = &mut ping["body"]["auth"];
        let mut connector = auth["github"].take();
        connector["name"] = json!("corp");
        connector["display"] = json!("Corp");
        auth["type"] = json!(self.kind);
        auth[self.kind] = connector;
        ping["body"]["proxy"]["ssh"]["public_addr"] = json!(self.addr);
        ping
    }

    fn console(&self, body: &Value) -> Value {
        let back = Url::parse(body["redirect_url"].as_str().unwrap_or_default());
        let here = back.is_ok_and(|url| matches!(url.host_str(), Some("127.0.0.1" | "[::1]")));
        if !here && !self.anywhere {
            return recorded("sso/sso-unspecified-ip");
        }
        let mut console = recorded("sso/sso-1-console");
        let idp = format!("https://{}/idp", self.addr);
        console["body"] = match self.kind {
            "saml" => {
                json!({"redirect_url": "", "post_form": STANDARD.encode(FORM.replace("IDP", &idp))})
            }
            _ => json!({"redirect_url": idp, "post_form": ""}),
        };
        console
    }

    /// The page on which the cluster sends the browser back: the recorded one, with the address of this login in it.
    fn last_page(&self) -> Value {
        let seen = self.seen.lock().expect("no panic");
        let start = seen.iter().rfind(|(path, _)| path.ends_with("/console"));
        let start = start.expect("a start").1.clone();
        drop(seen);
        let mut back = Url::parse(start["redirect_url"].as_str().expect("text")).expect("a URL");
        let mut page = if *self.willing.lock().expect("no panic") {
            let sealed = sealed(&back, &granted(&start));
            back.query_pairs_mut()
                .clear()
                .append_pair("response", &sealed);
            recorded("sso/sso-2-callback")
        } else {
            let page = recorded("sso/sso-denied-2-callback");
            let err = refresh(page["body_text"].as_str().expect("text"));
            let (_, err) = err.query_pairs().next().expect("a text");
            back.query_pairs_mut().append_pair("err", &err);
            page
        };
        let html = page["body_text"].as_str().expect("text");
        let (before, rest) = html.split_once("URL='").expect("an address");
        let (_, after) = rest.split_once('\'').expect("its end");
        let escaped = back
            .as_str()
            .replace('&', "&amp;")
            .replace('+', "&#43;")
            .replace('\'', "&#39;");
        page["body_text"] = json!(format!("{before}URL='{escaped}'{after}"));
        page
    }
}

fn write(stream: &mut impl Write, answer: &Value) -> std::io::Result<()> {
    let (kind, body) = match answer["body_text"].as_str() {
        Some(html) => ("text/html", html.to_owned()),
        None => ("application/json", answer["body"].to_string()),
    };
    let text = format!(
        "HTTP/1.1 {} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
        answer["status"],
        body.len()
    );
    stream.write_all(text.as_bytes())?;
    stream.flush()
}

/// The recorded answer of a login, with a certificate for the key that came: `carol`, for an hour.
fn granted(start: &Value) -> Value {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a time");
    let now = i64::try_from(now.as_secs()).expect("not that late");
    let identity = Identity {
        username: "carol".to_owned(),
        roles: vec!["access".to_owned()],
        teleport_cluster: "root.example.com".to_owned(),
        ..Identity::default()
    };
    let authority =
        Authority::generate(CaKind::User, "root.example.com", now - 1000).expect("an authority");
    let key = STANDARD
        .decode(start["tls_pub_key"].as_str().expect("a key"))
        .expect("base64");
    let key = SubjectPublicKey::from_pem(&key).expect("a key");
    let der = authority
        .issue_user(&identity, &key, now - 60, now + 3600)
        .expect("a certificate");
    let pem = Certificate::from_der(&der).expect("a certificate").to_pem();
    let mut answer = recorded("finish/finish-ok-tls-only-p256")["body"].clone();
    answer["tls_cert"] = json!(STANDARD.encode(pem));
    answer["username"] = json!("carol");
    answer
}

/// Seals with the key in the address (login.md 6.5).
fn sealed(back: &Url, content: &Value) -> String {
    use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    let (_, hex) = back.query_pairs().next().expect("a key");
    let key: Vec<u8> = (0..32)
        .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hex"))
        .collect();
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("32 bytes"));
    let nonce = [9; 12];
    let mut text = content.to_string().into_bytes();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut text)
        .expect("sealed");
    json!({"ciphertext": STANDARD.encode(text), "nonce": STANDARD.encode(nonce)}).to_string()
}

/// Where a page leads by itself.
fn refresh(html: &str) -> Url {
    let (_, rest) = html.split_once("URL='").expect("an address");
    let (url, _) = rest.split_once('\'').expect("its end");
    let url = url
        .replace("&#43;", "+")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
    Url::parse(&url).expect("an address")
}

/// Goes from the printed address to the end, as a browser does, and gives the page it ends at. `at`: where the computer of the
/// login is reached, when the addresses name another host.
pub(crate) fn visit(link: &str, at: Option<&str>) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let here = |url: Url| match at {
        None => url,
        Some(at) => {
            let there = url.as_str().splitn(4, '/').nth(3).unwrap_or_default();
            Url::parse(&format!("http://{at}/{there}")).expect("a URL")
        }
    };
    runtime.block_on(async {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let browser = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .danger_accept_invalid_certs(true)
            .no_proxy()
            .build()
            .expect("a browser");
        let get = |url: Url| {
            let request = browser.get(url).send();
            async { request.await.expect("an answer") }
        };
        let to = |answer: &reqwest::Response| {
            let to = answer.headers().get(LOCATION).expect("an address");
            to.to_str().expect("text").to_owned()
        };
        let first = get(here(Url::parse(link).expect("a URL"))).await;
        let idp = if first.status().as_u16() == 302 {
            to(&first)
        } else {
            let page = first.text().await.expect("a page");
            let (_, rest) = page.split_once("action=\"").expect("a form");
            rest.split_once('"').expect("its end").0.to_owned()
        };
        let last = get(Url::parse(&idp).expect("a URL")).await;
        let back = refresh(&last.text().await.expect("a page"));
        to(&get(here(back)).await)
    })
}
