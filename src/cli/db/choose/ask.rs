//! Questions about what is open: which database, in which cluster, as whom.

use crate::cli::output::shell_word;
use crate::cli::{CliError, Cx};
use crate::db::SelectError;
use crate::db::defaults::Options;
use crate::flow::lookup::Elsewhere;
use crate::flow::target::TargetError;
use crate::rbac::Database;

/// Asks which of several is meant; every other failure stays one.
pub(super) async fn ask_which<'d>(
    cx: &mut Cx,
    databases: &'d [Database],
    err: TargetError,
) -> Result<&'d Database, CliError> {
    let candidates = match &err {
        TargetError::Select {
            error: SelectError::Ambiguous { candidates, .. },
            ..
        } if cx.interactive => candidates,
        _ => return Err(err.into()),
    };
    let candidates: Vec<&Database> = databases
        .iter()
        .filter(|db| candidates.contains(&db.name))
        .collect();
    let lines: Vec<String> = candidates
        .iter()
        .map(|db| {
            if db.description.is_empty() {
                db.name.clone()
            } else {
                format!("{}  ({})", db.name, db.description)
            }
        })
        .collect();
    let chosen = cx.ui.choice("Database", &lines).await?;
    Ok(candidates[chosen])
}

/// Asks whether the database of this name in another cluster is meant; with nobody there to say so it is proposed.
pub(super) async fn ask_where(
    cx: &mut Cx,
    name: &str,
    err: TargetError,
    found: Elsewhere,
) -> Result<String, CliError> {
    if cx.interactive && !found.holders.is_empty() {
        cx.ui.status(&err.to_string());
        let mut lines: Vec<String> = found
            .holders
            .iter()
            .map(|cluster| format!("{name} in cluster {cluster}"))
            .collect();
        lines.push("none of them".to_owned());
        let chosen = cx.ui.choice("Database", &lines).await?;
        if let Some(cluster) = found.holders.get(chosen) {
            return Ok(cluster.clone());
        }
    }
    Err(proposed(err.into(), name, &found))
}

/// Adds to a failure what the search in other clusters brought.
fn proposed(mut error: CliError, name: &str, found: &Elsewhere) -> CliError {
    if !found.holders.is_empty() {
        // It is found, so how to look for it is no use.
        error.hints.clear();
    }
    for cluster in &found.holders {
        error = error.hint(format!(
            "cluster {cluster} has it: postern db connect --cluster {} {}",
            shell_word(cluster),
            shell_word(name)
        ));
    }
    for (cluster, why) in &found.unasked {
        error = error.hint(format!("{cluster} could not be asked: {why}"));
    }
    error
}

/// Asks for one of the allowed ones, or for any text where any is allowed.
pub(super) async fn ask(cx: &mut Cx, what: &str, choices: &Options) -> Result<String, CliError> {
    if choices.any || choices.allowed.is_empty() {
        return cx.ui.input(&format!("{what} ({choices})")).await;
    }
    let chosen = cx.ui.choice(what, &choices.allowed).await?;
    Ok(choices.allowed[chosen].clone())
}
