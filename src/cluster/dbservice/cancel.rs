//! CancelRequest: a connection of its own, with a certificate of its own, to the server that runs the statement.
//!
//! The backend's key is the proof; there is no table of sessions (db-service.md 2.8).

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::connect_error::ConnectError;
use super::tls::Upstream;
use crate::pg::CancelRequest;

/// How long PostgreSQL may take to close a cancel connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends a CancelRequest and waits until the server closes: by then the signal is sent.
pub(super) async fn cancel(
    upstream: &Upstream,
    user: &str,
    request: &CancelRequest,
) -> Result<(), ConnectError> {
    let mut stream = upstream.open(user).await?;
    stream
        .write_all(&request.encode())
        .await
        .map_err(|error| ConnectError::io(&error))?;
    stream
        .flush()
        .await
        .map_err(|error| ConnectError::io(&error))?;
    let mut rest = [0; 64];
    let closed = async { while matches!(stream.read(&mut rest).await, Ok(1..)) {} };
    tokio::time::timeout(CLOSE_TIMEOUT, closed)
        .await
        .map_err(|_| ConnectError::Timeout)
}
