//! HTTPS to identity providers: bounded in time and size, without redirects.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use rustls::{ClientConfig, RootCertStore};

/// How long a provider may take for one answer.
const ASK: Duration = Duration::from_secs(15);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
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
        let client = self.0.get_or_init(build).clone()?;
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
        let mut answer = request.send().await.map_err(broken)?;
        let kind = answer.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let (status, signed) = (answer.status(), kind.starts_with("application/jwt"));
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(format!("an answer of more than {MAX_ANSWER} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status,
            body,
            signed,
        })
    }
}

fn build() -> Result<reqwest::Client, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("postern-cluster/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .build()
        .map_err(|error| innermost(&error))
}

/// The last cause, which is what happened; those before it repeat the URL.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}
