//! `postern-cluster clusters`: the clusters behind this one and in front of it.

mod ls;
mod rm;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Arguments of `clusters`.
#[derive(Args, Debug)]
pub(super) struct ClustersArgs {
    #[command(subcommand)]
    command: ClustersCommand,
}

#[derive(Debug, Subcommand)]
enum ClustersCommand {
    /// Lists leaf clusters that have joined, and root clusters this one has joined, with their links.
    Ls(ls::LsArgs),
    /// Removes a leaf cluster: its link is cut, and it needs a new token to come back.
    Rm(rm::RmArgs),
}

/// Runs one of them.
pub(super) fn run(args: &ClustersArgs) -> ExitCode {
    let done = match &args.command {
        ClustersCommand::Ls(args) => ls::run(args),
        ClustersCommand::Rm(args) => rm::run(args),
    };
    match done {
        Ok(exit) | Err(exit) => exit,
    }
}
