//! Databases as the user sees them: rows of a listing, choosing one, choosing user, name and roles.
//!
//! Everything here is pure: the lists and roles come from the cluster, the decisions from [`crate::rbac`]. Each choice carries
//! why it was made, so that a command can explain itself.

pub mod defaults;
pub mod json;
pub mod listing;
pub mod naming;
pub mod select;

pub use defaults::{Choice, ChoiceError, Chosen, Wish};
pub use listing::{AllowedNames, AllowedUsers, Row, into_rows, rows};
pub use select::{SelectError, Selected, Selection};
