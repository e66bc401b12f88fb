//! `postern util completions SHELL`.

use clap::Args;
use clap_complete::Shell;

use crate::cli::{CliError, Cx, Exit, command};

/// Arguments of `util completions`.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Every shell with a script in `completions/`, and the script's file name.
pub const FILES: [(Shell, &str); 4] = [
    (Shell::Bash, "postern.bash"),
    (Shell::Zsh, "_postern"),
    (Shell::Fish, "postern.fish"),
    (Shell::PowerShell, "postern.ps1"),
];

/// Prints the script.
///
/// # Errors
/// None.
pub fn run(cx: &mut Cx, args: &CompletionsArgs) -> Result<Exit, CliError> {
    cx.ui.raw(&script(args.shell));
    Ok(Exit::Done)
}

/// Makes the script of a shell.
pub fn script(shell: Shell) -> Vec<u8> {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut command(), "postern", &mut out);
    out
}
