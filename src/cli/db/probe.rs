//! `--check`: one connection through the tunnel before anybody is told that it is there (db-client.md 18 no 11).

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::place::At;
use crate::cli::{CliError, Kind};
use crate::hop::Hop;
use crate::pg::message::tag;
use crate::pg::{self, ErrorResponse, Message, ProtocolVersion, Startup, sqlstate};
use crate::proxy::Password;
use crate::transport::IoStream;

/// How long the whole way may take: a user is made on it, and a database may have to wake up.
const DEADLINE: Duration = Duration::from_secs(60);

/// No message before the first prompt is longer than this, bytes.
const LIMIT: usize = 64 * 1024;

/// Connects as a program would, as far as PostgreSQL's readiness for a query, and leaves.
///
/// # Errors
/// What the database, or a hop before it, answers.
pub(super) async fn probe(
    at: &At,
    user: &str,
    name: &str,
    database: &str,
    password: Option<&Password>,
) -> Result<(), CliError> {
    let failed = |message: String| {
        CliError::new(Kind::Failed, message).at(Hop::Database(database.to_owned()))
    };
    timeout(DEADLINE, reach(at, user, name, password))
        .await
        .map_err(|_| failed(format!("no answer within {} s", DEADLINE.as_secs())))?
        .map_err(|err| failed(format!("the connection broke: {err}")))?
        .map_err(|answer| refused(&answer, database))
}

async fn reach(
    at: &At,
    user: &str,
    name: &str,
    password: Option<&Password>,
) -> std::io::Result<Result<(), ErrorResponse>> {
    match at {
        At::Tcp(at) => converse(TcpStream::connect(at).await?, user, name, password).await,
        #[cfg(unix)]
        At::Unix(path) => converse(UnixStream::connect(path).await?, user, name, password).await,
    }
}

/// `Err(_)` inside: the answer is a refusal.
async fn converse<S: IoStream>(
    mut stream: S,
    user: &str,
    name: &str,
    password: Option<&Password>,
) -> std::io::Result<Result<(), ErrorResponse>> {
    let bad = |err: pg::MessageError| std::io::Error::other(err.to_string());
    let mut password = password;
    let startup = Startup::new(ProtocolVersion::V3_0)
        .with("user", user)
        .with("database", name)
        .with("application_name", "postern check");
    stream.write_all(&startup.encode()).await?;
    let mut buf = BytesMut::new();
    loop {
        while let Some(message) = Message::parse(&mut buf, LIMIT).map_err(bad)? {
            match message.tag {
                tag::READY_FOR_QUERY => {
                    let end = Message {
                        tag: tag::TERMINATE,
                        body: bytes::Bytes::new(),
                    };
                    stream.write_all(&end.encode()).await?;
                    return Ok(Ok(()));
                }
                tag::ERROR_RESPONSE => {
                    return ErrorResponse::parse(pg::Kind::Error, &message.body)
                        .map(Err)
                        .map_err(bad);
                }
                tag::AUTHENTICATION
                    if message.body.first_chunk() == Some(&[0, 0, 0, 3]) && password.is_some() =>
                {
                    let mut body = password
                        .take()
                        .map_or("", Password::reveal)
                        .as_bytes()
                        .to_vec();
                    body.push(0);
                    let answer = Message {
                        tag: tag::PASSWORD,
                        body: body.into(),
                    };
                    stream.write_all(&answer.encode()).await?;
                }
                // The other end has logged in for us; a request for a password could not be answered.
                tag::AUTHENTICATION if message.body.first_chunk() != Some(&[0; 4]) => {
                    return Err(std::io::Error::other("the database asks for a password"));
                }
                _ => {}
            }
        }
        if stream.read_buf(&mut buf).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// The answer as an error of ours, with where it comes from and what to do, as the tunnel has completed it.
fn refused(answer: &ErrorResponse, database: &str) -> CliError {
    let kind = match answer.sqlstate().as_deref() {
        Some(sqlstate::INVALID_AUTHORIZATION) => Kind::Denied,
        Some(sqlstate::UNABLE_TO_CONNECT) => Kind::Unreachable,
        _ => Kind::Failed,
    };
    let mut error = CliError::new(kind, answer.message()).at(Hop::Database(database.to_owned()));
    error.hints.extend(
        [answer.detail(), answer.hint()]
            .into_iter()
            .flatten()
            .map(Into::into),
    );
    error
}
