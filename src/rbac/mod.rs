//! Access decisions, computed from role documents, traits and a database. Pure: no tokio, no files, no clock.
//!
//! | module | what it holds | rbac.md |
//! |---|---|---|
//! | [`role`] | role documents, defaults and validation of their versions | 1.2-1.4 |
//! | [`database`] | databases, their type and admin user | 1.5 |
//! | [`regexp`], [`pattern`], [`selector`] | Go regular expressions, globs, label selectors | 2 |
//! | [`expr`] | the Go-like expression language: lexer, parser, types, evaluation | 3 |
//! | [`label_expression`], [`predicate`], [`template`] | its three dialects | 3, 3.7, 4 |
//! | [`checker`] | the access check, users, names, automatic users, database roles | 5-7, 9 |
//! | [`explain`] | why a decision comes out as it does, from the same steps | 5-7 |
//! | [`leaf`] | role maps and identities in a leaf cluster | 8 |
//! | [`filter`] | search keywords and label filters of a list call | 3.7 |
//! | [`convert`] | protobuf messages to and from these types | 1.2, 1.5 |
//!
//! The client uses this to explain and to choose, the embedded cluster to decide; both therefore agree by construction, and
//! `tests/access_cases.rs` holds them to decisions recorded on real clusters.

pub mod checker;
pub mod convert;
pub mod database;
pub mod email;
pub mod error;
pub mod expr;
pub mod filter;
pub mod label_expression;
pub mod leaf;
pub mod order;
pub mod pattern;
pub mod predicate;
pub mod regexp;
pub mod role;
pub mod selector;
pub mod template;

pub use crate::identity::Traits;
pub use checker::explain;
pub use checker::{
    AccessChecker, Admission, DatabaseRoles, Denial, Enumeration, Grant, Mfa, Request,
};
pub use database::{AdminUser, Database, DatabaseKind, DynamicLabel};
pub use error::{AccessError, DocumentError, MatchError};
pub use predicate::Predicate;
pub use role::{CreateUserMode, Role};

/// Entry that stands for any value in user and name lists, and for any database in label selectors.
pub const WILDCARD: &str = "*";
