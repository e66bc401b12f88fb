//! Makes passwords in statements unreadable: `PASSWORD '…'` of CREATE and ALTER ROLE, `password=…` of connection strings.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What a password is replaced by.
const MASK: &str = "****";

/// The word and the beginning of a literal after it.
static PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?is)\bpassword(?:"?\s*=\s*|(?:\s|/\*.*?\*/|--[^\n]*\n)*)"#,
        r"(?<open>(?:e|n|u&)?'|\$(?:[^\W\d]\w*)?\$)",
    ))
    .expect("a constant expression")
});

/// `password=word`, as in connection strings; placeholders and literals are not words.
static WORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?<before>\bpassword\s*=\s*)(?<value>[^\s'$,;)&]+)")
        .expect("a constant expression")
});

/// `//user:password@host`.
static URL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?<before>\bpostgres(?:ql)?://[^\s:/@']*:)(?<value>[^\s@/']+)(?<after>@)")
        .expect("a constant expression")
});

/// The statement with every password in it replaced.
pub(super) fn masked(text: &str) -> Cow<'_, str> {
    let quoted = literals(text);
    let words = replace(&WORD, quoted);
    replace(&URL, words)
}

/// The statement with every literal after the word replaced.
fn literals(text: &str) -> Cow<'_, str> {
    let (mut out, mut at) = (String::new(), 0);
    while let Some(found) = PASSWORD.captures_at(text, at) {
        let Some(open) = found.name("open") else {
            break;
        };
        out.push_str(&text[at..open.start()]);
        out.push('\'');
        out.push_str(MASK);
        out.push('\'');
        at = end_of_literal(text, open.as_str(), open.end());
    }
    if at == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[at..]);
    Cow::Owned(out)
}

/// Where the literal ends whose content begins at `at`; the end of the text when it lacks its end, since long statements
/// are cut.
fn end_of_literal(text: &str, open: &str, mut at: usize) -> usize {
    if open.starts_with('$') {
        return text[at..]
            .find(open)
            .map_or(text.len(), |end| at + end + open.len());
    }
    let bytes = text.as_bytes();
    let escapes = open.starts_with(['e', 'E']);
    while at < bytes.len() {
        let byte = bytes[at];
        at += 1;
        if byte == b'\\' && escapes {
            at += 1;
        } else if byte == b'\'' {
            if bytes.get(at) == Some(&b'\'') {
                at += 1;
                continue;
            }
            // A literal in the next line goes on with this one.
            let rest = text[at..].trim_start();
            let blank = &text[at..text.len() - rest.len()];
            if !(rest.starts_with('\'') && blank.contains(['\n', '\r'])) {
                return at;
            }
            at += blank.len() + 1;
        }
    }
    text.len()
}

fn replace<'a>(pattern: &Regex, text: Cow<'a, str>) -> Cow<'a, str> {
    match pattern.replace_all(&text, |found: &Captures<'_>| {
        let after = found.name("after").map_or("", |after| after.as_str());
        format!("{}{MASK}{after}", &found["before"])
    }) {
        Cow::Borrowed(_) => text,
        Cow::Owned(changed) => Cow::Owned(changed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_stays() {
        for (text, want) in [
            (
                "ALTER ROLE a PASSWORD 'hidden'",
                "ALTER ROLE a PASSWORD '****'",
            ),
            (
                "create user a password'hid''den' login",
                "create user a password'****' login",
            ),
            (
                r"alter role a password E'hid\'den' nologin",
                "alter role a password '****' nologin",
            ),
            (
                "alter role a encrypted password $x$hidden$x$; select 1",
                "alter role a encrypted password '****'; select 1",
            ),
            (
                "alter role a password /* new */ 'hidden'",
                "alter role a password /* new */ '****'",
            ),
            (
                "alter role a password 'hidd",
                "alter role a password '****'",
            ),
            (
                "select dblink('host=h password=hidden user=u')",
                "select dblink('host=h password=**** user=u')",
            ),
            (
                "select dblink('postgresql://u:hidden@h/d')",
                "select dblink('postgresql://u:****@h/d')",
            ),
            (
                "create subscription s connection 'password = hidden'",
                "create subscription s connection 'password = ****'",
            ),
        ] {
            assert_eq!(masked(text), want);
        }
    }

    #[test]
    fn other_statements_stay_as_they_are() {
        for text in [
            "select current_user;",
            "select password from users where password = $1",
            "select 'a' as b",
            "\\password",
            "",
        ] {
            assert!(matches!(masked(text), Cow::Borrowed(same) if same == text));
        }
    }
}
