//! `postern util`: what packagers and the program itself need; hidden from the help.

pub mod completions;
pub mod man;

use clap::{Args, Subcommand};

use super::{CliError, Cx, Exit, Kind};
use crate::profile::keys::proof;

/// Arguments of `util`.
#[derive(Args, Debug)]
pub struct UtilArgs {
    #[command(subcommand)]
    command: UtilCommand,
}

#[derive(Debug, Subcommand)]
enum UtilCommand {
    /// Print the completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Write the manual pages into a directory
    Man(man::ManArgs),
    /// Print the SHA-256 of a keychain entry, read from a new session; "login" asks for this before it relies on a keychain
    #[command(hide = true)]
    ProbeKey {
        /// The entry, JSON
        location: String,
    },
}

/// Runs one of them.
///
/// # Errors
/// [`Kind::Failed`] when a file cannot be written or an entry not be read.
pub fn run(cx: &mut Cx, args: UtilArgs) -> Result<Exit, CliError> {
    match args.command {
        UtilCommand::Completions(args) => completions::run(cx, &args),
        UtilCommand::Man(args) => man::run(cx, &args),
        UtilCommand::ProbeKey { location } => {
            let seen =
                proof::probe(&location).map_err(|e| CliError::new(Kind::Failed, e.to_string()))?;
            cx.ui.out(&seen);
            Ok(Exit::Done)
        }
    }
}
