//! The client's side: who connects, and what comes of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::io::DuplexStream;
use tokio_postgres::{Client, NoTls};

use super::{PATIENCE, now};
use crate::cluster::dbservice::DbService;
use crate::identity::{Identity, RouteToDatabase};

/// Who connects to what.
#[derive(Clone)]
pub(in crate::cluster::dbservice) struct Caller {
    pub(in crate::cluster::dbservice) user: String,
    /// Roles of the Teleport user, with `+` between them: `auto`, `drop`, `app`, or those of the catalogue.
    pub(in crate::cluster::dbservice) role: &'static str,
    /// Allowed database roles.
    pub(in crate::cluster::dbservice) allowed: Vec<String>,
    /// Requested database roles.
    pub(in crate::cluster::dbservice) requested: Vec<String>,
    pub(in crate::cluster::dbservice) database: &'static str,
    /// Database user and name in the certificate.
    pub(in crate::cluster::dbservice) db_user: String,
    pub(in crate::cluster::dbservice) db_name: String,
    /// Seconds the certificate is still valid.
    pub(in crate::cluster::dbservice) valid: i64,
    /// Traits beside `db_roles`.
    pub(in crate::cluster::dbservice) traits: BTreeMap<String, Vec<String>>,
}

impl Caller {
    /// An automatic user of `orders` with the roles reader and writer.
    pub(in crate::cluster::dbservice) fn auto(user: &str) -> Self {
        Self {
            user: user.into(),
            role: "auto",
            allowed: vec!["reader".into(), "writer".into()],
            requested: Vec::new(),
            database: "orders",
            db_user: user.into(),
            db_name: "postgres".into(),
            valid: 3600,
            traits: BTreeMap::new(),
        }
    }

    pub(in crate::cluster::dbservice) fn with_role(mut self, role: &'static str) -> Self {
        self.role = role;
        self
    }

    pub(in crate::cluster::dbservice) fn at(mut self, database: &'static str) -> Self {
        self.database = database;
        self
    }

    pub(in crate::cluster::dbservice) fn allowed(mut self, roles: &[&str]) -> Self {
        self.allowed = roles.iter().map(ToString::to_string).collect();
        self
    }

    pub(in crate::cluster::dbservice) fn requesting(mut self, roles: &[&str]) -> Self {
        self.requested = roles.iter().map(ToString::to_string).collect();
        self
    }

    pub(in crate::cluster::dbservice) fn with_trait(mut self, name: &str, value: &str) -> Self {
        self.traits.insert(name.into(), vec![value.into()]);
        self
    }

    pub(in crate::cluster::dbservice) fn db_user(mut self, name: &str) -> Self {
        self.db_user = name.into();
        self
    }

    pub(in crate::cluster::dbservice) fn db_name(mut self, name: &str) -> Self {
        self.db_name = name.into();
        self
    }

    pub(in crate::cluster::dbservice) fn valid(mut self, seconds: i64) -> Self {
        self.valid = seconds;
        self
    }

    /// What the certificate says.
    pub(in crate::cluster::dbservice) fn identity(&self) -> Identity {
        let mut traits = self.traits.clone();
        traits.insert("db_roles".to_owned(), self.allowed.clone());
        Identity {
            username: self.user.clone(),
            roles: self.role.split('+').map(ToOwned::to_owned).collect(),
            usage: vec!["usage:db".into()],
            teleport_cluster: "root".into(),
            traits,
            route_to_database: Some(RouteToDatabase {
                service_name: self.database.into(),
                protocol: "postgres".into(),
                username: self.db_user.clone(),
                database: self.db_name.clone(),
                roles: self.requested.clone(),
            }),
            ..Identity::default()
        }
    }

    /// Opens a connection to the service; what comes out is what the client's TLS would carry.
    pub(in crate::cluster::dbservice) fn dial(&self, service: &Arc<DbService>) -> DuplexStream {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let (service, identity) = (Arc::clone(service), self.identity());
        let not_after = now() + self.valid;
        tokio::spawn(async move {
            service
                .serve_tunnel(far, identity, not_after, ([127, 0, 0, 1], 9).into())
                .await;
        });
        near
    }

    /// Opens a session.
    pub(in crate::cluster::dbservice) async fn connect(
        &self,
        service: &Arc<DbService>,
    ) -> Result<Session, tokio_postgres::Error> {
        let mut config = tokio_postgres::Config::new();
        config.user(&self.db_user).dbname(&self.db_name);
        let (client, connection) = config.connect_raw(self.dial(service), NoTls).await?;
        Ok(Session {
            client,
            connection: tokio::spawn(async move { connection.await.map_err(|e| describe(&e)) }),
        })
    }

    /// Is refused; gives the error's fields.
    pub(in crate::cluster::dbservice) async fn refused(&self, service: &Arc<DbService>) -> Refused {
        match self.connect(service).await {
            Ok(_) => panic!("{} was admitted to {}", self.user, self.database),
            Err(error) => {
                let error = error
                    .as_db_error()
                    .unwrap_or_else(|| panic!("no ErrorResponse: {}", describe(&error)));
                assert_eq!(error.severity(), "FATAL");
                Refused {
                    message: error.message().into(),
                    code: error.code().code().into(),
                    hint: error.hint().unwrap_or_default().into(),
                }
            }
        }
    }
}

/// An error and its causes.
pub(in crate::cluster::dbservice) fn describe(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", describe(cause)),
        None => error.to_string(),
    }
}

/// An ErrorResponse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cluster::dbservice) struct Refused {
    pub(in crate::cluster::dbservice) message: String,
    pub(in crate::cluster::dbservice) code: String,
    pub(in crate::cluster::dbservice) hint: String,
}

/// An open session.
pub(in crate::cluster::dbservice) struct Session {
    pub(in crate::cluster::dbservice) client: Client,
    connection: tokio::task::JoinHandle<Result<(), String>>,
}

impl Session {
    /// Takes leave and waits until the service has closed.
    pub(in crate::cluster::dbservice) async fn close(self) {
        drop(self.client);
        self.connection
            .await
            .expect("no panic")
            .expect("a clean end");
    }

    /// Vanishes without a word.
    pub(in crate::cluster::dbservice) async fn kill(self) {
        self.connection.abort();
        let _ = self.connection.await;
    }

    /// Waits until the service ends the session, and says with what.
    pub(in crate::cluster::dbservice) async fn ended(self) -> Result<(), String> {
        tokio::time::timeout(PATIENCE, self.connection)
            .await
            .expect("it ends")
            .expect("no panic")
    }
}
