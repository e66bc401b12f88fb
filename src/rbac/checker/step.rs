//! What one role says to one request: the steps that the decision is made of, and that an explanation shows.

use super::matcher::Matcher;
use super::{AccessChecker, Facts, Prepared};
use crate::rbac::MatchError;

/// What a role denies for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// Its deny side matches the database: nobody with this role may do anything there.
    Labels,
    /// The database user is in its `deny.db_users`, which hold for every database (rbac.md 5 step 2).
    User,
    /// The same with the database name.
    Name,
}

/// What a role's allow side says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Its labels and expression do not match the database.
    NotDatabase,
    /// The database matches, the user is not in its `db_users`.
    NotUser,
    /// The database matches, the name is not in its `db_names`.
    NotName,
    /// The database matches, neither user nor name is listed.
    NeitherUserNorName,
    /// All of it matches.
    Admits,
}

impl AccessChecker {
    /// Whether a role denies (rbac.md 5 step 2).
    pub(super) fn denial(
        &self,
        prepared: &Prepared,
        facts: &Facts<'_>,
        matcher: &Matcher<'_>,
    ) -> Result<Option<Denial>, MatchError> {
        if !prepared.deny.covers(facts.database.effective_namespace()) {
            return Ok(None);
        }
        if self.denies(prepared, facts)? {
            return Ok(Some(Denial::Labels));
        }
        Ok(matcher.denied_by(&prepared.role.deny))
    }

    /// Whether a role admits (rbac.md 5 step 3).
    pub(super) fn admission(
        &self,
        prepared: &Prepared,
        facts: &Facts<'_>,
        matcher: &Matcher<'_>,
    ) -> Result<Admission, MatchError> {
        if !prepared.allow.covers(facts.database.effective_namespace())
            || !self.allows(prepared, facts)?
        {
            return Ok(Admission::NotDatabase);
        }
        Ok(matcher.allowed_by(&prepared.role.allow))
    }
}
