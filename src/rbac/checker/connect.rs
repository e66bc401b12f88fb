//! The decision at connect time, in the order of rbac.md 7.4.

use super::matcher::{Matcher, UserMatcher};
use super::{AccessChecker, Facts, Prepared, State};
use crate::rbac::{AccessError, CreateUserMode, Database};

/// What a session asks for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// Database user.
    pub user: &'r str,
    /// Database name; empty means the user's name, as in PostgreSQL.
    pub name: &'r str,
    /// Requested database roles; empty means all allowed ones.
    pub roles: &'r [String],
    /// Whether the certificate carries a verified second factor.
    pub mfa: Mfa,
}

/// Whether a second factor was verified for this session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mfa {
    /// No.
    #[default]
    NotVerified,
    /// Yes.
    Verified,
}

/// What a session gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Whether the user is provisioned.
    pub mode: CreateUserMode,
    /// Database roles to grant, in the order of the request, else sorted.
    pub roles: Vec<String>,
}

impl AccessChecker {
    /// Decides about a session, as a database service does after the startup message. No device is taken to be trusted.
    ///
    /// # Errors
    /// The first refusal in the order of rbac.md 7.4, or a broken role.
    pub fn check(&self, database: &Database, request: &Request<'_>) -> Result<Grant, AccessError> {
        let roles = self.database_roles(database).map_err(|error| match error {
            AccessError::Match(error) => AccessError::SilentMatch(error),
            other => other,
        })?;
        if request.user.is_empty() {
            return Err(AccessError::EmptyUser);
        }
        let auto = roles.mode.is_enabled();
        let granted = roles.select(request.roles)?;
        if auto && request.user != self.username {
            let (user, given) = (self.username.clone(), request.user.to_owned());
            return Err(if self.remote {
                AccessError::UseMappedUser { user, given }
            } else {
                AccessError::UseTeleportUser { user, given }
            });
        }
        let state = State {
            mfa_verified: request.mfa == Mfa::Verified,
            device_check: true,
        };
        let matcher = matcher(database, request.user, request.name, auto);
        self.check_access(&self.every_role(), &Facts::new(database), state, &matcher)?;
        if auto {
            if !database.supports_auto_users() {
                return Err(AccessError::AutoUserUnsupported);
            }
            if database.admin().is_none() {
                return Err(AccessError::NoAdminUser);
            }
            if roles.has_permissions && !granted.is_empty() {
                return Err(AccessError::Activation {
                    user: request.user.to_owned(),
                    cause: "fine-grained database permissions and database roles are mutually exclusive, yet both were \
                            provided."
                        .to_owned(),
                });
            }
        }
        Ok(Grant {
            mode: roles.mode,
            roles: granted,
        })
    }

    /// Answers `IsMFARequired`: whether this session would have to verify a second factor. Refusals count as no
    /// (rbac.md 11.2).
    #[must_use]
    pub fn mfa_required(&self, database: &Database, user: &str, name: &str) -> bool {
        if self.cluster_mfa {
            return true;
        }
        let Ok(roles) = self.database_roles(database) else {
            return false;
        };
        let state = State {
            mfa_verified: false,
            device_check: false,
        };
        // An empty name is not replaced by the user here.
        let matcher = Matcher {
            user: user_matcher(database, user, roles.mode.is_enabled()),
            name: database.enforces_names().then_some(name),
        };
        self.check_access(&self.every_role(), &Facts::new(database), state, &matcher)
            == Err(AccessError::MfaRequired)
    }

    fn every_role(&self) -> Vec<&Prepared> {
        self.roles.iter().collect()
    }
}

fn matcher<'r>(database: &Database, user: &'r str, name: &'r str, auto: bool) -> Matcher<'r> {
    let name = if name.is_empty() { user } else { name };
    Matcher {
        user: user_matcher(database, user, auto),
        name: database.enforces_names().then_some(name),
    }
}

/// Automatic users are not looked up in the users lists, neither allowed nor denied ones (rbac.md 6.1, 7.4 step 4).
fn user_matcher(database: &Database, user: &str, auto: bool) -> Option<UserMatcher> {
    (!(auto && database.supports_auto_users())).then(|| UserMatcher::new(database, user))
}
