//! `postern db config`: where other programs find a database that `db login` chose.

use clap::Args;
use serde::Serialize;

use super::{active, env};
use crate::cli::{CliError, Cx, Exit, Format};
use crate::client::psql;
use crate::profile::Active;

/// Arguments of `db config`.
#[derive(Args, Debug)]
pub struct ConfigArgs {
    /// The database; without it, the only one you are logged in to
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// The same, as old scripts write it; tsh has it
    #[arg(long, hide = true, value_name = "NAME", conflicts_with = "name")]
    db: Option<String>,
}

/// With the keys of tsh (db-client.md 7.5), but for the files of certificate and key: the tunnel has them.
#[derive(Debug, Serialize)]
struct Report<'a> {
    name: &'a str,
    host: &'static str,
    port: u16,
    user: &'a str,
    database: &'a str,
    /// The command that opens the tunnel.
    tunnel: String,
}

/// Prints them; where there is no tunnel yet, stderr says how to open it.
///
/// # Errors
/// [`crate::cli::Kind::NotFound`], [`crate::cli::Kind::Ambiguous`].
pub async fn run(cx: &mut Cx, args: ConfigArgs) -> Result<Exit, CliError> {
    let session = cx.session().await?;
    let name = args.name.or(args.db);
    let chosen = active::named(active::here(cx, &session)?, name.as_deref())?;
    match cx.format {
        Format::Json | Format::Yaml => {
            let report = Report {
                name: &chosen.database,
                host: "127.0.0.1",
                port: chosen.port,
                user: &chosen.user,
                database: &chosen.name,
                tunnel: env::tunnel_command(&chosen),
            };
            cx.ui.json(&report);
        }
        Format::Cmd => {
            let path = std::env::var_os("PATH");
            let program = psql::find(path.as_deref())
                .map_or_else(|_| "psql".to_owned(), |path| path.display().to_string());
            let line = command(&program, &chosen);
            cx.ui.out(&line);
        }
        Format::Text | Format::Names => {
            for (label, value) in [
                ("Name:", &chosen.database),
                ("Host:", &"127.0.0.1".to_owned()),
                ("Port:", &chosen.port.to_string()),
                ("User:", &chosen.user),
                ("Database:", &chosen.name),
                ("Tunnel:", &env::tunnel_command(&chosen)),
            ] {
                cx.ui.out(&format!("{label:<10} {value}"));
            }
        }
    }
    env::needs_tunnel(cx, &chosen);
    Ok(Exit::Done)
}

/// The command for a shell.
fn command(program: &str, chosen: &Active) -> String {
    format!(
        "{} \"{}\"",
        crate::cli::output::shell_word(program),
        super::proxy::uri("127.0.0.1", chosen.port, &chosen.user, &chosen.name)
    )
}
