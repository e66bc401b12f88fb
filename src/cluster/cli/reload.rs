//! `postern-cluster reload`.

use std::process::ExitCode;

use clap::Args;

use super::exit::Exit;
use super::place::{Place, ask};
use crate::cluster::server::control::Request;

/// Arguments of `reload`.
#[derive(Args, Debug)]
pub(super) struct ReloadArgs {
    #[command(flatten)]
    place: Place,
}

/// Asks for it, and fails when what was read is wrong.
pub(super) fn run(args: &ReloadArgs) -> ExitCode {
    let asked = args
        .place
        .directory()
        .and_then(|directory| ask(&directory, Request::Reload));
    match asked {
        Ok(_) => Exit::Done.into(),
        Err(exit) => exit,
    }
}
