//! `postern-cluster users`: people without a document, and passwords and one-time keys of all.

mod add;
mod ls;
mod password;
mod reset;
mod rm;
mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Arguments of `users`.
#[derive(Args, Debug)]
pub(super) struct UsersArgs {
    #[command(subcommand)]
    command: UsersCommand,
}

#[derive(Debug, Subcommand)]
enum UsersCommand {
    /// Adds a user, or gives one whom a document describes a password; shows the one-time key as a QR code.
    Add(add::AddArgs),
    /// Removes a user with password and one-time key.
    Rm(rm::RmArgs),
    /// Lists users and where they come from.
    Ls(ls::LsArgs),
    /// Gives a user a new password and a new one-time key.
    Reset(reset::ResetArgs),
}

/// Runs one of them.
pub(super) fn run(args: &UsersArgs) -> ExitCode {
    match &args.command {
        UsersCommand::Add(args) => add::run(args),
        UsersCommand::Rm(args) => rm::run(args),
        UsersCommand::Ls(args) => ls::run(args),
        UsersCommand::Reset(args) => reset::run(args),
    }
}
