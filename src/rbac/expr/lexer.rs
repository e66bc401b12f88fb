//! Go's tokens, with the automatic semicolon after an operand at the end of a line.

use super::error::ExprError;

/// A token without its position.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Ident(String),
    Keyword(String),
    Int(String),
    Float(String),
    /// A rune or imaginary literal; no dialect takes one.
    Other(String),
    /// The decoded value and the source text.
    Str(String, String),
    Op(&'static str),
    /// A line end that ends the expression.
    Newline,
    Eof,
}

impl Token {
    /// How Go's parser names the token it found.
    pub(crate) fn found(&self) -> String {
        match self {
            Self::Newline => "newline".into(),
            Self::Eof => "'EOF'".into(),
            Self::Ident(text)
            | Self::Int(text)
            | Self::Float(text)
            | Self::Other(text)
            | Self::Str(_, text) => text.clone(),
            Self::Keyword(text) => format!("'{text}'"),
            Self::Op(op) => format!("'{op}'"),
        }
    }

    fn ends_line(&self) -> bool {
        match self {
            Self::Ident(_) | Self::Int(_) | Self::Float(_) | Self::Other(_) | Self::Str(..) => true,
            Self::Op(op) => matches!(*op, ")" | "]" | "}" | "++" | "--"),
            Self::Keyword(word) => matches!(
                word.as_str(),
                "break" | "continue" | "fallthrough" | "return"
            ),
            Self::Newline | Self::Eof => false,
        }
    }
}

/// Longest first, so that the first match is the right one.
const OPERATORS: [&str; 47] = [
    "<<=", ">>=", "&^=", "...", "&&", "||", "<-", "++", "--", "==", "!=", "<=", ">=", ":=", "+=",
    "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<", ">>", "&^", "+", "-", "*", "/", "%", "&", "|",
    "^", "<", ">", "=", "!", "(", "[", "{", ",", ".", ")", "]", "}", ";", ":",
];

const KEYWORDS: [&str; 25] = [
    "break",
    "case",
    "chan",
    "const",
    "continue",
    "default",
    "defer",
    "else",
    "fallthrough",
    "for",
    "func",
    "go",
    "goto",
    "if",
    "import",
    "interface",
    "map",
    "package",
    "range",
    "return",
    "select",
    "struct",
    "switch",
    "type",
    "var",
];

/// Cuts a text into tokens.
pub(crate) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    after_operand: bool,
}

impl<'t> Lexer<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            after_operand: false,
        }
    }

    /// Renders an error at a byte offset as Go does: `line:column: text`, both counted from 1, columns in bytes.
    pub(crate) fn error(&self, at: usize, text: &str) -> ExprError {
        // As in Go, a line begins after a line end only if anything follows it.
        let starts = self
            .text
            .bytes()
            .enumerate()
            .filter(|(i, b)| *b == b'\n' && i + 1 < self.text.len());
        let (mut line, mut begin) = (1, 0);
        for (end, _) in starts.take_while(|(i, _)| *i < at) {
            line += 1;
            begin = end + 1;
        }
        let column = at - begin + 1;
        ExprError::untyped(format!("{line}:{column}: {text}"))
    }

    /// The next token and its byte offset.
    pub(crate) fn next(&mut self) -> Result<(usize, Token), ExprError> {
        if let Some(newline) = self.skip_space()? {
            self.after_operand = false;
            return Ok((newline, Token::Newline));
        }
        let start = self.at;
        let token = self.token()?;
        self.after_operand = token.ends_line();
        Ok((start, token))
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Skips blanks and comments; returns the offset of a line end (or of the end of the text) that counts as a token.
    fn skip_space(&mut self) -> Result<Option<usize>, ExprError> {
        loop {
            let rest = self.rest();
            if rest.starts_with("//") {
                let end = rest.find('\n').unwrap_or(rest.len());
                if self.after_operand {
                    let at = self.at;
                    self.at += end;
                    return Ok(Some(at));
                }
                self.at += end;
            } else if rest.starts_with("/*") {
                let end = rest
                    .find("*/")
                    .ok_or_else(|| self.error(self.at, "comment not terminated"))?;
                let at = self.at;
                self.at += end + 2;
                if self.after_operand && rest[..end].contains('\n') {
                    return Ok(Some(at));
                }
            } else if rest.starts_with('\n') {
                self.at += 1;
                if self.after_operand {
                    return Ok(Some(self.at - 1));
                }
            } else if rest.starts_with([' ', '\t', '\r']) {
                self.at += 1;
            } else if rest.is_empty() && self.after_operand {
                return Ok(Some(self.at));
            } else {
                return Ok(None);
            }
        }
    }

    fn token(&mut self) -> Result<Token, ExprError> {
        let rest = self.rest();
        let Some(c) = rest.chars().next() else {
            return Ok(Token::Eof);
        };
        if c == '_' || c.is_alphabetic() {
            let end = rest
                .find(|c: char| c != '_' && !c.is_alphanumeric())
                .unwrap_or(rest.len());
            self.at += end;
            let word = rest[..end].to_owned();
            return Ok(if KEYWORDS.contains(&word.as_str()) {
                Token::Keyword(word)
            } else {
                Token::Ident(word)
            });
        }
        if c.is_ascii_digit() || (c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
            return self.number();
        }
        match c {
            '"' => self.string(),
            '`' => self.raw_string(),
            '\'' => self.rune(),
            _ => match OPERATORS.iter().find(|op| rest.starts_with(**op)) {
                Some(op) => {
                    self.at += op.len();
                    Ok(Token::Op(op))
                }
                None => Err(self.error(
                    self.at,
                    &format!("illegal character U+{:04X} '{c}'", u32::from(c)),
                )),
            },
        }
    }

    fn number(&mut self) -> Result<Token, ExprError> {
        let rest = self.rest();
        let hex = rest.starts_with("0x") || rest.starts_with("0X");
        let mut previous = ' ';
        let end = rest
            .find(|c: char| {
                let sign = matches!(c, '+' | '-')
                    && (matches!(previous, 'p' | 'P') || (!hex && matches!(previous, 'e' | 'E')));
                previous = c;
                !(c.is_ascii_alphanumeric() || c == '_' || c == '.' || sign)
            })
            .unwrap_or(rest.len());
        let text = &rest[..end];
        self.at += end;
        let float =
            text.contains('.') || (!hex && text.contains(['e', 'E'])) || text.contains(['p', 'P']);
        if text.ends_with('i') {
            return Ok(Token::Other(text.to_owned()));
        }
        let plain = text.replace('_', "");
        if float {
            return match plain.parse::<f64>() {
                Ok(_) => Ok(Token::Float(plain)),
                Err(_) => Err(self.error(self.at - end, "invalid number literal")),
            };
        }
        Ok(Token::Int(text.to_owned()))
    }

    fn raw_string(&mut self) -> Result<Token, ExprError> {
        let rest = self.rest();
        let Some(end) = rest[1..].find('`') else {
            return Err(self.error(self.at, "raw string literal not terminated"));
        };
        self.at += end + 2;
        Ok(Token::Str(
            rest[1..=end].replace('\r', ""),
            rest[..end + 2].to_owned(),
        ))
    }

    fn rune(&mut self) -> Result<Token, ExprError> {
        let rest = self.rest();
        let line = rest.lines().next().unwrap_or_default();
        let Some(end) = line[1..].find('\'') else {
            return Err(self.error(self.at, "rune literal not terminated"));
        };
        let body = &line[1..=end];
        if body.chars().count() != 1 && !body.starts_with('\\') {
            return Err(self.error(self.at, "illegal rune literal"));
        }
        self.at += end + 2;
        Ok(Token::Other(rest[..end + 2].to_owned()))
    }

    fn string(&mut self) -> Result<Token, ExprError> {
        let start = self.at;
        let mut bytes = Vec::new();
        self.at += 1;
        loop {
            let rest = self.rest();
            match rest.chars().next() {
                None | Some('\n') => return Err(self.error(start, "string literal not terminated")),
                Some('"') => {
                    self.at += 1;
                    let value = String::from_utf8_lossy(&bytes).into_owned();
                    return Ok(Token::Str(value, self.text[start..self.at].to_owned()));
                }
                Some('\\') => self.escape(&mut bytes)?,
                Some(c) => {
                    self.at += c.len_utf8();
                    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
        }
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), ExprError> {
        let rest = &self.rest()[1..];
        let (digits, radix, skip) = match rest.chars().next() {
            Some('x') => (2, 16, 1),
            Some('u') => (4, 16, 1),
            Some('U') => (8, 16, 1),
            Some('0'..='7') => (3, 8, 0),
            Some(c) => {
                let byte = match c {
                    'a' => 7,
                    'b' => 8,
                    'f' => 12,
                    'n' => b'\n',
                    'r' => b'\r',
                    't' => b'\t',
                    'v' => 11,
                    '\\' => b'\\',
                    '"' => b'"',
                    _ => return Err(self.error(self.at + 1, "unknown escape sequence")),
                };
                bytes.push(byte);
                self.at += 2;
                return Ok(());
            }
            None => return Err(self.error(self.at + 1, "escape sequence not terminated")),
        };
        let number = rest
            .get(skip..skip + digits)
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|d| u32::from_str_radix(d, radix).ok());
        let Some(number) = number else {
            return Err(self.error(self.at + 1, "illegal character in escape sequence"));
        };
        match u8::try_from(number) {
            Ok(byte) if digits < 4 => bytes.push(byte),
            _ => match char::from_u32(number).filter(|_| digits >= 4) {
                Some(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                None => {
                    return Err(
                        self.error(self.at + 1, "escape sequence is invalid Unicode code point")
                    );
                }
            },
        }
        self.at += 1 + skip + digits;
        Ok(())
    }
}
