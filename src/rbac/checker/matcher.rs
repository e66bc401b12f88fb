//! Matching of database users and names against the lists of a role (rbac.md 6.2, 6.3).

use super::step::{Admission, Denial};
use crate::rbac::database::DatabaseKind;
use crate::rbac::role::Conditions;
use crate::rbac::{Database, WILDCARD};

/// What a role's lists are asked for; what is absent does not restrict.
#[derive(Clone, Debug, Default)]
pub(super) struct Matcher<'a> {
    pub(super) user: Option<UserMatcher>,
    pub(super) name: Option<&'a str>,
}

impl Matcher<'_> {
    /// What the lists of the deny side hit; one match suffices to deny.
    pub(super) fn denied_by(&self, deny: &Conditions) -> Option<Denial> {
        if (self.user.as_ref()).is_some_and(|u| u.is_in(&deny.database_users)) {
            return Some(Denial::User);
        }
        (self.name.is_some_and(|n| is_in(&deny.database_names, n))).then_some(Denial::Name)
    }

    /// Whether the lists of the allow side hold what is asked for; all must match in the same role to allow.
    pub(super) fn allowed_by(&self, allow: &Conditions) -> Admission {
        let user = (self.user.as_ref()).is_none_or(|u| u.is_in(&allow.database_users));
        let name = (self.name).is_none_or(|n| is_in(&allow.database_names, n));
        match (user, name) {
            (true, true) => Admission::Admits,
            (false, true) => Admission::NotUser,
            (true, false) => Admission::NotName,
            (false, false) => Admission::NeitherUserNorName,
        }
    }
}

fn is_in(list: &[String], name: &str) -> bool {
    list.iter().any(|entry| entry == WILDCARD || entry == name)
}

/// A database user with its other spelling in AWS.
#[derive(Clone, Debug)]
pub(super) struct UserMatcher {
    name: String,
    alternative: Option<String>,
    ignore_case: bool,
}

impl UserMatcher {
    pub(super) fn new(database: &Database, user: &str) -> Self {
        Self {
            name: user.to_owned(),
            alternative: alternative(database, user),
            ignore_case: database.protocol == "cockroachdb",
        }
    }

    fn is_in(&self, list: &[String]) -> bool {
        list.iter().any(|entry| {
            entry == WILDCARD
                || entry == &self.name
                || self.alternative.as_ref() == Some(entry)
                || (self.ignore_case && entry.to_lowercase() == self.name.to_lowercase())
        })
    }
}

/// The other spelling of an IAM role, where the database takes both (rbac.md 6.3).
fn alternative(database: &Database, user: &str) -> Option<String> {
    use DatabaseKind::{
        DocumentDb, DynamoDb, Keyspace, MongoAtlas, OpenSearch, Redshift, RedshiftServerless,
    };
    let aws = database.effective_aws();
    let known = !aws.region.is_empty() && !aws.account_id.is_empty();
    let full = |role: &str| {
        format!(
            "arn:{}:iam::{}:role/{role}",
            aws.partition(),
            aws.account_id
        )
    };
    match database.kind() {
        MongoAtlas | Redshift => match (user.strip_prefix("role/"), role_of(user)) {
            (Some(role), _) => known.then(|| full(role)),
            (None, Some((_, _, role))) => Some(format!("role/{role}")),
            (None, None) => None,
        },
        Keyspace | DynamoDb | OpenSearch | RedshiftServerless | DocumentDb if known => {
            match role_of(user) {
                Some((partition, account, role)) => (partition == aws.partition()
                    && account == aws.account_id)
                    .then(|| role.to_owned()),
                None if user.starts_with("arn:") => None,
                None => Some(full(user)),
            }
        }
        _ => None,
    }
}

/// Partition, account and role of `arn:<partition>:iam::<account>:role/<role>`.
fn role_of(arn: &str) -> Option<(&str, &str, &str)> {
    let (partition, rest) = arn.strip_prefix("arn:")?.split_once(":iam::")?;
    let (account, role) = rest.split_once(":role/")?;
    let valid = !partition.contains(':')
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit());
    (valid && !role.is_empty()).then_some((partition, account, role))
}
