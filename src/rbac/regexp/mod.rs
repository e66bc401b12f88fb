//! Go regular expressions (RE2 syntax) on top of the `regex` crate (rbac.md 2, 16).
//!
//! A pattern is read as Go reads it and written anew for `regex`, because the dialects differ:
//!
//! | Go | `regex` | here |
//! |---|---|---|
//! | `\d \w \s \b` are ASCII | Unicode | spelled out as ASCII classes |
//! | `[a[b]`, `[a&&b]`, `[a--b]`, `[a~~b]` are plain characters | nested classes and set operations | escaped |
//! | `a{`, `{x}`, `{,5}`, `}` are literal | errors | escaped |
//! | `\Q…\E` quotes | unknown | expanded |
//! | `\C` (any byte) is an error | error | error |
//! | `\pN`, `\p{Greek}`, `\p{^Greek}`, `\PN` | no `^` form, long names too | `^` translated; long names are let through |
//! | `\012`, `\0` octal | error | translated |
//! | `\<`, `\>`, `\b{start}` are a literal or a repetition | word boundaries | escaped |
//! | `a**`, `a{2}{3}` are errors | accepted | error |
//! | repeat counts up to 1000 | larger ones too | error |
//! | flags `i m s U` | also `u x R` | others are an error |
//! | group names may start with a digit and be unused | not with a digit | groups are numbered, names kept beside |
//! | `$` without `m` and `\z` | same | unchanged; `\Z` is an error in both |
//!
//! Size limits differ: Go counts repeated nodes, `regex` the compiled size; a pattern beyond either is an error.

mod translate;

pub use translate::translate;

/// A compiled Go regular expression.
#[derive(Clone, Debug)]
pub struct GoRegex {
    regex: regex::Regex,
    names: Vec<Option<String>>,
}

impl GoRegex {
    /// Compiles `pattern`.
    ///
    /// # Errors
    /// Go's text, e.g. ``error parsing regexp: missing closing ]: `[$` ``.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let translated = translate(pattern)?;
        let regex = regex::RegexBuilder::new(&translated.pattern)
            .size_limit(4 << 20)
            .build()
            .map_err(|_| {
                format!("error parsing regexp: invalid or unsupported syntax: `{pattern}`")
            })?;
        Ok(Self {
            regex,
            names: translated.names,
        })
    }

    /// Whether the expression matches somewhere in `text`.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Replaces all matches in `text`, expanding `$1`, `$name`, `${name}` and `$$` as Go does; `None` without a match.
    #[must_use]
    pub fn replace_all(&self, text: &str, template: &str) -> Option<String> {
        let mut out = String::new();
        let mut last = 0;
        let mut matched = false;
        for found in self.regex.captures_iter(text) {
            // Group 0 always takes part in a match.
            let whole = found.get(0)?;
            out.push_str(&text[last..whole.start()]);
            self.expand(template, &found, &mut out);
            last = whole.end();
            matched = true;
        }
        matched.then(|| {
            out.push_str(&text[last..]);
            out
        })
    }

    fn expand(&self, template: &str, found: &regex::Captures<'_>, out: &mut String) {
        let mut rest = template;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                out.push('$');
                rest = after;
                continue;
            }
            match reference(rest) {
                Some((name, after)) => {
                    out.push_str(self.group(name, found));
                    rest = after;
                }
                None => out.push('$'),
            }
        }
        out.push_str(rest);
    }

    fn group<'t>(&self, name: &str, found: &regex::Captures<'t>) -> &'t str {
        let numeric =
            name.bytes().all(|b| b.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
        let index = if numeric {
            name.parse().ok()
        } else {
            self.names
                .iter()
                .position(|n| n.as_deref() == Some(name))
                .map(|i| i + 1)
        };
        index
            .and_then(|i: usize| found.get(i))
            .map_or("", |m| m.as_str())
    }
}

/// Reads `name` or `{name}` after a dollar sign; the name is the longest run of letters, digits and `_`.
fn reference(text: &str) -> Option<(&str, &str)> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    if let Some(braced) = text.strip_prefix('{') {
        let end = braced.find(|c| !word(c))?;
        return (end > 0 && braced[end..].starts_with('}'))
            .then(|| (&braced[..end], &braced[end + 1..]));
    }
    let end = text.find(|c| !word(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        GoRegex::new(pattern)
            .unwrap_or_else(|e| panic!("{pattern}: {e}"))
            .is_match(text)
    }

    #[test]
    fn literals_that_regex_would_refuse_or_read_otherwise() {
        assert!(matches("^a{$", "a{"));
        assert!(matches("^{x}$", "{x}"));
        assert!(matches("^a{,5}$", "a{,5}"));
        assert!(matches(r"^\Qa.b*\E$", "a.b*"));
        assert!(matches("^[a[b]$", "["));
        assert!(matches("^[a&&b]$", "&"));
        assert!(matches(r"^\<x\>$", "<x>"));
        assert!(matches(r"^\101$", "A"));
        assert!(matches("^[]a]$", "]"));
        assert!(matches("^[a-]$", "-"));
        assert!(matches("^[^]]$", "x"));
    }

    #[test]
    fn classes_are_ascii() {
        assert!(!matches(r"^\d$", "٣"));
        assert!(!matches(r"^\w$", "é"));
        assert!(matches(r"^\W$", "é"));
        assert!(matches(r"^[\D]$", "٣"));
        assert!(matches(r"^\p{Greek}\pL\P{^Latin}$", "λéa"));
        assert!(matches(r"^[[:alpha:]\d_]+$", "a1_"));
        assert!(matches(r"(?i)^EU$", "eu"));
        assert!(matches(r"\bab\b", "é ab"));
        assert!(matches(r"a\Bb", "ab") && !matches(r"a\B", "a"));
        assert!(matches(r"^\x{e9}[\x41-\x43]$", "éB"));
    }

    #[test]
    fn errors_have_the_text_of_go() {
        for (pattern, text) in [
            ("^[$", "error parsing regexp: missing closing ]: `[$`"),
            ("(", "error parsing regexp: missing closing ): `(`"),
            ("a)", "error parsing regexp: unexpected ): `a)`"),
            (
                "*a",
                "error parsing regexp: missing argument to repetition operator: `*`",
            ),
            (
                "a**",
                "error parsing regexp: invalid nested repetition operator: `**`",
            ),
            (
                "a{1001}",
                "error parsing regexp: invalid repeat count: `{1001}`",
            ),
            (
                "[z-a]",
                "error parsing regexp: invalid character class range: `z-a`",
            ),
            (
                r"\C",
                r"error parsing regexp: invalid escape sequence: `\C`",
            ),
            (
                r"\Z",
                r"error parsing regexp: invalid escape sequence: `\Z`",
            ),
            (
                r"\8",
                r"error parsing regexp: invalid escape sequence: `\8`",
            ),
            (
                "(?x)a",
                "error parsing regexp: invalid or unsupported Perl syntax: `(?x`",
            ),
            (
                "a\\",
                "error parsing regexp: trailing backslash at end of expression: ``",
            ),
        ] {
            assert_eq!(GoRegex::new(pattern).unwrap_err(), text, "{pattern}");
        }
    }

    #[test]
    fn replacement() {
        let re = GoRegex::new("^pg-(?P<rest>.*)$").unwrap();
        assert_eq!(re.replace_all("pg-a", "$1").as_deref(), Some("a"));
        assert_eq!(re.replace_all("pg-a", "$rest!").as_deref(), Some("a!"));
        assert_eq!(re.replace_all("pg-a", "$1_x").as_deref(), Some(""));
        assert_eq!(re.replace_all("pg-a", "${1}_x$$").as_deref(), Some("a_x$"));
        assert_eq!(re.replace_all("x", "$1"), None);
        let all = GoRegex::new("a").unwrap();
        assert_eq!(all.replace_all("banana", "o").as_deref(), Some("bonono"));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(pattern in ".*", text in ".*") {
            if let Ok(re) = GoRegex::new(&pattern) {
                let _ = re.replace_all(&text, &pattern);
            }
        }

        #[test]
        fn no_pattern_of_syntax_panics(pattern in "[\\\\QEpPdDwWsSbB{}()\\[\\]^$*+?|.,:\\-&0-9a-zé<>!=i ]{0,16}") {
            let _ = GoRegex::new(&pattern);
        }
    }
}
