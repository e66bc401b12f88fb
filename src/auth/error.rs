//! What a failed call means.
//!
//! Source: auth-api.md 1.4, transport.md 7.4.

use std::fmt;

use tonic::{Code, Status};

use crate::hop::Hop;
use crate::transport::grpc::{ENDED, LinkEnd};

/// A call that failed: what it means, and what was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The cluster asked.
    pub cluster: String,
    /// What it means.
    pub fault: Fault,
    /// The status code as sent, or as the local gRPC library made it up.
    pub code: Code,
    /// The server's text on one line, causes joined by `: `; for a lost connection how it was lost.
    pub text: String,
}

/// Classes of failures, by what one can do about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The login has expired or is not accepted any more.
    Login,
    /// Not allowed.
    Denied,
    /// No such thing.
    NotFound,
    /// The query or a label filter is wrong.
    Query,
    /// The request was wrong in another way.
    Invalid,
    /// The cluster wants a key on hardware.
    HardwareKey,
    /// The certificate is pinned to another address.
    PinnedIp,
    /// The server is too old or too new for this call.
    Unimplemented,
    /// The answer is larger than one of both sides allows.
    TooLarge,
    /// The server asks to slow down.
    RateLimited,
    /// No answer: connection lost, refused or timed out.
    Unreachable,
    /// The answer does not make sense.
    BadAnswer,
    /// Anything else.
    Other,
}

impl ApiError {
    /// Reads a status; `end` tells how the connection ended, if it did.
    pub fn new(cluster: &str, status: &Status, end: Option<LinkEnd>) -> Self {
        let text = one_line(status.message());
        let code = status.code();
        let cluster = cluster.to_owned();
        // A status that the server sent has no source: only the local library attaches one, mostly.
        let late = code == Code::Unavailable && text == ENDED;
        let local = late || std::error::Error::source(status).is_some();
        if local && let Some(end) = end {
            let (fault, text) = lost(&end);
            return Self {
                cluster,
                fault,
                code,
                text,
            };
        }
        Self {
            cluster,
            fault: fault(code, &text, local),
            code,
            text,
        }
    }

    /// An answer that breaks the rules of the protocol.
    pub fn bad_answer(cluster: &str, text: impl Into<String>) -> Self {
        Self {
            cluster: cluster.to_owned(),
            fault: Fault::BadAnswer,
            code: Code::Internal,
            text: text.into(),
        }
    }

    /// Where it failed.
    pub fn hop(&self) -> Hop {
        Hop::Auth(self.cluster.clone())
    }
}

impl std::error::Error for ApiError {}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault {
            Fault::Unreachable => write!(f, "cannot reach cluster {}: {}", self.cluster, self.text),
            Fault::Unimplemented => {
                write!(
                    f,
                    "the auth service of cluster {} does not know this call: {}",
                    self.cluster, self.text
                )
            }
            Fault::BadAnswer => write!(
                f,
                "cluster {} gave an answer that makes no sense: {}",
                self.cluster, self.text
            ),
            _ => f.write_str(&self.text),
        }
    }
}

/// The lines of a chained message, trimmed and joined.
fn one_line(message: &str) -> String {
    message
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(": ")
}

fn lost(end: &LinkEnd) -> (Fault, String) {
    match end {
        LinkEnd::Tls(fault) if fault.needs_login() => (Fault::Login, fault.to_string()),
        LinkEnd::Tls(fault) => (Fault::Unreachable, fault.to_string()),
        LinkEnd::Closed { answered: false } => (
            Fault::Login,
            "the auth service closed the connection without a word: it does not accept this kind of certificate".to_owned(),
        ),
        LinkEnd::Closed { answered: true } => (Fault::Unreachable, "the connection was closed".to_owned()),
        LinkEnd::Io(text) => (Fault::Unreachable, text.clone()),
    }
}

fn fault(code: Code, text: &str, local: bool) -> Fault {
    if text.contains("client credentials have expired") || text.contains("tls: expired certificate")
    {
        return Fault::Login;
    }
    if text.contains("private key policy not") {
        return Fault::HardwareKey;
    }
    if text.contains("pinned IP") {
        return Fault::PinnedIp;
    }
    if code == Code::OutOfRange
        || (matches!(code, Code::ResourceExhausted | Code::Internal)
            && (text.contains("larger than max") || text.contains("too large")))
    {
        return Fault::TooLarge;
    }
    match code {
        Code::PermissionDenied | Code::Unauthenticated => Fault::Denied,
        Code::NotFound => Fault::NotFound,
        // A syntax error of a predicate comes as UNKNOWN, every other error in one as INVALID_ARGUMENT.
        Code::Unknown | Code::InvalidArgument if is_query_error(text) => Fault::Query,
        Code::InvalidArgument | Code::FailedPrecondition | Code::AlreadyExists => Fault::Invalid,
        Code::ResourceExhausted => Fault::RateLimited,
        Code::Unimplemented => Fault::Unimplemented,
        Code::Unavailable | Code::DeadlineExceeded => Fault::Unreachable,
        _ if local => Fault::Unreachable,
        _ => Fault::Other,
    }
}

fn is_query_error(text: &str) -> bool {
    [
        "parsing expression",
        "failed to parse predicate expression",
        "evaluating lhs of",
        "evaluating rhs of",
        "evaluating arg",
        "evaluating target of",
        "expression evaluated to unexpected type",
        "identifier ",
    ]
    .iter()
    .any(|start| text.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::tls_fault::TlsFault;

    #[test]
    fn chained_causes_become_one_line() {
        let err = ApiError::new(
            "root",
            &Status::not_found("access denied\n\trole x is not found"),
            None,
        );
        assert_eq!(err.to_string(), "access denied: role x is not found");
        assert_eq!(err.fault, Fault::NotFound);
        assert_eq!(err.hop(), Hop::Auth("root".to_owned()));
    }

    #[test]
    fn identity_errors_can_come_from_any_call() {
        for (status, fault) in [
            (
                Status::permission_denied(
                    "access denied: client credentials have expired, please relogin.",
                ),
                Fault::Login,
            ),
            (
                Status::invalid_argument("private key policy not met: hardware_key"),
                Fault::HardwareKey,
            ),
            (
                Status::permission_denied("pinned IP doesn't match observed client IP"),
                Fault::PinnedIp,
            ),
            (Status::permission_denied("access denied"), Fault::Denied),
            (
                Status::unimplemented("method GetCurrentUser not implemented"),
                Fault::Unimplemented,
            ),
            (
                Status::resource_exhausted("rate limit exceeded"),
                Fault::RateLimited,
            ),
            (
                Status::resource_exhausted("grpc: received message larger than max (5 vs. 4)"),
                Fault::TooLarge,
            ),
            (
                Status::out_of_range("Error, decoded message length too large"),
                Fault::TooLarge,
            ),
            (Status::unknown("EOF"), Fault::Other),
        ] {
            assert_eq!(
                ApiError::new("root", &status, None).fault,
                fault,
                "{status:?}"
            );
        }
    }

    #[test]
    fn a_lost_connection_says_how_it_was_lost() {
        let mut status = Status::unknown("transport error");
        status.set_source(std::sync::Arc::new(std::io::Error::from(
            std::io::ErrorKind::BrokenPipe,
        )));
        let read = |end| ApiError::new("root", &status, Some(end));
        let late = Status::unavailable(ENDED);
        let refused = LinkEnd::Tls(TlsFault::ClientUnknown);
        let err = ApiError::new("root", &late, Some(refused));
        assert_eq!(err.fault, Fault::Login, "a call after the refusal");
        assert!(err.to_string().contains("rotated"), "{err}");
        let err = read(LinkEnd::Tls(TlsFault::ClientExpired));
        assert_eq!(
            (err.fault, err.to_string()),
            (
                Fault::Login,
                "the certificate of this login has expired".to_owned()
            )
        );
        assert_eq!(
            read(LinkEnd::Closed { answered: false }).fault,
            Fault::Login
        );
        let err = read(LinkEnd::Closed { answered: true });
        assert_eq!(
            err.to_string(),
            "cannot reach cluster root: the connection was closed"
        );
        // A status that the server did send is not hidden by the end of the connection.
        let sent = ApiError::new(
            "root",
            &Status::not_found("x"),
            Some(LinkEnd::Closed { answered: true }),
        );
        assert_eq!(sent.fault, Fault::NotFound);
    }

    /// Every status that a real auth service was recorded to send: what the client makes of it.
    #[test]
    fn recorded_statuses_have_a_meaning() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/auth-api");
        let mut seen = 0;
        for entry in std::fs::read_dir(dir).expect("recordings") {
            let path = entry.expect("an entry").path();
            if path.extension().is_none_or(|end| end != "json") {
                continue;
            }
            let case: serde_json::Value =
                serde_json::from_slice(&std::fs::read(&path).expect("a recording")).expect("JSON");
            let status = &case["status"];
            let Some(number) = status["number"].as_i64().filter(|number| *number != 0) else {
                continue;
            };
            let name = case["case"].as_str().expect("a name");
            let want = match (name, status["code"].as_str().expect("a code")) {
                ("certs-db-expires-past" | "certs-db-expires-unset", _) => Fault::Login,
                (_, "UNIMPLEMENTED") => Fault::Unimplemented,
                (name, _) if name.starts_with("list-error-") => Fault::Query,
                (_, "PERMISSION_DENIED") => Fault::Denied,
                (_, "NOT_FOUND") => Fault::NotFound,
                (_, "INVALID_ARGUMENT") => Fault::Invalid,
                other => panic!("{other:?} has no row"),
            };
            let code = Code::from_i32(i32::try_from(number).expect("a code"));
            let sent = status["message"].as_str().expect("a text");
            let err = ApiError::new("root", &Status::new(code, sent), None);
            assert_eq!(err.fault, want, "{name}: {sent}");
            // Nothing of the server's text is lost, and it stays on one line.
            assert!(!err.text.contains('\n'), "{name}");
            for line in sent.lines() {
                assert!(err.text.contains(line.trim()), "{name}: {err}");
            }
            seen += 1;
        }
        assert!(seen > 45, "{seen}");
    }
}
