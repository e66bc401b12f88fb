//! Errors of the tunnel's own, and closing so that they arrive.

use std::time::Duration;

use rustls::AlertDescription;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::known_errors::{detail, wrong_user};
use super::{Expected, UpstreamError};
use crate::hop::Hop;
use crate::pg::{ErrorResponse, sqlstate};
use crate::quote::quote;

/// How long a client that was told an error may take to hang up.
const LINGER: Duration = Duration::from_secs(1);

/// Tells the client an error and closes.
pub(super) async fn refuse<C: AsyncRead + AsyncWrite + Unpin>(
    client: &mut C,
    error: &ErrorResponse,
) {
    if client.write_all(&error.encode()).await.is_ok() {
        close(client).await;
    }
}

/// Closes so that what was written arrives: a socket closed over unread bytes resets the connection, and the reset may
/// overtake the answer.
pub(super) async fn close<C: AsyncRead + AsyncWrite + Unpin>(client: &mut C) {
    if client.shutdown().await.is_err() {
        return;
    }
    let mut unread = [0; 1024];
    let discard = async { while matches!(client.read(&mut unread).await, Ok(1..)) {} };
    // Timing out is one of the two ways this ends.
    let _ = tokio::time::timeout(LINGER, discard).await;
}

/// PostgreSQL's own answer to a startup message without a user.
pub(super) fn no_user() -> ErrorResponse {
    ErrorResponse::fatal(
        sqlstate::INVALID_AUTHORIZATION,
        "no PostgreSQL user name specified in startup packet",
    )
}

/// The answer to a user name that cannot work: what Teleport would say, completed.
pub(super) fn wrong_name(to: &Expected, given: &str) -> ErrorResponse {
    let mut error = ErrorResponse::message_only(&wrong_user(to, given));
    super::known_errors::complete(&mut error, to);
    error
}

/// The answer to a client of another user of this computer.
pub(super) fn stranger() -> ErrorResponse {
    ErrorResponse::fatal(
        sqlstate::INVALID_AUTHORIZATION,
        "this tunnel belongs to another user of this computer",
    )
    .with_detail(&detail(&Hop::Local))
    .with_hint("open one of your own: `postern proxy db`; whoever opened this one can let others in by --allow-other-users")
}

/// The answer to a client of which nobody knows whose it is, where no password was agreed on.
pub(super) fn unknown_peer() -> ErrorResponse {
    ErrorResponse::fatal(
        sqlstate::INVALID_AUTHORIZATION,
        "the system does not tell which user of this computer connects",
    )
    .with_detail(&detail(&Hop::Local))
    .with_hint("open the tunnel with --require-password, or with --allow-other-users")
}

/// The answer to anything but a password where one is needed.
pub(super) fn no_password() -> ErrorResponse {
    ErrorResponse::fatal(
        sqlstate::INVALID_PASSWORD,
        "this tunnel asks for its password first",
    )
    .with_detail(&detail(&Hop::Local))
    .with_hint(PASSWORD_HINT)
}

/// The answer to another password than the tunnel's, as PostgreSQL says it.
pub(super) fn wrong_password(user: &str) -> ErrorResponse {
    ErrorResponse::fatal(
        sqlstate::INVALID_PASSWORD,
        &format!("password authentication failed for user \"{user}\""),
    )
    .with_detail(&detail(&Hop::Local))
    .with_hint(PASSWORD_HINT)
}

const PASSWORD_HINT: &str =
    "it is the tunnel's own password, printed where the tunnel was opened, and not the database's";

/// The answer to a client that names another user or database than the tunnel was announced for.
pub(super) fn other_target(to: &Expected, user: &str, name: &str) -> ErrorResponse {
    let (sqlstate, what, right, given, option) = if user == to.user {
        let code = sqlstate::INVALID_CATALOG_NAME;
        (code, "database", &to.name, name, "--db-name")
    } else {
        let code = sqlstate::INVALID_AUTHORIZATION;
        (code, "user", &to.user, user, "--db-user")
    };
    ErrorResponse::fatal(
        sqlstate,
        &format!(
            "this tunnel to {} is for {what} {}, not {}",
            to.database,
            quote(right),
            quote(given)
        ),
    )
    .with_detail(&detail(&Hop::Local))
    .with_hint(&format!(
        "connect with {what} {}, or open a tunnel with {option} {}; --any-target leaves such choices to the cluster",
        quote(right),
        quote(given)
    ))
}

/// The answer to one session too many.
pub(super) fn too_many(limit: usize) -> ErrorResponse {
    ErrorResponse::fatal(
        sqlstate::TOO_MANY_CONNECTIONS,
        &format!("too many connections through this tunnel: the limit is {limit}"),
    )
    .with_detail(&detail(&Hop::Local))
    .with_hint("close other connections, or open a second tunnel with `postern proxy db`")
}

/// The answer when the way could not be opened.
pub(super) fn not_opened(error: &UpstreamError) -> ErrorResponse {
    let answer =
        ErrorResponse::fatal(error.sqlstate, &error.message).with_detail(&detail(&error.hop));
    match &error.hint {
        Some(hint) => answer.with_hint(hint),
        None => answer,
    }
}

/// The answer when the proxy closes without a word, as it does when its first check fails (transport.md 10.2).
pub(super) fn closed_early(to: &Expected) -> ErrorResponse {
    let ls = if to.remote {
        format!("`postern db ls -v --cluster {}`", to.cluster)
    } else {
        "`postern db ls -v`".to_owned()
    };
    ErrorResponse::fatal(
        sqlstate::CONNECTION_FAILURE,
        "the proxy closed the connection: database unknown, offline, or access refused",
    )
    .with_detail(&detail(&Hop::Proxy(to.proxy.clone())))
    .with_hint(&format!("{ls} shows whether {:?} is there and open to you, `postern status` whether your login holds", to.database))
}

/// The answer when the connection ends after the first byte and before the session began.
pub(super) fn closed_in_start(to: &Expected) -> ErrorResponse {
    ErrorResponse::fatal(
        sqlstate::CONNECTION_FAILURE,
        "the cluster closed the connection before the session began",
    )
    .with_detail(&detail(&Hop::Database(to.database.clone())))
    .with_hint("try again; if it stays, ask the cluster's administrator")
}

/// The answer when what comes back is not PostgreSQL's protocol.
pub(super) fn not_postgres(to: &Expected) -> ErrorResponse {
    ErrorResponse::fatal(
        sqlstate::PROTOCOL_VIOLATION,
        "the answer is not PostgreSQL's protocol",
    )
    .with_detail(&detail(&Hop::Database(to.database.clone())))
    .with_hint("`postern db ls -v` shows the database's protocol; this tunnel serves postgres only")
}

/// The answer when reading from or writing to the proxy failed before the first byte. With TLS 1.3 this is where a refused
/// client certificate shows: the handshake had looked complete.
pub(super) fn broke_early(to: &Expected, error: &std::io::Error) -> ErrorResponse {
    let inner = error
        .get_ref()
        .and_then(|e| e.downcast_ref::<rustls::Error>());
    let (code, text, hint) = match inner {
        Some(rustls::Error::AlertReceived(AlertDescription::CertificateExpired)) => (
            sqlstate::INVALID_AUTHORIZATION,
            "the proxy refused the database certificate: it has expired".to_owned(),
            "connect again for a new one; if that fails too, check this computer's clock, then `postern login`",
        ),
        Some(rustls::Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRevoked
            | AlertDescription::AccessDenied,
        )) => (
            sqlstate::INVALID_AUTHORIZATION,
            format!("the proxy refused the database certificate: {error}"),
            "`postern login --force` for new certificates",
        ),
        _ if error.kind() == std::io::ErrorKind::UnexpectedEof => return closed_early(to),
        _ => (
            sqlstate::CONNECTION_FAILURE,
            format!("the connection to the proxy broke: {error}"),
            "try again; `postern status` shows the proxy in use",
        ),
    };
    ErrorResponse::fatal(code, &text)
        .with_detail(&detail(&Hop::Proxy(to.proxy.clone())))
        .with_hint(hint)
}
