//! Which program `db connect` starts: `--client`, else what the configuration says, else psql.

use crate::cli::config::Config;
use crate::cli::{CliError, Cx, Kind};
use crate::client::program::{Client, ProgramMissing};
use crate::client::template::Template;

/// The program of `db connect` when nothing else is said.
const DEFAULT: &str = "psql";

/// Looks for the program.
///
/// # Errors
/// [`Kind::ProgramMissing`], with how to install it; [`Kind::Usage`] for a configuration that makes no sense.
pub(super) fn client(cx: &Cx, named: Option<&str>) -> Result<Client, CliError> {
    let config = Config::read(&cx.env)?;
    let name = named.or(config.client.as_deref()).unwrap_or(DEFAULT);
    let path = std::env::var_os("PATH");
    let path = path.as_deref();
    let found = match config.clients.get(name) {
        Some(client) => {
            let template = Template::parse(&client.command).map_err(|error| {
                let at = config.path.display();
                CliError::new(Kind::Usage, format!("{at}: clients.{name}: {error}"))
            })?;
            let program = client.command.first().map_or(name, String::as_str);
            Client::of_template(program, template, path)
        }
        None => Client::find(name, path),
    };
    found.map_err(|missing| {
        let error = CliError::new(Kind::ProgramMissing, missing.to_string());
        match (missing.how_to_install(), &missing) {
            (Some(hint), _) => error.hint(hint),
            (None, ProgramMissing::Named { name }) if config.clients.is_empty() => error.hint(
                format!(
                    "--client takes psql, pgcli, usql, any program by its path, and what {} names: [clients.{name}]",
                    config.path.display()
                ),
            ),
            (None, ProgramMissing::Named { .. }) => {
                let known: Vec<&str> = config.clients.keys().map(String::as_str).collect();
                error.hint(format!(
                    "--client takes psql, pgcli, usql, any program by its path, and from {}: {}",
                    config.path.display(),
                    known.join(", ")
                ))
            }
            (None, _) => error,
        }
    })
}
