//! `postern env`: variables that name the login's proxy and cluster, for this program and for tsh (db-client.md 13.6).

use std::collections::BTreeMap;

use clap::Args;

use super::output::shell_word;
use super::{CliError, Cx, Exit};
use crate::flow::session;

/// Arguments of `env`.
#[derive(Args, Debug)]
pub struct EnvArgs {
    /// Print the lines that remove the variables
    #[arg(long)]
    unset: bool,
}

/// Prints `export` lines, or an object; reads local files only.
///
/// # Errors
/// [`super::Kind::NotLoggedIn`], also when the login has expired.
pub fn run(cx: &mut Cx, args: &EnvArgs) -> Result<Exit, CliError> {
    if args.unset {
        for name in ["TELEPORT_PROXY", "TELEPORT_CLUSTER"] {
            cx.ui.out(&format!("unset {name}"));
        }
        return Ok(Exit::Done);
    }
    let (profile, certificate, origin) = session::look(&cx.home, cx.now)?;
    session::check_origin(&profile, &certificate, &origin, cx.now)?;
    let cluster = cx.global.cluster.as_ref().unwrap_or(&profile.cluster);
    let variables = BTreeMap::from([
        ("TELEPORT_PROXY", &profile.proxy),
        ("TELEPORT_CLUSTER", cluster),
    ]);
    if cx.format.is_structured() {
        cx.ui.json(&variables);
        return Ok(Exit::Done);
    }
    for name in ["TELEPORT_PROXY", "TELEPORT_CLUSTER"] {
        cx.ui
            .out(&format!("export {name}={}", shell_word(variables[name])));
    }
    Ok(Exit::Done)
}
