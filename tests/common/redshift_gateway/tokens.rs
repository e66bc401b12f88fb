//! SQL text cut into tokens: words, quoted names, literals, numbers, signs. Comments count as blanks.

/// One token and the text it was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    /// As it stands in the statement.
    pub(super) raw: &'a str,
    /// Whether a blank or comment stands before it.
    pub(super) apart: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Quoted,
    Literal,
    Number,
    Sign,
}

impl Token<'_> {
    /// Whether it is this key word or sign.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Sign | Kind::Number)
            && self.raw.eq_ignore_ascii_case(word)
    }

    /// The name it stands for. Redshift folds quoted names too.
    pub(super) fn name(&self) -> Option<String> {
        match self.kind {
            Kind::Word => Some(self.raw.to_lowercase()),
            Kind::Quoted => Some(
                self.raw[1..self.raw.len() - 1]
                    .replace("\"\"", "\"")
                    .to_lowercase(),
            ),
            _ => None,
        }
    }
}

/// Cuts a text. An open quote or comment is an error.
pub(super) fn cut(text: &str) -> Result<Vec<Token<'_>>, String> {
    let bytes = text.as_bytes();
    let (mut tokens, mut at, mut apart) = (Vec::new(), 0, false);
    while at < bytes.len() {
        let rest = &text[at..];
        let first = rest.chars().next().expect("within a character");
        if first.is_whitespace() {
            at += first.len_utf8();
            apart = true;
            continue;
        }
        if rest.starts_with("--") || rest.starts_with("/*") {
            let end = if rest.starts_with("--") { "\n" } else { "*/" };
            at += rest.find(end).map_or(rest.len(), |found| found + end.len());
            apart = true;
            continue;
        }
        let (kind, length) = match first {
            '\'' => (Kind::Literal, quoted(rest, '\'')?),
            '"' => (Kind::Quoted, quoted(rest, '"')?),
            '$' if rest[1..].starts_with(|c: char| c == '$' || c.is_alphabetic()) => {
                return Err("dollar-quoted text: procedures and blocks".into());
            }
            c if c.is_alphabetic() || c == '_' => (
                Kind::Word,
                while_(rest, |c| c.is_alphanumeric() || c == '_'),
            ),
            c if c.is_ascii_digit() => (
                Kind::Number,
                while_(rest, |c| c.is_ascii_digit() || c == '.'),
            ),
            _ if rest.starts_with("::") => (Kind::Sign, 2),
            c => (Kind::Sign, c.len_utf8()),
        };
        tokens.push(Token {
            kind,
            raw: &rest[..length],
            apart,
        });
        apart = false;
        at += length;
    }
    Ok(tokens)
}

fn while_(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// Length of the quoted text at the beginning, doubled quotes included.
fn quoted(text: &str, quote: char) -> Result<usize, String> {
    let mut at = 1;
    loop {
        let Some(found) = text[at..].find(quote) else {
            return Err(format!("a {quote} without its end"));
        };
        at += found + 1;
        if !text[at..].starts_with(quote) {
            return Ok(at);
        }
        at += 1;
    }
}
