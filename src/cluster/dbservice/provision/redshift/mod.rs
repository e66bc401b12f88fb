//! Automatic users of Amazon Redshift (db-service.md 3.11, with the additions of 3.14).
//!
//! What differs from PostgreSQL: roles and users are apart; a user is taken out of service by a connection limit of 0, has
//! no password and logs in by IAM; there are no savepoints, no arrays and no advisory locks; names fold to lower case. No
//! procedure is made: the statements are sent one by one, names quoted here, values bound.
//!
//! | file | holds |
//! |---|---|
//! | `names` | which names can be used at all |
//! | `catalog` | what the system views say |
//! | `changes` | the statements, and transactions around them |

mod catalog;
mod changes;
mod names;

use tokio_postgres::Client;

use self::catalog::{Facts, superusers};
use super::{Outcome, ProvisionError};
use crate::rbac::CreateUserMode;

pub(super) use catalog::leftovers;
pub(super) use names::check as check_names;

/// The role whose holders are the managed users.
const BOOKKEEPING: &str = super::sql::BOOKKEEPING;
/// The role of Redshift that makes its holders superusers.
const SUPERUSER: &str = "sys:superuser";

/// One attempt, one transaction: either the user has exactly `roles` and may log in, or nothing has changed.
pub(super) async fn activate(
    client: &Client,
    admin: &str,
    user: &str,
    roles: &[String],
) -> Result<(), ProvisionError> {
    let mut facts = catalog::begin(client, admin, user).await?;
    check(&facts, admin, user, roles)?;
    if !facts.roles.contains_key(BOOKKEEPING) {
        changes::make_bookkeeping_role(client).await?;
        facts = catalog::begin(client, admin, user).await?;
        check(&facts, admin, user, roles)?;
    }
    let statements = match &facts.user {
        None => changes::create(user, roles),
        Some(_) if facts.sessions.is_empty() => changes::enable(user, roles, &facts.held),
        Some(found) if facts.held == roles => {
            if found.may_log_in {
                Vec::new()
            } else {
                vec![changes::unlock(user)]
            }
        }
        Some(_) => {
            return Err(ProvisionError::RolesChanged {
                user: user.into(),
                wanted: roles.to_vec(),
                current: facts.held,
                foreign: Vec::new(),
                pids: facts.sessions,
            });
        }
    };
    if statements.is_empty() {
        return changes::commit(client).await;
    }
    changes::run(client, &statements).await?;
    // A name that folded to another one shows here.
    let held = catalog::held(client, user).await?;
    if held != roles {
        return Err(ProvisionError::Folded {
            user: user.into(),
            wanted: roles.to_vec(),
            held,
        });
    }
    changes::commit(client).await
}

/// One attempt, one transaction; two when the user cannot be dropped.
pub(super) async fn deactivate(
    client: &Client,
    admin: &str,
    user: &str,
    mode: CreateUserMode,
) -> Result<Outcome, ProvisionError> {
    let facts = catalog::begin(client, admin, user).await?;
    let outcome = if facts.user.is_none() || !facts.managed {
        Outcome::NotOurs
    } else if !facts.sessions.is_empty() {
        Outcome::Active(facts.sessions)
    } else if mode == CreateUserMode::BestEffortDrop {
        match changes::run(client, &changes::remove(user, &facts.held)).await {
            Ok(()) => Outcome::Dropped,
            Err(error) if changes::is_in_use(&error) => {
                changes::roll_back(client).await?;
                // Nothing is held from before: whatever happened meanwhile counts.
                return Box::pin(deactivate(client, admin, user, CreateUserMode::Keep)).await;
            }
            Err(error) => return Err(error),
        }
    } else {
        changes::run(client, &changes::disable(user, &facts.held)).await?;
        Outcome::Locked {
            kept: catalog::held(client, user).await?,
        }
    };
    changes::commit(client).await?;
    Ok(outcome)
}

/// Ends a session. False when it is gone already.
pub(super) async fn terminate(client: &Client, pid: i32) -> Result<bool, ProvisionError> {
    let there = catalog::is_session(client, pid).await?;
    if there {
        client
            .simple_query(&format!("SELECT pg_terminate_backend({pid})"))
            .await?;
    }
    Ok(there)
}

/// What the system views say against an activation (db-service.md 3.14).
fn check(facts: &Facts, admin: &str, user: &str, roles: &[String]) -> Result<(), ProvisionError> {
    if !facts.admin_is_superuser {
        return Err(ProvisionError::AdminNotSuperuser {
            admin: admin.into(),
        });
    }
    match &facts.user {
        Some(_) if !facts.managed => {
            return Err(ProvisionError::Unmanaged { user: user.into() });
        }
        Some(found) if found.is_superuser => {
            return Err(ProvisionError::Privileged { user: user.into() });
        }
        _ => {}
    }
    let missing: Vec<String> = roles
        .iter()
        .filter(|role| !facts.roles.contains_key(*role))
        .cloned()
        .collect();
    if !missing.is_empty() {
        return Err(ProvisionError::RoleMissing { roles: missing });
    }
    let superusers = superusers(&facts.roles);
    match roles.iter().find(|role| superusers.contains(role.as_str())) {
        Some(role) => Err(ProvisionError::RoleNotGrantable { role: role.clone() }),
        None => Ok(()),
    }
}
