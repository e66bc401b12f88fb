//! The start of a session: the startup message goes up alone, and the answer is read message by message until the session
//! is ready or refused.
//!
//! Nothing follows the startup message before the first byte of the answer: Teleport loses pipelined bytes without a word
//! (transport.md 10.3).

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{Expected, answer, known_errors};
use crate::pg::message::{peek_len, tag};
use crate::pg::{ErrorResponse, Kind, Message, Startup, sqlstate};

/// Most bytes of a client that are held back.
const MAX_HELD: usize = 64 * 1024;
/// Longest message of the start that is taken, bytes; real ones are below 1 KiB.
const MAX_MESSAGE: usize = 64 * 1024;

/// How the start ended when it did not end in a session.
#[derive(Debug)]
pub(super) enum NotStarted {
    /// The client has gone.
    ClientGone,
    /// This is to be told to the client.
    Refused(ErrorResponse),
    /// The same, and the start may be run once more on another stream: the client knows of nothing, nothing of its is lost,
    /// and the refusal is of the kind that something stale brings about.
    MaybeStale(ErrorResponse),
}

/// Reads what the client sends into `held`; returns when it hangs up. May be dropped at any time.
pub(super) async fn hold<C: AsyncRead + Unpin>(client: &mut C, held: &mut BytesMut) {
    while held.len() < MAX_HELD {
        if !matches!(client.read_buf(held).await, Ok(1..)) {
            return;
        }
    }
    std::future::pending::<()>().await;
}

/// Runs the start. When it returns `Ok`, ReadyForQuery and all before it have been passed on and nothing is held any more.
///
/// # Errors
/// [`NotStarted`]; nothing but whole messages has then been passed on, so an ErrorResponse may follow. `held` is untouched when
/// it may be stale.
pub(super) async fn run<C, U>(
    client: &mut C,
    upstream: &mut U,
    startup: &Startup,
    held: &mut BytesMut,
    to: &Expected,
) -> Result<(), NotStarted>
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    let mut received = BytesMut::new();
    // A failed write says less than the read after it, which brings the reason (an alert, or the end).
    let _ = send(upstream, &startup.encode()).await;
    let first = tokio::select! {
        first = upstream.read_buf(&mut received) => first,
        () = hold(client, held) => return Err(NotStarted::ClientGone),
    };
    match first {
        Ok(0) => return Err(NotStarted::MaybeStale(answer::closed_early(to))),
        Ok(_) => {}
        Err(error) => return Err(NotStarted::MaybeStale(answer::broke_early(to, &error))),
    }
    if !is_start_tag(received[0]) {
        return Err(NotStarted::Refused(answer::not_postgres(to)));
    }
    // What only the first message says has been told to nobody yet.
    let mut unsaid = held.is_empty();
    let mut sent_up = send(upstream, held).await;
    loop {
        match pass_on(client, &mut received, to).await {
            Ok(Passed::All) => return Ok(()),
            Ok(Passed::Some) => unsaid = false,
            Ok(Passed::Nothing) => {}
            Err(NotStarted::MaybeStale(error)) if !unsaid => {
                return Err(NotStarted::Refused(error));
            }
            Err(error) => return Err(error),
        }
        held.clear();
        tokio::select! {
            n = upstream.read_buf(&mut received) => {
                if !matches!(n, Ok(1..)) {
                    return Err(NotStarted::Refused(answer::closed_in_start(to)));
                }
            }
            n = client.read_buf(held), if sent_up.is_ok() => {
                unsaid = false;
                if !matches!(n, Ok(1..)) {
                    return Err(NotStarted::ClientGone);
                }
                // When writing fails, reading tells why.
                sent_up = send(upstream, held).await;
            }
        }
    }
}

/// What was passed on to the client.
enum Passed {
    /// No whole message has come.
    Nothing,
    /// Messages before ReadyForQuery.
    Some,
    /// ReadyForQuery and all that has come.
    All,
}

/// Passes whole messages on to the client, all that is left once ReadyForQuery was among them.
async fn pass_on<C: AsyncWrite + Unpin>(
    client: &mut C,
    received: &mut BytesMut,
    to: &Expected,
) -> Result<Passed, NotStarted> {
    let refuse = |error| Err(NotStarted::Refused(error));
    let mut ready = 0;
    loop {
        let Ok(len) = peek_len(&received[ready..]) else {
            return refuse(answer::not_postgres(to));
        };
        let Some(len) = len else { break };
        let tag = received[ready];
        if !is_start_tag(tag) || len > MAX_MESSAGE {
            return refuse(answer::not_postgres(to));
        }
        if received.len() < ready + len {
            break;
        }
        if tag == tag::READY_FOR_QUERY {
            let all = received.split();
            return send(client, &all)
                .await
                .map(|()| Passed::All)
                .map_err(|_| NotStarted::ClientGone);
        }
        if tag == tag::ERROR_RESPONSE {
            let before = received.split_to(ready);
            send(client, &before)
                .await
                .map_err(|_| NotStarted::ClientGone)?;
            let error = take_error(received, to);
            return Err(if before.is_empty() && may_be_stale(&error) {
                NotStarted::MaybeStale(error)
            } else {
                NotStarted::Refused(error)
            });
        }
        ready += len;
    }
    let whole = received.split_to(ready);
    send(client, &whole)
        .await
        .map(|()| {
            if whole.is_empty() {
                Passed::Nothing
            } else {
                Passed::Some
            }
        })
        .map_err(|_| NotStarted::ClientGone)
}

/// Whether roles, user or name that were right once may be the reason.
fn may_be_stale(error: &ErrorResponse) -> bool {
    let stale = [
        sqlstate::INVALID_AUTHORIZATION,
        sqlstate::INSUFFICIENT_PRIVILEGE,
        sqlstate::INVALID_CATALOG_NAME,
    ];
    error
        .sqlstate()
        .is_some_and(|code| stale.contains(&code.as_ref()))
}

/// Takes the ErrorResponse at the front, completed when it is Teleport's own and byte for byte as it came when it is the
/// database's.
fn take_error(received: &mut BytesMut, to: &Expected) -> ErrorResponse {
    let message = Message::parse(received, MAX_MESSAGE).ok().flatten();
    let parsed = message.and_then(|m| ErrorResponse::parse(Kind::Error, &m.body).ok());
    let Some(mut error) = parsed else {
        return answer::not_postgres(to);
    };
    known_errors::complete(&mut error, to);
    error
}

/// Says whether a message of this type may come before ReadyForQuery.
fn is_start_tag(byte: u8) -> bool {
    matches!(
        byte,
        tag::AUTHENTICATION
            | tag::BACKEND_KEY_DATA
            | tag::ERROR_RESPONSE
            | tag::NEGOTIATE
            | tag::NOTICE_RESPONSE
            | tag::PARAMETER_STATUS
            | tag::READY_FOR_QUERY
    )
}

async fn send<W: AsyncWrite + Unpin>(to: &mut W, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    to.write_all(bytes).await?;
    to.flush().await
}
