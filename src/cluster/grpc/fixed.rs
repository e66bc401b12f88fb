//! Calls of other clients that are always answered alike here, since what they ask about does not exist: `tsh sessions ls`,
//! `tsh recordings ls`, `tsh ssh`. Answers as a real cluster gives them to a user without such things (asked on 18.3.0).

use axum::response::Response;
use http::HeaderValue;
use tonic::{Code, Status};

/// What such a call gets.
#[derive(Clone, Copy)]
enum Answer {
    /// Success without a message: an empty stream.
    Empty,
    /// A refusal.
    Refused(Code, &'static str),
}

const ANSWERS: &[(&str, Answer)] = &[
    ("/proto.AuthService/GetActiveSessionTrackers", Answer::Empty),
    (
        "/proto.AuthService/GetSessionEvents",
        Answer::Refused(
            Code::PermissionDenied,
            "access denied to perform action \"list\" on \"session\"",
        ),
    ),
    (
        "/teleport.transport.v1.TransportService/ProxySSH",
        Answer::Refused(Code::NotFound, "this cluster has no SSH hosts"),
    ),
];

/// The answer to a call of this path, if it is one of these.
pub(super) fn answer(path: &str) -> Option<Response> {
    let (_, answer) = ANSWERS.iter().find(|(known, _)| *known == path)?;
    let status = match answer {
        Answer::Empty => Status::ok(""),
        Answer::Refused(code, text) => Status::new(*code, *text),
    };
    let mut response = status.into_http();
    response.headers_mut().insert(
        "version",
        HeaderValue::from_static(crate::cluster::version::SERVER_VERSION),
    );
    Some(response)
}
