//! `postern-cluster locks ls`.

use std::process::ExitCode;

use clap::Args;

use super::super::exit::{Exit, failed};
use super::super::place::Place;
use super::super::{Format, table};
use crate::cluster::locks::Lock;
use crate::cluster::server::status::moment;
use crate::cluster::{clock, ui};

/// Arguments of `locks ls`.
#[derive(Args, Debug)]
pub(super) struct LsArgs {
    #[command(flatten)]
    place: Place,
    /// Chooses how the list is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Lists the locks of the state and those of documents.
pub(super) fn run(args: &LsArgs) -> ExitCode {
    let read = args
        .place
        .store()
        .and_then(|(_, store)| store.locks().map_err(|error| failed(Exit::Failed, &error)));
    let mut locks = match read {
        Ok(locks) => locks,
        Err(exit) => return exit,
    };
    if let Some(documents) = args.place.documents() {
        locks.extend(documents.locks);
    }
    if args.format == Format::Json {
        let documents: Vec<_> = locks.iter().map(Lock::to_document).collect();
        ui::data(&serde_json::json!(documents).to_string());
        return Exit::Done.into();
    }
    let now = clock::system_clock()() / 1000;
    let rows = locks.into_iter().map(|lock| {
        let until = match lock.expires {
            None => "removed".to_owned(),
            Some(at) if lock.in_force(now) => moment(at),
            Some(at) => format!("{} (ended)", moment(at)),
        };
        [lock.name, lock.target.to_string(), until, lock.message]
    });
    for line in table::lines(["Lock", "Target", "Until", "Message"], rows) {
        ui::data(&line);
    }
    Exit::Done.into()
}
