//! What is asked of an identity provider: its description, its keys, the tokens of a login, what it knows about a person.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::document::check_endpoint;
use super::http::{Http, Proof};
use super::requests::Secret;
use super::token::{Claims, has_key};

/// Seconds for which description and keys are believed.
const FRESH: i64 = 3600;
/// Seconds between two looks for a key that is not known: who forges names of keys makes nobody ask more often.
pub(super) const PAUSE: i64 = 10;
/// Providers that are remembered; documents name a handful.
const MAX: usize = 64;
/// Keys of one provider that are looked at.
const MAX_KEYS: usize = 64;

/// A failure at the provider. The text names the address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProviderError {
    /// No connection, no answer.
    #[error("the identity provider does not answer at {url}: {message}")]
    Unreachable { url: String, message: String },
    /// An answer that is a refusal.
    #[error("the identity provider refuses at {url}: {message}")]
    Refused { url: String, message: String },
    /// An answer that is none.
    #[error("the identity provider's answer at {url} is not understood: {message}")]
    Content { url: String, message: String },
}

/// How a provider describes itself (OpenID Connect Discovery 3).
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Description {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
}

impl Description {
    /// Whether PKCE is known there.
    pub(super) fn knows_pkce(&self) -> bool {
        self.code_challenge_methods_supported
            .iter()
            .any(|method| method == "S256")
    }
}

/// The tokens of one login.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) id_token: Secret,
    access_token: Secret,
}

/// What redeems the code of a login.
pub(super) struct Redemption<'a> {
    pub(super) client_id: &'a str,
    pub(super) client_secret: &'a str,
    pub(super) code: &'a str,
    pub(super) callback: &'a str,
    pub(super) verifier: Option<&'a str>,
}

#[derive(Clone, Debug)]
struct Known {
    description: Arc<Description>,
    described: i64,
    keys: Arc<[Jwk]>,
    /// When the keys were asked for; `None` for not yet.
    asked: Option<i64>,
}

/// The providers that were asked before.
#[derive(Debug, Default)]
pub(super) struct Providers {
    http: Http,
    known: Mutex<HashMap<String, Known>>,
}

impl Providers {
    /// The description of the provider `issuer`, asked for once an hour. `now` is in unix seconds.
    pub(super) async fn describe(
        &self,
        issuer: &str,
        now: i64,
    ) -> Result<Arc<Description>, ProviderError> {
        if let Some(known) = self.lock().get(issuer)
            && fresh(known.described, now)
        {
            return Ok(Arc::clone(&known.description));
        }
        let url = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let description: Description = parsed(&url, &self.get(&url, Proof::Nothing).await?)?;
        let content = |message: String| ProviderError::Content {
            url: url.clone(),
            message,
        };
        if description.issuer.trim_end_matches('/') != issuer.trim_end_matches('/') {
            return Err(content(format!(
                "it calls itself {:?}; issuer_url must be the same",
                description.issuer
            )));
        }
        let endpoints = [
            &description.authorization_endpoint,
            &description.token_endpoint,
            &description.jwks_uri,
        ];
        for endpoint in endpoints {
            check_endpoint(endpoint).map_err(|why| content(format!("{endpoint:?} {why}")))?;
        }
        let description = Arc::new(description);
        let mut known = self.lock();
        if known.len() >= MAX {
            known.clear();
        }
        let entry = known.entry(issuer.to_owned()).or_insert_with(|| Known {
            description: Arc::clone(&description),
            described: now,
            keys: Arc::new([]),
            asked: None,
        });
        entry.description = Arc::clone(&description);
        entry.described = now;
        Ok(description)
    }

    /// The keys of a provider, among them the one named `name` if the provider has it: an unknown name makes it be asked, not
    /// more often than every [`PAUSE`] seconds.
    pub(super) async fn keys(
        &self,
        issuer: &str,
        description: &Description,
        name: Option<&str>,
        now: i64,
    ) -> Result<Arc<[Jwk]>, ProviderError> {
        if let Some(known) = self.lock().get_mut(issuer) {
            let enough = known.asked.is_some_and(|asked| {
                let paused = (0..PAUSE).contains(&now.saturating_sub(asked));
                paused || (fresh(asked, now) && has_key(&known.keys, name))
            });
            if enough {
                return Ok(Arc::clone(&known.keys));
            }
        }
        let url = &description.jwks_uri;
        let set: Value = parsed(url, &self.get(url, Proof::Nothing).await?)?;
        // One key of a kind that nobody knows is no reason to know none.
        let keys: Arc<[Jwk]> = set["keys"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .take(MAX_KEYS)
            .filter_map(|key| Jwk::deserialize(key).ok())
            .collect();
        if let Some(known) = self.lock().get_mut(issuer) {
            known.keys = Arc::clone(&keys);
            known.asked = Some(now);
        }
        Ok(keys)
    }

    /// Redeems the code of a login.
    pub(super) async fn redeem(
        &self,
        description: &Description,
        with: &Redemption<'_>,
    ) -> Result<Tokens, ProviderError> {
        #[derive(Deserialize)]
        struct Answer {
            id_token: Option<String>,
            #[serde(default)]
            access_token: String,
        }
        // Basic is what a provider knows that says nothing (OpenID Connect Discovery 3).
        let methods = description.token_endpoint_auth_methods_supported.as_ref();
        let basic = methods.is_none_or(|known| known.iter().any(|m| m == "client_secret_basic"));
        let form = form(with, basic);
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let credentials = STANDARD.encode(format!(
            "{}:{}",
            encoded(with.client_id),
            encoded(with.client_secret)
        ));
        let proof = if basic {
            Proof::Header("Basic", &credentials)
        } else {
            Proof::Nothing
        };
        let url = &description.token_endpoint;
        let answer: Answer = parsed(url, &self.send(url, proof, Some(form)).await?.body)?;
        let id_token = answer.id_token.ok_or_else(|| ProviderError::Content {
            url: url.clone(),
            message: "there is no id_token in it".to_owned(),
        })?;
        Ok(Tokens {
            id_token: Secret(id_token),
            access_token: Secret(answer.access_token),
        })
    }

    /// Adds to the claims of an ID token what the provider tells about the same person; what the token says counts more. A
    /// provider may have nothing more to tell.
    pub(super) async fn add_user_info(
        &self,
        description: &Description,
        tokens: &Tokens,
        claims: &mut Claims,
    ) -> Result<(), ProviderError> {
        let Some(url) = description
            .userinfo_endpoint
            .as_ref()
            .filter(|url| check_endpoint(url).is_ok() && !tokens.access_token.0.is_empty())
        else {
            return Ok(());
        };
        let proof = Proof::Header("Bearer", &tokens.access_token.0);
        let answer = self.send(url, proof, None).await?;
        if answer.signed {
            return Err(ProviderError::Content {
                url: url.clone(),
                message: "it is signed; let the provider send it to this client as JSON".to_owned(),
            });
        }
        let more: Claims = parsed(url, &answer.body)?;
        // Told about somebody else, it must not count (OpenID Connect Core 5.3.2).
        if more.get("sub").is_none() || more.get("sub") != claims.get("sub") {
            return Err(ProviderError::Content {
                url: url.clone(),
                message: "it is about another person than the ID token".to_owned(),
            });
        }
        for (name, value) in more {
            claims.entry(name).or_insert(value);
        }
        Ok(())
    }

    async fn get(&self, url: &str, proof: Proof<'_>) -> Result<Vec<u8>, ProviderError> {
        Ok(self.send(url, proof, None).await?.body)
    }

    async fn send(
        &self,
        url: &str,
        proof: Proof<'_>,
        form: Option<String>,
    ) -> Result<super::http::Answer, ProviderError> {
        let answer = self.http.ask(url, proof, form).await;
        let answer = answer.map_err(|message| ProviderError::Unreachable {
            url: url.to_owned(),
            message,
        })?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(ProviderError::Refused {
            url: url.to_owned(),
            message: refusal(answer.status.as_u16(), &answer.body),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What redeems a code (RFC 6749 4.1.3, RFC 7636 4.5).
fn form(with: &Redemption<'_>, basic: bool) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", with.code)
        .append_pair("redirect_uri", with.callback);
    if let Some(verifier) = with.verifier {
        form.append_pair("code_verifier", verifier);
    }
    if !basic {
        form.append_pair("client_id", with.client_id)
            .append_pair("client_secret", with.client_secret);
    }
    form.finish()
}

fn fresh(at: i64, now: i64) -> bool {
    (0..FRESH).contains(&now.saturating_sub(at))
}

fn parsed<T: for<'de> Deserialize<'de>>(url: &str, body: &[u8]) -> Result<T, ProviderError> {
    serde_json::from_slice(body).map_err(|error| ProviderError::Content {
        url: url.to_owned(),
        message: error.to_string(),
    })
}

/// What an answer says that is none (RFC 6749 5.2).
fn refusal(status: u16, body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    match (text("error"), text("error_description")) {
        ("", _) => format!("HTTP {status}"),
        (error, "") => format!("HTTP {status}, {error}"),
        (error, description) => format!("HTTP {status}, {error}: {description}"),
    }
}
