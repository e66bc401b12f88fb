//! The command line: the only module that knows clap, the terminal, the environment and exit codes.
//!
//! One file for each command, always in this order: the arguments with their help, `run`, private helpers. Commands that
//! only read local files run without an async runtime; the others are driven here.

pub mod args;
pub mod clusters;
pub mod db;
pub mod env;
pub mod error;
pub mod exit;
pub mod login;
pub mod logout;
pub mod output;
mod signals;
pub mod status;
pub mod ui;
pub mod util;
pub mod version;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub use args::Format;
pub use env::Env;
pub use error::{CliError, Kind};
pub use exit::Exit;
pub use ui::Ui;

use crate::flow::session::Session;
use crate::profile::Home;

/// A small, fast, tsh-style client for databases behind a Teleport cluster
#[derive(Debug, Parser)]
#[command(
    name = "postern",
    version,
    propagate_version = false,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    #[command(flatten)]
    global: args::Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Log in to a cluster
    Login(login::LoginArgs),
    /// Log out: remove certificates and keys from this computer
    Logout(logout::LogoutArgs),
    /// Show who is logged in where, and until when
    Status(status::StatusArgs),
    /// List the cluster and the leaf clusters behind it
    Clusters(clusters::ClustersArgs),
    /// List databases and connect to them
    Db(db::DbArgs),
    /// Open a tunnel: "proxy db" is "db proxy", as in tsh
    #[command(hide = true)]
    Proxy(db::ProxyAliasArgs),
    /// Show the version of this program
    Version(version::VersionArgs),
    /// Generate completions and manual pages
    #[command(hide = true)]
    Util(util::UtilArgs),
}

/// What every command is handed.
#[derive(Debug)]
pub struct Cx {
    /// The terminal.
    pub ui: Ui,
    /// State on disk.
    pub home: Home,
    /// What the environment says.
    pub env: Env,
    /// Somebody is there to answer: terminals, and no `--non-interactive`.
    pub interactive: bool,
    /// How to print results.
    pub format: Format,
    /// Unix seconds at the start of the program.
    pub now: i64,
}

impl Cx {
    /// Loads the login, with the warning that `--insecure` owes each command. One that has expired is renewed in place when
    /// somebody is there to do it. Commands that connect begin here.
    ///
    /// # Errors
    /// [`Kind::NotLoggedIn`], mostly.
    pub async fn session(&mut self) -> Result<Session, CliError> {
        let session = login::renew::session(self).await?;
        if session.profile.trust.insecure {
            self.warn_insecure(&session.profile.proxy.clone());
        }
        Ok(session)
    }

    /// Warns that nobody verified the proxy's certificate.
    pub fn warn_insecure(&mut self, proxy: &str) {
        self.ui.warn(&format!(
            "the certificate of {proxy} is not verified (--insecure): whoever is between here and there can read and change everything"
        ));
    }
}

/// Reads the process' arguments and environment, does what they say, and gives the exit code.
pub fn main() -> ExitCode {
    run(&std::env::args_os().collect::<Vec<_>>()).into()
}

/// The command line definition, for completions and manual pages.
pub fn command() -> clap::Command {
    Cli::command()
}

fn run(argv: &[OsString]) -> Exit {
    let env = Env::read();
    // A wrong command line is reported in the form it asks for.
    let wants_json = argv
        .windows(2)
        .any(|w| w[0] == "--format" && w[1] == "json")
        || argv.iter().any(|a| a == "--format=json");
    let color = !env.no_color;
    let matches = match command().try_get_matches_from(argv) {
        Ok(matches) => matches,
        Err(error) => return usage(&error, wants_json, color),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, wants_json, color),
    };
    let format = cli.global.format;
    let mut ui = Ui::real(color, !cli.global.non_interactive, format == Format::Json);
    let mut result = match names_only_for_ls(format, &matches).and_then(|()| home(&env)) {
        Ok(home) => {
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |d| d.as_secs().cast_signed());
            let interactive = ui.can_prompt();
            let mut cx = Cx {
                ui,
                home,
                env,
                interactive,
                format,
                now,
            };
            let result = dispatch(&mut cx, cli.command);
            ui = cx.ui;
            result
        }
        Err(error) => Err(error),
    };
    if result.is_ok()
        && let Err(error) = ui.finish()
    {
        result = Err(error);
    }
    result.unwrap_or_else(|error| {
        ui.error(&error);
        error.kind.exit()
    })
}

fn dispatch(cx: &mut Cx, command: Command) -> Result<Exit, CliError> {
    match command {
        Command::Version(args) => version::run(cx, &args),
        Command::Status(args) => status::run(cx, &args),
        Command::Logout(args) => logout::run(cx, &args),
        Command::Util(args) => util::run(cx, args),
        Command::Login(args) => drive(signals::interruptible(login::run(cx, args))),
        Command::Clusters(args) => drive(signals::interruptible(clusters::run(cx, args))),
        // These give Ctrl+C to psql, or end in good order themselves.
        Command::Db(args) => drive(db::run(cx, args)),
        Command::Proxy(args) => drive(db::run_alias(cx, args)),
    }
}

/// Runs a command that talks to a network. One thread is enough for everything we do, and costs the least memory.
fn drive(command: impl Future<Output = Result<Exit, CliError>>) -> Result<Exit, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| CliError::new(Kind::Failed, format!("cannot start the async runtime: {e}")))?;
    let result = runtime.block_on(command);
    // A thread that still waits for an answer on the terminal, or for a name server, must not hold up the end.
    runtime.shutdown_background();
    result
}

fn home(env: &Env) -> Result<Home, CliError> {
    let home = match &env.home {
        Some(dir) => Home::new(dir),
        None => Home::platform().ok_or_else(|| {
            CliError::new(Kind::Failed, "no home directory is known")
                .hint("set POSTERN_HOME to a directory for postern's state")
        })?,
    };
    Ok(home.select(env.proxy.clone()))
}

fn names_only_for_ls(format: Format, matches: &clap::ArgMatches) -> Result<(), CliError> {
    let is_ls = matches
        .subcommand()
        .is_some_and(|(name, sub)| name == "db" && sub.subcommand_name() == Some("ls"));
    if format == Format::Names && !is_ls {
        return Err(CliError::new(
            Kind::Usage,
            "--format names is only for \"postern db ls\"",
        ));
    }
    Ok(())
}

/// Reports what clap found: help and version are answers, everything else is a wrong command line.
fn usage(error: &clap::Error, json: bool, color: bool) -> Exit {
    let mut ui = Ui::real(color, false, json);
    if !error.use_stderr() || !json {
        ui.clap(error);
        let exit = if error.use_stderr() {
            Exit::Usage
        } else {
            Exit::Done
        };
        return if ui.finish().is_err() {
            Exit::Failed
        } else {
            exit
        };
    }
    let error = wrong(error);
    ui.error(&error);
    Exit::Usage
}

/// A wrong command line as an error of ours: clap's first line, and what it proposes.
fn wrong(error: &clap::Error) -> CliError {
    use clap::error::ErrorKind::{DisplayHelpOnMissingArgumentOrSubcommand, MissingSubcommand};
    if matches!(
        error.kind(),
        DisplayHelpOnMissingArgumentOrSubcommand | MissingSubcommand
    ) {
        return CliError::new(Kind::Usage, "the command line names no command")
            .hint("postern --help lists the commands");
    }
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let message = lines
        .next()
        .unwrap_or("wrong command line")
        .trim_start_matches("error: ")
        .to_owned();
    let mut error = CliError::new(Kind::Usage, message);
    error.hints.extend(lines.next().map(str::to_owned));
    error
}
