//! Choosing one database: by name, labels, keywords, predicate, or because there is only one to use.

use std::collections::BTreeMap;

use crate::quote::{list, quote};
use crate::rbac::expr::ExprError;
use crate::rbac::filter::{matches_keywords, matches_labels};
use crate::rbac::{AccessChecker, Database, Mfa, Predicate, Request};

use super::defaults::{Wish, choose};

/// What narrows the choice. Filters restrict first, the name chooses among what is left.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Name, name of a discovered database, or the beginning of either.
    pub name: Option<String>,
    /// Labels that must be there with exactly these values.
    pub labels: BTreeMap<String, String>,
    /// Keywords that must all be found.
    pub search: Vec<String>,
    /// Predicate that must hold.
    pub query: Option<Predicate>,
}

/// The chosen database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected<'d> {
    /// The database.
    pub database: &'d Database,
    /// Why this one, as the end of a sentence.
    pub why: String,
}

/// Why no database was chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// No database has this name.
    #[error("database {} not found{}", quote(name), did_you_mean(nearest))]
    NotFound {
        /// What was asked for.
        name: String,
        /// Names that resemble it, nearest first.
        nearest: Vec<String>,
    },
    /// Several databases fit.
    #[error("{}: {}", ambiguous_head(name.as_deref()), candidates.join(", "))]
    Ambiguous {
        /// What was asked for, if anything.
        name: Option<String>,
        /// Names of all that fit, sorted.
        candidates: Vec<String>,
    },
    /// No database fits the filters, or none may be used.
    #[error("{0}")]
    Nothing(String),
    /// The predicate fails on a database.
    #[error("{0}")]
    Query(ExprError),
}

fn did_you_mean(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        [one] => format!(", did you mean {}?", quote(one)),
        several => format!(", did you mean one of {}?", list(several)),
    }
}

fn ambiguous_head(name: Option<&str>) -> String {
    match name {
        Some(name) => format!("database {} matches multiple databases", quote(name)),
        None => "multiple databases are available, please specify one by name".to_owned(),
    }
}

/// The databases that pass the filters, one for each name, sorted.
///
/// # Errors
/// If the predicate fails on one of them, as a cluster would refuse the whole list.
pub fn filter<'d>(
    databases: &'d [Database],
    selection: &Selection,
) -> Result<Vec<&'d Database>, SelectError> {
    let mut by_name: BTreeMap<&str, &Database> = BTreeMap::new();
    for database in databases {
        if by_name.contains_key(database.name.as_str())
            || !matches_labels(database, &selection.labels)
            || !matches_keywords(database, &selection.search)
        {
            continue;
        }
        let holds = match &selection.query {
            Some(query) => query.matches(database).map_err(SelectError::Query)?,
            None => true,
        };
        if holds {
            by_name.insert(&database.name, database);
        }
    }
    Ok(by_name.into_values().collect())
}

/// Chooses one database. Without a name it is the only one that passes the filters; [`usable`] reduces the candidates first
/// where "may be used" counts.
///
/// # Errors
/// If none or several fit.
pub fn select<'d>(
    databases: &'d [Database],
    selection: &Selection,
) -> Result<Selected<'d>, SelectError> {
    choose_one(&filter(databases, selection)?, selection.name.as_deref())
}

/// Chooses one of these candidates: the exact name, else the only discovered name, else the only one that begins so.
///
/// # Errors
/// If none or several fit.
pub fn choose_one<'d>(
    candidates: &[&'d Database],
    name: Option<&str>,
) -> Result<Selected<'d>, SelectError> {
    let Some(name) = name else {
        return match candidates {
            [] => Err(SelectError::Nothing("no database matches".to_owned())),
            [only] => Ok(Selected {
                database: only,
                why: "it is the only one that matches".to_owned(),
            }),
            several => Err(ambiguous(None, several)),
        };
    };
    if let Some(exact) = candidates.iter().find(|d| d.name == name) {
        return Ok(Selected {
            database: exact,
            why: "it was named".to_owned(),
        });
    }
    let discovered: Vec<&Database> = candidates
        .iter()
        .copied()
        .filter(|d| d.discovered_name() == Some(name))
        .collect();
    match discovered.as_slice() {
        [] => {}
        [only] => {
            return Ok(Selected {
                database: only,
                why: format!("{} is its name where it was discovered", quote(name)),
            });
        }
        several => return Err(ambiguous(Some(name), several)),
    }
    let prefixed: Vec<&Database> = candidates
        .iter()
        .copied()
        .filter(|d| {
            !name.is_empty()
                && (d.name.starts_with(name)
                    || d.discovered_name().is_some_and(|n| n.starts_with(name)))
        })
        .collect();
    match prefixed.as_slice() {
        [] => Err(SelectError::NotFound {
            name: name.to_owned(),
            nearest: nearest(candidates, name),
        }),
        [only] => Ok(Selected {
            database: only,
            why: format!("no other name begins with {}", quote(name)),
        }),
        several => Err(ambiguous(Some(name), several)),
    }
}

fn ambiguous(name: Option<&str>, candidates: &[&Database]) -> SelectError {
    SelectError::Ambiguous {
        name: name.map(str::to_owned),
        candidates: candidates.iter().map(|d| d.name.clone()).collect(),
    }
}

/// Up to three names that resemble `name`, nearest first.
fn nearest(candidates: &[&Database], name: &str) -> Vec<String> {
    nearest_names(candidates.iter().map(|d| d.name.as_str()), name)
}

/// Up to three of `names` that resemble `wanted`, nearest first; also for clusters and roles.
pub fn nearest_names<'n>(names: impl Iterator<Item = &'n str>, wanted: &str) -> Vec<String> {
    let lower = wanted.to_lowercase();
    let mut scored: Vec<(f64, &str)> = names
        .map(|name| {
            let contained = !lower.is_empty() && name.to_lowercase().contains(&lower);
            let score = strsim::jaro_winkler(&name.to_lowercase(), &lower);
            (if contained { 1.0 } else { score }, name)
        })
        .filter(|(score, _)| *score >= 0.8)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored
        .into_iter()
        .take(3)
        .map(|(_, name)| name.to_owned())
        .collect()
}

/// The candidates that the user can enter somehow: with some user, some name and the wished roles.
#[must_use]
pub fn usable<'d>(
    candidates: &[&'d Database],
    checker: &AccessChecker,
    wish: &Wish,
) -> Vec<&'d Database> {
    candidates
        .iter()
        .copied()
        .filter(|database| is_usable(database, checker, wish))
        .collect()
}

fn is_usable(database: &Database, checker: &AccessChecker, wish: &Wish) -> bool {
    if checker.can_list(database) != Ok(true) {
        return false;
    }
    // Database roles narrow the choice: they mean something only where users are provisioned.
    if !wish.roles.is_empty() && !matches!(checker.auto_user(database), Ok(Some(_))) {
        return false;
    }
    match choose(database, checker, wish) {
        Ok(_) => true,
        Err(error) => error.is_open_question() && any_pair(database, checker, wish),
    }
}

/// Whether some pair of listed user and name is allowed; a wildcard stands for a name that no list holds.
fn any_pair(database: &Database, checker: &AccessChecker, wish: &Wish) -> bool {
    let entries = |given: Option<&String>, listed: (Vec<String>, bool)| match given {
        Some(given) => vec![given.clone()],
        None => {
            let (mut allowed, wildcard) = listed;
            if wildcard {
                allowed.push("\u{1}any".to_owned());
            }
            allowed
        }
    };
    let users = checker
        .enumerate_users(database)
        .map(|e| (e.allowed(), e.wildcard_allowed()))
        .unwrap_or_default();
    let names = checker
        .enumerate_names(database)
        .map(|e| (e.allowed(), e.wildcard_allowed()))
        .unwrap_or_default();
    let users = entries(wish.user.as_ref(), users);
    let names = if database.needs_name() || wish.name.is_some() {
        entries(wish.name.as_ref(), names)
    } else {
        vec![String::new()]
    };
    users.iter().any(|user| {
        names.iter().any(|name| {
            checker
                .check(
                    database,
                    &Request {
                        user,
                        name,
                        roles: &wish.roles,
                        mfa: Mfa::Verified,
                    },
                )
                .is_ok()
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rbac::database::DISCOVERED_NAME_LABEL;
    use crate::rbac::{Role, Traits};

    fn databases(names: &[&str]) -> Vec<Database> {
        names
            .iter()
            .map(|n| Database {
                name: (*n).into(),
                protocol: "postgres".into(),
                ..Database::default()
            })
            .collect()
    }

    fn by_name(databases: &[Database], name: &str) -> Result<String, SelectError> {
        let selection = Selection {
            name: Some(name.into()),
            ..Selection::default()
        };
        select(databases, &selection).map(|s| s.database.name.clone())
    }

    #[test]
    fn exact_then_prefix_then_question() {
        let all = databases(&["orders", "orders-eu", "app"]);
        assert_eq!(by_name(&all, "orders").unwrap(), "orders");
        assert_eq!(by_name(&all, "ap").unwrap(), "app");
        assert_eq!(
            by_name(&all, "ord").unwrap_err().to_string(),
            "database \"ord\" matches multiple databases: orders, orders-eu"
        );
        assert_eq!(
            by_name(&all, "ordesr").unwrap_err().to_string(),
            "database \"ordesr\" not found, did you mean one of [orders orders-eu]?"
        );
        assert_eq!(
            by_name(&all, "zzz").unwrap_err().to_string(),
            "database \"zzz\" not found"
        );
        assert!(matches!(
            by_name(&all, ""),
            Err(SelectError::NotFound { .. })
        ));
    }

    #[test]
    fn discovered_names() {
        let mut all = databases(&["pg-one-eu", "pg-two-us", "other"]);
        for database in &mut all[..2] {
            database
                .labels
                .insert(DISCOVERED_NAME_LABEL.into(), "pg".into());
        }
        assert!(
            matches!(by_name(&all, "pg"), Err(SelectError::Ambiguous { candidates, .. }) if candidates == ["pg-one-eu", "pg-two-us"])
        );
        all[1].labels.clear();
        assert_eq!(by_name(&all, "pg").unwrap(), "pg-one-eu");
    }

    #[test]
    fn filters_come_first() {
        let mut all = databases(&["a", "b"]);
        all[1].labels.insert("env".into(), "live".into());
        let only = |selection: Selection| select(&all, &selection).map(|s| s.database.name.clone());
        let labels: BTreeMap<_, _> = [("env".to_owned(), "live".to_owned())].into();
        assert_eq!(
            only(Selection {
                labels: labels.clone(),
                ..Selection::default()
            })
            .unwrap(),
            "b"
        );
        assert_eq!(
            only(Selection {
                search: vec!["LIVE".into()],
                ..Selection::default()
            })
            .unwrap(),
            "b"
        );
        let query = Predicate::parse("name == \"a\"").unwrap();
        assert_eq!(
            only(Selection {
                query: Some(query),
                ..Selection::default()
            })
            .unwrap(),
            "a"
        );
        let broken = Predicate::parse("nosuch == \"a\"").unwrap();
        assert!(matches!(
            only(Selection {
                query: Some(broken),
                ..Selection::default()
            }),
            Err(SelectError::Query(_))
        ));
        assert!(matches!(
            only(Selection::default()),
            Err(SelectError::Ambiguous { name: None, .. })
        ));
        assert!(matches!(
            only(Selection {
                name: Some("a".into()),
                labels,
                ..Selection::default()
            }),
            Err(SelectError::NotFound { .. })
        ));
    }

    #[test]
    fn what_may_be_used() {
        let mut all = databases(&["auto", "closed", "nouser", "plain"]);
        for (database, mode) in all.iter_mut().zip(["auto", "closed", "nouser", "plain"]) {
            database.labels.insert("mode".into(), mode.into());
        }
        all[0].admin_user = Some(crate::rbac::AdminUser {
            name: "tp".into(),
            ..Default::default()
        });
        let role = |name: &str, spec: serde_json::Value| {
            Role::from_document(&json!({"version": "v7", "metadata": {"name": name}, "spec": spec}))
                .unwrap()
        };
        let roles = vec![
            role(
                "a",
                json!({"options": {"create_db_user_mode": "keep"}, "allow": {"db_labels": {"mode": "auto"}, "db_roles": ["reader"], "db_names": ["*"]}}),
            ),
            role(
                "b",
                json!({"allow": {"db_labels": {"mode": "nouser"}, "db_names": ["*"]}}),
            ),
            role(
                "c",
                json!({"allow": {"db_labels": {"mode": "plain"}, "db_users": ["x", "y"], "db_names": ["*"]}}),
            ),
        ];
        let checker = AccessChecker::new("alice", false, roles, &Traits::new()).unwrap();
        let candidates: Vec<&Database> = all.iter().collect();
        let names = |wish: &Wish| {
            usable(&candidates, &checker, wish)
                .iter()
                .map(|d| d.name.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&Wish::default()), ["auto", "plain"]);
        assert_eq!(
            names(&Wish {
                roles: vec!["reader".into()],
                ..Wish::default()
            }),
            ["auto"]
        );
        assert!(
            names(&Wish {
                roles: vec!["owner".into()],
                ..Wish::default()
            })
            .is_empty()
        );
    }
}
