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

use super::authorities::Authorities;
use super::ca::phase::{Phase, kept_as};
use super::ca::ssh::SshAuthority;
use super::ca::{Authority, CaError, CaKind};
use super::state_error::StateError;
use super::store::{Keys, Pairs, Step, Store, StoreError};

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
