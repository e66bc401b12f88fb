//! `postern-cluster clusters rm`.

use std::process::ExitCode;

use clap::Args;

use super::super::exit::{Exit, failed};
use super::super::place::{Place, changed};

/// Arguments of `clusters rm`.
#[derive(Args, Debug)]
pub(super) struct RmArgs {
    /// The leaf cluster.
    name: String,
    #[command(flatten)]
    place: Place,
}

/// Removes it together with the token it joined with.
pub(super) fn run(args: &RmArgs) -> Result<ExitCode, ExitCode> {
    let (directory, store) = args.place.store()?;
    match store.remove_remote_cluster(&args.name) {
        Ok(true) => Ok(changed(&directory)),
        Ok(false) => Err(failed(
            Exit::Failed,
            &format_args!(
                "no leaf cluster {:?} has joined; \"clusters ls\" lists them. A root cluster is left by removing its trusted_cluster document",
                args.name
            ),
        )),
        Err(error) => Err(failed(Exit::Failed, &error)),
    }
}
