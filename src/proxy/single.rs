//! The same for one client, whatever carries it: standard input and output, or memory.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;

use super::listen::{LAST_CANCELS, admitted};
use super::shared::Shared;
use super::{Options, Report, Upstream};

/// Serves the client at the other end of `client` as [`super::serve`] serves each of its own, until either side ends or
/// `shutdown` resolves.
pub async fn serve_one<C: AsyncRead + AsyncWrite + Unpin>(
    client: C,
    upstream: Arc<dyn Upstream>,
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> Report {
    let shared = Shared::new(upstream, options);
    let (stop, stopped) = watch::channel(());
    let mut serving = Box::pin(admitted(client, &shared, stopped));
    tokio::select! {
        () = &mut serving => {}
        () = shutdown => {
            drop(stop);
            // A cancel under way gets its time; a session ends at once.
            let _ = timeout(LAST_CANCELS, serving).await;
        }
    }
    shared.report()
}
