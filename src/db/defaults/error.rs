//! What may be chosen, and why nothing was.

use crate::quote::{list, quote};
use crate::rbac::{AccessError, DatabaseKind, Enumeration};

/// What may be chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Listed and allowed.
    pub allowed: Vec<String>,
    /// Denied although `*` is allowed.
    pub denied: Vec<String>,
    /// Whether others are allowed too.
    pub any: bool,
}

impl Options {
    pub(super) fn from(enumeration: &Enumeration) -> Self {
        let any = enumeration.wildcard_allowed();
        Self {
            allowed: enumeration.allowed(),
            denied: if any {
                enumeration.denied()
            } else {
                Vec::new()
            },
            any,
        }
    }

    pub(super) fn permits(&self, entry: &str) -> bool {
        self.allowed.iter().any(|a| a == entry)
            || (self.any && !self.denied.iter().any(|d| d == entry))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.allowed.is_empty() && !self.any
    }
}

impl std::fmt::Display for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let star = self.any.then(|| "*".to_owned());
        let all: Vec<String> = star
            .into_iter()
            .chain(self.allowed.iter().cloned())
            .collect();
        f.write_str(&if all.is_empty() {
            "(none)".to_owned()
        } else {
            list(&all)
        })?;
        if self.denied.is_empty() {
            Ok(())
        } else {
            write!(f, " except {}", list(&self.denied))
        }
    }
}

/// Why no session can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// More than one user, or name, or both, may be chosen: a question, all of it at once.
    #[error("{}", question(database, users.as_deref(), names.as_deref()))]
    Undecided {
        /// The database.
        database: String,
        /// Users to choose from, if the user is open.
        users: Option<Box<Options>>,
        /// Names to choose from, if the name is open.
        names: Option<Box<Options>>,
    },
    /// No database user is allowed.
    #[error(
        "you are not allowed access to any database user for {database}, ask a cluster administrator to ensure your \
         Teleport user has appropriate db_users set"
    )]
    NoUser {
        /// The database.
        database: String,
    },
    /// No database name is allowed.
    #[error(
        "you are not allowed access to any database name for {database}, ask a cluster administrator to ensure your \
         Teleport user has appropriate db_names set"
    )]
    NoName {
        /// The database.
        database: String,
    },
    /// The wished user is not allowed.
    #[error(
        "database user {} is not allowed on {database}, allowed: {users}",
        quote(given)
    )]
    UserRefused {
        /// The database.
        database: String,
        /// The wished user.
        given: String,
        /// What is allowed instead.
        users: Options,
    },
    /// The wished name is not allowed.
    #[error(
        "database name {} is not allowed on {database}, allowed: {names}",
        quote(given)
    )]
    NameRefused {
        /// The database.
        database: String,
        /// The wished name.
        given: String,
        /// What is allowed instead.
        names: Options,
    },
    /// Each is allowed, but by no role together.
    #[error(
        "no role allows database user {} together with database name {} on {database}",
        quote(user),
        quote(name)
    )]
    PairRefused {
        /// The database.
        database: String,
        /// The user.
        user: String,
        /// The name.
        name: String,
    },
    /// A requested database role is not allowed; the first text is that of the cluster.
    #[error(
        "access to database role {} denied, allowed on {database}: {}",
        quote(role),
        list(allowed)
    )]
    RoleRefused {
        /// The database.
        database: String,
        /// The first role that is not allowed.
        role: String,
        /// What is allowed.
        allowed: Vec<String>,
    },
    /// The user is provisioned automatically and has one name only.
    #[error(
        "please use your Teleport username ({}) to connect instead of {}: {database} provisions its users automatically, \
         named as you are in the cluster",
        quote(user),
        quote(given)
    )]
    AutoUser {
        /// The database.
        database: String,
        /// The right name.
        user: String,
        /// The wished name.
        given: String,
    },
    /// The same on a leaf cluster.
    #[error(
        "use your mapped remote username {} instead of {}: {database} belongs to a leaf cluster, which knows you as \
         remote-<user>-<root cluster> and provisions its users automatically under that name",
        quote(user),
        quote(given)
    )]
    MappedUser {
        /// The database.
        database: String,
        /// The right name.
        user: String,
        /// The wished name.
        given: String,
    },
    /// Roles demand automatic users where there can be none; `why` says what is missing.
    #[error("{why}")]
    CannotProvision {
        /// The database.
        database: String,
        /// The type of the database.
        kind: DatabaseKind,
        /// The cluster's text and what it means.
        why: String,
    },
    /// Anything else the cluster would refuse.
    #[error("{0}")]
    Access(AccessError),
}

impl ChoiceError {
    /// Whether a person could answer it.
    #[must_use]
    pub fn is_open_question(&self) -> bool {
        matches!(self, Self::Undecided { .. })
    }
}

fn question(database: &str, users: Option<&Options>, names: Option<&Options>) -> String {
    let part = |what: &str, flag: &str, options: &Options| {
        format!(
            "please provide the database {what} using the {flag} flag, allowed database {what}s for {database}: {options}"
        )
    };
    let parts = [
        users.map(|u| part("user", "--db-user", u)),
        names.map(|n| part("name", "--db-name", n)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}
