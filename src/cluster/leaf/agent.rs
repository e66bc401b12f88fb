//! Keeps the links that the documents ask for: joins where that is still to be done, dials again where a link ended, and
//! lets go of what no document asks for any more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::backoff::Backoff;
use super::dial::{self, DialError};
use super::document::TrustedCluster;
use super::join::{self, JoinFailed};
use super::serve;
use super::trust::Trust;
use crate::cluster::mux::Front;
use crate::cluster::state::ClusterState;
use crate::cluster::store::StoreError;

/// A link that stood so long was a good one: the next attempt comes soon.
const GOOD: Duration = Duration::from_secs(30);

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
enum LinkError {
    /// The root is not reached.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// It does not let this cluster in.
    #[error(transparent)]
    Join(#[from] JoinFailed),
    /// There is nothing to join with.
    #[error("no token: make one on the root and put it into the document's spec.token")]
    NoToken,
    /// The root has removed this cluster.
    #[error(
        "the root does not know this cluster any more: put a new token into the document's spec.token"
    )]
    Removed,
    /// The file with the token.
    #[error("{path}: {source}", path = .0.display(), source = .1)]
    TokenFile(std::path::PathBuf, std::io::Error),
    /// The state.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The link ended.
    #[error("the link ended{0}")]
    Ended(String),
}

/// One link that is wanted. Dropped, it is given up.
struct Wanted {
    document: TrustedCluster,
    task: JoinHandle<()>,
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Keeps the links of the cluster behind `front` until the future is dropped.
pub async fn run(front: Arc<Front>) {
    let state = Arc::clone(front.state());
    let mut changes = state.changes();
    let mut links: BTreeMap<String, Wanted> = BTreeMap::new();
    loop {
        changes.borrow_and_update();
        let documents = state.documents();
        let wanted = |name: &String| documents.trusted_clusters.get(name).filter(|d| d.enabled);
        links.retain(|name, link| wanted(name).is_some_and(|d| d.same_link(&link.document)));
        for trust in state.trusts().all() {
            if wanted(&trust.root).is_none() {
                forget(&state, &trust.root);
            }
        }
        for (name, document) in documents.trusted_clusters.iter().filter(|(_, d)| d.enabled) {
            if !links.contains_key(name) {
                let (front, wanted) = (Arc::clone(&front), document.clone());
                let link = Wanted {
                    document: document.clone(),
                    task: tokio::spawn(async move { keep(&front, &wanted).await }),
                };
                links.insert(name.clone(), link);
            }
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

fn forget(state: &ClusterState, root: &str) {
    match state.trusts().forget(root) {
        Ok(_) => state.report(&format!("the root cluster {root} is not trusted any more")),
        Err(error) => state.report(&format!(
            "the root cluster {root} is not trusted any more, but may be again after a restart: {error}"
        )),
    }
}

/// Links with one root, again and again.
async fn keep(front: &Arc<Front>, root: &TrustedCluster) {
    let state = front.state();
    let mut backoff = Backoff::default();
    let mut told = String::new();
    loop {
        let begun = Instant::now();
        let error = once(front, root).await;
        state.trusts().failed(&root.name, error.to_string());
        if begun.elapsed() >= GOOD {
            backoff.reset();
            told.clear();
        }
        // Once, not at each attempt.
        let text = error.to_string();
        if text != told {
            state.report(&format!(
                "no link with the root cluster {}: {text}",
                root.name
            ));
            told = text;
        }
        sleep(backoff.next()).await;
    }
}

/// Joins if that is to be done, links and serves; gives the reason for the end.
async fn once(front: &Arc<Front>, root: &TrustedCluster) -> LinkError {
    let linked = async {
        let trust = match front.state().trusts().get(&root.name) {
            Some(trust) => trust,
            None => join(front.state(), root).await?,
        };
        let stream = match dial::to_link(front.state(), root, &trust).await {
            Err(DialError::Tls { source, .. }) if dial::is_stranger(&source) => {
                return removed(front.state(), root, &trust).await;
            }
            other => other?,
        };
        serve(front, root, &trust, stream).await
    };
    match linked.await {
        Ok(()) => LinkError::Ended(String::new()),
        Err(error) => error,
    }
}

async fn serve(
    front: &Arc<Front>,
    root: &TrustedCluster,
    trust: &Trust,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<(), LinkError> {
    let Err(error) = serve::serve(Arc::clone(front), &root.name, stream).await else {
        return Ok(());
    };
    // With TLS 1.3 a refused certificate shows only in the first read.
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        if inner
            .downcast_ref::<std::io::Error>()
            .is_some_and(dial::is_stranger)
        {
            return removed(front.state(), root, trust).await;
        }
        source = inner.source();
    }
    Err(LinkError::Ended(format!(": {error}")))
}

/// The root does not know this cluster: with another token than the one used, it is joined anew.
async fn removed(
    state: &ClusterState,
    root: &TrustedCluster,
    trust: &Trust,
) -> Result<(), LinkError> {
    let token = root
        .token
        .read()
        .map_err(|(path, e)| LinkError::TokenFile(path, e))?;
    if token.is_none_or(|token| token.hash() == trust.token_hash) {
        return Err(LinkError::Removed);
    }
    join(state, root).await?;
    Err(LinkError::Ended(" and the root was joined anew".to_owned()))
}

async fn join(state: &ClusterState, root: &TrustedCluster) -> Result<Arc<Trust>, LinkError> {
    let token = root
        .token
        .read()
        .map_err(|(path, e)| LinkError::TokenFile(path, e))?
        .ok_or(LinkError::NoToken)?;
    let joined = join::ask(state, root, &token).await?;
    state.report(&format!("joined the root cluster {}", root.name));
    Ok(state.trusts().joined(joined, token.hash(), state.now())?)
}
