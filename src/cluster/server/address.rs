//! The address that clients are told.

use super::ServerError;

/// The address to announce, with a port.
pub(super) fn public(given: Option<&str>, port: u16) -> Result<String, ServerError> {
    let Some(given) = given else {
        return Ok(format!("localhost:{port}"));
    };
    let wrong = || ServerError::PublicAddr(given.to_owned());
    let ipv6_literal = given.starts_with('[');
    let (host, rest) = match given.rsplit_once(':') {
        Some((host, rest)) if !ipv6_literal || host.ends_with(']') => (host, Some(rest)),
        _ => (given, None),
    };
    let plain = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    let legal =
        |c: char| c.is_ascii_alphanumeric() || "-._".contains(c) || (ipv6_literal && c == ':');
    if plain.is_empty() || !plain.chars().all(legal) {
        return Err(wrong());
    }
    match rest {
        Some(rest) => rest
            .parse::<u16>()
            .ok()
            .filter(|p| *p > 0)
            .map(|p| format!("{host}:{p}"))
            .ok_or_else(wrong),
        None => Ok(format!("{host}:{port}")),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_announced_address_gets_a_port() {
        let address = |given| super::public(given, 3080).ok();
        assert_eq!(address(None).as_deref(), Some("localhost:3080"));
        assert_eq!(
            address(Some("proxy.example.com")).as_deref(),
            Some("proxy.example.com:3080")
        );
        assert_eq!(
            address(Some("proxy.example.com:443")).as_deref(),
            Some("proxy.example.com:443")
        );
        assert_eq!(address(Some("[::1]:443")).as_deref(), Some("[::1]:443"));
        assert_eq!(address(Some("[::1]")).as_deref(), Some("[::1]:3080"));
        for wrong in ["", ":443", "host:port", "host:0", "a b:443", "https://host"] {
            assert_eq!(address(Some(wrong)), None, "{wrong:?}");
        }
    }
}
