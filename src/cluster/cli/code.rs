//! `postern-cluster code`.

use std::process::ExitCode;

use clap::Args;

use super::exit::{Exit, failed};
use crate::cluster::totp::Key;
use crate::cluster::ui;

/// Arguments of `code`.
#[derive(Args)]
pub(super) struct CodeArgs {
    /// The user's one-time key; read from standard input when left out.
    #[arg(value_name = "KEY")]
    key: Option<String>,
}

impl std::fmt::Debug for CodeArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CodeArgs(****)")
    }
}

/// Prints the code of this moment.
pub(super) fn run(args: CodeArgs) -> ExitCode {
    let key = match args
        .key
        .map_or_else(|| std::io::read_to_string(std::io::stdin()), Ok)
    {
        Ok(key) => key,
        Err(error) => return failed(Exit::Failed, &error),
    };
    match Key::parse(key.trim()) {
        Ok(key) => {
            let now = std::time::SystemTime::UNIX_EPOCH.elapsed();
            ui::data(&key.code(now.map_or(0, |d| d.as_secs().cast_signed())));
            ExitCode::SUCCESS
        }
        Err(error) => failed(Exit::Failed, &error),
    }
}
