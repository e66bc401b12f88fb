//! What comes before any look into a request, and how one is refused.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;

use super::Peer;
use super::fields::BodyError;
use crate::cluster::state::ClusterState;

/// Largest body of a request to log in, bytes.
const BODY_MAX: usize = 1_000_000;
/// How long a body may take.
const BODY_TIME: Duration = Duration::from_secs(15);

/// A refusal: status and message.
pub(super) struct Refused(pub(super) StatusCode, pub(super) String);

impl Refused {
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, message.into())
    }

    pub(super) fn internal(error: &dyn std::fmt::Display) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        Self::bad(format!("request: {error}"))
    }
}

/// Takes one request of the rate that an address has.
pub(super) fn rate(state: &ClusterState, peer: Peer) -> Result<(), Refused> {
    let taken = state.login_rate().take(peer.0.ip(), state.now_ms());
    taken.map_err(|wait| {
        Refused(
            StatusCode::TOO_MANY_REQUESTS,
            format!("rate limit exceeded, try again in {wait}s"),
        )
    })
}

/// Rate limit, content type, size: what comes before any look into a request.
pub(super) async fn receive(
    state: &ClusterState,
    peer: Peer,
    headers: &HeaderMap,
    body: Body,
) -> Result<Vec<u8>, Refused> {
    rate(state, peer)?;
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Refused::bad("invalid request"));
    }
    match tokio::time::timeout(BODY_TIME, collect(state, body)).await {
        Ok(collected) => collected,
        Err(_) => Err(Refused(
            StatusCode::REQUEST_TIMEOUT,
            "the request takes too long".to_owned(),
        )),
    }
}

/// The whole body. What the bodies of all requests hold together is bounded.
async fn collect(state: &ClusterState, body: Body) -> Result<Vec<u8>, Refused> {
    let mut chunks = body.into_data_stream();
    let (mut bytes, mut permits) = (Vec::new(), None);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|e| Refused::bad(e.to_string()))?;
        if bytes.len() + chunk.len() > BODY_MAX {
            return Err(Refused(
                StatusCode::TOO_MANY_REQUESTS,
                "the read limit is reached".to_owned(),
            ));
        }
        let size = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        let Ok(more) = state.request_bytes().try_acquire_many(size) else {
            return Err(Refused(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many requests at once, try again in a moment".to_owned(),
            ));
        };
        match &mut permits {
            None => permits = Some(more),
            Some(permits) => permits.merge(more),
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
