//! Reads Go's syntax and writes that of the `regex` crate.

use std::fmt::Write as _;

/// What [`translate`] returns.
#[derive(Clone, Debug)]
pub struct Translated {
    /// The pattern for `regex`.
    pub pattern: String,
    /// Name of each capturing group, from group 1 on.
    pub names: Vec<Option<String>>,
}

const DIGIT: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = r"\t\n\x0C\r ";
const MAX_REPEAT: u32 = 1000;
const POSIX_CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// Translates a Go pattern.
///
/// # Errors
/// Go's text for the first syntax error.
pub fn translate(pattern: &str) -> Result<Translated, String> {
    let mut reader = Reader {
        whole: pattern,
        rest: pattern,
        out: String::new(),
        names: Vec::new(),
        open: 0,
        operand: false,
    };
    reader.run()?;
    Ok(Translated {
        pattern: reader.out,
        names: reader.names,
    })
}

struct Reader<'p> {
    whole: &'p str,
    rest: &'p str,
    out: String,
    names: Vec<Option<String>>,
    open: usize,
    /// Whether something stands before that a repetition can apply to.
    operand: bool,
}

fn error(what: &str, where_: &str) -> String {
    format!("error parsing regexp: {what}: `{where_}`")
}

impl<'p> Reader<'p> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn run(&mut self) -> Result<(), String> {
        while let Some(c) = self.rest.chars().next() {
            match c {
                '(' => self.group()?,
                ')' => {
                    if self.open == 0 {
                        return Err(error("unexpected )", self.whole));
                    }
                    self.open -= 1;
                    self.rest = &self.rest[1..];
                    self.out.push(')');
                    self.operand = true;
                }
                '|' => {
                    self.rest = &self.rest[1..];
                    self.out.push('|');
                    self.operand = false;
                }
                '^' | '$' | '.' => {
                    self.rest = &self.rest[1..];
                    self.out.push(c);
                    self.operand = true;
                }
                '[' => self.class()?,
                '*' | '+' | '?' => self.repeat(1)?,
                '{' => match count(self.rest) {
                    Some((len, min, max)) => {
                        if min > MAX_REPEAT || max.is_some_and(|m| m > MAX_REPEAT || m < min) {
                            return Err(error("invalid repeat count", &self.rest[..len]));
                        }
                        self.repeat(len)?;
                    }
                    None => self.literal('{', 1),
                },
                '\\' => self.escape()?,
                c => self.literal(c, c.len_utf8()),
            }
        }
        if self.open > 0 {
            Err(error("missing closing )", self.whole))
        } else {
            Ok(())
        }
    }

    fn literal(&mut self, c: char, len: usize) {
        self.rest = &self.rest[len..];
        push_literal(&mut self.out, c);
        self.operand = true;
    }

    /// Copies a repetition operator of `len` bytes with its lazy mark; a second one right after it is an error.
    fn repeat(&mut self, len: usize) -> Result<(), String> {
        let start = self.rest;
        if !self.operand {
            return Err(error(
                "missing argument to repetition operator",
                &start[..len],
            ));
        }
        let mut end = len;
        if start[end..].starts_with('?') {
            end += 1;
        }
        self.out.push_str(&start[..end]);
        self.rest = &start[end..];
        let again = match self.rest.chars().next() {
            Some('*' | '+' | '?') => Some(1),
            Some('{') => count(self.rest).map(|(len, ..)| len),
            _ => None,
        };
        match again {
            Some(more) => Err(error(
                "invalid nested repetition operator",
                &start[..end + more],
            )),
            None => Ok(()),
        }
    }

    fn group(&mut self) -> Result<(), String> {
        let text = self.rest;
        self.open += 1;
        self.operand = false;
        let Some(perl) = text.strip_prefix("(?") else {
            self.rest = &text[1..];
            self.out.push('(');
            self.names.push(None);
            return Ok(());
        };
        let named = perl.strip_prefix("P<").or_else(|| {
            perl.strip_prefix('<')
                .filter(|r| !r.starts_with(['=', '!']))
        });
        if let Some(named) = named {
            let end = named
                .find('>')
                .ok_or_else(|| error("invalid named capture", text))?;
            let name = &named[..end];
            let whole = &text[..text.len() - named.len() + end + 1];
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Err(error("invalid named capture", whole));
            }
            if self.names.iter().any(|n| n.as_deref() == Some(name)) {
                return Err(error("duplicate capture group name", name));
            }
            self.names.push(Some(name.to_owned()));
            self.out.push('(');
            self.rest = &named[end + 1..];
            return Ok(());
        }
        self.flags(text, perl)
    }

    /// Reads `(?flags)` and `(?flags:`.
    fn flags(&mut self, text: &'p str, perl: &'p str) -> Result<(), String> {
        let mut negative = false;
        let mut after_sign = false;
        for (i, c) in perl.char_indices() {
            let whole = &text[..2 + i + c.len_utf8()];
            match c {
                'i' | 'm' | 's' | 'U' => after_sign = false,
                '-' if !negative => {
                    negative = true;
                    after_sign = true;
                }
                ':' | ')' if !after_sign => {
                    if c == ')' {
                        self.open -= 1;
                        if i == 0 {
                            self.rest = &perl[1..];
                            return Ok(());
                        }
                    }
                    self.out.push_str(whole);
                    self.rest = &perl[i + 1..];
                    return Ok(());
                }
                _ => return Err(error("invalid or unsupported Perl syntax", whole)),
            }
        }
        Err(error("missing closing )", self.whole))
    }

    fn escape(&mut self) -> Result<(), String> {
        let text = self.rest;
        self.operand = true;
        if let Some(quoted) = text.strip_prefix("\\Q") {
            let end = quoted.find("\\E");
            for c in quoted[..end.unwrap_or(quoted.len())].chars() {
                push_literal(&mut self.out, c);
            }
            self.rest = end.map_or("", |end| &quoted[end + 2..]);
            return Ok(());
        }
        match text[1..].chars().next() {
            Some('A') => self.take(2, r"\A"),
            Some('z') => self.take(2, r"\z"),
            Some('b') => self.take(2, r"(?-u:\b)"),
            Some('B') => self.take(2, r"(?-u:\B)"),
            _ => {
                if let Some(class) = self.perl_class()? {
                    self.out.push('[');
                    self.out.push_str(&class.negated());
                    self.out.push(']');
                } else {
                    let c = self.escaped_char()?;
                    push_literal(&mut self.out, c);
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, len: usize, replacement: &str) {
        self.rest = &self.rest[len..];
        self.out.push_str(replacement);
    }

    /// Reads `\d`, `\W`, `\pN`, `\P{^Greek}` … if one stands here.
    fn perl_class(&mut self) -> Result<Option<Class>, String> {
        let text = self.rest;
        let mut chars = text.chars().skip(1);
        let class = match chars.next() {
            Some(c @ ('d' | 'D')) => Class {
                body: DIGIT.into(),
                negative: c == 'D',
            },
            Some(c @ ('w' | 'W')) => Class {
                body: WORD.into(),
                negative: c == 'W',
            },
            Some(c @ ('s' | 'S')) => Class {
                body: SPACE.into(),
                negative: c == 'S',
            },
            Some(c @ ('p' | 'P')) => {
                let mut negative = c == 'P';
                let (name, len) = match chars.next() {
                    Some('{') => {
                        let end = text
                            .find('}')
                            .ok_or_else(|| error("invalid character class range", text))?;
                        (&text[3..end], end + 1)
                    }
                    Some(one) => (&text[2..2 + one.len_utf8()], 2 + one.len_utf8()),
                    None => return Err(error("invalid character class range", text)),
                };
                let plain = name.strip_prefix('^').unwrap_or(name);
                negative ^= plain.len() != name.len();
                let known = plain.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                    && !plain.is_empty();
                let class = format!(r"\p{{{plain}}}");
                if !known || (plain != "Any" && regex::Regex::new(&class).is_err()) {
                    return Err(error("invalid character class range", &text[..len]));
                }
                self.rest = &text[len..];
                return Ok(Some(Class {
                    body: class,
                    negative,
                }));
            }
            _ => return Ok(None),
        };
        self.rest = &text[2..];
        Ok(Some(class))
    }

    /// Reads a backslash and what it escapes: a control character, an octal or hexadecimal number, punctuation.
    fn escaped_char(&mut self) -> Result<char, String> {
        let text = self.rest;
        self.next();
        let Some(c) = self.next() else {
            return Err(error("trailing backslash at end of expression", ""));
        };
        let invalid =
            |rest: &str| error("invalid escape sequence", &text[..text.len() - rest.len()]);
        Ok(match c {
            'a' => '\x07',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            '0'..='7' => {
                let digits = |s: &str| {
                    s.bytes()
                        .take_while(|b| (b'0'..=b'7').contains(b))
                        .take(2)
                        .count()
                };
                let more = digits(self.rest);
                if c != '0' && more == 0 {
                    return Err(invalid(self.rest));
                }
                let number = u32::from_str_radix(&text[1..2 + more], 8).unwrap_or_default();
                self.rest = &self.rest[more..];
                char::from_u32(number).unwrap_or_default()
            }
            'x' => {
                let (digits, len) = match self.rest.strip_prefix('{') {
                    Some(braced) => match braced.find('}') {
                        Some(end) => (&braced[..end], end + 2),
                        None => return Err(invalid("")),
                    },
                    None => (self.rest.get(..2).unwrap_or(self.rest), 2),
                };
                let hex = !digits.is_empty()
                    && digits.len() <= 8
                    && digits.bytes().all(|b| b.is_ascii_hexdigit());
                let number = if hex && (len > 2 || digits.len() == 2) {
                    u32::from_str_radix(digits, 16)
                        .ok()
                        .and_then(char::from_u32)
                } else {
                    None
                };
                let end = len.min(self.rest.len());
                let Some(c) = number else {
                    return Err(invalid(self.rest.get(end..).unwrap_or("")));
                };
                self.rest = &self.rest[end..];
                c
            }
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => c,
            _ => return Err(invalid(self.rest)),
        })
    }

    fn class(&mut self) -> Result<(), String> {
        let text = self.rest;
        let missing = || error("missing closing ]", text);
        self.rest = &text[1..];
        self.operand = true;
        let mut body = String::new();
        let negative = self.rest.starts_with('^');
        if negative {
            self.rest = &self.rest[1..];
        }
        let mut first = true;
        loop {
            if self.rest.is_empty() {
                return Err(missing());
            }
            if self.rest.starts_with(']') && !first {
                self.rest = &self.rest[1..];
                break;
            }
            first = false;
            if let Some(posix) = self.rest.strip_prefix("[:")
                && let Some(end) = posix.find(":]")
            {
                let name = &self.rest[..end + 4];
                if !POSIX_CLASSES.contains(&posix[..end].trim_start_matches('^')) {
                    return Err(error("invalid character class range", name));
                }
                body.push_str(name);
                self.rest = &self.rest[end + 4..];
                continue;
            }
            if self.rest.starts_with('\\')
                && let Some(class) = self.perl_class()?
            {
                if class.negative {
                    let _ = write!(body, "[{}]", class.negated());
                } else {
                    body.push_str(&class.body);
                }
                continue;
            }
            self.range(&mut body, &missing)?;
        }
        self.out.push_str(if negative { "[^" } else { "[" });
        self.out.push_str(&body);
        self.out.push(']');
        Ok(())
    }

    /// Reads one character or range of a class.
    fn range(&mut self, body: &mut String, missing: &dyn Fn() -> String) -> Result<(), String> {
        let start = self.rest;
        let low = self.class_char(missing)?;
        let is_range = self
            .rest
            .strip_prefix('-')
            .is_some_and(|r| !r.is_empty() && !r.starts_with(']'));
        if !is_range {
            push_literal(body, low);
            return Ok(());
        }
        self.rest = &self.rest[1..];
        let high = self.class_char(missing)?;
        if high < low {
            let what = &start[..start.len() - self.rest.len()];
            return Err(error("invalid character class range", what));
        }
        push_literal(body, low);
        body.push('-');
        push_literal(body, high);
        Ok(())
    }

    fn class_char(&mut self, missing: &dyn Fn() -> String) -> Result<char, String> {
        if self.rest.starts_with('\\') {
            self.escaped_char()
        } else {
            self.next().ok_or_else(missing)
        }
    }
}

/// The inside of a bracket expression.
struct Class {
    body: String,
    negative: bool,
}

impl Class {
    fn negated(&self) -> String {
        if self.negative {
            format!("^{}", self.body)
        } else {
            self.body.clone()
        }
    }
}

/// Writes a character so that it stands for itself inside and outside of classes.
fn push_literal(out: &mut String, c: char) {
    if c.is_ascii() && !c.is_ascii_alphanumeric() {
        // Writing into a String cannot fail.
        let _ = write!(out, "\\x{:02X}", u32::from(c));
    } else {
        out.push(c);
    }
}

/// Reads `{n}`, `{n,}` or `{n,m}`; returns its length and bounds. Anything else starting with a brace is literal in Go.
fn count(text: &str) -> Option<(usize, u32, Option<u32>)> {
    let end = text.find('}')?;
    let body = &text[1..end];
    let number = |s: &str| -> Option<u32> {
        let ok = !s.is_empty()
            && s.bytes().all(|b| b.is_ascii_digit())
            && (s == "0" || !s.starts_with('0'));
        ok.then(|| s.parse().unwrap_or(u32::MAX))
    };
    let (min, max) = match body.split_once(',') {
        None => {
            let n = number(body)?;
            (n, Some(n))
        }
        Some((min, "")) => (number(min)?, None),
        Some((min, max)) => (number(min)?, Some(number(max)?)),
    };
    Some((end + 1, min, max))
}
