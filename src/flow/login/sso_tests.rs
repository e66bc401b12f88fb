//! Single sign-on against recorded answers: what the cluster is told, and what a browser may bring.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::LOCATION;
use serde_json::{Value, json};
use url::Url;

use super::scripted::*;
use super::*;
use crate::profile::KeyLocation;
use crate::profile::keys::KeyPair;

/// Unix seconds at which the recordings' certificates are valid.
const RECORDED: i64 = 1_795_420_800;
const PATIENCE: Duration = Duration::from_secs(60);

fn clock() -> i64 {
    RECORDED
}

/// The recorded ping of a connector, as that of another kind when asked for: all have the same members (login.md 2.3).
fn ping_of(kind: &str) -> Value {
    let mut ping = ping("ping-github");
    let auth = &mut ping["body"]["auth"];
    let connector = auth["github"].take();
    auth["type"] = json!(kind);
    auth[kind] = connector;
    ping
}

/// A login under way, up to the point where somebody has to go to a browser.
async fn away(kind: &str, console: Value, key: &KeyPair) -> (Proxy, Away, Value) {
    let proxy = Proxy::start(vec![ping_of(kind), console], &http_date(RECORDED)).await;
    let door = discover(
        std::slice::from_ref(&proxy.addr),
        &proxy.trust,
        Some("github"),
        &Arc::default(),
    )
    .await
    .expect("a proxy");
    door.supported().expect("a browser is enough");
    let callback = Callback::open(&Listen::default()).await.expect("a port");
    let away = door
        .console(callback, key, None, &clock)
        .await
        .expect("where to go");
    let (path, request) = proxy.seen.requests.lock().expect("no panic")[1].clone();
    assert_eq!(path, format!("/webapi/{kind}/login/console"));
    (proxy, away, request)
}

/// What the cluster would seal, with the key that it was told.
fn sealed(redirect_url: &str, content: &Value) -> String {
    use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    let url = Url::parse(redirect_url).expect("an address");
    let (_, hex) = url.query_pairs().next().expect("a key");
    let key: Vec<u8> = (0..32)
        .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hex"))
        .collect();
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("32 bytes"));
    let mut text = content.to_string().into_bytes();
    key.seal_in_place_append_tag(
        Nonce::assume_unique_for_key([7; 12]),
        Aad::empty(),
        &mut text,
    )
    .expect("sealed");
    json!({"ciphertext": STANDARD.encode(text), "nonce": STANDARD.encode([7; 12])}).to_string()
}

/// A browser that does not follow: the status, and where it is sent.
async fn get(url: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let url = Url::parse_with_params(url, fields).expect("an address");
    let response = plain().get(url).send().await.expect("an answer");
    let to = response
        .headers()
        .get(LOCATION)
        .map(|to| to.to_str().expect("text").to_owned());
    (response.status().as_u16(), to.unwrap_or_default())
}

fn plain() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a client")
}

fn callback_of(redirect_url: &str) -> String {
    redirect_url.split_once('?').expect("a key").0.to_owned()
}

#[tokio::test]
async fn the_start_is_the_recorded_one_for_every_kind() {
    let recorded_request: Value = serde_json::from_str(include_str!(
        "../../../tests/data/login/sequences/login-github.json"
    ))
    .expect("JSON");
    let requests = recorded_request["connections_in_order"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|c| c["requests"].as_array())
        .flatten();
    let of_tsh = requests
        .clone()
        .find(|r| r["path"] == "/webapi/github/login/console")
        .expect("recorded")["body"]
        .clone();
    for kind in ["github", "oidc", "saml"] {
        let key = KeyPair::generate();
        let (_proxy, away, request) = away(kind, recorded("sso/sso-1-console"), &key).await;
        // No key for SSH is asked for; the rest has the members and types of tsh's request.
        let mut expected = of_tsh.clone();
        expected
            .as_object_mut()
            .expect("an object")
            .remove("ssh_pub_key");
        let names = |value: &Value| -> Vec<(String, &'static str)> {
            let kind = |v: &Value| if v.is_i64() { "number" } else { "text" };
            let object = value.as_object().expect("an object");
            object.iter().map(|(k, v)| (k.clone(), kind(v))).collect()
        };
        assert_eq!(names(&request), names(&expected), "{kind}");
        for same in ["cert_ttl", "connector_id", "client_version"] {
            assert_eq!(request[same], expected[same], "{kind}");
        }
        let verifier = request["PKCEVerifier"].as_str().expect("text");
        assert_eq!(
            verifier.len(),
            of_tsh["PKCEVerifier"].as_str().expect("text").len()
        );
        let url = Url::parse(request["redirect_url"].as_str().expect("text")).expect("a URL");
        assert_eq!(
            (url.scheme(), url.host_str(), url.path()),
            ("http", Some("127.0.0.1"), "/callback")
        );
        let link = Url::parse(&away.link()).expect("a URL");
        assert_eq!((link.host_str(), link.port()), (url.host_str(), url.port()));
        assert_eq!(link.path().len(), 37, "{link}");
    }
}

#[tokio::test]
async fn an_old_cluster_gets_the_key_in_its_own_field() {
    let mut old = ping_of("github");
    old["body"]["server_version"] = json!("14.3.3");
    let proxy = Proxy::start(
        vec![old, recorded("sso/sso-1-console")],
        &http_date(RECORDED),
    )
    .await;
    let callback = Callback::open(&Listen::default()).await.expect("a port");
    let key = KeyPair::generate();
    let door = proxy.door().await;
    let _away = door
        .console(callback, &key, None, &clock)
        .await
        .expect("where to go");
    let request = proxy.seen.requests.lock().expect("no panic")[1].1.clone();
    let line = STANDARD
        .decode(request["public_key"].as_str().expect("text"))
        .expect("base64");
    assert!(line.starts_with(b"ecdsa-sha2-nistp256 ") && line.ends_with(b"\n"));
    assert!(request.get("tls_pub_key").is_none());
}

#[tokio::test]
async fn only_what_was_sealed_for_this_login_ends_it() {
    let key = KeyPair::generate();
    let (proxy, away, request) = away("github", recorded("sso/sso-1-console"), &key).await;
    let redirect_url = request["redirect_url"].as_str().expect("text").to_owned();
    let callback = callback_of(&redirect_url);
    let link = away.link();
    let good = sealed(&redirect_url, &granted(&key, RECORDED, 3600)["body"]);
    let another = format!("{callback}?secret_key={}", "ab".repeat(32));
    let foreign = sealed(&another, &granted(&key, RECORDED, 3600)["body"]);
    let failure = format!("https://{}/web/msg/error/login", proxy.addr);
    let browser = async {
        let console = &recorded("sso/sso-1-console")["body"]["redirect_url"];
        assert_eq!(
            get(&link, &[]).await,
            (302, console.as_str().expect("text").to_owned())
        );
        for (fields, why) in [
            (vec![], "nothing"),
            (vec![("response", foreign.as_str())], "another login's"),
            (vec![("response", "{}")], "not sealed"),
            (vec![("err", "no")], "a refusal without the key"),
            (
                vec![("err", "no"), ("secret_key", "abab")],
                "a refusal with another key",
            ),
        ] {
            assert_eq!(
                get(&callback, &fields).await,
                (302, failure.clone()),
                "{why}"
            );
        }
        let origin = callback.trim_end_matches("/callback");
        assert_eq!(get(origin, &[]).await.0, 404);
        assert_eq!(get(&format!("{origin}/callback/x"), &[]).await.0, 404);
        for (method, status) in [("OPTIONS", 200), ("PUT", 405), ("HEAD", 405)] {
            let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
            let response = plain()
                .request(method, &callback)
                .send()
                .await
                .expect("an answer");
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["allow"], "GET, OPTIONS, POST");
            assert_eq!(response.headers()["access-control-allow-origin"], "*");
        }
        // A connection that says nothing does not hold up the end.
        let idle = tokio::net::TcpStream::connect(
            origin.trim_start_matches("http://").trim_end_matches('/'),
        )
        .await
        .expect("a connection");
        assert_eq!(
            get(&callback, &[("response", &good)]).await,
            (
                302,
                format!("https://{}/web/msg/info/login_success", proxy.addr)
            )
        );
        idle
    };
    let (fresh, _idle) = tokio::join!(away.wait(&key, PATIENCE, &clock), browser);
    let location = KeyLocation::File {
        name: "1.pem".to_owned(),
    };
    let profile = fresh
        .expect("granted")
        .profile(&proxy.addr, location, RECORDED);
    assert_eq!(profile.user, "u01");
    assert!(profile.by_sso());
    assert_eq!(profile.auth.expect("known").connector, "github");
    // The port is free again, and the same answer leads nowhere.
    assert!(plain().get(&callback).send().await.is_err());
}

#[tokio::test]
async fn a_form_of_saml_is_shown_and_its_answer_may_be_posted() {
    let key = KeyPair::generate();
    let page = "<form method=\"POST\" action=\"https://idp\"></form>";
    let mut console = recorded("sso/sso-1-console");
    console["body"] = json!({"redirect_url": "", "post_form": STANDARD.encode(page)});
    let (_proxy, away, request) = away("saml", console, &key).await;
    let redirect_url = request["redirect_url"].as_str().expect("text").to_owned();
    let good = sealed(&redirect_url, &granted(&key, RECORDED, 3600)["body"]);
    let link = away.link();
    let browser = async {
        let shown = plain().get(&link).send().await.expect("a page");
        assert_eq!(shown.status(), 200);
        assert_eq!(shown.headers()["content-type"], "text/html; charset=utf-8");
        assert_eq!(shown.text().await.expect("text"), page);
        let mut form = Url::parse("http://x/").expect("a URL");
        form.query_pairs_mut().append_pair("response", &good);
        let posted = plain()
            .post(callback_of(&redirect_url))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.query().expect("a form").to_owned())
            .send()
            .await
            .expect("an answer");
        assert_eq!(posted.status(), 302);
    };
    let (fresh, ()) = tokio::join!(away.wait(&key, PATIENCE, &clock), browser);
    fresh.expect("granted");
}

/// What the recorded page of the proxy sends the browser to, with the key of this login in place of the recorded one.
fn denied(redirect_url: &str) -> Url {
    let page: Value = serde_json::from_str(include_str!(
        "../../../tests/data/login/sso/sso-denied-2-callback.json"
    ))
    .expect("JSON");
    let html = page["response"]["body_text"].as_str().expect("text");
    let url = html
        .split_once("URL='")
        .and_then(|(_, rest)| rest.split_once('\''))
        .expect("an address")
        .0
        .replace("&#43;", "+")
        .replace("&amp;", "&");
    let recorded = Url::parse(&url).expect("an address");
    let (_, err) = recorded
        .query_pairs()
        .find(|(name, _)| name == "err")
        .expect("a text");
    let mut url = Url::parse(redirect_url).expect("an address");
    url.query_pairs_mut().append_pair("err", &err);
    url
}

#[tokio::test]
async fn a_refusal_of_the_provider_ends_the_login_with_its_text() {
    let key = KeyPair::generate();
    let (proxy, away, request) = away("github", recorded("sso/sso-1-console"), &key).await;
    let url = denied(request["redirect_url"].as_str().expect("text"));
    let browser = async {
        let (status, to) = get(url.as_str(), &[]).await;
        assert_eq!(
            (status, to),
            (302, format!("https://{}/web/msg/error/login", proxy.addr))
        );
    };
    let (refused, ()) = tokio::join!(away.wait(&key, PATIENCE, &clock), browser);
    let Err(LoginError::Refused { message, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert!(
        message.starts_with("GitHub returned error: no [access_denied]"),
        "{message}"
    );
}

#[tokio::test]
async fn a_key_policy_that_software_cannot_meet_is_named() {
    let key = KeyPair::generate();
    let (proxy, away, request) = away("oidc", recorded("sso/sso-1-console"), &key).await;
    let url = request["redirect_url"].as_str().expect("text").to_owned();
    let fields = [("err", "private key policy not met: hardware_key_touch")];
    let (refused, _) = tokio::join!(away.wait(&key, PATIENCE, &clock), get(&url, &fields));
    assert_eq!(
        refused.expect_err("no hardware"),
        LoginError::Unsupported {
            proxy: proxy.addr.clone(),
            method: Unsupported::HardwareKey("hardware_key_touch".to_owned())
        }
    );
}

#[tokio::test]
async fn a_sealed_answer_that_is_of_no_use_is_a_failure_for_the_browser_too() {
    let key = KeyPair::generate();
    let (proxy, away, request) = away("github", recorded("sso/sso-1-console"), &key).await;
    let redirect_url = request["redirect_url"].as_str().expect("text").to_owned();
    let other = KeyPair::generate();
    let wrong = sealed(&redirect_url, &granted(&other, RECORDED, 3600)["body"]);
    let callback = callback_of(&redirect_url);
    let fields = [("response", wrong.as_str())];
    let (result, to) = tokio::join!(away.wait(&key, PATIENCE, &clock), get(&callback, &fields));
    assert_eq!(
        to,
        (302, format!("https://{}/web/msg/error/login", proxy.addr))
    );
    let error = result.expect_err("useless");
    assert!(error.to_string().contains("another key"), "{error}");
}

#[tokio::test]
async fn nobody_comes_back() {
    let key = KeyPair::generate();
    let (_proxy, away, request) = away("github", recorded("sso/sso-1-console"), &key).await;
    let url = request["redirect_url"].as_str().expect("text").to_owned();
    let callback = callback_of(&url);
    let patience = Duration::from_millis(1500);
    let fields = [("response", "{}")];
    let (result, _) = tokio::join!(away.wait(&key, patience, &clock), get(&callback, &fields));
    assert_eq!(
        result.expect_err("too late"),
        LoginError::NoCallback {
            seconds: 1,
            strays: 1
        }
    );
}

#[tokio::test]
async fn another_address_may_be_listened_on_and_announced() {
    let open = |bind: &str, public: Option<&str>| {
        let listen = Listen {
            bind: Some(bind.to_owned()),
            public: public.map(str::to_owned),
        };
        async move { Callback::open(&listen).await }
    };
    let callback = open("0.0.0.0:0", None).await.expect("a port");
    let port = callback.at().port();
    assert!(
        callback
            .redirect_url()
            .starts_with(&format!("http://0.0.0.0:{port}/callback?"))
    );
    // Nobody can open that; the person gets one that works here.
    assert!(
        callback
            .link()
            .starts_with(&format!("http://127.0.0.1:{port}/"))
    );
    for (public, base) in [
        ("dev.example.com", "https://dev.example.com/"),
        ("dev.example.com:8443", "https://dev.example.com:8443/"),
        ("http://10.0.0.7:3100/", "http://10.0.0.7:3100/"),
    ] {
        let callback = open("127.0.0.1:0", Some(public)).await.expect("a port");
        assert!(callback.link().starts_with(base), "{}", callback.link());
        assert!(
            callback
                .redirect_url()
                .starts_with(&format!("{base}callback?secret_key="))
        );
    }
    for bad in [
        "ftp://x",
        "https://u@x",
        "https://x/path",
        "https://x?q=1",
        "https://",
        "a b",
    ] {
        let error = open("127.0.0.1:0", Some(bad)).await.expect_err(bad);
        assert!(
            matches!(error, LoginError::CallbackAddress(_)),
            "{bad}: {error}"
        );
    }
    let taken = open("127.0.0.1:0", None).await.expect("a port");
    let again = open(&taken.at().to_string(), None)
        .await
        .expect_err("taken");
    assert!(matches!(again, LoginError::Listen { .. }), "{again}");
}
