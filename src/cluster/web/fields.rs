//! Reads the JSON body of a request the way the real server does, down to the texts of its errors (login.md 1.1, 1.2):
//! keys in any case, unknown keys ignored, `null` as absent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// Why a body is refused; the display text follows `request: ` in the answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    /// The text ends too early.
    #[error("unexpected end of JSON input")]
    End,
    /// A character where none or another is expected.
    #[error("invalid character '{0}' {1}")]
    Character(char, &'static str),
    /// A value of another type.
    #[error("json: cannot unmarshal {found} into Go struct field {place} of type {wanted}")]
    Type {
        /// What came.
        found: String,
        /// `<struct>.<field>`.
        place: String,
        /// The type on the other side.
        wanted: &'static str,
    },
    /// The body is no object.
    #[error("json: cannot unmarshal {0} into Go value of type {1}")]
    Top(String, &'static str),
    /// Bytes that are not base64.
    #[error("illegal base64 data at input byte {0}")]
    Base64(usize),
}

/// The members of a request object.
#[derive(Debug)]
pub(super) struct Fields {
    object: Map<String, Value>,
    structure: &'static str,
}

impl Fields {
    /// Parses `body` as the request type `structure`, whose name appears in error texts.
    pub(super) fn parse(body: &[u8], structure: &'static str) -> Result<Self, BodyError> {
        match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(object)) => Ok(Self { object, structure }),
            Ok(Value::Null) => Ok(Self {
                object: Map::new(),
                structure,
            }),
            Ok(other) => Err(BodyError::Top(type_name(&other), structure)),
            Err(e) => Err(syntax(body, &e)),
        }
    }

    /// A text; empty when absent.
    pub(super) fn text(&self, name: &str) -> Result<String, BodyError> {
        match self.get(name) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Err(self.wrong_type(name, other, "string")),
        }
    }

    /// Bytes in base64; empty when absent.
    pub(super) fn bytes(&self, name: &str) -> Result<Vec<u8>, BodyError> {
        let text = match self.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::String(text)) => text,
            Some(other) => return Err(self.wrong_type(name, other, "[]uint8")),
        };
        STANDARD.decode(text).map_err(|e| {
            BodyError::Base64(match e {
                base64::DecodeError::InvalidByte(at, _)
                | base64::DecodeError::InvalidLastSymbol(at, _) => at,
                base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => {
                    text.len()
                }
            })
        })
    }

    /// A duration in whole nanoseconds; 0 when absent.
    pub(super) fn nanoseconds(&self, name: &str) -> Result<i64, BodyError> {
        match self.get(name) {
            None => Ok(0),
            Some(value) => value
                .as_i64()
                .ok_or_else(|| self.wrong_type(name, value, "time.Duration")),
        }
    }

    /// Whether a member is there and not `null`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A truth value; false when absent.
    pub(super) fn flag(&self, name: &str) -> Result<bool, BodyError> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            Some(other) => Err(self.wrong_type(name, other, "bool")),
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        let exact = self.object.get(name);
        exact
            .or_else(|| {
                self.object
                    .iter()
                    .find(|(key, _)| key.eq_ignore_ascii_case(name))
                    .map(|(_, v)| v)
            })
            .filter(|v| !v.is_null())
    }

    fn wrong_type(&self, name: &str, value: &Value, wanted: &'static str) -> BodyError {
        let found = match value {
            // A number of the right type but out of range is shown.
            Value::Number(number) if wanted == "time.Duration" => format!("number {number}"),
            other => type_name(other),
        };
        BodyError::Type {
            found,
            place: format!("{}.{name}", self.structure),
            wanted,
        }
    }
}

fn type_name(value: &Value) -> String {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
    .to_owned()
}

fn syntax(body: &[u8], error: &serde_json::Error) -> BodyError {
    if error.is_eof() {
        return BodyError::End;
    }
    let line = body
        .split(|b| *b == b'\n')
        .nth(error.line().saturating_sub(1))
        .unwrap_or_default();
    let byte = line.get(error.column().saturating_sub(1)).or(line.last());
    let what = if error.to_string().starts_with("trailing characters") {
        "after top-level value"
    } else {
        "looking for beginning of value"
    };
    byte.map_or(BodyError::End, |b| {
        BodyError::Character(char::from(*b), what)
    })
}
