use serde_json::json;

use super::*;

fn database(spec: &serde_json::Value) -> Database {
    let document = json!({"kind": "db", "version": "v3", "metadata": {"name": "d"}, "spec": spec});
    Database::from_document(&document).unwrap_or_else(|e| panic!("{spec}: {e}"))
}

#[test]
fn types() {
    // auth-api.md 5.3, db-service.md 2.5.
    for (spec, name) in [
        (
            json!({"protocol": "postgres", "uri": "localhost:5432"}),
            "self-hosted",
        ),
        (
            json!({"protocol": "postgres", "uri": "h:1", "aws": {"region": "eu-west-1"}}),
            "rds",
        ),
        (
            json!({"protocol": "postgres", "uri": "a.abc.eu-west-1.rds.amazonaws.com:5432"}),
            "rds",
        ),
        (
            json!({"protocol": "postgres", "uri": "p.proxy-abc.eu-west-1.rds.amazonaws.com:5432"}),
            "rdsproxy",
        ),
        (
            json!({"protocol": "postgres", "uri": "c.abc.us-east-1.redshift.amazonaws.com:5439"}),
            "redshift",
        ),
        (
            json!({"protocol": "postgres", "uri": "c.abc.redshift.cn-north-1.amazonaws.com.cn:5439"}),
            "redshift",
        ),
        (
            json!({"protocol": "postgres", "uri": "w.111122223333.us-east-1.redshift-serverless.amazonaws.com:5439"}),
            "redshift-serverless",
        ),
        (
            json!({"protocol": "postgres", "uri": "h:1", "gcp": {"project_id": "p", "instance_id": "i"}}),
            "gcp",
        ),
        (
            json!({"protocol": "postgres", "uri": "alloydb://x"}),
            "alloydb",
        ),
        (
            json!({"protocol": "postgres", "uri": "h:1", "azure": {"name": "n"}}),
            "azure",
        ),
        (
            json!({"protocol": "spanner", "uri": "h:1", "gcp": {"project_id": "p"}}),
            "spanner",
        ),
        (
            json!({"protocol": "mongodb", "uri": "h:1", "mongo_atlas": {"name": "n"}}),
            "mongo-atlas",
        ),
        (
            json!({"protocol": "cassandra", "uri": "h:1", "aws": {"account_id": "1"}}),
            "keyspace",
        ),
        (json!({"protocol": "dynamodb", "uri": "h:1"}), "dynamodb"),
        (
            json!({"protocol": "oracle", "uri": "h:1", "aws": {"account_id": "1"}}),
            "rds-oracle",
        ),
    ] {
        assert_eq!(database(&spec).kind().name(), name, "{spec}");
    }
    let filled = database(
        &json!({"protocol": "postgres", "uri": "w.111122223333.us-east-1.redshift-serverless.amazonaws.com:1"}),
    );
    assert_eq!(
        (filled.aws.account_id.as_str(), filled.aws.region.as_str()),
        ("111122223333", "us-east-1")
    );
}

#[test]
fn admin_user() {
    let plain = database(&json!({"protocol": "postgres", "uri": "h:1"}));
    assert_eq!(plain.admin(), None);
    assert!(plain.supports_auto_users() && !plain.auto_users_enabled());
    let mut labelled = plain.clone();
    labelled.dynamic_labels.insert(
        ADMIN_LABEL.into(),
        DynamicLabel {
            result: "tp".into(),
            ..DynamicLabel::default()
        },
    );
    assert_eq!(labelled.admin(), None, "dynamic labels do not count");
    labelled.labels.insert(ADMIN_LABEL.into(), "tp".into());
    labelled
        .labels
        .insert(ADMIN_DATABASE_LABEL.into(), "postgres".into());
    assert_eq!(
        labelled.admin(),
        Some(AdminUser {
            name: "tp".into(),
            default_database: "postgres".into()
        })
    );
    let refused = json!({
        "kind": "db", "metadata": {"name": "d"},
        "spec": {"protocol": "postgres", "uri": "h:1", "admin_user": {"name": "tp"},
                 "aws": {"redshift_serverless": {"workgroup_name": "w"}}},
    });
    assert_eq!(
        Database::from_document(&refused).unwrap_err().to_string(),
        "cannot set admin user on database \"d\": postgres/redshift-serverless databases don't support automatic user \
         provisioning yet"
    );
}

#[test]
fn labels_and_tls() {
    let database = database(&json!({
        "protocol": "postgres", "uri": "h:1", "tls": {"mode": "verify-ca"},
        "dynamic_labels": {"tier": {"period": "1m0s", "command": ["x"], "result": "gold"}},
    }));
    assert_eq!(database.tls.mode, TlsMode::VerifyCa);
    assert_eq!(database.dynamic_labels["tier"].period, 60_000_000_000);
    assert_eq!(database.all_labels()["tier"], "gold");
    let printed = serde_json::to_value(database.to_document()).unwrap();
    assert_eq!(printed["spec"]["dynamic_labels"]["tier"]["period"], "1m0s");
    assert_eq!(printed["spec"]["tls"]["mode"], 1);
}

#[test]
fn refused_documents() {
    for (name, protocol, uri) in [
        ("1a", "postgres", "h:1"),
        ("a_b", "postgres", "h:1"),
        ("a", "nope", "h:1"),
        ("a", "postgres", ""),
    ] {
        let document =
            json!({"metadata": {"name": name}, "spec": {"protocol": protocol, "uri": uri}});
        assert!(
            Database::from_document(&document).is_err(),
            "{name} {protocol} {uri}"
        );
    }
    let wrong = json!({"metadata": {"name": "a", "labels": {"n": 1}}, "spec": {"protocol": "postgres", "uri": "h:1"}});
    assert!(Database::from_document(&wrong).is_err());
}
