//! `postern-cluster ca export`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::super::exit::{Exit, failed};
use super::super::place::Place;
use crate::cluster::ui;

/// Arguments of `ca export`.
#[derive(Args, Debug)]
pub(super) struct ExportArgs {
    /// Which authority.
    #[arg(long = "type", value_enum)]
    kind: Kind,
    #[command(flatten)]
    place: Place,
}

/// The authorities, by the names that Teleport's own export has for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Signs the cluster's client certificates for databases: what a database server trusts (PEM).
    DbClient,
    /// Signs certificates of database servers: what the cluster trusts there (PEM).
    Db,
    /// Signs the services of the cluster (PEM).
    TlsHost,
    /// Signs users (PEM).
    TlsUser,
    /// Signs the web certificate, when the cluster makes its own (PEM).
    Web,
    /// Signs SSH hosts: a line of authorized_keys.
    Host,
    /// Signs SSH certificates of users: a line of authorized_keys.
    User,
}

impl Kind {
    /// Its name in the state.
    fn name(self) -> &'static str {
        match self {
            Self::DbClient => "db_client",
            Self::Db => "db",
            Self::TlsHost => "host",
            Self::TlsUser => "user",
            Self::Web => "web",
            Self::Host => "ssh_host",
            Self::User => "ssh_user",
        }
    }
}

/// Prints it.
pub(super) fn run(args: &ExportArgs) -> ExitCode {
    let (_, store) = match args.place.store() {
        Ok(open) => open,
        Err(exit) => return exit,
    };
    match store.authority(args.kind.name()) {
        Ok(Some((certificate, _))) => {
            ui::data(certificate.trim_end());
            Exit::Done.into()
        }
        Ok(None) => failed(Exit::Failed, &"the cluster has no such authority yet"),
        Err(error) => failed(Exit::Failed, &error),
    }
}
