//! The root keeps the links that leaves opened: heartbeats both ways, who is online, streams for clients.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use super::authority::PublicAuthority;
use super::error::OpenError;
use super::leaves;
use super::link::{Link, Purpose};
use super::wire::Joined;
use crate::cluster::state::ClusterState;

/// Time between two heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Serves the link that `cluster` opened to this one until it ends, is replaced by a newer one or cut.
pub(in crate::cluster) async fn serve_link<S>(state: &Arc<ClusterState>, cluster: &str, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Some((link, connection)) = Link::open_on(cluster, stream).await else {
        return;
    };
    let ended = tokio::select! {
        ended = connection => ended.err().map(|e| e.to_string()),
        why = beat(state, cluster, &link) => why,
        () = link.is_cut() => None,
    };
    if state.leaves().gone(cluster, &link) {
        let why = ended.map_or_else(String::new, |why| format!(": {why}"));
        state.report(&format!("the leaf cluster {cluster} is offline{why}"));
    }
}

/// Sends heartbeats for as long as they are answered, also at once when something changed here.
async fn beat(state: &Arc<ClusterState>, cluster: &str, link: &Arc<Link>) -> Option<String> {
    let mut changes = state.changes();
    loop {
        let alive = match link.heartbeat(&ourselves(state)).await {
            Ok(alive) => alive,
            Err(why) => return Some(why),
        };
        match state.leaves().alive(cluster, link, alive.host, state.now()) {
            Ok(leaves::Alive::Known) => {}
            Ok(leaves::Alive::Back) => {
                state.report(&format!("the leaf cluster {cluster} is online again"));
            }
            Ok(leaves::Alive::Removed) => return Some("it was removed".to_owned()),
            Err(error) => return Some(error.to_string()),
        }
        tokio::select! {
            () = sleep(HEARTBEAT) => {}
            // The sender lives as long as the state.
            _ = changes.changed() => {}
        }
    }
}
/// What a leaf knows of this cluster.
fn ourselves(state: &ClusterState) -> Joined {
    Joined {
        cluster: state.name().to_owned(),
        host: PublicAuthority::host_of(&state.authorities()),
        user: PublicAuthority::user_of(&state.authorities()),
    }
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
