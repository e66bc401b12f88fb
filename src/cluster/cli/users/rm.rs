//! `postern-cluster users rm`.

use std::process::ExitCode;

use clap::Args;

use super::super::exit::{Exit, failed};
use super::super::place::{Place, changed};
use crate::cluster::ui;

/// Arguments of `users rm`.
#[derive(Args, Debug)]
pub(super) struct RmArgs {
    /// The user.
    name: String,
    #[command(flatten)]
    place: Place,
}

/// Removes the user, also one that a single sign-on made. Certificates it has are of no use any more; open sessions go on, which a lock would end.
pub(super) fn run(args: &RmArgs) -> ExitCode {
    let (directory, store) = match args.place.store() {
        Ok(open) => open,
        Err(exit) => return exit,
    };
    let documents = args.place.documents();
    let place = documents.as_ref().and_then(|d| d.place("user", &args.name));
    match store.remove_user(&args.name) {
        Ok(false) => failed(
            Exit::Failed,
            &match place {
                Some(place) => format!(
                    "{place}: the user {:?} has neither password nor key; remove the document instead",
                    args.name
                ),
                None => format!("no user {:?}; \"users ls\" lists them", args.name),
            },
        ),
        Ok(true) => {
            if let Some(place) = place {
                ui::note(&format!(
                    "{place}: a document still describes the user {:?}, who cannot log in without a password",
                    args.name
                ));
            }
            changed(&directory)
        }
        Err(error) => failed(Exit::Failed, &error),
    }
}
