//! A client whose database is behind another cluster: it is heard out to its first packet, passed on, and told when the way
//! there fails. What limits every session of this cluster limits this one too; all else is the other cluster's.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::timeout;

use super::errors::Refusal;
use super::monitor::{Activity, Monitor};
use super::relay::{Ended, Progress, relay};
use super::serve::{Client, Holder};
use super::startup::{First, first_packet};
use super::{DbService, Denial, Io};

/// Time for the last words of the other side.
const DRAIN: Duration = Duration::from_secs(5);
/// Bytes of them at once.
const CHUNK: usize = 16 * 1024;

/// Hears the client out as far as needed to tell it why it is not served.
pub(super) async fn refuse(mut client: Client, denial: Denial) {
    let last = match first_packet(&mut client.stream).await {
        Some(First::Startup(_)) => Some(denial.into()),
        Some(First::Cancel(_)) | None => None,
    };
    client.close(last).await;
}

/// Passes the client on to what `open` gives; `lost` is what it is told when that ends without a last word.
pub(super) async fn pass<T: Io>(
    service: &Arc<DbService>,
    mut client: Client,
    holder: &Holder,
    open: impl Future<Output = Result<T, Denial>>,
    lost: Denial,
) {
    let limits = service.catalog.limits();
    let (_nobody, orders) = watch::channel(None);
    let monitor = Monitor::new(
        service,
        &holder.identity,
        holder.cert_not_after,
        limits,
        orders,
    );
    // Both take a moment, and neither needs the other.
    let (first, opened) = tokio::join!(first_packet(&mut client.stream), open);
    let packet = match &first {
        None => return client.close(None).await,
        Some(First::Startup(startup)) => startup.encode(),
        Some(First::Cancel(cancel)) => cancel.encode().to_vec(),
    };
    let is_session = matches!(first, Some(First::Startup(_)));
    let mut far = match opened {
        Ok(far) => far,
        Err(denial) => return client.close(is_session.then(|| denial.into())).await,
    };
    let mut progress = Progress::default();
    let activity = Activity::begin();
    let begun = async {
        far.write_all(&packet).await?;
        far.flush().await
    };
    let ended = match begun.await {
        Ok(()) => {
            let (stream, cut) = (&mut client.stream, monitor.cut(&activity));
            let sent = |_: &[u8]| activity.note();
            relay(stream, &mut far, &mut progress, sent, cut).await
        }
        Err(_) => Ended::Server,
    };
    if ended == Ended::Server {
        // A write that failed ended it, most likely: what the other side said before is still to be read.
        let _ = timeout(DRAIN, drain(&mut far, &mut client, &mut progress)).await;
    }
    let last = match ended {
        Ended::Client => None,
        Ended::Cut(reason) => Some(reason.refusal()),
        // A session ends with an error, or because the client took its leave.
        Ended::Server if progress.terminated() || progress.to_client.last() == Some(b'E') => None,
        Ended::Server => Some(lost.into()),
    };
    client
        .close(last.filter(|_| is_session && progress.to_client.between_messages()))
        .await;
}

/// Gives the client what still comes from the other side.
async fn drain<T: Io>(far: &mut T, client: &mut Client, progress: &mut Progress) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(read @ 1..) = far.read(&mut buffer).await {
        if client.send(&buffer[..read]).await.is_err() {
            return;
        }
        progress.to_client.feed(&buffer[..read], |_| ());
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        let refusal = Self::new(denial.code, denial.message);
        match denial.hint {
            Some(hint) => refusal.with_hint(hint),
            None => refusal,
        }
    }
}
