//! Trait templates and patterns of roles: `rbac::template`, `rbac::pattern`, `rbac::regexp`.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use postern::rbac::pattern::Pattern;
use postern::rbac::{Traits, template};

static TRAITS: LazyLock<Traits> = LazyLock::new(|| {
    let list = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>();
    Traits::from([
        ("db_users".into(), list(&["app", "reader"])),
        ("team".into(), list(&["core", "ops"])),
        ("mail".into(), list(&["Kim <kim@corp.test>"])),
        ("two".into(), list(&["a@x.test", "b@y.test"])),
        ("none".into(), list(&[])),
    ])
});

fuzz_target!(|text: &str| {
    if let Ok(values) = template::interpolate(text, &TRAITS) {
        assert!(!values.is_empty() && values.iter().all(|v| !v.is_empty()));
        // A replacement may repeat each of a value's characters by the replacement's length, not more.
        assert!(
            values.iter().all(|v| v.len() <= (text.len() + 64) * 1024),
            "grew without bounds"
        );
    }
    if let Ok(pattern) = Pattern::new(text) {
        let _ = pattern.is_match("db-orders-prod");
    }
});
