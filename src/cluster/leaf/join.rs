//! How a cluster joins another: one message each way, on a connection whose server is known to the one that joins.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::authority::PublicAuthority;
use super::dial::{self, DialError};
use super::document::TrustedCluster;
use super::token::Token;
use super::wire::{self, JoinAnswer, JoinRequest, Joined};
use crate::cluster::state::ClusterState;
use crate::quote::quote;

/// Time for the exchange.
const EXCHANGE: Duration = Duration::from_secs(15);

/// Why a cluster has not joined.
#[derive(Debug, thiserror::Error)]
pub(super) enum JoinFailed {
    /// The root is not reached.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The exchange broke off.
    #[error("{addr}: {source}; is a postern-cluster there?")]
    Exchange {
        /// `host:port`.
        addr: String,
        /// What happened.
        source: std::io::Error,
    },
    /// The root says no.
    #[error("the root refuses: {0}")]
    Refused(String),
    /// It is another cluster than the document says.
    #[error("the cluster at {addr} is {}: name the document so", quote(found))]
    OtherName {
        /// `host:port`.
        addr: String,
        /// Its name.
        found: String,
    },
    /// It is this cluster, or one of the same name.
    #[error("the root has the name of this cluster; a leaf needs another one")]
    OwnName,
    /// What it says of its authorities cannot be.
    #[error("the root's authorities cannot be used: {0}")]
    Authority(String),
}

/// Joins `root` with `token`.
///
/// # Errors
/// [`JoinFailed`].
pub(super) async fn ask(
    state: &ClusterState,
    root: &TrustedCluster,
    token: &Token,
) -> Result<Joined, JoinFailed> {
    let mut stream = dial::to_join(root).await?;
    let request = JoinRequest {
        token: token.reveal().to_owned(),
        cluster: state.name().to_owned(),
        host: PublicAuthority::host_of(&state.authorities()),
    };
    let exchange = timeout(EXCHANGE, async {
        wire::write(&mut stream, &request).await?;
        wire::read(&mut stream).await
    });
    let answered = exchange
        .await
        .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
    let answer = answered.map_err(|source| JoinFailed::Exchange {
        addr: root.web_addr.clone(),
        source,
    })?;
    match answer {
        JoinAnswer::Refused(why) => Err(JoinFailed::Refused(why)),
        JoinAnswer::Joined(joined) => {
            if joined.cluster == state.name() {
                return Err(JoinFailed::OwnName);
            }
            if joined.cluster != root.name {
                return Err(JoinFailed::OtherName {
                    addr: root.web_addr.clone(),
                    found: joined.cluster,
                });
            }
            check(&joined).map_err(JoinFailed::Authority)?;
            Ok(joined)
        }
    }
}

/// Whether the authorities are those of the cluster that shows them.
pub(super) fn check(joined: &Joined) -> Result<(), String> {
    joined
        .host
        .check(&joined.cluster)
        .and_then(|()| joined.user.check(&joined.cluster))
        .map_err(|e| e.to_string())
}

/// Answers a cluster that wants to join.
pub(in crate::cluster) async fn answer<S>(state: &ClusterState, mut stream: S, peer: SocketAddr)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let exchange = async {
        let request: JoinRequest = wire::read(&mut stream).await?;
        let answer = match state.leaves().join(&request, peer.ip(), state.now_ms()) {
            Ok(()) => {
                state.report(&format!(
                    "the cluster {} has joined as a leaf",
                    request.cluster
                ));
                JoinAnswer::Joined(Joined {
                    cluster: state.name().to_owned(),
                    host: PublicAuthority::host_of(&state.authorities()),
                    user: PublicAuthority::user_of(&state.authorities()),
                })
            }
            Err(error) => {
                state.report(&format!("a cluster at {peer} may not join: {error}"));
                JoinAnswer::Refused(error.to_string())
            }
        };
        wire::write(&mut stream, &answer).await?;
        stream.shutdown().await
    };
    // The other end's errors are its own.
    let _ = timeout(EXCHANGE, exchange).await;
}
