//! Leaf clusters: another cluster's databases behind this one's port, and this cluster's databases behind another's.
//!
//! The leaf dials the root and keeps that connection; nothing ever connects to the leaf. It joins once with a token
//! ([`token`]), whereby the two exchange authorities ([`authority`]), and from then on shows a certificate of its own host
//! authority. Over the connection the root opens HTTP/2 streams, each for one client: to the leaf's auth service, inside
//! the client's own TLS, or to a database, with the client's certificate. The leaf verifies that certificate itself, against
//! the root's user authority, and decides by its role map who the client is there (`mapping`).
//!
//! | file | holds |
//! |---|---|
//! | `document` | `trusted_cluster`, which makes a cluster a leaf |
//! | `leaves`, `link`, `join` | the root's side: who joined, the links that stand, how one joins |
//! | `trust`, `agent`, `dial`, `serve` | the leaf's side: the roots, keeping a link, dialling, answering on it |
//! | `wire` | messages and names on the connection |
//! | `backoff` | waits between attempts |
//!
//! Between the two stands this project's own protocol: a real Teleport cluster speaks SSH there and can be neither leaf nor
//! root of one of ours. Towards clients everything is as transport.md 3.3, auth-api.md 2.1, 2.10 and rbac.md 8 say.
//!
//! Bounded: [`STREAMS`] streams on a link and [`STREAM_WINDOW`] bytes in flight on each; a client that does not read stops
//! its own stream only.

mod agent;
pub mod authority;
mod backoff;
mod dial;
pub mod document;
mod join;
mod leaves;
mod link;
mod mapping;
mod recorded;
mod serve;
#[cfg(test)]
mod tests;
pub mod token;
mod trust;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::state::ClusterState;
use crate::quote::quote;

pub use agent::run as run_agent;
pub(in crate::cluster) use join::answer as answer_join;
pub use leaves::{Leaves, RemoteCluster};
pub(in crate::cluster) use link::Purpose;
pub use mapping::{NotMapped, mapped};
pub(in crate::cluster) use recorded::{Recorded, recorded};
pub use trust::{LinkStatus, Trust, Trusts};
pub(in crate::cluster) use wire::{JOIN_PROTOCOL, LINK_PROTOCOL};

/// Streams on one link at the same time.
pub const STREAMS: u32 = 512;
/// Bytes on the way on one stream, each direction, before the sender waits.
pub const STREAM_WINDOW: u32 = 256 * 1024;
/// As many streams as there may be, so that one which is not read never stops the others.
const CONNECTION_WINDOW: u32 = STREAMS * STREAM_WINDOW;
/// Time without a frame after which a ping is sent.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// How long its answer may take.
const KEEPALIVE_LIMIT: Duration = Duration::from_secs(15);

/// Why there is no stream to a leaf.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No cluster of that name has joined.
    #[error("cluster {} is not found", quote(.0))]
    Unknown(String),
    /// It has joined, but its link does not stand.
    #[error("cluster {} is offline", quote(cluster))]
    Offline {
        /// Its name.
        cluster: String,
        /// Its last sign of life, unix seconds; 0 when there was none.
        last_heartbeat: i64,
    },
    /// The link failed while the stream was opened, or later.
    #[error("the connection to cluster {} is lost", quote(cluster))]
    Lost {
        /// Its name.
        cluster: String,
        /// What happened.
        why: String,
    },
    /// The leaf does not want it.
    #[error("cluster {} refuses the connection: {why}", quote(cluster))]
    Refused {
        /// Its name.
        cluster: String,
        /// Its words.
        why: String,
    },
}

impl OpenError {
    /// What the user can do about it, `root` being this cluster.
    #[must_use]
    pub fn hint(&self, root: &str) -> String {
        match self {
            Self::Unknown(_) => "`postern clusters` shows the clusters behind this one".to_owned(),
            Self::Offline {
                cluster,
                last_heartbeat,
            } => {
                let since = match time::OffsetDateTime::from_unix_timestamp(*last_heartbeat) {
                    Ok(at) if *last_heartbeat > 0 => {
                        let at = at
                            .format(&time::format_description::well_known::Rfc3339)
                            .unwrap_or_default();
                        format!("; it was heard of last at {at}")
                    }
                    _ => " and never had one".to_owned(),
                };
                format!(
                    "you reached the root cluster {root}, but the leaf cluster {cluster} has no link to it{since}: `postern clusters` shows when it is back"
                )
            }
            Self::Lost { cluster, why } => format!(
                "you reached the root cluster {root}, but its link to the leaf cluster {cluster} failed: {why}"
            ),
            Self::Refused { cluster, .. } => format!(
                "you reached the root cluster {root}, and the leaf cluster {cluster} says no: log in again, or ask who runs it"
            ),
        }
    }
}

/// Serves the link that a leaf opened to this cluster, until it ends.
pub(in crate::cluster) async fn serve_link<S>(state: &Arc<ClusterState>, cluster: &str, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    link::run(state, cluster, stream).await;
}

/// Opens a stream to a leaf for the client at `peer`.
///
/// # Errors
/// [`OpenError`].
pub(in crate::cluster) async fn open(
    state: &ClusterState,
    cluster: &str,
    purpose: Purpose<'_>,
    peer: SocketAddr,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + use<>, OpenError> {
    let link = state.leaves().link(cluster)?;
    link.open(purpose, peer).await
}
