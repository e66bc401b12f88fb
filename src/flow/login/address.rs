//! What people type for a proxy, and what clusters announce.

use std::net::Ipv6Addr;

/// Ports tried for a host without one.
const PORTS: [u16; 2] = [443, 3080];
/// Port of an announced address without one (login.md 2.4).
pub(super) const ANNOUNCED_PORT: u16 = 3080;

/// Turns what was typed into the `host:port` addresses to try, side by side. A leading `https://` and a trailing `/` are
/// forgiven; a bare IPv6 address needs no brackets when it has no port.
///
/// # Errors
/// A sentence for the user.
pub fn candidates(typed: &str) -> Result<Vec<String>, String> {
    let bad = || {
        format!(
            "{typed:?} is no address of a proxy; expected HOST or HOST:PORT, e.g. teleport.example.com"
        )
    };
    let text = typed.trim();
    let text = text
        .strip_prefix("https://")
        .unwrap_or(text)
        .trim_end_matches('/');
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if text.is_empty() || !text.chars().all(allowed) {
        return Err(bad());
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Ok(PORTS
            .iter()
            .map(|port| format!("[{text}]:{port}"))
            .collect());
    }
    let (host, port) = split(text).ok_or_else(bad)?;
    Ok(match port {
        Some(port) => vec![format!("{host}:{port}")],
        None => PORTS.iter().map(|port| format!("{host}:{port}")).collect(),
    })
}

/// The address to use from now on: the announced one, with `default_port` when it has none, else the one that answered. A
/// host of `0.0.0.0` or `::` is replaced.
pub(in crate::flow) fn web_address(announced: &str, answered: &str, default_port: u16) -> String {
    let Some((host, port)) = split(announced.trim()) else {
        return answered.to_owned();
    };
    let answered_host = split(answered).map_or(answered, |(host, _)| host);
    let host = if matches!(host, "0.0.0.0" | "[::]") {
        answered_host
    } else {
        host
    };
    format!("{host}:{}", port.unwrap_or(default_port))
}

/// Splits `host[:port]`, keeping the brackets of an IPv6 address.
fn split(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let end = rest.find(']')?;
            rest[..end].parse::<Ipv6Addr>().ok()?;
            let (host, tail) = text.split_at(end + 2);
            (
                host,
                if tail.is_empty() {
                    None
                } else {
                    Some(tail.strip_prefix(':')?)
                },
            )
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    if host.is_empty() {
        return None;
    }
    match port {
        None => Some((host, None)),
        Some(port) => port
            .parse()
            .ok()
            .filter(|p| *p != 0)
            .map(|p| (host, Some(p))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type() {
        let both = |host: &str| Ok(vec![format!("{host}:443"), format!("{host}:3080")]);
        assert_eq!(candidates("proxy.example.com"), both("proxy.example.com"));
        assert_eq!(
            candidates("https://proxy.example.com/"),
            both("proxy.example.com")
        );
        assert_eq!(candidates("::1"), both("[::1]"));
        assert_eq!(candidates("[::1]"), both("[::1]"));
        for one in ["localhost:3080", "[::1]:3080", "127.0.0.1:1"] {
            assert_eq!(candidates(one), Ok(vec![one.to_owned()]));
        }
        for bad in [
            "",
            " ",
            "host:",
            ":443",
            "host:0",
            "host:99999",
            "host:x",
            "a b",
            "host/path",
            "u@host",
            "[::1",
            "[x]:1",
        ] {
            assert!(candidates(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_clusters_announce() {
        for (announced, answered, expected) in [
            ("", "h:443", "h:443"),
            (
                "proxy.root.test:3181",
                "proxy.root.test:3180",
                "proxy.root.test:3181",
            ),
            ("proxy.root.test", "h:443", "proxy.root.test:3080"),
            ("0.0.0.0:443", "h:3080", "h:443"),
            ("[::]:443", "[::1]:3080", "[::1]:443"),
            ("nonsense:port", "h:443", "h:443"),
        ] {
            assert_eq!(
                web_address(announced, answered, ANNOUNCED_PORT),
                expected,
                "{announced}"
            );
        }
    }
}
