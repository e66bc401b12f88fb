//! One kept-alive HTTP/1.1 connection to a proxy's web port.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::console::{Console, ConsoleAnswer};
use super::error::{ResolveFailed, WebError};
use super::types::{Begin, Challenge, ErrorBody, Finish, LoginAnswer, Motd, Ping};
use crate::transport::trust::Trust;

/// Time for TCP and TLS.
const CONNECT: Duration = Duration::from_secs(10);
/// Time for a question.
const ASK: Duration = Duration::from_secs(20);
/// Time for a login step: the server hashes passwords, and an external store may be slow.
const LOGIN: Duration = Duration::from_secs(60);
/// More than any answer needs.
const MAX_ANSWER: usize = 4 << 20;

/// A client of one proxy. Requests one after the other share a connection.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    addr: String,
    date: Arc<Mutex<Option<i64>>>,
}

impl Client {
    /// Makes a client for `host:port`; nothing is sent yet. HTTP proxies of the environment are not used: the connections
    /// to databases could not use them either.
    ///
    /// # Errors
    /// [`WebError::Trust`], [`WebError::Address`].
    pub fn new(addr: &str, trust: &Trust) -> Result<Self, WebError> {
        let tls = trust.web_config(&["http/1.1"], None)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("postern/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(Duration::from_secs(600))
            .dns_resolver(SystemResolver)
            .build()
            .map_err(|e| WebError::from_reqwest(addr, &e))?;
        let client = Self {
            http,
            addr: addr.to_owned(),
            date: Arc::default(),
        };
        client.url("/")?;
        Ok(client)
    }

    /// `host:port`.
    pub fn addr(&self) -> &str {
        &self.addr
    }

    /// The server's clock in its last answer, unix seconds.
    pub fn server_time(&self) -> Option<i64> {
        *self
            .date
            .lock()
            .expect("nobody panics while holding a number")
    }

    /// `GET /webapi/ping`, or that of a named connector.
    ///
    /// # Errors
    /// [`WebError`].
    pub async fn ping(&self, connector: Option<&str>) -> Result<Ping, WebError> {
        let mut url = self.url("/webapi/ping")?;
        if let Some(name) = connector {
            url.path_segments_mut().expect("https has paths").push(name);
        }
        let path = url.path().to_owned();
        let ping: Ping = self.send(&path, self.http.get(url), ASK).await?;
        if ping.cluster_name.is_empty() {
            let message = "no cluster name".to_owned();
            return Err(WebError::Decode {
                addr: self.addr.clone(),
                path,
                message,
            });
        }
        Ok(ping)
    }

    /// `GET /webapi/motd`: the message of the day, maybe empty.
    ///
    /// # Errors
    /// [`WebError`].
    pub async fn motd(&self) -> Result<String, WebError> {
        let path = "/webapi/motd";
        self.send(path, self.http.get(self.url(path)?), ASK)
            .await
            .map(|motd: Motd| motd.text)
    }

    /// `POST /webapi/mfa/login/begin`: checks the password, tells what else is needed.
    ///
    /// # Errors
    /// [`WebError::Status`] 403 for anything wrong with user or password.
    pub async fn login_begin(&self, user: &str, password: &str) -> Result<Challenge, WebError> {
        self.post(
            "/webapi/mfa/login/begin",
            &Begin {
                user,
                pass: password,
                passwordless: false,
            },
        )
        .await
    }

    /// `POST /webapi/mfa/login/finish`: gets the certificate.
    ///
    /// # Errors
    /// [`WebError::Status`] with the texts of login.md 3.4.
    pub async fn login_finish(&self, request: &Finish<'_>) -> Result<LoginAnswer, WebError> {
        self.post("/webapi/mfa/login/finish", request).await
    }

    /// `POST /webapi/<kind>/login/console`: begins a single sign-on. `kind`: `github`, `oidc` or `saml`.
    ///
    /// # Errors
    /// [`WebError::Status`] with the texts of login.md 6.3.
    pub async fn console(
        &self,
        kind: &str,
        request: &Console<'_>,
    ) -> Result<ConsoleAnswer, WebError> {
        self.post(&format!("/webapi/{kind}/login/console"), request)
            .await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, WebError> {
        self.send(path, self.http.post(self.url(path)?).json(body), LOGIN)
            .await
    }

    fn url(&self, path: &str) -> Result<reqwest::Url, WebError> {
        let bad = || WebError::Address(self.addr.clone());
        let url =
            reqwest::Url::parse(&format!("https://{}{path}", self.addr)).map_err(|_| bad())?;
        // What looks like a user name or a path in the address is not what anybody meant.
        let plain = url.username().is_empty()
            && url.path() == path
            && url.query().is_none()
            && url.fragment().is_none();
        if plain { Ok(url) } else { Err(bad()) }
    }

    async fn send<T: DeserializeOwned>(
        &self,
        path: &str,
        request: reqwest::RequestBuilder,
        limit: Duration,
    ) -> Result<T, WebError> {
        let broken = |e: reqwest::Error| WebError::from_reqwest(&self.addr, &e);
        let mut response = request.timeout(limit).send().await.map_err(broken)?;
        let date = response
            .headers()
            .get(reqwest::header::DATE)
            .and_then(|v| parse_date(v.to_str().ok()?));
        *self
            .date
            .lock()
            .expect("nobody panics while holding a number") = date;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                let message = format!("more than {MAX_ANSWER} bytes");
                return Err(WebError::Decode {
                    addr: self.addr.clone(),
                    path: path.to_owned(),
                    message,
                });
            }
        }
        if status.as_u16() >= 300 || status.as_u16() < 200 {
            return Err(status_error(&self.addr, status.as_u16(), &body));
        }
        serde_json::from_slice(&body).map_err(|e| WebError::Decode {
            addr: self.addr.clone(),
            path: path.to_owned(),
            message: e.to_string(),
        })
    }
}

/// Reads a refusal: `error.message`, else `message`, else the raw body (login.md 1.3).
pub(super) fn status_error(addr: &str, status: u16, body: &[u8]) -> WebError {
    let message = serde_json::from_slice::<ErrorBody>(body)
        .ok()
        .and_then(ErrorBody::text)
        .unwrap_or_else(|| {
            let raw = String::from_utf8_lossy(body);
            let first = raw.trim().lines().next().unwrap_or_default();
            // A page of HTML helps nobody.
            if first.is_empty() || first.starts_with('<') || first.len() > 200 {
                format!("HTTP status {status}")
            } else {
                format!("HTTP status {status}: {first}")
            }
        });
    WebError::Status {
        addr: addr.to_owned(),
        status,
        message,
    }
}

/// Reads an HTTP date.
pub(super) fn parse_date(text: &str) -> Option<i64> {
    // RFC 2822 with its obsolete zone "GMT" is what HTTP sends.
    OffsetDateTime::parse(text, &Rfc2822)
        .ok()
        .map(OffsetDateTime::unix_timestamp)
}

/// The system's resolver, with errors that can be told from others.
#[derive(Debug)]
struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0))
                .await
                .map_err(|e| ResolveFailed(e.to_string()))?
                .collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
