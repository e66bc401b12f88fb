//! Arguments of `postern login`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::of_tsh::OfTsh;
use crate::profile::keys::KeyStore;

/// Arguments of `login`.
#[derive(Args, Debug)]
pub struct LoginArgs {
    /// Log in again even though the login is still valid
    #[arg(long)]
    pub force: bool,

    /// Trust the authorities in this PEM file for the proxy's certificate, or that very certificate; remembered
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// Read the password from the first line of standard input, and the one-time code from the second
    #[arg(long)]
    pub password_stdin: bool,

    /// Where the private key goes. Default: the keychain if other sessions of this user can read it there, else a file
    #[arg(long, value_enum, value_name = "STORE")]
    pub key_store: Option<Store>,

    /// For single sign-on: "none" to open no browser, or the command that opens one ("%s" in it is the address, else it comes last)
    #[arg(long, value_name = "COMMAND")]
    pub browser: Option<String>,

    /// For single sign-on: where this computer waits for the browser. Default: a free port of 127.0.0.1
    #[arg(long, value_name = "HOST:PORT")]
    pub bind_addr: Option<String>,

    /// For single sign-on: the address by which the browser reaches --bind-addr, when it is another one
    #[arg(long, value_name = "URL", requires = "bind_addr")]
    pub callback: Option<String>,

    /// Take over the login that tsh has (TELEPORT_HOME, ~/.tsh) instead of logging in; tsh's files stay as they are
    #[arg(long, conflicts_with_all = ["password_stdin", "ca_file"])]
    pub from_tsh: bool,

    /// Also write a profile for tsh (TELEPORT_HOME, ~/.tsh), so that tsh is logged in too; other profiles there stay
    #[arg(long, conflicts_with = "from_tsh")]
    pub save_tsh_profile: bool,

    /// What only tsh's login does.
    #[command(flatten)]
    pub of_tsh: OfTsh,
}

/// Values of `--key-store`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Store {
    /// A file that only this user can read
    File,
    /// The keychain of the operating system
    Keychain,
}

impl From<Store> for KeyStore {
    fn from(store: Store) -> Self {
        match store {
            Store::File => Self::File,
            Store::Keychain => Self::Keychain,
        }
    }
}
