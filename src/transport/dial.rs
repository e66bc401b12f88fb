//! TCP and TLS to one port: addresses side by side, errors that name the step.

use std::collections::VecDeque;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use std::{io, net};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::IoStream;
pub use super::dial_error::DialError;
use super::tls_fault::TlsFault;
use super::watch::{Step, Watch};

/// How long one address is tried alone before the next one is tried beside it (RFC 8305, 5).
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// Idle time after which the kernel asks whether the peer still lives.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// TLS over `stream`, verifying the server at `addr` (`host:port`) as `sni`; no deadline of its own.
///
/// With TLS 1.3 a server refuses a client certificate only after this has succeeded, on the first read.
pub(super) async fn handshake<S: IoStream>(
    addr: &str,
    stream: S,
    config: Arc<ClientConfig>,
    sni: &str,
) -> Result<TlsStream<S>, DialError> {
    let name = ServerName::try_from(sni.to_owned()).map_err(|_| DialError::Tls {
        addr: addr.to_owned(),
        fault: TlsFault::ServerName(sni.to_owned()),
    })?;
    TlsConnector::from(config)
        .connect(name, stream)
        .await
        .map_err(|err| handshake_error(addr, &err))
}

fn handshake_error(addr: &str, err: &io::Error) -> DialError {
    let addr = addr.to_owned();
    match TlsFault::of_io(err) {
        Some(fault) => DialError::Tls { addr, fault },
        None if closed(err.kind()) => DialError::Closed { addr },
        None => DialError::Tls {
            addr,
            fault: TlsFault::Other(err.to_string()),
        },
    }
}

/// Whether an I/O error means that the peer went away.
pub(crate) fn closed(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}

/// Splits `host:port`; an IPv6 host may stand in brackets, which are taken off.
///
/// # Errors
/// [`DialError::Address`] when there is no port from 1 to 65535 or no host.
pub fn split_addr(addr: &str) -> Result<(&str, u16), DialError> {
    let wrong = || DialError::Address(addr.to_owned());
    let (host, port) = addr.rsplit_once(':').ok_or_else(wrong)?;
    let host = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    let port = port
        .parse::<u16>()
        .ok()
        .filter(|p| *p > 0)
        .ok_or_else(wrong)?;
    if host.is_empty() {
        return Err(wrong());
    }
    Ok((host, port))
}

/// Opens TCP to `addr`; no deadline of its own.
pub(super) async fn connect_tcp(addr: &str, watch: &Watch) -> Result<TcpStream, DialError> {
    let (host, port) = split_addr(addr)?;
    let no_address = |reason: String| DialError::Resolve {
        host: host.to_owned(),
        reason,
    };
    let addrs: Vec<SocketAddr> = match host.parse::<net::IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, port)],
        Err(_) => {
            let found = async {
                let found: Vec<SocketAddr> = lookup_host((host, port))
                    .await
                    .map_err(|err| no_address(resolver_text(&err)))?
                    .collect();
                if found.is_empty() {
                    return Err(no_address("the name has no address".to_owned()));
                }
                Ok(found)
            };
            watch.on(Step::Resolve, found).await?
        }
    };
    let connecting = first_of(alternate_families(addrs), TcpStream::connect);
    let stream = watch
        .on(Step::Connect, connecting)
        .await
        .map_err(|reason| DialError::Connect {
            addr: addr.to_owned(),
            reason,
        })?;
    // Neither setting is needed for a working connection, so a kernel that refuses them is no failure.
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream).set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(KEEPALIVE)
            .with_interval(KEEPALIVE),
    );
    Ok(stream)
}

/// glibc's text ends in the error of getaddrinfo; what stands before it only names the function.
fn resolver_text(err: &io::Error) -> String {
    let text = err.to_string();
    text.strip_prefix("failed to lookup address information: ")
        .map_or(text.clone(), ToOwned::to_owned)
}

/// Keeps the resolver's first choice first and then alternates between IPv6 and IPv4.
fn alternate_families(addrs: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
    let first_is_v6 = addrs.first().is_some_and(SocketAddr::is_ipv6);
    let (mut a, mut b): (VecDeque<_>, VecDeque<_>) =
        addrs.into_iter().partition(|x| x.is_ipv6() == first_is_v6);
    let mut out = VecDeque::with_capacity(a.len() + b.len());
    while let Some(x) = a.pop_front() {
        out.push_back(x);
        if let Some(y) = b.pop_front() {
            out.push_back(y);
        }
    }
    out.extend(b);
    out
}

/// Tries `addrs` in order, each next one after [`NEXT_ADDRESS_AFTER`] or as soon as an attempt fails, and returns the
/// first success; else the texts of all failures.
async fn first_of<T, F, Fut>(mut addrs: VecDeque<SocketAddr>, connect: F) -> Result<T, String>
where
    F: Fn(SocketAddr) -> Fut,
    Fut: Future<Output = io::Result<T>>,
{
    let mut running: Vec<(SocketAddr, Pin<Box<Fut>>)> = Vec::new();
    let mut failures: Vec<String> = Vec::new();
    let mut next = Instant::now();
    loop {
        if (running.is_empty() || Instant::now() >= next)
            && let Some(addr) = addrs.pop_front()
        {
            running.push((addr, Box::pin(connect(addr))));
            next = Instant::now() + NEXT_ADDRESS_AFTER;
        }
        if running.is_empty() {
            return Err(failures.join(", "));
        }
        tokio::select! {
            (addr, result) = any(&mut running) => match result {
                Ok(stream) => return Ok(stream),
                Err(err) => {
                    failures.push(format!("{} ({})", os_text(&err), addr.ip()));
                    next = Instant::now();
                }
            },
            () = sleep_until(next), if !addrs.is_empty() => {}
        }
    }
}

/// The first of `running` to end; it is taken out of the list.
async fn any<T, Fut: Future<Output = io::Result<T>>>(
    running: &mut Vec<(SocketAddr, Pin<Box<Fut>>)>,
) -> (SocketAddr, io::Result<T>) {
    std::future::poll_fn(|cx| {
        for i in 0..running.len() {
            if let std::task::Poll::Ready(result) = running[i].1.as_mut().poll(cx) {
                let (addr, _) = running.swap_remove(i);
                return std::task::Poll::Ready((addr, result));
            }
        }
        std::task::Poll::Pending
    })
    .await
}

/// `Connection refused (os error 111)` without the number, in lower case.
fn os_text(err: &io::Error) -> String {
    let text = err.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hop::Hop;

    fn at(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn addresses_are_split_at_the_last_colon() {
        assert_eq!(
            split_addr("proxy.example.com:443"),
            Ok(("proxy.example.com", 443))
        );
        assert_eq!(split_addr("[::1]:3080"), Ok(("::1", 3080)));
        for wrong in [
            "",
            "host",
            "host:",
            ":443",
            "host:0",
            "host:65536",
            "host:x",
        ] {
            assert_eq!(split_addr(wrong), Err(DialError::Address(wrong.to_owned())));
        }
    }

    #[test]
    fn families_alternate_and_the_first_choice_stays_first() {
        let got = alternate_families(vec![
            at("[::1]:1"),
            at("[::2]:1"),
            at("127.0.0.1:1"),
            at("127.0.0.2:1"),
            at("[::3]:1"),
        ]);
        assert_eq!(
            got,
            [
                at("[::1]:1"),
                at("127.0.0.1:1"),
                at("[::2]:1"),
                at("127.0.0.2:1"),
                at("[::3]:1")
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_address_delays_the_next_one_by_a_quarter_second_only() {
        let begun = Instant::now();
        let got = first_of(
            VecDeque::from([at("10.0.0.1:1"), at("10.0.0.2:1")]),
            |addr| async move {
                if addr == at("10.0.0.1:1") {
                    std::future::pending().await
                } else {
                    Ok(addr)
                }
            },
        )
        .await;
        assert_eq!(got, Ok(at("10.0.0.2:1")));
        assert_eq!(begun.elapsed(), NEXT_ADDRESS_AFTER);
    }

    #[tokio::test(start_paused = true)]
    async fn all_failures_are_told() {
        let got: Result<(), _> = first_of(
            VecDeque::from([at("[::1]:1"), at("127.0.0.1:1")]),
            |_| async { Err(io::Error::from_raw_os_error(111)) },
        )
        .await;
        assert_eq!(
            got,
            Err("connection refused (::1), connection refused (127.0.0.1)".to_owned())
        );
    }

    #[tokio::test]
    async fn a_closed_port_and_an_unknown_name_are_told_apart() {
        let port = {
            let listener = net::TcpListener::bind("127.0.0.1:0").expect("a free port");
            listener.local_addr().expect("its address").port()
        };
        let addr = format!("127.0.0.1:{port}");
        let err = connect_tcp(&addr, &Watch::default())
            .await
            .expect_err("nothing listens");
        assert_eq!(
            err,
            DialError::Connect {
                addr: addr.clone(),
                reason: "connection refused (127.0.0.1)".to_owned()
            }
        );
        assert_eq!(err.hop(), Hop::Proxy(addr));
        let err = connect_tcp("no-such-host.invalid:443", &Watch::default())
            .await
            .expect_err("a name that cannot exist");
        assert!(
            matches!(&err, DialError::Resolve { host, .. } if host == "no-such-host.invalid"),
            "{err}"
        );
    }
}
