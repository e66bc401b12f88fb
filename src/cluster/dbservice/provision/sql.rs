//! The SQL of provisioning: one query for every fact, the text of every change built by the server itself.
//!
//! Names never enter a statement here: they are bound parameters, and `format('%I')` on the server quotes them
//! (db-service.md 3.14). Two round trips make an activation: facts, then changes with the commit. Everything runs in a
//! transaction with settings of its own, so that a connection is afterwards as it was before.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

/// The role whose members are the managed users (db-service.md 3.3).
pub(super) const BOOKKEEPING: &str = "teleport-auto-user";

/// Begins a transaction in which no name resolves to anything but the system catalogue, which sees what others committed
/// while it waited for a lock, and which no lock and no lost client keeps open: whatever the admin's own settings are.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL search_path TO pg_catalog, pg_temp; \
                     SET LOCAL statement_timeout TO '50s'; SET LOCAL lock_timeout TO '45s'; \
                     SET LOCAL idle_in_transaction_session_timeout TO '60s'";

/// Serialises with other processes that provision the same user on this server.
const LOCK: &str = "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('postern:auto-user:' || $1, 0))";

/// $1 user, $2 bookkeeping role, $3 wanted roles.
///
/// Since PostgreSQL 16 a membership has a grantor, one row for each, and only who has the grantor's privileges can take it
/// away; `foreign_roles` are those somebody else granted. Before, CREATEROLE is enough.
const FACTS: &str = "
WITH book AS (SELECT oid FROM pg_roles WHERE rolname = $2),
     me AS (SELECT oid, rolname, rolsuper FROM pg_roles WHERE rolname = current_user),
     server AS (SELECT current_setting('server_version_num')::int >= 160000 AS grantors),
     usr AS (SELECT oid, rolcanlogin, rolsuper, rolcreaterole, rolreplication FROM pg_roles WHERE rolname = $1),
     granted AS (SELECT r.rolname, g.rolname AS grantor,
                        NOT server.grantors OR coalesce(pg_has_role(me.oid, m.grantor, 'USAGE'), false) AS ours
                 FROM server, me, pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
                      LEFT JOIN pg_roles g ON g.oid = m.grantor
                 WHERE m.member = (SELECT oid FROM usr) AND m.roleid IS DISTINCT FROM (SELECT oid FROM book)),
     member AS (SELECT DISTINCT rolname FROM granted)
SELECT EXISTS (SELECT FROM book) AS book_exists,
       coalesce((SELECT pg_has_role(me.oid, book.oid, 'MEMBER WITH ADMIN OPTION') FROM me, book), false) AS book_admin,
       (SELECT grantors FROM server) AS grantors,
       (SELECT rolsuper FROM me) AS admin_super,
       (SELECT oid FROM usr) IS NOT NULL AS user_exists,
       coalesce((SELECT rolcanlogin FROM usr), false) AS can_login,
       coalesce((SELECT rolsuper FROM usr), false) AS user_super,
       coalesce((SELECT rolsuper OR rolcreaterole OR rolreplication FROM usr), false) AS privileged,
       EXISTS (SELECT FROM pg_auth_members m JOIN book ON m.roleid = book.oid JOIN usr ON m.member = usr.oid) AS managed,
       ARRAY(SELECT a.pid FROM pg_stat_activity a JOIN usr ON a.usesysid = usr.oid ORDER BY a.pid) AS pids,
       ARRAY(SELECT rolname::text FROM member ORDER BY 1) AS current_roles,
       ARRAY(SELECT rolname::text FROM member WHERE rolname::text <> ALL ($3) ORDER BY 1) AS extra_roles,
       ARRAY(SELECT DISTINCT rolname::text FROM granted WHERE NOT ours ORDER BY 1) AS foreign_roles,
       ARRAY(SELECT w.role FROM unnest($3) WITH ORDINALITY AS w (role, n)
             WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = w.role) ORDER BY w.n) AS missing_roles,
       ARRAY(SELECT rolname::text FROM pg_roles WHERE rolname::text = ANY ($3) AND rolsuper ORDER BY 1) AS super_roles,
       format('CREATE ROLE %I', $2) AS create_book,
       format('GRANT %I TO %I WITH ADMIN OPTION', $2, (SELECT rolname FROM me)) AS admin_book,
       format('CREATE USER %I IN ROLE %I', $1, $2) AS create_user,
       format('ALTER USER %I LOGIN', $1) AS login,
       format('ALTER USER %I NOLOGIN', $1) AS nologin,
       format('DROP USER %I', $1) AS drop_user,
       ARRAY(SELECT format('GRANT %I TO %I', w.role, $1) FROM unnest($3) WITH ORDINALITY AS w (role, n)
             WHERE w.role <> ALL (ARRAY(SELECT rolname::text FROM member)) ORDER BY w.n) AS grants,
       ARRAY(SELECT DISTINCT CASE WHEN server.grantors THEN format('REVOKE %I FROM %I GRANTED BY %I', rolname, $1, grantor)
                                  ELSE format('REVOKE %I FROM %I', rolname, $1) END
             FROM granted, server WHERE ours AND rolname::text <> ALL ($3) ORDER BY 1) AS revokes";

/// The members of the bookkeeping role ($1) that may log in and are not connected.
const LEFTOVERS: &str = "
SELECT DISTINCT u.rolname::text AS name
FROM pg_auth_members m JOIN pg_roles b ON b.oid = m.roleid JOIN pg_roles u ON u.oid = m.member
WHERE b.rolname = $1 AND u.rolcanlogin AND u.rolname <> current_user
  AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.usesysid = u.oid)
ORDER BY 1";

/// Everything known about a user before something is changed, and the statements that would change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) book_exists: bool,
    /// The admin may grant the bookkeeping role.
    pub(super) book_admin: bool,
    /// PostgreSQL 16 or later: memberships have grantors, and granting takes the ADMIN OPTION.
    pub(super) grantors: bool,
    pub(super) admin_super: bool,
    pub(super) user_exists: bool,
    pub(super) can_login: bool,
    pub(super) user_super: bool,
    /// SUPERUSER, CREATEROLE or REPLICATION.
    pub(super) privileged: bool,
    /// Direct member of the bookkeeping role.
    pub(super) managed: bool,
    /// Backends of the user on the whole server.
    pub(super) pids: Vec<i32>,
    /// Direct roles but the bookkeeping one, sorted.
    pub(super) current_roles: Vec<String>,
    /// Those of them that are not wanted.
    pub(super) extra_roles: Vec<String>,
    /// Those of them that the admin cannot take away.
    pub(super) foreign_roles: Vec<String>,
    /// Wanted roles that do not exist, in the order wanted.
    pub(super) missing_roles: Vec<String>,
    /// Wanted roles that are superusers.
    pub(super) super_roles: Vec<String>,
    pub(super) create_book: String,
    pub(super) admin_book: String,
    pub(super) create_user: String,
    pub(super) login: String,
    pub(super) nologin: String,
    pub(super) drop_user: String,
    /// One statement for each wanted role that is missing, in the order wanted.
    pub(super) grants: Vec<String>,
    /// One statement for each membership that is not wanted and can be taken away.
    pub(super) revokes: Vec<String>,
}

impl Facts {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            book_exists: row.try_get("book_exists")?,
            book_admin: row.try_get("book_admin")?,
            grantors: row.try_get("grantors")?,
            admin_super: row.try_get("admin_super")?,
            user_exists: row.try_get("user_exists")?,
            can_login: row.try_get("can_login")?,
            user_super: row.try_get("user_super")?,
            privileged: row.try_get("privileged")?,
            managed: row.try_get("managed")?,
            pids: row.try_get("pids")?,
            current_roles: row.try_get("current_roles")?,
            extra_roles: row.try_get("extra_roles")?,
            foreign_roles: row.try_get("foreign_roles")?,
            missing_roles: row.try_get("missing_roles")?,
            super_roles: row.try_get("super_roles")?,
            create_book: row.try_get("create_book")?,
            admin_book: row.try_get("admin_book")?,
            create_user: row.try_get("create_user")?,
            login: row.try_get("login")?,
            nologin: row.try_get("nologin")?,
            drop_user: row.try_get("drop_user")?,
            grants: row.try_get("grants")?,
            revokes: row.try_get("revokes")?,
        })
    }
}

/// Opens a transaction, takes the user's lock and reads the facts: one round trip, the three requests are pipelined.
pub(super) async fn begin(client: &Client, user: &str, roles: &[String]) -> Result<Facts, Error> {
    let locked = [(&user as &(dyn ToSql + Sync), Type::TEXT)];
    let (begun, locked, facts) = tokio::join!(
        client.batch_execute(BEGIN),
        client.query_typed(LOCK, &locked),
        facts(client, user, roles)
    );
    begun?;
    locked?;
    facts
}

/// Reads the facts in the open transaction.
pub(super) async fn facts(client: &Client, user: &str, roles: &[String]) -> Result<Facts, Error> {
    let row = client
        .query_typed_one(
            FACTS,
            &[
                (&user, Type::TEXT),
                (&BOOKKEEPING, Type::TEXT),
                (&roles, Type::TEXT_ARRAY),
            ],
        )
        .await?;
    Facts::from_row(&row)
}

/// One query in a transaction of its own: one round trip. Leaves the transaction open when it fails.
pub(super) async fn alone(
    client: &Client,
    query: &str,
    parameters: &[(&(dyn ToSql + Sync), Type)],
) -> Result<Vec<Row>, Error> {
    let (begun, rows, done) = tokio::join!(
        client.batch_execute(BEGIN),
        client.query_typed(query, parameters),
        client.batch_execute("COMMIT")
    );
    begun?;
    let rows = rows?;
    done?;
    Ok(rows)
}

/// Managed users that may log in although nobody uses them.
pub(super) async fn leftovers(client: &Client) -> Result<Vec<String>, Error> {
    let rows = alone(client, LEFTOVERS, &[(&BOOKKEEPING, Type::TEXT)]).await?;
    rows.iter().map(|row| row.try_get("name")).collect()
}

/// Ends a backend. False when it is gone already.
pub(super) async fn terminate(client: &Client, pid: i32) -> Result<bool, Error> {
    let query = "SELECT pg_terminate_backend($1)";
    let rows = alone(client, query, &[(&pid, Type::INT4)]).await?;
    rows.first().map_or(Ok(false), |row| row.try_get(0))
}
