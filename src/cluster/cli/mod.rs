//! The command line of `postern-cluster`: the only part of the cluster that knows clap, the terminal and exit codes.
//!
//! One file for each command, always in this order: the arguments with their help, `run`, private helpers. Facts go to
//! standard output, all else to standard error.

mod ca;
mod check;
mod clusters;
mod code;
mod demo;
pub mod exit;
mod locks;
mod notify;
mod place;
mod reload;
mod signals;
mod start;
mod status;
mod table;
mod tokens;
mod users;
pub mod util;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::cluster::{descriptors, memory};

/// A small cluster that speaks to database clients as a Teleport cluster does.
#[derive(Debug, Parser)]
#[command(
    name = "postern-cluster",
    version,
    propagate_version = false,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a cluster in the foreground, until SIGTERM or Ctrl+C; SIGHUP reads documents and configuration again.
    Start(start::StartArgs),
    /// Checks configuration and documents without starting anything.
    Check(check::CheckArgs),
    /// Shows how a running cluster is, and its open sessions.
    Status(status::StatusArgs),
    /// Has a running cluster read configuration, documents and web certificate again.
    Reload(reload::ReloadArgs),
    /// Adds, removes and lists users, and sets their passwords.
    Users(users::UsersArgs),
    /// Makes, lists and removes tokens with which other clusters join this one.
    Tokens(tokens::TokensArgs),
    /// Lists the clusters this one is linked with, and removes leaf clusters.
    Clusters(clusters::ClustersArgs),
    /// Locks users, roles and devices out, lists and removes locks.
    Locks(locks::LocksArgs),
    /// Prints what others need to trust the cluster, and rotates its authorities.
    Ca(ca::CaArgs),
    /// Runs a cluster with content and a PostgreSQL server in the foreground, until Ctrl+C.
    Demo(demo::DemoArgs),
    /// Prints the current one-time code of a user, for those without an authenticator app.
    Code(code::CodeArgs),
    /// Generates completions and manual pages.
    #[command(hide = true)]
    Util(util::UtilArgs),
}

/// How facts are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// JSON, on standard output; the keys are in the manual.
    Json,
}

/// The program.
#[must_use]
pub fn main() -> ExitCode {
    memory::give_back_large_blocks();
    match Cli::parse().command {
        Command::Start(args) => {
            descriptors::raise_limit();
            start::run(&args)
        }
        Command::Check(args) => check::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Reload(args) => reload::run(&args),
        Command::Users(args) => users::run(&args),
        Command::Tokens(args) => tokens::run(&args),
        Command::Clusters(args) => clusters::run(&args),
        Command::Locks(args) => locks::run(&args),
        Command::Ca(args) => ca::run(&args),
        Command::Demo(args) => {
            descriptors::raise_limit();
            demo::run(args)
        }
        Command::Code(args) => code::run(args),
        Command::Util(args) => util::run(&args),
    }
}

/// The whole command line, for completions and manual pages.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }
}
