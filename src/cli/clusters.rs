//! `postern clusters`: the root cluster and the leaf clusters behind it.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use super::{CliError, Cx, Exit};
use crate::auth::clusters::RemoteCluster;
use crate::flow::conn::ClusterConn;

/// Arguments of `clusters`.
#[derive(Args, Debug)]
pub struct ClustersArgs {
    /// Neither heads nor the last column
    #[arg(short, long)]
    quiet: bool,

    /// Nothing more than without it; tsh has it
    #[arg(short, long, hide = true)]
    verbose: bool,
}

/// A cluster, with tsh's keys (db-client.md 13.4).
#[derive(Debug, Serialize)]
struct Row<'a> {
    cluster_name: &'a str,
    status: &'static str,
    cluster_type: &'static str,
    labels: Option<&'a BTreeMap<String, String>>,
    selected: bool,
}

/// Lists them.
///
/// # Errors
/// Those of loading the login and of the auth service.
pub async fn run(cx: &mut Cx, args: ClustersArgs) -> Result<Exit, CliError> {
    let session = cx.session().await?;
    let root = &session.profile.cluster;
    let conn = ClusterConn::connect(&session, root).await?;
    let remote = conn.remote_clusters().await?;
    let rows = rows(root, cx.cluster(&session), &remote);
    if cx.format.is_structured() {
        cx.ui.json(&rows);
        return Ok(Exit::Done);
    }
    let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
    if args.quiet {
        for row in &cells {
            cx.ui.out(row[..4].join(" ").trim_end());
        }
        return Ok(Exit::Done);
    }
    cx.ui
        .table(&["Cluster", "Status", "Type", "Labels", "Selected"], &cells);
    Ok(Exit::Done)
}

fn rows<'a>(root: &'a str, selected: &str, remote: &'a [RemoteCluster]) -> Vec<Row<'a>> {
    let first = Row {
        cluster_name: root,
        status: "online",
        cluster_type: "root",
        labels: None,
        selected: root == selected,
    };
    let leafs = remote.iter().map(|leaf| Row {
        cluster_name: &leaf.name,
        status: if leaf.online { "online" } else { "offline" },
        cluster_type: "leaf",
        labels: Some(&leaf.labels).filter(|labels| !labels.is_empty()),
        selected: leaf.name == selected,
    });
    std::iter::once(first).chain(leafs).collect()
}

fn cells(row: &Row<'_>) -> Vec<String> {
    let labels = row
        .labels
        .into_iter()
        .flatten()
        .map(|(k, v)| format!("{k}={v}"))
        .collect::<Vec<_>>();
    vec![
        row.cluster_name.to_owned(),
        row.status.to_owned(),
        row.cluster_type.to_owned(),
        labels.join(", "),
        if row.selected { "*" } else { "" }.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_is_that_of_tsh() {
        let leaf = |name: &str, online| RemoteCluster {
            name: name.to_owned(),
            online,
            labels: BTreeMap::new(),
        };
        // The recorded `tsh clusters -f json` of 18.3.0.
        let recorded = serde_json::json!([
            {"cluster_name": "root", "status": "online", "cluster_type": "root", "labels": null, "selected": true},
            {"cluster_name": "leaf", "status": "online", "cluster_type": "leaf", "labels": null, "selected": false}
        ]);
        assert_eq!(
            serde_json::to_value(rows("root", "root", &[leaf("leaf", true)])).expect("JSON"),
            recorded
        );
        let offline = [leaf("leaf", false)];
        let rows = rows("root", "leaf", &offline);
        assert_eq!(rows[1].status, "offline");
        assert!(rows[1].selected && !rows[0].selected);
    }
}
