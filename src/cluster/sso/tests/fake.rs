//! An identity provider that says what a test tells it to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use serde_json::{Value, json};

/// A key of a provider.
pub(super) struct Signer {
    name: String,
    key: Key,
}

enum Key {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    pub(super) fn p256(name: &str) -> Self {
        let (kind, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &random).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref(), &random).expect("a key");
        Self {
            name: name.to_owned(),
            key: Key::P256(key),
        }
    }

    pub(super) fn ed25519(name: &str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        let key = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("a key");
        Self {
            name: name.to_owned(),
            key: Key::Ed25519(key),
        }
    }

    /// The public key.
    pub(super) fn public(&self) -> &[u8] {
        match &self.key {
            Key::P256(key) => key.public_key().as_ref(),
            Key::Ed25519(key) => key.public_key().as_ref(),
        }
    }

    fn jwk(&self) -> Value {
        let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let public = self.public();
        match &self.key {
            Key::P256(_) => {
                json!({"kty": "EC", "crv": "P-256", "kid": self.name, "use": "sig", "alg": "ES256",
                "x": encoded(&public[1..33]), "y": encoded(&public[33..])})
            }
            Key::Ed25519(_) => {
                json!({"kty": "OKP", "crv": "Ed25519", "kid": self.name, "x": encoded(public)})
            }
        }
    }

    /// A token with these claims.
    pub(super) fn token(&self, claims: &Value) -> String {
        self.token_named(&self.name, claims)
    }

    /// The same under another key's name.
    pub(super) fn token_named(&self, name: &str, claims: &Value) -> String {
        let algorithm = match &self.key {
            Key::P256(_) => "ES256",
            Key::Ed25519(_) => "EdDSA",
        };
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({"alg": algorithm, "kid": name, "typ": "JWT"});
        let text = format!("{}.{}", encoded(&header), encoded(claims));
        let signature = match &self.key {
            Key::P256(key) => key
                .sign(&SystemRandom::new(), text.as_bytes())
                .expect("a signature")
                .as_ref()
                .to_vec(),
            Key::Ed25519(key) => key.sign(text.as_bytes()).as_ref().to_vec(),
        };
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

#[derive(Default)]
struct Answers {
    issuer: String,
    keys: Vec<Value>,
    token: String,
    told: Value,
    failures: HashMap<String, (u16, String)>,
    asked: HashMap<String, usize>,
    form: String,
    authorization: String,
}

/// A running provider.
pub(super) struct Fake {
    pub(super) issuer: String,
    /// The key that is published.
    pub(super) signer: Signer,
    answers: Arc<Mutex<Answers>>,
}

impl Fake {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let answers = Arc::new(Mutex::new(Answers {
            issuer: issuer.clone(),
            told: json!({"sub": "kim-1"}),
            ..Answers::default()
        }));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&answers));
        // It ends with the runtime of the test.
        tokio::spawn(async move { axum::serve(listener, router).await });
        let fake = Self {
            issuer,
            signer: Signer::p256("p1"),
            answers,
        };
        fake.publish(&[&fake.signer]);
        fake
    }

    fn with<T>(&self, work: impl FnOnce(&mut Answers) -> T) -> T {
        work(&mut self.answers.lock().expect("no panic"))
    }

    /// The claims of a token that is right.
    pub(super) fn claims(&self, nonce: &str, now: i64) -> Value {
        json!({"iss": self.issuer, "aud": "postern", "sub": "kim-1", "exp": now + 60, "iat": now, "nonce": nonce,
            "email": "kim@corp.test", "email_verified": true, "groups": ["dba"]})
    }

    /// Sends these claims with the next tokens; those that are null are left out.
    pub(super) fn send(&self, claims: &Value) {
        let mut claims = claims.clone();
        if let Some(claims) = claims.as_object_mut() {
            claims.retain(|_, value| !value.is_null());
        }
        self.send_token(&self.signer.token(&claims));
    }

    /// Sends this as the next ID token.
    pub(super) fn send_token(&self, token: &str) {
        self.with(|answers| token.clone_into(&mut answers.token));
    }

    /// Tells this about a person beside the token.
    pub(super) fn tell(&self, claims: &Value) {
        self.with(|answers| answers.told = claims.clone());
    }

    /// Publishes these keys, and one of a kind that nobody knows.
    pub(super) fn publish(&self, signers: &[&Signer]) {
        let mut keys = vec![json!({"kty": "new", "kid": "n1"}), json!("no key")];
        keys.extend(signers.iter().map(|signer| signer.jwk()));
        self.with(|answers| answers.keys = keys);
    }

    /// Answers this at a path from now on.
    pub(super) fn fail(&self, path: &str, status: u16, body: &str) {
        let failure = (status, body.to_owned());
        self.with(|answers| answers.failures.insert(path.to_owned(), failure));
    }

    /// Answers as it should again.
    pub(super) fn heal(&self) {
        self.with(|answers| answers.failures.clear());
    }

    /// How often a path was asked for.
    pub(super) fn asked(&self, path: &str) -> usize {
        self.with(|answers| answers.asked.get(path).copied().unwrap_or_default())
    }

    /// The form that the last code came with.
    pub(super) fn form(&self) -> String {
        self.with(|answers| answers.form.clone())
    }

    /// What the last code came with in the header.
    pub(super) fn authorization(&self) -> String {
        self.with(|answers| answers.authorization.clone())
    }

    /// How it describes itself.
    pub(super) fn description(&self) -> Value {
        description(&self.issuer)
    }
}

fn description(issuer: &str) -> Value {
    json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/auth?tenant=1"), "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"), "userinfo_endpoint": format!("{issuer}/userinfo"),
        "code_challenge_methods_supported": ["S256"],
    })
}

async fn answer(
    State(answers): State<Arc<Mutex<Answers>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut answers = answers.lock().expect("no panic");
    *answers.asked.entry(uri.path().to_owned()).or_default() += 1;
    if let Some((status, body)) = answers.failures.get(uri.path()) {
        let status = StatusCode::from_u16(*status).expect("a status");
        return (status, body.clone()).into_response();
    }
    let header = headers.get("authorization");
    let header = header.map_or("", |value| value.to_str().unwrap_or_default());
    let value = match uri.path() {
        "/.well-known/openid-configuration" => description(&answers.issuer),
        "/keys" => json!({"keys": answers.keys}),
        "/token" => {
            answers.form = String::from_utf8_lossy(&body).into_owned();
            header.clone_into(&mut answers.authorization);
            json!({"id_token": answers.token, "access_token": "access", "token_type": "Bearer"})
        }
        "/userinfo" if header == "Bearer access" => answers.told.clone(),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    value.to_string().into_response()
}
