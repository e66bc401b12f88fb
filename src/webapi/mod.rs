//! The proxy's web API: HTTPS and JSON on the web port (login.md 1-3, 8).

mod client;
mod error;
pub mod types;

pub use client::Client;
pub use error::WebError;

#[cfg(test)]
mod tests;
