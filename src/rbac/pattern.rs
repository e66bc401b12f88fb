//! Patterns of label values, role maps and `regexp.match`: globs, or Go regular expressions written `^…$` (rbac.md 2).

use super::regexp::GoRegex;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// A text without `*`: matches itself.
    Literal(String),
    /// A glob, or a regular expression.
    Regex(GoRegex),
}

impl Pattern {
    /// Compiles a pattern: as a Go regular expression when it starts with `^` and ends with `$`, else as a glob in which
    /// only `*` is special.
    ///
    /// # Errors
    /// Go's text for a regular expression that does not compile.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.starts_with('^') && text.ends_with('$') {
            return GoRegex::new(text).map(Self::Regex);
        }
        if !text.contains('*') {
            return Ok(Self::Literal(text.to_owned()));
        }
        Self::regex(text).map(Self::Regex)
    }

    /// Compiles a pattern for replacement: the text that a `*` stands for becomes a group.
    ///
    /// # Errors
    /// Go's text for a regular expression that does not compile.
    pub fn regex(text: &str) -> Result<GoRegex, String> {
        if text.starts_with('^') && text.ends_with('$') {
            return GoRegex::new(text);
        }
        let mut source = String::from("^");
        for c in text.chars() {
            match c {
                '*' => source.push_str("(.*)"),
                c if r"\.+?()|[]{}^$".contains(c) => {
                    source.push('\\');
                    source.push(c);
                }
                c => source.push(c),
            }
        }
        source.push('$');
        GoRegex::new(&source)
    }

    /// Whether the pattern matches `value`.
    #[must_use]
    pub fn is_match(&self, value: &str) -> bool {
        match self {
            Self::Literal(text) => text == value,
            Self::Regex(regex) => regex.is_match(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_the_protocol() {
        // rbac.md 14.1, A9-A13.
        for (pattern, value, expected) in [
            ("eu-*", "eu-west", true),
            ("eu-*", "eu", false),
            ("eu-*", "xeu-west", false),
            ("^eu-(west|north)$", "eu-north", true),
            ("^eu-(west|north)$", "eu-south", false),
            ("eu.west", "eu-west", false),
            ("eu.west", "eu.west", true),
            ("^eu-west", "eu-west", false),
            ("^eu-west", "^eu-west", true),
            ("^eu|us$", "aus", true),
            ("^eu|us$", "europe", true),
            ("^eu|us$", "xeux", false),
            ("", "", true),
            ("a*", "a\nb", false),
        ] {
            assert_eq!(
                Pattern::new(pattern).unwrap().is_match(value),
                expected,
                "{pattern} {value}"
            );
        }
    }
}
