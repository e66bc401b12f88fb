//! `postern-cluster users ls`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::Format;
use super::super::exit::{Exit, failed};
use super::super::place::Place;
use super::super::table;
use crate::cluster::documents::User;
use crate::cluster::store::{Store, StoreError};
use crate::cluster::{clock, ui};
use crate::identity::Traits;

/// Arguments of `users ls`.
#[derive(Args, Debug)]
pub(super) struct LsArgs {
    #[command(flatten)]
    place: Place,
    /// Chooses how the list is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Serialize)]
struct Row {
    name: String,
    roles: Vec<String>,
    traits: Traits,
    source: String,
    password: bool,
}

/// Lists.
pub(super) fn run(args: &LsArgs) -> ExitCode {
    let rows = args
        .place
        .store()
        .and_then(|(_, store)| rows(args, &store).map_err(|error| failed(Exit::Failed, &error)));
    let rows = match rows {
        Ok(rows) => rows,
        Err(exit) => return exit,
    };
    if args.format == Format::Json {
        ui::data(&serde_json::json!(rows).to_string());
        return Exit::Done.into();
    }
    let lines = rows.into_iter().map(|row| {
        let password = if row.password { "yes" } else { "no" };
        [
            row.name,
            row.roles.join(", "),
            password.to_owned(),
            row.source,
        ]
    });
    for line in table::lines(["User", "Roles", "Password", "Described in"], lines) {
        ui::data(&line);
    }
    Exit::Done.into()
}

/// RFC 3339 in UTC.
pub(super) fn until(seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_default()
}

fn rows(args: &LsArgs, store: &Store) -> Result<Vec<Row>, StoreError> {
    let mut users: BTreeMap<String, (User, String)> = BTreeMap::new();
    for kept in store.users()? {
        let name = kept.user.name.clone();
        users.insert(name, (kept.user, "state".to_owned()));
    }
    let now = clock::system_clock()() / 1000;
    for kept in store.sso_users()? {
        if kept.expires >= now {
            let source = format!("{} until {}", kept.connector, until(kept.expires));
            users.insert(kept.user.name.clone(), (kept.user, source));
        }
    }
    if let Some(documents) = args.place.documents() {
        for (name, user) in &documents.users {
            let place = documents.place("user", name);
            let source = place.map(ToString::to_string).unwrap_or_default();
            users.insert(name.clone(), (user.clone(), source));
        }
    }
    users
        .into_iter()
        .map(|(name, (user, source))| {
            Ok(Row {
                password: store.credential(&name)?.is_some(),
                name,
                roles: user.roles,
                traits: user.traits,
                source,
            })
        })
        .collect()
}
