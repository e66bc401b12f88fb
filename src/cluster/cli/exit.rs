//! Exit codes of `postern-cluster`.

use std::fmt::Display;
use std::process::ExitCode;

use crate::cluster::ui;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or stopped in order.
    Done,
    /// Failed.
    Failed,
    /// The command line is wrong.
    Usage,
    /// The configuration or a document is wrong.
    Configuration,
    /// No cluster runs where one must.
    NotRunning,
}

impl Exit {
    /// Every way, by number.
    pub const ALL: [Self; 5] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Configuration,
        Self::NotRunning,
    ];

    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Configuration => 3,
            Self::NotRunning => 4,
        }
    }

    /// What it means, for the manual.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "Done; the programs that stay in the foreground: stopped in order.",
            Self::Failed => "Failed; the message says why.",
            Self::Usage => "The command line is wrong.",
            Self::Configuration => {
                "The configuration or a document is wrong; starting again does not help before it is mended."
            }
            Self::NotRunning => "No cluster is running where the command needs one.",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Says on standard error why a command failed.
pub(super) fn failed(exit: Exit, error: &dyn Display) -> ExitCode {
    ui::note(&format!("error: {error}"));
    exit.into()
}
