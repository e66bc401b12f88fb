//! The end of a backend whose client is gone.
//!
//! Not before its end may its user be taken out of service, so it is waited for: PostgreSQL closes the connection when
//! the backend has left `pg_stat_activity`. A statement nobody waits for any more is cancelled first.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::cancel::cancel;
use super::provision::{self, Admin};
use super::relay::Progress;
use super::tls::{ServerStream, Upstream};
use crate::pg::CancelRequest;

/// Terminate.
const TERMINATE: [u8; 5] = [b'X', 0, 0, 0, 4];
/// Pauses between cancel requests: statements sent ahead need one each.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// How long a backend may take to end after it was told to, before it is left to itself.
const LIMIT: Duration = Duration::from_secs(30);
/// How long a backend without a statement is left in peace: dropping many temporary tables takes its time.
const IDLE_PATIENCE: Duration = Duration::from_secs(10);

/// Ends the backend `key` of `user` and waits for its end.
///
/// A client that took its leave with a statement still running gets what PostgreSQL gives it: the statement is carried
/// out, however long it takes, unless `stop` resolves. One that vanished does not.
pub(super) async fn finish(
    server: ServerStream,
    upstream: &Upstream,
    user: &str,
    key: &CancelRequest,
    progress: &Progress,
    admin: Option<&Admin>,
    stop: impl Future<Output = ()>,
) {
    let (mut read, mut write) = tokio::io::split(server);
    let mut rest = vec![0; 8192];
    // What the backend still has to say is thrown away, or it could not go on to its end.
    let gone = async { while matches!(read.read(&mut rest).await, Ok(1..)) {} };
    let pressed = async {
        if progress.terminated() {
            stop.await;
        }
        let told = async {
            // Failures show in the reading half.
            if !progress.to_server.between_messages() {
                let _ = write.shutdown().await;
            } else if !progress.terminated() {
                let _ = write.write_all(&TERMINATE).await;
                let _ = write.flush().await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = told => {}
            () = press(upstream, user, key, progress.busy(), admin) => {}
        }
    };
    tokio::select! {
        () = gone => {}
        () = pressed => {}
    }
}

/// Cancels what runs, more than once; then ends the backend by force if the admin may; then gives up.
async fn press(
    upstream: &Upstream,
    user: &str,
    key: &CancelRequest,
    busy: bool,
    admin: Option<&Admin>,
) {
    let begun = tokio::time::Instant::now();
    if !busy {
        tokio::time::sleep(IDLE_PATIENCE).await;
    }
    for pause in PAUSES {
        // The statement may end by itself, or the server refuse: the backend's end tells.
        let _ = cancel(upstream, user, key).await;
        tokio::time::sleep(pause).await;
    }
    if let (Some(admin), Ok(pid)) = (admin, i32::try_from(key.pid)) {
        // Needs pg_signal_backend or a superuser, which an admin rarely is.
        let _ = provision::terminate(upstream, admin, pid).await;
    }
    tokio::time::sleep_until(begun + LIMIT).await;
}
