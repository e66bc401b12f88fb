//! `postern-cluster start`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::exit::{Exit, failed};
use super::signals::Signals;
use super::{notify, runtime};
use crate::cluster::config::{Config, DEFAULT_FILE};
use crate::cluster::server::{RunningServer, Server, ServerError, ServerOptions};
use crate::cluster::ui;

/// Arguments of `start`.
#[derive(Args, Debug)]
pub(super) struct StartArgs {
    /// Reads this configuration.
    #[arg(short, long, value_name = "FILE", default_value = DEFAULT_FILE)]
    config: PathBuf,
}

/// Runs it.
pub(super) fn run(args: &StartArgs) -> ExitCode {
    let config = match Config::load(&args.config) {
        Ok(config) => config,
        Err(error) => return failed(Exit::Configuration, &error),
    };
    match runtime() {
        Ok(runtime) => runtime.block_on(serve(&config)),
        Err(error) => failed(Exit::Failed, &error),
    }
}

async fn serve(config: &Config) -> ExitCode {
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => return failed(Exit::Failed, &error),
    };
    let mut options = ServerOptions::from(config);
    options.report = Arc::new(ui::note);
    let starting = async {
        let server = Server::prepare(options).await?;
        let documents = server.documents()?;
        server.start(documents).await
    };
    let running = tokio::select! {
        started = starting => match started {
            Ok(running) => running,
            Err(error) => {
                let exit = match error {
                    ServerError::Documents(_) | ServerError::KeyPair { .. } | ServerError::PublicAddr(_) => Exit::Configuration,
                    _ => Exit::Failed,
                };
                return failed(exit, &error);
            }
        },
        signal = signals.end() => return ExitCode::from(128 + signal),
    };
    for warning in config.warnings.iter().chain(&running.warnings) {
        ui::note(&format!("warning: {warning}"));
    }
    ui::note(&format!(
        "The cluster {} is ready at {} ({}).",
        running.state().name(),
        running.state().public_addr(),
        running.addr
    ));
    notify::ready();
    until_stopped(&running, &mut signals).await;
    notify::stopping();
    ui::note("Stopping: open sessions end.");
    stop(running, &mut signals).await;
    Exit::Done.into()
}

/// Serves; a hangup means that everything is read again.
async fn until_stopped(running: &RunningServer, signals: &mut Signals) {
    let mut watchdog = notify::Watchdog::new();
    loop {
        tokio::select! {
            signal = signals.next() => {
                if signal != Signals::HANGUP {
                    return;
                }
                notify::reloading();
                // What went wrong is reported there; the former documents stay in force.
                let _ = running.reload().await;
                notify::ready();
            }
            () = watchdog.due() => notify::alive(),
        }
    }
}

/// Stops in order; a further signal does not hurry it, since that would leave users in the databases.
async fn stop(running: RunningServer, signals: &mut Signals) {
    let stopping = running.stop();
    tokio::pin!(stopping);
    loop {
        tokio::select! {
            lock = &mut stopping => {
                drop(lock);
                return;
            }
            _ = signals.end() => ui::note("Still stopping: open sessions end."),
        }
    }
}
