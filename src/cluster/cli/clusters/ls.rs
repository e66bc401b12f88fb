//! `postern-cluster clusters ls`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::super::exit::{Exit, failed};
use super::super::place::{Place, ask};
use super::super::{Format, table};
use crate::cluster::server::control::Request;
use crate::cluster::server::status::Status;
use crate::cluster::ui;

/// Arguments of `clusters ls`.
#[derive(Args, Debug)]
pub(super) struct LsArgs {
    #[command(flatten)]
    place: Place,
    /// Chooses how the list is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Asks the running cluster: nobody else knows of links.
pub(super) fn run(args: &LsArgs) -> Result<ExitCode, ExitCode> {
    let directory = args.place.directory()?;
    let status: Status =
        serde_json::from_value(ask(&directory, Request::Status)?).map_err(|e| {
            let text = format_args!(
                "the answer is not understood: {e}; is the cluster of another version?"
            );
            failed(Exit::Failed, &text)
        })?;
    if args.format == Format::Json {
        ui::data(&json!(status.linked).to_string());
        return Ok(Exit::Done.into());
    }
    let rows = status.linked.into_iter().map(|linked| {
        let note = linked.error.or(linked.last_heartbeat).unwrap_or_default();
        [linked.name, linked.r#type, linked.status, note]
    });
    for line in table::lines(
        ["Cluster", "Type", "Status", "Heard of last, or why not"],
        rows,
    ) {
        ui::data(&line);
    }
    Ok(Exit::Done.into())
}
