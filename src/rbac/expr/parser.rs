//! Tokens to syntax tree, with Go's precedences and the words of its parser.

use super::ast::{Ast, Binary};
use super::error::ExprError;
use super::lexer::{Lexer, Token};

/// Nesting that is still parsed; Go allows more, but no role needs it and the stack is finite.
const MAX_NESTING: usize = 64;
/// Operators in a row that are still parsed (each makes the tree one deeper).
const MAX_CHAIN: usize = 1000;

/// Parses one expression.
pub(crate) fn parse(text: &str) -> Result<Ast, ExprError> {
    let mut lexer = Lexer::new(text);
    let (at, token) = lexer.next()?;
    let mut parser = Parser {
        lexer,
        at,
        token,
        nesting: 0,
        chain: 0,
    };
    let ast = parser.binary(1)?;
    if parser.token == Token::Newline {
        parser.advance()?;
    }
    match parser.token {
        Token::Eof => Ok(ast),
        _ => Err(parser.expected("'EOF'")),
    }
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    at: usize,
    token: Token,
    nesting: usize,
    chain: usize,
}

impl Parser<'_> {
    fn advance(&mut self) -> Result<Token, ExprError> {
        let (at, token) = self.lexer.next()?;
        self.at = at;
        Ok(std::mem::replace(&mut self.token, token))
    }

    /// Takes the operator if it stands here.
    fn take(&mut self, op: &str) -> Result<bool, ExprError> {
        let here = self.is(op);
        if here {
            self.advance()?;
        }
        Ok(here)
    }

    fn is(&self, op: &str) -> bool {
        matches!(self.token, Token::Op(o) if o == op)
    }

    fn expected(&self, what: &str) -> ExprError {
        self.lexer.error(
            self.at,
            &format!("expected {what}, found {}", self.token.found()),
        )
    }

    fn expect(&mut self, op: &str) -> Result<(), ExprError> {
        if self.take(op)? {
            Ok(())
        } else {
            Err(self.expected(&format!("'{op}'")))
        }
    }

    /// Counts one more node on the way down the left edge of the tree.
    fn grow(&mut self) -> Result<(), ExprError> {
        self.chain += 1;
        if self.chain > MAX_CHAIN {
            Err(self.lexer.error(self.at, "exceeded max nesting depth"))
        } else {
            Ok(())
        }
    }

    fn binary(&mut self, lowest: u8) -> Result<Ast, ExprError> {
        let mut left = self.unary()?;
        while let Token::Op(op) = self.token {
            // Go reads a lone `=` as a slip for `==`.
            if op == "=" && lowest <= 3 {
                return Err(self.expected("'=='"));
            }
            let Some((precedence, binary)) = operator(op).filter(|(p, _)| *p >= lowest) else {
                break;
            };
            self.grow()?;
            self.advance()?;
            let right = self.binary(precedence + 1)?;
            left = Ast::Binary(binary, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Ast, ExprError> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(self.lexer.error(self.at, "exceeded max nesting depth"));
        }
        let result = match self.token {
            Token::Op(op @ ("+" | "-" | "!" | "^" | "&" | "~" | "<-")) => {
                self.advance()?;
                Ast::Unary(op, Box::new(self.unary()?))
            }
            Token::Op("*") => {
                self.advance()?;
                self.unary()?;
                Ast::Unsupported("*ast.StarExpr")
            }
            _ => self.primary()?,
        };
        self.nesting -= 1;
        Ok(result)
    }

    fn primary(&mut self) -> Result<Ast, ExprError> {
        let mut left = self.operand()?;
        loop {
            match self.token {
                Token::Op(".") => {
                    self.advance()?;
                    left = match self.advance_selector()? {
                        Some(name) => Ast::Select(Box::new(left), name),
                        None => Ast::Unsupported("*ast.TypeAssertExpr"),
                    };
                }
                Token::Op("[") => left = self.index(left)?,
                Token::Op("(") => left = self.call(left)?,
                Token::Op("{") => {
                    self.skip_block()?;
                    left = Ast::Unsupported("*ast.CompositeLit");
                }
                _ => return Ok(left),
            }
            self.grow()?;
        }
    }

    /// Reads the name after a dot, or a type assertion.
    fn advance_selector(&mut self) -> Result<Option<String>, ExprError> {
        match &self.token {
            Token::Ident(name) => {
                let name = name.clone();
                self.advance()?;
                Ok(Some(name))
            }
            Token::Op("(") => {
                self.skip_block()?;
                Ok(None)
            }
            _ => Err(self.expected("selector or type assertion")),
        }
    }

    fn operand(&mut self) -> Result<Ast, ExprError> {
        match &self.token {
            Token::Ident(_)
            | Token::Int(_)
            | Token::Float(_)
            | Token::Str(..)
            | Token::Other(_) => {
                let at = self.at;
                match self.advance()? {
                    Token::Ident(name) => Ok(Ast::Ident(name)),
                    Token::Str(value, _) => Ok(Ast::Str(value)),
                    Token::Float(text) => Ok(Ast::Float(text.parse().unwrap_or_default())),
                    Token::Int(text) => integer(&text).map(Ast::Int).ok_or_else(|| {
                        self.lexer.error(at, &format!("value out of range: {text}"))
                    }),
                    _ => Ok(Ast::Unsupported("rune literal")),
                }
            }
            Token::Op("(") => {
                self.advance()?;
                let inner = self.binary(1)?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Op("[") => {
                self.skip_block()?;
                self.skip_type_and_literal()?;
                Ok(Ast::Unsupported("*ast.CompositeLit"))
            }
            Token::Keyword(word) => {
                let name = match word.as_str() {
                    "func" => "*ast.FuncLit",
                    "struct" => "*ast.StructType",
                    "map" => "*ast.MapType",
                    "chan" => "*ast.ChanType",
                    "interface" => "*ast.InterfaceType",
                    _ => return Err(self.expected("operand")),
                };
                self.advance()?;
                while matches!(self.token, Token::Op("(" | "[" | "{")) {
                    self.skip_block()?;
                }
                Ok(Ast::Unsupported(name))
            }
            _ => Err(self.expected("operand")),
        }
    }

    fn index(&mut self, base: Ast) -> Result<Ast, ExprError> {
        self.advance()?;
        if self.is("]") {
            return Err(self.expected("operand"));
        }
        let slice = self.is(":");
        if !slice {
            let key = self.binary(1)?;
            if self.take(",")? {
                return Err(self.expected("type"));
            }
            if !self.is(":") {
                self.expect("]")?;
                return Ok(Ast::Index(Box::new(base), Box::new(key)));
            }
        }
        while self.take(":")? {
            if !self.is(":") && !self.is("]") {
                self.binary(1)?;
            }
        }
        self.expect("]")?;
        Ok(Ast::Unsupported("*ast.SliceExpr"))
    }

    fn call(&mut self, function: Ast) -> Result<Ast, ExprError> {
        self.advance()?;
        let mut arguments = Vec::new();
        while !self.is(")") && self.token != Token::Eof {
            arguments.push(self.binary(1)?);
            if self.is("...") {
                self.advance()?;
            }
            if self.take(",")? {
                continue;
            }
            match self.token {
                Token::Op(")") => {}
                Token::Newline => {
                    return Err(self
                        .lexer
                        .error(self.at, "missing ',' before newline in argument list"));
                }
                _ => return Err(self.lexer.error(self.at, "missing ',' in argument list")),
            }
        }
        self.expect(")")?;
        Ok(Ast::Call(Box::new(function), arguments))
    }

    /// Skips a balanced run of brackets of a form that is not supported anyway.
    fn skip_block(&mut self) -> Result<(), ExprError> {
        let mut depth = 0_usize;
        loop {
            match self.token {
                Token::Op("(" | "[" | "{") => depth += 1,
                Token::Op(")" | "]" | "}") => depth = depth.saturating_sub(1),
                Token::Eof => return Err(self.expected("'}'")),
                _ => {}
            }
            self.advance()?;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn skip_type_and_literal(&mut self) -> Result<(), ExprError> {
        while matches!(
            self.token,
            Token::Ident(_) | Token::Keyword(_) | Token::Op("*" | ".")
        ) {
            self.advance()?;
        }
        if matches!(self.token, Token::Op("[" | "{")) {
            self.skip_block()
        } else {
            Ok(())
        }
    }
}

fn integer(text: &str) -> Option<i64> {
    let plain = text.replace('_', "");
    let lower = plain.to_ascii_lowercase();
    let (digits, radix) = if let Some(hex) = lower.strip_prefix("0x") {
        (hex, 16)
    } else if let Some(binary) = lower.strip_prefix("0b") {
        (binary, 2)
    } else if let Some(octal) = lower.strip_prefix("0o") {
        (octal, 8)
    } else {
        (lower.as_str(), 10)
    };
    i64::from_str_radix(digits, radix).ok()
}

fn operator(op: &'static str) -> Option<(u8, Binary)> {
    Some(match op {
        "||" => (1, Binary::Or),
        "&&" => (2, Binary::And),
        "==" => (3, Binary::Equal),
        "!=" => (3, Binary::NotEqual),
        "<" | "<=" | ">" | ">=" => (3, Binary::Other(op)),
        "+" | "-" | "|" | "^" => (4, Binary::Other(op)),
        "*" | "/" | "%" | "<<" | ">>" | "&" | "&^" => (5, Binary::Other(op)),
        _ => return None,
    })
}
