//! Makes an automatic user, or takes an existing one into service (db-service.md 3.3).

use tokio_postgres::Client;

use super::sql::{self, Facts};
use super::{ProvisionError, guards};

/// One attempt, one transaction: either the user has exactly `roles` and may log in, or nothing has changed.
pub(super) async fn activate(
    client: &Client,
    user: &str,
    roles: &[String],
) -> Result<(), ProvisionError> {
    let mut facts = sql::begin(client, user, roles).await?;
    guards::check_facts(user, &facts)?;
    if !facts.book_exists || !facts.book_admin {
        prepare(client, &facts).await?;
        facts = sql::facts(client, user, roles).await?;
        guards::check_facts(user, &facts)?;
    }
    let mut batch = changes(user, roles, &facts)?;
    batch.push("COMMIT".into());
    client.batch_execute(&batch.join("; ")).await?;
    Ok(())
}

/// Makes the bookkeeping role and gives the admin the right to grant it. Only the making may fail the activation: the
/// right matters to PostgreSQL 16 and later alone, where the maker has it anyway.
async fn prepare(client: &Client, facts: &Facts) -> Result<(), ProvisionError> {
    if !facts.book_exists {
        client.batch_execute("SAVEPOINT postern").await?;
        match client.batch_execute(&facts.create_book).await {
            Err(error)
                if matches!(
                    error.code().map(tokio_postgres::error::SqlState::code),
                    Some("42710" | "23505")
                ) =>
            {
                client
                    .batch_execute("ROLLBACK TO SAVEPOINT postern")
                    .await?;
            }
            made => made?,
        }
    }
    client.batch_execute("SAVEPOINT postern").await?;
    if client.batch_execute(&facts.admin_book).await.is_err() {
        client
            .batch_execute("ROLLBACK TO SAVEPOINT postern")
            .await?;
    }
    Ok(())
}

/// The table of db-service.md 3.3. `roles` is free of duplicates.
fn changes(user: &str, roles: &[String], facts: &Facts) -> Result<Vec<String>, ProvisionError> {
    let mut batch = Vec::new();
    if !facts.user_exists {
        batch.push(facts.create_user.clone());
    } else if facts.pids.is_empty() {
        batch.extend(facts.revokes.iter().cloned());
        batch.push(facts.login.clone());
    } else if facts.revokes.is_empty() && facts.grants.is_empty() {
        if !facts.can_login {
            batch.push(facts.login.clone());
        }
        return Ok(batch);
    } else {
        return Err(ProvisionError::RolesChanged {
            user: user.into(),
            wanted: roles.to_vec(),
            current: facts.current_roles.clone(),
            pids: facts.pids.clone(),
        });
    }
    batch.extend(facts.grants.iter().cloned());
    Ok(batch)
}
