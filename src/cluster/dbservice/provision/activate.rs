//! Makes an automatic user, or takes an existing one into service (db-service.md 3.3).

use tokio_postgres::Client;

use super::sql::{self, Facts};
use super::{ProvisionError, guards};

/// One attempt, one transaction: either the user has `roles` and may log in, or nothing has changed.
pub(super) async fn activate(
    client: &Client,
    user: &str,
    roles: &[String],
) -> Result<(), ProvisionError> {
    let facts = sql::begin(client, user, roles).await?;
    guards::check_facts(user, &facts)?;
    let mut batch = changes(user, roles, &facts)?;
    batch.push("COMMIT");
    client.batch_execute(&batch.join("; ")).await?;
    Ok(())
}

/// The table of db-service.md 3.3. `roles` is free of duplicates.
fn changes<'a>(
    user: &str,
    roles: &[String],
    facts: &'a Facts,
) -> Result<Vec<&'a str>, ProvisionError> {
    let mut batch: Vec<&str> = Vec::new();
    if !facts.user_exists {
        batch.extend((!facts.book_exists).then_some(facts.create_book.as_str()));
        batch.push(&facts.create_user);
        if !facts.book_admin && !facts.grantors && !facts.admin_super {
            // Needed from PostgreSQL 16 on, where the maker has it and nobody can take it himself: for an upgrade.
            batch.push(&facts.admin_book);
        }
    } else if facts.pids.is_empty() {
        batch.extend(facts.revokes.iter().map(String::as_str));
    } else if !facts.extra_roles.is_empty() || !facts.grants.is_empty() {
        return Err(ProvisionError::RolesChanged {
            user: user.into(),
            wanted: roles.to_vec(),
            current: facts.current_roles.clone(),
            foreign: facts.foreign_roles.clone(),
            pids: facts.pids.clone(),
        });
    }
    // The server itself refuses to touch a superuser, in its own words.
    if facts.user_exists && (!facts.can_login || facts.user_super) {
        batch.push(&facts.login);
    }
    batch.extend(facts.grants.iter().map(String::as_str));
    Ok(batch)
}
