//! Trait templates in roles: `prefix{{expression}}suffix` (rbac.md 4).

use super::Traits;
use super::expr::{self, Dialect, Env, ExprError, Func, Type, Value};
use crate::quote::quote;

/// Traits that `internal.` may name (rbac.md 4.4).
pub const INTERNAL_TRAITS: [&str; 14] = [
    "logins",
    "windows_logins",
    "kubernetes_groups",
    "kubernetes_users",
    "db_names",
    "db_users",
    "db_roles",
    "aws_role_arns",
    "azure_identities",
    "gcp_service_accounts",
    "jwt",
    "github_orgs",
    "mcp_tools",
    "default_relay_addr",
];

/// Why a template yields nothing. Never fatal: the value is dropped (rbac.md 4.5).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Braces in wrong places.
    #[error("{} is using template brackets '{{{{' or '}}}}', however expression does not parse", quote(.0))]
    Syntax(String),
    /// The expression does not parse, or a function fails.
    #[error("{0}")]
    Expression(ExprError),
    /// A trait that the user does not have.
    #[error("trait not found: {0}")]
    NotFound(String),
    /// No value is left.
    #[error("variable interpolation result is empty")]
    Empty,
}

/// Expands one value of a role with the traits of a user.
///
/// # Errors
/// If it yields nothing.
pub fn interpolate(value: &str, traits: &Traits) -> Result<Vec<String>, TemplateError> {
    let Some((prefix, expression, suffix)) = split(value)? else {
        return if value.is_empty() {
            Err(TemplateError::Empty)
        } else {
            Ok(vec![value.to_owned()])
        };
    };
    let node = expr::compile(expression, &TemplateDialect, Type::List)
        .map_err(TemplateError::Expression)?;
    let values = node
        .list(&TraitEnv { traits })
        .map_err(|e| match missing(&e) {
            Some(name) => TemplateError::NotFound(name),
            None => TemplateError::Expression(e),
        })?;
    let out: Vec<String> = values
        .into_iter()
        .filter(|v| !v.is_empty())
        .map(|v| format!("{prefix}{v}{suffix}"))
        .collect();
    if out.is_empty() {
        Err(TemplateError::Empty)
    } else {
        Ok(out)
    }
}

/// Expands a list of values: what cannot be expanded is dropped, duplicates keep their first place (rbac.md 4.5).
#[must_use]
pub fn interpolate_list(values: &[String], traits: &Traits) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for expanded in values
        .iter()
        .filter_map(|v| interpolate(v, traits).ok())
        .flatten()
    {
        if !out.contains(&expanded) {
            out.push(expanded);
        }
    }
    out
}

/// Names of the traits that a value takes its text from; none for a literal, or for what does not parse.
#[must_use]
pub fn traits_of(value: &str) -> Vec<String> {
    let Ok(Some((_, expression, _))) = split(value) else {
        return Vec::new();
    };
    let mut names = expr::elements(expression);
    names.sort();
    names.dedup();
    names
}

/// Cuts `prefix{{expression}}suffix`; `None` for a literal.
fn split(value: &str) -> Result<Option<(&str, &str, &str)>, TemplateError> {
    let malformed = || TemplateError::Syntax(value.to_owned());
    if !value.contains("{{") && !value.contains("}}") {
        return Ok(None);
    }
    let braces = ['{', '}'];
    let open = value.find(braces).ok_or_else(malformed)?;
    let (prefix, rest) = value.split_at(open);
    let rest = rest.strip_prefix("{{").ok_or_else(malformed)?;
    let close = rest.find(braces).ok_or_else(malformed)?;
    let (expression, rest) = rest.split_at(close);
    let suffix = rest
        .strip_prefix("}}")
        .filter(|s| !s.contains(braces))
        .ok_or_else(malformed)?;
    Ok(Some((
        prefix.trim_start(),
        expression.trim(),
        suffix.trim_end(),
    )))
}

const MISSING: &str = "trait not found: ";

fn missing(error: &ExprError) -> Option<String> {
    let text = error.to_string();
    text.rfind(MISSING)
        .map(|at| text[at + MISSING.len()..].to_owned())
}

struct TemplateDialect;

/// Checks `internal.<name>`.
fn internal(name: &str) -> Result<(), ExprError> {
    if INTERNAL_TRAITS.contains(&name) {
        Ok(())
    } else {
        Err(ExprError::parse(format!(
            "unsupported variable {}",
            quote(name)
        )))
    }
}

impl Dialect for TemplateDialect {
    fn ident(&self, path: &[String]) -> Result<Type, ExprError> {
        match path {
            [namespace] if namespace == "internal" || namespace == "external" => Ok(Type::Traits),
            [namespace, name] => {
                if namespace == "internal" {
                    internal(name)?;
                }
                Ok(Type::List)
            }
            _ => Err(ExprError::unknown_identifier(path)),
        }
    }

    fn functions(&self) -> &'static [Func] {
        &[Func::EmailLocal, Func::RegexpReplace]
    }
}

struct TraitEnv<'a> {
    traits: &'a Traits,
}

impl Env for TraitEnv<'_> {
    fn ident(&self, name: &str) -> Result<Value, ExprError> {
        let (namespace, key) = name.split_once('.').unwrap_or((name, ""));
        self.element(namespace, key)
    }

    fn element(&self, base: &str, key: &str) -> Result<Value, ExprError> {
        if base == "internal" {
            internal(key)?;
        }
        match self.traits.get(key) {
            Some(values) => Ok(Value::List(
                values.iter().filter(|v| !v.is_empty()).cloned().collect(),
            )),
            None => Err(ExprError::evaluate(format!("{MISSING}{base}.{key}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traits() -> Traits {
        let list = |v: &[&str]| v.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        [
            ("db_users", list(&["ro", "rw"])),
            ("team", list(&["core"])),
            ("mail", list(&["kim@corp.test"])),
            ("grp", list(&["pg-admin", "pg-read", "web"])),
            ("empty", list(&[])),
            ("blank", list(&[""])),
            ("my-team", list(&["x"])),
            ("any", list(&["*"])),
        ]
        .map(|(k, v)| (k.to_owned(), v))
        .into()
    }

    #[test]
    fn vectors_of_the_protocol() {
        // rbac.md 14.3; an empty list means that the value is dropped.
        let cases: &[(&str, &[&str])] = &[
            ("reader", &["reader"]),
            ("{{internal.db_users}}", &["ro", "rw"]),
            ("{{external.db_users}}", &["ro", "rw"]),
            ("{{ external[\"team\"] }}", &["core"]),
            ("{{internal.team}}", &[]),
            ("{{internal[\"team\"]}}", &[]),
            ("{{external.nope}}", &[]),
            ("app_{{external.team}}_ro", &["app_core_ro"]),
            ("  {{external.team}} ", &["core"]),
            ("  x ", &["  x "]),
            ("a {{external.team}} b", &["a core b"]),
            ("{{email.local(external.mail)}}", &["kim"]),
            ("{{email.local(external.grp)}}", &[]),
            (
                "{{regexp.replace(external.grp, \"^pg-(.*)$\", \"$1\")}}",
                &["admin", "read"],
            ),
            (
                "{{regexp.replace(external.grp, \"pg\", \"my\")}}",
                &["my-admin", "my-read"],
            ),
            (
                "{{regexp.replace(external.grp, \"^pg-(.*)$\", \"$1_x\")}}",
                &[],
            ),
            (
                "{{regexp.replace(external.grp, \"^pg-(.*)$\", \"${1}_x\")}}",
                &[],
            ),
            ("{{external.my-team}}", &[]),
            ("{{external[\"my-team\"]}}", &["x"]),
            ("{{external.empty}}", &[]),
            ("{{external.blank}}", &[]),
            ("{{whatever.team}}", &["core"]),
            ("{{team}}", &[]),
            ("{{external}}", &[]),
            ("{{external.a.b}}", &[]),
            ("{{internal.a[\"b\"]}}", &[]),
            ("{{}}", &[]),
            ("{{42}}", &[]),
            ("{{external.team}}-{{external.mail}}", &[]),
            ("{{external.team", &[]),
            ("external.team}}", &[]),
            ("{external.team}", &["{external.team}"]),
            ("{{\"lit\"}}", &["lit"]),
            ("{{regexp.match(\"x.*\")}}", &[]),
            ("{{external.type}}", &[]),
            ("", &[]),
        ];
        for (value, expected) in cases {
            assert_eq!(
                interpolate(value, &traits()).unwrap_or_default(),
                *expected,
                "{value}"
            );
        }
        let all = ["{{internal.db_users}}", "ro", "{{external.team}}", "ro"].map(String::from);
        assert_eq!(interpolate_list(&all, &traits()), ["ro", "rw", "core"]);
    }

    #[test]
    fn reasons() {
        assert_eq!(
            interpolate("{{external.nope}}", &traits()),
            Err(TemplateError::NotFound("external.nope".into()))
        );
        assert_eq!(
            interpolate("{{external.blank}}", &traits()),
            Err(TemplateError::Empty)
        );
        assert_eq!(
            interpolate("{{internal.team}}", &traits())
                .unwrap_err()
                .to_string(),
            "parsing expression\n\tunsupported variable \"team\""
        );
    }

    #[test]
    fn where_a_value_comes_from() {
        for (value, names) in [
            ("reader", &[][..]),
            ("{{internal.db_users}}", &["db_users"]),
            ("x{{external[\"a/b\"]}}y", &["a/b"]),
            (
                "{{regexp.replace(external.grp, \"^pg-(.*)$\", \"$1\")}}",
                &["grp"],
            ),
            ("{{email.local(external.mail)}}", &["mail"]),
            ("{{\"lit\"}}", &[]),
            ("{{external.", &[]),
        ] {
            assert_eq!(traits_of(value), names, "{value}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(value in ".*") {
            let _ = interpolate(&value, &traits());
        }

        #[test]
        fn no_expression_panics(inner in "[a-z.()\\[\\]\"\\\\,$ 0-9`'!=&|é\n-]{0,40}") {
            let _ = interpolate(&format!("{{{{{inner}}}}}"), &traits());
            let _ = interpolate(&format!("{{{{regexp.replace(external.grp, \"{inner}\", \"$1\")}}}}"), &traits());
        }
    }
}
