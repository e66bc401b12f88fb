//! The same on the wire, beside what a real proxy was recorded to answer to another kind of connector.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::{Extension, Router};
use serde_json::{Value, json};
use tower::ServiceExt;
use url::Url;

use super::fake::Fake;
use super::{cluster, query};
use crate::cluster::testing::{LOGIN, TestCluster, recorded_json};
use crate::cluster::web::{Peer, router};
use crate::identity::{Certificate, pem};
use crate::webapi::SecretKey;

fn served(cluster: &TestCluster) -> Router {
    router(cluster.state.clone()).layer(Extension(Peer(([127, 0, 0, 1], 5555).into())))
}

async fn ask(app: &Router, request: Request<Body>) -> Response {
    app.clone().oneshot(request).await.expect("an answer")
}

async fn get(app: &Router, path: &str) -> Response {
    ask(
        app,
        Request::get(path).body(Body::empty()).expect("a request"),
    )
    .await
}

async fn text(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await;
    String::from_utf8(bytes.expect("a body").into()).expect("text")
}

/// The recorded request of a client, for the connector `corp`.
fn recorded_body(name: &str) -> Value {
    let mut body = recorded_json(&format!("login/sso/{name}.json"))["request"]["body"].take();
    if body["connector_id"] == "github" {
        body["connector_id"] = json!("corp");
    }
    body
}

async fn console(app: &Router, body: &Value) -> Response {
    let request = Request::post("/webapi/oidc/login/console")
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()));
    ask(app, request.expect("a request")).await
}

/// Where a page leads, and the page with a mark in that place.
fn led(page: &str) -> (String, String) {
    let start = page.find("0;URL='").expect("a page that leads on") + 7;
    let end = start + page[start..].find('\'').expect("an end");
    let url = page[start..end].replace("&#43;", "+").replace("&amp;", "&");
    // The title is not what a browser goes by.
    let around = format!("{}URL{}", &page[..start], &page[end..]);
    (
        url,
        around.replace("Teleport Redirection Service", "Redirection"),
    )
}

#[tokio::test]
async fn a_login_has_the_recorded_form() {
    let fake = Fake::start().await;
    let cluster = cluster(&fake, &json!({}));
    let app = served(&cluster);
    let body = recorded_body("sso-1-console");
    let answer: Value =
        serde_json::from_str(&text(console(&app, &body).await).await).expect("JSON");
    let recorded = recorded_json("login/sso/sso-1-console.json")["response"]["body"].take();
    let keys = |value: &Value| {
        value
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&answer), keys(&recorded));
    assert_eq!(answer["post_form"], "");
    let asked = query(answer["redirect_url"].as_str().expect("text"));
    assert_eq!(asked["tenant"], "1", "the provider's own parameters stay");
    assert_eq!(
        asked["state"].len(),
        query(recorded["redirect_url"].as_str().expect("text"))["state"].len()
    );

    fake.send(&fake.claims(&asked["nonce"], LOGIN));
    let back = get(
        &app,
        &format!("/v1/webapi/oidc/callback?code=xyz&state={}", asked["state"]),
    )
    .await;
    let recorded = recorded_json("login/sso/sso-2-callback.json")["response"].take();
    assert_eq!(back.status(), StatusCode::OK);
    for (name, header) in [
        ("Content-Type", "content-type"),
        ("Content-Security-Policy", "content-security-policy"),
    ] {
        assert_eq!(
            back.headers()[header].to_str().expect("text"),
            recorded["headers"][name]
        );
    }
    let (url, page) = led(&text(back).await);
    let (recorded_url, recorded_page) = led(recorded["body_text"].as_str().expect("text"));
    assert_eq!(page, recorded_page);
    let (url, recorded_url) = (
        Url::parse(&url).expect("an address"),
        Url::parse(&recorded_url).expect("an address"),
    );
    assert_eq!(
        url[..url::Position::BeforeQuery],
        recorded_url[..url::Position::BeforeQuery]
    );
    let response = query(url.as_str());
    assert_eq!(
        response.keys().collect::<Vec<_>>(),
        ["response"],
        "the key is gone"
    );

    // The client opens it, and its keys are in it.
    let opened = recorded_json("login/sso/sso-3-opened.json");
    let hex = opened["secret_key_hex"].as_str().expect("text");
    let key = std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hex"));
    let login = SecretKey::new(key)
        .open(&response["response"])
        .expect("sealed for it");
    assert_eq!(login.username, "kim@corp.test");
    assert!(login.cert.starts_with(b"ssh-ed25519-cert-v01@openssh.com "));
    let blocks = pem::blocks(&login.tls_cert).expect("PEM");
    let certificate = Certificate::from_der(&blocks[0].contents).expect("a certificate");
    assert_eq!(certificate.identity.roles, ["dev"]);
    assert_eq!(certificate.identity.traits["groups"], ["dba"]);
    assert_eq!(
        certificate.identity.other,
        [("1.3.9999.1.20".to_owned(), "sso".to_owned())],
        "as in the recorded certificate"
    );
}

#[tokio::test]
async fn refusals_have_the_recorded_form() {
    let fake = Fake::start().await;
    let cluster = cluster(&fake, &json!({}));
    let app = served(&cluster);
    for name in [
        "sso-no-keys",
        "sso-unknown-connector",
        "sso-bad-redirect-host",
        "sso-bad-redirect-path",
        "sso-no-secret",
        "sso-unspecified-ip",
    ] {
        let recorded = recorded_json(&format!("login/sso/{name}.json"))["response"].take();
        let answer = console(&app, &recorded_body(name)).await;
        assert_eq!(
            json!(answer.status().as_u16()),
            recorded["status"],
            "{name}"
        );
        assert_eq!(text(answer).await, recorded["body_text"], "{name}");
    }
    for name in [
        "sso-ipv6-redirect",
        "sso-localhost-redirect",
        "sso-short-secret",
        "sso-unknown-leaf",
    ] {
        assert_eq!(
            console(&app, &recorded_body(name)).await.status(),
            StatusCode::OK,
            "{name}"
        );
    }
    let recorded =
        recorded_json("login/sso/sso-callback-unknown-state.json")["response"]["body_text"].take();
    let page = text(get(&app, "/v1/webapi/oidc/callback?code=xyz&state=nosuch").await).await;
    assert_eq!(led(&page), led(recorded.as_str().expect("text")));
    let page = text(get(&app, "/web/msg/error/login/callback").await).await;
    assert!(page.contains("not known here"), "{page}");
    assert_eq!(
        get(&app, "/web/msg/error/nosuch").await.status(),
        StatusCode::NOT_FOUND
    );

    // Who says no: the text and its escapes are those of the recording, the name of the provider's kind apart.
    let body = recorded_body("sso-denied-1-console");
    let answer: Value =
        serde_json::from_str(&text(console(&app, &body).await).await).expect("JSON");
    let asked = query(answer["redirect_url"].as_str().expect("text"));
    let path = format!(
        "/webapi/oidc/callback?error=access_denied&error_description=no&state={}",
        asked["state"]
    );
    let page = text(get(&app, &path).await).await;
    let recorded =
        recorded_json("login/sso/sso-denied-2-callback.json")["response"]["body_text"].take();
    let recorded = recorded
        .as_str()
        .expect("text")
        .replace("GitHub", "OIDC&#43;provider");
    assert_eq!(led(&page), led(&recorded));
    assert_eq!(
        page.split("URL='").nth(1),
        recorded.split("URL='").nth(1),
        "escaped alike"
    );

    // A leaf that is none, and a key that seals nothing, are found out at the end.
    for (name, wanted) in [
        (
            "sso-unknown-leaf",
            "remote+cluster+%22nosuch%22+is+not+found",
        ),
        ("sso-short-secret", "32+bytes"),
    ] {
        let answer: Value =
            serde_json::from_str(&text(console(&app, &recorded_body(name)).await).await)
                .expect("JSON");
        let asked = query(answer["redirect_url"].as_str().expect("text"));
        fake.send(&fake.claims(&asked["nonce"], LOGIN));
        let page = text(
            get(
                &app,
                &format!("/webapi/oidc/callback?code=xyz&state={}", asked["state"]),
            )
            .await,
        )
        .await;
        let (url, _) = led(&page);
        assert!(url.contains(wanted), "{name}: {url}");
    }
}

#[tokio::test]
async fn a_cluster_without_a_connector_has_no_such_path() {
    let cluster = TestCluster::new("root", "", &[], true);
    let app = served(&cluster);
    let recorded = recorded_json("login/sso/sso-oidc.json")["response"].take();
    let answer = console(&app, &recorded_body("sso-oidc")).await;
    assert_eq!(json!(answer.status().as_u16()), recorded["status"]);
    assert_eq!(text(answer).await, recorded["body_text"]);
}

#[tokio::test]
async fn the_ping_announces_the_connector() {
    let fake = Fake::start().await;
    let cluster = cluster(&fake, &json!({}));
    let app = served(&cluster);
    let ping = async |path: &str| -> Value {
        serde_json::from_str(&text(get(&app, path).await).await).expect("JSON")
    };
    assert_eq!(ping("/webapi/ping").await["auth"]["type"], "local");
    let corp = ping("/webapi/ping/corp").await["auth"].take();
    // login.md 2.3: what is there and what is not.
    assert_eq!(
        (
            &corp["type"],
            &corp["second_factor"],
            &corp["default_session_ttl"]
        ),
        (&json!("oidc"), &json!("otp"), &json!("0s"))
    );
    assert_eq!(
        corp["oidc"],
        json!({"name": "corp", "display": "Corp", "IssuerURL": fake.issuer})
    );
    assert!(corp.get("local").is_none());
    let unknown = text(get(&app, "/v1/webapi/ping/nosuch").await).await;
    assert!(
        unknown.contains("invalid connector name: nosuch; valid options: corp"),
        "{unknown}"
    );

    let mut documents = (*cluster.state.documents()).clone();
    documents.preference.way = crate::cluster::documents::Way::Oidc(String::new());
    documents.preference.local_auth = false;
    cluster.state.replace_documents(documents);
    let auth = ping("/webapi/ping").await["auth"].take();
    assert_eq!(
        (
            &auth["type"],
            &auth["oidc"]["name"],
            &auth["default_session_ttl"]
        ),
        (&json!("oidc"), &json!("corp"), &json!("12h0m0s"))
    );
    assert_eq!(
        ping("/webapi/ping/local").await["auth"]["local"]["name"],
        "local"
    );
    for (step, body) in [
        ("begin", json!({"user": "a", "pass": "b"})),
        (
            "finish",
            json!({"user": "a", "password": "b", "ssh_pub_key": "eA=="}),
        ),
    ] {
        let request = Request::post(format!("/webapi/mfa/login/{step}"))
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()));
        let answer = ask(&app, request.expect("a request")).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert!(
            text(answer)
                .await
                .contains("\"message\": \"local auth disabled\"")
        );
    }
}

#[tokio::test]
async fn an_address_has_so_many_tries() {
    let fake = Fake::start().await;
    let cluster = cluster(&fake, &json!({}));
    let app = served(&cluster);
    // errors/rate-limit.json.
    for _ in 0..20 {
        assert_eq!(
            console(&app, &recorded_body("sso-no-keys")).await.status(),
            StatusCode::FORBIDDEN
        );
        assert_eq!(
            get(&app, "/webapi/oidc/callback?state=x").await.status(),
            StatusCode::OK
        );
    }
    for answer in [
        console(&app, &recorded_body("sso-no-keys")).await,
        get(&app, "/webapi/oidc/callback?state=x").await,
    ] {
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    }
}
