//! Access decisions recorded on real clusters, or those in `$POSTERN_ACCESS_CASES`, against `rbac` and `db`.
//!
//! Compared: whether the list fails; which databases are listed; allowed and denied users, database roles, automatic users,
//! both table cells; each check, and its text byte for byte. Of broken label matchers only that it fails, and at which stage.
//! What the database itself answers is left out.

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use postern::db::listing::{AllowedUsers, Row};
use postern::identity::Identity;
use postern::rbac::database::{AdminUser, DynamicLabel};
use postern::rbac::explain::Ask;
use postern::rbac::expr::Stage;
use postern::rbac::leaf::{RoleMapping, check_role_map, remote_identity};
use postern::rbac::order::{sort_names, sort_roles};
use postern::rbac::{AccessChecker, AccessError, Database, MatchError, Mfa, Request, Role};
use serde::Deserialize;
use serde_json::Value;

mod predicates;
mod records;

use predicates::run_predicates;
use records::{Case, Check, Leaf, LeafUser, Listed, Listing, RecordedDatabase};

impl RecordedDatabase {
    fn database(&self, deviations: &mut Deviations) -> Database {
        let dynamic = |result: &String| DynamicLabel {
            result: result.clone(),
            ..DynamicLabel::default()
        };
        let database = Database {
            name: self.name.clone(),
            protocol: self.protocol.clone(),
            uri: self.uri.clone().unwrap_or_else(|| "localhost:5432".into()),
            description: self.description.clone(),
            labels: self.labels.clone(),
            dynamic_labels: self
                .dynamic_labels
                .iter()
                .map(|(k, v)| (k.clone(), dynamic(v)))
                .collect(),
            admin_user: self.admin_user.as_ref().map(|a| AdminUser {
                name: a.name.clone(),
                default_database: a.default_database.clone(),
            }),
            aws: self.aws.clone().into(),
            gcp: self.gcp.clone().into(),
            azure: self.azure.clone().into(),
            // The recorded MySQL database is the one without health check (rbac.md 3.7).
            health: if self.protocol == "mysql" {
                "unknown".into()
            } else {
                "healthy".into()
            },
            ..Database::default()
        };
        deviations.compare(
            &self.name,
            "type",
            &self.kind.as_str(),
            &database.kind().name(),
        );
        database
    }
}

/// What differed, each with the name of the case.
#[derive(Default)]
struct Deviations {
    case: String,
    all: Vec<String>,
    compared: usize,
}

impl Deviations {
    fn note(&mut self, text: impl AsRef<str>) {
        self.all.push(format!("{}: {}", self.case, text.as_ref()));
    }

    fn compare<T: PartialEq + Debug>(&mut self, place: &str, what: &str, expected: &T, got: &T) {
        self.compared += 1;
        if expected != got {
            self.note(format!(
                "{place}: {what}: expected {expected:?}, got {got:?}"
            ));
        }
    }
}

/// At which stage a broken matcher failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    Regexp,
    Parse,
    Evaluate,
}

/// The stage that a recorded text tells, if it tells one.
fn recorded_stage(text: &str) -> Option<Broken> {
    let text = text
        .strip_prefix("rpc error: code = Unknown desc = ")
        .unwrap_or(text);
    if ["parsing", "expression evaluated"]
        .iter()
        .any(|start| text.starts_with(start))
    {
        Some(Broken::Parse)
    } else if text.starts_with("evaluating") || text.starts_with("identifier ") {
        Some(Broken::Evaluate)
    } else if text.starts_with("error parsing regexp") {
        Some(Broken::Regexp)
    } else {
        None
    }
}

fn stage(error: &AccessError) -> Option<Broken> {
    match error {
        AccessError::Match(error) | AccessError::SilentMatch(error) => Some(match error {
            MatchError::Regexp(_) => Broken::Regexp,
            MatchError::Expression(e) if e.stage() == Stage::Parse => Broken::Parse,
            MatchError::Expression(_) => Broken::Evaluate,
        }),
        _ => None,
    }
}

fn directory() -> PathBuf {
    match std::env::var_os("POSTERN_ACCESS_CASES") {
        Some(directory) => directory.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/rbac"),
    }
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> T {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn access_cases() {
    let directory = directory();
    let cases = directory.join("cases");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&cases)
        .unwrap_or_else(|e| panic!("{}: {e}", cases.display()))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no case in {}", cases.display());
    let mut deviations = Deviations::default();
    for path in &files {
        run_case(&read(path), &mut deviations);
    }
    for (name, run) in [
        ("leaf.json", run_leaf as fn(&Path, &mut Deviations)),
        ("predicates.json", run_predicates),
    ] {
        let path = directory.join(name);
        if path.exists() {
            run(&path, &mut deviations);
        }
    }
    assert!(
        deviations.compared > files.len(),
        "hardly anything was compared"
    );
    assert!(
        deviations.all.is_empty(),
        "{} deviations in {} comparisons:\n{}",
        deviations.all.len(),
        deviations.compared,
        deviations.all.join("\n")
    );
}

fn roles(documents: &[Value], names: &[String], deviations: &mut Deviations) -> Vec<Role> {
    let mut found = Vec::new();
    for document in documents {
        match Role::from_document(document) {
            Ok(role) if names.contains(&role.name) => found.push(role),
            Ok(_) => {}
            Err(error) => deviations.note(format!("role refused: {error}: {document}")),
        }
    }
    sort_roles(&mut found);
    found
}

fn run_case(case: &Case, deviations: &mut Deviations) {
    deviations.case.clone_from(&case.name);
    let roles = roles(&case.roles, &case.user.roles, deviations);
    let checker =
        AccessChecker::new(&case.user.name, false, roles, &case.user.traits).expect("a checker");
    let databases: Vec<Database> = case
        .databases
        .iter()
        .map(|d| d.database(deviations))
        .collect();
    compare_listing(&checker, &databases, &case.expected, deviations);
    for check in &case.checks {
        compare_check(&checker, &databases, check, deviations);
    }
}

fn compare_listing(
    checker: &AccessChecker,
    databases: &[Database],
    expected: &Listing,
    deviations: &mut Deviations,
) {
    let decisions: Vec<_> = databases.iter().map(|d| (d, checker.can_list(d))).collect();
    let failure = decisions
        .iter()
        .find_map(|(_, decision)| decision.as_ref().err());
    deviations.compare(
        "list",
        "fails",
        &expected.list_error.is_some(),
        &failure.is_some(),
    );
    if let (Some(text), Some(error)) = (&expected.list_error, failure) {
        if let Some(stage_expected) = recorded_stage(text) {
            deviations.compare(
                "list",
                "stage of failure",
                &Some(stage_expected),
                &stage(error),
            );
        }
        return;
    }
    for expected in &expected.databases {
        let Some((database, decision)) = decisions.iter().find(|(d, _)| d.name == expected.name)
        else {
            deviations.note(format!("{} is not among the databases", expected.name));
            continue;
        };
        deviations.compare(
            &expected.name,
            "listed",
            &expected.listed,
            &(*decision == Ok(true)),
        );
        if !expected.listed {
            continue;
        }
        compare_row(expected, &Row::new(database, Some(checker)), deviations);
    }
}

fn compare_row(expected: &Listed, row: &Row, deviations: &mut Deviations) {
    let (allowed, denied, auto) = match &row.users {
        AllowedUsers::Known {
            allowed,
            denied,
            auto,
        } => (allowed.clone(), denied.clone(), *auto),
        AllowedUsers::Unknown | AllowedUsers::NoRoles => (Vec::new(), Vec::new(), false),
    };
    let name = &expected.name;
    deviations.compare(name, "allowed users", &expected.allowed_users, &allowed);
    deviations.compare(name, "denied users", &expected.denied_users, &denied);
    deviations.compare(name, "auto-provisioned", &expected.auto_provisioned, &auto);
    deviations.compare(name, "allowed roles", &expected.allowed_roles, &row.roles);
    if let Some(cell) = &expected.users_cell {
        deviations.compare(name, "users cell", cell, &row.users_cell());
    }
    if let Some(cell) = &expected.roles_cell {
        deviations.compare(name, "roles cell", cell, &row.roles_cell());
    }
}

fn compare_check(
    checker: &AccessChecker,
    databases: &[Database],
    check: &Check,
    deviations: &mut Deviations,
) {
    let place = format!(
        "check {} as {:?} on {:?} with {:?}",
        check.db, check.db_user, check.db_name, check.db_roles
    );
    let Some(database) = databases.iter().find(|d| d.name == check.db) else {
        deviations.note(format!("{place}: no such database"));
        return;
    };
    let request = Request {
        user: check.db_user.as_deref().unwrap_or_default(),
        name: check.db_name.as_deref().unwrap_or_default(),
        roles: &check.db_roles,
        mfa: Mfa::NotVerified,
    };
    let decision = checker.check(database, &request);
    deviations.compare(&place, "allowed", &check.allowed, &decision.is_ok());
    let ask = Ask {
        user: Some(request.user),
        name: Some(request.name),
        roles: request.roles,
        mfa: request.mfa,
    };
    let explained = checker.explain(database, ask).verdict();
    deviations.compare(
        &place,
        "explanation",
        &decision.as_ref().err(),
        &explained.as_ref().err(),
    );
    match (&decision, &check.session) {
        (Ok(grant), Some(session)) if grant.mode.is_enabled() => {
            // The bookkeeping group of automatic users is no role of the user's.
            let mut expected = session.granted_roles.clone();
            expected.retain(|r| r != "teleport-auto-user");
            let mut got = grant.roles.clone();
            got.sort();
            got.dedup();
            deviations.compare(&place, "granted roles", &expected, &got);
            deviations.compare(
                &place,
                "user",
                &session.current_user.as_str(),
                &checker.username(),
            );
        }
        (Err(error), _) if !check.allowed => {
            deviations.compare(
                &place,
                "closed silently",
                &check.closed_without_error,
                &error.closes_without_message(),
            );
            let text = check.error_text.clone().unwrap_or_default();
            match recorded_stage(&text) {
                Some(expected) => {
                    deviations.compare(&place, "stage of failure", &Some(expected), &stage(error));
                }
                None if check.closed_without_error => {}
                None => {
                    deviations.compare(&place, "text", &text, &error.to_string());
                }
            }
        }
        _ => {}
    }
}

fn run_leaf(path: &Path, deviations: &mut Deviations) {
    let leaf: Leaf = read(path);
    deviations.case = "leaf".into();
    let map: Vec<RoleMapping> = leaf
        .role_map
        .iter()
        .map(|m| RoleMapping {
            remote: m.remote.clone(),
            local: m.local.clone(),
        })
        .collect();
    deviations.compare("role map", "valid", &Ok(()), &check_role_map(&map));
    let databases: Vec<Database> = leaf
        .databases
        .iter()
        .map(|d| d.database(deviations))
        .collect();
    for LeafUser {
        user,
        certificate,
        expected,
        checks,
    } in &leaf.users
    {
        deviations.case = format!("leaf {}", user.name);
        let root_roles = roles(&leaf.root_roles, &user.roles, deviations);
        let root =
            AccessChecker::new(&user.name, false, root_roles, &user.traits).expect("a checker");
        let ttl = 3600 * 1_000_000_000;
        let (users, names) = (root.certificate_users(ttl), root.certificate_names(ttl));
        deviations.compare("certificate", "users", &certificate.database_users, &users);
        deviations.compare("certificate", "names", &certificate.database_names, &names);
        let mut in_certificate = user.roles.clone();
        sort_names(&mut in_certificate);
        let identity = Identity {
            username: user.name.clone(),
            roles: in_certificate,
            traits: user.traits.clone(),
            database_users: users,
            database_names: names,
            ..Identity::default()
        };
        let Ok(remote) = remote_identity(&identity, &leaf.root_cluster, &map) else {
            deviations.compare(
                "list",
                "text",
                &expected.list_error.as_deref(),
                &Some("access denied"),
            );
            for check in checks {
                deviations.compare(
                    "check",
                    "closed silently",
                    &check.closed_without_error,
                    &true,
                );
            }
            continue;
        };
        let leaf_roles = roles(&leaf.leaf_roles, &remote.roles, deviations);
        let checker = AccessChecker::new(&remote.username, true, leaf_roles, &remote.traits)
            .expect("a checker");
        compare_listing(&checker, &databases, expected, deviations);
        for check in checks {
            compare_check(&checker, &databases, check, deviations);
        }
    }
}
