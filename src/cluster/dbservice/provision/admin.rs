//! The database's admin account and its connections.

use std::time::Duration;

use tokio_postgres::{Client, NoTls};

use super::ProvisionError;
use super::error::server_error;
use crate::cluster::dbservice::configs::Way;
use crate::cluster::dbservice::connect_error::ConnectError;
use crate::cluster::dbservice::key::UserKey;
use crate::cluster::dbservice::pool::{Freshness, Lease, Pools};
use crate::cluster::dbservice::tls::Upstream;
use crate::rbac::AdminUser;

/// How an admin logs in to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cluster::dbservice) struct Login {
    way: Way,
    name: String,
    database: String,
}

/// The admin connections to every server.
pub(in crate::cluster::dbservice) type AdminPools = Pools<UserKey, Login, Client>;

/// The database's admin account, and the database it logs in to.
#[derive(Clone)]
pub(in crate::cluster::dbservice) struct Admin {
    name: String,
    database: String,
    pools: AdminPools,
}

impl Admin {
    /// `requested` is the database name the client asked for: it is used when the resource names none for the admin.
    pub(in crate::cluster::dbservice) fn new(
        admin: &AdminUser,
        requested: &str,
        pools: &AdminPools,
    ) -> Self {
        let database = if admin.default_database.is_empty() {
            requested
        } else {
            &admin.default_database
        };
        Self {
            name: admin.name.clone(),
            database: database.to_owned(),
            pools: pools.clone(),
        }
    }

    /// Name of the account.
    pub(in crate::cluster::dbservice) fn name(&self) -> &str {
        &self.name
    }

    /// The error of a login that failed.
    pub(in crate::cluster::dbservice) fn failed(
        &self,
        host: String,
        error: ConnectError,
    ) -> ProvisionError {
        if let ConnectError::NoPassword(error) = error {
            return ProvisionError::NoPassword(error);
        }
        ProvisionError::Connect {
            host,
            admin: self.name.clone(),
            database: self.database.clone(),
            error: Box::new(error),
        }
    }

    /// A connection from the server's pool. It is closed when dropped; [`Lease::keep`] gives it back.
    pub(super) async fn connection(
        &self,
        upstream: &Upstream,
        freshness: Freshness,
    ) -> Result<Lease<Login, Client>, ProvisionError> {
        // The pool is the server's, whoever logs in.
        let pool = self.pools.of(upstream.key(""));
        let login = Login {
            way: upstream.way(),
            name: self.name.clone(),
            database: self.database.clone(),
        };
        pool.take(&login, freshness, self.login(upstream))
            .await
            .map_err(|error| self.failed(upstream.host.clone(), error))
    }

    async fn login(&self, upstream: &Upstream) -> Result<Client, ConnectError> {
        let mut waits = [200, 500].into_iter();
        let mut asked_again = false;
        loop {
            match self.login_once(upstream).await {
                Err(error)
                    if error.is_refused_login()
                        && !asked_again
                        && upstream.forget(&self.name, &self.database) =>
                {
                    asked_again = true;
                }
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
