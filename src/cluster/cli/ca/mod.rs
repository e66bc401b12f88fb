//! `postern-cluster ca`: the authorities of a cluster.

mod export;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Arguments of `ca`.
#[derive(Args, Debug)]
pub(super) struct CaArgs {
    #[command(subcommand)]
    command: CaCommand,
}

#[derive(Debug, Subcommand)]
enum CaCommand {
    /// Prints an authority's certificate or public key, never its private key.
    Export(export::ExportArgs),
}

/// Runs one of them.
pub(super) fn run(args: &CaArgs) -> ExitCode {
    match &args.command {
        CaCommand::Export(args) => export::run(args),
    }
}
