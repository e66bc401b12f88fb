//! The proxy's web API: HTTPS and JSON on the web port (login.md 1-3, 6, 8).

mod client;
mod console;
mod error;
mod sealed;
pub mod types;

pub use client::Client;
pub use console::{Console, ConsoleAnswer};
pub use error::WebError;
pub use sealed::{SealError, SecretKey};

#[cfg(test)]
mod tests;
