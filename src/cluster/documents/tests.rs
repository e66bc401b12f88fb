use super::*;

fn load(text: &str) -> Result<Documents, String> {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("a.yaml"), text).expect("a file");
    let folder = format!("{}/", dir.path().display());
    let plain = |text: &str| text.replace(&folder, "");
    match Documents::load(dir.path()) {
        Ok(mut documents) => {
            for warning in &mut documents.warnings {
                *warning = plain(warning);
            }
            Ok(documents)
        }
        Err(error) => Err(plain(&error.to_string())),
    }
}

#[test]
fn several_documents_share_a_file() {
    let documents = load(
        "kind: role\nversion: v7\nmetadata: {name: plain}\nspec: {allow: {db_labels: {mode: plain}}}\n---\n\
         kind: user\nversion: v2\nmetadata: {name: a@b.c}\nspec: {roles: [plain, nosuch], traits: {db_users: [app]}}\n---\n\
         kind: token\nmetadata: {name: x}\n",
    )
    .expect("valid documents");
    assert_eq!(documents.users["a@b.c"].traits["db_users"], ["app"]);
    assert!(documents.roles.contains_key("plain") && documents.roles.contains_key("access"));
    assert_eq!(documents.warnings.len(), 2, "{:?}", documents.warnings);
    assert!(documents.preference.second_factor);
}

/// A lock as `tctl get lock` prints it; the target of another service is said to ask nobody here.
#[test]
fn locks_load_unchanged() {
    let documents = load(
        "kind: lock\nmetadata:\n  name: 5cbb1cd9-9b0a-4b3a-a9f5-3f2a3f6c7d01\n  revision: 1\nspec:\n  created_at: \"2026-11-23T07:30:51.1Z\"\n  \
         created_by: admin\n  expires: 2030-01-31T12:00:00Z\n  message: Suspicious activity.\n  target:\n    user: a@b.c\nversion: v2\n---\n\
         kind: lock\nversion: v2\nmetadata: {name: other}\nspec:\n  target:\n    role: dba\n    login: root\n",
    )
    .expect("valid documents");
    assert_eq!(documents.locks.len(), 2);
    assert_eq!(documents.locks[0].target.user, "a@b.c");
    assert_eq!(documents.locks[0].expires, Some(1_896_091_200));
    assert_eq!(
        documents.warnings,
        ["a.yaml:14: lock \"other\": ignored: spec.target.login (line 20)"]
    );
    let twice = "kind: lock\nmetadata: {name: a}\nspec: {target: {user: x}}\n---\n";
    let message = load(&format!("{twice}{twice}")).expect_err("twice");
    assert!(message.contains("comes twice"), "{message}");
}

#[test]
fn a_connector_loads_and_may_be_the_default() {
    let example = include_str!("../../../examples/oidc.yaml");
    let documents = load(example).expect("valid documents");
    let connector = documents.default_connector().expect("a default");
    assert_eq!(
        (connector.name.as_str(), connector.title()),
        ("corp", "Corp")
    );
    assert!(documents.warnings.is_empty(), "{:?}", documents.warnings);
    let changed = |old: &str, new: &str| {
        assert!(example.contains(old));
        load(&example.replace(old, new))
    };
    let message =
        changed("connector_name: corp", "connector_name: other").expect_err("no such one");
    assert!(
        message.starts_with("a.yaml:")
            && message.contains("there is no connector \"other\"; there is corp"),
        "{message}"
    );
    let alone = "kind: cluster_auth_preference\nmetadata: {name: x}\nspec: {type: oidc}\n";
    let message = load(alone).expect_err("no connector");
    assert!(message.contains("no document of kind oidc"), "{message}");
    assert!(changed("connector_name: corp", "connector_name: ''").is_ok());
    let documents = changed("roles: [db-auto]", "roles: [gone]").expect("valid documents");
    assert_eq!(
        documents.warnings,
        ["a.yaml:10: oidc \"corp\" gives the role \"gone\", which no document defines"]
    );
    let documents = changed("display: Corp", "dispaly: Corp").expect("valid documents");
    assert_eq!(
        documents.warnings,
        ["a.yaml:10: oidc \"corp\": ignored: spec.dispaly (line 15)"]
    );
    let message = changed("client_id: postern", "client_id: []").expect_err("no text");
    assert!(
        message.starts_with("a.yaml:17: oidc \"corp\": spec.client_id must be a text"),
        "{message}"
    );
    let documents = load(
        "kind: cluster_auth_preference\nmetadata: {name: x}\nspec: {allow_local_auth: false}\n",
    );
    assert!(!documents.expect("valid documents").preference.local_auth);
}

#[test]
fn mistakes_name_the_document() {
    for (text, wanted) in [
        (
            "kind: user\nmetadata: {name: 'a b'}\nspec: {roles: [x]}",
            "user \"a b\": a user name",
        ),
        (
            "kind: user\nmetadata: {name: a}\nspec: {roles: []}",
            "at least one role",
        ),
        (
            "# a comment\n---\nkind: user\nmetadata: {name: a}\nspec: {roles: [x]}\n---\n\nkind: user\nmetadata: {name: b}\nspec: {}\n",
            "a.yaml:8: user \"b\"",
        ),
        ("kind: user\nmetadata: [", "a.yaml:2: "),
        ("kind: db\nmetadata: {}\nspec: {}", "no metadata.name"),
        (
            "kind: user\nmetadata: {name: a}\nspec: {roles: [x]}\n---\nkind: user\nmetadata: {name: a}\nspec: {roles: [x]}",
            "a.yaml:5: user \"a\": the document comes twice, first at a.yaml:1",
        ),
        (
            "kind: cluster_auth_preference\nspec: {second_factor: webauthn}",
            "not supported",
        ),
        (
            "kind: lock\nmetadata: {name: a}\nspec: {target: {}}",
            "lock \"a\": at least one target field",
        ),
        ("kind: [", ""),
    ] {
        let message = load(text).expect_err(text);
        assert!(message.contains(wanted), "{text}: {message}");
    }
}

#[test]
fn the_preference_says_how_to_log_in() {
    let off = load(
        "kind: cluster_auth_preference\nspec: {second_factor: 'off', default_session_ttl: 1h30m}",
    )
    .expect("a preference")
    .preference;
    assert_eq!(
        off,
        Preference {
            second_factor: false,
            session_seconds: 5400,
            ..Preference::default()
        }
    );
    let on = load("kind: cluster_auth_preference\nspec: {second_factors: [otp, webauthn]}")
        .expect("a preference")
        .preference;
    assert_eq!(on, Preference::default());
}

#[test]
fn every_mistake_is_found_at_once_and_names_its_line() {
    let message = load(
        "kind: role\nversion: v7\nmetadata: {name: a}\nspec:\n  options:\n    max_session_ttl: soon\n---\n\
         kind: role\nversion: v9\nmetadata: {name: b}\n---\n\
         kind: db\nversion: v3\nmetadata: {name: c}\nspec:\n  uri: x\n  protocol: telnet\n",
    )
    .expect_err("three mistakes");
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines.len(), 3, "{message}");
    assert!(lines[0].starts_with("a.yaml:6: role \"a\": "), "{message}");
    assert!(lines[1].starts_with("a.yaml:9: role \"b\": "), "{message}");
    assert!(lines[2].starts_with("a.yaml:17: db \"c\": "), "{message}");
}

#[test]
fn fields_that_do_not_count_are_named_with_their_lines() {
    let documents = load(
        "kind: role\nversion: v7\nmetadata: {name: a}\nspec:\n  allow:\n    db_labels: {'*': '*'}\n    app_labels: {'*': '*'}\n\
         ---\nkind: user\nmetadata: {name: u}\nspec: {roles: [a], trusted_device_ids: [x]}\n",
    )
    .expect("valid documents");
    assert_eq!(
        documents.warnings,
        [
            "a.yaml:1: role \"a\": ignored: spec.allow.app_labels (line 7)",
            "a.yaml:9: user \"u\": ignored: spec.trusted_device_ids (line 11)"
        ]
    );
    assert_eq!(documents.place("user", "u").map(|p| p.line), Some(Some(9)));
}

#[test]
fn teleports_guide_for_redshift_loads_unchanged() {
    let documents = load(
        r#"
kind: db
version: v3
metadata:
  name: redshift
spec:
  protocol: "postgres"
  uri: "redshift-cluster-1.abcdefghijklm.us-east-1.redshift.amazonaws.com:5439"
  admin_user:
    name: "teleport-admin"
---
kind: role
version: v7
metadata:
  name: auto-db-users
spec:
  options:
    create_db_user_mode: keep
  allow:
    db_labels:
      "*": "*"
    db_names: ["*"]
    db_roles:
    - reader
    - "{{internal.db_roles}}"
    - "{{external.db_roles}}"
"#,
    )
    .expect("valid documents");
    assert_eq!(documents.warnings, Vec::<String>::new());
    let database = &documents.databases["redshift"];
    assert_eq!(database.aws.redshift.cluster_id, "redshift-cluster-1");
    assert_eq!(database.aws.region, "us-east-1");
    assert!(database.admin().is_some_and(|a| a.name == "teleport-admin"));
    assert_eq!(
        documents.roles["auto-db-users"].allow.database_roles.len(),
        3
    );
}

#[test]
fn settings_of_the_cluster_come_from_two_kinds() {
    let preference = load(
        "kind: cluster_networking_config\nversion: v2\nmetadata: {name: cluster-networking-config}\nspec: {client_idle_timeout: 15m}\n---\n\
         kind: cluster_auth_preference\nspec: {disconnect_expired_cert: true, type: local}\n",
    )
    .expect("valid documents")
    .preference;
    assert_eq!(
        preference,
        Preference {
            disconnect_expired_cert: true,
            client_idle_seconds: 900,
            ..Preference::default()
        }
    );
    let never = load("kind: cluster_networking_config\nspec: {client_idle_timeout: never}\n");
    assert_eq!(never.expect("valid").preference, Preference::default());
    let message = load("kind: cluster_networking_config\nspec:\n  client_idle_timeout: soon\n")
        .expect_err("no duration");
    assert!(message.starts_with("a.yaml:3: "), "{message}");
    assert!(
        message.contains("client_idle_timeout \"soon\""),
        "{message}"
    );
}

#[test]
fn dynamic_labels_may_be_a_list_or_a_map() {
    for labels in [
        "[{name: host, command: [hostname], period: 1m}]",
        "{host: {command: [hostname], period: 1m}}",
    ] {
        let documents = load(&format!(
            "kind: db\nversion: v3\nmetadata: {{name: d}}\nspec: {{protocol: postgres, uri: x:1, dynamic_labels: {labels}}}\n"
        ))
        .expect("valid documents");
        assert_eq!(
            documents.databases["d"].dynamic_labels["host"].command,
            ["hostname"]
        );
    }
}

/// Printed by `tctl get` of a real cluster.
#[test]
fn what_a_real_cluster_prints_loads_unchanged() {
    let documents =
        load(include_str!("../../../tests/data/documents/tctl-get.yaml")).expect("valid documents");
    for role in ["auto-keep", "denied", "mfa-db", "plain"] {
        assert!(documents.roles.contains_key(role), "{role}");
    }
    assert_eq!(
        documents.users["alice"].roles,
        ["auto-keep", "auto-drop", "plain", "bulk", "denied"]
    );
    assert_eq!(
        documents.users["carol"].traits["db_roles"],
        ["reader", "owner"]
    );
    assert_eq!(documents.preference, Preference::default());
    let of = |title: &str| {
        let found: Vec<&String> = documents
            .warnings
            .iter()
            .filter(|w| w.contains(title))
            .collect();
        assert_eq!(found.len(), 1, "{title}: {found:?}");
        found[0].as_str()
    };
    let role = of("role \"plain\": ");
    assert!(role.contains("spec.options.record_session"), "{role}");
    assert!(
        !role.contains("create_desktop_user"),
        "false asks for nothing"
    );
    of("cluster_networking_config \"cluster-networking-config\": ");
    of("role \"bulk\", which no document defines");
    assert!(
        !documents
            .warnings
            .iter()
            .any(|w| w.contains("user \"bob\""))
    );
}

#[test]
fn every_version_of_roles_is_known() {
    for version in ["v3", "v4", "v5", "v6", "v7", "v8"] {
        let documents = load(&format!(
            "kind: role\nversion: {version}\nmetadata: {{name: r}}\nspec: {{allow: {{db_names: [app], db_users: [app]}}}}\n"
        ))
        .expect("a valid role");
        // Version 3 matches every database unless it says otherwise.
        assert_eq!(
            documents.roles["r"].allow.database_labels.is_empty(),
            version != "v3",
            "{version}"
        );
    }
}
