//! The second half of a login: the browser brings what the provider gave it, and takes the answer to the client.

use std::sync::Arc;

use serde_json::Value;

use super::claims;
use super::document::Connector;
use super::provider::{ProviderError, Redemption};
use super::redirect::ClientRedirect;
use super::requests::Pending;
use super::seal::seal;
use super::token::{self, Claims, Expected, TokenError};
use super::users::SsoUser;
use crate::cluster::ca::SubjectPublicKey;
use crate::cluster::ca::ssh_user::SshPublicKey;
use crate::cluster::documents::User;
use crate::cluster::issue::{self, IssueError, Login};
use crate::cluster::locks::Holder;
use crate::cluster::random::NoRandomness;
use crate::cluster::state::ClusterState;
use crate::cluster::store::StoreError;
use crate::quote::quote;

/// Longest text of a provider that is passed on, characters.
const LONGEST_TEXT: usize = 300;

/// What the browser brings.
#[derive(Clone, Debug, Default)]
pub struct Brought {
    /// Which login it is.
    pub state: String,
    /// What is redeemed at the provider.
    pub code: String,
    /// The provider's refusal, and how it explains it.
    pub error: String,
    /// The explanation.
    pub error_description: String,
    /// Which provider sends it, where it says so (RFC 9207).
    pub issuer: String,
}

/// A login that came back.
#[derive(Debug)]
pub struct Back {
    /// Name of the connector.
    pub connector: String,
    redirect: ClientRedirect,
    /// Who it is, and what the client gets; or why nobody.
    pub result: Result<Person, FinishError>,
    /// What the provider said about the person; empty before it has.
    pub claims: Claims,
}

/// Somebody who is logged in.
#[derive(Debug)]
pub struct Person {
    /// The user.
    pub user: User,
    /// What the certificates say.
    pub login: Login,
    /// Keys that certificates are wanted for.
    pub ssh_key: Option<SshPublicKey>,
    /// The same for X.509.
    pub tls_key: Option<SubjectPublicKey>,
}

/// Why somebody is not logged in; the text is for the person. Those in Teleport's words are what its clients know.
#[derive(Debug, thiserror::Error)]
pub enum FinishError {
    /// The provider, or the person there, refuses.
    #[error(
        "OIDC provider returned error: {description} [{error}]\n\tOAuth2 error code=invalid_request, message={error}"
    )]
    Provider {
        /// RFC 6749 4.1.2.1.
        error: String,
        /// The explanation.
        description: String,
    },
    /// The browser brings nothing.
    #[error(
        "Invalid parameters received from OIDC provider.\n\tOAuth2 error code=invalid_request, message=code query param must be set"
    )]
    NoCode,
    /// The client named no key to seal its answer with.
    #[error("the client's secret_key has not the 32 bytes that an answer is sealed with")]
    NoKey,
    /// The connector went while the person was away.
    #[error("the OIDC connector {0:?} does not exist any more")]
    NoConnector(String),
    /// The cluster's own setting.
    #[error("{0}")]
    Setting(String),
    /// No answer of the provider, or none that is understood.
    #[error("{0}")]
    Ask(String),
    /// Another provider than the one asked answers.
    #[error("the answer does not come from {0}")]
    Mixed(String),
    /// The ID token counts for nothing.
    #[error("the ID token of {issuer} is refused: {why}")]
    Token {
        /// The provider.
        issuer: String,
        /// The reason.
        why: String,
    },
    /// Nobody.
    #[error(transparent)]
    Nobody(#[from] claims::NobodyError),
    /// Somebody without a role.
    #[error("unable to map claims to role for connector: {0}")]
    NoRoles(String),
    /// Somebody else is called so.
    #[error("local user {} already exists and is not an OIDC user", quote(.0))]
    Taken(String),
    /// A lock.
    #[error("{0}")]
    Locked(String),
    /// A leaf that is none.
    #[error("remote cluster {} is not found", quote(.0))]
    NoLeaf(String),
    /// Too many others at the moment.
    #[error("too many logins ask their identity provider at once, try again in a moment")]
    Busy,
    /// No certificate.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The state cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No random bytes.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl From<ProviderError> for FinishError {
    fn from(error: ProviderError) -> Self {
        Self::Ask(error.to_string())
    }
}

impl Back {
    /// Where the browser goes with the sealed `answer`.
    ///
    /// # Errors
    /// [`FinishError::NoKey`], or no random bytes.
    pub fn success(&self, answer: &[u8]) -> Result<String, FinishError> {
        let key = self.redirect.key().ok_or(FinishError::NoKey)?;
        Ok(self.redirect.success(&seal(&key, answer)?))
    }

    /// Where the browser goes with a refusal.
    #[must_use]
    pub fn failure(&self, error: &FinishError) -> String {
        self.redirect.failure(&error.to_string())
    }
}

/// Ends a login, which counts once. `None` for one that is not known, or not any more.
pub async fn finish(state: &Arc<ClusterState>, brought: Brought) -> Option<Back> {
    let pending = state.sso().requests.take(&brought.state, state.now())?;
    let (connector, redirect) = (pending.connector.clone(), pending.redirect.clone());
    let mut claims = Claims::new();
    let result = person(state, pending, brought, &mut claims).await;
    Some(Back {
        connector,
        redirect,
        result,
        claims,
    })
}

async fn person(
    state: &Arc<ClusterState>,
    pending: Pending,
    brought: Brought,
    claims: &mut Claims,
) -> Result<Person, FinishError> {
    if !brought.error.is_empty() {
        return Err(FinishError::Provider {
            error: shown(&brought.error),
            description: shown(&brought.error_description),
        });
    }
    if brought.code.is_empty() {
        return Err(FinishError::NoCode);
    }
    if pending.redirect.key().is_none() {
        return Err(FinishError::NoKey);
    }
    let documents = state.documents();
    let connector = documents
        .connectors
        .get(&pending.connector)
        .ok_or_else(|| FinishError::NoConnector(pending.connector.clone()))?;
    *claims = vouched(state, connector, &pending, &brought.code, &brought.issuer).await?;
    let name = claims::user_name(
        claims,
        &connector.username_claim,
        connector.allow_unverified_email,
    )?;
    let traits = claims::traits(claims);
    let roles = claims::roles(&connector.claims_to_roles, &traits);
    if roles.is_empty() {
        return Err(FinishError::NoRoles(connector.name.clone()));
    }
    let user = User {
        name,
        roles,
        traits,
    };
    let login = admit(state, &pending, &user).await?;
    Ok(Person {
        user,
        login,
        ssh_key: pending.ssh_key,
        tls_key: pending.tls_key,
    })
}

/// Redeems the code, and gives what the provider says about the person.
async fn vouched(
    state: &ClusterState,
    connector: &Connector,
    pending: &Pending,
    code: &str,
    sender: &str,
) -> Result<Claims, FinishError> {
    let sso = state.sso();
    let _permit = sso.asking.try_acquire().map_err(|_| FinishError::Busy)?;
    let secret = connector.client_secret.read();
    let secret = secret.map_err(FinishError::Setting)?;
    let now = state.now();
    let (issuer, providers) = (&connector.issuer, &sso.providers);
    let description = providers.describe(issuer, now).await?;
    if !sender.is_empty() && sender != description.issuer {
        return Err(FinishError::Mixed(description.issuer.clone()));
    }
    let redemption = Redemption {
        client_id: &connector.client_id,
        client_secret: &secret,
        code,
        callback: &pending.callback,
        verifier: pending.verifier.as_ref().map(|v| v.0.as_str()),
    };
    let tokens = providers.redeem(&description, &redemption).await?;
    let refused = |error: TokenError| FinishError::Token {
        issuer: description.issuer.clone(),
        why: error.to_string(),
    };
    let id_token = &tokens.id_token.0;
    let key = token::key_name(id_token).map_err(refused)?;
    let keys = providers.keys(issuer, &description, key.as_deref(), now);
    let keys = keys.await?;
    let expected = Expected {
        issuer: &description.issuer,
        client_id: &connector.client_id,
        nonce: &pending.nonce,
        now: state.now(),
        max_age: connector.max_age,
        acr: &connector.acr_values,
    };
    let mut claims = token::verify(id_token, &keys, &expected).map_err(refused)?;
    let more = providers.add_user_info(&description, &tokens, &mut claims);
    more.await?;
    Ok(claims)
}

/// Lets somebody in whom the provider vouches for.
async fn admit(
    state: &Arc<ClusterState>,
    pending: &Pending,
    user: &User,
) -> Result<Login, FinishError> {
    // Whoever is described here is nobody else's to vouch for, with or without a password.
    if state.user(&user.name).is_some() {
        return Err(FinishError::Taken(user.name.clone()));
    }
    let holder = Holder {
        user: &user.name,
        roles: &user.roles,
        ..Holder::default()
    };
    if let Some(lock) = state.lock_on(&holder) {
        return Err(FinishError::Locked(lock.reason()));
    }
    let route = &pending.route;
    if !route.is_empty() && route != state.name() && !state.leaves().knows(route) {
        return Err(FinishError::NoLeaf(route.clone()));
    }
    let login = issue::grant_sso(state, user, pending.ttl, &pending.address.to_string())?;
    let kept = SsoUser {
        user: user.clone(),
        connector: pending.connector.clone(),
        expires: login.not_after(),
    };
    let (keeper, now) = (Arc::clone(state), state.now());
    let written = tokio::task::spawn_blocking(move || keeper.sso().users.put(&kept, now)).await;
    written.map_err(|error| FinishError::Setting(error.to_string()))??;
    Ok(login)
}

/// A text that anybody may have written, as one short line.
fn shown(text: &str) -> String {
    let line = text.chars().take(LONGEST_TEXT);
    line.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The claims as an audit event shows them: texts and lists of texts.
#[must_use]
pub fn attributes(claims: &Claims) -> Value {
    serde_json::json!(claims::traits(claims))
}
