//! Types: the syntax tree of one dialect, checked before any database is looked at (rbac.md 3.4).

use super::ast::{Ast, Binary};
use super::error::ExprError;
use crate::rbac::pattern::Pattern;
use crate::rbac::regexp::GoRegex;

/// The type of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// True or false.
    Bool,
    /// Text.
    Str,
    /// List of texts.
    List,
    /// Integer.
    Int,
    /// Floating point number; nothing can be done with one.
    Float,
    /// Known only when evaluated: names that a list predicate does not know beforehand.
    Any,
    /// Labels by key.
    Labels,
    /// Traits by name.
    Traits,
}

impl Type {
    /// The name that error texts use.
    #[must_use]
    pub fn go_name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Str => "string",
            Self::List => "[]string",
            Self::Int => "int",
            Self::Float => "float64",
            Self::Any => "interface {}",
            Self::Labels => "typical.funcGetter[string]",
            Self::Traits => "map[string][]string",
        }
    }
}

/// A function of some dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "named as in the language: rbac.md 3.3, 3.7, 4.3"
)]
pub enum Func {
    Contains,
    ContainsAll,
    ContainsAny,
    EmailLocal,
    Equals,
    Exists,
    HasPrefix,
    LabelsMatching,
    RegexpMatch,
    RegexpReplace,
    Search,
    Split,
    StringsLower,
    StringsUpper,
}

impl Func {
    /// The name in the language, parameter types and type of the result. `search` takes any number of texts.
    #[must_use]
    pub fn signature(self) -> (&'static str, &'static [Type], Type) {
        use Type::{Any, Bool, List, Str};
        match self {
            Self::Contains => ("contains", &[List, Str], Bool),
            Self::ContainsAll => ("contains_all", &[List, List], Bool),
            Self::ContainsAny => ("contains_any", &[List, List], Bool),
            Self::EmailLocal => ("email.local", &[List], List),
            Self::Equals => ("equals", &[Any, Any], Bool),
            Self::Exists => ("exists", &[Any], Bool),
            Self::HasPrefix => ("hasPrefix", &[Str, Str], Bool),
            Self::LabelsMatching => ("labels_matching", &[Str], List),
            Self::RegexpMatch => ("regexp.match", &[List, Str], Bool),
            Self::RegexpReplace => ("regexp.replace", &[List, Str, Str], List),
            Self::Search => ("search", &[], Bool),
            Self::Split => ("split", &[Str, Str], List),
            Self::StringsLower => ("strings.lower", &[List], List),
            Self::StringsUpper => ("strings.upper", &[List], List),
        }
    }
}

/// What distinguishes the three uses of the language: names and functions.
pub trait Dialect {
    /// The type of a dotted name.
    ///
    /// # Errors
    /// If there is no such name.
    fn ident(&self, path: &[String]) -> Result<Type, ExprError>;

    /// Functions by name.
    fn functions(&self) -> &'static [Func];

    /// Whether `base.key` means `base["key"]` for this base name.
    fn element(&self, base: &str) -> Option<Type> {
        let _ = base;
        None
    }
}

/// A regular expression that is already compiled because its text is a literal; an error waits until evaluation.
#[derive(Clone, Debug)]
pub(crate) enum Compiled {
    Pattern(Result<Pattern, String>),
    Regex(Result<GoRegex, String>),
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Str(String),
    Int(i64),
    Float(f64),
    Ident(String),
    Index(Box<Node>, Box<Node>),
    Call(Func, Vec<Node>, Option<Compiled>),
    Not(Box<Node>),
    Logic {
        and: bool,
        left: Box<Node>,
        right: Box<Node>,
    },
    Compare {
        negate: bool,
        left: Box<Node>,
        right: Box<Node>,
    },
    ToList(Box<Node>),
}

/// A checked expression.
#[derive(Clone, Debug)]
pub struct Node {
    pub(crate) ty: Type,
    pub(crate) kind: Kind,
}

impl Node {
    fn new(ty: Type, kind: Kind) -> Self {
        Self { ty, kind }
    }

    /// How an error text names what was given.
    fn got(&self) -> String {
        let name = self.ty.go_name();
        match &self.kind {
            Kind::Str(text) => format!("value ({text}) with type ({name})"),
            Kind::Int(number) => format!("value ({number}) with type ({name})"),
            Kind::Float(number) => format!("value ({number}) with type ({name})"),
            _ => format!("expression returning type ({name})"),
        }
    }
}

/// Converts a node to a type: a text becomes a list of one where a list is wanted.
pub(crate) fn coerce(node: Node, wanted: Type) -> Result<Node, ExprError> {
    let fits = match wanted {
        Type::Any => !matches!(node.ty, Type::Labels | Type::Traits),
        _ => node.ty == wanted || node.ty == Type::Any,
    };
    if fits {
        return Ok(node);
    }
    if wanted == Type::List && node.ty == Type::Str {
        return Ok(Node::new(Type::List, Kind::ToList(Box::new(node))));
    }
    Err(ExprError::parse(format!(
        "expected type {}, got {}",
        wanted.go_name(),
        node.got()
    )))
}

/// Gives types to a syntax tree.
pub(crate) fn check(ast: &Ast, dialect: &dyn Dialect) -> Result<Node, ExprError> {
    match ast {
        Ast::Str(text) => Ok(Node::new(Type::Str, Kind::Str(text.clone()))),
        Ast::Int(number) => Ok(Node::new(Type::Int, Kind::Int(*number))),
        Ast::Float(number) => Ok(Node::new(Type::Float, Kind::Float(*number))),
        Ast::Ident(_) | Ast::Select(..) => name(&path(ast, false)?, dialect),
        Ast::Index(base, key) => index(base, key, dialect),
        Ast::Call(function, arguments) => call(function, arguments, dialect),
        Ast::Unary(op, operand) => {
            if *op != "!" {
                return Err(ExprError::parse(format!("{op} is not supported")));
            }
            let node = coerce(check(operand, dialect)?, Type::Bool)
                .map_err(|e| e.within("parsing target of (!) operator"))?;
            Ok(Node::new(Type::Bool, Kind::Not(Box::new(node))))
        }
        Ast::Binary(op, left, right) => binary(*op, check(left, dialect)?, check(right, dialect)?),
        Ast::Unsupported(form) => Err(ExprError::parse(format!("{form} is not supported"))),
    }
}

/// The parts of `a.b.c`.
fn path(ast: &Ast, calling: bool) -> Result<Vec<String>, ExprError> {
    let mut parts = Vec::new();
    let mut at = ast;
    loop {
        match at {
            Ast::Ident(name) => {
                parts.push(name.clone());
                parts.reverse();
                return Ok(parts);
            }
            Ast::Select(base, name) => {
                parts.push(name.clone());
                at = base;
            }
            other if calling => {
                return Err(ExprError::parse(format!(
                    "expected selector identifier, got: {}",
                    other.go_type()
                )));
            }
            other => {
                return Err(ExprError::parse(format!(
                    "unsupported selector type: {}",
                    other.go_type()
                )));
            }
        }
    }
}

fn name(path: &[String], dialect: &dyn Dialect) -> Result<Node, ExprError> {
    if let Some((key, base)) = path.split_last() {
        let base = base.join(".");
        if let Some(ty) = dialect.element(&base) {
            let base = Node::new(
                if ty == Type::Str {
                    Type::Labels
                } else {
                    Type::Traits
                },
                Kind::Ident(base),
            );
            let key = Node::new(Type::Str, Kind::Str(key.clone()));
            return Ok(Node::new(ty, Kind::Index(Box::new(base), Box::new(key))));
        }
    }
    let ty = dialect.ident(path)?;
    Ok(Node::new(ty, Kind::Ident(path.join("."))))
}

fn index(base: &Ast, key: &Ast, dialect: &dyn Dialect) -> Result<Node, ExprError> {
    let base = check(base, dialect)?;
    let key = check(key, dialect)?;
    let ty = match base.ty {
        Type::Labels => Type::Str,
        Type::Traits => Type::List,
        Type::Any => Type::Any,
        _ => {
            let text = format!("expected type map[string]string, got {}", base.got());
            return Err(ExprError::parse(text).within("cannot take index of unexpected type"));
        }
    };
    let key = coerce(key, Type::Str).map_err(|e| e.within("parsing key of index expression"))?;
    Ok(Node::new(ty, Kind::Index(Box::new(base), Box::new(key))))
}

fn call(function: &Ast, arguments: &[Ast], dialect: &dyn Dialect) -> Result<Node, ExprError> {
    let name = match function {
        Ast::Ident(_) | Ast::Select(..) => path(function, true)?.join("."),
        other => {
            return Err(ExprError::parse(format!(
                "expected selector identifier, got: {}",
                other.go_type()
            )));
        }
    };
    let Some(func) = dialect
        .functions()
        .iter()
        .copied()
        .find(|f| f.signature().0 == name)
    else {
        return Err(ExprError::parse(format!("unsupported function: {name}")));
    };
    let (_, parameters, result) = func.signature();
    let given = arguments
        .iter()
        .map(|a| check(a, dialect))
        .collect::<Result<Vec<_>, _>>()?;
    let mut checked = Vec::with_capacity(given.len());
    if func == Func::Search {
        for (i, node) in given.into_iter().enumerate() {
            let context = format!("parsing argument {} to function ({name})", i + 1);
            checked.push(coerce(node, Type::Str).map_err(|e| e.within(context))?);
        }
    } else {
        if given.len() != parameters.len() {
            let plural = if parameters.len() == 1 {
                "argument"
            } else {
                "arguments"
            };
            return Err(ExprError::parse(format!(
                "function ({name}) accepts {} {plural}, given {}",
                parameters.len(),
                given.len()
            )));
        }
        for (i, (node, ty)) in given.into_iter().zip(parameters).enumerate() {
            let context = format!("parsing {} argument to ({name})", ordinal(i));
            checked.push(coerce(node, *ty).map_err(|e| e.within(context))?);
        }
    }
    let compiled = precompile(func, &checked);
    Ok(Node::new(result, Kind::Call(func, checked, compiled)))
}

fn precompile(func: Func, arguments: &[Node]) -> Option<Compiled> {
    let literal = |i: usize| match arguments.get(i).map(|n| &n.kind) {
        Some(Kind::Str(text)) => Some(text.as_str()),
        _ => None,
    };
    match func {
        Func::RegexpMatch => literal(1).map(|p| Compiled::Pattern(Pattern::new(p))),
        Func::LabelsMatching => literal(0).map(|p| Compiled::Pattern(Pattern::new(p))),
        Func::RegexpReplace => literal(1).map(|p| Compiled::Regex(GoRegex::new(p))),
        _ => None,
    }
}

/// The word for an argument's place in error texts.
pub(crate) fn ordinal(index: usize) -> &'static str {
    match index {
        0 => "first",
        1 => "second",
        _ => "third",
    }
}

fn binary(op: Binary, left: Node, right: Node) -> Result<Node, ExprError> {
    let (word, is_logic) = match op {
        Binary::And => ("&&", true),
        Binary::Or => ("||", true),
        Binary::Equal => ("==", false),
        Binary::NotEqual => ("!=", false),
        Binary::Other(op) => return Err(ExprError::parse(format!("{op} is not supported"))),
    };
    let side = |name: &str, e: ExprError| e.within(format!("parsing {name} of ({word}) operator"));
    if is_logic {
        let left = Box::new(coerce(left, Type::Bool).map_err(|e| side("lhs", e))?);
        let right = Box::new(coerce(right, Type::Bool).map_err(|e| side("rhs", e))?);
        return Ok(Node::new(
            Type::Bool,
            Kind::Logic {
                and: op == Binary::And,
                left,
                right,
            },
        ));
    }
    if !matches!(left.ty, Type::Str | Type::Int | Type::Any) {
        return Err(ExprError::untyped(format!(
            "operator ({word}) not supported for type: {}",
            left.ty.go_name()
        )));
    }
    let wanted = left.ty;
    let right = Box::new(coerce(right, wanted).map_err(|e| side("rhs", e))?);
    Ok(Node::new(
        Type::Bool,
        Kind::Compare {
            negate: op == Binary::NotEqual,
            left: Box::new(left),
            right,
        },
    ))
}
