//! Which users and names a user may choose from (rbac.md 9.1, 9.2).

use std::collections::BTreeMap;

use super::matcher::{Matcher, UserMatcher};
use super::{AccessChecker, Facts, Prepared, State};
use crate::rbac::role::Conditions;
use crate::rbac::{AccessError, Database, WILDCARD};

/// Users or names with the decision about each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enumeration {
    known: BTreeMap<String, bool>,
    wildcard_allowed: bool,
    wildcard_denied: bool,
}

impl Enumeration {
    /// Allowed entries, sorted; none when everything is denied.
    #[must_use]
    pub fn allowed(&self) -> Vec<String> {
        if self.wildcard_denied {
            Vec::new()
        } else {
            self.with(true)
        }
    }

    /// Denied entries, sorted.
    #[must_use]
    pub fn denied(&self) -> Vec<String> {
        self.with(false)
    }

    /// Whether anything not denied is allowed.
    #[must_use]
    pub fn wildcard_allowed(&self) -> bool {
        self.wildcard_allowed && !self.wildcard_denied
    }

    /// Whether everything is denied.
    #[must_use]
    pub fn wildcard_denied(&self) -> bool {
        self.wildcard_denied
    }

    /// Allowed and denied lists as listings show them, `*` first among the allowed ones.
    #[must_use]
    pub fn to_entities(&self) -> (Vec<String>, Vec<String>) {
        if self.wildcard_denied {
            return (Vec::new(), vec![WILDCARD.to_owned()]);
        }
        if self.wildcard_allowed {
            let mut allowed = vec![WILDCARD.to_owned()];
            allowed.extend(self.allowed());
            return (allowed, self.denied());
        }
        (self.allowed(), Vec::new())
    }

    fn with(&self, decision: bool) -> Vec<String> {
        self.known
            .iter()
            .filter(|(_, allowed)| **allowed == decision)
            .map(|(entry, _)| entry.clone())
            .collect()
    }
}

/// Which of the two lists is enumerated.
#[derive(Clone, Copy)]
enum List {
    Users,
    Names,
}

impl List {
    fn of(self, side: &Conditions) -> &[String] {
        match self {
            Self::Users => &side.database_users,
            Self::Names => &side.database_names,
        }
    }

    fn matcher<'e>(self, database: &Database, entry: &'e str) -> Matcher<'e> {
        match self {
            Self::Users => Matcher {
                user: Some(UserMatcher::new(database, entry)),
                name: None,
            },
            Self::Names => Matcher {
                user: None,
                name: Some(entry),
            },
        }
    }
}

impl AccessChecker {
    /// Database users to choose from; only the automatic one where users are provisioned.
    ///
    /// # Errors
    /// A broken matcher of a role that creates users.
    pub fn enumerate_users(&self, database: &Database) -> Result<Enumeration, AccessError> {
        self.enumerate_users_with(database, &[])
    }

    /// As [`Self::enumerate_users`], with further candidates (`default` for Redis).
    ///
    /// # Errors
    /// A broken matcher of a role that creates users.
    pub fn enumerate_users_with(
        &self,
        database: &Database,
        extra: &[&str],
    ) -> Result<Enumeration, AccessError> {
        if let Some(user) = self.auto_user(database)? {
            return Ok(Enumeration {
                known: [(user, true)].into(),
                ..Enumeration::default()
            });
        }
        Ok(self.enumerate(database, List::Users, extra))
    }

    /// Database names to choose from.
    ///
    /// # Errors
    /// None at present.
    pub fn enumerate_names(&self, database: &Database) -> Result<Enumeration, AccessError> {
        Ok(self.enumerate(database, List::Names, &[]))
    }

    /// Broken matchers count as "not allowed" here (rbac.md 3.6).
    fn enumerate(&self, database: &Database, list: List, extra: &[&str]) -> Enumeration {
        let facts = Facts::new(database);
        let mut result = Enumeration::default();
        let mut candidates: Vec<&str> = extra.to_vec();
        let implicit = self.roles.last();
        for prepared in &self.roles {
            let alone: Vec<&Prepared> = std::iter::once(prepared).chain(implicit).collect();
            let listed = self
                .check_roles(&alone, &facts, State::LISTING, &Matcher::default())
                .is_ok();
            if listed {
                for entry in list.of(&prepared.role.allow) {
                    if entry == WILDCARD {
                        result.wildcard_allowed = true;
                    } else {
                        candidates.push(entry);
                    }
                }
            }
            for entry in list.of(&prepared.role.deny) {
                if entry == WILDCARD {
                    result.wildcard_denied = true;
                } else {
                    candidates.push(entry);
                }
            }
        }
        let all: Vec<&Prepared> = self.roles.iter().collect();
        for entry in candidates {
            if !result.known.contains_key(entry) {
                let matcher = list.matcher(database, entry);
                let allowed = self
                    .check_access(&all, &facts, State::LISTING, &matcher)
                    .is_ok();
                result.known.insert(entry.to_owned(), allowed);
            }
        }
        result
    }
}
