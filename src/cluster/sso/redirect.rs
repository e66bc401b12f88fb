//! Where the browser takes the answer: an address of the client's own, which the client names and the cluster checks
//! (login.md 6.3, 6.5).

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use url::form_urlencoded::Serializer;
use url::{Host, Url};

use crate::rbac::pattern::Pattern;

/// The path of every such address.
const PATH: &str = "/callback";
/// The one parameter it has.
const SECRET: &str = "secret_key";
/// Longest address, bytes; a client's has about 120.
const LONGEST: usize = 1024;

/// Which addresses are taken beside those of the client's own computer: `client_redirect_settings` of a connector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Names with HTTPS: texts, globs or Go regular expressions written `^…$`.
    pub https_names: Vec<String>,
    /// Networks, with or without HTTPS.
    pub networks: Vec<IpNet>,
}

/// An address that was checked. `Debug` hides the key in it.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientRedirect(Url);

impl fmt::Debug for ClientRedirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientRedirect(****)")
    }
}

impl ClientRedirect {
    /// Takes the address that a client names, when it is one to send certificates to.
    #[must_use]
    pub fn new(text: &str, allowed: &Allowed) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let mut parameters = url.query_pairs();
        let one = parameters.next().is_some_and(|(name, _)| name == SECRET)
            && parameters.next().is_none();
        let plain = one
            && url.path() == PATH
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        (plain && is_allowed(&url, allowed)).then_some(Self(url))
    }

    /// The key that the answer is sealed with; `None` when the client named none of 32 bytes.
    #[must_use]
    pub fn key(&self) -> Option<[u8; 32]> {
        let (_, text) = self.0.query_pairs().next()?;
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let mut key = [0; 32];
        for (at, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
        }
        Some(key)
    }

    /// The address with a sealed answer, and no key any more.
    #[must_use]
    pub fn success(&self, sealed: &str) -> String {
        self.with(&[("response", sealed)])
    }

    /// The address with a refusal; the key stays and shows the client that it was meant.
    #[must_use]
    pub fn failure(&self, message: &str) -> String {
        let secret = self.0.query_pairs().next();
        let secret = secret.map(|(_, value)| value.into_owned());
        self.with(&[("err", message), (SECRET, &secret.unwrap_or_default())])
    }

    fn with(&self, parameters: &[(&str, &str)]) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(parameters);
        let mut url = self.0.clone();
        url.set_query(Some(&query.finish()));
        url.into()
    }
}

fn is_allowed(url: &Url, allowed: &Allowed) -> bool {
    let https = match url.scheme() {
        "https" => true,
        "http" => false,
        _ => return false,
    };
    let in_network = |ip: IpAddr| allowed.networks.iter().any(|net| net.contains(&ip));
    match url.host() {
        Some(Host::Domain("localhost")) if !https => true,
        Some(Host::Ipv4(ip)) if !https && ip.octets() == [127, 0, 0, 1] => true,
        Some(Host::Ipv6(ip)) if !https && ip.is_loopback() => true,
        Some(Host::Ipv4(ip)) => in_network(ip.into()),
        Some(Host::Ipv6(ip)) => in_network(ip.into()),
        Some(Host::Domain(name)) => {
            https
                && url.port().is_none()
                && allowed
                    .https_names
                    .iter()
                    .any(|wanted| Pattern::new(wanted).is_ok_and(|wanted| wanted.is_match(name)))
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::testing::recorded_json;

    const KEY: &str = "0001020304050607080910111213141516171819202122232425262728293031";

    #[test]
    fn the_recorded_addresses_are_taken_and_refused_as_there() {
        let mut seen = (0, 0);
        for name in [
            "1-console",
            "denied-1-console",
            "ipv6-redirect",
            "localhost-redirect",
            "short-secret",
            "bad-redirect-host",
            "bad-redirect-path",
            "no-secret",
            "unspecified-ip",
        ] {
            let case = recorded_json(&format!("login/sso/sso-{name}.json"));
            let taken = case["response"]["status"] == 200;
            let text = case["request"]["body"]["redirect_url"]
                .as_str()
                .expect("text");
            let redirect = ClientRedirect::new(text, &Allowed::default());
            assert_eq!(redirect.is_some(), taken, "{name}");
            if let Some(redirect) = redirect {
                assert_eq!(redirect.key().is_none(), name == "short-secret");
                seen.0 += 1;
            } else {
                seen.1 += 1;
            }
        }
        assert_eq!(seen, (5, 4));
    }

    #[test]
    fn what_is_no_such_address_is_refused() {
        let allowed = Allowed {
            https_names: vec!["*.dev.test".to_owned(), "^box[0-9]+$".to_owned()],
            networks: vec!["10.1.0.0/16".parse().expect("a network")],
        };
        for (address, default, settings) in [
            ("http://127.0.0.1:1/callback?secret_key=KEY", true, true),
            (
                "http://user@127.0.0.1:1/callback?secret_key=KEY",
                false,
                false,
            ),
            ("http://127.0.0.1:1/callback?secret_key=KEY#x", false, false),
            (
                "http://127.0.0.1:1/callback?secret_key=KEY&x=1",
                false,
                false,
            ),
            (
                "http://127.0.0.1:1/callback?secret_key=KEY&secret_key=KEY",
                false,
                false,
            ),
            ("http://127.0.0.2:1/callback?secret_key=KEY", false, false),
            (
                "http://localhost.evil.test/callback?secret_key=KEY",
                false,
                false,
            ),
            ("ftp://127.0.0.1/callback?secret_key=KEY", false, false),
            ("https://a.dev.test/callback?secret_key=KEY", false, true),
            (
                "https://a.dev.test:8443/callback?secret_key=KEY",
                false,
                false,
            ),
            ("http://a.dev.test/callback?secret_key=KEY", false, false),
            ("https://box12/callback?secret_key=KEY", false, true),
            ("https://boxes/callback?secret_key=KEY", false, false),
            ("http://10.1.2.3:3100/callback?secret_key=KEY", false, true),
            ("http://10.2.2.3:3100/callback?secret_key=KEY", false, false),
            ("callback", false, false),
        ] {
            let address = address.replace("KEY", KEY);
            let none = Allowed::default();
            assert_eq!(
                ClientRedirect::new(&address, &none).is_some(),
                default,
                "{address}"
            );
            assert_eq!(
                ClientRedirect::new(&address, &allowed).is_some(),
                settings,
                "{address}"
            );
        }
        let long = format!("http://localhost/callback?secret_key={}", "0".repeat(2000));
        assert_eq!(ClientRedirect::new(&long, &allowed), None);
    }

    #[test]
    fn answers_have_the_recorded_form() {
        let text = format!("http://127.0.0.1:5/callback?secret_key={KEY}");
        let redirect = ClientRedirect::new(&text, &Allowed::default()).expect("an address");
        assert_eq!(format!("{redirect:?}"), "ClientRedirect(****)");
        assert_eq!(
            redirect.success("{\"nonce\":\"a+/\"}"),
            "http://127.0.0.1:5/callback?response=%7B%22nonce%22%3A%22a%2B%2F%22%7D"
        );
        assert_eq!(
            redirect.failure("a b\n\tc"),
            format!("http://127.0.0.1:5/callback?err=a+b%0A%09c&secret_key={KEY}")
        );
    }
}
