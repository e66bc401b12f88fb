//! What the admin lacks, found out after the server refused something, and the exact statements that give it.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::ProvisionError;
use super::sql::{self, BOOKKEEPING};

/// What a superuser has to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cluster::dbservice) struct Mend {
    /// Statements, without a semicolon.
    pub(super) statements: Vec<String>,
    /// Set when they count in one database only.
    pub(super) database: Option<String>,
}

/// What provisioning reads. Everybody may, unless somebody took that away in this database.
const READING: &str = "
SELECT statement, current_database()::text AS name
FROM (SELECT format('GRANT SELECT ON pg_catalog.%I TO %I', t.name, current_user) AS statement
      FROM unnest(ARRAY['pg_auth_members', 'pg_roles', 'pg_stat_activity']) AS t (name)
      WHERE NOT has_table_privilege('pg_catalog.' || t.name, 'SELECT')
      UNION ALL
      SELECT format('GRANT EXECUTE ON FUNCTION pg_catalog.%s TO %I', f.name, current_user)
      FROM unnest(ARRAY['pg_stat_get_activity(integer)', 'pg_advisory_xact_lock(bigint)',
                        'pg_has_role(oid,oid,text)']) AS f (name)
      WHERE NOT has_function_privilege('pg_catalog.' || f.name, 'EXECUTE')) AS lacking
ORDER BY 1";

/// $1 user, $2 bookkeeping role, $3 wanted roles. Since PostgreSQL 16 a role is granted, altered and dropped by who has, or
/// inherits, the ADMIN OPTION on it; superuser roles by superusers alone.
const GRANTING: &str = "
WITH me AS (SELECT oid, rolname, rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user)
SELECT format('ALTER ROLE %I CREATEROLE', rolname) AS statement, 1 AS place
FROM me WHERE NOT rolsuper AND NOT rolcreaterole
UNION ALL
SELECT format('GRANT %I TO %I WITH ADMIN OPTION', r.rolname, me.rolname), 2
FROM me, pg_roles r
WHERE current_setting('server_version_num')::int >= 160000 AND NOT me.rolsuper AND NOT r.rolsuper AND r.oid <> me.oid
  AND (r.rolname IN ($1, $2) OR r.rolname::text = ANY ($3))
  AND NOT EXISTS (SELECT FROM pg_auth_members m
                  WHERE m.roleid = r.oid AND m.admin_option AND pg_has_role(me.oid, m.member, 'USAGE'))
UNION ALL
SELECT format('ALTER ROLE %I NOSUPERUSER NOREPLICATION', r.rolname), 3
FROM me, pg_roles r WHERE NOT me.rolsuper AND r.rolname = $1 AND (r.rolsuper OR r.rolreplication)
ORDER BY place, statement";

/// Adds to a refusal for want of a privilege what would give it; anything else stays as it is. Leaves no transaction open
/// that was refused so.
pub(super) async fn explained<T>(
    client: &Client,
    user: &str,
    roles: &[String],
    done: Result<T, ProvisionError>,
) -> Result<T, ProvisionError> {
    let error = match done {
        Err(error) if error.refused_privilege() => error,
        done => return done,
    };
    client.batch_execute("ROLLBACK").await?;
    match (error, find(client, user, roles).await) {
        (ProvisionError::Server(error), Ok(mend)) => {
            let mend = Box::new(mend);
            Err(ProvisionError::Lacking { error, mend })
        }
        // The refusal itself says more than that its cause could not be found.
        (error, _) => Err(error),
    }
}

/// Asks what is missing. The connection must not be in a transaction, and is in none afterwards unless this fails.
async fn find(client: &Client, user: &str, roles: &[String]) -> Result<Mend, Error> {
    let reading = sql::alone(client, READING, &[]).await?;
    if let Some(first) = reading.first() {
        return Ok(Mend {
            statements: reading
                .iter()
                .map(|row| row.try_get("statement"))
                .collect::<Result<_, _>>()?,
            database: Some(first.try_get("name")?),
        });
    }
    let granting = sql::alone(
        client,
        GRANTING,
        &[
            (&user, Type::TEXT),
            (&BOOKKEEPING, Type::TEXT),
            (&roles, Type::TEXT_ARRAY),
        ],
    )
    .await?;
    Ok(Mend {
        statements: granting
            .iter()
            .map(|row| row.try_get("statement"))
            .collect::<Result<_, _>>()?,
        database: None,
    })
}

impl Mend {
    /// As a hint; `None` when nothing was found missing.
    pub(super) fn hint(&self) -> Option<String> {
        if self.statements.is_empty() {
            return None;
        }
        let place = self.database.as_ref().map_or_else(String::new, |name| {
            format!(" in the database {}", crate::quote::quote(name))
        });
        Some(format!(
            "the database's admin user lacks a privilege, a superuser must run{place}: {};",
            self.statements.join("; ")
        ))
    }
}
