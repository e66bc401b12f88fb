//! What a failed command says: kind, hop, message, hints.
//!
//! Each area has a file here that turns its errors into these; hints are attached there, where the knowledge is.

mod ask;
mod conn;
mod db;
mod login;
mod session;

use serde::Serialize;

use super::exit::Exit;
use crate::hop::Hop;

/// The class of a failure; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anything without a class of its own; exit 1.
    Failed,
    /// A wrong or incomplete command line; exit 2.
    Usage,
    /// Log in (again); exit 10.
    NotLoggedIn,
    /// A second factor or a person is missing; exit 11.
    SecondFactor,
    /// No such database or cluster; exit 12.
    NotFound,
    /// Several databases match; exit 13.
    Ambiguous,
    /// Roles do not allow it; exit 14.
    Denied,
    /// Network, TLS, trust; exit 15.
    Unreachable,
    /// No psql; exit 16.
    ProgramMissing,
    /// What was to be stopped has not stopped; exit 17.
    StillRunning,
    /// SIGINT; exit 130.
    Interrupted,
    /// SIGTERM, SIGHUP; exit 143.
    Terminated,
}

impl Kind {
    /// The exit status.
    pub const fn exit(self) -> Exit {
        match self {
            Self::Failed => Exit::Failed,
            Self::Usage => Exit::Usage,
            Self::NotLoggedIn => Exit::NotLoggedIn,
            Self::SecondFactor => Exit::SecondFactor,
            Self::NotFound => Exit::NotFound,
            Self::Ambiguous => Exit::Ambiguous,
            Self::Denied => Exit::Denied,
            Self::Unreachable => Exit::Unreachable,
            Self::ProgramMissing => Exit::ProgramMissing,
            Self::StillRunning => Exit::StillRunning,
            Self::Interrupted => Exit::Interrupted,
            Self::Terminated => Exit::Terminated,
        }
    }

    /// The name in JSON errors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::NotLoggedIn => "not_logged_in",
            Self::SecondFactor => "second_factor",
            Self::NotFound => "not_found",
            Self::Ambiguous => "ambiguous",
            Self::Denied => "denied",
            Self::Unreachable => "unreachable",
            Self::ProgramMissing => "program_missing",
            Self::StillRunning => "still_running",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
        }
    }
}

/// A failed command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CliError {
    /// Its class.
    pub kind: Kind,
    /// Where it failed.
    pub hop: Hop,
    /// What failed; protocol texts byte for byte.
    pub message: String,
    /// What to do about it, one sentence or command each.
    pub hints: Vec<String>,
}

/// A failure as `--format json` prints it on stderr.
#[derive(Debug, Serialize)]
pub struct JsonError<'a> {
    /// The exit code.
    pub code: u8,
    /// [`Kind::name`].
    pub kind: &'static str,
    /// [`Hop`] in words.
    pub hop: String,
    /// The message.
    pub message: &'a str,
    /// The hints, one a line; `null` without any.
    pub hint: Option<String>,
}

impl CliError {
    /// Makes a failure on this computer without hints.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            hop: Hop::Local,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// Sets where it failed.
    #[must_use]
    pub fn at(mut self, hop: Hop) -> Self {
        self.hop = hop;
        self
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The end by Ctrl+C; prints nothing.
    pub fn interrupted() -> Self {
        Self::new(Kind::Interrupted, "interrupted")
    }

    /// The end by SIGTERM or SIGHUP; prints nothing.
    pub fn terminated() -> Self {
        Self::new(Kind::Terminated, "terminated")
    }

    /// The form for `--format json`.
    pub fn json(&self) -> JsonError<'_> {
        JsonError {
            code: self.kind.exit().code(),
            kind: self.kind.name(),
            hop: self.hop.to_string(),
            message: &self.message,
            hint: (!self.hints.is_empty()).then(|| self.hints.join("\n")),
        }
    }
}
