//! Arguments of `postern login`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::args;

/// Arguments of `login`.
#[derive(Args, Debug)]
pub struct LoginArgs {
    /// Proxy of the cluster; without a port, 443 and 3080 are tried side by side. Default: $POSTERN_PROXY, else the last one
    #[arg(long, value_name = "HOST[:PORT]")]
    pub proxy: Option<String>,

    /// Teleport user. Default: $POSTERN_USER, else as at the last login; else a terminal is asked, and a script is the user at this computer
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,

    /// How long the login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it
    #[arg(long, value_name = "TIME", value_parser = args::ttl)]
    pub ttl: Option<Duration>,

    /// Log in again even though the login is still valid
    #[arg(long)]
    pub force: bool,

    /// Trust the authorities in this PEM file for the proxy's certificate, or that very certificate; remembered
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// Do not verify the proxy's certificate; for tests only
    #[arg(long)]
    pub insecure: bool,

    /// Read the password from the first line of standard input, and the one-time code from the second
    #[arg(long)]
    pub password_stdin: bool,

    /// Where the private key goes. Default: the keychain if other sessions of this user can read it there, else a file
    #[arg(long, value_enum, value_name = "STORE")]
    pub key_store: Option<Store>,

    /// Log in as a local user where the cluster's default is something else
    #[arg(long, value_enum, value_name = "METHOD")]
    pub auth: Option<Method>,
}

/// Values of `--key-store`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Store {
    /// A file that only this user can read
    File,
    /// The keychain of the operating system
    Keychain,
}

/// Values of `--auth`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Method {
    /// Password and one-time code
    Local,
}
