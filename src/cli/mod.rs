//! The command line: the only module that knows clap, the terminal, the environment and exit codes.
//!
//! One file for each command, always in this order: the arguments with their help, `run`, private helpers. Commands that
//! only read local files run without an async runtime; the others are driven here.

pub mod args;
mod clock;
pub mod clusters;
pub mod config;
pub mod db;
pub mod env;
pub mod error;
pub mod exit;
pub mod login;
pub mod logout;
mod origin;
pub mod output;
pub mod shell_env;
mod signals;
pub mod status;
pub mod tsh_config;
pub mod ui;
mod usage;
pub mod util;
pub mod version;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub use args::{Format, Global};
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
    args_override_self = true,
    propagate_version = false,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
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
    /// Print variables that name the proxy and the cluster: eval "$(postern env)"
    Env(shell_env::EnvArgs),
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
    /// The options of every command, completed by the environment.
    pub global: Global,
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
        origin::complete(self).await?;
        let mut session = login::renew::session(self).await?;
        self.check_user(&session)?;
        origin::tell(self, &session);
        session.profile.trust.insecure |= self.global.insecure;
        if session.profile.trust.insecure {
            self.warn_insecure(&session.profile.proxy.clone());
        }
        Ok(session)
    }

    /// The cluster that owns the databases.
    pub fn cluster<'a>(&'a self, session: &'a Session) -> &'a str {
        self.global
            .cluster
            .as_deref()
            .unwrap_or_else(|| session.profile.default_cluster())
    }

    /// A login of somebody else than `--user` names is not used.
    fn check_user(&self, session: &Session) -> Result<(), CliError> {
        let there = &session.certificate.identity.username;
        match &self.global.user {
            // The names of single sign-ons are the provider's choice.
            Some(wanted) if wanted != there && !session.profile.by_sso() => Err(CliError::new(
                Kind::NotLoggedIn,
                format!(
                    "not logged in to {} as {wanted}, but as {there}",
                    session.profile.proxy
                ),
            )
            .hint(format!(
                "postern login --proxy {} --user {}",
                session.profile.proxy,
                output::shell_word(wanted)
            ))),
            _ => Ok(()),
        }
    }

    /// Says what `--debug` owes, and which options do nothing here.
    fn tell_settings(&mut self) {
        for note in self.global.ignored.notes() {
            self.ui.status(&format!("note: {note}"));
        }
        for line in self.global.told(&self.env) {
            self.ui.debug(&line);
        }
        self.ui
            .debug(&format!("state is in {}", self.home.dir().display()));
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
    let mut env = Env::read();
    let tsh = tsh_config::TshConfig::read(&env);
    env.network.headers = tsh.headers;
    let definition = command();
    let argv = usage::as_clap_knows(argv, &definition);
    let color = !env.no_color;
    let matches = match definition.clone().try_get_matches_from(&argv) {
        Ok(matches) => matches,
        Err(error) => return usage::report(&error, &argv, &definition, &tsh.aliases, color),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return usage::report(&error, &argv, &definition, &tsh.aliases, color),
    };
    let global = cli.global.merged(&env);
    let format = global.format;
    let structured = format.is_structured();
    let mut ui = Ui::real(color, !global.non_interactive, structured)
        .with_yaml(format == Format::Yaml)
        .with_debug(global.debug);
    let checked = usage::check(&global, &matches).and_then(|()| home(&env, &global));
    let mut result = match checked {
        Ok(home) => {
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |d| d.as_secs().cast_signed());
            let interactive = ui.can_prompt();
            let mut cx = Cx {
                ui,
                home,
                env,
                global,
                interactive,
                format,
                now,
            };
            for problem in &tsh.problems {
                cx.ui.warn(problem);
            }
            cx.tell_settings();
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
        Command::Env(args) => shell_env::run(cx, &args),
        Command::Logout(args) => logout::run(cx, &args),
        Command::Util(args) => util::run(cx, args),
        Command::Login(args) => drive(signals::interruptible(login::run(cx, args))),
        Command::Clusters(args) => drive(async {
            let outcome = signals::interruptible(clusters::run(cx, args)).await;
            clock::explained(cx, outcome).await
        }),
        // These give Ctrl+C to psql, or end in good order themselves.
        Command::Db(args) => drive(async {
            let outcome = db::run(cx, args).await;
            clock::explained(cx, outcome).await
        }),
        Command::Proxy(args) => drive(async {
            let outcome = db::run_alias(cx, args).await;
            clock::explained(cx, outcome).await
        }),
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

fn home(env: &Env, global: &Global) -> Result<Home, CliError> {
    let home = match &env.home {
        Some(dir) => Home::new(dir),
        None => Home::platform().ok_or_else(|| {
            CliError::new(Kind::Failed, "no home directory is known")
                .hint("set POSTERN_HOME to a directory for postern's state")
        })?,
    };
    Ok(home
        .select(global.proxy.clone())
        .with_network_env(Arc::new(env.network.clone()))
        .with_tsh(env.tsh_home.clone().map(Into::into))
        .with_tsh_cluster(env.cluster.clone())
        .with_identity(global.identity.clone()))
}
