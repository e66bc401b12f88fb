//! HTTPS to identity providers: bounded in time and size, without redirects.

use std::sync::OnceLock;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

use super::super::outgoing::{self, innermost};

/// How long a provider may take for one answer.
const ASK: Duration = Duration::from_secs(15);
/// Largest answer, bytes.
const MAX_ANSWER: usize = 1 << 20;

/// Sends requests to providers. Trusts the authorities of the system, or those of `SSL_CERT_FILE`; goes through the proxies of
/// the environment.
#[derive(Debug, Default)]
pub(super) struct Http(OnceLock<Result<reqwest::Client, String>>);

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
    /// Whether it says that it is a signed token, and no JSON.
    pub(super) signed: bool,
}

/// What proves who asks.
#[derive(Clone, Copy)]
pub(super) enum Proof<'a> {
    Nothing,
    /// `Authorization: KIND VALUE`.
    Header(&'a str, &'a str),
}

impl Http {
    /// Asks for what lies at `url`, or sends `form` there. The error is what happened, and no part of the request.
    pub(super) async fn ask(
        &self,
        url: &str,
        proof: Proof<'_>,
        form: Option<String>,
    ) -> Result<Answer, String> {
        let client = self.0.get_or_init(|| outgoing::client([])).clone()?;
        let broken = |error: reqwest::Error| innermost(&error);
        let mut request = match form {
            None => client.get(url),
            Some(form) => client
                .post(url)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form),
        };
        if let Proof::Header(kind, value) = proof {
            let mut header = HeaderValue::try_from(format!("{kind} {value}"))
                .map_err(|_| "the proof of who asks is no header".to_owned())?;
            header.set_sensitive(true);
            request = request.header(AUTHORIZATION, header);
        }
        let request = request.header(ACCEPT, "application/json").timeout(ASK);
        let answer = request.send().await.map_err(broken)?;
        let kind = answer.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let (status, signed) = (answer.status(), kind.starts_with("application/jwt"));
        let body = outgoing::body(answer, MAX_ANSWER).await?;
        Ok(Answer {
            status,
            body,
            signed,
        })
    }
}
