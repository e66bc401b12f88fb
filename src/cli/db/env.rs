//! `postern db env`: libpq's variables for the tunnel to a database that `db login` chose.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use clap::Args;

use super::active;
use crate::cli::output::shell_word;
use crate::cli::{CliError, Cx, Exit};
use crate::client::psql;
use crate::profile::Active;

/// How long a look at the tunnel's port may take; it is on this computer.
const LOOK: Duration = Duration::from_millis(500);

/// Arguments of `db env`.
#[derive(Args, Debug)]
pub struct EnvArgs {
    /// The database; without it, the only one you are logged in to
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// The same, as old scripts write it; tsh has it
    #[arg(long, hide = true, value_name = "NAME", conflicts_with = "name")]
    db: Option<String>,
}

/// Prints `export` lines, or an object; where there is no tunnel yet, stderr says how to open it.
///
/// # Errors
/// [`crate::cli::Kind::NotFound`], [`crate::cli::Kind::Ambiguous`].
pub async fn run(cx: &mut Cx, args: EnvArgs) -> Result<Exit, CliError> {
    let session = cx.session().await?;
    let name = args.name.or(args.db);
    let chosen = active::named(active::here(cx, &session)?, name.as_deref())?;
    let variables = variables(&chosen);
    if cx.format.is_structured() {
        cx.ui.json(&variables);
    } else {
        // What would lead elsewhere in spite of these; only what is set, so that most see none of it.
        for name in psql::REMOVED {
            if !variables.contains_key(name) && std::env::var_os(name).is_some() {
                cx.ui.out(&format!("unset {name}"));
            }
        }
        for (name, value) in &variables {
            cx.ui.out(&format!("export {name}={}", shell_word(value)));
        }
    }
    needs_tunnel(cx, &chosen);
    Ok(Exit::Done)
}

fn variables(chosen: &Active) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("PGHOST", "127.0.0.1".to_owned()),
        ("PGPORT", chosen.port.to_string()),
        ("PGUSER", chosen.user.clone()),
        ("PGDATABASE", chosen.name.clone()),
        ("PGSSLMODE", "disable".to_owned()),
        ("PGGSSENCMODE", "disable".to_owned()),
    ])
}

/// Says how to open the tunnel when nothing listens there.
pub(super) fn needs_tunnel(cx: &mut Cx, chosen: &Active) {
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, chosen.port));
    if TcpStream::connect_timeout(&at, LOOK).is_err() {
        cx.ui.hint(&format!(
            "nothing listens on {at} yet; open the tunnel: {}",
            tunnel_command(chosen)
        ));
    }
}

/// The command that opens the tunnel; it names the cluster, so that it is right in any shell.
pub(super) fn tunnel_command(chosen: &Active) -> String {
    format!(
        "postern proxy db --cluster {} {}",
        shell_word(&chosen.cluster),
        shell_word(&chosen.database)
    )
}
