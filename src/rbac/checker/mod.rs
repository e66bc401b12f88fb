//! Access decisions for one user (rbac.md 5-7, 9, 11).

mod auto;
mod clusters;
mod connect;
mod enumerate;
pub mod explain;
mod matcher;
mod prepared;
mod step;
mod ttl;

use std::collections::{BTreeMap, BTreeSet};

pub use auto::DatabaseRoles;
pub use connect::{Grant, Mfa, Request};
pub use enumerate::Enumeration;
pub use step::{Admission, Denial};

use super::role::IMPLICIT_ROLE;
use super::{AccessError, Database, MatchError, Role, Traits};
use matcher::Matcher;
use prepared::Prepared;

/// The roles of one user, ready to decide about databases of one cluster.
#[derive(Clone, Debug)]
pub struct AccessChecker {
    username: String,
    remote: bool,
    traits: Traits,
    /// The assigned roles in order, then the implicit one.
    roles: Vec<Prepared>,
    cluster_mfa: bool,
    allowed_databases: Option<BTreeSet<String>>,
}

/// What the check assumes about second factor and device (rbac.md 11.1).
#[derive(Clone, Copy, Debug)]
struct State {
    mfa_verified: bool,
    /// Whether a trusted device counts; postern has none to show.
    device_check: bool,
}

impl State {
    /// As in listings: labels decide, nothing else.
    const LISTING: Self = Self {
        mfa_verified: true,
        device_check: false,
    };
}

/// What the check needs of a database, computed once.
struct Facts<'d> {
    database: &'d Database,
    labels: BTreeMap<String, String>,
}

impl<'d> Facts<'d> {
    fn new(database: &'d Database) -> Self {
        Self {
            database,
            labels: database.all_labels(),
        }
    }
}

impl AccessChecker {
    /// Prepares the roles of a user: applies the traits to copies of them, compiles their matchers and appends the implicit
    /// role.
    ///
    /// `username` is the name that the cluster owning the databases knows: in a leaf the mapped one, with `remote` true
    /// (rbac.md 8.1). Roles keep their order; it matters only for errors (see [`super::order`]).
    ///
    /// # Errors
    /// None at present: a broken matcher becomes an error when it is needed (rbac.md 3.6).
    pub fn new(
        username: &str,
        remote: bool,
        roles: Vec<Role>,
        traits: &Traits,
    ) -> Result<Self, AccessError> {
        let mut prepared: Vec<Prepared> = roles
            .into_iter()
            .filter(|role| role.name != IMPLICIT_ROLE)
            .map(|role| Prepared::new(role, traits))
            .collect();
        prepared.push(Prepared::new(Role::implicit(), traits));
        Ok(Self {
            username: username.to_owned(),
            remote,
            traits: traits.clone(),
            roles: prepared,
            cluster_mfa: false,
            allowed_databases: None,
        })
    }

    /// Sets whether the cluster asks everybody for a second factor in each session (rbac.md 11.1).
    #[must_use]
    pub fn with_cluster_mfa(mut self, required: bool) -> Self {
        self.cluster_mfa = required;
        self
    }

    /// Restricts access to databases with these names, as a certificate with allowed resource IDs does (rbac.md 5 step 0).
    #[must_use]
    pub fn restricted_to(mut self, names: BTreeSet<String>) -> Self {
        self.allowed_databases = Some(names);
        self
    }

    /// The user's name as the cluster owning the databases knows it: the name of automatic users.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// Whether the user comes from another cluster.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        self.remote
    }

    /// Names of the assigned roles, in order.
    pub fn role_names(&self) -> impl Iterator<Item = &str> {
        self.assigned().map(|p| p.role.name.as_str())
    }

    /// Whether any role is assigned; without one, listings carry no users (rbac.md 10.3).
    #[must_use]
    pub fn has_roles(&self) -> bool {
        self.assigned().next().is_some()
    }

    fn assigned(&self) -> impl Iterator<Item = &Prepared> {
        self.roles.iter().filter(|p| p.role.name != IMPLICIT_ROLE)
    }

    /// Whether the database is in the user's list.
    ///
    /// # Errors
    /// A broken matcher of a role; it makes a cluster refuse the whole list (rbac.md 3.6).
    pub fn can_list(&self, database: &Database) -> Result<bool, AccessError> {
        let all: Vec<&Prepared> = self.roles.iter().collect();
        match self.check_access(
            &all,
            &Facts::new(database),
            State::LISTING,
            &Matcher::default(),
        ) {
            Ok(()) => Ok(true),
            Err(error) if error.is_access_denied() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The check of rbac.md 5 for a set of roles.
    fn check_access(
        &self,
        roles: &[&Prepared],
        facts: &Facts<'_>,
        state: State,
        matcher: &Matcher<'_>,
    ) -> Result<(), AccessError> {
        if self
            .allowed_databases
            .as_ref()
            .is_some_and(|names| !names.contains(&facts.database.name))
        {
            return Err(AccessError::NotInAllowedResources);
        }
        self.check_roles(roles, facts, state, matcher)
    }

    /// Steps 1 to 5, without the restriction to resources.
    fn check_roles(
        &self,
        roles: &[&Prepared],
        facts: &Facts<'_>,
        state: State,
        matcher: &Matcher<'_>,
    ) -> Result<(), AccessError> {
        if self.cluster_mfa && !state.mfa_verified {
            return Err(AccessError::MfaRequired);
        }
        for prepared in roles {
            if self.denial(prepared, facts, matcher)?.is_some() {
                return Err(AccessError::Denied);
            }
        }
        let mfa_satisfied = state.mfa_verified
            || !roles
                .iter()
                .any(|p| p.role.options.require_mfa.is_required());
        let mut allowed = false;
        for prepared in roles {
            if self.admission(prepared, facts, matcher)? != Admission::Admits {
                continue;
            }
            if mfa_satisfied && !state.device_check {
                return Ok(());
            }
            let options = &prepared.role.options;
            if options.require_mfa.is_required() && !mfa_satisfied {
                return Err(AccessError::MfaRequired);
            }
            if state.device_check && options.requires_device() {
                return Err(AccessError::DeviceRequired);
            }
            allowed = true;
        }
        if allowed {
            Ok(())
        } else {
            Err(AccessError::Denied)
        }
    }

    fn allows(&self, prepared: &Prepared, facts: &Facts<'_>) -> Result<bool, MatchError> {
        prepared.allow.allows(&facts.labels, &self.traits)
    }

    fn denies(&self, prepared: &Prepared, facts: &Facts<'_>) -> Result<bool, MatchError> {
        prepared.deny.denies(&facts.labels, &self.traits)
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
