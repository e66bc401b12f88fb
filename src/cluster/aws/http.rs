//! HTTPS to AWS, and what else reading credentials needs: files and the programs that profiles name.

use std::fmt;
use std::process::Stdio;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use reqsign_core::{CommandExecute, CommandOutput, Env, Error, FileRead, HttpSend};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::super::outgoing::{self, innermost};

/// How long AWS may take for one answer.
const ASK: Duration = Duration::from_secs(20);
/// How long a link-local service of the machine may take: on a machine without one nothing answers.
const LOCAL: Duration = Duration::from_secs(2);
/// Largest answer, bytes: bundles of authorities are some 200 kB.
const MAX_ANSWER: usize = 4 << 20;
/// How long a program of a profile may take: it may ask a person.
const PROGRAM: Duration = Duration::from_secs(60);

/// Sends requests to AWS. Clones share connections.
#[derive(Clone)]
pub(super) struct Http {
    env: Arc<dyn Env>,
    client: Arc<OnceLock<Result<reqwest::Client, String>>>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

impl Http {
    pub(super) fn new(env: Arc<dyn Env>) -> Self {
        Self {
            env,
            client: Arc::default(),
        }
    }

    /// The endpoint that the environment names for a service, without a slash at its end.
    pub(super) fn endpoint(&self, service: &str) -> Option<String> {
        let ignored = self
            .env
            .var("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if ignored {
            return None;
        }
        [&format!("AWS_ENDPOINT_URL_{service}"), "AWS_ENDPOINT_URL"]
            .into_iter()
            .find_map(|name| self.env.var(name).filter(|value| !value.is_empty()))
            .map(|url| url.trim_end_matches('/').to_owned())
    }

    /// One request. The error is a text that names the host and what happened, and no more of the request.
    pub(super) async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, String> {
        let client = self.client.get_or_init(|| self.build()).clone()?;
        let request = self.redirected(request)?;
        let host = request.uri().host().unwrap_or_default().to_owned();
        let limit = if host == "169.254.169.254" || host == "[fd00:ec2::254]" {
            LOCAL
        } else {
            ASK
        };
        let broken = |error: reqwest::Error| format!("{host}: {}", innermost(&error));
        let mut request = reqwest::Request::try_from(request).map_err(broken)?;
        *request.timeout_mut() = Some(limit);
        let answer = client.execute(request).await.map_err(broken)?;
        let mut response = http::Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        let body = outgoing::body(answer, MAX_ANSWER)
            .await
            .map_err(|error| format!("{host}: {error}"))?;
        response
            .body(body.into())
            .map_err(|error| error.to_string())
    }

    /// Requests of the library to STS go where the environment says. The signature stays that of the real host, whose
    /// name stays in the Host header.
    fn redirected(
        &self,
        mut request: http::Request<Bytes>,
    ) -> Result<http::Request<Bytes>, String> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        if !(host.starts_with("sts.") && host.contains(".amazonaws.com")) {
            return Ok(request);
        }
        let Some(endpoint) = self.endpoint("STS") else {
            return Ok(request);
        };
        let rest = request
            .uri()
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        *request.uri_mut() = format!("{endpoint}{rest}")
            .parse()
            .map_err(|error| format!("AWS_ENDPOINT_URL_STS: {error}"))?;
        let host = host.parse().map_err(|_| "a host name".to_owned())?;
        request.headers_mut().insert(http::header::HOST, host);
        Ok(request)
    }

    fn build(&self) -> Result<reqwest::Client, String> {
        let mut more = Vec::new();
        if let Some(path) = self.env.var("AWS_CA_BUNDLE") {
            let pem =
                std::fs::read(&path).map_err(|error| format!("AWS_CA_BUNDLE {path}: {error}"))?;
            more.extend(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok));
        }
        outgoing::client(more)
    }
}

impl HttpSend for Http {
    async fn http_send(
        &self,
        request: http::Request<Bytes>,
    ) -> reqsign_core::Result<http::Response<Bytes>> {
        self.send(request).await.map_err(Error::unexpected)
    }
}

/// Reads credential files.
#[derive(Debug)]
pub(super) struct Files;

impl FileRead for Files {
    async fn file_read(&self, path: &str) -> reqsign_core::Result<Vec<u8>> {
        tokio::fs::read(path)
            .await
            .map_err(|error| Error::unexpected(format!("{path}: {error}")))
    }
}

/// Runs the `credential_process` of a profile.
#[derive(Debug)]
pub(super) struct Programs;

impl CommandExecute for Programs {
    async fn command_execute<'a>(
        &'a self,
        program: &'a str,
        args: &'a [&'a str],
    ) -> reqsign_core::Result<CommandOutput> {
        let run = tokio::process::Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let done = tokio::time::timeout(PROGRAM, run)
            .await
            .map_err(|_| Error::unexpected(format!("{program} takes too long")))?
            .map_err(|error| Error::unexpected(format!("{program}: {error}")))?;
        Ok(CommandOutput {
            status: done.status.code().unwrap_or(-1),
            stdout: done.stdout,
            stderr: done.stderr,
        })
    }
}
