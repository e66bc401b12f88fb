//! Why a database may be entered, or may not: the decision of [`super::target`] with the reasons of every role.

use super::target::{self, Place, Target, TargetError};
use crate::db::{ChoiceError, Wish, select};
use crate::rbac::explain::{Ask, Explanation, Origin, RoleReason, SideReason};
use crate::rbac::{
    AccessChecker, AccessError, CreateUserMode, Database, Enumeration, Mfa, WILDCARD,
};

/// How it comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Allowed, as this target says.
    Allowed(Box<Target>),
    /// Allowed, once user or name is chosen.
    Open(TargetError),
    /// Allowed with a second factor in each session, or on a trusted device.
    Person(TargetError),
    /// Refused.
    Denied(TargetError),
}

impl Verdict {
    /// One word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Allowed(_) => "allowed",
            Self::Open(_) => "choice",
            Self::Person(_) => "second_factor",
            Self::Denied(_) => "denied",
        }
    }

    /// What was decided, when everything is.
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::Allowed(target) => Some(target),
            _ => None,
        }
    }

    /// What is missing or refused.
    pub fn error(&self) -> Option<&TargetError> {
        match self {
            Self::Allowed(_) => None,
            Self::Open(error) | Self::Person(error) | Self::Denied(error) => Some(error),
        }
    }
}

/// The answer about one database.
#[derive(Clone, Debug)]
pub struct Why {
    /// The cluster that owns it.
    pub cluster: String,
    /// The cluster that the login is at.
    pub root_cluster: String,
    /// The database.
    pub database: Database,
    /// How it comes out.
    pub verdict: Verdict,
    /// What each role says.
    pub explanation: Explanation,
    /// Users that may be chosen, then those that may not although `*` is allowed.
    pub users: (Vec<String>, Vec<String>),
    /// The same for names; any where the protocol does not restrict them.
    pub names: (Vec<String>, Vec<String>),
    /// Database roles that an automatic user may get.
    pub roles: Vec<String>,
    /// What happens to automatic users; off where the roles make none.
    pub mode: CreateUserMode,
    /// The user is made on the way.
    pub automatic: bool,
    /// This client speaks the protocol.
    pub spoken: bool,
    user: Option<String>,
    name: Option<String>,
}

/// Explains what [`target::decide`] decides.
pub fn explain(database: &Database, checker: &AccessChecker, wish: &Wish, place: Place<'_>) -> Why {
    let verdict = match target::judge(database, checker, wish, place) {
        Ok(target) => Verdict::Allowed(Box::new(target)),
        Err(error) => refusal(error, database, checker, wish),
    };
    let automatic = checker.auto_user(database).ok().flatten();
    let (user, name) = match &verdict {
        Verdict::Allowed(target) => (Some(target.user.clone()), Some(target.name.clone())),
        _ => (
            wish.user.clone().or_else(|| automatic.clone()),
            wish.name.clone(),
        ),
    };
    let ask = Ask {
        user: user.as_deref(),
        name: name.as_deref(),
        roles: &wish.roles,
        mfa: Mfa::NotVerified,
    };
    let entities = |found: Result<Enumeration, AccessError>| {
        found.map(|found| found.to_entities()).unwrap_or_default()
    };
    let roles = checker.database_roles(database).unwrap_or_default();
    Why {
        cluster: place.cluster.to_owned(),
        root_cluster: place.root_cluster.to_owned(),
        explanation: checker.explain(database, ask),
        users: entities(checker.enumerate_users(database)),
        names: if database.enforces_names() {
            entities(checker.enumerate_names(database))
        } else {
            (vec![WILDCARD.to_owned()], Vec::new())
        },
        roles: if automatic.is_some() {
            roles.roles
        } else {
            Vec::new()
        },
        mode: roles.mode,
        automatic: automatic.is_some(),
        spoken: target::is_spoken(database),
        database: database.clone(),
        verdict,
        user,
        name,
    }
}

fn refusal(
    error: TargetError,
    database: &Database,
    checker: &AccessChecker,
    wish: &Wish,
) -> Verdict {
    match &error {
        TargetError::SecondFactor { .. } => Verdict::Person(error),
        TargetError::Choice(choice) => match &**choice {
            ChoiceError::Access(AccessError::DeviceRequired | AccessError::MfaRequired) => {
                Verdict::Person(error)
            }
            // A question with no answer that would be allowed is none.
            ChoiceError::Undecided { .. }
                if !select::usable(&[database], checker, wish).is_empty() =>
            {
                Verdict::Open(error)
            }
            _ => Verdict::Denied(error),
        },
        _ => Verdict::Denied(error),
    }
}

/// Which list of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// `db_users`.
    Users,
    /// `db_names`.
    Names,
    /// `db_roles`.
    Roles,
}

impl List {
    /// The list of one side.
    pub fn of(self, side: &SideReason) -> &[Origin] {
        match self {
            Self::Users => &side.users,
            Self::Names => &side.names,
            Self::Roles => &side.roles,
        }
    }

    /// The field of role documents.
    pub fn field(self) -> &'static str {
        match self {
            Self::Users => "db_users",
            Self::Names => "db_names",
            Self::Roles => "db_roles",
        }
    }
}

impl Why {
    /// Whether a leaf cluster owns the database.
    pub fn is_remote(&self) -> bool {
        self.cluster != self.root_cluster
    }

    /// The user and the name that the roles were asked about; what is open is absent.
    pub fn asked(&self) -> (Option<&str>, Option<&str>) {
        (self.user.as_deref(), self.name.as_deref())
    }

    /// Which roles list a value, by which of their entries: those that match the database, and for database roles create
    /// users. An entry that is `*`, or becomes it, lists every user and every name.
    pub fn sources(&self, list: List, value: &str) -> Vec<(&RoleReason, &Origin)> {
        let counts = |role: &&RoleReason| {
            role.matches_database() && (list != List::Roles || role.mode.is_enabled())
        };
        let roles = self.explanation.roles.iter().filter(counts);
        roles
            .flat_map(|role| {
                list.of(&role.allow)
                    .iter()
                    .map(move |origin| (role, origin))
            })
            .filter(|(_, origin)| {
                let is = |wanted: &str| origin.values.iter().any(|v| v == wanted);
                is(value) || (list != List::Roles && is(WILDCARD))
            })
            .collect()
    }

    /// The roles that create users on this database.
    pub fn creators(&self) -> Vec<&RoleReason> {
        let roles = self.explanation.roles.iter();
        roles
            .filter(|role| role.matches_database() && role.mode.is_enabled())
            .collect()
    }
}

#[cfg(test)]
#[path = "why_tests.rs"]
mod tests;
