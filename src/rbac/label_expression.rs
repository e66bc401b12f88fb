//! `db_labels_expression` of a role: labels of a database and traits of a user (rbac.md 3).

use std::collections::BTreeMap;

use super::Traits;
use super::expr::{self, Dialect, Env, ExprError, Func, Node, Type, Value};
use crate::quote::quote;

/// A parsed label expression.
#[derive(Clone, Debug)]
pub struct LabelExpression {
    text: String,
    node: Node,
}

impl LabelExpression {
    /// Parses a non-empty text.
    ///
    /// # Errors
    /// With the context `parsing label expression` in front.
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        let node = expr::compile(text, &LabelDialect, Type::Bool)
            .map_err(|e| e.within("parsing label expression"))?;
        Ok(Self {
            text: text.to_owned(),
            node,
        })
    }

    /// Whether it holds for a database with these labels and a user with these traits.
    ///
    /// # Errors
    /// With the context `evaluating label expression "…"` in front.
    pub fn matches(
        &self,
        labels: &BTreeMap<String, String>,
        traits: &Traits,
    ) -> Result<bool, ExprError> {
        self.node
            .truth(&Facts { labels, traits })
            .map_err(|e| e.within(format!("evaluating label expression {}", quote(&self.text))))
    }
}

struct LabelDialect;

impl Dialect for LabelDialect {
    fn ident(&self, path: &[String]) -> Result<Type, ExprError> {
        match path.join(".").as_str() {
            "labels" => Ok(Type::Labels),
            "user.spec.traits" => Ok(Type::Traits),
            _ => Err(ExprError::unknown_identifier(path)),
        }
    }

    fn element(&self, base: &str) -> Option<Type> {
        match base {
            "labels" => Some(Type::Str),
            "user.spec.traits" => Some(Type::List),
            _ => None,
        }
    }

    fn functions(&self) -> &'static [Func] {
        &[
            Func::Contains,
            Func::ContainsAll,
            Func::ContainsAny,
            Func::EmailLocal,
            Func::LabelsMatching,
            Func::RegexpMatch,
            Func::RegexpReplace,
            Func::StringsLower,
            Func::StringsUpper,
        ]
    }
}

struct Facts<'a> {
    labels: &'a BTreeMap<String, String>,
    traits: &'a Traits,
}

impl Env for Facts<'_> {
    fn ident(&self, name: &str) -> Result<Value, ExprError> {
        Err(ExprError::evaluate(format!(
            "identifier {name} is not defined"
        )))
    }

    fn element(&self, base: &str, key: &str) -> Result<Value, ExprError> {
        Ok(if base == "labels" {
            Value::Str(self.labels.get(key).cloned().unwrap_or_default())
        } else {
            Value::List(self.traits.get(key).cloned().unwrap_or_default())
        })
    }

    fn labels(&self) -> Vec<(String, String)> {
        self.labels
            .iter()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    }
}
