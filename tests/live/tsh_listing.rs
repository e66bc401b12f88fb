//! The recorded listings again, by tsh itself: the documents of the recordings in an embedded cluster, `tsh db ls` compared
//! with what it printed against the real one. Forty of them, spread over all kinds; the library compares all
//! (`cluster::grpc::tests::listing`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::embedded::{Embedded, PASSWORD};
use super::tsh::Tsh;

/// How many cases of each kind: selectors and versions, expressions, templates, users and names, order, random.
const CHOSEN: [(&str, usize); 6] = [
    ("va-", 6),
    ("vb-", 8),
    ("vc-", 7),
    ("vd-", 8),
    ("vo-", 3),
    ("r", 8),
];

/// The chosen cases by the databases that existed meanwhile.
fn batches() -> BTreeMap<String, Vec<Value>> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/rbac/cases");
    let mut paths: Vec<_> = std::fs::read_dir(directory)
        .expect("recordings")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let mut batches: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (prefix, count) in CHOSEN {
        let of_kind: Vec<_> = paths
            .iter()
            .filter(|path| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with(prefix))
            })
            .collect();
        for n in 0..count {
            let path = of_kind[n * of_kind.len() / count];
            let text = std::fs::read_to_string(path).expect("a recording");
            let case: Value = serde_json::from_str(&text).expect("JSON");
            batches
                .entry(case["databases"].to_string())
                .or_default()
                .push(case);
        }
    }
    batches
}

/// The documents of a batch as an operator would write them.
fn documents(cases: &[Value]) -> String {
    let mut documents = Vec::new();
    for database in cases[0]["databases"].as_array().expect("databases") {
        let mut spec = json!({"protocol": database["protocol"], "uri": "localhost:5432"});
        for key in ["uri", "admin_user", "aws", "gcp", "azure"] {
            if let Some(value) = database.get(key) {
                spec[key] = value.clone();
            }
        }
        for (label, result) in database["dynamic_labels"].as_object().into_iter().flatten() {
            spec["dynamic_labels"][label] = json!({"period": "1h", "command": ["echo", result]});
        }
        let metadata = json!({"name": database["name"], "labels": database["labels"]});
        documents.push(json!({"kind": "db", "version": "v3", "metadata": metadata, "spec": spec}));
    }
    for case in cases {
        documents.extend(case["roles"].as_array().expect("roles").iter().cloned());
        let user = &case["user"];
        documents.push(
            json!({"kind": "user", "version": "v2", "metadata": {"name": user["name"]},
            "spec": {"roles": user["roles"], "traits": user["traits"]}}),
        );
    }
    let texts: Vec<String> = documents.iter().map(Value::to_string).collect();
    texts.join("\n---\n")
}

/// The cells of a table, each row by the names of the columns; dashes below the head say where a column begins.
fn table(text: &str) -> Vec<BTreeMap<&str, &str>> {
    let mut lines = text.lines();
    let (Some(head), Some(dashes)) = (lines.next(), lines.next()) else {
        return Vec::new();
    };
    let mut columns = Vec::new();
    let mut at = 0;
    for dash in dashes.split(' ') {
        columns.push((at, dash.len()));
        at += dash.len() + 1;
    }
    fn cell(line: &str, (at, width): (usize, usize)) -> &str {
        line.get(at..(at + width).min(line.len()))
            .unwrap_or_default()
            .trim()
    }
    lines
        .take_while(|line| !line.trim().is_empty())
        .map(|line| {
            columns
                .iter()
                .map(|column| (cell(head, *column), cell(line, *column)))
                .collect()
        })
        .collect()
}

/// What tsh prints for one case, in the form of the recording.
fn listed(tsh: &Tsh) -> Vec<Value> {
    let elements = tsh.run(&["db", "ls", "-v", "--format", "json"]).json();
    let text = tsh.run(&["db", "ls", "-v"]).ok();
    let rows = table(&text);
    let elements = elements.as_array().expect("a list");
    assert_eq!(rows.len(), elements.len(), "{text}");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    elements
        .iter()
        .zip(rows)
        .map(|(element, row)| {
            assert_eq!(element["metadata"]["name"], row["Name"]);
            json!({"name": row["Name"], "listed": true,
                "allowed_users": list(&element["users"]["allowed"]), "denied_users": list(&element["users"]["denied"]),
                "auto_provisioned": row["Allowed Users"].ends_with("(Auto-provisioned)"),
                "allowed_roles": list(&element["database_roles"]),
                "users_cell": row["Allowed Users"], "roles_cell": row["Database Roles"]})
        })
        .collect()
}

#[test]
fn forty_recorded_listings() {
    if Tsh::new("", "").is_none() {
        return;
    }
    let (mut compared, mut failed) = (0, 0);
    for cases in batches().values() {
        let users: Vec<&str> = cases
            .iter()
            .map(|case| case["user"]["name"].as_str().expect("a name"))
            .collect();
        let cluster = Embedded::start("rbroot", &documents(cases), &users);
        for (case, user) in cases.iter().zip(&users) {
            let name = case["name"].as_str().expect("a name");
            let tsh = Tsh::new(&cluster.proxy, &cluster.ca_file).expect("tsh");
            tsh.log_in(user, PASSWORD);
            let expected = &case["expected"];
            compared += 1;
            if let Some(error) = expected["list_error"].as_str() {
                failed += 1;
                let said = tsh.refused(&["db", "ls"]);
                assert_eq!(said.trim(), format!("ERROR: {error}"), "{name}");
                continue;
            }
            let want: Vec<Value> = expected["databases"]
                .as_array()
                .expect("databases")
                .iter()
                .filter(|d| d["listed"] == true)
                .cloned()
                .collect();
            assert_eq!(listed(&tsh), want, "{name}");
        }
    }
    assert_eq!(compared, 40);
    assert!(failed > 0, "no list fails");
}
