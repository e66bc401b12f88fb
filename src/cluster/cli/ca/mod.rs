//! `postern-cluster ca`: the authorities of a cluster.

mod export;
mod ls;
mod rotate;

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
    /// Lists the authorities: the phase of their rotation, pins, validity.
    Ls(ls::LsArgs),
    /// Takes the next step of replacing an authority by a new one.
    Rotate(rotate::RotateArgs),
}

/// Runs one of them.
pub(super) fn run(args: &CaArgs) -> ExitCode {
    match &args.command {
        CaCommand::Export(args) => export::run(args),
        CaCommand::Ls(args) => ls::run(args),
        CaCommand::Rotate(args) => rotate::run(args),
    }
}
