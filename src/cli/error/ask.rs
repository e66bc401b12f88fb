//! Failures of sessions that the program itself opens.

use super::{CliError, Kind};
use crate::flow::ask::AskError;
use crate::pg::sqlstate;

impl From<AskError> for CliError {
    fn from(error: AskError) -> Self {
        let kind = match error.sqlstate().as_deref() {
            Some(sqlstate::INVALID_AUTHORIZATION | sqlstate::INSUFFICIENT_PRIVILEGE) => {
                Kind::Denied
            }
            Some(sqlstate::UNABLE_TO_CONNECT | sqlstate::CONNECTION_FAILURE) => Kind::Unreachable,
            _ => Kind::Failed,
        };
        let mut failed = Self::new(kind, error.to_string()).at(error.hop());
        match error {
            AskError::NotOpened(error) => failed.hints.extend(error.hint),
            AskError::Refused { error, .. } => failed.hints.extend(
                [error.detail(), error.hint()]
                    .into_iter()
                    .flatten()
                    .map(Into::into),
            ),
            AskError::Late { .. } | AskError::Broken { .. } => {}
        }
        failed
    }
}
