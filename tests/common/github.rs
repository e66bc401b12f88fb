//! As much of GitHub as a cluster asks of it: the page that sends people back, the token, who they are and in which teams.
//!
//! Clusters of the open-source edition know one GitHub only, so this one stands behind an HTTP proxy that leads there.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

/// What the next person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Person {
    /// Says yes, and is in the team `dba` of `acme`.
    Member,
    /// Says yes, and is in no team.
    Stranger,
    /// Says no.
    Unwilling,
}

/// A running GitHub.
pub(crate) struct GitHub {
    /// The HTTP proxy that leads to it, and nowhere else: `http://host:port`.
    pub(crate) proxy: String,
    person: Arc<Mutex<Person>>,
}

impl GitHub {
    /// Starts one that shows this certificate.
    pub(crate) fn start(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a configuration");
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let person = Arc::new(Mutex::new(Person::Member));
        let next = Arc::clone(&person);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let (config, next) = (Arc::clone(&config), Arc::clone(&next));
                // Browsers open connections that they do not use.
                std::thread::spawn(move || drop(tunnel(stream, config, &next)));
            }
        });
        Self {
            proxy: format!("http://127.0.0.1:{port}"),
            person,
        }
    }

    /// Sets who comes next.
    pub(crate) fn next(&self, person: Person) {
        *self.person.lock().expect("no panic") = person;
    }
}

/// What an HTTP proxy does when it is asked for a way to GitHub; there are no others.
fn tunnel(
    mut stream: TcpStream,
    config: Arc<rustls::ServerConfig>,
    next: &Mutex<Person>,
) -> std::io::Result<()> {
    let (line, _) = head(&mut stream)?;
    if !matches!(
        line.split(' ').nth(1),
        Some("github.com:443" | "api.github.com:443")
    ) {
        return stream.write_all(
            b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let tls = rustls::ServerConnection::new(config).map_err(std::io::Error::other)?;
    answer(&mut rustls::StreamOwned::new(tls, stream), next)
}

/// Reads a request: its first line and its body. Nothing is read beyond it.
pub(crate) fn head(stream: &mut impl Read) -> std::io::Result<(String, Vec<u8>)> {
    let mut lines = BufReader::with_capacity(1, stream);
    let (mut first, mut length) = (String::new(), 0);
    lines.read_line(&mut first)?;
    loop {
        let mut header = String::new();
        if lines.read_line(&mut header)? == 0 || header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body)?;
    Ok((first, body))
}

fn answer(stream: &mut (impl Read + Write), next: &Mutex<Person>) -> std::io::Result<()> {
    let (line, _) = head(stream)?;
    let person = *next.lock().expect("no panic");
    let target = line.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let teams = match person {
        Person::Member => {
            json!([{"name": "dba", "slug": "dba", "organization": {"login": "acme", "id": 7}}])
        }
        _ => json!([]),
    };
    let json = |value: &Value| {
        let body = value.to_string();
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    let text = match path {
        "/login/oauth/authorize" => format!(
            "HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            back(query, person)
        ),
        "/login/oauth/access_token" => {
            json(&json!({"access_token": "t", "token_type": "bearer", "scope": "read:org"}))
        }
        "/user" => json(&json!({"login": "octo", "id": 42})),
        "/user/teams" => json(&teams),
        _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
    };
    stream.write_all(text.as_bytes())?;
    stream.flush()
}

/// Where the person goes from the page of consent.
fn back(query: &str, person: Person) -> String {
    let query = reqwest::Url::parse(&format!("http://x/?{query}")).expect("a query");
    let field = |name: &str| {
        let found = query.query_pairs().find(|(key, _)| key == name);
        found.map_or_else(String::new, |(_, value)| value.into_owned())
    };
    let mut url = reqwest::Url::parse(&field("redirect_uri")).expect("an address");
    let state = field("state");
    if person == Person::Unwilling {
        url.query_pairs_mut()
            .append_pair("error", "access_denied")
            .append_pair(
                "error_description",
                "The user has denied your application access.",
            );
    } else {
        url.query_pairs_mut().append_pair("code", "xyz");
    }
    url.query_pairs_mut().append_pair("state", &state);
    url.into()
}
