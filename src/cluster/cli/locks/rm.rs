//! `postern-cluster locks rm`.

use std::process::ExitCode;

use clap::Args;

use super::super::exit::{Exit, failed};
use super::super::place::{Place, changed};

/// Arguments of `locks rm`.
#[derive(Args, Debug)]
pub(super) struct RmArgs {
    /// The name that "locks add" has printed and "locks ls" lists.
    name: String,
    #[command(flatten)]
    place: Place,
}

/// Removes the lock.
pub(super) fn run(args: &RmArgs) -> ExitCode {
    let (directory, store) = match args.place.store() {
        Ok(open) => open,
        Err(exit) => return exit,
    };
    match store.remove_lock(&args.name) {
        Ok(true) => changed(&directory),
        Ok(false) => failed(
            Exit::Failed,
            &format_args!(
                "no lock {:?} in the state; \"locks ls\" lists them, those of documents are removed there",
                args.name
            ),
        ),
        Err(error) => failed(Exit::Failed, &error),
    }
}
