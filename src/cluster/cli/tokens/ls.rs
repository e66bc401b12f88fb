//! `postern-cluster tokens ls`.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::super::exit::{Exit, failed};
use super::super::place::Place;
use super::super::{Format, table};
use crate::cluster::leaf::token;
use crate::cluster::server::status::moment;
use crate::cluster::ui;

/// Arguments of `tokens ls`.
#[derive(Args, Debug)]
pub(super) struct LsArgs {
    #[command(flatten)]
    place: Place,
    /// Chooses how the list is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Lists.
pub(super) fn run(args: &LsArgs) -> Result<ExitCode, ExitCode> {
    let (_, store) = args.place.store()?;
    let tokens = token::list(&store, super::now()).map_err(|e| failed(Exit::Failed, &e))?;
    if args.format == Format::Json {
        let rows: Vec<Value> = tokens
            .iter()
            .map(|t| json!({"id": t.id, "type": t.kind, "expires": moment(t.expires)}))
            .collect();
        ui::data(&json!(rows).to_string());
        return Ok(Exit::Done.into());
    }
    let rows = tokens
        .into_iter()
        .map(|t| [t.id, t.kind, moment(t.expires)]);
    for line in table::lines(["Id", "Type", "Expires"], rows) {
        ui::data(&line);
    }
    Ok(Exit::Done.into())
}
