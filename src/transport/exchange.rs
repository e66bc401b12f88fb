//! One HTTP/1.1 request after which the connection carries something else: CONNECT, and the upgrade of a connection.

use std::future::Future;
use std::pin::pin;

use http::{HeaderMap, Request, StatusCode};
use hyper::client::conn::http1;
use hyper::upgrade::{self, Upgraded};
use hyper_util::rt::TokioIo;

use super::IoStream;

/// What a connection becomes: the bytes after the head of the answer.
pub type Exchanged = TokioIo<Upgraded>;

/// What came back.
#[derive(Debug)]
pub(super) enum Answer {
    /// The connection is given over.
    Switched(Switched),
    /// It is not.
    Refused(Refusal),
}

/// A connection given over, and what the answer said about it.
#[derive(Debug)]
pub(super) struct Switched {
    pub(super) stream: Exchanged,
    pub(super) headers: HeaderMap,
}

/// An answer with another status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: u16,
    /// The header `Server`: who answered. Teleport sends none.
    pub(super) server: Option<String>,
}

impl Refusal {
    /// Code, reason, and who said so: `502 Bad Gateway (nginx/1.22.1)`.
    pub(super) fn status(&self) -> String {
        status_text(self.code, self.server.as_deref())
    }
}

/// Code, reason, and who said so: `502 Bad Gateway (nginx/1.22.1)`.
pub fn status_text(code: u16, server: Option<&str>) -> String {
    let reason = StatusCode::from_u16(code)
        .ok()
        .and_then(|status| status.canonical_reason());
    let mut text = code.to_string();
    if let Some(reason) = reason {
        text = format!("{text} {reason}");
    }
    if let Some(server) = server {
        text = format!("{text} ({server})");
    }
    text
}

/// The header `Server`, when it is a plain short text.
pub fn server_of(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(http::header::SERVER)?.to_str().ok()?;
    (!value.is_empty() && value.len() <= 64).then(|| value.to_owned())
}

/// Sends `request` and waits for the answer; no deadline of its own.
///
/// # Errors
/// The text of what failed: the connection ended, or no HTTP came back.
pub(super) async fn exchange<S: IoStream + 'static>(
    stream: S,
    request: Request<String>,
) -> Result<Answer, String> {
    let (mut sender, connection) = http1::Builder::new()
        .title_case_headers(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|err| text(&err))?;
    let asking = async move {
        let response = sender
            .send_request(request)
            .await
            .map_err(|err| text(&err))?;
        let status = response.status();
        let switches = status == StatusCode::SWITCHING_PROTOCOLS || status == StatusCode::OK;
        let headers = response.headers().clone();
        if switches && let Ok(upgraded) = upgrade::on(response).await {
            return Ok(Answer::Switched(Switched {
                stream: TokioIo::new(upgraded),
                headers,
            }));
        }
        Ok(Answer::Refused(Refusal {
            code: status.as_u16(),
            server: server_of(&headers),
        }))
    };
    driven(asking, connection.with_upgrades()).await
}

/// Sends `request` and gives the headers of whatever is answered; no deadline of its own.
///
/// # Errors
/// As [`exchange`].
pub(super) async fn headers<S: IoStream + 'static>(
    stream: S,
    request: Request<String>,
) -> Result<HeaderMap, String> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|err| text(&err))?;
    let asking = async move {
        let response = sender.send_request(request).await;
        response
            .map(|response| response.headers().clone())
            .map_err(|err| text(&err))
    };
    driven(asking, connection).await
}

/// Awaits `asking` while `connection` works for it.
async fn driven<T, C>(asking: impl Future<Output = T>, connection: C) -> T
where
    C: Future<Output = hyper::Result<()>>,
{
    let (mut asking, mut connection) = (pin!(asking), pin!(connection));
    tokio::select! {
        biased;
        answer = &mut asking => return answer,
        // Its end is told to `asking` as well.
        _ = &mut connection => {}
    }
    asking.await
}

/// What hyper says, in the words of whoever waits for an answer.
fn text(err: &hyper::Error) -> String {
    if err.is_incomplete_message() || err.is_closed() || err.is_canceled() {
        "it closed the connection".to_owned()
    } else if err.is_parse() {
        "what it answered is no HTTP".to_owned()
    } else {
        err.to_string()
    }
}
