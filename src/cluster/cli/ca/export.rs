//! `postern-cluster ca export`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::super::exit::{Exit, failed};
use super::super::place::Place;
use crate::cluster::authorities::Authorities;
use crate::cluster::ca::CaKind;
use crate::cluster::rotation::RotationError;
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
    /// Signs SSH hosts: a line of authorized_keys for each key.
    Host,
    /// Signs SSH certificates of users: a line of authorized_keys for each key.
    User,
}

/// Prints it; during a rotation the old and the new one.
pub(super) fn run(args: &ExportArgs) -> ExitCode {
    let kept = args.place.store().and_then(|(_, store)| {
        Authorities::kept(&store).map_err(|error| failed(Exit::Failed, &error))
    });
    let authorities = match kept {
        Ok(Some(authorities)) => authorities,
        Ok(None) => return failed(Exit::Failed, &RotationError::None),
        Err(exit) => return exit,
    };
    let text = match args.kind {
        Kind::DbClient => authorities.trusted_pem(CaKind::DbClient),
        Kind::Db => authorities.trusted_pem(CaKind::Db),
        Kind::TlsHost => authorities.trusted_pem(CaKind::Host),
        Kind::TlsUser => authorities.trusted_pem(CaKind::User),
        Kind::Web => authorities.web().cert_pem().to_owned(),
        Kind::Host => authorities.ssh_keys(CaKind::Host).concat(),
        Kind::User => authorities.ssh_keys(CaKind::User).concat(),
    };
    ui::data(text.trim_end());
    Exit::Done.into()
}
