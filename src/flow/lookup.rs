//! Which database a name means, where there may be ten thousand: the cluster picks those that come into question, so that no
//! more than one answer is waited for.
//!
//! Who names a database whole, as scripts do, needs nothing else of the list; who names its beginning needs those that begin
//! so; only who names none that there is needs all the others, to be told what looks like it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::stream;

use super::conn::ClusterConn;
use super::listing::{AT_ONCE, ListError, in_time};
use super::session::Session;
use crate::auth::resources::ListFilter;
use crate::auth::{ApiError, Fault};
use crate::quote::quote;
use crate::rbac::Database;
use crate::rbac::database::DISCOVERED_NAME_LABEL;

/// What was found where a database was looked for.
#[derive(Debug)]
pub struct Looked {
    /// The databases that may be meant: those of the name, else all that begin so, else all there are. One is chosen of them
    /// as of the whole list ([`super::target::select`]).
    pub databases: Vec<Database>,
    /// Where else there is one of that name; nowhere was asked when it, or its beginning, was found.
    pub elsewhere: Elsewhere,
}

/// Looks for what `name` may mean, one round trip on the connection. Where nothing is called or begins so, the whole list is
/// read, as it is without a name, and beside it the other clusters of the login are asked, each waited for as long as
/// `patience`.
///
/// # Errors
/// As any call; [`Fault::Query`] for a wrong predicate.
pub async fn look(
    session: &Session,
    conn: &ClusterConn,
    filter: &ListFilter,
    name: Option<&str>,
    patience: Duration,
) -> Result<Looked, ApiError> {
    let here = |databases| Looked {
        databases,
        elsewhere: Elsewhere::default(),
    };
    // Boxed, here and below: the states of calls are large.
    let Some(name) = name else {
        return Box::pin(conn.databases(filter)).await.map(here);
    };
    match called(conn, filter, name).await {
        Ok(found) if found.is_empty() => {}
        // The whole list shows whose fault the question is.
        Err(error) if error.fault == Fault::Query => {}
        other => return other.map(here),
    }
    let (databases, elsewhere) = tokio::join!(
        Box::pin(conn.databases(filter)),
        Box::pin(elsewhere(session, conn, filter, name, patience))
    );
    Ok(Looked {
        databases: databases?,
        elsewhere,
    })
}

/// The databases of this name, else all that begin so; picked by the cluster.
async fn called(
    conn: &ClusterConn,
    filter: &ListFilter,
    name: &str,
) -> Result<Vec<Database>, ApiError> {
    let (exact, begun) = (
        narrowed(filter, &exactly(name)),
        narrowed(filter, &beginning(name)),
    );
    let exact = Box::pin(conn.databases(&exact));
    let begun = Box::pin(conn.databases(&begun));
    match select(exact, begun).await {
        // Nobody waits for the thousands that may begin like a whole name.
        Either::Left((Ok(found), _)) if !found.is_empty() => Ok(found),
        Either::Left((_, begun)) => begun.await,
        // Whatever is called so begins so.
        Either::Right((found, _)) => found,
    }
}

/// Where else a database was looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// Clusters that list one of this name, sorted.
    pub holders: Vec<String>,
    /// Clusters that could not be asked, with the reason.
    pub unasked: BTreeMap<String, String>,
}

/// Looks in the other clusters of a login, side by side: the root if `conn` is a leaf's, and every leaf. Only the name itself
/// counts, or the one it was discovered under.
async fn elsewhere(
    session: &Session,
    conn: &ClusterConn,
    filter: &ListFilter,
    name: &str,
    patience: Duration,
) -> Elsewhere {
    let mut found = Elsewhere::default();
    let filter = narrowed(filter, &exactly(name));
    let mut clusters = match in_time(conn.root_cluster(), patience, conn.remote_clusters()).await {
        Ok(leaves) => leaves.into_iter().map(|leaf| leaf.name).collect(),
        Err(error) => {
            let what = "its leaf clusters".to_owned();
            found.unasked.insert(what, error.to_string());
            Vec::new()
        }
    };
    clusters.push(conn.root_cluster().to_owned());
    clusters.retain(|cluster| cluster != conn.cluster());
    let asked = clusters.into_iter().map(|cluster| {
        let filter = &filter;
        async move {
            let one = async {
                let there = conn.beside(session, &cluster).await?;
                there.databases(filter).await.map_err(ListError::from)
            };
            let result = in_time(&cluster, patience, one).await;
            (cluster, result)
        }
    });
    let answers: Vec<_> = stream::iter(asked)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    for (cluster, result) in answers {
        match result {
            Ok(databases) if databases.is_empty() => {}
            Ok(_) => found.holders.push(cluster),
            Err(error) => drop(found.unasked.insert(cluster, error.to_string())),
        }
    }
    found.holders.sort();
    found
}

/// Holds for the databases of this name, and those discovered under it.
fn exactly(name: &str) -> String {
    let name = quote(name);
    format!(
        "(name == {name}) || (labels[{}] == {name})",
        quote(DISCOVERED_NAME_LABEL)
    )
}

/// Holds for the databases whose name, or the one they were discovered under, begins so (auth-api.md 2.4).
fn beginning(name: &str) -> String {
    let name = quote(name);
    format!(
        "hasPrefix(name, {name}) || hasPrefix(labels[{}], {name})",
        quote(DISCOVERED_NAME_LABEL)
    )
}

/// The filter, narrowed by one more expression.
fn narrowed(filter: &ListFilter, wanted: &str) -> ListFilter {
    ListFilter {
        query: if filter.query.is_empty() {
            wanted.to_owned()
        } else {
            format!("({}) && ({wanted})", filter.query)
        },
        ..filter.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_narrows_what_was_asked_for() {
        let plain = narrowed(&ListFilter::default(), &exactly("a\"b")).query;
        assert_eq!(
            plain,
            "(name == \"a\\\"b\") || (labels[\"teleport.internal/discovered-name\"] == \"a\\\"b\")"
        );
        let query = ListFilter {
            query: "labels.env == \"dev\"".to_owned(),
            ..ListFilter::default()
        };
        assert_eq!(
            narrowed(&query, &exactly("x")).query,
            "(labels.env == \"dev\") && ((name == \"x\") || (labels[\"teleport.internal/discovered-name\"] == \"x\"))"
        );
        assert_eq!(
            narrowed(&query, &beginning("x")).query,
            "(labels.env == \"dev\") && (hasPrefix(name, \"x\") || hasPrefix(labels[\"teleport.internal/discovered-name\"], \"x\"))"
        );
    }
}
