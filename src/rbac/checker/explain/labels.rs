//! Which label matcher of a role matches, and with which value.

use std::collections::BTreeMap;

use super::super::AccessChecker;
use super::super::prepared::{Side, evaluate};
use super::values::{Origin, origin};
use crate::rbac::MatchError;
use crate::rbac::role::Conditions;

/// Labels and expression of one side of a role, against one database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// `'*': '*'`: whatever the labels.
    pub everything: bool,
    /// Each key, sorted; all have to match.
    pub keys: Vec<Key>,
    /// The expression, if there is one.
    pub expression: Option<Expression>,
}

/// One key of a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key, its template replaced.
    pub key: String,
    /// The key as the role has it.
    pub written: String,
    /// The patterns as the role has them, with what they stand for.
    pub patterns: Vec<Origin>,
    /// The database's value; `None` when it has no such label.
    pub value: Option<String>,
    /// The pattern that matches the value.
    pub by: Option<String>,
    /// A pattern that does not compile.
    pub error: Option<MatchError>,
}

/// A label expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    /// Its text.
    pub text: String,
    /// Whether it holds.
    pub holds: Result<bool, MatchError>,
}

impl Labels {
    /// Neither labels nor an expression: matches nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.everything && self.keys.is_empty() && self.expression.is_none()
    }

    /// Whether every key matches; `None` without keys.
    #[must_use]
    pub fn keys_match(&self) -> Option<bool> {
        if self.everything {
            return Some(true);
        }
        (!self.keys.is_empty()).then(|| self.keys.iter().all(|key| key.by.is_some()))
    }
}

/// Explains one side: `written` is what the role says, `applied` the same with the templates replaced.
pub(super) fn explain(
    checker: &AccessChecker,
    side: &Side,
    written: &Conditions,
    applied: &Conditions,
    labels: &BTreeMap<String, String>,
) -> Labels {
    let keys = side.selector.look(labels).into_iter().map(|look| {
        let patterns = &applied.database_labels[look.key];
        // Of several keys that become the same text the last one wins.
        let (written, values) = written
            .database_labels
            .iter()
            .rfind(|(key, _)| {
                let key = origin(key, &checker.traits);
                key.values.first().map_or("", String::as_str) == look.key
            })
            .map_or((look.key, patterns), |(key, values)| (key, values));
        let (fitting, error) = match look.fitting {
            Ok(fitting) => (fitting, None),
            Err(error) => (None, Some(error)),
        };
        Key {
            key: look.key.to_owned(),
            written: written.to_owned(),
            patterns: values
                .iter()
                .map(|value| origin(value, &checker.traits))
                .collect(),
            value: labels.get(look.key).cloned(),
            by: fitting.and_then(|place| patterns.get(place).cloned()),
            error,
        }
    });
    Labels {
        everything: side.selector.is_everything(),
        keys: keys.collect(),
        expression: side.expression.as_ref().map(|expression| Expression {
            text: applied.database_labels_expression.clone(),
            holds: evaluate(expression, labels, &checker.traits),
        }),
    }
}
