//! `postern-cluster tokens`: what other clusters join with.

mod add;
mod ls;
mod rm;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Arguments of `tokens`.
#[derive(Args, Debug)]
pub(super) struct TokensArgs {
    #[command(subcommand)]
    command: TokensCommand,
}

#[derive(Debug, Subcommand)]
enum TokensCommand {
    /// Makes a token with which another cluster joins this one as its leaf.
    Add(add::AddArgs),
    /// Lists the tokens that are worth something, without their text.
    Ls(ls::LsArgs),
    /// Removes a token.
    Rm(rm::RmArgs),
}

/// Runs one of them.
pub(super) fn run(args: &TokensArgs) -> ExitCode {
    let done = match &args.command {
        TokensCommand::Add(args) => add::run(args),
        TokensCommand::Ls(args) => ls::run(args),
        TokensCommand::Rm(args) => rm::run(args),
    };
    match done {
        Ok(exit) | Err(exit) => exit,
    }
}

/// Unix seconds.
fn now() -> i64 {
    crate::cluster::clock::system_clock()() / 1000
}
