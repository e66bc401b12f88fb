//! Why a client does not get to a leaf.

use crate::quote::quote;

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
