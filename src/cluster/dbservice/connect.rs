//! A session's own connection to PostgreSQL: startup and greeting.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::connect_error::{ConnectError, ServerError};
use super::credential::Credential;
use super::message::read_message;
use super::password;
use crate::pg::{CancelKey, CancelRequest, ProtocolVersion, Startup};

/// How long PostgreSQL may take from the startup message to its first ReadyForQuery.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// What PostgreSQL says before the first query, as the client is to hear it.
pub(super) struct Greeting {
    /// AuthenticationOk, BackendKeyData, ParameterStatus…, ReadyForQuery (db-service.md 2.6), before them a
    /// NegotiateProtocolVersion if the server sent one.
    pub(super) bytes: Vec<u8>,
    /// What cancels a statement of the backend.
    pub(super) key: CancelRequest,
}

/// Logs in on an open TLS connection. Notices are dropped.
pub(super) async fn login<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    credential: &Credential,
    name: &str,
    startup: &Startup,
) -> Result<Greeting, ConnectError> {
    tokio::time::timeout(LOGIN_TIMEOUT, greet(stream, credential, name, startup))
        .await
        .map_err(|_| ConnectError::Timeout)?
}

async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    credential: &Credential,
    name: &str,
    startup: &Startup,
) -> Result<Greeting, ConnectError> {
    let message = startup_message(&credential.login, name, startup);
    stream
        .write_all(&message)
        .await
        .map_err(|error| ConnectError::io(&error))?;
    stream
        .flush()
        .await
        .map_err(|error| ConnectError::io(&error))?;
    let (mut first, mut parameters, mut backend) = (Vec::new(), Vec::new(), None);
    loop {
        let (kind, message) = read_message(stream).await?;
        let body = &message[5..];
        match kind {
            b'R' => match body.split_first_chunk::<4>() {
                Some((&[0, 0, 0, 0], _)) => {}
                Some((code, rest)) => {
                    password::answer(stream, u32::from_be_bytes(*code), rest, credential).await?;
                }
                None => {
                    return Err(ConnectError::Protocol(
                        "short authentication request".into(),
                    ));
                }
            },
            b'K' => match body.split_first_chunk::<4>() {
                Some((pid, key @ [_, ..])) => {
                    let key = CancelRequest {
                        pid: u32::from_be_bytes(*pid),
                        key: CancelKey::new(key),
                    };
                    backend = Some((key, message));
                }
                _ => return Err(ConnectError::Protocol("short cancel key".into())),
            },
            b'S' => parameters.extend(message),
            b'v' => first.extend(message),
            b'E' => return Err(ConnectError::Server(ServerError::parse(body)?)),
            b'N' => {}
            b'Z' => {
                let Some((key, backend)) = backend else {
                    return Err(ConnectError::Protocol("no cancel key".into()));
                };
                let bytes = [
                    &first,
                    b"R\0\0\0\x08\0\0\0\0".as_slice(),
                    &backend,
                    &parameters,
                    &message,
                ]
                .concat();
                return Ok(Greeting { bytes, key });
            }
            other => {
                return Err(ConnectError::Protocol(format!(
                    "type {:?}",
                    char::from(other)
                )));
            }
        }
    }
}

/// The startup message for the database: protocol 3.0; user and database as decided; what else the client said, but
/// `application_name` (dropped since 18, db-service.md 2.3) and the protocol options of a newer protocol.
fn startup_message(user: &str, name: &str, startup: &Startup) -> Vec<u8> {
    let newer = startup.version() > ProtocolVersion::V3_0;
    let asked = if newer {
        startup.downgraded()
    } else {
        startup.clone()
    };
    let kept = asked
        .params()
        .filter(|(key, _)| !matches!(*key, b"user" | b"database" | b"application_name"))
        .chain([
            (b"user".as_slice(), user.as_bytes()),
            (b"database".as_slice(), name.as_bytes()),
        ]);
    let mut body = ProtocolVersion::V3_0.code().to_be_bytes().to_vec();
    for text in kept.flat_map(|(key, value)| [key, value]) {
        body.extend(text);
        body.push(0);
    }
    body.push(0);
    let mut message = u32::try_from(body.len() + 4)
        .unwrap_or(u32::MAX)
        .to_be_bytes()
        .to_vec();
    message.extend(body);
    message
}
