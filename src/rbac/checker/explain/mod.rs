//! Why a decision comes out as it does: what each role says, label by label, and which value came from which trait.
//!
//! Made of the steps that the decision is made of ([`Denial`], [`Admission`]), so that it cannot say anything else;
//! [`Explanation::verdict`] draws the conclusion from the reasons alone, and a property test holds it to
//! [`AccessChecker::check`].

mod labels;
mod values;

pub use labels::{Expression, Key, Labels};
pub use values::Origin;

use super::connect::matcher;
use super::step::{Admission, Denial};
use super::{AccessChecker, Facts, Mfa, Prepared};
use crate::rbac::role::Conditions;
use crate::rbac::{AccessError, CreateUserMode, Database, MatchError};

/// What is asked about; what is absent is left open.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ask<'a> {
    /// Database user.
    pub user: Option<&'a str>,
    /// Database name; empty means the user's name.
    pub name: Option<&'a str>,
    /// Requested database roles; empty means all allowed ones.
    pub roles: &'a [String],
    /// Whether the certificate carries a verified second factor.
    pub mfa: Mfa,
}

/// Why a session is allowed or refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The user's name in the cluster that owns the database.
    pub username: String,
    /// Whether the cluster lists the database; an error is a broken role, which makes it refuse the whole list.
    pub listed: Result<bool, AccessError>,
    /// The certificate is restricted to other databases.
    pub restricted: bool,
    /// Refused before any role is asked whether it allows: requested roles, the name of an automatic user.
    pub before: Option<AccessError>,
    /// Refused although the roles allow it: an automatic user that cannot be made.
    pub after: Option<AccessError>,
    /// The cluster asks everybody for a second factor, which is not verified.
    pub factor_missing: bool,
    /// The second factor is verified.
    pub factor_verified: bool,
    /// What each assigned role says, in their order.
    pub roles: Vec<RoleReason>,
}

/// What one role says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleReason {
    /// Its name.
    pub name: String,
    /// Whether it denies.
    pub denial: Result<Option<Denial>, MatchError>,
    /// Whether it admits.
    pub admission: Result<Admission, MatchError>,
    /// What it says of automatic users.
    pub mode: CreateUserMode,
    /// It wants a second factor in each session.
    pub second_factor: bool,
    /// It wants a trusted device.
    pub device: bool,
    /// Its allow side.
    pub allow: SideReason,
    /// Its deny side.
    pub deny: SideReason,
}

/// One side of a role: what it matches, and its lists with where each value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideReason {
    /// Labels and expression.
    pub labels: Labels,
    /// `db_users`.
    pub users: Vec<Origin>,
    /// `db_names`.
    pub names: Vec<Origin>,
    /// `db_roles`.
    pub roles: Vec<Origin>,
}

impl AccessChecker {
    /// Explains what [`Self::check`] decides.
    #[must_use]
    pub fn explain(&self, database: &Database, ask: Ask<'_>) -> Explanation {
        let facts = Facts::new(database);
        let entry = self.entry(database, ask.user, ask.roles);
        let auto = self
            .database_roles(database)
            .is_ok_and(|roles| roles.mode.is_enabled());
        let matcher = matcher(database, ask.user, ask.name, auto);
        let reason = |prepared: &Prepared| {
            let side =
                |written: &Conditions, side: &super::prepared::Side, applied: &Conditions| {
                    SideReason {
                        labels: labels::explain(self, side, written, applied, &facts.labels),
                        users: values::explain(&written.database_users, &self.traits),
                        names: values::explain(&written.database_names, &self.traits),
                        roles: values::explain(&written.database_roles, &self.traits),
                    }
                };
            let [allow, deny] = &prepared.written;
            RoleReason {
                name: prepared.role.name.clone(),
                denial: self.denial(prepared, &facts, &matcher),
                admission: self.admission(prepared, &facts, &matcher),
                mode: prepared.role.options.create_user_mode(),
                second_factor: prepared.role.options.require_mfa.is_required(),
                device: prepared.role.options.requires_device(),
                allow: side(allow, &prepared.allow, &prepared.role.allow),
                deny: side(deny, &prepared.deny, &prepared.role.deny),
            }
        };
        let user = ask.user.unwrap_or(&self.username);
        Explanation {
            username: self.username.clone(),
            listed: self.can_list(database),
            restricted: (self.allowed_databases.as_ref())
                .is_some_and(|names| !names.contains(&database.name)),
            after: (entry.as_ref().ok()).and_then(|entry| entry.activation(database, user).err()),
            before: entry.err(),
            factor_missing: self.cluster_mfa && ask.mfa == Mfa::NotVerified,
            factor_verified: ask.mfa == Mfa::Verified,
            // The implicit role neither allows nor denies any database.
            roles: self.assigned().map(reason).collect(),
        }
    }
}

impl Explanation {
    /// What follows from the reasons.
    ///
    /// # Errors
    /// The refusal, as [`AccessChecker::check`] gives it.
    pub fn verdict(&self) -> Result<(), AccessError> {
        if let Some(error) = &self.before {
            return Err(error.clone());
        }
        if self.restricted {
            return Err(AccessError::NotInAllowedResources);
        }
        if self.factor_missing {
            return Err(AccessError::MfaRequired);
        }
        for role in &self.roles {
            if role.denial.clone()?.is_some() {
                return Err(AccessError::Denied);
            }
        }
        let mut admitted = false;
        for role in &self.roles {
            if role.admission.clone()? != Admission::Admits {
                continue;
            }
            if role.second_factor && !self.factor_verified {
                return Err(AccessError::MfaRequired);
            }
            if role.device {
                return Err(AccessError::DeviceRequired);
            }
            admitted = true;
        }
        match &self.after {
            _ if !admitted => Err(AccessError::Denied),
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// The roles that decide: those that deny; else those that admit; else those that come nearest.
    #[must_use]
    pub fn deciding(&self) -> Vec<&RoleReason> {
        let pick = |wanted: &dyn Fn(&RoleReason) -> bool| -> Vec<&RoleReason> {
            self.roles.iter().filter(|role| wanted(role)).collect()
        };
        let steps: [&dyn Fn(&RoleReason) -> bool; 4] = [
            &|role| !matches!(role.denial, Ok(None)),
            &|role| role.admission == Ok(Admission::Admits),
            &|role| role.admission != Ok(Admission::NotDatabase),
            &|_| true,
        ];
        steps
            .iter()
            .map(|step| pick(step))
            .find(|found| !found.is_empty())
            .unwrap_or_default()
    }
}

impl RoleReason {
    /// Whether its allow side matches the database.
    #[must_use]
    pub fn matches_database(&self) -> bool {
        !matches!(self.admission, Ok(Admission::NotDatabase) | Err(_))
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
