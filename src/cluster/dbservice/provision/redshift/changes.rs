//! The statements that change users, and the transactions around them. Users before roles, always: so two transactions
//! take the locks of the system tables in the same order (db-service.md 3.11).

use futures_util::future::join_all;
use postgres_protocol::escape::escape_identifier as quoted;
use tokio_postgres::Client;

use super::super::ProvisionError;
use super::BOOKKEEPING;

fn grant(role: &str, user: &str) -> String {
    format!("GRANT ROLE {} TO {}", quoted(role), quoted(user))
}

fn revoke(role: &str, user: &str) -> String {
    format!("REVOKE ROLE {} FROM {}", quoted(role), quoted(user))
}

/// A user that does not exist: without a password, managed, with these roles.
pub(super) fn create(user: &str, roles: &[String]) -> Vec<String> {
    let mut statements = vec![
        format!("CREATE USER {} WITH PASSWORD DISABLE", quoted(user)),
        grant(BOOKKEEPING, user),
    ];
    statements.extend(roles.iter().map(|role| grant(role, user)));
    statements
}

/// Lets a user log in.
pub(super) fn unlock(user: &str) -> String {
    format!("ALTER USER {} CONNECTION LIMIT UNLIMITED", quoted(user))
}

/// Takes a user into service: what it holds and should not goes, what is missing comes. A role that is held is not granted
/// again, which is an error in Redshift.
pub(super) fn enable(user: &str, roles: &[String], held: &[String]) -> Vec<String> {
    let mut statements = vec![unlock(user)];
    let unwanted = held.iter().filter(|role| !roles.contains(role));
    statements.extend(unwanted.map(|role| revoke(role, user)));
    let missing = roles.iter().filter(|role| !held.contains(role));
    statements.extend(missing.map(|role| grant(role, user)));
    statements
}

/// Takes a user out of service.
pub(super) fn disable(user: &str, held: &[String]) -> Vec<String> {
    let mut statements = vec![format!("ALTER USER {} CONNECTION LIMIT 0", quoted(user))];
    statements.extend(held.iter().map(|role| revoke(role, user)));
    statements
}

/// Removes a user. Its roles go first, so that they are nothing that would keep it.
pub(super) fn remove(user: &str, held: &[String]) -> Vec<String> {
    let mut statements: Vec<String> = held.iter().map(|role| revoke(role, user)).collect();
    statements.push(revoke(BOOKKEEPING, user));
    statements.push(format!("DROP USER {}", quoted(user)));
    statements
}

/// Makes the role whose holders are the managed users, apart from everything else: that it exists already, made by another
/// process, is as good.
pub(super) async fn make_bookkeeping_role(client: &Client) -> Result<(), ProvisionError> {
    roll_back(client).await?;
    match client
        .batch_execute(&format!("CREATE ROLE {}", quoted(BOOKKEEPING)))
        .await
        .map_err(ProvisionError::from)
    {
        Err(ProvisionError::Server(error)) if error.code == "42710" => Ok(()),
        made => made,
    }
}

/// Runs statements in the open transaction: one round trip, the requests are pipelined. The first error counts; after it
/// the server carries out nothing, and the transaction can only be rolled back.
pub(super) async fn run(client: &Client, statements: &[String]) -> Result<(), ProvisionError> {
    let sent = statements
        .iter()
        .map(|statement| client.batch_execute(statement));
    for done in join_all(sent).await {
        done?;
    }
    Ok(())
}

/// Ends the transaction; an error when it cannot take effect.
pub(super) async fn commit(client: &Client) -> Result<(), ProvisionError> {
    Ok(client.batch_execute("COMMIT").await?)
}

/// Ends the transaction without effect.
pub(super) async fn roll_back(client: &Client) -> Result<(), ProvisionError> {
    Ok(client.batch_execute("ROLLBACK").await?)
}

/// The user cannot be dropped: it owns objects, or holds privileges on them (db-service.md 3.8, TP004).
pub(super) fn is_in_use(error: &ProvisionError) -> bool {
    matches!(error, ProvisionError::Server(error) if matches!(error.code.as_str(), "55006" | "2BP01"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn statements() {
        assert_eq!(
            create("alice@example.com", &texts(&["reader", "a\"b"])),
            [
                r#"CREATE USER "alice@example.com" WITH PASSWORD DISABLE"#,
                r#"GRANT ROLE "teleport-auto-user" TO "alice@example.com""#,
                r#"GRANT ROLE "reader" TO "alice@example.com""#,
                r#"GRANT ROLE "a""b" TO "alice@example.com""#,
            ]
        );
        assert_eq!(
            enable(
                "alice",
                &texts(&["reader", "writer"]),
                &texts(&["auditor", "reader"])
            ),
            [
                r#"ALTER USER "alice" CONNECTION LIMIT UNLIMITED"#,
                r#"REVOKE ROLE "auditor" FROM "alice""#,
                r#"GRANT ROLE "writer" TO "alice""#,
            ]
        );
        assert_eq!(
            disable("alice", &texts(&["reader"])),
            [
                r#"ALTER USER "alice" CONNECTION LIMIT 0"#,
                r#"REVOKE ROLE "reader" FROM "alice""#
            ]
        );
        assert_eq!(
            remove("alice", &texts(&["reader"])),
            [
                r#"REVOKE ROLE "reader" FROM "alice""#,
                r#"REVOKE ROLE "teleport-auto-user" FROM "alice""#,
                r#"DROP USER "alice""#,
            ]
        );
    }
}
