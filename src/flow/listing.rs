//! Databases of several clusters at once: each asked beside the others, each with a deadline of its own.
//!
//! A cluster that is offline, refuses or does not answer costs nobody else anything; it is in the answer as what it is.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, FuturesUnordered};
use thiserror::Error;

use super::conn::{CheckerError, ClusterConn, ConnError};
use super::session::Session;
use crate::auth::ApiError;
use crate::auth::resources::ListFilter;
use crate::hop::Hop;
use crate::rbac::{AccessChecker, Database};

/// How many clusters of one login are asked at once, as tsh does (auth-api.md 4.5).
pub(super) const AT_ONCE: usize = 10;

/// What one cluster said.
#[derive(Debug)]
pub struct Listed {
    /// The databases it shows.
    pub databases: Vec<Database>,
    /// What one may do there, as far as it is known.
    pub checker: Result<AccessChecker, CheckerError>,
}

/// Why a cluster has no part in the list.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ListError {
    /// There is no connection to it.
    #[error(transparent)]
    Conn(#[from] ConnError),
    /// It refuses, or fails.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// It did not answer in time.
    #[error("cluster {cluster:?} did not answer within {} s", patience.as_secs())]
    Late {
        /// The cluster.
        cluster: String,
        /// The deadline.
        patience: Duration,
    },
}

impl ListError {
    /// Where it failed.
    pub fn hop(&self, proxy: &str) -> Hop {
        match self {
            Self::Conn(error) => error.hop(),
            Self::Api(error) => error.hop(),
            Self::Late { .. } => Hop::Proxy(proxy.to_owned()),
        }
    }
}

/// The part of one cluster in a list of many.
#[derive(Debug)]
pub struct Part {
    /// `host:port` of the proxy it is behind.
    pub proxy: String,
    /// Its name.
    pub cluster: String,
    /// What it said.
    pub result: Result<Listed, ListError>,
}

/// Asks the root and every leaf of each login, all side by side. Sorted by proxy and cluster; at least one part for each
/// login. `patience` holds for each cluster: for finding it, connecting and asking.
pub async fn everywhere(
    sessions: &[Session],
    filter: &ListFilter,
    patience: Duration,
) -> Vec<Part> {
    let logins = sessions
        .iter()
        .map(|session| behind(session, filter, patience));
    let mut parts: Vec<Part> = logins
        .collect::<FuturesUnordered<_>>()
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .flatten()
        .collect();
    parts.sort_by(|a, b| (&a.proxy, &a.cluster).cmp(&(&b.proxy, &b.cluster)));
    parts
}

/// The root and every leaf behind it.
async fn behind(session: &Session, filter: &ListFilter, patience: Duration) -> Vec<Part> {
    let root = &session.profile.cluster;
    let part = |cluster: &str, result| Part {
        proxy: session.profile.proxy.clone(),
        cluster: cluster.to_owned(),
        result,
    };
    let conn = match in_time(root, patience, ClusterConn::connect(session, root)).await {
        Ok(conn) => conn,
        Err(error) => return vec![part(root, Err(error))],
    };
    let leaves = async {
        let names = in_time(root, patience, conn.remote_clusters()).await?;
        let asked = names.into_iter().map(|leaf| {
            let (conn, part) = (&conn, &part);
            async move {
                let one = async {
                    let there = conn.beside(session, &leaf.name).await?;
                    ask(&there, filter).await
                };
                part(&leaf.name, in_time(&leaf.name, patience, one).await)
            }
        });
        let parts: Vec<Part> = stream::iter(asked)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        Ok(parts)
    };
    let (own, leaves) = tokio::join!(in_time(root, patience, ask(&conn, filter)), leaves);
    let mut parts = vec![part(root, own)];
    match leaves {
        Ok(leaves) => parts.extend(leaves),
        // Without the leaves' names the root's part says so, unless it failed itself.
        Err(error) if parts[0].result.is_ok() => parts.push(part("(leaf clusters)", Err(error))),
        Err(_) => {}
    }
    parts
}

async fn ask(conn: &ClusterConn, filter: &ListFilter) -> Result<Listed, ListError> {
    let (databases, checker) = tokio::join!(conn.databases(filter), conn.checker());
    Ok(Listed {
        databases: databases?,
        checker,
    })
}

/// A step, given up after `patience`.
pub(super) async fn in_time<T, E: Into<ListError>>(
    cluster: &str,
    patience: Duration,
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, ListError> {
    // Boxed: the states of many connections at once are large.
    match tokio::time::timeout(patience, Box::pin(step)).await {
        Ok(result) => result.map_err(Into::into),
        Err(_) => Err(ListError::Late {
            cluster: cluster.to_owned(),
            patience,
        }),
    }
}
