//! `postern db`: list databases, connect to them, open tunnels.

mod active;
mod asking;
pub mod cancel;
pub mod choose;
mod client;
pub mod config;
pub mod connect;
pub mod env;
pub mod login;
pub mod logout;
pub mod ls;
pub mod ping;
mod place;
mod probe;
pub mod proxy;
pub mod ps;
mod routed;
mod stdio;
pub mod why;

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
    /// Connect to a database with psql, or another program
    Connect(connect::ConnectArgs),
    /// Open a tunnel for any program on this computer (also "postern proxy db")
    Proxy(proxy::ProxyArgs),
    /// Explain what you may do on a database, and which role, label or trait decides it
    Why(why::WhyArgs),
    /// List what runs on a database's server
    Ps(ps::PsArgs),
    /// Stop a statement, or with --force its session, and tell whether it has stopped
    Cancel(cancel::CancelArgs),
    /// Measure each step to a database's first row, and name the one that fails
    Ping(ping::PingArgs),
    /// Choose a database, its user, name and roles, for what follows; nothing refused is remembered
    Login(login::LoginArgs),
    /// Forget what "db login" chose
    Logout(logout::LogoutArgs),
    /// Print libpq's variables for the tunnel to a chosen database: eval "$(postern db env NAME)"
    Env(env::EnvArgs),
    /// Print where other programs find a chosen database
    Config(config::ConfigArgs),
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
        DbCommand::Why(args) => interruptible(Box::pin(why::run(cx, args))).await,
        DbCommand::Ps(args) => interruptible(Box::pin(ps::run(cx, args))).await,
        DbCommand::Cancel(args) => interruptible(Box::pin(cancel::run(cx, args))).await,
        DbCommand::Ping(args) => ping::run(cx, args).await,
        DbCommand::Login(args) => login::run(cx, args).await,
        DbCommand::Logout(args) => logout::run(cx, &args),
        DbCommand::Env(args) => env::run(cx, args).await,
        DbCommand::Config(args) => config::run(cx, args).await,
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
