//! Why a user could not be provisioned, and what the client is told.

use super::super::connect_error::{ConnectError, ServerError};
use super::super::credential::PasswordError;
use super::super::errors::{DENIED, PROVISIONING, Refusal};
use super::mend::Mend;
use crate::quote::quote;
use crate::rbac::AccessError;

/// Why a user could not be provisioned. `Display` is the inner text of db-service.md 3.6.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::cluster::dbservice) enum ProvisionError {
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
    /// The admin account itself. The text is the same: Teleport knows no other.
    #[error(
        "user {} already exists in this PostgreSQL database and is not managed by Teleport",
        quote(user)
    )]
    IsAdmin { user: String },
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
    /// Roles that do not exist. The text names the first, as the server would.
    #[error(
        "ERROR: role {} does not exist (SQLSTATE 42704)",
        quote(roles.first().map_or("", String::as_str))
    )]
    RoleMissing { roles: Vec<String> },
    /// Sessions with other roles are open (TP002).
    #[error(
        "roles for user {} has changed. Please quit all active connections and try again.",
        quote(user)
    )]
    RolesChanged {
        user: String,
        wanted: Vec<String>,
        current: Vec<String>,
        /// Roles somebody else granted, which the end of every connection does not take away.
        foreign: Vec<String>,
        pids: Vec<i32>,
    },
    /// The admin has no temporary password. The text stands alone (redshift-emulation.json).
    #[error("{0}")]
    NoPassword(PasswordError),
    /// A name Amazon Redshift cannot carry.
    #[error("user name {} cannot be used on Amazon Redshift: {why}", quote(user))]
    UnfitName { user: String, why: &'static str },
    /// Users cannot be made on a replica.
    #[error("auto-user provisioning is not supported for RDS reader endpoints")]
    ReaderEndpoint,
    /// The admin of a Redshift database does not see what it must see.
    #[error(
        "the admin user {} is no superuser and cannot see all sessions and grants",
        quote(admin)
    )]
    AdminNotSuperuser { admin: String },
    /// Redshift granted other roles than were named.
    #[error("user {} would hold the roles {} and not {}", quote(user), held.join(", "), wanted.join(", "))]
    Folded {
        user: String,
        wanted: Vec<String>,
        held: Vec<String>,
    },
    /// PostgreSQL refused a statement.
    #[error("{0}")]
    Server(ServerError),
    /// The same, for want of a privilege.
    #[error("{error}")]
    Lacking { error: ServerError, mend: Box<Mend> },
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

/// The server's own words, if the error came from there.
pub(super) fn server_error(error: &tokio_postgres::Error) -> Option<ServerError> {
    error.as_db_error().map(|error| ServerError {
        severity: error.severity().to_owned(),
        code: error.code().code().to_owned(),
        message: error.message().to_owned(),
        detail: error.detail().map(ToOwned::to_owned),
    })
}

impl ProvisionError {
    /// The same change may succeed when tried again (db-service.md 3.7).
    pub(super) fn is_collision(&self) -> bool {
        let Self::Server(error) = self else {
            return false;
        };
        match error.code.as_str() {
            "40P01" | "40001" | "23505" | "23P01" => true,
            // The bookkeeping role, made by somebody else meanwhile.
            "42710" => error.message.contains(super::sql::BOOKKEEPING),
            "XX000" => {
                error
                    .message
                    .contains("conflict with concurrent transaction")
                    || error.message.contains("tuple concurrently updated")
                    || error.message.contains("Serializable isolation violation")
            }
            _ => false,
        }
    }

    /// The connection is of no use any more: it broke, or the server says that it ends it (restart, time limit, no
    /// superuser's order).
    pub(super) fn is_end_of_connection(&self) -> bool {
        match self {
            Self::Broken(_) => true,
            Self::Server(error) => matches!(
                error.code.as_str(),
                "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "08006" | "08003"
            ),
            _ => false,
        }
    }

    /// Whether the server refused something for want of a privilege. Without a grantor PostgreSQL 16 knows no better word
    /// than an internal error.
    pub(super) fn refused_privilege(&self) -> bool {
        matches!(self, Self::Server(error) if error.code == "42501"
            || (error.code == "XX000" && error.message.contains("no possible grantors")))
    }

    /// Whether the change may have been made all the same: nobody answered.
    pub(in crate::cluster::dbservice) fn leaves_doubt(&self) -> bool {
        self.is_end_of_connection() || *self == Self::Timeout
    }

    /// What the client is told: Teleport's sentence around the cause, and what can be done.
    pub(in crate::cluster::dbservice) fn refusal(
        &self,
        user: &str,
        hint: Option<String>,
    ) -> Refusal {
        let text = AccessError::Activation {
            user: user.to_owned(),
            cause: self.to_string(),
        }
        .to_string();
        let code = match self {
            Self::NameTooLong { .. }
            | Self::UnfitName { .. }
            | Self::Reserved { .. }
            | Self::Unmanaged { .. }
            | Self::IsAdmin { .. }
            | Self::Privileged { .. } => DENIED,
            _ => PROVISIONING,
        };
        let refusal = Refusal::new(code, text);
        match hint.or_else(|| self.hint()) {
            Some(hint) => refusal.with_hint(hint),
            None => refusal,
        }
    }

    /// What can be done.
    pub(in crate::cluster::dbservice) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoPassword(error) => return error.hint.clone(),
            Self::UnfitName { .. } => {
                "use another Teleport user for this database: lower-case letters, digits and _ + . @ -, at most 46 bytes"
                    .into()
            }
            Self::ReaderEndpoint => "use the database whose `uri` is the writer's endpoint".into(),
            Self::AdminNotSuperuser { admin } => {
                format!("as a superuser of the database: GRANT ROLE \"sys:superuser\" TO {};", identifier(admin))
            }
            Self::Folded { .. } => {
                "Redshift folds names of roles to lower case: write them so in the Teleport role".into()
            }
            Self::NameTooLong { .. } => {
                "use a Teleport user name of at most 63 bytes for this database".into()
            }
            Self::Unmanaged { user } => format!(
                "the role {} was made by somebody else and is left alone: rename it, or use another Teleport user",
                quote(user)
            ),
            Self::IsAdmin { user } => format!(
                "{} is the database's own admin account, which nobody's session may use: log in to the cluster as \
                 another user, or give the database another `admin_user`",
                quote(user)
            ),
            Self::Privileged { user } => format!(
                "remove {} from the role \"teleport-auto-user\", or take its attributes away",
                quote(user)
            ),
            Self::RolesChanged { foreign, user, .. } if !foreign.is_empty() => format!(
                "somebody else granted {} to {}: whoever did must take it away, or a superuser",
                foreign.iter().map(|role| quote(role)).collect::<Vec<_>>().join(", "),
                quote(user)
            ),
            Self::RolesChanged { current, pids, .. } => format!(
                "connections with the roles {} are open (backends {}): close them, or ask for the same roles",
                current.join(", "),
                pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            ),
            Self::RoleMissing { roles } => format!(
                "create it in the database ({}), or take it out of the user's database roles",
                roles
                    .iter()
                    .map(|role| format!("CREATE ROLE {};", identifier(role)))
                    .collect::<Vec<_>>()
                    .join(" ")
            ),
            Self::RoleNotGrantable { .. } => {
                "admin accounts and superusers are given to nobody: take it out of the user's database roles".into()
            }
            Self::Lacking { mend, .. } => mend.hint().unwrap_or_else(|| PRIVILEGES.into()),
            Self::Server(error) => return server_hint(error),
            Self::Connect { admin, database, error, .. } => connect_hint(admin, database, error),
            _ => return None,
        })
    }
}

const PRIVILEGES: &str = "the database's admin user needs CREATEROLE and, since PostgreSQL 16, ADMIN OPTION on each role it grants";

fn server_hint(error: &ServerError) -> Option<String> {
    Some(match error.code.as_str() {
        "42704" => "create the role in the database".into(),
        "42501" => PRIVILEGES.into(),
        "25006" => {
            "users are made on the primary server only: the database's `uri` must lead there".into()
        }
        _ => return None,
    })
}

/// Why an admin cannot log in, mostly.
fn connect_hint(admin: &str, database: &str, error: &ConnectError) -> String {
    let (role, place) = (identifier(admin), identifier(database));
    let (code, message) = match error {
        ConnectError::Server(error) => (error.code.as_str(), error.message.as_str()),
        _ => ("", ""),
    };
    match code {
        "28000" if message.contains("does not exist") => format!(
            "the database's admin user does not exist, a superuser must run: CREATE ROLE {role} LOGIN CREATEROLE; and, \
             since PostgreSQL 16, for each role it is to grant: GRANT … TO {role} WITH ADMIN OPTION;"
        ),
        "28000" if message.contains("not permitted to log in") => {
            format!(
                "the database's admin user may not log in, a superuser must run: ALTER ROLE {role} LOGIN;"
            )
        }
        "42501" => format!(
            "the database's admin user may not enter that database, its owner must run: GRANT CONNECT ON DATABASE \
             {place} TO {role};"
        ),
        "3D000" => {
            "set `admin_user.default_database` in the database's document to a database that exists"
                .into()
        }
        "53300" => "the server has no connection left for the database's admin user".into(),
        _ => format!(
            "the database's admin user {} must be able to log in with a certificate",
            quote(admin)
        ),
    }
}

/// A name as SQL takes it.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
