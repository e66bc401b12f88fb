//! Rows of `db ls`, with cells as text (rbac.md 10.1). Drawing the table is the command's business.

use std::collections::BTreeMap;

use crate::quote::list;
use crate::rbac::{AccessChecker, Database, Enumeration};

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The database.
    pub database: Database,
    /// Who one may be there.
    pub users: AllowedUsers,
    /// Database roles that an automatic user may get, sorted; empty without automatic users.
    pub roles: Vec<String>,
    /// Database names one may use; `None` when the roles are not known.
    pub names: Option<AllowedNames>,
}

/// Database users that one may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedUsers {
    /// The roles could not be fetched.
    Unknown,
    /// No role is assigned.
    NoRoles,
    /// As the roles say.
    Known {
        /// Allowed ones, `*` first if any other is allowed too.
        allowed: Vec<String>,
        /// Denied ones, listed when `*` is allowed; `["*"]` when everything is denied.
        denied: Vec<String>,
        /// Whether the user is provisioned automatically.
        auto: bool,
    },
}

/// Database names that one may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedNames {
    /// Allowed ones, `*` first if any other is allowed too.
    pub allowed: Vec<String>,
    /// Denied ones, listed when `*` is allowed; `["*"]` when everything is denied.
    pub denied: Vec<String>,
}

/// Makes the rows of a listing: one for each name (the first wins), sorted by name. `checker` is `None` when the roles could
/// not be fetched.
#[must_use]
pub fn rows(databases: &[Database], checker: Option<&AccessChecker>) -> Vec<Row> {
    let mut by_name: BTreeMap<&str, &Database> = BTreeMap::new();
    for database in databases {
        by_name.entry(&database.name).or_insert(database);
    }
    by_name
        .into_values()
        .map(|database| Row::new(database, checker))
        .collect()
}

/// The same of databases that are not needed any more.
#[must_use]
pub fn into_rows(mut databases: Vec<Database>, checker: Option<&AccessChecker>) -> Vec<Row> {
    databases.sort_by(|a, b| a.name.cmp(&b.name));
    databases.dedup_by(|later, first| later.name == first.name);
    databases
        .into_iter()
        .map(|database| Row::of(database, checker))
        .collect()
}

impl Row {
    /// Makes one row. A broken role counts as "nothing allowed" here (rbac.md 3.6).
    #[must_use]
    pub fn new(database: &Database, checker: Option<&AccessChecker>) -> Self {
        Self::of(database.clone(), checker)
    }

    fn of(database: Database, checker: Option<&AccessChecker>) -> Self {
        let users = match checker {
            None => AllowedUsers::Unknown,
            Some(checker) if !checker.has_roles() => AllowedUsers::NoRoles,
            Some(checker) => {
                let (allowed, denied) = entities(checker.enumerate_users(&database).ok());
                AllowedUsers::Known {
                    allowed,
                    denied,
                    auto: matches!(checker.auto_user(&database), Ok(Some(_))),
                }
            }
        };
        let auto = matches!(users, AllowedUsers::Known { auto: true, .. });
        let roles = match checker {
            Some(checker) if auto => checker
                .database_roles(&database)
                .map(|r| r.roles)
                .unwrap_or_default(),
            _ => Vec::new(),
        };
        let names = checker.map(|checker| {
            if !database.enforces_names() {
                return AllowedNames {
                    allowed: vec!["*".to_owned()],
                    denied: Vec::new(),
                };
            }
            let (allowed, denied) = entities(checker.enumerate_names(&database).ok());
            AllowedNames { allowed, denied }
        });
        Self {
            database,
            users,
            roles,
            names,
        }
    }

    /// Whether the user is provisioned automatically.
    #[must_use]
    pub fn is_auto(&self) -> bool {
        matches!(self.users, AllowedUsers::Known { auto: true, .. })
    }

    /// The name; unless `verbose` that of a discovered database's origin.
    #[must_use]
    pub fn name_cell(&self, verbose: bool) -> String {
        let short = if verbose {
            None
        } else {
            self.database.discovered_name()
        };
        short.unwrap_or(&self.database.name).to_owned()
    }

    /// `[a b]`, `[*], except: [root]`, `(none)`, `(unknown)`, with ` (Auto-provisioned)` where that applies.
    #[must_use]
    pub fn users_cell(&self) -> String {
        match &self.users {
            AllowedUsers::Unknown => "(unknown)".to_owned(),
            AllowedUsers::NoRoles => "(none)".to_owned(),
            AllowedUsers::Known {
                allowed,
                denied,
                auto,
            } => {
                let cell = entities_cell(allowed, denied);
                if *auto {
                    format!("{cell} (Auto-provisioned)")
                } else {
                    cell
                }
            }
        }
    }

    /// `[reader writer]` where users are provisioned automatically, `(unknown)` where they might be, else empty.
    #[must_use]
    pub fn roles_cell(&self) -> String {
        if !self.database.auto_users_enabled() {
            return String::new();
        }
        match &self.users {
            AllowedUsers::Unknown => "(unknown)".to_owned(),
            AllowedUsers::Known { auto: true, .. } => list(&self.roles),
            AllowedUsers::Known { .. } | AllowedUsers::NoRoles => String::new(),
        }
    }

    /// Allowed database names, in the forms of [`Self::users_cell`].
    #[must_use]
    pub fn names_cell(&self) -> String {
        match &self.names {
            None => "(unknown)".to_owned(),
            Some(names) => entities_cell(&names.allowed, &names.denied),
        }
    }

    /// Labels as `k=v`, joined by commas: plain keys, keys with `/`, and if `verbose` those of Teleport, each group sorted.
    #[must_use]
    pub fn labels_cell(&self, verbose: bool) -> String {
        let mut groups: [Vec<String>; 3] = Default::default();
        for (key, value) in self.database.all_labels() {
            let internal = ["teleport.dev/", "teleport.hidden/", "teleport.internal/"];
            let group = match (
                internal.iter().any(|p| key.starts_with(p)),
                key.contains('/'),
            ) {
                (true, _) => 2,
                (false, true) => 1,
                (false, false) => 0,
            };
            groups[group].push(format!("{key}={value}"));
        }
        for group in &mut groups {
            group.sort();
        }
        let shown = if verbose { 3 } else { 2 };
        groups[..shown].concat().join(",")
    }
}

fn entities(enumeration: Option<Enumeration>) -> (Vec<String>, Vec<String>) {
    enumeration.map(|e| e.to_entities()).unwrap_or_default()
}

fn entities_cell(allowed: &[String], denied: &[String]) -> String {
    match (allowed, denied) {
        ([], _) => "(none)".to_owned(),
        (allowed, []) => list(allowed),
        (allowed, denied) => format!("{}, except: {}", list(allowed), list(denied)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rbac::{AdminUser, Traits};

    #[test]
    fn labels_in_three_groups() {
        // rbac.md 14.5, E20.
        let labels = [
            ("env", "qa"),
            ("aws/x", "1"),
            ("teleport.dev/origin", "dynamic"),
            ("b", "2"),
        ];
        let database = Database {
            labels: labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            ..Database::default()
        };
        let row = Row::new(&database, None);
        assert_eq!(row.labels_cell(false), "b=2,env=qa,aws/x=1");
        assert_eq!(
            row.labels_cell(true),
            "b=2,env=qa,aws/x=1,teleport.dev/origin=dynamic"
        );
    }

    #[test]
    fn without_roles() {
        // rbac.md 14.5, E12 and E13.
        let database = Database {
            protocol: "postgres".into(),
            admin_user: Some(AdminUser {
                name: "tp".into(),
                ..AdminUser::default()
            }),
            ..Database::default()
        };
        let unknown = Row::new(&database, None);
        assert_eq!(
            (unknown.users_cell().as_str(), unknown.roles_cell().as_str()),
            ("(unknown)", "(unknown)")
        );
        let nobody = AccessChecker::new("alice", false, Vec::new(), &Traits::new()).unwrap();
        let none = Row::new(&database, Some(&nobody));
        assert_eq!(
            (none.users_cell().as_str(), none.roles_cell().as_str()),
            ("(none)", "")
        );
    }

    #[test]
    fn first_of_a_name_sorted() {
        let named = |name: &str, uri: &str| Database {
            name: name.into(),
            uri: uri.into(),
            ..Database::default()
        };
        let rows = rows(&[named("b", "1"), named("a", "2"), named("b", "3")], None);
        let shown: Vec<_> = rows
            .iter()
            .map(|r| (r.database.name.as_str(), r.database.uri.as_str()))
            .collect();
        assert_eq!(shown, [("a", "2"), ("b", "1")]);
        let again = into_rows(
            vec![named("b", "1"), named("a", "2"), named("b", "3")],
            None,
        );
        assert_eq!(again, rows);
    }
}
