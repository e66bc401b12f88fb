//! A login that is itself the certificate for one database: `tctl auth sign --db-service`, tbot's `database` output
//! (credentials.md 4.2-4.4). It connects without asking the cluster for anything.

use thiserror::Error;

use super::credential::DbCredential;
use super::session::Session;
use super::target::Target;
use crate::db::{Choice, Wish, defaults::Chosen};
use crate::rbac::Database;
use crate::transport::alpn;

/// The database name where neither the certificate nor the command line has one: every PostgreSQL server has it.
const DEFAULT_NAME: &str = "postgres";

/// Why such a certificate does not lead where it shall.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RoutedError {
    /// Another database, cluster or other roles were asked for.
    #[error("the identity is for {what} {has} only, not for {asked}")]
    Other {
        /// `database`, `cluster`, `database roles`.
        what: &'static str,
        /// What the certificate says.
        has: String,
        /// What was asked for.
        asked: String,
    },
    /// A kind of database that this client does not speak.
    #[error(
        "the identity is for database {database:?}, which speaks {protocol}; only PostgreSQL and Redshift are supported"
    )]
    Protocol {
        /// The database.
        database: String,
        /// Its protocol.
        protocol: String,
    },
    /// Nothing names the database user.
    #[error("the identity for database {database:?} names no database user")]
    NoUser {
        /// The database.
        database: String,
    },
}

/// What was asked for on the command line, as far as a certificate decides it already.
#[derive(Clone, Debug, Default)]
pub struct Asked<'a> {
    /// Name of the database, or how it begins.
    pub database: Option<&'a str>,
    /// The cluster.
    pub cluster: Option<&'a str>,
    /// User, database name and roles.
    pub wish: Wish,
}

/// Makes the credential of a login that is for one database; `None` for any other login.
///
/// User and database name of the certificate are only defaults: PostgreSQL's first message overrides them.
///
/// # Errors
/// [`RoutedError`].
pub fn credential(
    session: &Session,
    asked: &Asked<'_>,
) -> Result<Option<DbCredential>, RoutedError> {
    let Some(route) = session.route_to_database() else {
        return Ok(None);
    };
    let identity = &session.certificate.identity;
    let root_cluster = session.certificate.issuer_cluster.clone();
    let cluster = Some(&identity.route_to_cluster)
        .filter(|name| !name.is_empty())
        .unwrap_or(&root_cluster)
        .clone();
    let other = |what, has: &str, asked: &str| RoutedError::Other {
        what,
        has: has.to_owned(),
        asked: asked.to_owned(),
    };
    if let Some(name) = asked
        .database
        .filter(|name| !route.service_name.starts_with(name))
    {
        return Err(other("database", &route.service_name, name));
    }
    if let Some(name) = asked.cluster.filter(|name| *name != cluster) {
        return Err(other("cluster", &cluster, name));
    }
    let mut roles = route.roles.clone();
    roles.sort_unstable();
    roles.dedup();
    if !asked.wish.roles.is_empty() && asked.wish.roles != roles {
        let has = if roles.is_empty() {
            "all allowed ones".to_owned()
        } else {
            roles.join(", ")
        };
        return Err(other("database roles", &has, &asked.wish.roles.join(", ")));
    }
    if alpn::database(&route.protocol).is_none() {
        return Err(RoutedError::Protocol {
            database: route.service_name.clone(),
            protocol: route.protocol.clone(),
        });
    }
    let pick = |wished: &Option<String>, has: &str| match wished {
        Some(wished) => Some((wished.clone(), "as asked for")),
        None => (!has.is_empty()).then(|| (has.to_owned(), "named by the identity")),
    };
    let (user, user_why) =
        pick(&asked.wish.user, &route.username).ok_or_else(|| RoutedError::NoUser {
            database: route.service_name.clone(),
        })?;
    let (name, name_why) = pick(&asked.wish.name, &route.database)
        .unwrap_or_else(|| (DEFAULT_NAME.to_owned(), "every server has it"));
    let chosen = |value: &str, why: &str| Chosen {
        value: value.to_owned(),
        why: why.to_owned(),
    };
    let why = Choice {
        user: chosen(&user, user_why),
        name: chosen(&name, name_why),
        requested: roles.clone(),
        ..Choice::default()
    };
    let target = Target {
        cluster,
        root_cluster,
        database: Database {
            name: route.service_name.clone(),
            protocol: route.protocol.clone(),
            ..Database::default()
        },
        user,
        // Not known without asking, and nothing here depends on it.
        automatic: false,
        name,
        roles,
        why,
    };
    Ok(Some(DbCredential {
        cert: session.client_cert.clone(),
        certificate: session.certificate.clone(),
        target,
        kept: false,
    }))
}

/// Whether sessions of this certificate can be cancelled: the database service wants a user in it for that
/// (db-client.md 18, no 25).
pub fn can_cancel(credential: &DbCredential) -> bool {
    let route = credential.certificate.identity.route_to_database.as_ref();
    route.is_none_or(|route| !route.username.is_empty())
}

#[cfg(test)]
#[path = "routed_tests.rs"]
mod tests;
