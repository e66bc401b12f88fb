//! What Redshift's system views say. Each query is plain, reads one view and gives text: functions of the leader node
//! cannot be mixed with tables of the others, and casts in both directions differ from PostgreSQL's.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

use super::{BOOKKEEPING, SUPERUSER};

/// $1 and $2 are user names.
const USERS: &str = "SELECT usename::varchar, CASE WHEN usesuper THEN 't' ELSE 'f' END::varchar, useconnlimit::varchar \
                     FROM pg_catalog.pg_user_info WHERE usename = $1 OR usename = $2";
const GRANTS: &str = "SELECT user_name::varchar, role_name::varchar FROM pg_catalog.svv_user_grants \
                      WHERE user_name = $1 OR user_name = $2";
/// $1, $2 and $3 are the names one user's sessions may have.
const SESSIONS: &str = "SELECT process::varchar FROM pg_catalog.stv_sessions \
                        WHERE trim(user_name) = $1 OR trim(user_name) = $2 OR trim(user_name) = $3";
const ROLES: &str = "SELECT role_name::varchar FROM pg_catalog.svv_roles";
const ROLE_GRANTS: &str =
    "SELECT role_name::varchar, granted_role_name::varchar FROM pg_catalog.svv_role_grants";

/// $1 is the bookkeeping role.
const MANAGED: &str =
    "SELECT user_name::varchar FROM pg_catalog.svv_user_grants WHERE role_name = $1";
const LIMITS: &str = "SELECT usename::varchar, useconnlimit::varchar FROM pg_catalog.pg_user_info";
const ALL_SESSIONS: &str = "SELECT trim(user_name)::varchar FROM pg_catalog.stv_sessions";
/// $1 is a process number.
const SESSION: &str =
    "SELECT process::varchar FROM pg_catalog.stv_sessions WHERE process::varchar = $1";

/// Width of `stv_sessions.user_name`, bytes.
const SESSION_NAME: usize = 50;

/// A user as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) is_superuser: bool,
    /// Its connection limit is not 0.
    pub(super) may_log_in: bool,
}

/// Everything known before something is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Superuser itself, or holder of `sys:superuser`: else it sees neither all sessions nor all grants.
    pub(super) admin_is_superuser: bool,
    pub(super) user: Option<Found>,
    /// The user holds the bookkeeping role.
    pub(super) managed: bool,
    /// The user's other roles, sorted.
    pub(super) held: Vec<String>,
    /// Processes of the user's sessions, whatever way they logged in.
    pub(super) sessions: Vec<i32>,
    /// Every role, and the roles granted to it.
    pub(super) roles: BTreeMap<String, BTreeSet<String>>,
}

/// Opens a transaction and reads the facts: one round trip, the requests are pipelined.
pub(super) async fn begin(client: &Client, admin: &str, user: &str) -> Result<Facts, Error> {
    let both = [user, admin];
    let sessions = session_names(user);
    let sessions: Vec<&str> = sessions.iter().map(String::as_str).collect();
    let (begun, users, grants, sessions, roles, role_grants) = tokio::join!(
        client.batch_execute("BEGIN"),
        texts(client, USERS, &both),
        texts(client, GRANTS, &both),
        texts(client, SESSIONS, &sessions),
        texts(client, ROLES, &[]),
        texts(client, ROLE_GRANTS, &[]),
    );
    begun?;
    Ok(facts(
        admin,
        user,
        &Views {
            users: users?,
            grants: grants?,
            sessions: sessions?,
            roles: roles?,
            role_grants: role_grants?,
        },
    ))
}

/// Rows of the views.
struct Views {
    users: Vec<Vec<String>>,
    grants: Vec<Vec<String>>,
    sessions: Vec<Vec<String>>,
    roles: Vec<Vec<String>>,
    role_grants: Vec<Vec<String>>,
}

fn facts(admin: &str, user: &str, views: &Views) -> Facts {
    let mut facts = Facts::default();
    for row in &views.roles {
        facts.roles.entry(row[0].clone()).or_default();
    }
    for row in &views.role_grants {
        facts
            .roles
            .entry(row[0].clone())
            .or_default()
            .insert(row[1].clone());
    }
    let superusers = superusers(&facts.roles);
    let mut held = BTreeSet::new();
    for row in &views.grants {
        if row[0] == admin && superusers.contains(row[1].as_str()) {
            facts.admin_is_superuser = true;
        }
        if row[0] == user && row[1] == BOOKKEEPING {
            facts.managed = true;
        } else if row[0] == user {
            held.insert(row[1].clone());
        }
    }
    facts.held = held.into_iter().collect();
    for row in &views.users {
        let is_superuser = row[1] == "t";
        if row[0] == admin && is_superuser {
            facts.admin_is_superuser = true;
        }
        if row[0] == user {
            facts.user = Some(Found {
                is_superuser,
                may_log_in: row[2] != "0",
            });
        }
    }
    facts.sessions = views
        .sessions
        .iter()
        .filter_map(|row| row[0].parse().ok())
        .collect();
    facts.sessions.sort_unstable();
    facts
}

/// The roles whose holders are superusers: `sys:superuser`, and those to which such a role is granted.
pub(super) fn superusers(roles: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<&str> {
    let mut found = BTreeSet::from([SUPERUSER]);
    loop {
        let more: Vec<&str> = roles
            .iter()
            .filter(|(role, granted)| {
                !found.contains(role.as_str())
                    && granted.iter().any(|role| found.contains(role.as_str()))
            })
            .map(|(role, _)| role.as_str())
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// The roles a user holds now but the bookkeeping one, sorted.
pub(super) async fn held(client: &Client, user: &str) -> Result<Vec<String>, Error> {
    let rows = texts(client, GRANTS, &[user, user]).await?;
    let held: BTreeSet<String> = rows
        .into_iter()
        .map(|mut row| row.swap_remove(1))
        .filter(|role| role != BOOKKEEPING)
        .collect();
    Ok(held.into_iter().collect())
}

/// Managed users that may log in although nobody uses them.
pub(in super::super) async fn leftovers(
    client: &Client,
    admin: &str,
) -> Result<Vec<String>, Error> {
    let bookkeeping = [BOOKKEEPING];
    let (managed, limits, sessions) = tokio::join!(
        texts(client, MANAGED, &bookkeeping),
        texts(client, LIMITS, &[]),
        texts(client, ALL_SESSIONS, &[]),
    );
    let limits: BTreeMap<String, String> = limits?
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let sessions: BTreeSet<String> = sessions?.into_iter().flatten().collect();
    let managed: BTreeSet<String> = managed?.into_iter().flatten().collect();
    Ok(managed
        .into_iter()
        .filter(|user| {
            user != admin
                && limits.get(user).is_some_and(|limit| limit != "0")
                && session_names(user)
                    .iter()
                    .all(|name| !sessions.contains(name))
        })
        .collect())
}

/// Whether a session with this process number is open.
pub(super) async fn is_session(client: &Client, pid: i32) -> Result<bool, Error> {
    let rows = texts(client, SESSION, &[&pid.to_string()]).await?;
    Ok(!rows.is_empty())
}

/// The names that sessions of a user have: logged in by IAM, by IAM with a user made for it, by password.
fn session_names(user: &str) -> [String; 3] {
    ["IAM:", "IAMA:", ""].map(|way| {
        let mut name = format!("{way}{user}");
        while name.len() > SESSION_NAME {
            name.pop();
        }
        name
    })
}

/// The rows of a query whose columns are texts; a null is an empty one.
async fn texts(client: &Client, query: &str, values: &[&str]) -> Result<Vec<Vec<String>>, Error> {
    let bound: Vec<_> = values
        .iter()
        .map(|value| {
            (
                value as &(dyn tokio_postgres::types::ToSql + Sync),
                Type::VARCHAR,
            )
        })
        .collect();
    let rows = client.query_typed(query, &bound).await?;
    rows.iter().map(row_texts).collect()
}

fn row_texts(row: &Row) -> Result<Vec<String>, Error> {
    (0..row.len())
        .map(|at| Ok(row.try_get::<_, Option<String>>(at)?.unwrap_or_default()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter()
            .map(|row| row.iter().map(ToString::to_string).collect())
            .collect()
    }

    #[test]
    fn facts_of_views() {
        let views = Views {
            users: rows(&[&["alice", "f", "0"], &["teleport-admin", "f", "UNLIMITED"]]),
            grants: rows(&[
                &["alice", "writer"],
                &["alice", "teleport-auto-user"],
                &["alice", "reader"],
                &["alice", "reader"],
                &["teleport-admin", "boss"],
            ]),
            sessions: rows(&[&["20"], &["7"]]),
            roles: rows(&[&["reader"], &["boss"], &["sys:superuser"]]),
            role_grants: rows(&[&["boss", "chief"], &["chief", "sys:superuser"]]),
        };
        let facts = facts("teleport-admin", "alice", &views);
        assert!(facts.admin_is_superuser, "through two roles");
        assert_eq!(
            facts.user,
            Some(Found {
                is_superuser: false,
                may_log_in: false
            })
        );
        assert!(facts.managed);
        assert_eq!(facts.held, ["reader", "writer"]);
        assert_eq!(facts.sessions, [7, 20]);
        assert_eq!(
            superusers(&facts.roles),
            BTreeSet::from(["boss", "chief", "sys:superuser"])
        );
    }

    #[test]
    fn nobody_is_found_where_nobody_is() {
        let views = Views {
            users: rows(&[&["teleport-admin", "t", "UNLIMITED"]]),
            grants: Vec::new(),
            sessions: Vec::new(),
            roles: Vec::new(),
            role_grants: Vec::new(),
        };
        let facts = facts("teleport-admin", "alice", &views);
        assert!(facts.admin_is_superuser && facts.user.is_none() && !facts.managed);
    }

    #[test]
    fn long_session_names_are_cut_as_the_view_cuts_them() {
        let [iam, made, plain] = session_names(&"x".repeat(46));
        assert_eq!((iam.len(), made.len(), plain.len()), (50, 50, 46));
    }
}
