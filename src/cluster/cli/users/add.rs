//! `postern-cluster users add`.

use std::process::ExitCode;

use clap::Args;

use super::super::Format;
use super::super::exit::{Exit, failed};
use super::super::place::{Place, changed};
use super::{ls, password, show};
use crate::cluster::documents::{Documents, User, user};
use crate::cluster::store::{Store, StoreError};
use crate::cluster::totp::Key;
use crate::cluster::{clock, ui, users};
use crate::identity::Traits;

/// Arguments of `users add`.
#[derive(Args, Debug)]
pub(super) struct AddArgs {
    /// The name, also of the automatic database user.
    name: String,
    /// Roles; not for a user whom a document describes.
    #[arg(long, value_name = "ROLE", value_delimiter = ',')]
    roles: Vec<String>,
    /// Values for templates in roles, e.g. db_roles=reader,writer; may be given several times.
    #[arg(long, value_name = "NAME=VALUE,...", value_parser = parse_trait)]
    traits: Vec<(String, Vec<String>)>,
    #[command(flatten)]
    password: password::From,
    #[command(flatten)]
    place: Place,
    /// Chooses how the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

fn parse_trait(text: &str) -> Result<(String, Vec<String>), String> {
    match text.split_once('=') {
        Some((name, values)) if !name.is_empty() => Ok((
            name.to_owned(),
            values
                .split(',')
                .filter(|value| !value.is_empty())
                .map(str::to_owned)
                .collect(),
        )),
        _ => Err("a trait is NAME=VALUE,...".to_owned()),
    }
}

/// Adds the user.
pub(super) fn run(args: &AddArgs) -> ExitCode {
    match add(args) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn add(args: &AddArgs) -> Result<ExitCode, ExitCode> {
    let (directory, store) = args.place.store()?;
    let documents = args.place.documents();
    let (person, described) = decide(args, documents.as_ref(), &store)
        .map_err(|message| failed(Exit::Failed, &message))?;
    if let Some(documents) = &documents {
        for role in person
            .roles
            .iter()
            .filter(|role| !documents.roles.contains_key(*role))
        {
            ui::note(&format!("warning: no document defines the role {role:?}"));
        }
    }
    let password = password::get(args.password, &person.name)?;
    let wrong = |error: &dyn std::fmt::Display| failed(Exit::Failed, error);
    let key = Key::generate().map_err(|e| wrong(&e))?;
    let hash = users::hash_password(&password).map_err(|e| wrong(&e))?;
    let cluster = cluster_name(&store).map_err(|e| wrong(&e))?;
    let now = clock::system_clock()() / 1000;
    let kept = (!described).then_some(&person);
    store
        .enrol(&person.name, kept, (&hash, key.base32()), now)
        .map_err(|e| wrong(&e))?;
    let exit = changed(&directory);
    show::show(args.format, &cluster, &person, &key);
    Ok(exit)
}

/// The user as it will be, and whether a document describes it.
fn decide(
    args: &AddArgs,
    documents: Option<&Documents>,
    store: &Store,
) -> Result<(User, bool), String> {
    let name = &args.name;
    user::check_name(name)?;
    let exists =
        || format!("the user {name:?} exists already; \"users reset\" gives a new password");
    if store.user(name).map_err(|e| e.to_string())?.is_some() {
        return Err(exists());
    }
    let now = clock::system_clock()() / 1000;
    let mut logins = store.sso_users().map_err(|e| e.to_string())?.into_iter();
    if let Some(login) = logins.find(|kept| kept.user.name == *name && kept.expires >= now) {
        return Err(format!(
            "{name:?} is logged in through the connector {:?} until {}; \"users rm\" ends that",
            login.connector,
            ls::until(login.expires)
        ));
    }
    if let Some(described) = documents.and_then(|d| d.users.get(name)) {
        if store.credential(name).map_err(|e| e.to_string())?.is_some() {
            return Err(exists());
        }
        if !args.roles.is_empty() || !args.traits.is_empty() {
            let place = documents.and_then(|d| d.place("user", name));
            return Err(format!(
                "{}a document describes the user {name:?}; roles and traits are changed there",
                place.map(|place| format!("{place}: ")).unwrap_or_default()
            ));
        }
        return Ok((described.clone(), true));
    }
    if args.roles.is_empty() {
        return Err(format!(
            "no document describes the user {name:?}; name its roles with --roles"
        ));
    }
    let mut traits = Traits::new();
    for (trait_name, values) in &args.traits {
        traits
            .entry(trait_name.clone())
            .or_default()
            .extend(values.iter().cloned());
    }
    let user = User {
        name: name.clone(),
        roles: args.roles.clone(),
        traits,
    };
    Ok((user, false))
}

/// The name that the state was made with.
pub(super) fn cluster_name(store: &Store) -> Result<String, StoreError> {
    Ok(store.setting("cluster_name")?.unwrap_or_default())
}
