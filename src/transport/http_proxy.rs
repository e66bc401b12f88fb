//! HTTP proxies on the way to the cluster: their addresses, and the request CONNECT (transport.md 6).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{HOST, PROXY_AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Request, Uri};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use super::IoStream;
use super::dial::DialError;
use super::exchange::{Answer, Exchanged, exchange};

/// An HTTP proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpProxy {
    addr: String,
    tls: bool,
    credentials: Option<Zeroizing<String>>,
}

/// Prints no password.
impl fmt::Debug for HttpProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpProxy")
            .field("addr", &self.addr)
            .field("tls", &self.tls)
            .field("credentials", &self.credentials.as_ref().map(|_| "****"))
            .finish()
    }
}

/// What was wrong with an HTTP proxy.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ProxyFault {
    /// The variable's value is no address of one. The value is not repeated, it may hold a password.
    #[error("the value of {variable} is no address of an HTTP proxy: {why}")]
    Setting {
        /// Name of the variable.
        variable: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// It cannot be reached itself.
    #[error("{0}")]
    Unreachable(Box<DialError>),
    /// It wants a user name and password, and none are set; or it refuses them.
    #[error("it {} (407)", if *.sent { "refuses the user name and password it was given" } else { "asks for a user name and password" })]
    Credentials {
        /// Whether some were sent.
        sent: bool,
    },
    /// It refused to connect to the cluster.
    #[error("it refuses to connect to {target}: {status}")]
    Refused {
        /// `host:port` asked for.
        target: String,
        /// Status code and reason.
        status: String,
    },
    /// It could not connect to the cluster.
    #[error("it cannot connect to {target}: {status}")]
    Bad {
        /// `host:port` asked for.
        target: String,
        /// Status code and reason.
        status: String,
    },
    /// It closed the connection, or answered no HTTP.
    #[error("it did not answer as an HTTP proxy does: {0}")]
    NotHttp(String),
}

impl HttpProxy {
    /// Reads the value of a variable: `http://host:port`, `https://user:password@host:port`, or `host:port`.
    ///
    /// # Errors
    /// [`ProxyFault::Setting`].
    pub fn parse(variable: &'static str, value: &str) -> Result<Self, ProxyFault> {
        let wrong = |why: &str| ProxyFault::Setting {
            variable,
            why: why.to_owned(),
        };
        let value = value.trim();
        let with_scheme = if value.contains("://") {
            value.to_owned()
        } else {
            format!("http://{value}")
        };
        let uri: Uri = with_scheme
            .trim_end_matches('/')
            .parse()
            .map_err(|_| wrong("expected http://HOST:PORT"))?;
        let (tls, default_port) = match uri.scheme_str() {
            Some("http") => (false, 80),
            Some("https") => (true, 443),
            Some("socks5" | "socks5h") => {
                return Err(wrong(
                    "SOCKS proxies are not supported; name an HTTP proxy, or use a tunnel of ssh: ssh -L",
                ));
            }
            Some(other) => return Err(wrong(&format!("the scheme {other} is not supported"))),
            None => return Err(wrong("expected http://HOST:PORT")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("it has no host"))?;
        if authority.host().is_empty() {
            return Err(wrong("it has no host"));
        }
        let port = authority.port_u16().unwrap_or(default_port);
        let credentials = authority
            .as_str()
            .rsplit_once('@')
            .map(|(userinfo, _)| decoded(userinfo));
        Ok(Self {
            addr: format!("{}:{port}", authority.host()),
            tls,
            credentials,
        })
    }

    /// `host:port`.
    pub fn addr(&self) -> &str {
        &self.addr
    }

    /// Whether the connection to it is TLS itself.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Has the proxy, to which `stream` leads, connect to `target` (`host:port`).
    ///
    /// # Errors
    /// [`ProxyFault`].
    pub async fn connect<S: IoStream + 'static>(
        &self,
        stream: S,
        target: &str,
    ) -> Result<Exchanged, ProxyFault> {
        let request = self
            .request(target)
            .map_err(|err| ProxyFault::NotHttp(err.to_string()))?;
        match exchange(stream, request).await {
            Ok(Answer::Switched(switched)) => Ok(switched.stream),
            Ok(Answer::Refused(refusal)) => Err(match refusal.code {
                407 => ProxyFault::Credentials {
                    sent: self.credentials.is_some(),
                },
                500..=599 => ProxyFault::Bad {
                    target: target.to_owned(),
                    status: refusal.status(),
                },
                _ => ProxyFault::Refused {
                    target: target.to_owned(),
                    status: refusal.status(),
                },
            }),
            Err(text) => Err(ProxyFault::NotHttp(text)),
        }
    }

    fn request(&self, target: &str) -> Result<Request<String>, http::Error> {
        let mut request = Request::connect(target)
            .header(HOST, target)
            .header(USER_AGENT, concat!("postern/", env!("CARGO_PKG_VERSION")));
        if let Some(credentials) = &self.credentials {
            let mut value = HeaderValue::try_from(format!(
                "Basic {}",
                STANDARD.encode(credentials.as_bytes())
            ))?;
            value.set_sensitive(true);
            request = request.header(PROXY_AUTHORIZATION, value);
        }
        request.body(String::new())
    }
}

/// `user:password` with what is percent-encoded decoded, each for itself: a password may hold a colon.
fn decoded(userinfo: &str) -> Zeroizing<String> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let decode = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    Zeroizing::new(format!("{}:{}", decode(user), decode(password)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let parse = |value| HttpProxy::parse("HTTPS_PROXY", value);
        let plain = |addr: &str, tls| HttpProxy {
            addr: addr.to_owned(),
            tls,
            credentials: None,
        };
        assert_eq!(parse("http://proxy:3128"), Ok(plain("proxy:3128", false)));
        assert_eq!(parse("http://proxy:3128/"), Ok(plain("proxy:3128", false)));
        assert_eq!(parse("proxy:3128"), Ok(plain("proxy:3128", false)));
        assert_eq!(parse("http://proxy"), Ok(plain("proxy:80", false)));
        assert_eq!(parse("https://proxy"), Ok(plain("proxy:443", true)));
        assert_eq!(parse("http://[::1]:3128"), Ok(plain("[::1]:3128", false)));
        let with = parse("http://kim:s3%40cret%3A@proxy:3128").expect("an address");
        assert_eq!(
            with.credentials.as_ref().map(|c| c.as_str()),
            Some("kim:s3@cret:")
        );
        assert_eq!(with.addr(), "proxy:3128");
        assert!(!format!("{with:?}").contains("s3"), "{with:?}");
        for wrong in [
            "",
            "http://",
            "socks5://proxy:1080",
            "ftp://proxy:21",
            "http://pro xy:1",
        ] {
            let err = parse(wrong).expect_err(wrong);
            assert!(err.to_string().contains("HTTPS_PROXY"), "{err}");
        }
        let err = parse("socks5://kim:s3cret@proxy:1080").expect_err("not supported");
        assert!(!err.to_string().contains("s3cret"), "{err}");
    }

    #[test]
    fn the_request_is_that_of_the_document() {
        let proxy =
            HttpProxy::parse("HTTPS_PROXY", "http://alice:s3cret@proxy:3128").expect("an address");
        let request = proxy.request("proxy.example.com:443").expect("a request");
        assert_eq!(request.method(), "CONNECT");
        assert_eq!(request.uri(), "proxy.example.com:443");
        assert_eq!(request.headers()["host"], "proxy.example.com:443");
        // transport.md 6.
        assert_eq!(
            request.headers()["proxy-authorization"],
            "Basic YWxpY2U6czNjcmV0"
        );
    }
}
