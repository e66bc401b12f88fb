use super::*;

fn load(text: &str) -> Result<Config, String> {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("c.yaml");
    std::fs::write(dir.path().join("ca.pem"), "an authority").expect("a file");
    std::fs::write(&path, text).expect("a file");
    let folder = format!("{}/", dir.path().display());
    Config::load(&path)
        .map(|mut config| {
            for warning in &mut config.warnings {
                *warning = warning.replace(&folder, "");
            }
            config.fixed.data_dir = config
                .fixed
                .data_dir
                .strip_prefix(dir.path())
                .map(Path::to_owned)
                .unwrap_or(config.fixed.data_dir);
            config
        })
        .map_err(|error| error.to_string().replace(&folder, ""))
}

#[test]
fn the_example_says_what_is_the_default_and_every_key_is_in_it_and_in_the_manual() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/cluster.yaml");
    let example = Config::load(&path).expect("a valid example");
    assert_eq!(example.warnings, Vec::<String>::new());
    let short = load("cluster_name: root\n").expect("the shortest one");
    assert_eq!(example.fixed.listen, short.fixed.listen);
    assert_eq!(example.fixed.shutdown, short.fixed.shutdown);
    assert_eq!(example.fixed.login_rate, short.fixed.login_rate);
    assert_eq!(example.fixed.data_dir, short.fixed.data_dir);
    assert_eq!(example.fixed.audit, short.fixed.audit);
    assert_eq!(example.preference, short.preference);
    assert_eq!(short.fixed.diag, None);
    assert!(short.matchers.is_none(), "every document is served");
    assert_eq!(example.databases[0].database.name, "reports");
    assert_eq!(
        example.databases[0].database.labels["teleport.dev/origin"],
        "config-file"
    );

    let text = std::fs::read_to_string(&path).expect("the example");
    let manual = include_str!("../../../docs/cluster.md");
    // The message of serde lists every key there is.
    for section in ["", "https_keypair", "login_rate", "audit", "authentication"] {
        let wrong = if section.is_empty() {
            "cluster_name: x\nnonsense: 1\n".to_owned()
        } else {
            format!("cluster_name: x\n{section}: {{nonsense: 1}}\n")
        };
        let message = load(&wrong).expect_err("an unknown key");
        assert!(
            message.starts_with("c.yaml:2: unknown field `nonsense`"),
            "{message}"
        );
        let keys = message.split('`').skip(3).step_by(2);
        for key in keys {
            assert!(
                manual.contains(&format!("`{key}`")),
                "docs/cluster.md: {key}"
            );
            let optional = key == "second_factors";
            assert!(
                optional || text.contains(&format!("{key}:")),
                "the example: {key}"
            );
        }
    }
}

#[test]
fn mistakes_name_file_and_line() {
    for (text, wanted) in [
        ("", "c.yaml: the file says nothing"),
        ("listen_addr: x\n", "c.yaml:1: missing field `cluster_name`"),
        ("cluster_name: a b\n", "c.yaml:1: cluster_name \"a b\""),
        (
            "cluster_name: a\n\nlisten_addr: db.example.com:1\n",
            "c.yaml:3: listen_addr \"db.example.com:1\" is no address",
        ),
        (
            "cluster_name: a\nshutdown_timeout: soon\n",
            "c.yaml:2: shutdown_timeout \"soon\"",
        ),
        (
            "cluster_name: a\naudit:\n  max_size_mib: 0\n",
            "c.yaml:3: max_size_mib must",
        ),
        (
            "cluster_name: a\n---\nkind: role\n",
            "c.yaml:3: a configuration is one document",
        ),
        ("cluster_name: a\nb: [\n", "c.yaml:2: "),
        (
            "cluster_name: a\nauthentication: {second_factor: webauthn}\n",
            "c.yaml:2: second_factor \"webauthn\"",
        ),
        (
            "cluster_name: a\ndb_service:\n  enabled: perhaps\n",
            "c.yaml:3: enabled \"perhaps\"",
        ),
        (
            "cluster_name: a\ndb_service:\n  databases:\n    - name: x\n      uri: y:1\n      protocol: telnet\n",
            "c.yaml:6: db_service.databases, entry 1: unsupported database \"x\" protocol \"telnet\"",
        ),
        (
            "cluster_name: a\ndb_service:\n  databases:\n    - {name: x, uri: y, protocol: postgres,\n       tls: {ca_cert_file: gone.pem}}\n",
            "db_service.databases, entry 1: ca_cert_file gone.pem: ",
        ),
        (
            "cluster_name: a\ndb_service:\n  resources:\n    - labels: {env: '^($'}\n",
            "c.yaml:4: db_service.resources, entry 1: the pattern \"^($\" of label \"env\"",
        ),
    ] {
        let message = load(text).expect_err(text);
        assert!(message.contains(wanted), "{text}: {message}");
    }
}

#[test]
fn teleports_section_is_read_and_what_does_not_count_is_named() {
    let config = load(
        "cluster_name: a\ndata_dir: state\ndb_service:\n  enabled: yes\n  aws: [{types: [rds], regions: [eu-west-1]}]\n  resources:\n  - labels: {env: [dev, 'test-*']}\n  \
         databases:\n  - name: x\n    protocol: postgres\n    uri: y:1\n    tls: {ca_cert_file: ca.pem}\n    mongo: 1\n    admin_user: {name: admin}\n",
    )
    .expect("a valid file");
    assert_eq!(
        config.warnings,
        [
            "c.yaml:5: db_service.aws is ignored",
            "c.yaml:13: db_service.databases.0.mongo is ignored"
        ]
    );
    assert_eq!(config.fixed.data_dir, Path::new("state"));
    let database = &config.databases[0].database;
    assert_eq!(database.tls.ca_cert, "an authority");
    assert!(database.admin().is_some_and(|a| a.name == "admin"));
    let matchers = config.matchers.expect("the section has some");
    let env = |value: &str| [("env".to_owned(), value.to_owned())].into();
    assert!(matchers[0].matches(&env("dev")) && matchers[0].matches(&env("test-1")));
    assert!(!matchers[0].matches(&env("prod")));

    let off = load("cluster_name: a\ndb_service: {enabled: 'no', databases: [{name: x}]}\n")
        .expect("switched off");
    assert!(off.databases.is_empty() && off.matchers.is_some_and(|m| m.is_empty()));
}
