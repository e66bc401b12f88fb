//! `postern-cluster check`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::Format;
use super::exit::{Exit, failed};
use crate::cluster::config::{Config, DEFAULT_FILE};
use crate::cluster::server::{Source, keypair};
use crate::cluster::ui;

/// Arguments of `check`.
#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    /// Checks this configuration and the documents it names.
    #[arg(short, long, value_name = "FILE", default_value = DEFAULT_FILE)]
    config: PathBuf,
    /// Chooses how the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What was found.
#[derive(Default)]
struct Findings {
    errors: Vec<String>,
    warnings: Vec<String>,
    roles: usize,
    users: usize,
    databases: usize,
}

/// Checks.
pub(super) fn run(args: &CheckArgs) -> ExitCode {
    let found = look(args);
    let exit = if found.errors.is_empty() {
        Exit::Done
    } else {
        Exit::Configuration
    };
    if args.format == Format::Json {
        let answer = json!({
            "ok": found.errors.is_empty(),
            "errors": found.errors,
            "warnings": found.warnings,
            "roles": found.roles,
            "users": found.users,
            "databases": found.databases,
        });
        ui::data(&answer.to_string());
        return exit.into();
    }
    for warning in &found.warnings {
        ui::note(&format!("warning: {warning}"));
    }
    for error in &found.errors {
        failed(exit, error);
    }
    if exit == Exit::Done {
        ui::data(&format!(
            "{}: {} roles, {} users, {} databases",
            args.config.display(),
            found.roles,
            found.users,
            found.databases
        ));
    }
    exit.into()
}

fn look(args: &CheckArgs) -> Findings {
    let mut found = Findings::default();
    let config = match Config::load(&args.config) {
        Ok(config) => config,
        Err(error) => {
            found.errors.push(error.to_string());
            return found;
        }
    };
    found.warnings.clone_from(&config.warnings);
    if let Some(pair) = &config.fixed.https_keypair
        && let Err(error) = keypair::load(pair)
    {
        found.errors.push(error.to_string());
    }
    match Source::from(&config).load() {
        Ok(mut documents) => {
            // The users of the state are no part of what is checked.
            documents.add_users([]);
            found.warnings.append(&mut documents.warnings);
            found.roles = documents.roles.len();
            found.users = documents.users.len();
            found.databases = documents.databases.len();
        }
        Err(error) => found
            .errors
            .extend(error.to_string().lines().map(str::to_owned)),
    }
    found
}
