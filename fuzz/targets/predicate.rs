//! What a user types to choose databases, and label expressions of roles: `rbac::predicate`, `label_expression`, `filter`.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use postern::rbac::label_expression::LabelExpression;
use postern::rbac::{Database, Predicate, Traits, filter};

static DATABASE: LazyLock<Database> = LazyLock::new(|| {
    let document = serde_json::json!({
        "kind": "db", "version": "v3",
        "metadata": {"name": "pq-alpha", "labels": {"env": "live", "team": "core", "acme.io/part": "x1"}},
        "spec": {"protocol": "postgres", "uri": "localhost:7440"},
    });
    Database::from_document(&document).expect("a valid database")
});

fuzz_target!(|text: &str| {
    if let Ok(predicate) = Predicate::parse(text) {
        let held = predicate.matches(&DATABASE);
        assert_eq!(predicate.matches(&DATABASE), held);
    }
    if let Ok(expression) = LabelExpression::parse(text) {
        let labels = DATABASE.all_labels();
        let held = expression.matches(
            &labels,
            &Traits::from([("team".into(), vec!["core".into()])]),
        );
        assert_eq!(
            expression.matches(
                &labels,
                &Traits::from([("team".into(), vec!["core".into()])])
            ),
            held
        );
    }
    if let Ok(labels) = filter::parse_labels(text) {
        let _ = filter::matches_labels(&DATABASE, &labels);
    }
    let _ = filter::matches_keywords(&DATABASE, &filter::parse_keywords(text));
});
