//! The Go-like expression language shared by label expressions, list predicates and trait templates (rbac.md 3.1).
//!
//! `lexer` cuts Go's tokens, `parser` builds the syntax tree, `check` gives it types for one dialect, `eval` runs it.

mod ast;
mod check;
mod error;
mod eval;
mod lexer;
mod parser;

use ast::Ast;

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

/// Names looked up in a map: `b` of `a.b` and of `a["b"]`, wherever they stand; none for what does not parse.
#[must_use]
pub fn elements(text: &str) -> Vec<String> {
    fn walk(ast: &Ast, called: bool, found: &mut Vec<String>) {
        match ast {
            Ast::Select(base, name) => {
                if !called {
                    found.push(name.clone());
                }
                walk(base, false, found);
            }
            Ast::Index(base, key) => {
                if let Ast::Str(key) = &**key {
                    found.push(key.clone());
                }
                walk(key, false, found);
                walk(base, true, found);
            }
            Ast::Call(function, arguments) => {
                walk(function, true, found);
                arguments
                    .iter()
                    .for_each(|argument| walk(argument, false, found));
            }
            Ast::Unary(_, inner) => walk(inner, false, found),
            Ast::Binary(_, left, right) => {
                walk(left, false, found);
                walk(right, false, found);
            }
            Ast::Str(_) | Ast::Int(_) | Ast::Float(_) | Ast::Ident(_) | Ast::Unsupported(_) => {}
        }
    }
    let mut found = Vec::new();
    if let Ok(ast) = parser::parse(text) {
        walk(&ast, false, &mut found);
    }
    found
}
