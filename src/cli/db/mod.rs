//! `postern db`: list databases, connect to them, open tunnels.

pub mod choose;
pub mod connect;
pub mod ls;
pub mod proxy;

use clap::{Args, Subcommand};

use super::signals::interruptible;
use super::{CliError, Cx, Exit};

/// Arguments of `db`.
#[derive(Args, Debug)]
pub struct DbArgs {
    #[command(subcommand)]
    command: DbCommand,
}

#[derive(Debug, Subcommand)]
enum DbCommand {
    /// List databases, with the users and database roles you may have there
    Ls(ls::LsArgs),
    /// Connect to a database with psql
    Connect(connect::ConnectArgs),
    /// Open a tunnel for any program on this computer (also "postern proxy db")
    Proxy(proxy::ProxyArgs),
}

/// Arguments of `proxy`, which exists because tsh spells `db proxy` so.
#[derive(Args, Debug)]
pub struct ProxyAliasArgs {
    #[command(subcommand)]
    command: AliasCommand,
}

#[derive(Debug, Subcommand)]
enum AliasCommand {
    /// Open a tunnel for any program on this computer
    Db(proxy::ProxyArgs),
}

/// Runs `db`.
///
/// # Errors
/// Those of the command.
pub async fn run(cx: &mut Cx, args: DbArgs) -> Result<Exit, CliError> {
    match args.command {
        DbCommand::Ls(args) => interruptible(Box::pin(ls::run(cx, args))).await,
        DbCommand::Connect(args) => connect::run(cx, args).await,
        DbCommand::Proxy(args) => proxy::run(cx, args).await,
    }
}

/// Runs `proxy db`.
///
/// # Errors
/// Those of `db proxy`.
pub async fn run_alias(cx: &mut Cx, args: ProxyAliasArgs) -> Result<Exit, CliError> {
    let AliasCommand::Db(args) = args.command;
    proxy::run(cx, args).await
}
