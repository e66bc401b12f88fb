//! Why the state of a cluster cannot be used.

use super::ca::CaError;
use super::ca::phase::UnknownPhase;
use super::random::NoRandomness;
use super::store::StoreError;
use super::users::CredentialError;

/// Why a cluster cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The state file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An authority.
    #[error(transparent)]
    Authority(#[from] CaError),
    /// A credential.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// A newer program has begun a rotation.
    #[error(transparent)]
    Phase(#[from] UnknownPhase),
    /// An authority has gone from the state.
    #[error("the state lacks an authority that it had a moment ago")]
    NoAuthorities,
    /// No random bytes.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The directory belongs to a cluster of another name.
    #[error("the state belongs to the cluster {found:?}, not {wanted:?}")]
    OtherCluster {
        /// Name in the state.
        found: String,
        /// Name asked for.
        wanted: String,
    },
}
