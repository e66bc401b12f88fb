//! `postern-cluster tokens add`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::super::Format;
use super::super::exit::{Exit, failed};
use super::super::place::Place;
use crate::cluster::authorities::Authorities;
use crate::cluster::ca::CaKind;
use crate::cluster::documents::preference::duration;
use crate::cluster::leaf::authority;
use crate::cluster::leaf::token;
use crate::cluster::server::status::moment;
use crate::cluster::ui;

/// Arguments of `tokens add`.
#[derive(Args, Debug)]
pub(super) struct AddArgs {
    /// What the token is for.
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    kind: Kind,
    /// How long it is worth something, such as 30m or 24h; 30 days at most.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = ttl)]
    ttl: i64,
    #[command(flatten)]
    place: Place,
    /// Chooses how the token is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What tokens are for, in Teleport's words.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// For a cluster that becomes a leaf of this one.
    #[value(name = "trusted_cluster")]
    TrustedCluster,
}

fn ttl(text: &str) -> Result<i64, String> {
    duration("a time", &text.into())?.ok_or_else(|| "a time such as 1h is needed".to_owned())
}

/// Makes one and shows it, once.
pub(super) fn run(args: &AddArgs) -> Result<ExitCode, ExitCode> {
    let Kind::TrustedCluster = args.kind;
    let wrong = |error: &dyn std::fmt::Display| failed(Exit::Failed, error);
    let (_, store) = args.place.store()?;
    let (token, listed) = token::add(&store, args.ttl, super::now()).map_err(|e| wrong(&e))?;
    let authorities = Authorities::kept(&store).map_err(|e| wrong(&e))?;
    let pin = authorities.and_then(|a| authority::pin(a.get(CaKind::Host).cert_der()));
    if args.format == Format::Json {
        let line = json!({"token": token.reveal(), "id": listed.id, "type": listed.kind,
            "expires": moment(listed.expires), "ca_pin": pin});
        ui::data(&line.to_string());
        return Ok(Exit::Done.into());
    }
    ui::data(token.reveal());
    ui::note(&format!(
        "Put it into spec.token of the leaf's trusted_cluster document; it is worth something until {}.",
        moment(listed.expires)
    ));
    if let Some(pin) = pin {
        ui::note(&format!(
            "Where the leaf does not trust this cluster's web certificate, let it pin the authority: {pin}"
        ));
    }
    Ok(Exit::Done.into())
}
