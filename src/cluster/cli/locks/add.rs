//! `postern-cluster locks add`.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::super::Format;
use super::super::exit::{Exit, failed};
use super::super::place::{Place, changed};
use crate::cluster::documents::preference::duration;
use crate::cluster::locks::{Lock, Target};
use crate::cluster::{clock, random, ui};

/// Arguments of `locks add`.
#[derive(Args, Debug)]
pub(super) struct AddArgs {
    #[command(flatten)]
    target: Whom,
    /// What those concerned are told.
    #[arg(long, value_name = "TEXT", default_value = "")]
    message: String,
    /// Ends the lock after this time, e.g. 8h; it stays until it is removed without this.
    #[arg(long, value_name = "DURATION", value_parser = ttl)]
    ttl: Option<i64>,
    #[command(flatten)]
    place: Place,
    /// Chooses how the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Whom the lock concerns: who fits one of them.
#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
struct Whom {
    /// A user.
    #[arg(long)]
    user: Option<String>,
    /// Everybody with a role.
    #[arg(long)]
    role: Option<String>,
    /// Sessions that the second factor of this device has opened, by its UUID.
    #[arg(long, value_name = "UUID")]
    mfa_device: Option<String>,
}

/// Seconds of a duration that is longer than nothing.
fn ttl(text: &str) -> Result<i64, String> {
    duration("a duration", &Value::from(text))?
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| format!("{text:?} is no time for which a lock can hold"))
}

/// Makes the lock.
pub(super) fn run(args: &AddArgs) -> ExitCode {
    match add(args) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn add(args: &AddArgs) -> Result<ExitCode, ExitCode> {
    let (directory, store) = args.place.store()?;
    let wrong = |error: &dyn std::fmt::Display| failed(Exit::Failed, error);
    let now = clock::system_clock()() / 1000;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let lock = Lock {
        name: random::uuid().map_err(|e| wrong(&e))?,
        target: Target {
            user: text(&args.target.user),
            role: text(&args.target.role),
            mfa_device: text(&args.target.mfa_device),
            ..Target::default()
        },
        message: args.message.clone(),
        expires: args.ttl.map(|seconds| now.saturating_add(seconds)),
        created_at: Some(now),
        created_by: String::new(),
    };
    if lock.target.is_empty() {
        return Err(wrong(&"a lock needs a target that is not empty"));
    }
    store.put_lock(&lock).map_err(|e| wrong(&e))?;
    let exit = changed(&directory);
    match args.format {
        Format::Json => ui::data(&json!({"name": lock.name}).to_string()),
        Format::Text => ui::data(&format!("Lock {} on {}.", lock.name, lock.target)),
    }
    Ok(exit)
}
