//! The decision at connect time, in the order of rbac.md 7.4.

use super::matcher::{Matcher, UserMatcher};
use super::{AccessChecker, DatabaseRoles, Facts, Prepared, State};
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
        let entry = self.entry(database, Some(request.user), request.roles)?;
        let state = State {
            mfa_verified: request.mfa == Mfa::Verified,
            device_check: true,
        };
        let matcher = matcher(database, Some(request.user), Some(request.name), entry.auto);
        self.check_access(&self.every_role(), &Facts::new(database), state, &matcher)?;
        entry.activation(database, request.user)?;
        Ok(Grant {
            mode: entry.roles.mode,
            roles: entry.granted,
        })
    }

    /// What comes before the access check: roles that create users, requested roles, the name of an automatic user (rbac.md
    /// 7.4 steps 1 to 3). A user that is still open is not looked at.
    pub(super) fn entry(
        &self,
        database: &Database,
        user: Option<&str>,
        requested: &[String],
    ) -> Result<Entry, AccessError> {
        let roles = self.database_roles(database).map_err(|error| match error {
            AccessError::Match(error) => AccessError::SilentMatch(error),
            other => other,
        })?;
        if user.is_some_and(str::is_empty) {
            return Err(AccessError::EmptyUser);
        }
        let auto = roles.mode.is_enabled();
        let granted = roles.select(requested)?;
        if let Some(given) = user.filter(|user| auto && *user != self.username) {
            let (user, given) = (self.username.clone(), given.to_owned());
            return Err(if self.remote {
                AccessError::UseMappedUser { user, given }
            } else {
                AccessError::UseTeleportUser { user, given }
            });
        }
        Ok(Entry {
            roles,
            granted,
            auto,
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

    pub(super) fn every_role(&self) -> Vec<&Prepared> {
        self.roles.iter().collect()
    }
}

/// What was found out before the access check.
pub(super) struct Entry {
    pub(super) roles: DatabaseRoles,
    pub(super) granted: Vec<String>,
    /// Whether the roles create users on databases with these labels.
    pub(super) auto: bool,
}

impl Entry {
    /// What comes after the access check: whether the user can be made at all (rbac.md 7.4 step 5).
    pub(super) fn activation(&self, database: &Database, user: &str) -> Result<(), AccessError> {
        if !self.auto {
            return Ok(());
        }
        if !database.supports_auto_users() {
            return Err(AccessError::AutoUserUnsupported);
        }
        if database.admin().is_none() {
            return Err(AccessError::NoAdminUser);
        }
        if self.roles.has_permissions && !self.granted.is_empty() {
            return Err(AccessError::Activation {
                user: user.to_owned(),
                cause: "fine-grained database permissions and database roles are mutually exclusive, yet both were \
                        provided."
                    .to_owned(),
            });
        }
        Ok(())
    }
}

/// What the roles' lists are asked for; what is open does not restrict. An empty name is the user's (rbac.md 6.1).
pub(super) fn matcher<'r>(
    database: &Database,
    user: Option<&'r str>,
    name: Option<&'r str>,
    auto: bool,
) -> Matcher<'r> {
    let name = match name {
        Some("") => user,
        name => name,
    };
    Matcher {
        user: user.and_then(|user| user_matcher(database, user, auto)),
        name: name.filter(|_| database.enforces_names()),
    }
}

/// Automatic users are not looked up in the users lists, neither allowed nor denied ones (rbac.md 6.1, 7.4 step 4).
fn user_matcher(database: &Database, user: &str, auto: bool) -> Option<UserMatcher> {
    (!(auto && database.supports_auto_users())).then(|| UserMatcher::new(database, user))
}
