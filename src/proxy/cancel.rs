//! Forwards a CancelRequest: a connection of its own to the cluster, with the session's certificate.

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::shared::Shared;
use super::{Purpose, answer};
use crate::pg::message::tag;
use crate::pg::{CancelRequest, ErrorResponse, Kind, Message};

/// Longest answer that is read for its error, bytes.
const MAX_ANSWER: usize = 8 * 1024;

/// Sends the request as it was read and keeps the way open until the cluster closes it, which is its only answer, or the
/// deadline passes. The client may hang up meanwhile; it waits for the end if it wants to know that the request arrived.
pub(super) async fn forward<C: AsyncRead + AsyncWrite + Unpin>(
    mut client: C,
    request: &CancelRequest,
    shared: &Shared,
) {
    let deadline = shared.options.cancel;
    let opened = timeout(deadline, shared.upstream.open(Purpose::Cancel)).await;
    let mut upstream = match opened {
        Ok(Ok(upstream)) => upstream,
        Ok(Err(error)) => {
            shared.note(&format!(
                "the cancel request could not be sent, {}: {error}",
                error.hop
            ));
            return;
        }
        Err(_) => {
            shared.note("the cancel request could not be sent: the cluster did not answer in time");
            return;
        }
    };
    let until = Instant::now() + deadline;
    let sent = timeout_at(until, async {
        upstream.write_all(&request.encode()).await?;
        upstream.flush().await
    });
    if !matches!(sent.await, Ok(Ok(()))) {
        shared.note("the cancel request could not be sent: the cluster closed the connection");
        return;
    }
    shared.count(|report| report.cancels += 1);
    let mut received = BytesMut::new();
    let answer = async {
        while received.len() < MAX_ANSWER
            && matches!(upstream.read_buf(&mut received).await, Ok(1..))
        {}
    };
    // Timing out is one of the two ways this ends.
    let _ = timeout_at(until, answer).await;
    // libpq ignores an error here, so it must be said elsewhere.
    if let Ok(Some(message)) = Message::parse(&mut received, MAX_ANSWER)
        && message.tag == tag::ERROR_RESPONSE
        && let Ok(mut error) = ErrorResponse::parse(Kind::Error, &message.body)
    {
        super::known_errors::complete(&mut error, &shared.upstream.expected());
        shared.note(&format!(
            "the cluster refused the cancel request: {}",
            error.message()
        ));
        answer::refuse(&mut client, &error).await;
    }
}

#[cfg(test)]
#[path = "cancel_tests.rs"]
mod tests;
