//! Runs a checked expression; `&&` and `||` stop early, errors carry where they arose (rbac.md 3.5).

use super::check::{Compiled, Func, Kind, Node, Type, ordinal};
use super::error::ExprError;
use crate::quote::quote;
use crate::rbac::email;
use crate::rbac::pattern::Pattern;
use crate::rbac::regexp::GoRegex;

/// The value of an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// Text.
    Str(String),
    /// List of texts.
    List(Vec<String>),
    /// Integer.
    Int(i64),
    /// Floating point number.
    Float(f64),
}

impl Value {
    fn ty(&self) -> Type {
        match self {
            Self::Bool(_) => Type::Bool,
            Self::Str(_) => Type::Str,
            Self::List(_) => Type::List,
            Self::Int(_) => Type::Int,
            Self::Float(_) => Type::Float,
        }
    }
}

/// What the names of an expression stand for.
pub trait Env {
    /// The value of a dotted name that is not a map.
    ///
    /// # Errors
    /// If it has none.
    fn ident(&self, name: &str) -> Result<Value, ExprError>;

    /// The value of `base["key"]`.
    ///
    /// # Errors
    /// If the base does not exist.
    fn element(&self, base: &str, key: &str) -> Result<Value, ExprError>;

    /// All labels, for `labels_matching`.
    fn labels(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Whether every keyword is found, for `search`.
    fn search(&self, keywords: &[String]) -> bool {
        let _ = keywords;
        false
    }
}

impl Node {
    /// Evaluates to a value of the type the expression was compiled for.
    ///
    /// # Errors
    /// As the functions and names of the expression do.
    pub fn evaluate(&self, env: &dyn Env) -> Result<Value, ExprError> {
        match &self.kind {
            Kind::Str(text) => Ok(Value::Str(text.clone())),
            Kind::Int(number) => Ok(Value::Int(*number)),
            Kind::Float(number) => Ok(Value::Float(*number)),
            Kind::Ident(name) => env.ident(name),
            Kind::Index(base, key) => index(base, key, env),
            Kind::ToList(node) => node.text(env).map(|text| Value::List(vec![text])),
            Kind::Not(node) => {
                let value = node
                    .truth(env)
                    .map_err(|e| e.within("evaluating target of (!) operator"))?;
                Ok(Value::Bool(!value))
            }
            Kind::Logic { and, left, right } => {
                let word = if *and { "&&" } else { "||" };
                let first = left
                    .truth(env)
                    .map_err(|e| e.within(format!("evaluating lhs of ({word}) operator")))?;
                if first != *and {
                    return Ok(Value::Bool(first));
                }
                let second = right
                    .truth(env)
                    .map_err(|e| e.within(format!("evaluating rhs of ({word}) operator")))?;
                Ok(Value::Bool(second))
            }
            Kind::Compare {
                negate,
                left,
                right,
            } => {
                let word = if *negate { "!=" } else { "==" };
                let first = left
                    .evaluate(env)
                    .map_err(|e| e.within(format!("evaluating lhs of ({word}) operator")))?;
                let second = right
                    .evaluate(env)
                    .map_err(|e| e.within(format!("evaluating rhs of ({word}) operator")))?;
                Ok(Value::Bool((first == second) != *negate))
            }
            Kind::Call(func, arguments, compiled) => call(*func, arguments, compiled.as_ref(), env)
                .map(|v| match v {
                    Value::List(items) if self.ty == Type::List => Value::List(items),
                    other => other,
                }),
        }
    }

    /// Evaluates to true or false.
    ///
    /// # Errors
    /// As [`Self::evaluate`]; also if the value has another type, which only names unknown beforehand can have.
    pub fn truth(&self, env: &dyn Env) -> Result<bool, ExprError> {
        match self.evaluate(env)? {
            Value::Bool(value) => Ok(value),
            other => Err(mismatch(Type::Bool, &other)),
        }
    }

    /// Evaluates to a list; a text counts as a list of one.
    ///
    /// # Errors
    /// As [`Self::truth`].
    pub fn list(&self, env: &dyn Env) -> Result<Vec<String>, ExprError> {
        match self.evaluate(env)? {
            Value::List(items) => Ok(items),
            Value::Str(text) => Ok(vec![text]),
            other => Err(mismatch(Type::List, &other)),
        }
    }

    fn text(&self, env: &dyn Env) -> Result<String, ExprError> {
        match self.evaluate(env)? {
            Value::Str(text) => Ok(text),
            other => Err(mismatch(Type::Str, &other)),
        }
    }
}

fn mismatch(wanted: Type, got: &Value) -> ExprError {
    ExprError::evaluate(format!(
        "expected type {}, got value of type {}",
        wanted.go_name(),
        got.ty().go_name()
    ))
}

fn index(base: &Node, key: &Node, env: &dyn Env) -> Result<Value, ExprError> {
    let Kind::Ident(name) = &base.kind else {
        // Only names unknown beforehand can be indexed without being a name themselves.
        let value = base
            .evaluate(env)
            .map_err(|e| e.within("evaluating base of index expression"))?;
        return Err(mismatch(Type::Labels, &value));
    };
    let key = key
        .text(env)
        .map_err(|e| e.within("evaluating key of index expression"))?;
    env.element(name, &key)
        .map_err(|e| e.within("evaluating base of index expression"))
}

fn call(
    func: Func,
    arguments: &[Node],
    compiled: Option<&Compiled>,
    env: &dyn Env,
) -> Result<Value, ExprError> {
    let name = func.signature().0;
    let at = |i: usize, e: ExprError| {
        e.within(format!(
            "evaluating {} argument to function ({name})",
            ordinal(i)
        ))
    };
    let list = |i: usize| arguments[i].list(env).map_err(|e| at(i, e));
    let text = |i: usize| arguments[i].text(env).map_err(|e| at(i, e));
    let any = |i: usize| arguments[i].evaluate(env).map_err(|e| at(i, e));
    let failed = |e: ExprError| e.within(format!("evaluating function ({name})"));
    Ok(match func {
        Func::Contains => {
            let (items, item) = (list(0)?, text(1)?);
            Value::Bool(items.contains(&item))
        }
        Func::ContainsAny => {
            let (items, wanted) = (list(0)?, list(1)?);
            Value::Bool(wanted.iter().any(|w| items.contains(w)))
        }
        Func::ContainsAll => {
            let (items, wanted) = (list(0)?, list(1)?);
            Value::Bool(!wanted.is_empty() && wanted.iter().all(|w| items.contains(w)))
        }
        Func::EmailLocal => {
            let locals = list(0)?
                .iter()
                .map(|a| email::local(a))
                .collect::<Result<Vec<_>, _>>();
            Value::List(locals.map_err(|e| failed(ExprError::evaluate(e)))?)
        }
        Func::Equals => Value::Bool(any(0)? == any(1)?),
        Func::Exists => Value::Bool(match any(0)? {
            Value::Str(text) => !text.is_empty(),
            Value::List(items) => !items.is_empty(),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => true,
        }),
        Func::HasPrefix => {
            let (value, prefix) = (text(0)?, text(1)?);
            Value::Bool(value.starts_with(&prefix))
        }
        Func::Split => {
            let (value, separator) = (text(0)?, text(1)?);
            Value::List(split(&value, &separator))
        }
        Func::StringsLower => Value::List(list(0)?.iter().map(|s| s.to_lowercase()).collect()),
        Func::StringsUpper => Value::List(list(0)?.iter().map(|s| s.to_uppercase()).collect()),
        Func::Search => {
            let keywords = (0..arguments.len())
                .map(text)
                .collect::<Result<Vec<_>, _>>()?;
            Value::Bool(env.search(&keywords))
        }
        Func::LabelsMatching => {
            let key = text(0)?;
            let pattern = pattern(compiled, &key).map_err(failed)?;
            Value::List(
                env.labels()
                    .into_iter()
                    .filter(|(k, _)| pattern.is_match(k))
                    .map(|(_, v)| v)
                    .collect(),
            )
        }
        Func::RegexpMatch => {
            let (items, source) = (list(0)?, text(1)?);
            let pattern = pattern(compiled, &source).map_err(failed)?;
            Value::Bool(items.iter().any(|item| pattern.is_match(item)))
        }
        Func::RegexpReplace => {
            let (items, source, replacement) = (list(0)?, text(1)?, text(2)?);
            let result = match compiled {
                Some(Compiled::Regex(result)) => result.clone(),
                _ => GoRegex::new(&source),
            };
            let regex = result.map_err(|e| {
                let quoted = quote(&source);
                failed(
                    ExprError::evaluate(format!("failed to parse regexp {quoted}: {e}"))
                        .within(format!("invalid regexp {quoted}")),
                )
            })?;
            let replaced = items
                .iter()
                .filter_map(|item| regex.replace_all(item, &replacement));
            Value::List(replaced.filter(|r| !r.is_empty()).collect())
        }
    })
}

fn pattern(compiled: Option<&Compiled>, source: &str) -> Result<Pattern, ExprError> {
    let result = match compiled {
        Some(Compiled::Pattern(result)) => result.clone(),
        _ => Pattern::new(source),
    };
    result.map_err(|e| {
        ExprError::evaluate(e).within(format!("invalid regular expression {}", quote(source)))
    })
}

/// Splits as Go: an empty separator yields the characters.
fn split(text: &str, separator: &str) -> Vec<String> {
    if separator.is_empty() {
        return text.chars().map(String::from).collect();
    }
    text.split(separator).map(str::to_owned).collect()
}
