//! Where the browser brings the answer of a single sign-on: a small HTTP server on this computer, for as long as one login
//! takes (login.md 6.2, 6.5, 6.6).
//!
//! Only what was sealed for this login ends the wait. Whatever else comes is sent to the cluster's page for failures and
//! changes nothing, so that a stray request, of whichever program, cannot spoil a login.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION,
    REFERRER_POLICY,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use url::Url;

use super::error::LoginError;
use crate::webapi::SecretKey;
use crate::webapi::types::LoginAnswer;

/// Open connections at a time; a browser needs a handful.
const CONNECTIONS: usize = 32;
/// For the head of a request.
const HEAD: Duration = Duration::from_secs(10);
/// For the last answer on its way to the browser.
const FLUSH: Duration = Duration::from_secs(5);
/// Largest body; a sealed answer has about 8 KiB.
const MAX_BODY: usize = 1 << 20;

/// Where to listen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listen {
    /// `host:port`; a free port on loopback without.
    pub bind: Option<String>,
    /// The address by which the browser gets there, when that is another one: a URL, or `host:port` for HTTPS.
    pub public: Option<String>,
}

/// Where the browser is sent first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// To this address.
    Address(String),
    /// To a page that sends its form.
    Page(Vec<u8>),
}

/// A place on this computer where the browser can bring an answer.
#[derive(Debug)]
pub struct Callback {
    listener: TcpListener,
    at: SocketAddr,
    base: Url,
    path: String,
    secret: SecretKey,
}

/// What came that is for this login.
enum Came {
    /// The opened answer; whether it was good is told to the browser.
    Answer(LoginAnswer, oneshot::Sender<bool>),
    /// The text of a refusal.
    Refused(String),
}

struct Shared {
    path: String,
    secret: SecretKey,
    start: Start,
    /// `https://host:port` of the proxy.
    proxy: String,
    came: mpsc::Sender<Came>,
    strays: AtomicUsize,
}

impl Callback {
    /// Begins to listen; connections wait until [`super::Away::wait`].
    ///
    /// # Errors
    /// [`LoginError::Listen`], [`LoginError::CallbackAddress`].
    pub async fn open(listen: &Listen) -> Result<Self, LoginError> {
        let listener = match &listen.bind {
            Some(bind) => TcpListener::bind(bind.as_str()).await,
            None => match TcpListener::bind("127.0.0.1:0").await {
                Ok(listener) => Ok(listener),
                // A computer without IPv4.
                Err(_) => TcpListener::bind("[::1]:0").await,
            },
        };
        let failed = |e: std::io::Error| LoginError::Listen {
            addr: listen
                .bind
                .clone()
                .unwrap_or_else(|| "127.0.0.1".to_owned()),
            message: e.to_string(),
        };
        let listener = listener.map_err(failed)?;
        let at = listener.local_addr().map_err(failed)?;
        let base = match &listen.public {
            None => Url::parse(&format!("http://{at}"))
                .map_err(|_| LoginError::CallbackAddress(at.to_string()))?,
            Some(public) => public_base(public)?,
        };
        Ok(Self {
            listener,
            at,
            base,
            path: format!("/{}", random_id()),
            secret: SecretKey::generate(),
        })
    }

    /// The address that listens.
    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// The address by which the browser gets here.
    pub fn base(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    /// Whether that address leads to this computer whoever opens it, and not through another one.
    pub fn comes_back_here(&self) -> bool {
        match self.base.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(ip)) => ip.is_loopback() || IpAddr::V4(ip) == self.at.ip(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback() || IpAddr::V6(ip) == self.at.ip(),
            None => false,
        }
    }

    /// What the cluster is told: where to send the browser, and how to seal what it carries.
    pub(super) fn redirect_url(&self) -> String {
        let mut url = self.base.clone();
        url.set_path("/callback");
        url.set_query(Some(&format!("secret_key={}", self.secret.hex().as_str())));
        url.into()
    }

    /// What a person opens: a short address here that leads to the identity provider.
    pub fn link(&self) -> String {
        let mut url = self.base.clone();
        let nowhere = url.host_str().is_some_and(|host| {
            host.trim_matches(['[', ']'])
                .parse::<IpAddr>()
                .is_ok_and(|ip| ip.is_unspecified() || ip.is_multicast())
        });
        if nowhere {
            // An address always can be another address.
            let _ = url.set_ip_host(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        url.set_path(&self.path);
        url.into()
    }

    /// Serves until an answer for this login comes and `check` has looked at it; then tells the browser how it went, and lets
    /// go of the port.
    ///
    /// # Errors
    /// [`LoginError::Refused`], [`LoginError::NoCallback`] after `patience`, and those of `check`.
    pub(super) async fn wait<T>(
        self,
        start: Start,
        proxy: &str,
        patience: Duration,
        check: impl FnOnce(&LoginAnswer) -> Result<T, LoginError>,
    ) -> Result<T, LoginError> {
        let (give, mut take) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            path: self.path,
            secret: self.secret,
            start,
            proxy: format!("https://{proxy}"),
            came: give,
            strays: AtomicUsize::new(0),
        });
        let (end, ended) = watch::channel(());
        let mut connections = JoinSet::new();
        let deadline = tokio::time::sleep(patience);
        tokio::pin!(deadline);
        let listener = self.listener;
        let came = loop {
            tokio::select! {
                came = take.recv() => break came,
                () = &mut deadline => break None,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept(), if connections.len() < CONNECTIONS => {
                    // A connection that broke before it was taken is nobody's loss.
                    if let Ok((stream, _)) = accepted {
                        connections.spawn(serve(stream, Arc::clone(&shared), ended.clone()));
                    }
                }
            }
        };
        drop(listener);
        take.close();
        let result = match came {
            None => Err(LoginError::NoCallback {
                seconds: patience.as_secs(),
                strays: shared.strays.load(Ordering::Relaxed),
            }),
            Some(Came::Refused(message)) => Err(LoginError::Refused {
                proxy: proxy.to_owned(),
                message,
            }),
            Some(Came::Answer(answer, verdict)) => {
                let result = check(&answer);
                // A browser that left meanwhile has seen enough.
                let _ = verdict.send(result.is_ok());
                result
            }
        };
        // Idle connections end at once, the last answer is let through.
        drop(end);
        let _ = tokio::time::timeout(FLUSH, async {
            while connections.join_next().await.is_some() {}
        })
        .await;
        result
    }
}

/// The base of a public address as the user gives it.
fn public_base(public: &str) -> Result<Url, LoginError> {
    let bad = || LoginError::CallbackAddress(public.to_owned());
    let text = if public.contains("://") {
        public.to_owned()
    } else {
        format!("https://{public}")
    };
    let url = Url::parse(&text).map_err(|_| bad())?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    if plain { Ok(url) } else { Err(bad()) }
}

/// A random UUID, version 4.
fn random_id() -> String {
    use ring::rand::{SecureRandom, SystemRandom};
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the operating system gives random numbers");
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let number = u128::from_be_bytes(bytes);
    let hex = format!("{number:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, mut ended: watch::Receiver<()>) {
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(&shared, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        // What a browser does to its connections is its own business.
        _ = &mut connection => return,
        _ = ended.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> Response<Full<Bytes>> {
    match request.uri().path() {
        path if path == shared.path && matches!(*request.method(), Method::GET | Method::HEAD) => {
            match &shared.start {
                Start::Address(address) => redirect(address),
                Start::Page(html) => {
                    let mut page = Response::new(Full::from(html.clone()));
                    let html = HeaderValue::from_static("text/html; charset=utf-8");
                    page.headers_mut().insert(CONTENT_TYPE, html);
                    private(page)
                }
            }
        }
        "/callback" => {
            let mut response = callback(shared, request).await;
            let headers = response.headers_mut();
            // Newer clusters may send the answer from a page of theirs.
            headers.insert(ALLOW, HeaderValue::from_static("GET, OPTIONS, POST"));
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            response
        }
        _ => empty(StatusCode::NOT_FOUND),
    }
}

async fn callback(shared: &Shared, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let mut fields = query(request.uri().query().unwrap_or_default());
    match *request.method() {
        Method::GET => {}
        Method::OPTIONS => return empty(StatusCode::OK),
        Method::POST => {
            let Ok(body) = Limited::new(request.into_body(), MAX_BODY).collect().await else {
                return empty(StatusCode::PAYLOAD_TOO_LARGE);
            };
            fields.extend(query(&String::from_utf8_lossy(&body.to_bytes())));
        }
        _ => return empty(StatusCode::METHOD_NOT_ALLOWED),
    }
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, v)| v);
    let good = match (field("err"), field("response")) {
        (Some(text), _) if field("secret_key").is_some_and(|key| *key == *shared.secret.hex()) => {
            // Nobody listens any more once an answer has come.
            let _ = shared.came.send(Came::Refused(text.clone())).await;
            false
        }
        (None, Some(sealed)) => match shared.secret.open(sealed) {
            Ok(answer) => {
                let (verdict, told) = oneshot::channel();
                let _ = shared.came.send(Came::Answer(answer, verdict)).await;
                told.await.unwrap_or(false)
            }
            Err(_) => stray(shared),
        },
        _ => stray(shared),
    };
    let page = if good {
        "/web/msg/info/login_success"
    } else {
        "/web/msg/error/login"
    };
    redirect(&format!("{}{page}", shared.proxy))
}

fn stray(shared: &Shared) -> bool {
    shared.strays.fetch_add(1, Ordering::Relaxed);
    false
}

/// Decodes what a form sends.
fn query(text: &str) -> Vec<(String, String)> {
    let Ok(mut url) = Url::parse("http://localhost/") else {
        return Vec::new();
    };
    url.set_query(Some(text));
    url.query_pairs().into_owned().collect()
}

fn redirect(to: &str) -> Response<Full<Bytes>> {
    let Ok(to) = HeaderValue::from_str(to) else {
        return empty(StatusCode::BAD_GATEWAY);
    };
    let mut response = empty(StatusCode::FOUND);
    response.headers_mut().insert(LOCATION, to);
    response
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    private(response)
}

/// Addresses here carry secrets; nobody keeps them or passes them on.
fn private(mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
