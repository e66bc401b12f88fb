//! The syntax tree: what Go's parser would build, as far as the dialects use it.

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    And,
    Or,
    Equal,
    NotEqual,
    /// Any other of Go's operators; none is supported.
    Other(&'static str),
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ast {
    Str(String),
    Int(i64),
    Float(f64),
    Ident(String),
    Select(Box<Ast>, String),
    Index(Box<Ast>, Box<Ast>),
    Call(Box<Ast>, Vec<Ast>),
    Unary(&'static str, Box<Ast>),
    Binary(Binary, Box<Ast>, Box<Ast>),
    /// A form of Go that no dialect knows, by its name in Go's syntax tree.
    Unsupported(&'static str),
}

impl Ast {
    /// The name of the node's type in Go's syntax tree, for error texts.
    pub(crate) fn go_type(&self) -> &'static str {
        match self {
            Self::Str(_) | Self::Int(_) | Self::Float(_) => "*ast.BasicLit",
            Self::Ident(_) => "*ast.Ident",
            Self::Select(..) => "*ast.SelectorExpr",
            Self::Index(..) => "*ast.IndexExpr",
            Self::Call(..) => "*ast.CallExpr",
            Self::Unary(..) => "*ast.UnaryExpr",
            Self::Binary(..) => "*ast.BinaryExpr",
            Self::Unsupported(name) => name,
        }
    }
}
