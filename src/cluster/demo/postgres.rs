//! The demo's PostgreSQL: its port, its certificate, its start.

use std::net::Ipv4Addr;
use std::path::Path;

use super::{DemoError, content};
use crate::cluster::ca::{CaKind, LOOPBACK_HOSTS};
use crate::cluster::postgres::find::Programs;
use crate::cluster::postgres::place::Place;
use crate::cluster::postgres::server::{Server as PostgresServer, Tls};
use crate::cluster::server::{Server, ServerError};
use crate::cluster::state_error::StateError;
use crate::cluster::store::{Store, StoreError};
use crate::identity::BACKDATING_SECONDS;

/// Seconds for which PostgreSQL's certificate is valid; it is made anew at each start.
const SERVER_CERTIFICATE: i64 = 365 * 24 * 3600;
/// How often another port is tried for PostgreSQL.
const PORT_ATTEMPTS: usize = 3;

/// Writes the documents that are missing and starts PostgreSQL on its port, or on another one when that is taken; the
/// documents follow.
pub(super) async fn start(
    programs: &Programs,
    place: &Place,
    cluster: &Server,
    documents: &Path,
    files: content::Files,
) -> Result<PostgresServer, DemoError> {
    let mut port = kept_port(cluster.store())?;
    content::write(documents, files, port)?;
    let authorities = cluster.authorities()?;
    let now = cluster.now();
    let certificate = authorities
        .get(CaKind::Db)
        .issue_db_server(
            &LOOPBACK_HOSTS,
            now - BACKDATING_SECONDS,
            now + SERVER_CERTIFICATE,
        )
        .map_err(|e| ServerError::from(StateError::from(e)))?;
    let tls = Tls {
        certificate: certificate.cert_pem(),
        key: certificate.key_pem().to_string(),
        client_authority: authorities.trusted_pem(CaKind::DbClient),
    };
    let mut attempts = 0;
    loop {
        attempts += 1;
        let error = match PostgresServer::start(programs, place, &tls, port).await {
            Ok(server) => return Ok(server),
            Err(error) => error,
        };
        let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err();
        if !taken || attempts == PORT_ATTEMPTS {
            return Err(error.into());
        }
        let new = free_port()?;
        content::move_port(documents, port, new)?;
        keep_port(cluster.store(), new)?;
        port = new;
    }
}

/// PostgreSQL's port of the last start, or a free one.
fn kept_port(store: &Store) -> Result<u16, DemoError> {
    let kept = store
        .setting("postgres_port")
        .map_err(ServerError::from)?
        .and_then(|p| p.parse().ok());
    match kept {
        Some(port) => Ok(port),
        None => {
            let port = free_port()?;
            keep_port(store, port)?;
            Ok(port)
        }
    }
}

fn keep_port(store: &Store, port: u16) -> Result<(), DemoError> {
    store
        .set_setting("postgres_port", &port.to_string())
        .map_err(|e: StoreError| ServerError::from(e).into())
}

fn free_port() -> Result<u16, DemoError> {
    let address = (Ipv4Addr::LOCALHOST, 0).into();
    std::net::TcpListener::bind(address)
        .and_then(|l| l.local_addr())
        .map(|a| a.port())
        .map_err(|source| DemoError::Listen { address, source })
}
