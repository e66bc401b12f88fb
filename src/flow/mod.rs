//! The steps from nothing to a tunnel, as functions: what another front end than [`crate::cli`] would call.
//!
//! Nothing here reads the environment, the terminal or the clock; times are handed in as unix seconds.

pub mod activity;
pub mod ask;
pub mod conn;
pub mod credential;
pub mod kept;
pub mod listing;
pub mod login;
pub mod lookup;
pub mod network;
pub mod routed;
pub mod session;
pub mod target;
pub mod tunnel;
pub mod why;
