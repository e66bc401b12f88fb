//! The rotation of authorities, in Teleport's phases: nobody has to trust a new authority at the moment it begins to sign.
//!
//! | phase | who signs | whom others are told to trust |
//! |---|---|---|
//! | `standby` | the only authority | it |
//! | `init` | the old one | both |
//! | `update_clients` | users and the cluster towards databases: the new one; servers: the old one | both |
//! | `update_servers` | the new one | both |
//! | `standby` again | the new one | it; the old one is gone |
//! | `rollback` | the old one | both, until `standby` follows and the new one is gone |
//!
//! Each kind of authority goes through them by itself. A rollback keeps the new authority trusted, because those who have
//! got a certificate from it meanwhile need it until they have another one.

use std::fmt;
use std::str::FromStr;

use super::authorities::Authorities;
use super::ca::ssh::SshAuthority;
use super::ca::{Authority, CaError, CaKind};
use super::state_error::StateError;
use super::store::{Keys, Pairs, Step, Store, StoreError};

/// How far a rotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No rotation: there is one authority.
    Standby,
    /// A new authority is made and trusted; the old one signs.
    Init,
    /// The new one signs clients.
    UpdateClients,
    /// The new one signs servers too.
    UpdateServers,
    /// The old one signs again; the new one is still trusted.
    Rollback,
}

/// A name that no phase has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown phase {0:?} of a rotation")]
pub struct UnknownPhase(String);

impl Phase {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Standby,
        Self::Init,
        Self::UpdateClients,
        Self::UpdateServers,
        Self::Rollback,
    ];

    /// Teleport's name: `standby`, `init`, `update_clients`, `update_servers`, `rollback`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standby => "standby",
            Self::Init => "init",
            Self::UpdateClients => "update_clients",
            Self::UpdateServers => "update_servers",
            Self::Rollback => "rollback",
        }
    }

    /// What may follow, the usual way first.
    #[must_use]
    pub fn following(self) -> &'static [Self] {
        match self {
            Self::Standby => &[Self::Init],
            Self::Init => &[Self::UpdateClients, Self::Rollback],
            Self::UpdateClients => &[Self::UpdateServers, Self::Rollback],
            Self::UpdateServers => &[Self::Standby, Self::Rollback],
            Self::Rollback => &[Self::Standby],
        }
    }

    /// Whether the new authority is the one that others are told of first.
    #[must_use]
    pub fn new_leads(self) -> bool {
        matches!(self, Self::UpdateClients | Self::UpdateServers)
    }

    /// Whether the new authority of a kind signs.
    #[must_use]
    pub fn new_signs(self, kind: CaKind) -> bool {
        match kind {
            CaKind::User | CaKind::DbClient => self.new_leads(),
            CaKind::Host | CaKind::Db => self == Self::UpdateServers,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Phase {
    type Err = UnknownPhase;

    fn from_str(name: &str) -> Result<Self, UnknownPhase> {
        Self::ALL
            .into_iter()
            .find(|phase| phase.as_str() == name)
            .ok_or_else(|| UnknownPhase(name.to_owned()))
    }
}

/// Why a rotation does not go on.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// Another phase comes next.
    #[error("the {kind} authority is in the phase {phase}; {} comes next", names(phase.following()))]
    Order {
        /// The authority.
        kind: CaKind,
        /// Its phase.
        phase: Phase,
    },
    /// No cluster has run with this state.
    #[error("the cluster has no authorities yet; they are made at its first start")]
    None,
    /// Somebody else was faster.
    #[error("the {0} authority was rotated by somebody else at the same time; see \"ca ls\"")]
    Meanwhile(CaKind),
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<StoreError> for RotationError {
    fn from(error: StoreError) -> Self {
        Self::State(error.into())
    }
}

impl From<CaError> for RotationError {
    fn from(error: CaError) -> Self {
        Self::State(error.into())
    }
}

fn names(phases: &[Phase]) -> String {
    let names: Vec<&str> = phases.iter().map(|phase| phase.as_str()).collect();
    names.join(" or ")
}

/// The names under which a kind's certificate and its SSH key are kept.
#[must_use]
pub fn kept_as(kind: CaKind) -> &'static [&'static str] {
    match kind {
        CaKind::Host => &["host", "ssh_host"],
        CaKind::User => &["user", "ssh_user"],
        CaKind::Db => &["db"],
        CaKind::DbClient => &["db_client"],
    }
}

/// Brings the rotation of `kind` into the phase `to` at `now`, unix seconds. A running cluster has to be told afterwards.
///
/// # Errors
/// When another phase comes next, or the state cannot be read or written; nothing has changed then.
pub fn rotate(store: &Store, kind: CaKind, to: Phase, now: i64) -> Result<(), RotationError> {
    let authorities = Authorities::kept(store)?.ok_or(RotationError::None)?;
    let phase = authorities.phase(kind);
    if !phase.following().contains(&to) {
        return Err(RotationError::Order { kind, phase });
    }
    let made;
    let keys = match (phase, to) {
        (_, Phase::Init) => {
            made = make(authorities.get(kind).cluster(), kind, now)?;
            Keys::Add(&made)
        }
        (Phase::Rollback, Phase::Standby) => Keys::Drop(kept_as(kind)),
        (_, Phase::Standby) => Keys::Replace(kept_as(kind)),
        _ => Keys::Stay,
    };
    let done = store.rotate(Step {
        kind: kind.as_str(),
        from: phase.as_str(),
        to: to.as_str(),
        now,
        keys,
    })?;
    if done {
        Ok(())
    } else {
        Err(RotationError::Meanwhile(kind))
    }
}

/// A new authority with everything that belongs to its kind.
fn make(cluster: &str, kind: CaKind, now: i64) -> Result<Pairs, CaError> {
    let x509 = Authority::generate(kind, cluster, now)?;
    let mut made = Pairs::new();
    for (n, name) in kept_as(kind).iter().enumerate() {
        let pair = if n == 0 {
            (x509.cert_pem().to_owned(), x509.key_pem().to_owned())
        } else {
            let ssh = SshAuthority::generate()?;
            (ssh.authorized_key(), ssh.key_pem().to_owned())
        };
        made.insert((*name).to_owned(), pair);
    }
    Ok(made)
}

#[cfg(test)]
mod tests;
