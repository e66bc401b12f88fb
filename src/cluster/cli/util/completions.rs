//! Completion scripts.

use clap_complete::Shell;

/// Every shell with a script in `completions/`, and the script's file name.
pub const FILES: [(Shell, &str); 4] = [
    (Shell::Bash, "postern-cluster.bash"),
    (Shell::Zsh, "_postern-cluster"),
    (Shell::Fish, "postern-cluster.fish"),
    (Shell::PowerShell, "postern-cluster.ps1"),
];

/// Makes the script of a shell.
#[must_use]
pub fn script(shell: Shell) -> Vec<u8> {
    let mut out = Vec::new();
    let mut command = super::super::command();
    clap_complete::generate(shell, &mut command, "postern-cluster", &mut out);
    out
}
