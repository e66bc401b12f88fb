//! `postern-cluster tokens rm`.

use std::process::ExitCode;

use clap::Args;

use super::super::exit::{Exit, failed};
use super::super::place::Place;
use crate::cluster::leaf::token;

/// Arguments of `tokens rm`.
#[derive(Args, Debug)]
pub(super) struct RmArgs {
    /// The token's id, as "tokens ls" shows it, or the token itself.
    token: String,
    #[command(flatten)]
    place: Place,
}

/// Removes it. A running cluster looks its tokens up each time; clusters that have joined stay.
pub(super) fn run(args: &RmArgs) -> Result<ExitCode, ExitCode> {
    let (_, store) = args.place.store()?;
    match token::remove(&store, &args.token) {
        Ok(true) => Ok(Exit::Done.into()),
        Ok(false) => Err(failed(
            Exit::Failed,
            &"no such token; \"tokens ls\" lists them",
        )),
        Err(error) => Err(failed(Exit::Failed, &error)),
    }
}
