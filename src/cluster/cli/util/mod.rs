//! `postern-cluster util`: what packagers need; hidden from the help.

pub mod completions;
pub mod json;
pub mod man;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use clap_complete::Shell;

use super::exit::{Exit, failed};
use crate::cluster::ui;

/// Arguments of `util`.
#[derive(Args, Debug)]
pub struct UtilArgs {
    #[command(subcommand)]
    command: UtilCommand,
}

#[derive(Debug, Subcommand)]
enum UtilCommand {
    /// Prints the completion script for a shell.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Writes the manual pages into a directory.
    Man {
        /// Directory to write to; it is made when missing.
        dir: PathBuf,
    },
}

/// Runs one of them.
pub(super) fn run(args: &UtilArgs) -> ExitCode {
    match &args.command {
        UtilCommand::Completions { shell } => {
            ui::data(String::from_utf8_lossy(&completions::script(*shell)).trim_end());
            Exit::Done.into()
        }
        UtilCommand::Man { dir } => {
            let write = || {
                std::fs::create_dir_all(dir)?;
                man::pages()
                    .iter()
                    .try_for_each(|(name, text)| std::fs::write(dir.join(name), text))
            };
            match write() {
                Ok(()) => Exit::Done.into(),
                Err(error) => failed(
                    Exit::Failed,
                    &format_args!("cannot write to {}: {error}", dir.display()),
                ),
            }
        }
    }
}
