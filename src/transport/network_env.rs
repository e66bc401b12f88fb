//! What the environment says about the way to a proxy: HTTP proxies, hosts that need none, and whether connections have to
//! be upgraded.
//!
//! Which hosts need no HTTP proxy is decided as Go's programs decide it, tsh among them (transport.md 6): a user's
//! `NO_PROXY` shall not mean two things.

use super::extra_headers::ExtraHeaders;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use super::dial::split_addr;
use super::http_proxy::{HttpProxy, ProxyFault};

/// Variables of the environment, as they were read; empty ones count as unset.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct NetworkEnv {
    /// `HTTPS_PROXY`, else `https_proxy`.
    pub https_proxy: Option<String>,
    /// `HTTP_PROXY`, else `http_proxy`: where the former is unset.
    pub http_proxy: Option<String>,
    /// `NO_PROXY`, else `no_proxy`.
    pub no_proxy: Option<String>,
    /// `TELEPORT_TLS_ROUTING_CONN_UPGRADE`.
    pub conn_upgrade: Option<String>,
    /// Headers for what stands in front of some proxies.
    pub headers: ExtraHeaders,
}

/// Prints no addresses of HTTP proxies: they may hold passwords.
impl fmt::Debug for NetworkEnv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |value: &Option<String>| value.as_ref().map(|_| "****");
        f.debug_struct("NetworkEnv")
            .field("https_proxy", &hidden(&self.https_proxy))
            .field("http_proxy", &hidden(&self.http_proxy))
            .field("no_proxy", &self.no_proxy)
            .field("conn_upgrade", &self.conn_upgrade)
            .field("headers", &self.headers)
            .finish()
    }
}

impl NetworkEnv {
    /// The HTTP proxy for connections to `addr` (`host:port`); `None` to connect directly.
    ///
    /// # Errors
    /// [`ProxyFault::Setting`] when the variable's value is no address of one.
    pub fn proxy_for(&self, addr: &str) -> Result<Option<HttpProxy>, ProxyFault> {
        let set = [
            ("HTTPS_PROXY", &self.https_proxy),
            ("HTTP_PROXY", &self.http_proxy),
        ];
        let Some((variable, url)) = set
            .into_iter()
            .find_map(|(name, value)| Some((name, value.as_deref()?)))
        else {
            return Ok(None);
        };
        if self.is_exempt(addr) {
            return Ok(None);
        }
        HttpProxy::parse(variable, url).map(Some)
    }

    /// Whether no HTTP proxy is to be used for `addr`: this computer itself, and what `NO_PROXY` lists.
    fn is_exempt(&self, addr: &str) -> bool {
        let Ok((host, port)) = split_addr(addr) else {
            return false;
        };
        let host = host.trim().to_ascii_lowercase();
        let ip = host.parse::<IpAddr>().ok();
        if host == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) {
            return true;
        }
        self.no_proxy
            .iter()
            .flat_map(|list| list.split(','))
            .map(|entry| entry.trim().to_ascii_lowercase())
            .filter(|entry| !entry.is_empty())
            .any(|entry| entry_means(&entry, &host, ip, port))
    }

    /// Whether connections to `addr` have to be upgraded, when the environment decides that (transport.md 5.1): the first
    /// `addr=BOOL` counts, else the last bare `BOOL`, else `false`.
    pub fn upgrade(&self, addr: &str) -> Option<bool> {
        let text = self.conn_upgrade.as_deref()?;
        let mut default = false;
        for token in text.split([',', ';']).map(str::trim) {
            match token.rsplit_once('=') {
                Some((named, value)) if named.trim() == addr => return Some(is_yes(value)),
                Some(_) => {}
                None if !token.is_empty() => default = is_yes(token),
                None => {}
            }
        }
        Some(default)
    }
}

fn is_yes(word: &str) -> bool {
    const YES: [&str; 6] = ["yes", "yeah", "y", "true", "1", "on"];
    let word = word.trim();
    YES.iter().any(|yes| yes.eq_ignore_ascii_case(word))
}

/// Whether one entry of `NO_PROXY` means this host; both in lower case.
fn entry_means(entry: &str, host: &str, ip: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Ok(net) = entry.parse::<IpNet>() {
        return ip.is_some_and(|ip| net.contains(&ip));
    }
    let (named, only) = split_entry(entry);
    if named.is_empty() || only.is_some_and(|only| only != port.to_string()) {
        return false;
    }
    if let Ok(wanted) = named.parse::<IpAddr>() {
        return ip == Some(wanted);
    }
    // `*.example.com` and `.example.com` mean what lies under it, `example.com` also itself.
    let named = named
        .strip_prefix('*')
        .filter(|n| n.starts_with('.'))
        .unwrap_or(named);
    match named.strip_prefix('.') {
        Some(_) => host.ends_with(named),
        None => {
            host == named
                || host
                    .strip_suffix(named)
                    .is_some_and(|sub| sub.ends_with('.'))
        }
    }
}

/// Splits the port off an entry; an IPv6 address without brackets has none.
fn split_entry(entry: &str) -> (&str, Option<&str>) {
    let unbracketed = |host: &str| -> Option<(usize, usize)> {
        host.starts_with('[').then(|| (1, host.len() - 1))
    };
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (entry, None),
    };
    match unbracketed(host) {
        Some((from, to)) if host.ends_with(']') => (&host[from..to], port),
        _ => (host, port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exempt(no_proxy: &str, addr: &str) -> bool {
        let env = NetworkEnv {
            no_proxy: Some(no_proxy.to_owned()),
            ..NetworkEnv::default()
        };
        env.is_exempt(addr)
    }

    /// The rules of Go's own documentation of `NO_PROXY`, one line each.
    #[test]
    fn entries_mean_what_they_mean_to_go() {
        for (list, addr, want) in [
            ("example.com", "example.com:443", true),
            ("example.com", "proxy.example.com:443", true),
            ("example.com", "anexample.com:443", false),
            (".example.com", "proxy.example.com:443", true),
            (".example.com", "example.com:443", false),
            ("*.example.com", "proxy.example.com:443", true),
            ("*.example.com", "example.com:443", false),
            ("EXAMPLE.com", "Proxy.Example.COM:443", true),
            ("example.com:3080", "example.com:3080", true),
            ("example.com:3080", "example.com:443", false),
            ("10.0.0.0/8", "10.1.2.3:443", true),
            ("10.0.0.0/8", "11.1.2.3:443", false),
            ("10.0.0.0/8", "ten.example.com:443", false),
            ("192.0.2.7", "192.0.2.7:443", true),
            ("192.0.2.7:443", "192.0.2.7:443", true),
            ("192.0.2.7:443", "192.0.2.7:3080", false),
            ("2001:db8::1", "[2001:db8::1]:443", true),
            ("[2001:db8::1]:443", "[2001:db8::1]:443", true),
            ("[2001:db8::1]:443", "[2001:db8::1]:3080", false),
            ("2001:db8::/32", "[2001:db8:1::1]:443", true),
            ("*", "anything.example:1", true),
            (" , other.test , example.com ", "example.com:443", true),
            (":443", "example.com:443", false),
            ("", "example.com:443", false),
            // This computer, whatever the list says; a name that only leads to it is no exception.
            ("", "localhost:3080", true),
            ("", "127.0.0.1:3080", true),
            ("", "127.8.9.10:3080", true),
            ("", "[::1]:3080", true),
            ("", "proxy.root.test:3080", false),
            ("", "sub.localhost:3080", false),
        ] {
            assert_eq!(exempt(list, addr), want, "NO_PROXY={list} {addr}");
        }
    }

    #[test]
    fn the_https_proxy_comes_first() {
        let mut env = NetworkEnv {
            http_proxy: Some("http://second:3128".to_owned()),
            ..NetworkEnv::default()
        };
        let addr = |env: &NetworkEnv| {
            let found = env.proxy_for("example.com:443").expect("an address");
            found.map(|proxy| proxy.addr().to_owned())
        };
        assert_eq!(addr(&env).as_deref(), Some("second:3128"));
        env.https_proxy = Some("first:8080".to_owned());
        assert_eq!(addr(&env).as_deref(), Some("first:8080"));
        env.no_proxy = Some("example.com".to_owned());
        assert_eq!(addr(&env), None);
        assert_eq!(addr(&NetworkEnv::default()), None);
    }

    #[test]
    fn passwords_are_not_printed() {
        let env = NetworkEnv {
            https_proxy: Some("http://kim:s3cret@proxy:3128".to_owned()),
            ..NetworkEnv::default()
        };
        let text = format!("{env:?}");
        assert!(text.contains("****") && !text.contains("s3cret"), "{text}");
    }

    /// The grammar and the examples of transport.md 5.1.
    #[test]
    fn the_upgrade_variable_names_addresses() {
        let upgrade = |value: &str| {
            let env = NetworkEnv {
                conn_upgrade: Some(value.to_owned()),
                ..NetworkEnv::default()
            };
            env.upgrade("proxy.example.com:443")
        };
        for (value, want) in [
            ("true", true),
            ("YES", true),
            ("nonsense", false),
            ("off", false),
            ("proxy.example.com:443=yes,other:443=no", true),
            ("0,proxy.example.com:443=1", true),
            ("proxy.example.com:443=no;true", false),
            ("other:443=yes", false),
            ("yes;no", false),
        ] {
            assert_eq!(upgrade(value), Some(want), "{value}");
        }
        assert_eq!(NetworkEnv::default().upgrade("proxy.example.com:443"), None);
    }
}
