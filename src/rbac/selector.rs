//! Label selectors of roles: key to patterns (rbac.md 2).

use std::collections::BTreeMap;

use super::pattern::Pattern;
use super::template::interpolate;
use super::{MatchError, Traits, WILDCARD};

/// Label key to value patterns, as a role document holds them.
pub type LabelPatterns = BTreeMap<String, Vec<String>>;

/// A selector with its patterns compiled; an error waits until the pattern is needed.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    everything: bool,
    keys: Vec<(String, Values)>,
}

#[derive(Clone, Debug)]
enum Values {
    /// Any value; the wildcard's place in the list.
    Any(usize),
    Patterns(Vec<Result<Pattern, String>>),
}

impl Selector {
    /// Compiles a selector.
    #[must_use]
    pub fn new(patterns: &LabelPatterns) -> Self {
        let everything = patterns.get(WILDCARD).is_some_and(|v| v == &[WILDCARD]);
        let keys = patterns
            .iter()
            .map(|(key, values)| {
                let values = match values.iter().position(|v| v == WILDCARD) {
                    Some(place) => Values::Any(place),
                    None => Values::Patterns(values.iter().map(|v| Pattern::new(v)).collect()),
                };
                (key.clone(), values)
            })
            .collect();
        Self { everything, keys }
    }

    /// Whether it has no key; such a selector matches nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether a resource with these labels is selected.
    ///
    /// # Errors
    /// If a pattern that has to be looked at does not compile.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> Result<bool, MatchError> {
        if self.everything {
            return Ok(true);
        }
        for (key, values) in &self.keys {
            let Some(value) = labels.get(key) else {
                return Ok(false);
            };
            if values.fitting(value)?.is_none() {
                return Ok(false);
            }
        }
        Ok(!self.keys.is_empty())
    }

    /// Whether it matches everything: `'*': '*'`.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.everything
    }

    /// What each key says of these labels, in the order of the keys: for a label that is there, the place of the first
    /// pattern that matches its value. The selector matches when every key has one.
    #[must_use]
    pub fn look<'s>(&'s self, labels: &BTreeMap<String, String>) -> Vec<Look<'s>> {
        let look = |(key, values): &'s (String, Values)| Look {
            key,
            fitting: labels
                .get(key)
                .map_or(Ok(None), |value| values.fitting(value)),
        };
        self.keys.iter().map(look).collect()
    }
}

/// What one key of a selector says of a resource's labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look<'s> {
    /// The key.
    pub key: &'s str,
    /// The place of the first pattern that matches; none when no pattern does or the label is not there.
    pub fitting: Result<Option<usize>, MatchError>,
}

impl Values {
    /// The place of the first pattern that matches.
    fn fitting(&self, value: &str) -> Result<Option<usize>, MatchError> {
        let patterns = match self {
            Self::Any(place) => return Ok(Some(*place)),
            Self::Patterns(patterns) => patterns,
        };
        for (place, pattern) in patterns.iter().enumerate() {
            match pattern {
                Ok(pattern) if pattern.is_match(value) => return Ok(Some(place)),
                Ok(_) => {}
                Err(text) => return Err(MatchError::Regexp(text.clone())),
            }
        }
        Ok(None)
    }
}

/// Applies traits to a selector: the first value for keys, all values for patterns, empty where a template fails
/// (rbac.md 4.6).
#[must_use]
pub fn interpolate_patterns(patterns: &LabelPatterns, traits: &Traits) -> LabelPatterns {
    let mut out = LabelPatterns::new();
    for (key, values) in patterns {
        let key = interpolate(key, traits)
            .ok()
            .and_then(|keys| keys.into_iter().next())
            .unwrap_or_default();
        let mut expanded: Vec<String> = Vec::new();
        for value in values {
            for value in interpolate(value, traits).unwrap_or_else(|_| vec![String::new()]) {
                if !expanded.contains(&value) {
                    expanded.push(value);
                }
            }
        }
        out.insert(key, expanded);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(pairs: &[(&str, &[&str])]) -> LabelPatterns {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), v.iter().map(|s| (*s).to_owned()).collect()))
            .collect()
    }

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn vectors_of_the_protocol() {
        // rbac.md 14.1.
        let check = |p: &[(&str, &[&str])], l: &[(&str, &str)]| {
            Selector::new(&patterns(p)).matches(&labels(l))
        };
        assert_eq!(check(&[], &[("a", "b")]), Ok(false));
        assert_eq!(check(&[("*", &["*"])], &[]), Ok(true));
        assert_eq!(
            check(&[("*", &["*"]), ("tier", &["gold"])], &[("tier", "silver")]),
            Ok(true)
        );
        assert_eq!(
            check(&[("tier", &["gold"])], &[("tier", "gold"), ("zone", "eu")]),
            Ok(true)
        );
        assert_eq!(
            check(
                &[("tier", &["gold"]), ("zone", &["us"])],
                &[("tier", "gold"), ("zone", "eu")]
            ),
            Ok(false)
        );
        assert_eq!(check(&[("tier", &["*"])], &[("zone", "eu")]), Ok(false));
        assert_eq!(check(&[("tier", &["*"])], &[("tier", "")]), Ok(true));
        assert_eq!(check(&[("tier", &[])], &[("tier", "")]), Ok(false));
        assert_eq!(check(&[("tier", &[""])], &[("tier", "")]), Ok(true));
        assert_eq!(check(&[("ti*", &["gold"])], &[("tier", "gold")]), Ok(false));
        assert_eq!(check(&[("*", &["foo"])], &[]), Ok(false));
        assert_eq!(
            check(&[("zone", &["^eu-[$"])], &[("zone", "eu")])
                .unwrap_err()
                .to_string(),
            "error parsing regexp: missing closing ]: `[$`"
        );
    }

    #[test]
    fn traits_in_keys_and_values() {
        // rbac.md 14.3, C26-C28.
        let traits: Traits = [
            ("team".to_owned(), vec!["core".to_owned()]),
            ("grp".to_owned(), vec!["a".to_owned(), "b".to_owned()]),
        ]
        .into();
        let apply = |p: &[(&str, &[&str])]| interpolate_patterns(&patterns(p), &traits);
        assert_eq!(
            apply(&[("{{external.team}}", &["{{external.nope}}", "x"])]),
            patterns(&[("core", &["", "x"])])
        );
        assert_eq!(
            apply(&[("{{external.nope}}", &["x"])]),
            patterns(&[("", &["x"])])
        );
        assert_eq!(
            apply(&[("{{external.grp}}", &["y"])]),
            patterns(&[("a", &["y"])])
        );
    }
}
