//! `postern version`.

use clap::Args;
use serde::Serialize;

use super::{CliError, Cx, Exit};

/// Arguments of `version`.
#[derive(Args, Debug)]
pub struct VersionArgs {
    /// Nothing but this program's version, which is all there is; tsh has it
    #[arg(long, hide = true)]
    client: bool,
}

#[derive(Serialize)]
struct Version {
    version: &'static str,
}

/// Prints the version; reads nothing.
///
/// # Errors
/// None.
pub fn run(cx: &mut Cx, _args: &VersionArgs) -> Result<Exit, CliError> {
    let version = env!("CARGO_PKG_VERSION");
    if cx.format.is_structured() {
        cx.ui.json_line(&Version { version });
    } else {
        cx.ui.out(&format!("postern {version}"));
    }
    Ok(Exit::Done)
}
