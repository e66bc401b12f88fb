//! Accepts connections, bounds their number, and stops.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::admission::{self, Admission};
use super::first::{self, Ended, Request};
use super::peer::Peer;
use super::shared::Shared;
use super::socket::{Client, Listener};
use super::{Options, Report, Upstream, answer, cancel, session};
use crate::pg::{ErrorResponse, FirstPacketError, sqlstate};

/// TLS alert record: fatal, handshake_failure. All that a client gets which begins with TLS.
const TLS_ALERT: [u8; 7] = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28];

const INSISTS_ON_TLS: &str = "a client insists on TLS; this local port speaks clear text (what leaves this computer is \
     encrypted): set sslmode=disable or sslmode=prefer";
const BEGAN_WITH_TLS: &str = "a client began with TLS; this local port speaks clear text (what leaves this computer is \
     encrypted): set sslmode=disable, or sslmode=prefer with sslnegotiation=postgres";

/// How long an accept that failed for lack of descriptors or memory pauses.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long cancels under way may take once the tunnel is told to stop.
pub(super) const LAST_CANCELS: Duration = Duration::from_secs(2);

/// Serves PostgreSQL clients on `listener` until `shutdown` resolves, each over a connection of its own from `upstream`.
///
/// Connections are served side by side: one that waits for a certificate keeps nobody else waiting. On shutdown no more
/// are accepted and sessions are closed without a word, as no safe point for one can be known; cancels under way get two
/// seconds.
pub async fn serve(
    listener: impl Into<Listener>,
    upstream: Arc<dyn Upstream>,
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> Report {
    let listener = listener.into();
    let total = options
        .max_sessions
        .saturating_add(options.max_waiting)
        .max(1);
    let places = Arc::new(Semaphore::new(total.min(Semaphore::MAX_PERMITS)));
    let shared = Arc::new(Shared::new(upstream, options));
    let (stop, stopped) = watch::channel(());
    let mut tasks = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = tasks.join_next() => continue,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((client, place)) => {
                shared.count(|report| report.connections += 1);
                let (shared, stopped) = (Arc::clone(&shared), stopped.clone());
                tasks.spawn(async move {
                    let peer = client.peer();
                    connection(client, peer, &shared, stopped).await;
                    drop(place);
                });
            }
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                shared.note(&format!("cannot accept a connection: {error}"));
                tokio::select! {
                    () = &mut shutdown => break,
                    () = tokio::time::sleep(ACCEPT_PAUSE) => {}
                }
            }
        }
    }
    drop(listener);
    drop(stop);
    let rest = async { while tasks.join_next().await.is_some() {} };
    // Whatever is left is aborted with the set.
    let _ = timeout(LAST_CANCELS, rest).await;
    shared.report()
}

type Place = tokio::sync::OwnedSemaphorePermit;

/// Waits for a place, then for a client. May be dropped at any time.
async fn accept(listener: &Listener, places: &Arc<Semaphore>) -> io::Result<(Client, Place)> {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    Ok((listener.accept().await?, place))
}

/// Says whether accept failed because of the one client that came.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(
        error.kind(),
        K::ConnectionAborted | K::ConnectionReset | K::Interrupted
    )
}

/// Serves one connection of `peer` to its end. Everything but a cancel ends as soon as `stopped` closes.
pub(super) async fn connection<C: AsyncRead + AsyncWrite + Unpin>(
    client: C,
    peer: Peer,
    shared: &Shared,
    mut stopped: watch::Receiver<()>,
) {
    match admission::decide(peer, &shared.options) {
        Admission::Served => {}
        Admission::Gone => return,
        Admission::Refused(error) => {
            tokio::select! {
                () = admission::turn_away(client, peer, &error, shared) => {}
                _ = stopped.changed() => {}
            }
            return;
        }
    }
    admitted(client, shared, stopped).await;
}

/// Serves a client that is welcome to its end.
pub(super) async fn admitted<C: AsyncRead + AsyncWrite + Unpin>(
    mut client: C,
    shared: &Shared,
    mut stopped: watch::Receiver<()>,
) {
    let read = timeout(shared.options.first_packet, first::read(&mut client));
    let request = tokio::select! {
        request = read => request,
        _ = stopped.changed() => return,
    };
    match request {
        Ok(Ok(Request::Cancel(request))) => cancel::forward(client, &request, shared).await,
        Ok(Ok(Request::Session(startup, held))) => {
            tokio::select! {
                () = session::run(client, startup, held, shared) => {}
                _ = stopped.changed() => {}
            }
        }
        Ok(Err(ended)) => turned_away(&mut client, &ended, shared).await,
        // Out of time.
        Err(_) => {}
    }
}

/// Says the little that can be said to a client that will not be served.
async fn turned_away<C: AsyncRead + AsyncWrite + Unpin>(
    client: &mut C,
    ended: &Ended,
    shared: &Shared,
) {
    match ended {
        Ended::Closed | Ended::Repeated => {}
        Ended::InsistedOnTls => {
            shared.count(|report| report.insisted_on_tls += 1);
            shared.note(INSISTS_ON_TLS);
        }
        Ended::DirectTls => {
            shared.count(|report| report.direct_tls += 1);
            shared.note(BEGAN_WITH_TLS);
            if client.write_all(&TLS_ALERT).await.is_ok() {
                answer::close(client).await;
            }
        }
        Ended::Unreadable(error @ FirstPacketError::Version(_)) => {
            let error = ErrorResponse::fatal(sqlstate::FEATURE_NOT_SUPPORTED, &error.to_string());
            answer::refuse(client, &error).await;
        }
        Ended::Unreadable(_) => {}
    }
}

#[cfg(test)]
#[path = "listen_tests.rs"]
mod tests;
