//! Headers that somebody wants sent to some proxies, for what stands in front of them (db-client.md 1.5).

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use regex::Regex;

/// Headers for the proxies that match a pattern.
#[derive(Clone, PartialEq, Eq)]
struct Rule {
    pattern: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Rule {
    fn matches(&self, addr: &str) -> bool {
        let parts: Vec<String> = self.pattern.split('*').map(regex::escape).collect();
        Regex::new(&parts.join(".*")).is_ok_and(|pattern| pattern.is_match(addr))
    }
}

/// All rules, the most important ones first.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ExtraHeaders(Vec<Rule>);

/// A header that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot be a header")]
pub struct BadHeader(String);

/// Names only: values are often credentials.
impl fmt::Debug for ExtraHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |rule: &Rule| -> Vec<String> {
            let names = rule.headers.iter().map(|(name, _)| name.to_string());
            names.collect()
        };
        f.debug_list()
            .entries(self.0.iter().map(|rule| (&rule.pattern, names(rule))))
            .finish()
    }
}

impl ExtraHeaders {
    /// Adds headers for the proxies in whose `host:port` the pattern occurs; `*` stands for anything. That it need not be all
    /// of the address is tsh's rule.
    ///
    /// # Errors
    /// [`BadHeader`] for a name or a value that HTTP does not allow; the value is not told.
    pub fn add<'a>(
        &mut self,
        pattern: &str,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), BadHeader> {
        let mut rule = Rule {
            pattern: pattern.to_owned(),
            headers: Vec::new(),
        };
        for (name, value) in headers {
            let bad = || BadHeader(name.to_owned());
            let mut header: HeaderValue = value.parse().map_err(|_| bad())?;
            header.set_sensitive(true);
            rule.headers
                .push((name.parse().map_err(|_| bad())?, header));
        }
        self.0.push(rule);
        Ok(())
    }

    /// Whether there is none for any proxy.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the headers for `addr` to a request, which keeps its own where both have one.
    pub(crate) fn fill(&self, addr: &str, request: &mut HeaderMap) {
        for (name, value) in &self.to(addr) {
            request.entry(name).or_insert_with(|| value.clone());
        }
    }

    /// The headers for the web port at `addr` (`host:port`); of one name the first counts.
    pub fn to(&self, addr: &str) -> HeaderMap {
        let mut out = HeaderMap::new();
        for rule in self.0.iter().filter(|rule| rule.matches(addr)) {
            for (name, value) in &rule.headers {
                out.entry(name).or_insert_with(|| value.clone());
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matching_proxies_get_them_and_the_first_counts() {
        let mut extra = ExtraHeaders::default();
        extra
            .add("*.corp.test", [("X-Who", "first"), ("X-One", "1")])
            .expect("headers");
        extra
            .add("*", [("x-who", "second"), ("X-All", "a")])
            .expect("headers");
        let to = extra.to("a.corp.test:443");
        assert_eq!(
            (&to["x-who"], &to["x-one"], &to["x-all"]),
            (
                &HeaderValue::from_static("first"),
                &HeaderValue::from_static("1"),
                &HeaderValue::from_static("a")
            )
        );
        let to = extra.to("a-corp-test:443");
        assert_eq!(to["x-who"], "second", "a dot is a dot");
        assert_eq!(to.len(), 2);
    }

    #[test]
    fn values_are_never_shown() {
        let mut extra = ExtraHeaders::default();
        extra.add("*", [("X-Token", "secret")]).expect("headers");
        assert!(!format!("{extra:?} {:?}", extra.to("p:1")).contains("secret"));
        let bad = extra
            .add("*", [("X-Token", "sec\nret")])
            .expect_err("a line end");
        assert!(!bad.to_string().contains("sec"), "{bad}");
        assert!(extra.add("*", [("a b", "x")]).is_err());
    }
}
