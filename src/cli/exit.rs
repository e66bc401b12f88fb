//! How the program ends: one enum, from which the manual's table is made.

use std::process::ExitCode;

/// The program's exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Failed; the message says why.
    Failed,
    /// The command line is wrong.
    Usage,
    /// Not logged in, or the login has expired.
    NotLoggedIn,
    /// A second factor, or another act of a person, is missing.
    SecondFactor,
    /// No such database or cluster.
    NotFound,
    /// Several databases match.
    Ambiguous,
    /// The roles do not allow it.
    Denied,
    /// The cluster cannot be reached, or not be trusted, or this computer's clock is wrong.
    Unreachable,
    /// The client program is not installed.
    ProgramMissing,
    /// What was to be stopped has not stopped, as far as can be seen.
    StillRunning,
    /// Ended by SIGINT.
    Interrupted,
    /// Ended by SIGTERM.
    Terminated,
    /// The exit code of psql or another program, unchanged.
    Program(u8),
}

impl Exit {
    /// Every status of our own, in the order of the manual.
    pub const ALL: [Self; 13] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::NotLoggedIn,
        Self::SecondFactor,
        Self::NotFound,
        Self::Ambiguous,
        Self::Denied,
        Self::Unreachable,
        Self::ProgramMissing,
        Self::StillRunning,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The number the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotLoggedIn => 10,
            Self::SecondFactor => 11,
            Self::NotFound => 12,
            Self::Ambiguous => 13,
            Self::Denied => 14,
            Self::Unreachable => 15,
            Self::ProgramMissing => 16,
            Self::StillRunning => 17,
            Self::Interrupted => 130,
            Self::Terminated => 143,
            Self::Program(code) => code,
        }
    }

    /// What the manual says about it.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "Done.",
            Self::Failed => "Failed; the message says why.",
            Self::Usage => "The command line is wrong.",
            Self::NotLoggedIn => {
                "Not logged in, the login has expired, or its private key is gone: run \"postern login\"."
            }
            Self::SecondFactor => {
                "A second factor or another act of a person is missing, and nobody is there to give it; or the cluster asks for a method this version cannot do."
            }
            Self::NotFound => "No such database or cluster.",
            Self::Ambiguous => "Several databases match.",
            Self::Denied => "The user's roles do not allow it.",
            Self::Unreachable => {
                "The cluster cannot be reached, or its certificate is not trusted, or this computer's clock is wrong."
            }
            Self::ProgramMissing => "psql, or the program that --client names, is not installed.",
            Self::StillRunning => {
                "\"db cancel\": what was to be stopped had not stopped when the time was over, or whether it has cannot be seen."
            }
            Self::Interrupted => "Ended by SIGINT (Ctrl+C).",
            Self::Terminated => "Ended by SIGTERM or SIGHUP.",
            Self::Program(_) => {
                "Once psql, or another program, has started, its own exit code, unchanged."
            }
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
