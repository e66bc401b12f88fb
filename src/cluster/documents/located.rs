//! YAML (and so JSON) read together with the line of every field.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

use crate::quote::quote;

/// One document and where its fields stand.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    /// The content.
    pub(crate) value: Value,
    /// The line it begins at, from 1.
    pub(crate) line: u64,
    /// Lines by path, e.g. `spec.allow.db_labels`; items of lists have numbers.
    lines: BTreeMap<String, u64>,
}

/// Why a text is no YAML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// The line, from 1, where it is known.
    pub(crate) line: Option<u64>,
    /// What is wrong.
    pub(crate) message: String,
}

impl Located {
    /// Reads every document of `text`; empty ones are left out, and a list of documents is as good as a sequence.
    pub(crate) fn read(text: &str) -> Result<Vec<Self>, Malformed> {
        let nodes = serde_saphyr::from_multiple::<Spanned<Node>>(text).map_err(|error| {
            let error = error.without_snippet();
            let line = error.location().map(|at| at.line());
            Malformed {
                line,
                message: error.to_string(),
            }
        })?;
        let mut documents = Vec::new();
        for Spanned {
            value, referenced, ..
        } in nodes
        {
            match value {
                Node::Null => {}
                Node::List(items) => documents.extend(items.into_iter().map(Self::new)),
                value => documents.push(Self::at(value, referenced.line())),
            }
        }
        Ok(documents)
    }

    fn new(node: Spanned<Node>) -> Self {
        Self::at(node.value, node.referenced.line())
    }

    fn at(node: Node, line: u64) -> Self {
        let mut lines = BTreeMap::new();
        let value = node.into_value("", &mut lines);
        Self { value, line, lines }
    }

    /// The line of the field at `path`, or of the nearest one around it.
    pub(crate) fn line_of(&self, path: &str) -> u64 {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return *line;
            }
            match path.rsplit_once('.') {
                Some((outer, _)) => path = outer,
                None => return self.line,
            }
        }
    }

    /// The line of the field that `message` speaks of: one whose value it quotes, else the one with the longest name in it.
    pub(crate) fn line_for(&self, message: &str) -> u64 {
        let quoted = self.lines.iter().find(|(path, _)| {
            // Messages say what they are about; that is not what is wrong.
            !matches!(path.rsplit('.').next(), Some("kind" | "name"))
                && self
                    .value
                    .pointer(&format!("/{}", path.replace('.', "/")))
                    .and_then(Value::as_str)
                    .is_some_and(|text| !text.is_empty() && message.contains(&quote(text)))
        });
        if let Some((_, line)) = quoted {
            return *line;
        }
        let keys = || {
            self.lines
                .iter()
                .map(|(path, line)| (path.rsplit('.').next().unwrap_or(path), *line))
                .filter(|(key, _)| !key.bytes().all(|b| b.is_ascii_digit()))
        };
        // As serde writes names: the first is the one that is wrong, others say what would be right.
        let named = message
            .split('`')
            .nth(1)
            .and_then(|name| keys().find(|(key, _)| *key == name));
        named
            .or_else(|| {
                keys()
                    .filter(|(key, _)| has_word(message, key))
                    .max_by_key(|(key, _)| key.len())
            })
            .map_or(self.line, |(_, line)| line)
    }
}

/// Whether `word` stands in `text` with nothing of a name beside it.
fn has_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}

enum Node {
    Null,
    Scalar(Value),
    List(Vec<Spanned<Node>>),
    Map(Vec<(String, Spanned<Node>)>),
}

impl Node {
    fn into_value(self, path: &str, lines: &mut BTreeMap<String, u64>) -> Value {
        let mut inner = |key: &str, node: Spanned<Node>| {
            let path = if path.is_empty() {
                key.to_owned()
            } else {
                format!("{path}.{key}")
            };
            lines.insert(path.clone(), node.referenced.line());
            node.value.into_value(&path, lines)
        };
        match self {
            Self::Null => Value::Null,
            Self::Scalar(value) => value,
            Self::List(items) => items
                .into_iter()
                .enumerate()
                .map(|(at, node)| inner(&at.to_string(), node))
                .collect(),
            Self::Map(fields) => fields
                .into_iter()
                .map(|(key, node)| {
                    let value = inner(&key, node);
                    (key, value)
                })
                .collect::<Map<_, _>>()
                .into(),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Scalar(
            Number::from_f64(value).map_or(Value::Null, Value::Number),
        ))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = access.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Map(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# a comment\nkind: role\nspec:\n  allow:\n    db_labels:\n      env: [dev,\n        prod]\n---\n\n- kind: user\n  x: 1.5\n- kind: db\n  y: ~\n";

    #[test]
    fn every_field_has_its_line() {
        let documents = Located::read(TEXT).expect("valid YAML");
        assert_eq!(
            documents.iter().map(|d| d.line).collect::<Vec<_>>(),
            [2, 10, 12]
        );
        let role = &documents[0];
        assert_eq!(
            role.value,
            serde_json::json!({"kind": "role", "spec": {"allow": {"db_labels": {"env": ["dev", "prod"]}}}})
        );
        assert_eq!(role.line_of("spec.allow.db_labels.env.1"), 7);
        assert_eq!(role.line_of("spec.allow.nothing"), 5);
        assert_eq!(role.line_of("metadata.name"), 2);
        assert_eq!(role.line_for("db_labels must be this or that"), 6);
        assert_eq!(role.line_for("db_labels2 is of no interest"), 2);
        assert_eq!(documents[1].value["x"], 1.5);
        assert_eq!(
            documents[2].value,
            serde_json::json!({"kind": "db", "y": null})
        );
    }

    #[test]
    fn json_is_yaml_and_what_is_none_says_where() {
        let one = Located::read("{\"kind\": \"db\",\n \"spec\": {\"uri\": \"x\"}}").expect("JSON");
        assert_eq!(one[0].line_of("spec.uri"), 2);
        let error = Located::read("a: 1\nb: [\n").expect_err("no YAML");
        assert!(error.line.is_some_and(|line| line >= 2), "{error:?}");
        assert!(!error.message.contains('\n'), "{error:?}");
        assert_eq!(
            Located::read("a: 1\na: 2\n").expect_err("twice").line,
            Some(2)
        );
        assert!(Located::read("").expect("nothing").is_empty());
    }
}
