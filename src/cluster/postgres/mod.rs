//! The PostgreSQL server behind a demo cluster: an installed program, a data directory of its own, started and stopped here.
//!
//! [`find`] looks for the programs, [`place`] decides where data and socket lie and which user runs the server,
//! [`server`] initialises, starts and stops it, [`content`] fills it, [`watchdog`] stops it when this process dies.

pub mod content;
pub mod find;
pub mod place;
pub mod server;
pub mod watchdog;

use std::path::PathBuf;
use std::time::Duration;

pub use server::Server;

/// Name of the superuser of the server.
pub const SUPERUSER: &str = "postgres";
/// How long a start may take.
const START: Duration = Duration::from_secs(30);
/// How long a stop may take before the server is killed.
const STOP: Duration = Duration::from_secs(20);

/// Why there is no PostgreSQL server.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No `initdb` and `postgres` on this computer.
    #[error(
        "PostgreSQL is not installed (looked for initdb and postgres on PATH and in {looked}); install it with: {advice}",
        looked = find::LOOKED, advice = find::ADVICE
    )]
    NotInstalled,
    /// A program did not run or failed.
    #[error("{program} failed: {message}")]
    Program {
        /// The program, with its path.
        program: String,
        /// Its last words, or what the system says.
        message: String,
    },
    /// A file or directory cannot be used.
    #[error("{path}: {source}")]
    File {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The server does not answer or refuses.
    #[error("PostgreSQL: {0}")]
    Server(String),
    /// Running as root without a user to drop to.
    #[error(
        "PostgreSQL does not run as root, and there is neither a user \"postgres\" nor \"nobody\" to run it as"
    )]
    NoUser,
}

fn at(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> PostgresError {
    let path = path.into();
    move |source| PostgresError::File { path, source }
}
