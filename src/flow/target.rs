//! What to connect to: which database, as which user, to which database name, with which roles, and why.
//!
//! Everything is decided and checked here, before any certificate exists: the cluster issues one for anything asked
//! (auth-api.md 2.8). The rules are [`crate::db`]'s; here they meet the clusters and what this client can do.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::compat::Server;
use crate::db::select::{choose_one, nearest_names, usable};
use crate::db::{Choice, ChoiceError, SelectError, Wish, defaults, naming};
use crate::identity::RouteToDatabase;
use crate::rbac::{AccessChecker, AccessError, Database, Mfa, Request};
use crate::transport::alpn;

/// Reads lists of roles: separated by commas, blanks around a name do not count, each counts once, the order does not.
///
/// tsh keeps the blanks, and `reader, writer` is then refused for want of a role `" writer"` (db-client.md 5).
pub fn roles<S: AsRef<str>>(lists: &[S]) -> Vec<String> {
    let names = lists
        .iter()
        .flat_map(|list| list.as_ref().split(','))
        .map(str::trim);
    let names: BTreeSet<&str> = names.filter(|name| !name.is_empty()).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// A database with everything needed to connect to it decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The cluster that owns it.
    pub cluster: String,
    /// The cluster that issues certificates.
    pub root_cluster: String,
    /// The database.
    pub database: Database,
    /// Database user.
    pub user: String,
    /// The user is made on the way (automatic provisioning): no other name can work.
    pub automatic: bool,
    /// Database name.
    pub name: String,
    /// Requested database roles, sorted and each once; empty means all allowed ones.
    pub roles: Vec<String>,
    /// What was chosen, with the reasons.
    pub why: Choice,
}

impl Target {
    /// Whether a leaf cluster owns the database.
    pub fn is_remote(&self) -> bool {
        self.cluster != self.root_cluster
    }

    /// The database roles that the user will have; none for shared accounts.
    pub fn granted(&self) -> &[String] {
        &self.why.granted.value
    }

    /// Decides once more what was decided before, by databases and roles of now.
    ///
    /// # Errors
    /// As [`select`] and [`decide`].
    pub fn again(
        &self,
        databases: &[Database],
        checker: &AccessChecker,
    ) -> Result<Self, TargetError> {
        let wish = Wish {
            user: (!self.automatic).then(|| self.user.clone()),
            name: Some(self.name.clone()),
            roles: self.roles.clone(),
        };
        let place = Place {
            cluster: &self.cluster,
            root_cluster: &self.root_cluster,
            filtered: false,
        };
        let named = databases
            .iter()
            .find(|database| database.name == self.database.name);
        let database = named.ok_or_else(|| TargetError::Select {
            error: SelectError::NotFound {
                name: self.database.name.clone(),
                nearest: Vec::new(),
            },
            cluster: self.is_remote().then(|| self.cluster.clone()),
        })?;
        decide(database, checker, &wish, place)
    }

    /// What the certificate has to say.
    pub fn route(&self) -> RouteToDatabase {
        RouteToDatabase {
            service_name: self.database.name.clone(),
            protocol: self.database.protocol.clone(),
            username: self.user.clone(),
            database: self.name.clone(),
            roles: self.roles.clone(),
        }
    }

    /// One line for people: where, as whom, why, with which roles.
    pub fn explain(&self) -> String {
        let cluster = if self.is_remote() {
            format!(" in cluster {}", self.cluster)
        } else {
            String::new()
        };
        let roles = match (self.automatic, self.granted()) {
            (false, _) => String::new(),
            (true, []) => ", without database roles".to_owned(),
            (true, granted) => format!(", with database roles {}", granted.join(", ")),
        };
        format!(
            "{}{cluster}: database {} as user {} ({}){roles}",
            self.database.name, self.name, self.user, self.why.user.why
        )
    }
}

/// Why there is no target.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TargetError {
    /// None of that name, or several that it may mean.
    #[error("{error}{}", at(cluster.as_deref()))]
    Select {
        /// Why.
        error: SelectError,
        /// The cluster, when it is a leaf.
        cluster: Option<String>,
    },
    /// None that can be used.
    #[error("cluster {cluster} has no database that you may use{}{}", among(*filtered), with_roles(roles))]
    NoneUsable {
        /// Where it was looked for.
        cluster: String,
        /// Labels, words or a query narrowed the search.
        filtered: bool,
        /// The roles that were asked for.
        roles: Vec<String>,
    },
    /// A kind of database that this client does not speak.
    #[error(
        "database {database:?} speaks {protocol}, and only PostgreSQL and Redshift are supported"
    )]
    Protocol {
        /// The database.
        database: String,
        /// Its protocol.
        protocol: String,
    },
    /// User, name or roles are open or refused.
    #[error(transparent)]
    Choice(Box<ChoiceError>),
    /// Roles were asked for where users are not provisioned.
    #[error(
        "database {database:?} has shared accounts: --db-roles only works where users are provisioned automatically"
    )]
    RolesWithoutProvisioning {
        /// The database.
        database: String,
    },
    /// The database service is too old to limit a session to some roles: it would grant all of them.
    #[error(
        "database {database:?} is served by Teleport {version}, which does not know --db-roles and would grant all your database roles"
    )]
    RolesIgnored {
        /// The database.
        database: String,
        /// What its database service announced.
        version: String,
    },
    /// PostgreSQL would cut the name of the automatic user, who then could not log in.
    #[error(
        "your name in the cluster, {user}, is longer than the 63 bytes that a PostgreSQL user name can have"
    )]
    NameTooLong {
        /// The name.
        user: String,
    },
    /// Every session needs a second factor of its own.
    #[error("database {database:?} asks for a second factor in every session")]
    SecondFactor {
        /// The database.
        database: String,
    },
}

impl TargetError {
    /// Whether there is no database of the name asked for, where it was looked for.
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::Select {
                error: SelectError::NotFound { .. },
                ..
            }
        )
    }
}

impl From<ChoiceError> for TargetError {
    fn from(error: ChoiceError) -> Self {
        Self::Choice(Box::new(error))
    }
}

fn at(cluster: Option<&str>) -> String {
    cluster.map_or_else(String::new, |cluster| format!(" (in cluster {cluster})"))
}

fn among(filtered: bool) -> &'static str {
    if filtered {
        " among those that match"
    } else {
        ""
    }
}

fn with_roles(roles: &[String]) -> String {
    if roles.is_empty() {
        String::new()
    } else {
        format!(" with database roles {}", roles.join(", "))
    }
}

/// Where databases are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The cluster that owns them.
    pub cluster: &'a str,
    /// The cluster that issues certificates.
    pub root_cluster: &'a str,
    /// The list was narrowed by labels, words or a query.
    pub filtered: bool,
}

impl Place<'_> {
    pub(super) fn is_remote(&self) -> bool {
        self.cluster != self.root_cluster
    }
}

/// Finds the database that is meant: the name itself, the original name of a discovered one, the only one whose name begins
/// so; without a name the only one that can be used.
///
/// # Errors
/// [`TargetError::Select`], [`TargetError::NoneUsable`].
pub fn select<'d>(
    databases: &'d [Database],
    checker: &AccessChecker,
    name: Option<&str>,
    wish: &Wish,
    place: Place<'_>,
) -> Result<&'d Database, TargetError> {
    let mut candidates: Vec<&Database> = databases.iter().collect();
    if name.is_none() {
        candidates.retain(|database| is_spoken(database));
        candidates = usable(&candidates, checker, wish);
        if candidates.is_empty() {
            return Err(TargetError::NoneUsable {
                cluster: place.cluster.to_owned(),
                filtered: place.filtered,
                roles: wish.roles.clone(),
            });
        }
    }
    choose_one(&candidates, name)
        .map(|selected| selected.database)
        .map_err(|error| TargetError::Select {
            error,
            cluster: place.is_remote().then(|| place.cluster.to_owned()),
        })
}

/// The names most like one that does not exist.
pub fn nearest(name: &str, known: &[String]) -> Vec<String> {
    nearest_names(known.iter().map(String::as_str), name)
}

/// Decides user, name and roles for a database and checks them as the cluster will.
///
/// # Errors
/// [`TargetError`]; nothing was sent to anybody.
pub fn decide(
    database: &Database,
    checker: &AccessChecker,
    wish: &Wish,
    place: Place<'_>,
) -> Result<Target, TargetError> {
    if !is_spoken(database) {
        return Err(TargetError::Protocol {
            database: database.name.clone(),
            protocol: database.protocol.clone(),
        });
    }
    judge(database, checker, wish, place)
}

/// Whether this client speaks the database's protocol.
pub(super) fn is_spoken(database: &Database) -> bool {
    alpn::database(&database.protocol).is_some()
}

/// The decision without regard to what this client speaks.
pub(super) fn judge(
    database: &Database,
    checker: &AccessChecker,
    wish: &Wish,
    place: Place<'_>,
) -> Result<Target, TargetError> {
    let why = defaults::choose(database, checker, wish)?;
    let automatic = why.mode.is_enabled();
    if !automatic && !wish.roles.is_empty() {
        return Err(TargetError::RolesWithoutProvisioning {
            database: database.name.clone(),
        });
    }
    let user = why.user.value.clone();
    if automatic && !naming::fits_postgres(&user) {
        return Err(TargetError::NameTooLong { user });
    }
    let request = Request {
        user: &user,
        name: &why.name.value,
        roles: &why.requested,
        mfa: Mfa::NotVerified,
    };
    match checker.check(database, &request) {
        Ok(_) => {}
        Err(AccessError::MfaRequired) => {
            return Err(TargetError::SecondFactor {
                database: database.name.clone(),
            });
        }
        Err(error) => return Err(ChoiceError::Access(error).into()),
    }
    let service = Server::of(&database.service_version);
    if !why.requested.is_empty() && !service.knows_db_roles() {
        return Err(TargetError::RolesIgnored {
            database: database.name.clone(),
            version: service.text().to_owned(),
        });
    }
    Ok(Target {
        cluster: place.cluster.to_owned(),
        root_cluster: place.root_cluster.to_owned(),
        database: database.clone(),
        automatic,
        name: why.name.value.clone(),
        roles: why.requested.clone(),
        user,
        why,
    })
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
