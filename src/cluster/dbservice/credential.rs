//! How a login proves itself to a database: by the TLS connection's certificate, or by a temporary password.
//!
//! Admin and user alike, every login asks [`super::tls::Upstream::credential`] (db-service.md 2.5, "Credentials").

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use zeroize::Zeroizing;

use crate::rbac::{Database, DatabaseKind};

/// What a login sends after the startup message, and the name it logs in by.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// Name for the startup message; for Amazon Redshift the one AWS answered, `IAM:` before the database user.
    pub login: String,
    /// The password; `None` when the certificate of the TLS connection is the proof.
    pub password: Option<Zeroizing<String>>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("login", &self.login)
            .field("password", &self.password.as_ref().map(|_| "****"))
            .finish()
    }
}

/// Why there is no password. Neither text holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PasswordError {
    /// What failed and where, several lines as Teleport words them.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Gives temporary passwords for databases that want them.
pub trait Passwords: Send + Sync + 'static {
    /// The login of `user` to the database `name` of the resource. May come from memory, and is valid for long enough to
    /// log in.
    fn login<'a>(
        &'a self,
        database: &'a Database,
        user: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Credential, PasswordError>>;

    /// Forgets a login that the database did not accept: the next one is new.
    fn forget(&self, database: &Database, user: &str, name: &str);

    /// Certificates (PEM) of the authorities that sign such databases' servers, for a resource that names none itself.
    fn authorities<'a>(
        &'a self,
        database: &'a Database,
    ) -> BoxFuture<'a, Result<Arc<str>, PasswordError>>;
}

/// Whether logins to this database prove themselves by the cluster's client certificate.
pub(super) fn by_certificate(database: &Database) -> bool {
    database.kind() == DatabaseKind::SelfHosted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_not_printed() {
        let credential = Credential {
            login: "IAM:alice".into(),
            password: Some("geheim".to_owned().into()),
        };
        let printed = format!("{credential:?}");
        assert!(printed.contains("IAM:alice") && printed.contains("****"));
        assert!(!printed.contains("geheim"));
    }
}
