//! Takes an automatic user out of service (db-service.md 3.4 and 3.5).
//!
//! Names come from the catalogue by oid, never through `to_regrole`: a name in mixed case or with a dot is a name like
//! any other.

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::ProvisionError;
use super::sql::{self, Facts};
use crate::rbac::CreateUserMode;

/// What became of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cluster::dbservice) enum Outcome {
    /// There is no such user, or it is none of ours: nothing to do.
    NotOurs,
    /// Backends of the user run: nothing was changed.
    Active(Vec<i32>),
    /// May not log in any more. `kept` are roles that could not be taken away (PostgreSQL 16 and later: granted by
    /// somebody else).
    Locked {
        /// Names of these roles.
        kept: Vec<String>,
    },
    /// Dropped.
    Dropped,
}

/// One attempt, one transaction. A user that is to be dropped and does not exist counts as dropped, as with Teleport.
pub(super) async fn deactivate(
    client: &Client,
    user: &str,
    mode: CreateUserMode,
) -> Result<Outcome, ProvisionError> {
    let facts = sql::begin(client, user, &[]).await?;
    let outcome = if !facts.user_exists && mode == CreateUserMode::BestEffortDrop {
        Outcome::Dropped
    } else if !facts.user_exists || !facts.managed {
        Outcome::NotOurs
    } else if !facts.pids.is_empty() {
        Outcome::Active(facts.pids)
    } else if mode == CreateUserMode::BestEffortDrop && drop_user(client, &facts).await? {
        Outcome::Dropped
    } else {
        Outcome::Locked {
            kept: lock(client, user, &facts).await?,
        }
    };
    client.batch_execute("COMMIT").await?;
    Ok(outcome)
}

/// Drops the user unless something depends on it, in whatever database: PostgreSQL refuses then. So does an open
/// transaction that is just about to make something depend on it, which is not waited for long.
async fn drop_user(client: &Client, facts: &Facts) -> Result<bool, ProvisionError> {
    let batch = format!(
        "SAVEPOINT postern; SET LOCAL lock_timeout TO '2s'; {}",
        facts.drop_user
    );
    match client.batch_execute(&batch).await {
        Ok(()) => Ok(true),
        Err(error)
            if matches!(
                error.code(),
                Some(&SqlState::DEPENDENT_OBJECTS_STILL_EXIST | &SqlState::LOCK_NOT_AVAILABLE)
            ) =>
        {
            client
                .batch_execute("ROLLBACK TO SAVEPOINT postern")
                .await?;
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// Forbids the login, then takes the roles away, each by itself if they do not go together. Returns what stayed.
async fn lock(client: &Client, user: &str, facts: &Facts) -> Result<Vec<String>, ProvisionError> {
    let mut batch = vec![facts.nologin.clone(), "SAVEPOINT postern".into()];
    batch.extend(facts.revokes.iter().cloned());
    if let Err(error) = client.batch_execute(&batch.join("; ")).await {
        // Before the savepoint, which then does not exist, the login itself could not be forbidden.
        client
            .batch_execute("ROLLBACK TO SAVEPOINT postern")
            .await
            .map_err(|_| error)?;
        for revoke in &facts.revokes {
            client.batch_execute("SAVEPOINT postern").await?;
            if client.batch_execute(revoke).await.is_err() {
                client
                    .batch_execute("ROLLBACK TO SAVEPOINT postern")
                    .await?;
            }
        }
    }
    if facts.current_roles.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sql::facts(client, user, &[]).await?.current_roles)
}
