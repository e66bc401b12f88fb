//! Text as Go prints it: `%q` for strings and `%v` for string lists (rbac.md, conventions).

use std::fmt::Write as _;

/// Returns `text` in double quotes with Go's escapes.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            c if printable(c) => out.push(c),
            // Writing into a String cannot fail.
            c if c < '\u{80}' => drop(write!(out, "\\x{:02x}", u32::from(c))),
            c if c < '\u{10000}' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => drop(write!(out, "\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

/// Returns `[a b c]`: a string list as Go's `%v` prints it.
#[must_use]
pub fn list<S: AsRef<str>>(items: &[S]) -> String {
    let mut out = String::from("[");
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(' ');
        }
        out.push_str(item.as_ref());
    }
    out.push(']');
    out
}

/// Returns a span as Go prints it: `1h0m0s`, `3s`, `1.5s`, `250ms`.
#[must_use]
pub fn duration(span: std::time::Duration) -> String {
    let fraction = |whole: u64, part: u64, digits: usize| {
        let text = format!("{whole}.{part:0digits$}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        text.to_owned()
    };
    let (seconds, nanos) = (span.as_secs(), u64::from(span.subsec_nanos()));
    match (seconds, nanos) {
        (0, 0) => "0s".to_owned(),
        (0, n @ ..1_000) => format!("{n}ns"),
        (0, n @ ..1_000_000) => format!("{}µs", fraction(n / 1_000, n % 1_000, 3)),
        (0, n) => format!("{}ms", fraction(n / 1_000_000, n % 1_000_000, 6)),
        (s, n) => {
            let tail = format!("{}s", fraction(s % 60, n, 9));
            match (s / 3600, s / 60 % 60) {
                (0, 0) => tail,
                (0, minutes) => format!("{minutes}m{tail}"),
                (hours, minutes) => format!("{hours}h{minutes}m{tail}"),
            }
        }
    }
}

/// Approximates Go's notion of a printable character: the usual invisible and private ranges are not.
fn printable(c: char) -> bool {
    c == ' '
        || !(c.is_control()
            || c.is_whitespace()
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
                | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{f0000}'..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_go() {
        let nanos = std::time::Duration::from_nanos;
        for (n, text) in [
            (0, "0s"),
            (7, "7ns"),
            (1_500, "1.5µs"),
            (250_000_000, "250ms"),
            (1_500_000_000, "1.5s"),
            (3_000_000_000, "3s"),
            (60_000_000_000, "1m0s"),
            (3_600_000_000_000, "1h0m0s"),
            (5_415_000_000_001, "1h30m15.000000001s"),
        ] {
            assert_eq!(duration(nanos(n)), text);
        }
    }

    #[test]
    fn quotes_as_go() {
        assert_eq!(quote("a\"b\\c"), r#""a\"b\\c""#);
        assert_eq!(quote("\n\t\u{1}é\u{a0}"), "\"\\n\\t\\x01é\\u00a0\"");
    }

    #[test]
    fn lists_as_go() {
        assert_eq!(list::<&str>(&[]), "[]");
        assert_eq!(list(&["a", "b"]), "[a b]");
    }
}
