//! Filters of list calls and label expressions.

use std::collections::BTreeMap;
use std::path::Path;

use postern::rbac::filter::{matches_keywords, matches_labels, parse_keywords, parse_labels};
use postern::rbac::label_expression::LabelExpression;
use postern::rbac::predicate::both;
use postern::rbac::{Database, Predicate, Traits};
use serde::Deserialize;

use super::records::RecordedDatabase;
use super::{Deviations, read, recorded_stage};

#[derive(Deserialize)]
struct Predicates {
    resources: Vec<RecordedDatabase>,
    cases: Vec<PredicateCase>,
    label_expression_resources: Vec<RecordedDatabase>,
    label_expression_traits: Traits,
    label_expression_cases: Vec<PredicateCase>,
    command_line: Vec<CommandLine>,
}

#[derive(Deserialize)]
struct PredicateCase {
    expression: Option<String>,
    keywords: Option<Vec<String>>,
    labels: Option<BTreeMap<String, String>>,
    result: Option<BTreeMap<String, bool>>,
    error_text: Option<String>,
}

#[derive(Deserialize)]
struct CommandLine {
    args: Vec<String>,
    result: Option<Vec<String>>,
    error_text: Option<String>,
}

const UNTYPED: &str = "rpc error: code = Unknown desc = ";

pub(super) fn run_predicates(path: &Path, deviations: &mut Deviations) {
    compare_predicates(path, deviations, false);
}

/// The texts of broken expressions, byte for byte as recorded: more than the decisions need.
#[test]
fn texts_of_broken_expressions() {
    let mut deviations = Deviations::default();
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/rbac/predicates.json");
    compare_predicates(&recorded, &mut deviations, true);
    assert!(deviations.all.is_empty(), "{}", deviations.all.join("\n"));
}

fn compare_predicates(path: &Path, deviations: &mut Deviations, texts: bool) {
    let predicates: Predicates = read(path);
    deviations.case = "predicates".into();
    let databases: Vec<Database> = predicates
        .resources
        .iter()
        .map(|d| d.database(deviations))
        .collect();
    for case in &predicates.cases {
        let decide = |database: &Database| match case {
            PredicateCase {
                expression: Some(text),
                ..
            } => Predicate::parse(text)
                .and_then(|p| p.matches(database))
                .map_err(|e| {
                    let prefix = if e.is_untyped() { UNTYPED } else { "" };
                    format!("{prefix}{e}")
                }),
            PredicateCase {
                keywords: Some(keywords),
                ..
            } => Ok(matches_keywords(database, keywords)),
            PredicateCase { labels, .. } => Ok(matches_labels(
                database,
                &labels.clone().unwrap_or_default(),
            )),
        };
        let place = format!(
            "{:?} {:?} {:?}",
            case.expression, case.keywords, case.labels
        );
        compare_predicate(case, &place, &databases, decide, texts, deviations);
    }
    let databases: Vec<Database> = predicates
        .label_expression_resources
        .iter()
        .map(|d| d.database(deviations))
        .collect();
    deviations.case = "label expressions".into();
    for case in &predicates.label_expression_cases {
        let text = case.expression.as_deref().expect("an expression");
        let decide = |database: &Database| {
            LabelExpression::parse(text)
                .and_then(|e| {
                    e.matches(&database.all_labels(), &predicates.label_expression_traits)
                })
                .map_err(|e| e.to_string())
        };
        compare_predicate(case, text, &databases, decide, texts, deviations);
    }
    deviations.case = "command line".into();
    let databases: Vec<Database> = predicates
        .resources
        .iter()
        .map(|d| d.database(deviations))
        .collect();
    for case in &predicates.command_line {
        let got = run_command_line(&case.args, &databases);
        let expected = match (&case.error_text, &case.result) {
            (Some(text), _) => Err(text.clone()),
            (None, result) => Ok(result.clone().unwrap_or_default()),
        };
        let place = format!("{:?}", case.args);
        match (&expected, &got) {
            (Err(text), Err(error)) if !texts && recorded_stage(text).is_some() => {
                deviations.compare(
                    &place,
                    "stage of failure",
                    &recorded_stage(text),
                    &recorded_stage(error),
                );
            }
            _ => deviations.compare(&place, "databases", &expected, &got),
        }
    }
}

fn compare_predicate(
    case: &PredicateCase,
    place: &str,
    databases: &[Database],
    decide: impl Fn(&Database) -> Result<bool, String>,
    texts: bool,
    deviations: &mut Deviations,
) {
    let decisions: Result<BTreeMap<String, bool>, String> = databases
        .iter()
        .map(|d| decide(d).map(|holds| (d.name.clone(), holds)))
        .collect();
    match (&case.error_text, decisions) {
        (Some(text), Err(got)) if texts => deviations.compare(place, "text", text, &got),
        (Some(text), Err(got)) => {
            deviations.compare(
                place,
                "stage of failure",
                &recorded_stage(text),
                &recorded_stage(&got),
            );
        }
        (Some(text), Ok(got)) => {
            deviations.note(format!("{place}: expected {text:?}, got {got:?}"));
        }
        (None, Ok(got)) => deviations.compare(
            place,
            "matches",
            &case.result.clone().unwrap_or_default(),
            &got,
        ),
        (None, Err(got)) => deviations.note(format!("{place}: failed: {got}")),
    }
}

/// `db ls` with these arguments: names of the listed databases, or the error.
fn run_command_line(args: &[String], databases: &[Database]) -> Result<Vec<String>, String> {
    let (mut keywords, mut query, mut labels) = (Vec::new(), String::new(), BTreeMap::new());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--search" => keywords = parse_keywords(args.next().expect("keywords")),
            "--query" => query = both(&query, args.next().expect("a predicate")),
            filter => labels = parse_labels(filter).map_err(|e| e.to_string())?,
        }
    }
    let predicate = Predicate::parse(&query).map_err(|e| {
        let prefix = if e.is_untyped() { UNTYPED } else { "" };
        format!("{prefix}{e}")
    })?;
    let mut found = Vec::new();
    for database in databases {
        if predicate.matches(database).map_err(|e| e.to_string())?
            && matches_keywords(database, &keywords)
            && matches_labels(database, &labels)
        {
            found.push(database.name.clone());
        }
    }
    Ok(found)
}
