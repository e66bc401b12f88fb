//! Programs we start: where they are, what they are told, how they end.

pub mod browser;
pub mod child;
pub mod program;
pub mod psql;
pub mod template;
