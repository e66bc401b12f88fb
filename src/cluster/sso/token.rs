//! Whether an ID token is what it says: signature, issuer, audience, times, nonce (OpenID Connect Core 3.1.3.7).

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::signature::ACCEPTED;

/// Seconds that clocks may differ.
pub(super) const SKEW: i64 = 60;
/// Longest token, bytes.
const LONGEST: usize = 256 << 10;

/// Claims by name.
pub(super) type Claims = Map<String, Value>;

/// What a token of one login must say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    /// Who signed it.
    pub(super) issuer: &'a str,
    /// For whom.
    pub(super) client_id: &'a str,
    /// The value that this login was sent with.
    pub(super) nonce: &'a str,
    /// Unix seconds.
    pub(super) now: i64,
    /// Seconds since the person was asked for a password or the like, at most.
    pub(super) max_age: Option<i64>,
    /// How the person must have been asked; empty for anyhow.
    pub(super) acr: &'a str,
}

/// Why a token counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenError {
    /// No signed token.
    #[error("it is no signed token")]
    Malformed,
    /// An algorithm that proves nothing here.
    #[error("it is signed with {0}, which is not accepted")]
    Algorithm(String),
    /// The key is not among the provider's.
    #[error("it is signed with a key that the provider does not publish")]
    NoKey,
    /// The signature is not that of the key.
    #[error("its signature is wrong")]
    Signature,
    /// A claim that is missing or wrong.
    #[error("its claim {0:?} is {1}")]
    Claim(&'static str, String),
}

/// The name of the key that a token says it is signed with.
///
/// # Errors
/// [`TokenError::Malformed`].
pub(super) fn key_name(token: &str) -> Result<Option<String>, TokenError> {
    let header = decode_header(token).map_err(|_| TokenError::Malformed)?;
    Ok(header.kid)
}

/// Whether one of `keys` is meant by `name`; without a name any may be.
pub(super) fn has_key(keys: &[Jwk], name: Option<&str>) -> bool {
    keys.iter().any(|key| is_meant(key, name))
}

fn is_meant(key: &Jwk, name: Option<&str>) -> bool {
    let signs = key.common.public_key_use != Some(PublicKeyUse::Encryption);
    signs && (name.is_none() || key.common.key_id.as_deref() == name)
}

/// Checks a token and gives its claims.
///
/// # Errors
/// [`TokenError`].
pub(super) fn verify(
    token: &str,
    keys: &[Jwk],
    expected: &Expected<'_>,
) -> Result<Claims, TokenError> {
    if token.len() > LONGEST {
        return Err(TokenError::Malformed);
    }
    let header = decode_header(token).map_err(|_| TokenError::Malformed)?;
    if !ACCEPTED.contains(&header.alg) {
        return Err(TokenError::Algorithm(format!("{:?}", header.alg)));
    }
    let mut validation = Validation::new(header.alg);
    // By the cluster's own clock, below.
    validation.validate_exp = false;
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.client_id]);
    validation.set_required_spec_claims(&["iss", "aud", "exp", "sub"]);
    let meant = keys
        .iter()
        .filter(|key| is_meant(key, header.kid.as_deref()));
    let mut failure = TokenError::NoKey;
    for key in meant {
        let Ok(key) = DecodingKey::from_jwk(key) else {
            continue;
        };
        if key.family() != header.alg.family() {
            continue;
        }
        match decode::<Claims>(token, &key, &validation) {
            Ok(token) => return checked(token.claims, expected),
            Err(error) => failure = explained(error.into_kind()),
        }
        // With a right signature no other key is right too.
        if failure != TokenError::Signature {
            break;
        }
    }
    Err(failure)
}

fn explained(kind: ErrorKind) -> TokenError {
    let wrong = |name| TokenError::Claim(name, "not what was expected".to_owned());
    match kind {
        ErrorKind::InvalidSignature => TokenError::Signature,
        ErrorKind::InvalidIssuer => wrong("iss"),
        ErrorKind::InvalidAudience => wrong("aud"),
        ErrorKind::MissingRequiredClaim(name) => {
            let name = ["iss", "aud", "exp", "sub"]
                .into_iter()
                .find(|known| *known == name);
            TokenError::Claim(name.unwrap_or_default(), "missing".to_owned())
        }
        _ => TokenError::Malformed,
    }
}

/// What the library leaves to its callers.
fn checked(claims: Claims, expected: &Expected<'_>) -> Result<Claims, TokenError> {
    let seconds = |name: &str| {
        #[expect(clippy::cast_possible_truncation, reason = "a time in seconds")]
        let whole = |value: &Value| {
            value
                .as_i64()
                .or_else(|| value.as_f64().map(|seconds| seconds as i64))
        };
        claims.get(name).and_then(whole)
    };
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let wrong = |name, what: &str| Err(TokenError::Claim(name, what.to_owned()));
    let now = expected.now;
    if seconds("exp").is_none_or(|exp| exp.saturating_add(SKEW) <= now) {
        return wrong("exp", "in the past");
    }
    for name in ["iat", "nbf"] {
        if seconds(name).is_some_and(|at| at.saturating_sub(SKEW) > now) {
            return wrong(name, "in the future; do the clocks agree?");
        }
    }
    if text("nonce") != Some(expected.nonce) {
        return wrong("nonce", "not the one of this login");
    }
    // Somebody else's token may be for us too, but was not asked for by us.
    let several = claims["aud"].as_array().is_some_and(|all| all.len() > 1);
    let party = claims.get("azp");
    if (several || party.is_some()) && party.and_then(Value::as_str) != Some(expected.client_id) {
        return wrong("azp", "not this client");
    }
    if let Some(max_age) = expected.max_age {
        let latest = now.saturating_sub(max_age).saturating_sub(SKEW);
        if seconds("auth_time").is_none_or(|at| at < latest) {
            return wrong("auth_time", "missing, or longer ago than max_age");
        }
    }
    if !expected.acr.is_empty()
        && !text("acr").is_some_and(|acr| expected.acr.split(' ').any(|wanted| wanted == acr))
    {
        return wrong("acr", "none of acr_values");
    }
    Ok(claims)
}
