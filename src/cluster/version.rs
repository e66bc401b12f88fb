//! The versions that a cluster announces.

/// The version the cluster claims to have: the one whose behaviour was recorded.
pub const SERVER_VERSION: &str = "18.3.0";
/// The oldest client it announces to support.
pub const MIN_CLIENT_VERSION: &str = "17.0.0-aa";
