//! `postern-cluster locks`: who may not use the cluster, from now on or for a while.

mod add;
mod ls;
mod rm;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Arguments of `locks`.
#[derive(Args, Debug)]
pub(super) struct LocksArgs {
    #[command(subcommand)]
    command: LocksCommand,
}

#[derive(Debug, Subcommand)]
enum LocksCommand {
    /// Locks a user, a role or a device: logins and sessions are refused, open sessions are cut at once.
    Add(add::AddArgs),
    /// Lists locks.
    Ls(ls::LsArgs),
    /// Removes a lock.
    Rm(rm::RmArgs),
}

/// Runs one of them.
pub(super) fn run(args: &LocksArgs) -> ExitCode {
    match &args.command {
        LocksCommand::Add(args) => add::run(args),
        LocksCommand::Ls(args) => ls::run(args),
        LocksCommand::Rm(args) => rm::run(args),
    }
}
