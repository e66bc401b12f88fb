//! Which cluster a command is for: its configuration, or its state directory.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::exit::{Exit, failed};
use crate::cluster::config::{Config, DEFAULT_FILE};
use crate::cluster::documents::Documents;
use crate::cluster::server::Source;
use crate::cluster::server::control::{self, ControlError, Request};
use crate::cluster::store::Store;
use crate::cluster::ui;

/// Names a cluster of this machine.
#[derive(Args, Clone, Debug)]
pub(super) struct Place {
    /// The cluster of this configuration.
    #[arg(short, long, value_name = "FILE", default_value = DEFAULT_FILE)]
    config: PathBuf,
    /// The cluster with this state directory, e.g. that of "demo"; no configuration is read then.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    dir: Option<PathBuf>,
}

impl Place {
    /// The state directory.
    pub(super) fn directory(&self) -> Result<PathBuf, ExitCode> {
        match &self.dir {
            Some(directory) => Ok(directory.clone()),
            None => {
                Config::data_dir(&self.config).map_err(|error| failed(Exit::Configuration, &error))
            }
        }
    }

    /// The documents, where there are any; what is wrong with them is said on standard error.
    pub(super) fn documents(&self) -> Option<Documents> {
        let source = match &self.dir {
            Some(directory) => {
                let documents = directory.join("documents");
                documents.is_dir().then(|| Source::directory(documents))
            }
            None => Config::load(&self.config).ok().map(|c| Source::from(&c)),
        }?;
        match source.load() {
            Ok(mut documents) => {
                documents.add_users([]);
                Some(documents)
            }
            Err(error) => {
                for line in error.to_string().lines() {
                    ui::note(&format!("warning: {line}"));
                }
                None
            }
        }
    }

    /// The state file, which a cluster must have made already.
    pub(super) fn store(&self) -> Result<(PathBuf, Store), ExitCode> {
        let directory = self.directory()?;
        let path = directory.join("state.db");
        if !path.exists() {
            let message = format_args!(
                "{}: no cluster was started with this directory yet",
                directory.display()
            );
            return Err(failed(Exit::Failed, &message));
        }
        Store::open(&path)
            .map(|store| (directory, store))
            .map_err(|error| failed(Exit::Failed, &error))
    }
}

/// Asks a running cluster.
pub(super) fn ask(directory: &Path, request: Request) -> Result<Value, ExitCode> {
    control::ask(directory, request).map_err(|error| {
        let exit = match error {
            ControlError::NotRunning(_) => Exit::NotRunning,
            _ => Exit::Failed,
        };
        failed(exit, &error)
    })
}

/// Tells a running cluster that the state has changed; none at all is fine, it reads the state when it starts.
pub(super) fn changed(directory: &Path) -> ExitCode {
    match control::ask(directory, Request::Changed) {
        Ok(_) => Exit::Done.into(),
        Err(ControlError::NotRunning(_)) => {
            ui::note("No cluster is running; this counts from its next start on.");
            Exit::Done.into()
        }
        Err(error) => failed(
            Exit::Failed,
            &format_args!("this is kept, but the running cluster has not taken it over: {error}"),
        ),
    }
}
