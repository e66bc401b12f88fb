//! `postern db ls`: the databases of a cluster, and what one may do there.

mod all;

use std::collections::HashMap;
use std::time::Duration;

use clap::Args;

use super::active;
use super::choose::FilterArgs;
use crate::cli::signals::interruptible;
use crate::cli::{CliError, Cx, Exit, Format};
use crate::db::{Row, into_rows, json};
use crate::flow::conn::ClusterConn;
use crate::flow::session::Session;
use crate::rbac::{AccessChecker, Database};

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

    /// The databases of every cluster: of the one you are logged in to, of its leaf clusters, and of your other logins, tsh's among them
    #[arg(short = 'R', long)]
    all: bool,

    /// With --all: how long each cluster is waited for, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,

    #[command(flatten)]
    filter: FilterArgs,
}

/// Lists them. One round trip once the connection stands.
///
/// # Errors
/// Those of the login and of the cluster. Roles that cannot be read are no failure: the cells then say `(unknown)`.
pub async fn run(cx: &mut Cx, args: LsArgs) -> Result<Exit, CliError> {
    let filter = args.filter.filter(&args.labels)?;
    if args.all {
        let patience = Duration::from_secs(args.timeout);
        return Box::pin(all::run(cx, &filter, patience, args.verbose)).await;
    }
    let session = cx.session().await?;
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
    if filter.is_empty() {
        forget_gone(cx, &session, &databases)?;
    }
    let rows = into_rows(databases, checker.as_ref().ok());
    match cx.format {
        Format::Json | Format::Yaml => cx.ui.json(&json::elements(&rows)),
        Format::Names => cx
            .ui
            .lines(rows.iter().map(|row| row.database.name.as_str())),
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
            if args.verbose {
                tell_name(
                    cx,
                    &session,
                    cx.cluster(&session).to_owned().as_str(),
                    checker.ok().as_ref(),
                );
            }
            if rows.len() >= MANY && filter.is_empty() {
                cx.ui
                    .hint("see fewer: postern db ls --search WORDS, postern db ls KEY=VALUE");
            }
        }
    }
    Ok(Exit::Done)
}

/// Forgets databases that `db login` chose and that are no longer there, and says so.
fn forget_gone(cx: &mut Cx, session: &Session, all: &[Database]) -> Result<(), CliError> {
    let chosen = active::here(cx, session)?.into_iter();
    let listed = cx.cluster(session).to_owned();
    let gone = chosen.filter(|one| {
        one.cluster == listed && all.iter().all(|database| database.name != one.database)
    });
    for gone in gone.collect::<Vec<_>>() {
        active::forget(cx, &gone)?;
    }
    Ok(())
}

/// Says under which name a leaf cluster knows the user, and why it is not the own one.
fn tell_name(cx: &mut Cx, session: &Session, cluster: &str, checker: Option<&AccessChecker>) {
    let root = &session.profile.cluster;
    if let Some(checker) = checker.filter(|_| cluster != root) {
        cx.ui.status(&format!(
            "in {cluster} you are {}: a leaf cluster knows users of another cluster as remote-<user>-<cluster>",
            checker.username()
        ));
    }
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
    let mut times: HashMap<String, usize> = HashMap::new();
    for row in rows {
        *times.entry(row.name_cell(false)).or_default() += 1;
    }
    let unique = |name: &str| times.get(name) == Some(&1);
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
