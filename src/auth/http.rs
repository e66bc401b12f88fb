//! HTTP/1.1 to an auth service, as far as old ones have no gRPC call for something.
//!
//! Source: auth-api.md 2.10: the same kind of TLS connection as for gRPC, with `http/1.1` in place of `h2`; a connection of
//! its own, for one request.

use std::time::Duration;

use http::header::HOST;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::Code;

use super::{ApiError, Fault};
use crate::transport::grpc::DIAL_DEADLINE;
use crate::transport::route::{Route, Service};
use crate::transport::trust::host_config;
use crate::transport::{ClientCert, alpn};

/// Time for request and answer.
const ASK: Duration = Duration::from_secs(60);
/// More than any answer needs.
const MAX_ANSWER: usize = 4 << 20;

/// What it takes to open another connection to the same auth service.
#[derive(Clone, Debug)]
pub struct Again {
    /// The way to the proxy.
    pub route: Route,
    /// The server name.
    pub sni: String,
    /// The authorities that vouch for the auth service, DER.
    pub anchors: Vec<Vec<u8>>,
    /// Who asks.
    pub cert: ClientCert,
}

impl Again {
    /// Asks the auth service of `cluster` for `path`; gives the body of a 200.
    ///
    /// # Errors
    /// [`Fault::Unimplemented`] for a 404: there is no such path; else as any call.
    pub async fn get(&self, cluster: &str, path: &str) -> Result<Bytes, ApiError> {
        let lost = |text: String| failed(cluster, Fault::Unreachable, Code::Unavailable, text);
        let protocols = alpn::auth_http(cluster);
        let config =
            host_config(&self.anchors, &protocols, Some(self.cert.clone())).map_err(|err| {
                failed(
                    cluster,
                    Fault::Login,
                    Code::Unauthenticated,
                    err.to_string(),
                )
            })?;
        // Such servers choose no protocol for it, as Go's do (transport.md 3.3).
        let service = Service::new(config, &self.sni).without_protocol();
        let stream = Box::pin(self.route.connect(&service, DIAL_DEADLINE))
            .await
            .map_err(|err| lost(err.to_string()))?;
        tokio::time::timeout(ASK, get_over(stream, cluster, path))
            .await
            .map_err(|_| lost(format!("no answer within {} s", ASK.as_secs())))?
    }
}

async fn get_over<S>(stream: S, cluster: &str, path: &str) -> Result<Bytes, ApiError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let lost = |err: hyper::Error| {
        failed(
            cluster,
            Fault::Unreachable,
            Code::Unavailable,
            err.to_string(),
        )
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(lost)?;
    // Ends with the answer, or when both halves are dropped; its failure shows in the answer too.
    let driver = tokio::spawn(connection);
    let request = Request::get(path)
        .header(HOST, "teleport.cluster.local")
        .body(Empty::<Bytes>::new())
        .map_err(|err| ApiError::bad_answer(cluster, err.to_string()))?;
    let answer = sender.send_request(request).await.map_err(lost)?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), MAX_ANSWER)
        .collect()
        .await
        .map_err(|err| {
            if err.is::<LengthLimitError>() {
                let text = format!("the list is larger than {MAX_ANSWER} bytes");
                failed(cluster, Fault::TooLarge, Code::ResourceExhausted, text)
            } else {
                failed(
                    cluster,
                    Fault::Unreachable,
                    Code::Unavailable,
                    err.to_string(),
                )
            }
        })?
        .to_bytes();
    driver.abort();
    if status == StatusCode::OK {
        return Ok(body);
    }
    Err(refused(cluster, path, status, &body))
}

/// What a refusal means.
fn refused(cluster: &str, path: &str, status: StatusCode, body: &[u8]) -> ApiError {
    let text = serde_json::from_slice::<Refusal>(body).map_or_else(
        |_| format!("{path}: HTTP status {status}"),
        |refusal| refusal.error.message,
    );
    let (fault, code) = match status {
        StatusCode::NOT_FOUND => (Fault::Unimplemented, Code::Unimplemented),
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => (Fault::Denied, Code::PermissionDenied),
        StatusCode::TOO_MANY_REQUESTS => (Fault::RateLimited, Code::ResourceExhausted),
        _ => (Fault::Other, Code::Unknown),
    };
    failed(cluster, fault, code, text)
}

/// The body of a refusal (login.md 1.3).
#[derive(Deserialize)]
struct Refusal {
    error: RefusalText,
}

#[derive(Deserialize)]
struct RefusalText {
    message: String,
}

fn failed(cluster: &str, fault: Fault, code: Code, text: String) -> ApiError {
    ApiError {
        cluster: cluster.to_owned(),
        fault,
        code,
        text,
    }
}
