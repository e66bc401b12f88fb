//! `postern-cluster ca ls`.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::super::exit::{Exit, failed};
use super::super::place::Place;
use super::super::{Format, table};
use crate::cluster::authorities::Authorities;
use crate::cluster::ca::CaKind;
use crate::cluster::leaf::authority::pin;
use crate::cluster::rotation::RotationError;
use crate::cluster::server::status::moment;
use crate::cluster::store::Store;
use crate::cluster::ui;

/// Arguments of `ca ls`.
#[derive(Args, Debug)]
pub(super) struct LsArgs {
    #[command(flatten)]
    place: Place,
    /// Chooses how the list is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Lists all of them.
pub(super) fn run(args: &LsArgs) -> ExitCode {
    let listed = args
        .place
        .store()
        .and_then(|(_, store)| show(&store, &CaKind::ALL, args.format));
    match listed {
        Ok(()) => Exit::Done.into(),
        Err(exit) => exit,
    }
}

/// Prints these kinds.
pub(super) fn show(store: &Store, kinds: &[CaKind], format: Format) -> Result<(), ExitCode> {
    let kept = Authorities::kept(store).map_err(|error| failed(Exit::Failed, &error))?;
    let authorities = kept.ok_or_else(|| failed(Exit::Failed, &RotationError::None))?;
    if format == Format::Json {
        let listed: Vec<Value> = kinds
            .iter()
            .map(|kind| object(&authorities, *kind))
            .collect();
        ui::data(&Value::from(listed).to_string());
        return Ok(());
    }
    let rows = kinds.iter().flat_map(|kind| {
        keys(&authorities, *kind).map(|key| {
            let signs = if key.signs { "signs" } else { "is trusted" };
            [
                kind.to_string(),
                authorities.phase(*kind).to_string(),
                signs.to_owned(),
                moment(key.validity.1),
                key.pin,
            ]
        })
    });
    let titles = ["Authority", "Phase", "Key", "Valid until", "Pin"];
    for line in table::lines(titles, rows) {
        ui::data(&line);
    }
    Ok(())
}

struct Key {
    signs: bool,
    pin: String,
    validity: (i64, i64),
}

fn keys(authorities: &Authorities, kind: CaKind) -> impl Iterator<Item = Key> {
    let signing = authorities.get(kind).cert_der();
    let trusted = authorities.trusted(kind).into_iter();
    trusted.map(move |authority| Key {
        signs: authority.cert_der() == signing,
        pin: pin(authority.cert_der()).unwrap_or_default(),
        validity: authority.validity(),
    })
}

fn object(authorities: &Authorities, kind: CaKind) -> Value {
    let phase = authorities.phase(kind);
    let following: Vec<&str> = phase.following().iter().map(|p| p.as_str()).collect();
    let keys: Vec<Value> = keys(authorities, kind)
        .map(|key| {
            json!({
                "pin": key.pin,
                "signs": key.signs,
                "not_before": moment(key.validity.0),
                "not_after": moment(key.validity.1),
            })
        })
        .collect();
    json!({
        "kind": kind.as_str(),
        "phase": phase.as_str(),
        "since": authorities.since(kind).map(moment),
        "next": following,
        "keys": keys,
    })
}
