//! One session: checks that need no cluster, the way to it, the start, then bytes.

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::shared::Shared;
use super::start::{self, NotStarted};
use super::{Purpose, answer, password, pipe};
use crate::pg::{ErrorResponse, NegotiateProtocolVersion, Startup};

/// Serves a client that sent a startup message, and `held` behind it, to its end.
pub(super) async fn run<C: AsyncRead + AsyncWrite + Unpin>(
    mut client: C,
    startup: Startup,
    held: BytesMut,
    shared: &Shared,
) {
    shared.count(|report| report.startup_seen = true);
    // Goes first, as a server sends it: a newer client then reads whatever comes as 3.0.
    if let Some(answer) = NegotiateProtocolVersion::answer_to(&startup)
        && client.write_all(&answer.encode()).await.is_err()
    {
        return;
    }
    if let Err(NotStarted::Refused(error) | NotStarted::MaybeStale(error)) =
        serve(&mut client, &startup.downgraded(), held, shared).await
    {
        shared.count(|report| report.refused += 1);
        answer::refuse(&mut client, &error).await;
    }
}

async fn serve<C: AsyncRead + AsyncWrite + Unpin>(
    client: &mut C,
    startup: &Startup,
    mut held: BytesMut,
    shared: &Shared,
) -> Result<(), NotStarted> {
    fn refuse<T>(error: ErrorResponse) -> Result<T, NotStarted> {
        Err(NotStarted::Refused(error))
    }
    let to = shared.upstream.expected();
    let Some(user) = startup.user() else {
        return refuse(answer::no_user());
    };
    if let Some(password) = &shared.options.password {
        let asking = password::ask(client, &mut held, password, startup);
        timeout(shared.options.first_packet, asking)
            .await
            .unwrap_or(Err(NotStarted::ClientGone))?;
    }
    // Where the user is made on the way no other can work. Elsewhere the cluster could decide, which goes by the startup
    // message; but whoever names something else than was announced has the wrong tunnel, most likely.
    if to.automatic && user != to.user {
        return refuse(answer::wrong_name(&to, &user));
    }
    let name = startup.database().unwrap_or_default();
    if !shared.options.any_target && (user != to.user || name != to.name) {
        return refuse(answer::other_target(&to, &user, &name));
    }
    let Ok(_permit) = shared.sessions.try_acquire() else {
        return refuse(answer::too_many(shared.options.max_sessions));
    };
    let opened = tokio::select! {
        opened = shared.upstream.open(Purpose::Session) => opened,
        () = start::hold(client, &mut held) => return Err(NotStarted::ClientGone),
    };
    let mut upstream = match opened {
        Ok(upstream) => upstream,
        Err(error) => {
            shared.note(&format!("{}: {error}", error.hop));
            return refuse(answer::not_opened(&error));
        }
    };
    let mut started = start::run(client, &mut upstream, startup, &mut held, &to).await;
    if let Err(NotStarted::MaybeStale(_)) = started {
        let reopened = tokio::select! {
            reopened = shared.upstream.reopen() => reopened,
            () = start::hold(client, &mut held) => return Err(NotStarted::ClientGone),
        };
        if let Some(again) = reopened {
            shared.note(&again.note);
            upstream = again
                .stream
                .or_else(|error| refuse(answer::not_opened(&error)))?;
            started = start::run(client, &mut upstream, startup, &mut held, &to).await;
        }
    }
    started?;
    shared.count(|report| report.sessions += 1);
    pipe::run(client, &mut upstream).await;
    Ok(())
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
