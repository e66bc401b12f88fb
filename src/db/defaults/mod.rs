//! Database user, name and roles of a session: what was wished, else what the roles leave as the only choice
//! (db-client.md 5, rbac.md 9.3).
//!
//! # The database name when any is allowed
//!
//! tsh takes a name only if exactly one is listed; with `db_names: ['*']`, the commonest role, it refuses to go on without
//! `--db-name`. postern goes on: the name that a role lists alone, else with `*` the admin user's default database (it exists,
//! or no user could be provisioned), else `postgres`, which every PostgreSQL server has unless somebody dropped it (`dev` on
//! Redshift). A name that is denied is never chosen; several listed names are a question.

mod error;

use crate::rbac::{
    AccessChecker, AccessError, CreateUserMode, Database, DatabaseKind, Mfa, Request,
};

pub use error::{ChoiceError, Options};

/// What the command line asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// `--db-user`.
    pub user: Option<String>,
    /// `--db-name`.
    pub name: Option<String>,
    /// `--db-roles`; empty for all allowed ones.
    pub roles: Vec<String>,
}

impl Wish {
    /// Splits `--db-roles` at commas as tsh does: nothing is trimmed or dropped (rbac.md 7.3).
    #[must_use]
    pub fn split_roles(text: &str) -> Vec<String> {
        if text.is_empty() {
            Vec::new()
        } else {
            text.split(',').map(str::to_owned).collect()
        }
    }
}

/// A value with the reason for it, as the end of a sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen<T = String> {
    /// The value.
    pub value: T,
    /// Why.
    pub why: String,
}

impl<T> Chosen<T> {
    fn new(value: T, why: impl Into<String>) -> Self {
        Self {
            value,
            why: why.into(),
        }
    }
}

/// User, name and roles of a session, all of them allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Database user.
    pub user: Chosen,
    /// Database name; empty where the protocol needs none.
    pub name: Chosen,
    /// Database roles that an automatic user will have; empty for others.
    pub granted: Chosen<Vec<String>>,
    /// Roles to put into the certificate: as requested, without duplicates; empty for all allowed ones.
    pub requested: Vec<String>,
    /// Whether the user is provisioned, and what happens to it afterwards.
    pub mode: CreateUserMode,
}

/// Chooses user, name and roles, and refuses what the cluster would refuse, before any certificate is asked for. A second
/// factor counts as given: whether it is needed is another question.
///
/// # Errors
/// What is open or refused, with everything that may be chosen instead.
pub fn choose(
    database: &Database,
    checker: &AccessChecker,
    wish: &Wish,
) -> Result<Choice, ChoiceError> {
    let roles = checker
        .database_roles(database)
        .map_err(ChoiceError::Access)?;
    let requested = dedup(&wish.roles);
    if roles.mode.is_enabled() {
        check_provisioning(database)?;
        if let Err(AccessError::RoleDenied { role }) = roles.select(&requested) {
            return Err(ChoiceError::RoleRefused {
                database: database.name.clone(),
                role,
                allowed: roles.roles,
            });
        }
    }
    let auto = roles.mode.is_enabled();
    let users = if auto {
        None
    } else {
        Some(user_options(database, checker)?)
    };
    let names = Options::from(
        &checker
            .enumerate_names(database)
            .map_err(ChoiceError::Access)?,
    );
    let fits = |user: &str, name: &str| {
        checker
            .check(
                database,
                &Request {
                    user,
                    name,
                    roles: &requested,
                    mfa: Mfa::Verified,
                },
            )
            .is_ok()
    };
    let user = match &users {
        None => Some(auto_user(database, checker, wish)?),
        Some(users) => choose_user(database, users, wish, &fits)?,
    };
    let name = choose_name(database, &names, wish, user.as_ref(), &fits)?;
    let (user, name) = match (user, name) {
        (Some(user), Some(name)) => (user, name),
        (user, name) => {
            return Err(ChoiceError::Undecided {
                database: database.name.clone(),
                users: users.filter(|_| user.is_none()).map(Box::new),
                names: name.is_none().then(|| Box::new(names)),
            });
        }
    };
    let request = Request {
        user: &user.value,
        name: &name.value,
        roles: &requested,
        mfa: Mfa::Verified,
    };
    let grant = checker.check(database, &request).map_err(|error| {
        refused(
            database,
            error,
            &user.value,
            &name.value,
            users.as_ref(),
            &names,
        )
    })?;
    let why = match (auto, requested.is_empty()) {
        (false, _) => "database roles are granted to automatic users only",
        (true, true) => "your roles allow these, and none were asked for",
        (true, false) => "they were asked for, and your roles allow them",
    };
    Ok(Choice {
        user,
        name,
        granted: Chosen::new(grant.roles, why),
        requested,
        mode: grant.mode,
    })
}

fn dedup(roles: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for role in roles {
        if !out.contains(role) {
            out.push(role.clone());
        }
    }
    out
}

/// Roles that create users make a database unusable where none can be created (rbac.md 7.4, trap).
fn check_provisioning(database: &Database) -> Result<(), ChoiceError> {
    let kind = database.kind();
    let fail = |error: &AccessError, means: String| {
        Err(ChoiceError::CannotProvision {
            database: database.name.clone(),
            kind,
            why: format!("{error} ({means})"),
        })
    };
    if !database.supports_auto_users() {
        let means = match kind {
            DatabaseKind::RedshiftServerless => format!(
                "{} is Redshift Serverless: its users are IAM roles, which nobody can create by logging in; a role whose \
                 create_db_user_mode is off has to allow an IAM role in db_users",
                database.name
            ),
            _ => format!(
                "users are provisioned for postgres on self-hosted, rds and redshift only; {} is {} on {kind}",
                database.name, database.protocol
            ),
        };
        return fail(&AccessError::AutoUserUnsupported, means);
    }
    if database.admin().is_none() {
        let means = format!(
            "{} names no admin_user that could create yours",
            database.name
        );
        return fail(&AccessError::NoAdminUser, means);
    }
    Ok(())
}

fn user_options(database: &Database, checker: &AccessChecker) -> Result<Options, ChoiceError> {
    let extra: &[&str] = if database.protocol == "redis" {
        &["default"]
    } else {
        &[]
    };
    checker
        .enumerate_users_with(database, extra)
        .map(|e| Options::from(&e))
        .map_err(ChoiceError::Access)
}

fn auto_user(
    database: &Database,
    checker: &AccessChecker,
    wish: &Wish,
) -> Result<Chosen, ChoiceError> {
    let user = checker.username().to_owned();
    match wish.user.as_ref().filter(|given| **given != user) {
        Some(given) => {
            let (database, given) = (database.name.clone(), given.clone());
            Err(if checker.is_remote() {
                ChoiceError::MappedUser {
                    database,
                    user,
                    given,
                }
            } else {
                ChoiceError::AutoUser {
                    database,
                    user,
                    given,
                }
            })
        }
        None if checker.is_remote() => Ok(Chosen::new(
            user,
            "it is provisioned automatically, and a leaf cluster knows you as remote-<user>-<root cluster>",
        )),
        None => Ok(Chosen::new(
            user,
            "it is provisioned automatically, named as you are in the cluster",
        )),
    }
}

type Fits<'f> = &'f dyn Fn(&str, &str) -> bool;

/// The wished user, else the only allowed one (with the wished name, if there is one); `None` if the choice is open.
fn choose_user(
    database: &Database,
    users: &Options,
    wish: &Wish,
    fits: Fits<'_>,
) -> Result<Option<Chosen>, ChoiceError> {
    if let Some(given) = &wish.user {
        // A name in another spelling (case, IAM role) may be allowed without being listed.
        let name = wish.name.as_deref().unwrap_or_default();
        if !users.permits(given) && !fits(given, name) && !database_permits_spelling(database) {
            let (database, given, users) = (database.name.clone(), given.clone(), users.clone());
            return Err(ChoiceError::UserRefused {
                database,
                given,
                users,
            });
        }
        return Ok(Some(Chosen::new(given.clone(), "it was asked for")));
    }
    if users.is_empty() {
        return Err(ChoiceError::NoUser {
            database: database.name.clone(),
        });
    }
    let mut allowed: Vec<&String> = users.allowed.iter().collect();
    if let Some(name) = wish.name.as_deref().filter(|_| allowed.len() > 1) {
        allowed.retain(|user| fits(user, name));
    }
    Ok(match allowed.as_slice() {
        [only] if users.allowed.len() == 1 => Some(Chosen::new(
            (*only).clone(),
            "it is the only database user that your roles list",
        )),
        [only] => Some(Chosen::new(
            (*only).clone(),
            "it is the only database user allowed with this name",
        )),
        _ => None,
    })
}

/// Databases whose user names have several spellings; the check decides there.
fn database_permits_spelling(database: &Database) -> bool {
    database.protocol == "cockroachdb" || !database.effective_aws().is_empty()
}

/// The wished name, else the only allowed one, else with `*` the default; `None` if the choice is open.
fn choose_name(
    database: &Database,
    names: &Options,
    wish: &Wish,
    user: Option<&Chosen>,
    fits: Fits<'_>,
) -> Result<Option<Chosen>, ChoiceError> {
    if let Some(given) = &wish.name {
        if database.enforces_names() && !names.permits(given) {
            let (database, given, names) = (database.name.clone(), given.clone(), names.clone());
            return Err(ChoiceError::NameRefused {
                database,
                given,
                names,
            });
        }
        return Ok(Some(Chosen::new(given.clone(), "it was asked for")));
    }
    if !database.needs_name() {
        return Ok(Some(Chosen::new(String::new(), "this protocol needs none")));
    }
    if names.is_empty() {
        return Err(ChoiceError::NoName {
            database: database.name.clone(),
        });
    }
    let mut allowed: Vec<&String> = names.allowed.iter().collect();
    if let Some(user) = user.filter(|_| allowed.len() > 1 || names.any) {
        allowed.retain(|name| fits(&user.value, name));
    }
    Ok(match allowed.as_slice() {
        [only] if names.allowed.len() == 1 => Some(Chosen::new(
            (*only).clone(),
            "it is the only database name that your roles list",
        )),
        [only] => Some(Chosen::new(
            (*only).clone(),
            "it is the only database name allowed with this user",
        )),
        [] if names.any => {
            default_name(database, names).filter(|d| user.is_none_or(|u| fits(&u.value, &d.value)))
        }
        _ => None,
    })
}

/// The name to take when any is allowed; see the module's documentation.
fn default_name(database: &Database, names: &Options) -> Option<Chosen> {
    let admin = database
        .admin()
        .map(|a| a.default_database)
        .filter(|name| !name.is_empty());
    let candidates = [
        admin.map(|name| {
            Chosen::new(
                name,
                "any is allowed, and the admin user of this database uses this one",
            )
        }),
        (database.kind() == DatabaseKind::Redshift).then(|| {
            Chosen::new(
                "dev".to_owned(),
                "any is allowed, and Redshift clusters start with this one",
            )
        }),
        (database.protocol == "postgres").then(|| {
            Chosen::new(
                "postgres".to_owned(),
                "any is allowed, and PostgreSQL servers have this one",
            )
        }),
    ];
    candidates
        .into_iter()
        .flatten()
        .find(|c| names.permits(&c.value))
}

/// Says which part of a refused session is at fault.
fn refused(
    database: &Database,
    error: AccessError,
    user: &str,
    name: &str,
    users: Option<&Options>,
    names: &Options,
) -> ChoiceError {
    if error != AccessError::Denied {
        return ChoiceError::Access(error);
    }
    let (database, enforces) = (database.name.clone(), database.enforces_names());
    if let Some(users) = users.filter(|u| !u.permits(user)) {
        return ChoiceError::UserRefused {
            database,
            given: user.to_owned(),
            users: users.clone(),
        };
    }
    if enforces && !names.permits(name) {
        return ChoiceError::NameRefused {
            database,
            given: name.to_owned(),
            names: names.clone(),
        };
    }
    if enforces {
        return ChoiceError::PairRefused {
            database,
            user: user.to_owned(),
            name: name.to_owned(),
        };
    }
    ChoiceError::Access(error)
}

#[cfg(test)]
mod tests;
