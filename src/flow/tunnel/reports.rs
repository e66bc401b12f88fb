//! What a SQL client is told when the way to the database fails: code, text, and what to do next.

use crate::auth::{ApiError, Fault};
use crate::flow::conn::{CheckerError, ConnError};
use crate::flow::credential::IssueError;
use crate::hop::Hop;
use crate::pg::sqlstate;
use crate::proxy::UpstreamError;
use crate::proxy::known_errors::PER_SESSION_MFA_HINT;
use crate::transport::dial::DialError;
use crate::transport::tls_fault::TlsFault;

const LOGIN: &str = "run `postern login`, then connect again";

pub(super) fn local(message: String, hint: Option<String>) -> UpstreamError {
    UpstreamError {
        hop: Hop::Local,
        sqlstate: sqlstate::SYSTEM_ERROR,
        message,
        hint,
    }
}

pub(super) fn dial_error(err: &DialError) -> UpstreamError {
    let hint = match err.tls() {
        Some(TlsFault::Untrusted(whose)) if let Some(blame) = whose.why.blame() => {
            blame.advice().to_owned()
        }
        Some(TlsFault::Untrusted(_)) => {
            "run `postern login` with --ca-file FILE of the proxy's authority".to_owned()
        }
        Some(fault) if fault.needs_login() => LOGIN.to_owned(),
        _ => format!("is the proxy up? `postern login` shows it: {}", err.hop()),
    };
    UpstreamError {
        hop: err.hop(),
        sqlstate: sqlstate::UNABLE_TO_CONNECT,
        message: err.to_string(),
        hint: Some(hint),
    }
}

pub(super) fn conn_error(err: &ConnError) -> UpstreamError {
    match err {
        ConnError::Api(err) => api_error(err),
        ConnError::Dial { error, .. } if !err.needs_login() => dial_error(error),
        _ => UpstreamError {
            hop: err.hop(),
            sqlstate: if err.needs_login() {
                sqlstate::INVALID_AUTHORIZATION
            } else {
                sqlstate::UNABLE_TO_CONNECT
            },
            message: err.to_string(),
            hint: err.needs_login().then(|| LOGIN.to_owned()),
        },
    }
}

pub(super) fn api_error(err: &ApiError) -> UpstreamError {
    let (sqlstate, hint) = match err.fault {
        Fault::Login => (sqlstate::INVALID_AUTHORIZATION, Some(LOGIN.to_owned())),
        Fault::Denied | Fault::PinnedIp | Fault::HardwareKey => {
            (sqlstate::INVALID_AUTHORIZATION, Some(LOGIN.to_owned()))
        }
        Fault::NotFound => (
            sqlstate::INVALID_CATALOG_NAME,
            Some("`postern db ls` shows the databases there are".to_owned()),
        ),
        _ => (
            sqlstate::UNABLE_TO_CONNECT,
            Some("try again in a moment".to_owned()),
        ),
    };
    UpstreamError {
        hop: err.hop(),
        sqlstate,
        message: err.to_string(),
        hint,
    }
}

pub(super) fn issue_error(err: &IssueError) -> UpstreamError {
    match err {
        IssueError::Api(err) => api_error(err),
        IssueError::SecondFactor { .. } => UpstreamError {
            hop: err.hop(),
            sqlstate: sqlstate::INVALID_AUTHORIZATION,
            message: err.to_string(),
            hint: Some(PER_SESSION_MFA_HINT.to_owned()),
        },
        IssueError::RolesUnknown { .. }
        | IssueError::Different { .. }
        | IssueError::Expired { .. }
        | IssueError::Unreadable { .. }
        | IssueError::Key(_) => UpstreamError {
            hop: err.hop(),
            sqlstate: sqlstate::SYSTEM_ERROR,
            message: err.to_string(),
            hint: None,
        },
    }
}

/// Roles and user could not be read, or make no sense.
pub(super) fn checker_error(err: &CheckerError) -> UpstreamError {
    match err {
        CheckerError::Api(err) => api_error(err),
        CheckerError::Access(err) => local(err.to_string(), None),
    }
}
