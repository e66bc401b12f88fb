//! Calls against the auth service without a port.

mod clients;
mod listing;
mod recorded;
mod rotation;

use std::pin::Pin;
use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, Request};
use axum::{Extension, Router};
use bytes::BytesMut;
use tower::ServiceExt;

use super::{Caller, Closer, auth_router};
use crate::cluster::ca::SubjectPublicKey;
use crate::cluster::issue;
use crate::cluster::testing::{DOCUMENTS, TestCluster};
use crate::identity::Certificate;

/// Seconds between the login of the recording and its calls.
const CALLS: i64 = 318;

/// What came back from a call.
struct Answer {
    code: u64,
    message: String,
    version: Option<String>,
    messages: Vec<Vec<u8>>,
}

fn certificate(cluster: &TestCluster, user: &str) -> Certificate {
    let key = rcgen::KeyPair::generate().expect("a key");
    let key = SubjectPublicKey::from_pem(key.public_key_pem().as_bytes()).expect("a public key");
    Certificate::from_der(
        &issue::login(&cluster.state, user, &key, 0, "127.0.0.1").expect("a certificate"),
    )
    .expect("a certificate")
}

/// The recorded cluster, some minutes after its users logged in.
fn cluster() -> (TestCluster, Router, Router) {
    let cluster = TestCluster::new("root", DOCUMENTS, &["alice", "carol"], true);
    let (alice, carol) = (router(&cluster, "alice"), router(&cluster, "carol"));
    cluster.advance_ms(CALLS * 1000);
    (cluster, alice, carol)
}

/// The service as a user reaches it.
fn router(cluster: &TestCluster, user: &str) -> Router {
    let caller = Caller::new(
        Some(certificate(cluster, user)),
        ([127, 0, 0, 1], 48_434).into(),
    );
    auth_router(&cluster.state, crate::cluster::grpc::MESSAGE_MAX)
        .layer(Extension(Arc::new(caller)))
        .layer(Extension(Closer::default()))
}

async fn call(router: &Router, method: &str, request: &[u8], version: Option<&str>) -> Answer {
    let mut body = vec![0];
    body.extend(
        u32::try_from(request.len())
            .expect("a small message")
            .to_be_bytes(),
    );
    body.extend(request);
    let mut builder = Request::post(method)
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    if let Some(version) = version {
        builder = builder.header("version", version);
    }
    let response = router
        .clone()
        .oneshot(builder.body(Body::from(body)).expect("a request"))
        .await
        .expect("an answer");
    let (head, mut body) = response.into_parts();
    let (mut bytes, mut trailers) = (BytesMut::new(), HeaderMap::new());
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        match frame.expect("a frame").into_data() {
            Ok(data) => bytes.extend_from_slice(&data),
            Err(frame) => trailers.extend(frame.into_trailers().expect("trailers")),
        }
    }
    let field = |name: &str| {
        head.headers
            .get(name)
            .or_else(|| trailers.get(name))
            .map(|v| v.to_str().expect("text").to_owned())
    };
    let message = field("grpc-message").unwrap_or_default();
    let mut messages = Vec::new();
    while bytes.len() >= 5 {
        let frame = bytes.split_to(5);
        let length = u32::from_be_bytes([frame[1], frame[2], frame[3], frame[4]]);
        messages.push(
            bytes
                .split_to(usize::try_from(length).expect("a length"))
                .to_vec(),
        );
    }
    Answer {
        code: field("grpc-status")
            .and_then(|c| c.parse().ok())
            .expect("a status"),
        message: percent_decoded(&message),
        version: head
            .headers
            .get("version")
            .map(|v| v.to_str().expect("text").to_owned()),
        messages,
    }
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits: String = bytes.by_ref().take(2).map(char::from).collect();
            out.push(u8::from_str_radix(&digits, 16).expect("hexadecimal"));
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).expect("text")
}
