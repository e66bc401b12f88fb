//! Who may open which session: the checks of rbac.md 7.4 in their order, and what a refusal is called.

use super::Catalog;
use super::errors::{DENIED, PROVISIONING, Refusal, UNKNOWN_DATABASE};
use super::monitor::{self, Limits};
use crate::identity::{Identity, RouteToDatabase};
use crate::quote::quote;
use crate::rbac::{AccessError, AdminUser, CreateUserMode, Database, DatabaseKind, Mfa, Request};

/// A session that may be opened.
pub(super) struct Authorized {
    /// The database resource.
    pub(super) database: Database,
    /// Database user.
    pub(super) user: String,
    /// Database name.
    pub(super) name: String,
    /// Set when the user is made for the session.
    pub(super) automatic: Option<Automatic>,
    /// How long it may last.
    pub(super) limits: Limits,
}

/// How the user is made.
pub(super) struct Automatic {
    /// What happens to it after the last session.
    pub(super) mode: CreateUserMode,
    /// Its roles, as requested or all allowed ones.
    pub(super) roles: Vec<String>,
    /// Who makes it.
    pub(super) admin: AdminUser,
}

/// A session that may not be opened.
pub(super) struct Refused {
    /// What the client is told.
    pub(super) refusal: Box<Refusal>,
    /// Set when roles refused it: what was asked for, for the audit log.
    pub(super) attempt: Option<Box<Attempt>>,
}

/// What roles refused.
pub(super) struct Attempt {
    /// The database resource.
    pub(super) database: Database,
    /// Database user.
    pub(super) user: String,
    /// Database name.
    pub(super) name: String,
    /// Why, in the protocol's words.
    pub(super) error: String,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal: Box::new(refusal),
            attempt: None,
        }
    }
}

/// Decides. `user` and `name` are those of the startup message where it has them, else the certificate's.
pub(super) fn authorize(
    catalog: &dyn Catalog,
    identity: &Identity,
    user: Option<String>,
    name: Option<String>,
) -> Result<Authorized, Refused> {
    let usage = &identity.usage;
    if !usage.is_empty() && *usage != ["usage:db"] {
        return Err(
            Refusal::new(DENIED, "access denied: invalid client certificate")
                .with_hint(
                    "this certificate is for another purpose, use one issued for the database",
                )
                .into(),
        );
    }
    let route = identity
        .route_to_database
        .as_ref()
        .ok_or_else(|| Refusal::new(DENIED, "access denied"))?;
    let database = find(catalog, identity, route)?;
    if let Some(lock) = catalog.lock_on(identity) {
        // Teleport masks the lock (db-service.md 1.3, 8); the hint says what its own message does not.
        return Err(Refusal::new(DENIED, "access denied")
            .with_hint(lock.reason())
            .into());
    }
    let checker = catalog.checker(identity).map_err(|error| {
        let refusal = Refusal::new(DENIED, error.message);
        match error.hint {
            Some(hint) => refusal.with_hint(hint),
            None => refusal,
        }
    })?;
    let user = user.unwrap_or_else(|| route.username.clone());
    let name = name.unwrap_or_else(|| route.database.clone());
    let name = if name.is_empty() { user.clone() } else { name };
    let mfa = if identity.mfa_verified.is_empty() {
        Mfa::NotVerified
    } else {
        Mfa::Verified
    };
    let request = Request {
        user: &user,
        name: &name,
        roles: &route.roles,
        mfa,
    };
    let grant = match checker.check(&database, &request) {
        Ok(grant) => grant,
        Err(error) => {
            return Err(Refused {
                refusal: Box::new(denied(&error, &database)),
                attempt: is_recorded(&error).then(|| {
                    Box::new(Attempt {
                        database,
                        user,
                        name,
                        error: error.to_string(),
                    })
                }),
            });
        }
    };
    let automatic = if grant.mode.is_enabled() {
        if !database.supports_auto_users() {
            return Err(denied(&AccessError::AutoUserUnsupported, &database).into());
        }
        let admin = database
            .admin()
            .ok_or_else(|| denied(&AccessError::NoAdminUser, &database))?;
        Some(Automatic {
            mode: grant.mode,
            roles: grant.roles,
            admin,
        })
    } else {
        None
    };
    check_served(catalog, &database)?;
    Ok(Authorized {
        database,
        user,
        name,
        automatic,
        limits: monitor::limits(catalog, &checker),
    })
}

/// The resource the certificate leads to (db-service.md 1.3, 10 and 11).
fn find(
    catalog: &dyn Catalog,
    identity: &Identity,
    route: &RouteToDatabase,
) -> Result<Database, Refusal> {
    let own = catalog.cluster_name();
    let cluster = &identity.route_to_cluster;
    if !cluster.is_empty() && *cluster != own {
        return Err(Refusal::new(
            UNKNOWN_DATABASE,
            format!("cluster {} is not found", quote(cluster)),
        ));
    }
    let database = catalog.database(&route.service_name).ok_or_else(|| {
        let text = format!(
            "database {} not found among registered databases in cluster {}",
            quote(&route.service_name),
            quote(&own)
        );
        Refusal::new(UNKNOWN_DATABASE, text)
            .with_hint("`postern db ls` shows the databases you can reach")
    })?;
    if database.protocol != "postgres" || !matches!(route.protocol.as_str(), "" | "postgres") {
        let protocol = if database.protocol == "postgres" {
            &route.protocol
        } else {
            &database.protocol
        };
        return Err(Refusal::new(
            DENIED,
            format!("protocol {} is not served here", quote(protocol)),
        )
        .with_hint("postern-cluster lists databases of every protocol; it serves PostgreSQL"));
    }
    Ok(database)
}

/// Whether sessions to this type of database are opened here (others are listed).
fn check_served(catalog: &dyn Catalog, database: &Database) -> Result<(), Refusal> {
    use DatabaseKind::{Rds, RdsProxy, Redshift, SelfHosted};
    let kind = database.kind();
    let by_password = matches!(kind, Rds | RdsProxy | Redshift);
    if kind == SelfHosted || by_password && catalog.passwords().is_some() {
        return Ok(());
    }
    let text = format!(
        "databases of type {} are not served here",
        quote(kind.name())
    );
    Err(Refusal::new(DENIED, text).with_hint(if by_password {
        "this postern-cluster was built without the feature `redshift`"
    } else {
        "postern-cluster lists databases of this type; it serves PostgreSQL of one's own, Amazon RDS and Amazon Redshift"
    }))
}

/// Whether a refusal becomes a failed start in the audit log: a wrong name of an automatic user and a refused database
/// role do not (db-service.md 2.10).
fn is_recorded(error: &AccessError) -> bool {
    matches!(
        error,
        AccessError::Denied
            | AccessError::NotInAllowedResources
            | AccessError::MfaRequired
            | AccessError::DeviceRequired
    )
}

/// A refusal by roles, with what to do about it.
fn denied(error: &AccessError, database: &Database) -> Refusal {
    let code = match error {
        AccessError::AutoUserUnsupported
        | AccessError::NoAdminUser
        | AccessError::Activation { .. } => PROVISIONING,
        _ => DENIED,
    };
    let refusal = Refusal::new(code, error.to_string());
    match error {
        AccessError::Denied if !database.supports_auto_users() => refusal.with_hint(format!(
            "users are not made automatically in databases of type {}: a role must allow the database user by name",
            quote(database.kind().name())
        )),
        AccessError::Denied | AccessError::RoleDenied { .. } => refusal.with_hint(format!(
            "`postern db ls -v --search {}` shows the users, names and roles allowed to you",
            database.name
        )),
        AccessError::UseTeleportUser { user, .. } | AccessError::UseMappedUser { user, .. } => {
            refusal.with_hint(format!(
                "connect as {}: the database user is made for you",
                quote(user)
            ))
        }
        AccessError::NoAdminUser => refusal.with_hint(format!(
            "name it in the document of the database {}: `spec.admin_user.name`, or the label `teleport.dev/db-admin`",
            quote(&database.name)
        )),
        AccessError::MfaRequired => {
            refusal.with_hint("a certificate verified by a second factor is needed")
        }
        _ => refusal,
    }
}
