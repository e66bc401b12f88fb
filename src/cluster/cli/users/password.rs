//! A new password: asked for on the terminal, or read.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Args;
use dialoguer::Password;
use zeroize::Zeroizing;

use super::super::exit::{Exit, failed};

/// The shortest password, in characters; real clusters ask for as many.
const SHORTEST: usize = 12;

/// Where the password comes from.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct From {
    /// Reads the password from standard input; asked for on the terminal without this.
    #[arg(long)]
    password_stdin: bool,
}

/// Gets a password that may be used.
pub(super) fn get(from: From, user: &str) -> Result<Zeroizing<String>, ExitCode> {
    let wrong = |error: &dyn std::fmt::Display| failed(Exit::Failed, error);
    let password = if from.password_stdin {
        let text = std::io::read_to_string(std::io::stdin()).map_err(|e| wrong(&e))?;
        let text = Zeroizing::new(text);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned())
    } else if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        Password::new()
            .with_prompt(format!("New password of {user}"))
            .with_confirmation("The same again", "The passwords differ.")
            .interact()
            .map(Zeroizing::new)
            .map_err(|e| wrong(&e))?
    } else {
        return Err(wrong(
            &"no terminal to ask for a password; give it with --password-stdin",
        ));
    };
    if password.chars().count() < SHORTEST {
        return Err(wrong(&format_args!(
            "a password has at least {SHORTEST} characters"
        )));
    }
    if password.contains(['\n', '\0']) {
        return Err(wrong(&"a password is one line"));
    }
    Ok(password)
}
