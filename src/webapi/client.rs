//! One kept-alive HTTP/1.1 connection to a proxy's web port.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, DATE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::console::{Console, ConsoleAnswer};
use super::error::WebError;
use super::types::{Begin, Challenge, ErrorBody, Finish, LoginAnswer, Motd, Ping};
use crate::transport::clock::parse_date;
use crate::transport::exchange::{server_of, status_text};
use crate::transport::route::Route;

/// Time for TCP and TLS.
const CONNECT: Duration = Duration::from_secs(10);
/// Time for a question.
const ASK: Duration = Duration::from_secs(20);
/// Time for a login step: the server hashes passwords, and an external store may be slow.
const LOGIN: Duration = Duration::from_secs(60);
/// More than any answer needs.
const MAX_ANSWER: usize = 4 << 20;

type Sender = SendRequest<Full<Bytes>>;

/// A client of one proxy. Requests one after the other share a connection, those of clones too.
#[derive(Clone, Debug)]
pub struct Client {
    route: Route,
    open: Arc<tokio::sync::Mutex<Option<Sender>>>,
    date: Arc<Mutex<Option<i64>>>,
}

/// What came back: status, headers, body.
struct Answered {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Client {
    /// Makes a client for the proxy at the end of `route`; nothing is sent yet.
    ///
    /// # Errors
    /// [`WebError::Address`] for an address that cannot stand in a URL.
    pub fn new(route: Route) -> Result<Self, WebError> {
        let addr = route.proxy();
        // What looks like a user name in the address is not what anybody meant.
        let plain = addr
            .parse::<http::uri::Authority>()
            .is_ok_and(|parsed| !parsed.as_str().contains('@') && parsed.port_u16().is_some());
        if !plain || !addr.is_ascii() {
            return Err(WebError::Address(addr.to_owned()));
        }
        Ok(Self {
            route,
            open: Arc::default(),
            date: Arc::default(),
        })
    }

    /// `host:port`.
    pub fn addr(&self) -> &str {
        self.route.proxy()
    }

    /// The way there.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// The server's clock in its last answer, unix seconds.
    pub fn server_time(&self) -> Option<i64> {
        *self.date.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `GET /webapi/ping`, or that of a named connector.
    ///
    /// # Errors
    /// [`WebError`].
    pub async fn ping(&self, connector: Option<&str>) -> Result<Ping, WebError> {
        let path = connector.map_or_else(
            || "/webapi/ping".to_owned(),
            |name| {
                format!(
                    "/webapi/ping/{}",
                    utf8_percent_encode(name, NON_ALPHANUMERIC)
                )
            },
        );
        let ping: Ping = self.get(&path).await?;
        if ping.cluster_name.is_empty() {
            let message = "no cluster name".to_owned();
            return Err(WebError::Decode {
                addr: self.addr().to_owned(),
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
        self.get("/webapi/motd").await.map(|motd: Motd| motd.text)
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

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, WebError> {
        self.send(
            path,
            self.request(Method::GET, path, Bytes::new(), &[])?,
            ASK,
        )
        .await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, WebError> {
        let body = serde_json::to_vec(body).map_err(|err| self.broken(err.to_string()))?;
        let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = self.request(Method::POST, path, body.into(), &[json])?;
        self.send(path, request, LOGIN).await
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        headers: &[(HeaderName, HeaderValue)],
    ) -> Result<Request<Full<Bytes>>, WebError> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.addr())
            .header(USER_AGENT, concat!("postern/", env!("CARGO_PKG_VERSION")))
            .header(ACCEPT, "*/*");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request
            .body(Full::new(body))
            .map_err(|err| self.broken(err.to_string()))
    }

    async fn send<T: DeserializeOwned>(
        &self,
        path: &str,
        request: Request<Full<Bytes>>,
        limit: Duration,
    ) -> Result<T, WebError> {
        let late = || WebError::Timeout {
            addr: self.addr().to_owned(),
        };
        let Answered {
            status,
            headers,
            body,
        } = timeout(limit, self.answer(path, request))
            .await
            .map_err(|_| late())??;
        let date = headers.get(DATE).and_then(|v| parse_date(v.to_str().ok()?));
        *self.date.lock().unwrap_or_else(PoisonError::into_inner) = date;
        if !(200..300).contains(&status) {
            let server = server_of(&headers);
            return Err(status_error(self.addr(), status, &body, server.as_deref()));
        }
        serde_json::from_slice(&body).map_err(|e| self.undecodable(path, e.to_string()))
    }

    /// Sends a request on the connection there is, or a new one. It is sent again only when it surely was not sent before:
    /// the server may have closed a connection that nobody used for a while.
    async fn answer(
        &self,
        path: &str,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Answered, WebError> {
        let extra = self.route.extra_headers();
        extra.fill(self.addr(), request.headers_mut());
        let mut open = self.open.lock().await;
        let mut kept = open.take();
        loop {
            let reused = kept.is_some();
            let mut sender = match kept.take() {
                Some(sender) => sender,
                None => self.dial().await?,
            };
            let response = match sender.try_send_request(request).await {
                Ok(response) => response,
                Err(mut error) => match error.take_message() {
                    Some(unsent) if reused => {
                        request = unsent;
                        continue;
                    }
                    _ => return Err(self.broken(words(error.error()))),
                },
            };
            let answered = self.read(path, response).await?;
            *open = Some(sender).filter(|sender| !sender.is_closed());
            return Ok(answered);
        }
    }

    async fn dial(&self) -> Result<Sender, WebError> {
        let tls = Box::pin(self.route.connect_web(&["http/1.1"], CONNECT))
            .await
            .map_err(|error| WebError::from_dial(self.addr(), error))?;
        let (sender, connection) = http1::handshake(TokioIo::new(tls))
            .await
            .map_err(|err| self.broken(words(&err)))?;
        // Ends with its sender, or when the server closes; what went wrong is told to the sender.
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn read(&self, path: &str, response: Response<Incoming>) -> Result<Answered, WebError> {
        let (head, body) = response.into_parts();
        let collected = Limited::new(body, MAX_ANSWER).collect().await;
        let body = collected.map_err(|err| {
            if err.is::<LengthLimitError>() {
                return self.undecodable(path, format!("more than {MAX_ANSWER} bytes"));
            }
            let text = err.downcast_ref().map_or_else(|| err.to_string(), words);
            self.broken(text)
        })?;
        Ok(Answered {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.to_bytes().into(),
        })
    }

    fn broken(&self, message: String) -> WebError {
        WebError::Broken {
            addr: self.addr().to_owned(),
            message,
        }
    }

    fn undecodable(&self, path: &str, message: String) -> WebError {
        WebError::Decode {
            addr: self.addr().to_owned(),
            path: path.to_owned(),
            message,
        }
    }
}

/// What hyper says of a connection, without its wrappings.
fn words(error: &hyper::Error) -> String {
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return "it closed the connection before it answered".to_owned();
    }
    if error.is_parse() {
        return "what it answered is no HTTP".to_owned();
    }
    let mut innermost = error as &dyn std::error::Error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// Reads a refusal: `error.message`, else `message`, else the raw body (login.md 1.3). `server` tells who answered, where it
/// was not the proxy itself, which does not say.
pub(super) fn status_error(addr: &str, status: u16, body: &[u8], server: Option<&str>) -> WebError {
    let message = serde_json::from_slice::<ErrorBody>(body)
        .ok()
        .and_then(ErrorBody::text)
        .unwrap_or_else(|| {
            let raw = String::from_utf8_lossy(body);
            let first = raw.trim().lines().next().unwrap_or_default();
            // A page of HTML helps nobody.
            let status = status_text(status, server);
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
