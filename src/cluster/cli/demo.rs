//! `postern-cluster demo`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::exit::{Exit, failed};
use super::signals::Signals;
use super::{Format, runtime};
use crate::cluster::demo::{self, DEFAULT_PORT, DemoError, Options, Running};
use crate::cluster::lockout::Rate;
use crate::cluster::ui;

/// Arguments of `demo`.
#[derive(Args, Debug)]
pub(super) struct DemoArgs {
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
    /// Starts no leaf cluster beside the root.
    #[arg(long)]
    no_leaf: bool,
    /// Keeps no record of database sessions; without this it is audit.jsonl in the state directory.
    #[arg(long)]
    no_audit: bool,
}

/// Runs it.
pub(super) fn run(args: DemoArgs) -> ExitCode {
    match runtime() {
        Ok(runtime) => runtime.block_on(serve(args)),
        Err(error) => failed(Exit::Failed, &error),
    }
}

async fn serve(demo: DemoArgs) -> ExitCode {
    // Before the start, so that an early Ctrl+C stops PostgreSQL too.
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return failed(Exit::Failed, &error),
    };
    let Some(directory) = demo.dir.or_else(default_directory) else {
        return failed(
            Exit::Failed,
            &"no home directory; name a state directory with --dir",
        );
    };
    let mut options = Options::new(directory.clone());
    options.port = demo.port;
    options.public_addr = demo.public_addr;
    options.second_factor = !demo.no_second_factor;
    options.audit = !demo.no_audit;
    options.leaf = !demo.no_leaf;
    options.report = Arc::new(ui::note);
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
            Err(error) => return failed(Exit::Failed, &error),
        },
        signal = signals.next() => return ExitCode::from(128 + signal),
    };
    for warning in &running.warnings {
        ui::note(&format!("warning: {warning}"));
    }
    match demo.format {
        Format::Json => match serde_json::to_string(&running.description) {
            Ok(line) => ui::data(&line),
            Err(error) => return failed(Exit::Failed, &error),
        },
        Format::Text => describe(&running, second_factor),
    }
    signals.next().await;
    if demo.format == Format::Text {
        ui::note("Stopping.");
    }
    match stop(running, &mut signals).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(Exit::Failed, &error),
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
    if description.postgres.leaf.is_some() {
        ui::data("A second cluster is linked as its leaf:");
        ui::data("  postern db ls --cluster leaf");
        ui::data("  postern db connect --cluster leaf leaf-orders");
    }
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
