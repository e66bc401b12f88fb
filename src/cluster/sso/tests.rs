//! Whole logins with a provider that lies: what a real one never sends must not log anybody in.

mod fake;
mod web;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use url::Url;

use super::finish::{Back, Brought, FinishError, finish};
use super::provider::PAUSE;
use super::requests::LIFE;
use super::start::{StartError, Wish, start};
use crate::cluster::ca::SubjectPublicKey;
use crate::cluster::testing::{LOGIN, TestCluster, recorded_json};
use crate::identity::{Certificate, Identity};
use fake::{Fake, Signer};

const REDIRECT: &str = "http://127.0.0.1:45555/callback?secret_key=0001020304050607080910111213141516171819202122232425262728293031";

const ROLES: &str = r"
{kind: role, version: v7, metadata: {name: dev}, spec: {options: {max_session_ttl: 1h}, allow: {}}}
---
{kind: role, version: v7, metadata: {name: ops}, spec: {options: {}, allow: {}}}
---
{kind: user, version: v2, metadata: {name: local@corp.test}, spec: {roles: [dev]}}
---
{kind: lock, version: v2, metadata: {name: l}, spec: {target: {user: locked@corp.test}, message: away}}
";

/// A cluster whose connector `corp` is `fake`, with these fields of the connector changed.
fn cluster(fake: &Fake, change: &Value) -> TestCluster {
    let mut spec = json!({
        "issuer_url": fake.issuer, "client_id": "postern", "client_secret": "s3 cret&",
        "redirect_url": "https://proxy.root.test:3181/v1/webapi/oidc/callback", "display": "Corp",
        "claims_to_roles": [{"claim": "groups", "value": "dba", "roles": ["dev"]}, {"claim": "groups", "value": "^sre-(.*)$", "roles": ["$1"]}],
    });
    for (key, value) in change.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    let connector =
        json!({"kind": "oidc", "version": "v3", "metadata": {"name": "corp"}, "spec": spec});
    TestCluster::new("root", &format!("{ROLES}---\n{connector}\n"), &[], true)
}

fn wish() -> Wish {
    let body = recorded_json("login/sso/sso-1-console.json")["request"]["body"].take();
    let pem = body["tls_pub_key"].as_str().expect("text");
    let pem = STANDARD.decode(pem).expect("base64");
    Wish {
        connector: "corp".to_owned(),
        redirect_url: REDIRECT.to_owned(),
        ssh_key: None,
        tls_key: Some(SubjectPublicKey::from_pem(&pem).expect("a key")),
        ttl: 0,
        route: String::new(),
        verifier: body["PKCEVerifier"].as_str().expect("text").to_owned(),
        address: [127, 0, 0, 9].into(),
    }
}

/// The parameters of an address.
fn query(url: &str) -> std::collections::BTreeMap<String, String> {
    let url = Url::parse(url).expect("an address");
    url.query_pairs().into_owned().collect()
}

/// Begins a login, and gives the parameters that the provider gets.
async fn begun(cluster: &TestCluster) -> std::collections::BTreeMap<String, String> {
    query(&start(&cluster.state, wish()).await.expect("a begin"))
}

async fn ended(cluster: &TestCluster, state: &str) -> Option<Back> {
    let brought = Brought {
        state: state.to_owned(),
        code: "the code".to_owned(),
        ..Brought::default()
    };
    finish(&cluster.state, brought).await
}

/// A whole login in which the provider sends these claims, made from the usual ones.
async fn login(cluster: &TestCluster, fake: &Fake, change: impl FnOnce(&mut Value)) -> Back {
    let asked = begun(cluster).await;
    let mut claims = fake.claims(&asked["nonce"], cluster.state.now());
    change(&mut claims);
    fake.send(&claims);
    ended(cluster, &asked["state"])
        .await
        .expect("a known login")
}

fn refused(back: Back) -> String {
    back.result.expect_err("a refusal").to_string()
}

#[tokio::test]
async fn a_login_makes_a_user_for_as_long_as_it_lasts() {
    let fake = Fake::start().await;
    let cluster = cluster(
        &fake,
        &json!({"max_age": "1h", "acr_values": "strong", "scope": ["groups"]}),
    );
    let asked = begun(&cluster).await;
    for (name, value) in [
        ("client_id", "postern"),
        (
            "redirect_uri",
            "https://proxy.root.test:3181/v1/webapi/oidc/callback",
        ),
        ("response_type", "code"),
        ("scope", "openid email groups"),
        ("prompt", "select_account"),
        ("max_age", "3600"),
        ("acr_values", "strong"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(asked[name], value);
    }
    let mut claims = fake.claims(&asked["nonce"], LOGIN);
    claims["acr"] = json!("strong");
    claims["auth_time"] = json!(LOGIN - 3600);
    claims["groups"] = json!(["dba", "sre-ops", "other"]);
    fake.send(&claims);
    fake.tell(&json!({"sub": "kim-1", "email": "other@corp.test", "db_roles": ["reader"]}));
    let back = ended(&cluster, &asked["state"])
        .await
        .expect("a known login");
    let person = back.result.as_ref().expect("a login");
    // What the token says counts more than what is told beside it.
    assert_eq!(person.user.name, "kim@corp.test");
    assert_eq!(person.user.roles, ["dev", "ops"]);
    assert_eq!(person.user.traits["db_roles"], ["reader"]);
    // The client's own verifier is what its code is redeemed with.
    let form = query(&format!("http://x/?{}", fake.form()));
    assert_eq!(form["code_verifier"], wish().verifier);
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, form["code_verifier"].as_bytes()));
    assert_eq!(asked["code_challenge"], challenge);
    assert_eq!(
        (form["code"].as_str(), form["grant_type"].as_str()),
        ("the code", "authorization_code")
    );
    assert_eq!(
        fake.authorization(),
        format!("Basic {}", STANDARD.encode("postern:s3+cret%26"))
    );
    // A role limits the login; the certificate says where it comes from.
    assert_eq!(person.login.not_after(), LOGIN + 3600);
    let key = person.tls_key.as_ref().expect("a key");
    let der = person
        .login
        .x509(&cluster.state, key)
        .expect("a certificate");
    let identity = Certificate::from_der(&der).expect("a certificate").identity;
    assert_eq!(
        (identity.username.as_str(), identity.login_ip.as_str()),
        ("kim@corp.test", "127.0.0.9")
    );
    let known = |identity: &Identity| cluster.state.is_known(identity);
    assert!(known(&identity));
    let local = Identity {
        other: Vec::new(),
        ..identity.clone()
    };
    assert!(
        !known(&local),
        "only its own certificates are those of the user"
    );
    cluster.advance_ms(3_600_000);
    assert!(known(&identity));
    cluster.advance_ms(1_000);
    assert!(!known(&identity), "gone with the login");
}

#[tokio::test]
async fn an_answer_counts_once_and_not_for_long() {
    let fake = Fake::start().await;
    let cluster = cluster(&fake, &json!({}));
    let asked = begun(&cluster).await;
    assert!(ended(&cluster, "nosuch").await.is_none());
    fake.send(&fake.claims(&asked["nonce"], LOGIN));
    let first = ended(&cluster, &asked["state"])
        .await
        .expect("a known login");
    assert!(first.result.is_ok(), "{first:?}");
    assert!(ended(&cluster, &asked["state"]).await.is_none(), "used up");
    let late = begun(&cluster).await;
    cluster.advance_ms(LIFE * 1000);
    assert!(ended(&cluster, &late["state"]).await.is_none(), "too late");
    // Two at once have nothing in common.
    let (one, two) = (begun(&cluster).await, begun(&cluster).await);
    assert!(one["state"] != two["state"] && one["nonce"] != two["nonce"]);
}

#[tokio::test]
async fn a_token_that_is_not_right_logs_nobody_in() {
    let fake = Fake::start().await;
    let cluster = cluster(&fake, &json!({"max_age": "1h", "acr_values": "a b"}));
    let usual = |claims: &mut Value| {
        claims["auth_time"] = json!(LOGIN);
        claims["acr"] = json!("b");
    };
    let right = login(&cluster, &fake, usual).await;
    assert!(right.result.is_ok(), "{right:?}");
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 18] = [
        (
            |c| c["nonce"] = json!("another"),
            "\"nonce\" is not the one of this login",
        ),
        (|c| c["nonce"] = Value::Null, "\"nonce\" is not the one"),
        (
            |c| c["iss"] = json!("https://evil.test"),
            "\"iss\" is not what was expected",
        ),
        (|c| c["iss"] = Value::Null, "\"iss\" is missing"),
        (
            |c| c["aud"] = json!("another"),
            "\"aud\" is not what was expected",
        ),
        (
            |c| c["aud"] = json!(["another", "third"]),
            "\"aud\" is not what was expected",
        ),
        (|c| c["aud"] = Value::Null, "\"aud\" is missing"),
        (
            |c| c["aud"] = json!(["postern", "another"]),
            "\"azp\" is not this client",
        ),
        (
            |c| c["azp"] = json!("another"),
            "\"azp\" is not this client",
        ),
        (|c| c["exp"] = json!(LOGIN - 60), "\"exp\" is in the past"),
        (|c| c["exp"] = Value::Null, "\"exp\" is missing"),
        (|c| c["exp"] = json!("never"), "\"exp\" is missing"),
        (|c| c["iat"] = json!(LOGIN + 61), "\"iat\" is in the future"),
        (|c| c["nbf"] = json!(LOGIN + 61), "\"nbf\" is in the future"),
        (|c| c["sub"] = Value::Null, "\"sub\" is missing"),
        (
            |c| c["auth_time"] = json!(LOGIN - 3661),
            "\"auth_time\" is missing, or longer ago",
        ),
        (|c| c["auth_time"] = Value::Null, "\"auth_time\" is missing"),
        (|c| c["acr"] = json!("c"), "\"acr\" is none of acr_values"),
    ];
    for (change, wanted) in cases {
        let back = login(&cluster, &fake, |claims| {
            usual(claims);
            change(claims);
        });
        let text = refused(back.await);
        assert!(
            text.contains(wanted) && text.contains(&fake.issuer),
            "{text:?} for {wanted:?}"
        );
    }
    // Clocks may differ a little, and a token may be for others too.
    let back = login(&cluster, &fake, |claims| {
        usual(claims);
        claims["exp"] = json!(LOGIN - 59);
        claims["iat"] = json!(LOGIN + 60);
        claims["aud"] = json!(["postern", "another"]);
        claims["azp"] = json!("postern");
    });
    assert!(back.await.result.is_ok());
}

#[tokio::test]
async fn a_signature_that_proves_nothing_is_none() {
    let fake = Fake::start().await;
    let cluster = cluster(&fake, &json!({}));
    let stranger = Signer::p256("p1");
    let ed = Signer::ed25519("d1");
    for (what, wanted) in [
        ("another key of the same name", "its signature is wrong"),
        ("a changed claim", "its signature is wrong"),
        ("no signature", "its signature is wrong"),
        ("alg none", "no signed token"),
        ("the client's secret", "HS256, which is not accepted"),
        ("the public key as a secret", "HS256, which is not accepted"),
        (
            "another kind of key under this name",
            "a key that the provider does not publish",
        ),
        ("no token", "no signed token"),
    ] {
        let asked = begun(&cluster).await;
        let claims = fake.claims(&asked["nonce"], LOGIN);
        let right = fake.signer.token(&claims);
        let parts: Vec<&str> = right.split('.').collect();
        let (header, body, signature) = (parts[0], parts[1], parts[2]);
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let hmac = |key: &[u8]| {
            let header = encoded(&json!({"alg": "HS256", "kid": "p1"}));
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key);
            let mac = ring::hmac::sign(&key, format!("{header}.{body}").as_bytes());
            format!("{header}.{body}.{}", URL_SAFE_NO_PAD.encode(mac))
        };
        let mut other = claims.clone();
        other["email"] = json!("admin@corp.test");
        fake.send_token(&match what {
            "another key of the same name" => stranger.token(&claims),
            "a changed claim" => format!("{header}.{}.{signature}", encoded(&other)),
            "no signature" => format!("{header}.{body}."),
            "alg none" => format!("{}.{body}.", encoded(&json!({"alg": "none"}))),
            "the client's secret" => hmac(b"s3 cret&"),
            "the public key as a secret" => hmac(fake.signer.public()),
            "another kind of key under this name" => ed.token_named("p1", &claims),
            _ => "token".to_owned(),
        });
        let text = refused(
            ended(&cluster, &asked["state"])
                .await
                .expect("a known login"),
        );
        assert!(text.contains(wanted), "{what}: {text}");
    }
}

#[tokio::test]
async fn new_keys_are_looked_for_and_not_too_often() {
    let fake = Fake::start().await;
    let cluster = cluster(&fake, &json!({}));
    let ok = login(&cluster, &fake, |_| ()).await;
    assert!(ok.result.is_ok(), "{ok:?}");
    let next = Signer::ed25519("d1");
    let with_next = async || {
        let asked = begun(&cluster).await;
        fake.send_token(&next.token(&fake.claims(&asked["nonce"], cluster.state.now())));
        ended(&cluster, &asked["state"])
            .await
            .expect("a known login")
    };
    // A name that the provider does not know: asked for at most once in a while.
    cluster.advance_ms(PAUSE * 1000);
    for _ in 0..3 {
        let text = refused(with_next().await);
        assert!(text.contains("does not publish"), "{text}");
    }
    assert_eq!(
        (
            fake.asked("/keys"),
            fake.asked("/.well-known/openid-configuration")
        ),
        (2, 1)
    );
    fake.publish(&[&fake.signer, &next]);
    assert!(with_next().await.result.is_err(), "asked a moment ago");
    cluster.advance_ms(PAUSE * 1000);
    let back = with_next().await;
    assert!(back.result.is_ok(), "{back:?}");
    // Known ones are not asked for again, and after an hour everything is.
    assert!(login(&cluster, &fake, |_| ()).await.result.is_ok());
    assert_eq!(fake.asked("/keys"), 3);
    cluster.advance_ms(3_600_000);
    assert!(login(&cluster, &fake, |_| ()).await.result.is_ok());
    assert_eq!(
        (
            fake.asked("/keys"),
            fake.asked("/.well-known/openid-configuration")
        ),
        (4, 2)
    );
}

#[tokio::test]
async fn a_provider_that_fails_is_named() {
    let fake = Fake::start().await;
    let cluster = cluster(&fake, &json!({}));
    let fails = async |path: &str, status: u16, body: &str| {
        let asked = begun(&cluster).await;
        fake.send(&fake.claims(&asked["nonce"], LOGIN));
        fake.fail(path, status, body);
        let text = refused(
            ended(&cluster, &asked["state"])
                .await
                .expect("a known login"),
        );
        fake.heal();
        text
    };
    let text = fails(
        "/token",
        400,
        r#"{"error":"invalid_grant","error_description":"too old"}"#,
    )
    .await;
    assert_eq!(
        text,
        format!(
            "the identity provider refuses at {}/token: HTTP 400, invalid_grant: too old",
            fake.issuer
        )
    );
    let text = fails("/token", 200, "<html>").await;
    assert!(text.contains("/token is not understood"), "{text}");
    let text = fails("/token", 200, r#"{"access_token":"x"}"#).await;
    assert!(text.contains("there is no id_token in it"), "{text}");
    let text = fails("/userinfo", 503, "").await;
    assert!(
        text.contains("refuses at") && text.contains("/userinfo: HTTP 503"),
        "{text}"
    );
    let text = fails("/userinfo", 200, r#"{"sub":"other","groups":["dba"]}"#).await;
    assert!(text.contains("about another person"), "{text}");
    cluster.advance_ms(3_600_000);
    let text = fails("/keys", 302, "").await;
    assert!(
        text.contains("/keys: HTTP 302"),
        "no redirect is followed: {text}"
    );
}

#[tokio::test]
async fn what_a_provider_calls_itself_must_be_what_the_document_says() {
    let fake = Fake::start().await;
    let broken = |body: Value| {
        fake.fail("/.well-known/openid-configuration", 200, &body.to_string());
    };
    let begin = async || {
        let cluster = cluster(&fake, &json!({}));
        match start(&cluster.state, wish()).await {
            Err(StartError::Provider(text)) => text,
            other => panic!("{other:?}"),
        }
    };
    let mut description = fake.description();
    description["issuer"] = json!("https://evil.test");
    broken(description);
    let text = begin().await;
    assert!(
        text.contains("it calls itself \"https://evil.test\""),
        "{text}"
    );
    for endpoint in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        let mut description = fake.description();
        description[endpoint] = json!("http://evil.test/x");
        broken(description);
        let text = begin().await;
        assert!(text.contains("must begin with https://"), "{text}");
    }
    fake.heal();
    let gone = cluster(&fake, &json!({"issuer_url": "http://127.0.0.1:1"}));
    let error = start(&gone.state, wish()).await.expect_err("nobody there");
    let text = error.to_string();
    assert!(
        text.starts_with("the identity provider does not answer at http://127.0.0.1:1/.well-known/openid-configuration: "),
        "{text}"
    );
    let unknown = Wish {
        connector: "nosuch".to_owned(),
        ..wish()
    };
    assert!(matches!(
        start(&gone.state, unknown).await,
        Err(StartError::NoConnector(_))
    ));
    let elsewhere = Wish {
        redirect_url: "http://evil.test/callback?secret_key=0".to_owned(),
        ..wish()
    };
    assert!(matches!(
        start(&gone.state, elsewhere).await,
        Err(StartError::Redirect)
    ));
}

#[tokio::test]
async fn who_may_not_come_in_is_told_why() {
    let fake = Fake::start().await;
    let cluster = cluster(&fake, &json!({}));
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 7] = [
        (
            |c| c["groups"] = json!(["other"]),
            "unable to map claims to role for connector: corp",
        ),
        (
            |c| c["groups"] = json!(["sre-nosuch"]),
            "role nosuch is not found",
        ),
        (|c| c["email"] = Value::Null, "sends no claim \"email\""),
        (
            |c| c["email_verified"] = json!(false),
            "email not verified by provider",
        ),
        (|c| c["email"] = json!("a b"), "a user name has letters"),
        (
            |c| c["email"] = json!("local@corp.test"),
            "local user \"local@corp.test\" already exists and is not an OIDC user",
        ),
        (
            |c| c["email"] = json!("locked@corp.test"),
            "lock targeting User:\"locked@corp.test\" is in force: away",
        ),
    ];
    for (change, wanted) in cases {
        let text = refused(login(&cluster, &fake, change).await);
        assert!(text.contains(wanted), "{text:?} for {wanted:?}");
    }
    assert!(
        cluster
            .state
            .store()
            .sso_users()
            .expect("a query")
            .is_empty(),
        "nobody was made"
    );
    let asked = begun(&cluster).await;
    let brought = Brought {
        state: asked["state"].clone(),
        error: "access_denied".to_owned(),
        error_description: "no".to_owned(),
        ..Brought::default()
    };
    let back = finish(&cluster.state, brought)
        .await
        .expect("a known login");
    // As recorded of another kind of connector: sso-denied-2-callback.json.
    assert_eq!(
        refused(back),
        "OIDC provider returned error: no [access_denied]\n\tOAuth2 error code=invalid_request, message=access_denied"
    );
    let asked = begun(&cluster).await;
    let brought = Brought {
        state: asked["state"].clone(),
        code: "c".to_owned(),
        issuer: "https://evil.test".to_owned(),
        ..Brought::default()
    };
    let back = finish(&cluster.state, brought)
        .await
        .expect("a known login");
    assert!(
        matches!(back.result, Err(FinishError::Mixed(_))),
        "{back:?}"
    );
}

#[tokio::test]
async fn a_connector_decides_on_pkce_and_names() {
    let fake = Fake::start().await;
    let without = cluster(
        &fake,
        &json!({"pkce_mode": "disabled", "prompt": "", "username_claim": "nick", "allow_unverified_email": true}),
    );
    let asked = begun(&without).await;
    assert!(!asked.contains_key("code_challenge") && !asked.contains_key("prompt"));
    let mut claims = fake.claims(&asked["nonce"], LOGIN);
    claims["email_verified"] = json!(false);
    claims["nick"] = json!("kim");
    fake.send(&claims);
    let back = ended(&without, &asked["state"])
        .await
        .expect("a known login");
    assert_eq!(back.result.expect("a login").user.name, "kim");
    assert!(!fake.form().contains("code_verifier"));
    // A provider that takes the secret in the form only.
    let mut description = fake.description();
    description["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    description["code_challenge_methods_supported"] = json!([]);
    fake.fail(
        "/.well-known/openid-configuration",
        200,
        &description.to_string(),
    );
    let other = cluster(&fake, &json!({}));
    let back = login(&other, &fake, |_| ()).await;
    assert!(back.result.is_ok(), "{back:?}");
    let form = query(&format!("http://x/?{}", fake.form()));
    assert_eq!(
        (form["client_id"].as_str(), form["client_secret"].as_str()),
        ("postern", "s3 cret&")
    );
    assert!(!form.contains_key("code_verifier") && fake.authorization().is_empty());
    let shown = format!(
        "{:?} {:?}",
        other.state.documents().connectors,
        other.state.sso()
    );
    assert!(
        shown.contains("Corp") && !shown.contains("s3 cret&"),
        "{shown}"
    );
}
