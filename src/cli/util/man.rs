//! `postern util man DIR`: one page for each command.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{CliError, Cx, Exit, Kind, command, env};
use crate::manual::{self, item};

pub mod json;

/// What lies in the directory of profiles and keys.
const FILES: &[(&str, &str)] = &[
    (
        "profiles/PROXY.json",
        "A login: certificate, authorities and trust, no private key. Mode 0600.",
    ),
    (
        "certs/PROXY/ID.json",
        "A database certificate for the next session with the same words; no private key. It goes with the login. Mode 0600.",
    ),
    (
        "keys/NAME",
        "A private key in PEM, unless it lies in a keychain (\"postern status\" tells). Mode 0600.",
    ),
    (
        "databases.json",
        "Databases that \"db login\" chose, with the ports of their tunnels; no secret.",
    ),
    (
        "pg_service.conf",
        "The same for libpq (PGSERVICEFILE). Mode 0600; changes are lost.",
    ),
    ("current", "Name of the login that was used last."),
    ("lock", "Keeps two logins from writing at once."),
];

/// Arguments of `util man`.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// Directory to write to; it is made when missing
    pub dir: PathBuf,
}

/// Writes the pages.
///
/// # Errors
/// [`Kind::Failed`] when the directory or a file cannot be written.
pub fn run(cx: &mut Cx, args: &ManArgs) -> Result<Exit, CliError> {
    let failed = |e: std::io::Error| {
        CliError::new(
            Kind::Failed,
            format!("cannot write to {}: {e}", args.dir.display()),
        )
    };
    std::fs::create_dir_all(&args.dir).map_err(failed)?;
    for (name, text) in pages() {
        std::fs::write(args.dir.join(&name), text).map_err(failed)?;
        cx.ui.status(&name);
    }
    Ok(Exit::Done)
}

/// Makes every page: (file name, roff).
pub fn pages() -> Vec<(String, Vec<u8>)> {
    manual::pages(command(), &|name| {
        [json::section(name), exit_status(), environment(), files()].concat()
    })
}

fn exit_status() -> String {
    let mut out = String::from(".SH EXIT STATUS\n");
    for exit in Exit::ALL {
        item(&mut out, &exit.code().to_string(), exit.meaning());
    }
    item(&mut out, "other", Exit::Program(0).meaning());
    out
}

fn environment() -> String {
    manual::list("ENVIRONMENT", env::DOCUMENTED.iter().copied())
}

fn files() -> String {
    let mut out = format!(
        ".SH FILES\nIn the directory \\fB{}\\fR, which only you may enter:\n",
        env::POSTERN_HOME
    );
    for (path, meaning) in FILES {
        item(&mut out, path, meaning);
    }
    out
}
