//! Finds statements in the bytes a client sends, however they are cut, in bounded memory.
//!
//! Source: PostgreSQL's frontend messages; db-service.md 2.10 for how parameters are recorded.

use base64::Engine as _;

/// Longest message content that is looked at, bytes; the rest of a longer one is passed over.
pub(super) const LIMIT: usize = 64 * 1024;
/// A buffer larger than this is given back after its message.
const KEPT: usize = 4096;

/// One message of a client that the log records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Statement {
    /// A simple query.
    Query { text: String },
    /// Parse.
    Parse { name: String, text: String },
    /// Bind. Parameters are empty when they do not fit their formats or the message was too long.
    Bind {
        name: String,
        portal: String,
        parameters: Vec<String>,
    },
    /// Execute.
    Execute { portal: String },
    /// Close of a prepared statement.
    ClosePrepared { name: String },
    /// Close of a portal.
    ClosePortal { name: String },
    /// FunctionCall.
    Function { oid: u32, arguments: Vec<String> },
}

/// Follows the messages of one client.
#[derive(Debug, Default)]
pub(super) struct Statements {
    header: [u8; 5],
    have: usize,
    left: usize,
    body: Vec<u8>,
    cut: bool,
}

impl Statements {
    /// Takes bytes; `found` hears each statement whose last byte is among them.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut found: impl FnMut(Statement)) {
        while !bytes.is_empty() {
            if self.have < 5 {
                let take = (5 - self.have).min(bytes.len());
                self.header[self.have..self.have + take].copy_from_slice(&bytes[..take]);
                self.have += take;
                bytes = &bytes[take..];
                if self.have < 5 {
                    return;
                }
                let [_, length @ ..] = self.header;
                self.left = usize::try_from(u32::from_be_bytes(length))
                    .unwrap_or(usize::MAX)
                    .saturating_sub(4);
            }
            let take = self.left.min(bytes.len());
            if is_recorded(self.header[0]) {
                let room = LIMIT - self.body.len();
                self.body.extend_from_slice(&bytes[..take.min(room)]);
                self.cut |= take > room;
            }
            self.left -= take;
            bytes = &bytes[take..];
            if self.left == 0 {
                if let Some(statement) = read(self.header[0], &self.body, self.cut) {
                    found(statement);
                }
                self.have = 0;
                self.cut = false;
                self.body.clear();
                self.body.shrink_to(KEPT);
            }
        }
    }
}

fn is_recorded(kind: u8) -> bool {
    matches!(kind, b'Q' | b'P' | b'B' | b'E' | b'C' | b'F')
}

/// Reads a message; `None` for one of another type, or one that PostgreSQL will refuse.
fn read(kind: u8, body: &[u8], cut: bool) -> Option<Statement> {
    let mut rest = Reader(body);
    Some(match kind {
        b'Q' => Statement::Query {
            text: rest.text(cut)?,
        },
        b'P' => Statement::Parse {
            name: rest.text(cut)?,
            text: rest.text(cut)?,
        },
        b'B' => Statement::Bind {
            portal: rest.text(cut)?,
            name: rest.text(cut)?,
            parameters: rest.values().unwrap_or_default(),
        },
        b'E' => Statement::Execute {
            portal: rest.text(cut)?,
        },
        b'C' => match rest.take(1)? {
            b"S" => Statement::ClosePrepared {
                name: rest.text(cut)?,
            },
            b"P" => Statement::ClosePortal {
                name: rest.text(cut)?,
            },
            _ => return None,
        },
        b'F' => Statement::Function {
            oid: u32::from_be_bytes(*rest.take(4)?.first_chunk()?),
            arguments: rest.values().unwrap_or_default(),
        },
        _ => return None,
    })
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<usize> {
        Some(u16::from_be_bytes(*self.take(2)?.first_chunk()?).into())
    }

    /// A text up to its zero byte, or, in a message that was cut, up to the end.
    fn text(&mut self, cut: bool) -> Option<String> {
        let end = self.0.iter().position(|byte| *byte == 0);
        let text = match end {
            Some(end) => {
                let text = self.take(end)?;
                self.take(1)?;
                text
            }
            None if cut => self.take(self.0.len())?,
            None => return None,
        };
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// Formats, then values: no format means text, one goes for all; another number than there are values is a mistake.
    fn values(&mut self) -> Option<Vec<String>> {
        let formats = self.number()?;
        let formats = (0..formats)
            .map(|_| self.number())
            .collect::<Option<Vec<_>>>()?;
        let count = self.number()?;
        if formats.len() > 1 && formats.len() != count {
            return None;
        }
        (0..count)
            .map(|at| {
                let length = i32::from_be_bytes(*self.take(4)?.first_chunk()?);
                // NULL, -1, reads as the empty text.
                let value = self.take(usize::try_from(length).unwrap_or(0))?;
                let format = match formats.as_slice() {
                    [] => 0,
                    [one] => *one,
                    each => each[at],
                };
                Some(if format == 0 {
                    String::from_utf8_lossy(value).into_owned()
                } else {
                    base64::engine::general_purpose::STANDARD.encode(value)
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).expect("small").to_be_bytes();
        [&[kind], length.as_slice(), body].concat()
    }

    fn all(bytes: &[u8], size: usize) -> Vec<Statement> {
        let (mut statements, mut found) = (Statements::default(), Vec::new());
        for piece in bytes.chunks(size) {
            statements.feed(piece, |statement| found.push(statement));
        }
        found
    }

    #[test]
    fn statements_are_found_however_the_bytes_are_cut() {
        let bytes = [
            message(b'Q', b"select 1\0"),
            message(b'd', b"Q\0\0\0\x08abc\0"),
            message(b'p', b"a password\0"),
            message(b'P', b"s\0select $1\0\0\0"),
            message(
                b'B',
                b"p\0s\0\0\0\0\x03\0\0\0\x02ab\xff\xff\xff\xff\0\0\0\0\0\0",
            ),
            message(b'B', b"\0s\0\0\x01\0\x01\0\x01\0\0\0\x02\0\x01\0\0"),
            message(b'B', b"\0s\0\0\x02\0\x01\0\0\0\x01\0\0\0\x02ab\0\0"),
            message(b'E', b"p\0\0\0\0\0"),
            message(b'S', b""),
            message(b'C', b"Ss\0"),
            message(b'C', b"Pp\0"),
            message(b'F', b"\0\0\0\x2a\0\0\0\x01\0\0\0\x01x\0\0"),
            message(b'Q', b"no end"),
            message(b'Q', b"\0"),
            message(b'X', b""),
        ]
        .concat();
        let bind = |portal: &str, parameters: &[&str]| Statement::Bind {
            name: "s".into(),
            portal: portal.into(),
            parameters: parameters.iter().map(ToString::to_string).collect(),
        };
        let want = [
            Statement::Query {
                text: "select 1".into(),
            },
            Statement::Parse {
                name: "s".into(),
                text: "select $1".into(),
            },
            bind("p", &["ab", "", ""]),
            bind("", &["AAE="]),
            bind("", &[]),
            Statement::Execute { portal: "p".into() },
            Statement::ClosePrepared { name: "s".into() },
            Statement::ClosePortal { name: "p".into() },
            Statement::Function {
                oid: 42,
                arguments: vec!["x".into()],
            },
            Statement::Query { text: "".into() },
        ];
        for size in 1..=bytes.len() {
            assert_eq!(all(&bytes, size), want, "pieces of {size}");
        }
    }

    #[test]
    fn a_long_statement_is_cut_and_its_memory_given_back() {
        let long = vec![b'x'; LIMIT * 3];
        let bytes = [message(b'Q', &long), message(b'Q', b"next\0")].concat();
        let (mut statements, mut found) = (Statements::default(), Vec::new());
        for piece in bytes.chunks(1000) {
            statements.feed(piece, |statement| found.push(statement));
            assert!(statements.body.capacity() <= 2 * LIMIT);
        }
        assert!(statements.body.capacity() <= KEPT);
        let [
            Statement::Query { text: first },
            Statement::Query { text: second },
        ] = found.as_slice()
        else {
            panic!("{found:?}")
        };
        assert_eq!((first.len(), second.as_str()), (LIMIT, "next"));
    }
}
