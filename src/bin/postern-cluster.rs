//! The embedded cluster as a program.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand, ValueEnum};
use postern::cluster::demo::{self, DEFAULT_PORT, DemoError, Options, Running};
use postern::cluster::lockout::Rate;
use postern::cluster::totp::Key;
use postern::cluster::ui;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A small cluster that speaks to database clients as a Teleport cluster does.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a cluster with content and a PostgreSQL server in the foreground, until Ctrl+C.
    Demo(Demo),
    /// Prints the current one-time code of a user, for those without an authenticator app.
    Code {
        /// The user's one-time key; read from standard input when left out.
        #[arg(value_name = "KEY")]
        key: Option<String>,
    },
}

#[derive(clap::Args)]
struct Demo {
    /// Keeps the cluster's state in this directory, made when missing [default: the data directory of the user].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Listens on this port of 127.0.0.1; 0 takes any free one.
    #[arg(long, value_name = "PORT", default_value_t = DEFAULT_PORT)]
    port: u16,
    /// Announces this address to clients instead of localhost.
    #[arg(long, value_name = "HOST:PORT")]
    public_addr: Option<String>,
    /// Chooses how the start is reported.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Lets one address send this many login requests at once; test suites log in more often than people.
    #[arg(long, value_name = "N", hide = true, default_value_t = Rate::default().burst)]
    login_burst: u32,
    /// Asks for a password only.
    #[arg(long)]
    no_second_factor: bool,
    /// Keeps no record of database sessions; without this it is audit.jsonl in the state directory.
    #[arg(long)]
    no_audit: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One line of JSON on standard output when the cluster is ready.
    Json,
}

fn main() -> ExitCode {
    let demo = match Cli::parse().command {
        Command::Demo(demo) => demo,
        Command::Code { key } => return code(key),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    runtime.block_on(run(demo))
}

fn code(key: Option<String>) -> ExitCode {
    let key = match key.map_or_else(|| std::io::read_to_string(std::io::stdin()), Ok) {
        Ok(key) => key,
        Err(error) => return failed(&error),
    };
    match Key::parse(key.trim()) {
        Ok(key) => {
            let now = std::time::SystemTime::UNIX_EPOCH.elapsed();
            ui::data(&key.code(now.map_or(0, |d| d.as_secs().cast_signed())));
            ExitCode::SUCCESS
        }
        Err(error) => failed(&error),
    }
}

async fn run(demo: Demo) -> ExitCode {
    // Before the start, so that an early Ctrl+C stops PostgreSQL too.
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return failed(&error),
    };
    let Some(directory) = demo.dir.or_else(default_directory) else {
        return failed(&"no home directory; name a state directory with --dir");
    };
    let mut options = Options::new(directory.clone());
    options.port = demo.port;
    options.public_addr = demo.public_addr;
    options.second_factor = !demo.no_second_factor;
    options.audit = !demo.no_audit;
    options.report = Arc::new(|line| ui::note(&format!("warning: {line}")));
    options.login_rate.burst = demo.login_burst;
    let second_factor = options.second_factor;
    if demo.format == Format::Text {
        ui::note(&format!(
            "Starting the demo cluster in {}.",
            directory.display()
        ));
    }
    let running = tokio::select! {
        started = demo::start(options) => match started {
            Ok(running) => running,
            Err(error) => return failed(&error),
        },
        signal = signals.next() => return ExitCode::from(128 + signal),
    };
    for warning in &running.warnings {
        ui::note(&format!("warning: {warning}"));
    }
    match demo.format {
        Format::Json => match serde_json::to_string(&running.description) {
            Ok(line) => ui::data(&line),
            Err(error) => return failed(&error),
        },
        Format::Text => describe(&running, second_factor),
    }
    signals.next().await;
    if demo.format == Format::Text {
        ui::note("Stopping.");
    }
    match stop(running, &mut signals).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Stops in order; a further signal does not hurry it, since that would leave users in the databases.
async fn stop(running: Running, signals: &mut Signals) -> Result<(), DemoError> {
    let stopping = running.stop();
    tokio::pin!(stopping);
    loop {
        tokio::select! {
            result = &mut stopping => return result,
            _ = signals.next() => ui::note("Still stopping: database sessions end, then PostgreSQL."),
        }
    }
}

fn describe(running: &Running, second_factor: bool) {
    let description = &running.description;
    let postgres = &description.postgres.root;
    ui::data(&format!("The cluster is ready at {}.", description.proxy));
    ui::data("");
    for user in &description.users {
        let key = if second_factor {
            format!("   one-time key {}", user.totp_key)
        } else {
            String::new()
        };
        ui::data(&format!(
            "  user {:<8} password {}{key}",
            user.name, user.password
        ));
    }
    ui::data("");
    ui::data("Log in from another terminal:");
    ui::data(&format!(
        "  postern login --proxy {} --ca-file {} --user alice",
        description.proxy,
        description.ca_file.display()
    ));
    if second_factor {
        ui::data("A one-time code, without an authenticator app:");
        ui::data("  postern-cluster code ONE-TIME-KEY");
    }
    ui::data("PostgreSQL itself, past the cluster:");
    ui::data(&format!(
        "  psql -h {} -p {} -U {}",
        postgres.host.display(),
        postgres.port,
        postgres.superuser
    ));
    ui::data("Ctrl+C stops everything; the state is kept.");
}

/// `$XDG_DATA_HOME/postern-cluster`, else the same below the home directory.
fn default_directory() -> Option<PathBuf> {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|data| data.join("postern-cluster"))
}

fn failed(error: &dyn std::fmt::Display) -> ExitCode {
    ui::note(&format!("error: {error}"));
    ExitCode::FAILURE
}

/// What ends the program.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The number of the next signal.
    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
            _ = self.hangup.recv() => 1,
        }
    }
}
