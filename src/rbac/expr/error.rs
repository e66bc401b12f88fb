//! Errors with their contexts, outermost first.

use std::fmt;

use crate::quote::quote;

/// Where an expression failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before any database was looked at: syntax, unknown names, types.
    Parse,
    /// For one database.
    Evaluate,
}

/// An expression that does not parse or cannot be evaluated. `Display` nests contexts as rbac.md 3.6 shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprError {
    trail: Vec<String>,
    stage: Stage,
    untyped: bool,
}

impl ExprError {
    pub(crate) fn parse(text: impl Into<String>) -> Self {
        Self {
            trail: vec![text.into()],
            stage: Stage::Parse,
            untyped: false,
        }
    }

    /// A parse error that a server reports without a type, hence as gRPC status Unknown.
    pub(crate) fn untyped(text: impl Into<String>) -> Self {
        Self {
            trail: vec![text.into()],
            stage: Stage::Parse,
            untyped: true,
        }
    }

    /// A name that the dialect does not know.
    pub(crate) fn unknown_identifier(path: &[String]) -> Self {
        Self::untyped(format!("unknown identifier: {}", quote(&path.join("."))))
    }

    pub(crate) fn evaluate(text: impl Into<String>) -> Self {
        Self {
            trail: vec![text.into()],
            stage: Stage::Evaluate,
            untyped: false,
        }
    }

    pub(crate) fn within(mut self, context: impl Into<String>) -> Self {
        self.trail.insert(0, context.into());
        self
    }

    /// Where it failed.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether a server reports it as gRPC status Unknown instead of InvalidArgument (rbac.md 3.6).
    #[must_use]
    pub fn is_untyped(&self) -> bool {
        self.untyped
    }
}

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, text) in self.trail.iter().enumerate() {
            if depth > 0 {
                writeln!(f)?;
                for _ in 0..depth {
                    f.write_str("\t")?;
                }
            }
            f.write_str(text)?;
        }
        Ok(())
    }
}

impl std::error::Error for ExprError {}
