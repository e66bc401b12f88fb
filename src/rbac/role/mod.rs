//! Roles: what they allow and deny, and their options (rbac.md 1.2).

mod document;
mod options;
mod scalar;

use std::collections::BTreeMap;

pub(crate) use scalar::duration;

pub use super::selector::LabelPatterns;
pub use options::{CreateUserMode, RequireMfa, RoleOptions};

/// Name of the role that every user has besides the assigned ones.
pub const IMPLICIT_ROLE: &str = "default-implicit-role";
/// Namespace of databases and roles that name none.
pub const DEFAULT_NAMESPACE: &str = "default";

/// A role with the fields that matter for databases.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Role {
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// Labels of the role itself.
    pub labels: BTreeMap<String, String>,
    /// `v3` … `v8`.
    pub version: String,
    /// Options.
    pub options: RoleOptions,
    /// What the role allows.
    pub allow: Conditions,
    /// What the role denies, whatever others allow.
    pub deny: Conditions,
}

/// One side of a role.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conditions {
    /// Namespaces this side is about; `*` for all, none for nothing.
    pub namespaces: Vec<String>,
    /// System logins (SSH principals).
    pub logins: Vec<String>,
    /// Selector of SSH nodes.
    pub node_labels: LabelPatterns,
    /// Selector of databases.
    pub database_labels: LabelPatterns,
    /// Expression over labels of databases; empty for none.
    pub database_labels_expression: String,
    /// Database users; `*` for all.
    pub database_users: Vec<String>,
    /// Database names; `*` for all.
    pub database_names: Vec<String>,
    /// Database roles for automatic users.
    pub database_roles: Vec<String>,
    /// Fine-grained permissions for automatic users.
    pub database_permissions: Vec<DatabasePermission>,
    /// Selector of database agents.
    pub database_service_labels: LabelPatterns,
    /// Expression over labels of database agents.
    pub database_service_labels_expression: String,
    /// Selector of leaf clusters.
    pub cluster_labels: LabelPatterns,
    /// Expression over labels of leaf clusters.
    pub cluster_labels_expression: String,
    /// Rules about resources of the cluster.
    pub rules: Vec<Rule>,
}

/// Permissions on objects inside of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabasePermission {
    /// `SELECT`, `INSERT`, …
    pub permissions: Vec<String>,
    /// Selector of objects.
    pub matching: LabelPatterns,
}

/// A rule about resources of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Kinds of resources.
    pub resources: Vec<String>,
    /// `list`, `read`, …
    pub verbs: Vec<String>,
    /// Condition; empty for none.
    pub condition: String,
}

impl Role {
    /// The role that every user has besides the assigned ones: it lists and reads databases, and matches none
    /// (rbac.md 1.3).
    #[must_use]
    pub fn implicit() -> Self {
        let default = || vec![DEFAULT_NAMESPACE.to_owned()];
        let read = ["db_server", "db"].map(|kind| Rule {
            resources: vec![kind.to_owned()],
            verbs: vec!["list".to_owned(), "read".to_owned()],
            condition: String::new(),
        });
        Self {
            name: IMPLICIT_ROLE.to_owned(),
            version: "v3".to_owned(),
            options: RoleOptions {
                max_session_ttl: i64::MAX,
                ..RoleOptions::default()
            },
            allow: Conditions {
                namespaces: default(),
                rules: read.into(),
                ..Conditions::default()
            },
            deny: Conditions {
                namespaces: default(),
                ..Conditions::default()
            },
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests;
