//! One of the demo's clusters with its PostgreSQL server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::content::Files;
use super::credentials::{self, Credential};
use super::{DemoError, PostgresAddress, postgres};
use crate::cluster::documents::Documents;
use crate::cluster::postgres::find::Programs;
use crate::cluster::postgres::place::Place;
use crate::cluster::postgres::server::Server as PostgresServer;
use crate::cluster::postgres::{SUPERUSER, content as database_content};
use crate::cluster::server::{DirectoryLock, RunningServer, Server, ServerOptions, make_private};

/// A cluster that holds its directory and port.
pub(super) struct Prepared {
    cluster: Server,
    place: Place,
    documents: PathBuf,
}

impl Prepared {
    /// Takes directory and port.
    pub(super) async fn new(options: ServerOptions) -> Result<Self, DemoError> {
        let cluster = Server::prepare(options).await?;
        let directory = cluster.directory().to_owned();
        let place = Place::prepare(&directory, cluster.store())?;
        let documents = directory.join("documents");
        make_private(&documents)?;
        Ok(Self {
            cluster,
            place,
            documents,
        })
    }

    /// Starts PostgreSQL and fills it; documents that are missing are made of `files`.
    pub(super) async fn with_postgres(
        self,
        programs: &Programs,
        files: Files,
    ) -> Result<Ready, DemoError> {
        let server =
            postgres::start(programs, &self.place, &self.cluster, &self.documents, files).await?;
        database_content::fill(&server).await?;
        Ok(Ready {
            prepared: self,
            server,
        })
    }
}

/// The same with its PostgreSQL server running.
pub(super) struct Ready {
    prepared: Prepared,
    server: PostgresServer,
}

impl Ready {
    pub(super) fn cluster(&self) -> &Server {
        &self.prepared.cluster
    }

    pub(super) fn documents(&self) -> &Path {
        &self.prepared.documents
    }

    /// How the users of the documents log in, made where missing.
    pub(super) fn credentials(&self) -> Result<Vec<Credential>, DemoError> {
        let documents = Documents::load(&self.prepared.documents)?;
        let file = self.cluster().directory().join("credentials.json");
        let store = Arc::clone(self.cluster().store());
        Ok(credentials::ensure(&file, &store, documents.users.keys())?)
    }

    /// Starts the cluster.
    pub(super) async fn start(self) -> Result<Part, DemoError> {
        let Prepared {
            cluster,
            place,
            documents,
        } = self.prepared;
        let documents = Documents::load(&documents)?;
        Ok(Part {
            cluster: cluster.start(documents).await?,
            server: self.server,
            place,
        })
    }
}

/// A running cluster with its PostgreSQL server.
pub(super) struct Part {
    pub(super) cluster: RunningServer,
    server: PostgresServer,
    place: Place,
}

impl Part {
    /// How to reach the server past the cluster.
    pub(super) fn address(&self) -> PostgresAddress {
        PostgresAddress {
            host: self.server.socket().to_owned(),
            port: self.server.port(),
            superuser: SUPERUSER.to_owned(),
        }
    }

    /// The server.
    #[cfg(test)]
    pub(super) fn postgres(&self) -> &PostgresServer {
        &self.server
    }

    /// Ends the cluster: sessions with their automatic users, then the port.
    pub(super) async fn stop_cluster(self) -> Stopped {
        Stopped {
            _lock: self.cluster.stop().await,
            server: self.server,
            place: self.place,
        }
    }
}

/// A PostgreSQL server whose cluster is no more.
pub(super) struct Stopped {
    // Held until PostgreSQL is gone too.
    _lock: DirectoryLock,
    server: PostgresServer,
    place: Place,
}

impl Stopped {
    /// Ends it.
    pub(super) async fn stop_postgres(self) -> Result<Place, DemoError> {
        self.server.stop().await?;
        Ok(self.place)
    }
}
