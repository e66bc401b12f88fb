//! `postern db logout`: forgets what `db login` remembers; no network.

use clap::Args;

use super::active;
use crate::cli::{CliError, Cx, Exit};
use crate::flow::session;

/// Arguments of `db logout`.
#[derive(Args, Debug)]
pub struct LogoutArgs {
    /// The database; without it, all of the cluster
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

/// Forgets one database, or all of the cluster. That there is nothing to forget is said, and is no failure unless a name
/// was given (db-client.md 18 no 27).
///
/// # Errors
/// [`crate::cli::Kind::NotFound`] for a name that is not logged in to.
pub fn run(cx: &mut Cx, args: &LogoutArgs) -> Result<Exit, CliError> {
    // An expired login is no reason to keep them.
    let (profile, certificate, _) = session::look(&cx.home, cx.now)?;
    let all = active::of(cx, &profile, &certificate)?;
    let gone = match &args.name {
        Some(name) => vec![active::named(all, Some(name))?],
        None => all,
    };
    cx.home
        .deactivate(|one| gone.iter().any(|gone| gone.same_place(one)))?;
    if gone.is_empty() {
        cx.ui.status(&format!(
            "You were not logged in to any database of cluster {}.",
            cx.global.cluster.as_ref().unwrap_or(&profile.cluster)
        ));
    }
    for one in &gone {
        cx.ui
            .status(&format!("Logged out of database {}.", one.database));
    }
    Ok(Exit::Done)
}
