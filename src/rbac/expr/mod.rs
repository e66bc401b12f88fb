//! The Go-like expression language shared by label expressions, list predicates and trait templates (rbac.md 3.1).
//!
//! `lexer` cuts Go's tokens, `parser` builds the syntax tree, `check` gives it types for one dialect, `eval` runs it.

mod ast;
mod check;
mod error;
mod eval;
mod lexer;
mod parser;

pub use check::{Dialect, Func, Node, Type};
pub use error::{ExprError, Stage};
pub use eval::{Env, Value};

/// Parses `text` as an expression of `dialect` that yields `wanted`.
///
/// # Errors
/// With the contexts `parsing expression` or `expression evaluated to unexpected type` in front, as a cluster has them.
pub fn compile(text: &str, dialect: &dyn Dialect, wanted: Type) -> Result<Node, ExprError> {
    let node = parser::parse(text)
        .and_then(|ast| check::check(&ast, dialect))
        .map_err(|e| e.within("parsing expression"))?;
    check::coerce(node, wanted).map_err(|e| e.within("expression evaluated to unexpected type"))
}
