//! `--query`: the predicate of a list call, evaluated on a database (rbac.md 3.7).

use std::collections::BTreeMap;

use super::Database;
use super::expr::{self, Dialect, Env, ExprError, Func, Node, Type, Value};
use super::filter::matches_keywords;

/// A parsed predicate; an empty text holds for every database.
#[derive(Clone, Debug)]
pub struct Predicate {
    node: Option<Node>,
}

impl Predicate {
    /// Parses a predicate.
    ///
    /// # Errors
    /// As a cluster reports them, with the context `parsing expression`.
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        if text.is_empty() {
            return Ok(Self { node: None });
        }
        Ok(Self {
            node: Some(expr::compile(text, &QueryDialect, Type::Bool)?),
        })
    }

    /// Whether it holds for a database.
    ///
    /// # Errors
    /// If it names something that this database does not have; a cluster then refuses the whole list call.
    pub fn matches(&self, database: &Database) -> Result<bool, ExprError> {
        match &self.node {
            Some(node) => node.truth(&Facts {
                database,
                labels: database.all_labels(),
            }),
            None => Ok(true),
        }
    }
}

/// Joins two predicates so that both must hold; empty ones are dropped, equal ones collapse (auth-api.md 2.4.2).
#[must_use]
pub fn both(left: &str, right: &str) -> String {
    match (left, right) {
        ("", other) | (other, "") => other.to_owned(),
        (a, b) if a == b => a.to_owned(),
        (a, b) => format!("({a}) && ({b})"),
    }
}

struct QueryDialect;

impl Dialect for QueryDialect {
    fn ident(&self, path: &[String]) -> Result<Type, ExprError> {
        Ok(match path.join(".").as_str() {
            "name" | "resource.metadata.name" | "health.status" => Type::Str,
            "labels" | "resource.metadata.labels" => Type::Labels,
            _ => Type::Any,
        })
    }

    fn element(&self, base: &str) -> Option<Type> {
        matches!(base, "labels" | "resource.metadata.labels").then_some(Type::Str)
    }

    fn functions(&self) -> &'static [Func] {
        &[
            Func::Contains,
            Func::Equals,
            Func::Exists,
            Func::HasPrefix,
            Func::Search,
            Func::Split,
        ]
    }
}

struct Facts<'d> {
    database: &'d Database,
    labels: BTreeMap<String, String>,
}

fn undefined(name: &str) -> ExprError {
    ExprError::evaluate(format!("identifier {name} is not defined"))
}

/// Text fields that exist even when empty, though the JSON leaves them out then.
const EMPTY_TEXTS: [&str; 24] = [
    "sub_kind",
    "metadata.description",
    "metadata.namespace",
    "metadata.revision",
    "spec.ca_cert",
    "spec.aws.region",
    "spec.aws.account_id",
    "spec.aws.external_id",
    "spec.aws.assume_role_arn",
    "spec.aws.redshift.cluster_id",
    "spec.aws.rds.instance_id",
    "spec.aws.rds.cluster_id",
    "spec.aws.rds.resource_id",
    "spec.aws.redshift_serverless.workgroup_name",
    "spec.gcp.project_id",
    "spec.gcp.instance_id",
    "spec.azure.name",
    "spec.azure.resource_id",
    "spec.tls.ca_cert",
    "spec.tls.server_name",
    "spec.mysql.server_version",
    "spec.mongo_atlas.name",
    "status.ca_cert",
    "status.aws.region",
];

impl Env for Facts<'_> {
    fn ident(&self, name: &str) -> Result<Value, ExprError> {
        match name {
            "name" => return Ok(Value::Str(self.database.name.clone())),
            "health.status" => {
                let known = if self.database.health.is_empty() {
                    "unknown"
                } else {
                    &self.database.health
                };
                return Ok(Value::Str(known.to_owned()));
            }
            _ => {}
        }
        let Some(path) = name.strip_prefix("resource.") else {
            return Err(undefined(name));
        };
        if path.starts_with("spec.admin_user") && self.database.admin_user.is_none() {
            return Err(undefined(name));
        }
        let document =
            serde_json::to_value(self.database.to_document()).map_err(|_| undefined(name))?;
        let found = path.split('.').try_fold(&document, |at, key| at.get(key));
        match found {
            Some(serde_json::Value::String(text)) => Ok(Value::Str(text.clone())),
            Some(serde_json::Value::Bool(value)) => Ok(Value::Bool(*value)),
            Some(serde_json::Value::Number(number)) => {
                Ok(Value::Int(number.as_i64().unwrap_or_default()))
            }
            Some(serde_json::Value::Array(items)) => Ok(Value::List(
                items
                    .iter()
                    .filter_map(|i| i.as_str().map(str::to_owned))
                    .collect(),
            )),
            None if EMPTY_TEXTS.contains(&path) => Ok(Value::Str(String::new())),
            _ => Err(undefined(name)),
        }
    }

    fn element(&self, base: &str, key: &str) -> Result<Value, ExprError> {
        let labels = match base {
            "labels" => &self.labels,
            "resource.metadata.labels" => &self.database.labels,
            _ => return Err(undefined(base)),
        };
        Ok(Value::Str(labels.get(key).cloned().unwrap_or_default()))
    }

    fn search(&self, keywords: &[String]) -> bool {
        matches_keywords(self.database, keywords)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined() {
        assert_eq!(both("", "a"), "a");
        assert_eq!(both("a", ""), "a");
        assert_eq!(both("a", "a"), "a");
        assert_eq!(both("a", "b"), "(a) && (b)");
    }

    #[test]
    fn deep_and_long_texts_end() {
        let deep = "(".repeat(100_000);
        assert!(Predicate::parse(&deep).is_err());
        let long = vec!["name == \"a\""; 100].join(" || ");
        assert!(
            Predicate::parse(&long)
                .unwrap()
                .matches(&Database::default())
                .is_ok()
        );
        let too_long = vec!["1 == 1"; 100_000].join(" || ");
        assert!(Predicate::parse(&too_long).is_err());
        assert!(Predicate::parse(&"!".repeat(100_000)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*") {
            if let Ok(predicate) = Predicate::parse(&text) {
                let _ = predicate.matches(&Database::default());
            }
        }

        #[test]
        fn no_expression_panics(text in "(name|labels|search|split|contains|equals|[a-z]|[0-9.]|[ \\n\\t(){}\\[\\],\"`'\\\\=!&|+*/<>:;-]){0,24}") {
            if let Ok(predicate) = Predicate::parse(&text) {
                let _ = predicate.matches(&Database::default());
            }
        }
    }
}
