//! Issues user and database certificates: subject and lifetime as recorded (credentials.md 1.2, 1.6, auth-api.md 2.8).

use super::ca::ssh_user::SshPublicKey;
use super::ca::{CaError, CaKind, SubjectPublicKey};
use super::documents::User;
use super::random::{self, NoRandomness};
use super::state::ClusterState;
use crate::identity::{BACKDATING_SECONDS, Certificate, Identity, RouteToDatabase, oids};
use crate::rbac::{AccessChecker, AccessError};

/// Nanoseconds of a second: durations of roles and requests.
const SECOND: i64 = 1_000_000_000;
/// Seconds of a certificate for one use.
const SINGLE_USE_SECONDS: i64 = 60;
/// Seconds an SSH certificate lasts at least.
const SSH_SECONDS: i64 = 60;
/// Seconds of a login by single sign-on, at most.
const LONGEST_SECONDS: i64 = 30 * 3600;
/// Users of the cluster itself.
const LOCAL: &str = "local";
/// Users that a single sign-on made.
const SSO: &str = "sso";
/// Restriction of database certificates.
const USAGE_DATABASE: &str = "usage:db";

/// Why no certificate is issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The user is not known.
    #[error("user {0:?} not found")]
    NoUser(String),
    /// A role of the user is not known.
    #[error("role {0} is not found")]
    NoRole(String),
    /// A role cannot be used.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The authority refuses.
    #[error(transparent)]
    Authority(#[from] CaError),
    /// No random bytes.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

/// A login, or certificates for the holder of one, that was granted: what they say.
#[derive(Clone, Debug)]
pub struct Login {
    identity: Identity,
    now: i64,
    not_after: i64,
}

impl Login {
    /// When it ends, unix seconds.
    #[must_use]
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// Issues the X.509 certificate, DER.
    ///
    /// # Errors
    /// When signing fails.
    pub fn x509(
        &self,
        state: &ClusterState,
        key: &SubjectPublicKey,
    ) -> Result<Vec<u8>, IssueError> {
        sign(state, &self.identity, key, self.now, self.not_after)
    }

    /// Issues the SSH certificate, an `authorized_keys` line; it lasts a minute at least (credentials.md 1.6).
    ///
    /// # Errors
    /// When signing fails.
    pub fn ssh(&self, state: &ClusterState, key: &SshPublicKey) -> Result<String, IssueError> {
        let not_before = self.now - BACKDATING_SECONDS;
        let not_after = self.not_after.max(self.now + SSH_SECONDS);
        let authorities = state.authorities();
        let authority = authorities.ssh_user();
        Ok(authority.issue_user(&self.identity, key, not_before, not_after)?)
    }
}

/// Issues the X.509 certificate of a login, DER.
///
/// # Errors
/// As [`grant`], or when signing fails.
pub fn login(
    state: &ClusterState,
    user: &str,
    key: &SubjectPublicKey,
    ttl: i64,
    address: &str,
) -> Result<Vec<u8>, IssueError> {
    grant(state, user, ttl, address)?.x509(state, key)
}

/// Grants a login to a user who has proven to be one. `ttl` is in nanoseconds, 0 for the cluster's default; the roles of the
/// user limit it.
///
/// # Errors
/// When the user or a role is unknown.
pub fn grant(
    state: &ClusterState,
    user: &str,
    ttl: i64,
    address: &str,
) -> Result<Login, IssueError> {
    let documents = state.documents();
    let user = documents
        .users
        .get(user)
        .ok_or_else(|| IssueError::NoUser(user.to_owned()))?;
    let wanted = if ttl == 0 {
        state.session_seconds().saturating_mul(SECOND)
    } else {
        ttl
    };
    grant_to(state, user, wanted, address, LOCAL)
}

/// Grants a login to a user whom somebody else vouches for. `ttl` is in nanoseconds, 0 for as long as the roles let it last
/// (login.md 9).
///
/// # Errors
/// When a role is unknown.
pub fn grant_sso(
    state: &ClusterState,
    user: &User,
    ttl: i64,
    address: &str,
) -> Result<Login, IssueError> {
    let longest = LONGEST_SECONDS * SECOND;
    let wanted = if ttl == 0 { longest } else { ttl.min(longest) };
    grant_to(state, user, wanted, address, SSO)
}

fn grant_to(
    state: &ClusterState,
    user: &User,
    wanted: i64,
    address: &str,
    kind: &str,
) -> Result<Login, IssueError> {
    let documents = state.documents();
    let mut roles = Vec::new();
    for name in &user.roles {
        roles.push(
            documents
                .roles
                .get(name)
                .cloned()
                .ok_or_else(|| IssueError::NoRole(name.clone()))?,
        );
    }
    let checker = AccessChecker::new(&user.name, false, roles, &user.traits)?;
    let ttl = checker.session_ttl(wanted);
    let identity = Identity {
        username: user.name.clone(),
        roles: user.roles.clone(),
        principals: principals()?,
        route_to_cluster: state.name().to_owned(),
        teleport_cluster: state.name().to_owned(),
        traits: user.traits.clone(),
        database_names: checker.certificate_names(ttl),
        database_users: checker.certificate_users(ttl),
        login_ip: address.to_owned(),
        private_key_policy: "none".to_owned(),
        other: vec![(oids::USER_TYPE.to_owned(), kind.to_owned())],
        ..Identity::default()
    };
    let now = state.now();
    // Whole seconds, and at least one after the (backdated) begin.
    let not_after = (now + ttl.div_euclid(SECOND)).max(now - BACKDATING_SECONDS + 1);
    Ok(Login {
        identity,
        now,
        not_after,
    })
}

/// Whether the holder was made by a single sign-on.
#[must_use]
pub fn is_sso(identity: &Identity) -> bool {
    let kind = identity
        .other
        .iter()
        .find(|(oid, _)| oid == oids::USER_TYPE);
    kind.is_some_and(|(_, kind)| kind == SSO)
}

/// What a holder of a certificate asks for.
#[derive(Clone, Debug, Default)]
pub struct Reissue {
    /// End of validity wished for, unix seconds.
    pub expires: i64,
    /// Cluster the certificate shall lead to; empty for this one.
    pub route_to_cluster: String,
    /// The database it shall be for; `None` for an unrestricted certificate.
    pub database: Option<RouteToDatabase>,
    /// A certificate for one use: a minute, unless it is for a tunnel.
    pub single_use: bool,
    /// For a tunnel on the user's computer: a database certificate that lasts as long as a session may.
    pub tunnel: bool,
}

/// Grants certificates to the holder of `presented`. Neither database nor user, name and roles of the route are checked
/// here: access is decided at connection time.
///
/// # Errors
/// [`IssueError::Randomness`] without random numbers.
pub fn reissue(
    state: &ClusterState,
    presented: &Certificate,
    checker: &AccessChecker,
    wish: &Reissue,
    address: &str,
) -> Result<Login, IssueError> {
    let now = state.now();
    let session = checker.session_ttl(state.session_seconds().saturating_mul(SECOND)) / SECOND;
    // Real clusters let one kind outlive the presented certificate, a tunnel's after a second factor for the session
    // (credentials.md 1.6). No such factor can be shown here, so the login's end is everybody's.
    let mut not_after = wish.expires.min(presented.not_after);
    if wish.tunnel && wish.database.is_some() {
        not_after = not_after.min(now + session);
    } else if wish.single_use {
        not_after = not_after.min(now + SINGLE_USE_SECONDS);
    }
    let ttl = (not_after - now).saturating_mul(SECOND);
    let base = &presented.identity;
    let mut identity = Identity {
        principals: principals()?,
        usage: wish
            .database
            .iter()
            .map(|_| USAGE_DATABASE.to_owned())
            .collect(),
        route_to_cluster: if wish.route_to_cluster.is_empty() {
            state.name().to_owned()
        } else {
            wish.route_to_cluster.clone()
        },
        route_to_database: wish.database.clone(),
        database_names: checker.certificate_names(ttl),
        database_users: checker.certificate_users(ttl),
        ..base.clone()
    };
    if wish.single_use {
        identity.previous_identity_expires = rfc3339(presented.not_after);
        address.clone_into(&mut identity.login_ip);
    }
    Ok(Login {
        identity,
        now,
        not_after,
    })
}

fn sign(
    state: &ClusterState,
    identity: &Identity,
    key: &SubjectPublicKey,
    now: i64,
    not_after: i64,
) -> Result<Vec<u8>, IssueError> {
    Ok(state.authority(CaKind::User).issue_user(
        identity,
        key,
        now - BACKDATING_SECONDS,
        not_after,
    )?)
}

/// Logins of a user without any: two names that no system has, one of them new each time.
fn principals() -> Result<Vec<String>, NoRandomness> {
    Ok(vec![
        "-teleport-internal-join".to_owned(),
        format!("-teleport-nologin-{}", random::uuid()?),
    ])
}

fn rfc3339(seconds: i64) -> String {
    use time::format_description::well_known::Rfc3339;
    time::OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|t| t.format(&Rfc3339).ok())
        .unwrap_or_default()
}
