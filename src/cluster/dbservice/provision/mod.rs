//! Automatic database users: made and given their roles at the start of a session, stripped and locked at the end of
//! the last one. Source: db-service.md 3, followed as its section 3.14 recommends: no stored procedures, exact names,
//! one transaction per change.
//!
//! | file | holds |
//! |---|---|
//! | `admin` | the admin account and its connections |
//! | `guards` | users and roles that are refused before anything is made |
//! | `sql` | the facts about a user, and the text of every change |
//! | `activate`, `deactivate` | one attempt at a change |
//! | `mend` | what the admin lacks, as statements |
//! | `redshift` | the same for Amazon Redshift, whose users are of another kind |
//! | `error` | why it failed, and what the client is told |

mod activate;
mod admin;
mod deactivate;
mod error;
mod guards;
mod mend;
mod redshift;
mod sql;

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_postgres::Client;

use super::pool::Freshness;
use super::tls::Upstream;
use crate::rbac::CreateUserMode;

pub(super) use admin::{Admin, AdminPools};
pub(super) use deactivate::Outcome;
pub(super) use error::ProvisionError;

/// Longest time for one activation or deactivation, the login of the admin included.
const LIMIT: Duration = Duration::from_secs(60);
/// Attempts at a change that collided with another one (db-service.md 3.7).
const ATTEMPTS: u32 = 10;

/// Makes `user` a user that may log in and is a direct member of exactly `roles`, or changes nothing.
///
/// The caller holds the user's lock. Roles named twice count once. On PostgreSQL 16 and later, roles that somebody else
/// granted to the user and that the admin cannot take away stay.
pub(super) async fn activate(
    upstream: &Upstream,
    admin: &Admin,
    user: &str,
    roles: &[String],
) -> Result<(), ProvisionError> {
    let mut roles = distinct(roles);
    check_names(upstream, admin, user, &roles)?;
    if upstream.is_redshift() {
        let work = (admin.name(), user, roles);
        return transacted(upstream, admin, &work, |(admin, user, roles), client| {
            Box::pin(redshift::activate(client, admin, user, roles))
        })
        .await;
    }
    if upstream.is_rds() {
        if upstream.is_reader() {
            return Err(ProvisionError::ReaderEndpoint);
        }
        // Without it nobody logs in by a token (db-service.md 3.9).
        roles.push("rds_iam".into());
        roles = distinct(&roles);
    }
    transacted(upstream, admin, &(user, roles), |(user, roles), client| {
        Box::pin(async move {
            let done = activate::activate(client, user, roles).await;
            mend::explained(client, user, roles, done).await
        })
    })
    .await
}

/// Whether a user of this name, with these roles, could be made on this kind of server. Asks nobody.
pub(super) fn check_names(
    upstream: &Upstream,
    admin: &Admin,
    user: &str,
    roles: &[String],
) -> Result<(), ProvisionError> {
    if upstream.is_redshift() {
        redshift::check_names(user, admin.name(), roles)
    } else {
        guards::check_names(user, admin.name(), roles)
    }
}

/// Strips and locks `user` (or drops it, as the mode says) unless backends of it run. The caller holds the user's lock.
pub(super) async fn deactivate(
    upstream: &Upstream,
    admin: &Admin,
    user: &str,
    mode: CreateUserMode,
) -> Result<Outcome, ProvisionError> {
    if user == admin.name() {
        return Ok(Outcome::NotOurs);
    }
    if upstream.is_redshift() {
        let work = (admin.name(), user, mode);
        return transacted(upstream, admin, &work, |(admin, user, mode), client| {
            Box::pin(redshift::deactivate(client, admin, user, *mode))
        })
        .await;
    }
    transacted(upstream, admin, &(user, mode), |(user, mode), client| {
        Box::pin(async move {
            let done = deactivate::deactivate(client, user, *mode).await;
            mend::explained(client, user, &[], done).await
        })
    })
    .await
}

/// Managed users that may log in although no backend of theirs runs: what a crash left behind.
pub(super) async fn leftovers(
    upstream: &Upstream,
    admin: &Admin,
) -> Result<Vec<String>, ProvisionError> {
    if upstream.is_redshift() {
        return transacted(upstream, admin, &admin.name(), |admin, client| {
            Box::pin(async move { Ok(redshift::leftovers(client, admin).await?) })
        })
        .await;
    }
    transacted(upstream, admin, &(), |(), client| {
        Box::pin(async move { Ok(sql::leftovers(client).await?) })
    })
    .await
}

/// Ends a backend; false when it is gone already.
pub(super) async fn terminate(
    upstream: &Upstream,
    admin: &Admin,
    pid: i32,
) -> Result<bool, ProvisionError> {
    if upstream.is_redshift() {
        return transacted(upstream, admin, &pid, |pid, client| {
            Box::pin(redshift::terminate(client, *pid))
        })
        .await;
    }
    transacted(upstream, admin, &pid, |pid, client| {
        Box::pin(async move { Ok(sql::terminate(client, *pid).await?) })
    })
    .await
}

/// Sorted, each role once.
pub(super) fn distinct(roles: &[String]) -> Vec<String> {
    let mut roles = roles.to_vec();
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// One attempt at `W` on a connection; see [`transacted`].
type Attempt<W, T> = for<'c> fn(&'c W, &'c Client) -> BoxFuture<'c, Result<T, ProvisionError>>;

/// Tries `work` on a connection of the admin: again while it collides with others (db-service.md 3.7), and once more when a
/// kept connection turns out to be dead. An attempt that fails may leave its transaction open, one that succeeds may not.
async fn transacted<W: Sync, T>(
    upstream: &Upstream,
    admin: &Admin,
    work: &W,
    attempt: Attempt<W, T>,
) -> Result<T, ProvisionError> {
    let tries = Box::pin(async {
        let (mut tried, mut freshness) = (0, Freshness::Any);
        loop {
            let connection = admin.connection(upstream, freshness).await?;
            let error = match attempt(work, &connection).await {
                Ok(done) => {
                    connection.keep();
                    return Ok(done);
                }
                Err(error) => error,
            };
            if error.is_end_of_connection() {
                if connection.was_kept() && freshness == Freshness::Any {
                    freshness = Freshness::New;
                    continue;
                }
                return Err(error);
            }
            connection.batch_execute("ROLLBACK").await?;
            connection.keep();
            tried += 1;
            match error {
                error if !error.is_collision() => return Err(error),
                ProvisionError::Server(error) if tried >= ATTEMPTS => {
                    return Err(ProvisionError::Retries(error));
                }
                _ => {
                    let pause = u64::from(tried * 100).min(750);
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
            }
        }
    });
    tokio::time::timeout(LIMIT, tries)
        .await
        .map_err(|_| ProvisionError::Timeout)?
}
