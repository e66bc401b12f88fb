//! ErrorResponse and NoticeResponse: a list of fields, each a letter and a text.
//!
//! Teleport's own errors carry only `M` (db-service.md 1.6); [`ErrorResponse::complete`] makes them whole for clients that
//! insist on severity and SQLSTATE.

use std::borrow::Cow;
use std::fmt;

use super::message::{MessageError, put_length, tag};
use super::startup::take_text;

/// Letters of the fields.
pub mod field {
    /// Severity, perhaps translated.
    pub const SEVERITY: u8 = b'S';
    /// Severity, never translated.
    pub const SEVERITY_PLAIN: u8 = b'V';
    /// SQLSTATE.
    pub const CODE: u8 = b'C';
    /// The message.
    pub const MESSAGE: u8 = b'M';
    /// Detail.
    pub const DETAIL: u8 = b'D';
    /// Hint.
    pub const HINT: u8 = b'H';
}

/// Which of the two messages the fields stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ErrorResponse: during the start, the connection ends.
    Error,
    /// NoticeResponse.
    Notice,
}

/// An ErrorResponse or NoticeResponse: its fields in the order sent. Texts are bytes, their encoding is the sender's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorResponse {
    kind: Kind,
    fields: Vec<(u8, Vec<u8>)>,
}

impl ErrorResponse {
    /// Makes an error that ends the connection: severity FATAL, SQLSTATE, message.
    pub fn fatal(sqlstate: &str, message: &str) -> Self {
        Self::new(Kind::Error, "FATAL", sqlstate, message)
    }

    /// Makes a message with severity (both forms), SQLSTATE and text.
    pub fn new(kind: Kind, severity: &str, sqlstate: &str, message: &str) -> Self {
        let empty = Self {
            kind,
            fields: Vec::new(),
        };
        empty
            .with(field::SEVERITY, severity)
            .with(field::SEVERITY_PLAIN, severity)
            .with(field::CODE, sqlstate)
            .with(field::MESSAGE, message)
    }

    /// Makes an error with nothing but a message, as Teleport does.
    pub fn message_only(message: &str) -> Self {
        let empty = Self {
            kind: Kind::Error,
            fields: Vec::new(),
        };
        empty.with(field::MESSAGE, message)
    }

    /// Adds a field. A zero byte ends the text, as it does on the wire.
    #[must_use]
    pub fn with(mut self, letter: u8, text: &str) -> Self {
        self.push(letter, text);
        self
    }

    /// Adds the detail.
    #[must_use]
    pub fn with_detail(self, text: &str) -> Self {
        self.with(field::DETAIL, text)
    }

    /// Adds the hint.
    #[must_use]
    pub fn with_hint(self, text: &str) -> Self {
        self.with(field::HINT, text)
    }

    fn push(&mut self, letter: u8, text: &str) {
        let text = text.bytes().take_while(|b| *b != 0).collect();
        self.fields.push((letter, text));
    }

    /// Returns which of the two messages this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns a field's text; bytes that are not UTF-8 are replaced.
    pub fn get(&self, letter: u8) -> Option<Cow<'_, str>> {
        let found = self.fields.iter().find(|(l, _)| *l == letter)?;
        Some(String::from_utf8_lossy(&found.1))
    }

    /// Returns the message, empty when there is none.
    pub fn message(&self) -> Cow<'_, str> {
        self.get(field::MESSAGE).unwrap_or_default()
    }

    /// Returns the SQLSTATE.
    pub fn sqlstate(&self) -> Option<Cow<'_, str>> {
        self.get(field::CODE)
    }

    /// Returns the severity, untranslated when the sender gave it.
    pub fn severity(&self) -> Option<Cow<'_, str>> {
        self.get(field::SEVERITY_PLAIN)
            .or_else(|| self.get(field::SEVERITY))
    }

    /// Returns the detail.
    pub fn detail(&self) -> Option<Cow<'_, str>> {
        self.get(field::DETAIL)
    }

    /// Returns the hint.
    pub fn hint(&self) -> Option<Cow<'_, str>> {
        self.get(field::HINT)
    }

    /// Says whether the fields include this one.
    pub fn has(&self, letter: u8) -> bool {
        self.fields.iter().any(|(l, _)| *l == letter)
    }

    /// Says whether this is one of Teleport's own errors: no severity and no SQLSTATE.
    pub fn is_message_only(&self) -> bool {
        self.fields.iter().all(|(l, _)| *l == field::MESSAGE)
    }

    /// Fills in what is missing of S, V, C, D and H, and leaves every present field as it is. S, V and C stand before the
    /// message, where PostgreSQL puts them.
    pub fn complete(
        &mut self,
        severity: &str,
        sqlstate: &str,
        detail: Option<&str>,
        hint: Option<&str>,
    ) {
        let mut front = Vec::new();
        for (letter, text) in [
            (field::SEVERITY, severity),
            (field::SEVERITY_PLAIN, severity),
            (field::CODE, sqlstate),
        ] {
            if !self.has(letter) {
                front.push((letter, text.as_bytes().to_vec()));
            }
        }
        self.fields.splice(0..0, front);
        for (letter, text) in [(field::DETAIL, detail), (field::HINT, hint)] {
            if let Some(text) = text.filter(|_| !self.has(letter)) {
                self.push(letter, text);
            }
        }
    }

    /// Reads the body of a message of type `E` or `N`.
    ///
    /// # Errors
    /// [`MessageError::Body`] when a field has no end or the list has none.
    pub fn parse(kind: Kind, mut body: &[u8]) -> Result<Self, MessageError> {
        let broken = MessageError::Body(kind.tag());
        let mut fields = Vec::new();
        loop {
            let Some((&letter, rest)) = body.split_first() else {
                return Err(broken);
            };
            body = rest;
            if letter == 0 {
                break;
            }
            let Some(text) = take_text(&mut body) else {
                return Err(broken);
            };
            fields.push((letter, text.to_vec()));
        }
        if body.is_empty() {
            Ok(Self { kind, fields })
        } else {
            Err(broken)
        }
    }

    /// Returns the whole message.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.kind.tag(), 0, 0, 0, 0];
        for (letter, text) in &self.fields {
            out.push(*letter);
            out.extend_from_slice(text);
            out.push(0);
        }
        out.push(0);
        put_length(&mut out, 1);
        out
    }
}

impl Kind {
    fn tag(self) -> u8 {
        match self {
            Self::Error => tag::ERROR_RESPONSE,
            Self::Notice => tag::NOTICE_RESPONSE,
        }
    }
}

impl fmt::Display for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(severity) = self.severity() {
            write!(f, "{severity}: ")?;
        }
        f.write_str(&self.message())?;
        if let Some(code) = self.sqlstate() {
            write!(f, " (SQLSTATE {code})")?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "error_response_tests.rs"]
mod tests;
