//! `postern-cluster ca rotate`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::super::Format;
use super::super::exit::{Exit, failed};
use super::super::place::{Place, changed};
use super::ls;
use crate::cluster::ca::CaKind;
use crate::cluster::ca::phase::Phase;
use crate::cluster::rotation;
use crate::cluster::{clock, ui};

/// Arguments of `ca rotate`.
#[derive(Args, Debug)]
pub(super) struct RotateArgs {
    /// Which authority.
    #[arg(long, value_enum)]
    kind: Kind,
    /// The phase that its rotation enters.
    #[arg(long, value_enum)]
    phase: To,
    #[command(flatten)]
    place: Place,
    /// Chooses how the result is printed, as by "ca ls".
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// The authorities that are rotated, by Teleport's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Signs the services of the cluster.
    Host,
    /// Signs users and their database certificates.
    User,
    /// Signs certificates of database servers.
    Db,
    /// Signs the cluster's client certificates for databases.
    #[value(name = "db_client")]
    DbClient,
}

/// The phases, by Teleport's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum To {
    /// Makes a new authority, which is trusted beside the old one.
    Init,
    /// The new one signs users, and the cluster towards databases.
    #[value(name = "update_clients")]
    UpdateClients,
    /// The new one signs servers too.
    #[value(name = "update_servers")]
    UpdateServers,
    /// Ends the rotation: the old one is gone, after a rollback the new one.
    Standby,
    /// The old one signs again; the new one is trusted until "standby".
    Rollback,
}

impl From<Kind> for CaKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Host => Self::Host,
            Kind::User => Self::User,
            Kind::Db => Self::Db,
            Kind::DbClient => Self::DbClient,
        }
    }
}

impl From<To> for Phase {
    fn from(to: To) -> Self {
        match to {
            To::Init => Self::Init,
            To::UpdateClients => Self::UpdateClients,
            To::UpdateServers => Self::UpdateServers,
            To::Standby => Self::Standby,
            To::Rollback => Self::Rollback,
        }
    }
}

/// Takes the step, has a running cluster take it over, and shows how things are.
pub(super) fn run(args: &RotateArgs) -> ExitCode {
    match rotate(args) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn rotate(args: &RotateArgs) -> Result<ExitCode, ExitCode> {
    let (directory, store) = args.place.store()?;
    let wrong = |error: &dyn std::fmt::Display| failed(Exit::Failed, error);
    let (kind, phase) = (CaKind::from(args.kind), Phase::from(args.phase));
    let now = clock::system_clock()() / 1000;
    rotation::rotate(&store, kind, phase, now).map_err(|e| wrong(&e))?;
    let exit = changed(&directory);
    ls::show(&store, &[kind], args.format)?;
    if let Some(advice) = advice(kind, phase) {
        ui::note(advice);
    }
    Ok(exit)
}

/// What whoever rotates has to see to before the next step.
fn advice(kind: CaKind, phase: Phase) -> Option<&'static str> {
    match (kind, phase) {
        (CaKind::DbClient, Phase::Init) => Some(
            "Before update_clients, put both authorities into the databases' ssl_ca_file: \"ca export --type db-client\".",
        ),
        (CaKind::Db, Phase::Init) => Some(
            "Before standby, see that no database server shows a certificate of the old authority any more.",
        ),
        (CaKind::Host, Phase::Init) => Some(
            "Before update_servers, have users log in again: clients trust the authorities of their login. Leaf clusters \
             hear of the new one over their link.",
        ),
        (CaKind::User, Phase::UpdateClients) => Some(
            "Before standby, have users log in again: then the certificates of the old authority are refused.",
        ),
        (CaKind::DbClient | CaKind::Db, Phase::Standby) => {
            Some("The other authority may leave the databases' files.")
        }
        _ => None,
    }
}
