//! Values of role and database documents in the forms that Teleport reads (rbac.md 1.2-1.4).

use std::collections::BTreeMap;

use serde_json::Value;

use super::{CreateUserMode, LabelPatterns, RequireMfa};
use crate::rbac::DocumentError;

const SECOND: i64 = 1_000_000_000;

fn bad(what: &str, value: &Value) -> DocumentError {
    DocumentError::new(format!("invalid value for {what}: {value}"))
}

/// An object, or nothing.
pub(crate) fn object<'v>(
    parent: &'v serde_json::Map<String, Value>,
    key: &str,
) -> Result<Option<&'v serde_json::Map<String, Value>>, DocumentError> {
    match parent.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(other) => Err(bad(key, other)),
    }
}

/// A text, empty when absent.
pub(crate) fn text(
    parent: &serde_json::Map<String, Value>,
    key: &str,
) -> Result<String, DocumentError> {
    match parent.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(bad(key, other)),
    }
}

/// A list of texts; a single text counts as a list of one.
pub(crate) fn list(what: &str, value: Option<&Value>) -> Result<Vec<String>, DocumentError> {
    let one = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        other => Err(bad(what, other)),
    };
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(one).collect(),
        Some(single) => Ok(vec![one(single)?]),
    }
}

/// A label selector. A stored role never has an empty list: it is written as one empty text (rbac.md 2).
pub(crate) fn patterns(what: &str, value: Option<&Value>) -> Result<LabelPatterns, DocumentError> {
    match value {
        None | Some(Value::Null) => Ok(LabelPatterns::new()),
        Some(Value::Object(map)) => map
            .iter()
            .map(|(key, value)| {
                let mut values = list(what, Some(value))?;
                if values.is_empty() {
                    values.push(String::new());
                }
                Ok((key.clone(), values))
            })
            .collect(),
        Some(other) => Err(bad(what, other)),
    }
}

/// A map of texts.
pub(crate) fn text_map(
    what: &str,
    value: Option<&Value>,
) -> Result<BTreeMap<String, String>, DocumentError> {
    match value {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(map)) => map
            .iter()
            .map(|(key, value)| match value {
                Value::String(text) => Ok((key.clone(), text.clone())),
                other => Err(bad(what, other)),
            })
            .collect(),
        Some(other) => Err(bad(what, other)),
    }
}

/// A boolean, also as a word; an unknown word is false (rbac.md 1.4).
pub(crate) fn boolean(what: &str, value: Option<&Value>) -> Result<Option<bool>, DocumentError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(Value::String(word)) => Ok(Some(truth(word).unwrap_or(false))),
        Some(other) => Err(bad(what, other)),
    }
}

fn truth(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "yes" | "yeah" | "y" | "true" | "1" | "on" => Some(true),
        "no" | "nope" | "n" | "false" | "0" | "off" => Some(false),
        _ => None,
    }
}

/// `create_db_user_mode` (rbac.md 1.4).
pub(crate) fn create_user_mode(value: Option<&Value>) -> Result<CreateUserMode, DocumentError> {
    let fail = |text: String| Err(DocumentError::new(text));
    match value {
        None | Some(Value::Null) => Ok(CreateUserMode::Unspecified),
        Some(Value::String(word)) => match word.as_str() {
            "" => Ok(CreateUserMode::Unspecified),
            "off" => Ok(CreateUserMode::Off),
            "keep" => Ok(CreateUserMode::Keep),
            "best_effort_drop" => Ok(CreateUserMode::BestEffortDrop),
            other => fail(format!("invalid database user mode {other}")),
        },
        Some(Value::Bool(false)) => Ok(CreateUserMode::Off),
        Some(Value::Bool(true)) => {
            fail("create_database_user_mode cannot be true, got true".into())
        }
        Some(Value::Number(number)) => {
            #[allow(
                clippy::cast_possible_truncation,
                reason = "Go truncates too: 2.7 reads as keep"
            )]
            let n = number
                .as_i64()
                .unwrap_or_else(|| number.as_f64().unwrap_or(f64::MAX).trunc() as i64);
            match i32::try_from(n).map(CreateUserMode::from_number) {
                Ok(mode) if (0..=3).contains(&n) => Ok(mode),
                _ => fail(format!("invalid database user creation mode {n}")),
            }
        }
        Some(Value::Array(_)) => fail("bad value type []interface {}, expected string".into()),
        Some(Value::Object(_)) => {
            fail("bad value type map[string]interface {}, expected string".into())
        }
    }
}

/// `require_session_mfa` (rbac.md 1.4).
pub(crate) fn require_mfa(value: Option<&Value>) -> Result<RequireMfa, DocumentError> {
    match value {
        None | Some(Value::Null) => Ok(RequireMfa::OFF),
        Some(Value::Bool(required)) => Ok(RequireMfa(i32::from(*required))),
        Some(Value::String(word)) => Ok(match word.as_str() {
            "" => RequireMfa::OFF,
            "hardware_key" => RequireMfa(2),
            "hardware_key_touch" => RequireMfa(3),
            "hardware_key_pin" => RequireMfa(4),
            "hardware_key_touch_and_pin" => RequireMfa(5),
            word => match truth(word) {
                Some(required) => RequireMfa(i32::from(required)),
                None => {
                    return Err(DocumentError::new(format!(
                        "RequireMFAType invalid value {word}"
                    )));
                }
            },
        }),
        Some(other) => match other.as_i64() {
            Some(n @ 0..=5) => Ok(RequireMfa(i32::try_from(n).unwrap_or_default())),
            _ => Err(DocumentError::new(format!(
                "RequireMFAType invalid value {other}"
            ))),
        },
    }
}

/// A duration in nanoseconds: a number, or Go's text such as `30h0m0s`, `8h`, `1.5h`, `250ms`.
pub(crate) fn duration(what: &str, value: Option<&Value>) -> Result<i64, DocumentError> {
    match value {
        None | Some(Value::Null) => Ok(0),
        Some(Value::String(text)) if text.is_empty() => Ok(0),
        Some(Value::String(text)) if text == "never" => Ok(0),
        Some(Value::String(text)) => parse_duration(text)
            .ok_or_else(|| DocumentError::new(format!("time: invalid duration {text:?}"))),
        Some(other) => other.as_i64().ok_or_else(|| bad(what, other)),
    }
}

fn parse_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0_f64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let unit_end = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        let unit = match &rest[..unit_end] {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => SECOND,
            "m" => 60 * SECOND,
            "h" => 3600 * SECOND,
            _ => return None,
        };
        #[allow(clippy::cast_precision_loss, reason = "units are far below 2^53")]
        let unit = unit as f64;
        total += number * unit;
        rest = &rest[unit_end..];
    }
    #[allow(
        clippy::cast_possible_truncation,
        reason = "saturating is what a limit needs"
    )]
    let total = total as i64;
    Some(if negative { -total } else { total })
}
