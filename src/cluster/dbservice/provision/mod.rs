//! Automatic database users: made and given their roles at the start of a session, stripped and locked at the end of
//! the last one. Source: db-service.md 3, followed as its section 3.14 recommends: no stored procedures, exact names,
//! one transaction per change.

mod activate;
mod deactivate;
mod guards;
mod sql;

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_postgres::{Client, NoTls};

use super::connect::{ConnectError, ServerError};
use super::errors::{DENIED, PROVISIONING, Refusal};
use super::tls::Upstream;
use crate::quote::quote;
use crate::rbac::{AccessError, AdminUser, CreateUserMode};

pub(super) use deactivate::Outcome;

/// Longest time for one activation or deactivation, the login of the admin included.
const LIMIT: Duration = Duration::from_secs(60);
/// Attempts at a change that collided with another one (db-service.md 3.7).
const ATTEMPTS: u32 = 10;

/// Why a user could not be provisioned. `Display` is the inner text of db-service.md 3.6.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProvisionError {
    /// The admin could not log in.
    #[error("failed to connect to `host={host} user={admin} database={database}`: {error}")]
    Connect {
        host: String,
        admin: String,
        database: String,
        error: Box<ConnectError>,
    },
    /// Longer than PostgreSQL keeps names.
    #[error("user name {} is {} bytes long and PostgreSQL keeps 63", quote(user), user.len())]
    NameTooLong { user: String },
    /// A name PostgreSQL reserves.
    #[error("ERROR: role name {} is reserved (SQLSTATE 42939)", quote(user))]
    Reserved { user: String },
    /// Somebody else's role.
    #[error(
        "user {} already exists in this PostgreSQL database and is not managed by Teleport",
        quote(user)
    )]
    Unmanaged { user: String },
    /// A managed user that somebody made powerful.
    #[error(
        "user {} is managed by Teleport but has SUPERUSER, CREATEROLE or REPLICATION",
        quote(user)
    )]
    Privileged { user: String },
    /// A role nobody gets.
    #[error(
        "ERROR: permission denied to grant role {} (SQLSTATE 42501)",
        quote(role)
    )]
    RoleNotGrantable { role: String },
    /// A role that cannot exist.
    #[error("ERROR: role {} does not exist (SQLSTATE 42704)", quote(role))]
    RoleMissing { role: String },
    /// Sessions with other roles are open (TP002).
    #[error(
        "roles for user {} has changed. Please quit all active connections and try again.",
        quote(user)
    )]
    RolesChanged {
        user: String,
        wanted: Vec<String>,
        current: Vec<String>,
        pids: Vec<i32>,
    },
    /// PostgreSQL refused a statement.
    #[error("{0}")]
    Server(ServerError),
    /// The admin's connection broke.
    #[error("{0}")]
    Broken(String),
    /// Every attempt collided with another change.
    #[error("too many retries: {0}")]
    Retries(ServerError),
    /// Not done in time.
    #[error("context deadline exceeded")]
    Timeout,
}

impl From<tokio_postgres::Error> for ProvisionError {
    fn from(error: tokio_postgres::Error) -> Self {
        server_error(&error).map_or_else(|| Self::Broken(error.to_string()), Self::Server)
    }
}

fn server_error(error: &tokio_postgres::Error) -> Option<ServerError> {
    error.as_db_error().map(|error| ServerError {
        severity: error.severity().to_owned(),
        code: error.code().code().to_owned(),
        message: error.message().to_owned(),
        detail: error.detail().map(ToOwned::to_owned),
    })
}

impl ProvisionError {
    /// The same change may succeed when tried again (db-service.md 3.7).
    fn is_collision(&self) -> bool {
        let Self::Server(error) = self else {
            return false;
        };
        match error.code.as_str() {
            "40P01" | "40001" | "23505" | "23P01" => true,
            "XX000" => {
                error
                    .message
                    .contains("conflict with concurrent transaction")
                    || error.message.contains("tuple concurrently updated")
            }
            _ => false,
        }
    }

    /// Whether the change may have been made all the same.
    pub(super) fn leaves_doubt(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::Timeout)
    }

    /// What the client is told: Teleport's sentence around the cause, and what can be done.
    pub(super) fn refusal(&self, user: &str, hint: Option<String>) -> Refusal {
        let text = AccessError::Activation {
            user: user.to_owned(),
            cause: self.to_string(),
        }
        .to_string();
        let code = match self {
            Self::NameTooLong { .. }
            | Self::Reserved { .. }
            | Self::Unmanaged { .. }
            | Self::Privileged { .. } => DENIED,
            _ => PROVISIONING,
        };
        let refusal = Refusal::new(code, text);
        match hint.or_else(|| self.hint()) {
            Some(hint) => refusal.with_hint(hint),
            None => refusal,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NameTooLong { .. } => "use a Teleport user name of at most 63 bytes for this database".into(),
            Self::Unmanaged { user } => format!(
                "the role {} was made by somebody else and is left alone: rename it, or use another Teleport user",
                quote(user)
            ),
            Self::Privileged { user } => {
                format!("remove {} from the role \"teleport-auto-user\", or take its attributes away", quote(user))
            }
            Self::RolesChanged { current, pids, .. } => format!(
                "connections with the roles {} are open (backends {}): close them, or ask for the same roles",
                current.join(", "),
                pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            ),
            Self::RoleMissing { role } => format!("create the role {} in the database", quote(role)),
            Self::Server(error) if error.code == "42704" => "create the role in the database".into(),
            Self::Server(error) if error.code == "42501" => {
                "the database's admin user needs CREATEROLE and, since PostgreSQL 16, ADMIN OPTION on each role it grants"
                    .into()
            }
            Self::Connect { admin, .. } => {
                format!("the database's admin user {} must be able to log in with a certificate", quote(admin))
            }
            _ => return None,
        })
    }
}

/// The database's admin account, and the database it logs in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Admin {
    name: String,
    database: String,
}

impl Admin {
    /// `requested` is the database name the client asked for: it is used when the resource names none for the admin.
    pub(super) fn new(admin: &AdminUser, requested: &str) -> Self {
        let database = if admin.default_database.is_empty() {
            requested
        } else {
            &admin.default_database
        };
        Self {
            name: admin.name.clone(),
            database: database.to_owned(),
        }
    }

    /// The error of a login that failed.
    pub(super) fn failed(&self, host: String, error: ConnectError) -> ProvisionError {
        ProvisionError::Connect {
            host,
            admin: self.name.clone(),
            database: self.database.clone(),
            error: Box::new(error),
        }
    }

    async fn login(&self, upstream: &Upstream) -> Result<Client, ProvisionError> {
        self.try_login(upstream)
            .await
            .map_err(|error| self.failed(upstream.host.clone(), error))
    }

    async fn try_login(&self, upstream: &Upstream) -> Result<Client, ConnectError> {
        let mut waits = [200, 500].into_iter();
        loop {
            match self.login_once(upstream).await {
                Err(error) if error.starting_up() => match waits.next() {
                    Some(wait) => tokio::time::sleep(Duration::from_millis(wait)).await,
                    None => return Err(error),
                },
                done => return done,
            }
        }
    }

    async fn login_once(&self, upstream: &Upstream) -> Result<Client, ConnectError> {
        let (stream, credential) = tokio::try_join!(
            upstream.open(&self.name),
            upstream.credential(&self.name, &self.database)
        )?;
        let mut config = tokio_postgres::Config::new();
        if let Some(password) = &credential.password {
            config.password(password.as_bytes());
        }
        config
            .user(&credential.login)
            .dbname(&self.database)
            .ssl_mode(tokio_postgres::config::SslMode::Disable);
        let (client, connection) = config.connect_raw(stream, NoTls).await.map_err(|error| {
            server_error(&error)
                .map_or_else(|| ConnectError::Io(error.to_string()), ConnectError::Server)
        })?;
        // Ends by itself, with a Terminate, when the client is dropped.
        tokio::spawn(connection);
        Ok(client)
    }
}

/// Makes `user` a user that may log in and is a direct member of exactly `roles`, or changes nothing.
///
/// The caller holds the user's lock. Roles named twice count once.
pub(super) async fn activate(
    upstream: &Upstream,
    admin: &Admin,
    user: &str,
    roles: &[String],
) -> Result<(), ProvisionError> {
    let roles = distinct(roles);
    guards::check_names(user, &admin.name, &roles)?;
    let work = async {
        let client = admin.login(upstream).await?;
        retried(&client, || {
            Box::pin(activate::activate(&client, user, &roles))
        })
        .await
    };
    tokio::time::timeout(LIMIT, work)
        .await
        .map_err(|_| ProvisionError::Timeout)?
}

/// Strips and locks `user` (or drops it, as the mode says) unless backends of it run. The caller holds the user's lock.
pub(super) async fn deactivate(
    upstream: &Upstream,
    admin: &Admin,
    user: &str,
    mode: CreateUserMode,
) -> Result<Outcome, ProvisionError> {
    if user == admin.name {
        return Ok(Outcome::NotOurs);
    }
    let work = async {
        let client = admin.login(upstream).await?;
        retried(&client, || {
            Box::pin(deactivate::deactivate(&client, user, mode))
        })
        .await
    };
    tokio::time::timeout(LIMIT, work)
        .await
        .map_err(|_| ProvisionError::Timeout)?
}

/// Managed users that may log in although no backend of theirs runs: what a crash left behind.
pub(super) async fn leftovers(
    upstream: &Upstream,
    admin: &Admin,
) -> Result<Vec<String>, ProvisionError> {
    let work = async { Ok(sql::leftovers(&admin.login(upstream).await?).await?) };
    tokio::time::timeout(LIMIT, work)
        .await
        .map_err(|_| ProvisionError::Timeout)?
}

/// Ends a backend; false when it is gone already.
pub(super) async fn terminate(
    upstream: &Upstream,
    admin: &Admin,
    pid: i32,
) -> Result<bool, ProvisionError> {
    let work = async { Ok(sql::terminate(&admin.login(upstream).await?, pid).await?) };
    tokio::time::timeout(LIMIT, work)
        .await
        .map_err(|_| ProvisionError::Timeout)?
}

/// Sorted, each role once.
pub(super) fn distinct(roles: &[String]) -> Vec<String> {
    let mut roles = roles.to_vec();
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// Tries a transaction again while it collides with others (db-service.md 3.7). Leaves no open transaction.
async fn retried<'a, T>(
    client: &'a Client,
    attempt: impl Fn() -> BoxFuture<'a, Result<T, ProvisionError>>,
) -> Result<T, ProvisionError> {
    let mut tried = 0;
    loop {
        let error = match attempt().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        // On a broken connection this fails, and the server rolls back by itself.
        let _ = client.batch_execute("ROLLBACK").await;
        tried += 1;
        match error {
            error if !error.is_collision() => return Err(error),
            ProvisionError::Server(error) if tried >= ATTEMPTS => {
                return Err(ProvisionError::Retries(error));
            }
            _ => tokio::time::sleep(Duration::from_millis(u64::from(tried * 100).min(750))).await,
        }
    }
}
