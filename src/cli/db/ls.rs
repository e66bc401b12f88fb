//! `postern db ls`: the databases of a cluster, and what one may do there.

use clap::Args;

use super::choose::FilterArgs;
use crate::cli::signals::interruptible;
use crate::cli::{CliError, Cx, Exit, Format};
use crate::db::{Row, json, rows};
use crate::flow::conn::ClusterConn;

/// From this many rows on a hint on how to see fewer is given, as tsh does.
const MANY: usize = 20;

/// Arguments of `db ls`.
#[derive(Args, Debug)]
pub struct LsArgs {
    /// Only databases with these labels, e.g. env=dev,team=a
    #[arg(value_name = "KEY=VALUE")]
    labels: Vec<String>,

    /// Also protocol, type, address, database roles and names, and the labels of Teleport itself
    #[arg(short, long)]
    verbose: bool,

    #[command(flatten)]
    filter: FilterArgs,
}

/// Lists them. One round trip once the connection stands.
///
/// # Errors
/// Those of the login and of the cluster. Roles that cannot be read are no failure: the cells then say `(unknown)`.
pub async fn run(cx: &mut Cx, args: LsArgs) -> Result<Exit, CliError> {
    let session = cx.session().await?;
    let filter = args.filter.filter(&args.labels)?;
    let step = async {
        let conn = ClusterConn::connect(&session, cx.cluster(&session)).await?;
        let (databases, checker) = tokio::join!(conn.databases(&filter), conn.checker());
        Ok((databases?, checker))
    };
    let (databases, checker) = interruptible(step).await?;
    if let Err(err) = &checker {
        cx.ui
            .warn(&format!("what you may do there is not known: {err}"));
    }
    let rows = rows(&databases, checker.as_ref().ok());
    match cx.format {
        Format::Json | Format::Yaml => cx.ui.json(&json::elements(&rows)),
        Format::Names => rows.iter().for_each(|row| cx.ui.out(&row.database.name)),
        Format::Text | Format::Cmd if rows.is_empty() => {
            let which = if filter.is_empty() {
                "no database that you may see"
            } else {
                "no database that matches"
            };
            cx.ui
                .status(&format!("cluster {} has {which}", cx.cluster(&session)));
        }
        Format::Text | Format::Cmd => {
            let (head, cells) = table(&rows, args.verbose);
            cx.ui.table(&head, &cells);
            if rows.len() >= MANY && filter.is_empty() {
                cx.ui
                    .hint("see fewer: postern db ls --search WORDS, postern db ls KEY=VALUE");
            }
        }
    }
    Ok(Exit::Done)
}

/// Heads and cells; columns that would be empty in every row are left out of the short form.
fn table(rows: &[Row], verbose: bool) -> (Vec<&'static str>, Vec<Vec<String>>) {
    if verbose {
        let head = vec![
            "Name",
            "Description",
            "Protocol",
            "Type",
            "URI",
            "Allowed Users",
            "Database Roles",
            "Database Names",
            "Labels",
        ];
        let cells = rows
            .iter()
            .map(|row| {
                vec![
                    row.name_cell(true),
                    row.database.description.clone(),
                    row.database.protocol.clone(),
                    row.database.kind().to_string(),
                    row.database.uri.clone(),
                    row.users_cell(),
                    row.roles_cell(),
                    row.names_cell(),
                    row.labels_cell(true),
                ]
            })
            .collect();
        return (head, cells);
    }
    // A short name that is not unique would lead to the wrong database.
    let unique = |name: &str| {
        rows.iter()
            .filter(|row| row.name_cell(false) == name)
            .count()
            == 1
    };
    let cells = rows
        .iter()
        .map(|row| {
            let short = row.name_cell(false);
            let name = if unique(&short) {
                short
            } else {
                row.name_cell(true)
            };
            vec![
                name,
                row.database.description.clone(),
                row.users_cell(),
                row.labels_cell(false),
            ]
        })
        .collect();
    (
        vec!["Name", "Description", "Allowed Users", "Labels"],
        cells,
    )
}
