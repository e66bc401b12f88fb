//! `postern-cluster users reset`.

use std::process::ExitCode;

use clap::Args;

use super::super::Format;
use super::super::exit::{Exit, failed};
use super::super::place::{Place, changed};
use super::{add, password, show};
use crate::cluster::documents::User;
use crate::cluster::totp::Key;
use crate::cluster::users;

/// Arguments of `users reset`.
#[derive(Args, Debug)]
pub(super) struct ResetArgs {
    /// The user.
    name: String,
    /// Keeps the one-time key, and sets only a new password.
    #[arg(long)]
    keep_key: bool,
    #[command(flatten)]
    password: password::From,
    #[command(flatten)]
    place: Place,
    /// Chooses how the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Sets new secrets.
pub(super) fn run(args: &ResetArgs) -> ExitCode {
    match reset(args) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn reset(args: &ResetArgs) -> Result<ExitCode, ExitCode> {
    let (directory, store) = args.place.store()?;
    let wrong = |error: &dyn std::fmt::Display| failed(Exit::Failed, error);
    let kept = store.user(&args.name).map_err(|e| wrong(&e))?;
    let documents = args.place.documents();
    let described = documents.and_then(|d| d.users.get(&args.name).cloned());
    let old = store.credential(&args.name).map_err(|e| wrong(&e))?;
    let Some(user): Option<User> = described.or(kept.map(|kept| kept.user)) else {
        return Err(wrong(&format_args!(
            "no user {:?}; \"users ls\" lists them, \"users add\" adds one",
            args.name
        )));
    };
    let password = password::get(args.password, &args.name)?;
    let old_key = old.and_then(|old| Key::parse(&old.totp_key).ok());
    let key = match old_key.filter(|_| args.keep_key) {
        Some(key) => key,
        None => Key::generate().map_err(|e| wrong(&e))?,
    };
    let hash = users::hash_password(&password).map_err(|e| wrong(&e))?;
    let cluster = add::cluster_name(&store).map_err(|e| wrong(&e))?;
    store
        .set_credential(&args.name, &hash, key.base32())
        .map_err(|e| wrong(&e))?;
    // Whoever has new secrets starts anew; those who guessed at the old ones have nothing left to guess.
    store.forget_failures(&args.name).map_err(|e| wrong(&e))?;
    let exit = changed(&directory);
    show::show(args.format, &cluster, &user, &key);
    Ok(exit)
}
