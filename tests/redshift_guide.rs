//! Teleport's guide to Redshift with automatic users, from top to bottom, as docs/redshift.md has it: admin, documents, login,
//! list, connect with and without `--db-roles`, a leaf's name and its error, cancel.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::common::ran::Ran;
use crate::common::redshift_gateway::RedshiftGateway;
use crate::common::wait_for;
use crate::common::warehouse::{Warehouse, block, way_to};

/// A user at a computer, beside the cluster.
struct Person {
    home: tempfile::TempDir,
    proxy: String,
}

impl Person {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("POSTERN_HOME", self.home.path().join("postern"))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args))
    }

    fn succeeds(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {ran}");
        ran.stdout
    }
}

/// The page whose blocks are carried out here.
fn page() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/redshift.md")
}

/// The two documents of the guide, word for word, and the cluster and region that the database's address says.
fn guide_documents() -> (String, String) {
    let (db, role) = (
        block(&page(), "yaml", "kind: db"),
        block(&page(), "yaml", "kind: role"),
    );
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("guide.yaml"), format!("{db}---\n{role}")).expect("a file");
    let documents = postern::cluster::documents::Documents::load(dir.path())
        .expect("the guide's documents load as they are");
    assert_eq!(documents.warnings, Vec::<String>::new());
    let redshift = &documents.databases["redshift"];
    assert_eq!(redshift.kind().name(), "redshift");
    assert_eq!(
        redshift.effective_aws().redshift.cluster_id,
        "redshift-cluster-1"
    );
    assert_eq!(redshift.effective_aws().region, "us-east-1");
    assert!(redshift.auto_users_enabled());
    (db, role)
}

#[test]
fn redshift_guide() {
    let gateway = RedshiftGateway::shared();

    // The admin account, and roles and a table for people: the statements of the page.
    for statements in ["CREATE USER \"teleport-admin\"", "CREATE ROLE reader"] {
        if statements.contains("reader") {
            gateway.master("CREATE TABLE sales (id int); INSERT INTO sales VALUES (1), (2), (3)");
        }
        gateway.master(&block(&page(), "sql", statements));
    }
    assert_eq!(gateway.user("teleport-admin"), "UNLIMITED|sys:superuser");

    // The documents: the guide's, with the stand-in's address in the place of Amazon's, a Serverless database and a person.
    let (db, role) = guide_documents();
    let address =
        "  uri: \"redshift-cluster-1.abcdefghijklm.us-east-1.redshift.amazonaws.com:5439\"\n";
    assert!(db.contains(address));
    let db = db.replace(address, &way_to(gateway));
    let serverless = "kind: db\nversion: v3\nmetadata: {name: serverless}\nspec: {protocol: postgres, uri: \
                      'wg.123456789012.us-east-1.redshift-serverless.amazonaws.com:5439'}\n";
    let people = "kind: user\nversion: v2\nmetadata: {name: alice}\nspec: {roles: [redshift-access], traits: {db_roles: [writer]}}\n\
";
    let cluster = Warehouse::start("guide", &[&db, serverless, &role, people].join("\n---\n"));
    cluster.set_password("alice", "Correct-Horse-1");
    let alice = Person {
        home: tempfile::Builder::new()
            .prefix("ph")
            .tempdir()
            .expect("a home"),
        proxy: cluster.proxy(),
    };

    // Login.
    let (proxy, ca) = (format!("--proxy={}", alice.proxy), cluster.ca_file());
    let ca = format!("--ca-file={}", ca.display());
    let mut login = alice
        .command(&[
            "login",
            &proxy,
            "--user=alice",
            &ca,
            "--key-store=file",
            "--password-stdin",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("postern starts");
    let mut stdin = login.stdin.take().expect("a pipe");
    stdin.write_all(b"Correct-Horse-1\n").expect("a password");
    drop(stdin);
    let login = Ran::end_of(login);
    assert_eq!(login.code, 0, "{login}");

    // The list: users made on the way for Redshift, not for Serverless.
    let list = alice.succeeds(&["db", "ls", "-v"]);
    let line = |name: &str| {
        list.lines()
            .find(|line| line.contains(name))
            .unwrap_or_else(|| panic!("{name}: {list}"))
            .to_owned()
    };
    assert!(line("redshift ").contains("(Auto-provisioned)"), "{list}");
    assert!(line("redshift ").contains("[reader writer]"), "{list}");
    assert!(!line("serverless").contains("(Auto-provisioned)"), "{list}");
    let json: Value =
        serde_json::from_str(&alice.succeeds(&["db", "ls", "--format=json"])).expect("JSON");
    assert_eq!(json.as_array().map(Vec::len), Some(2));

    // Connect with all roles, then with one of them.
    let psql = |roles: &[&str], sql: &str| {
        let mut args = vec!["db", "connect", "redshift", "--db-name=dev"];
        args.extend(roles);
        args.extend(["--", "-XAtq", "-c", sql]);
        alice.run(&args)
    };
    let all = psql(
        &[],
        "SELECT count(*) FROM sales; INSERT INTO sales VALUES (4); SELECT role_name FROM svv_user_grants",
    );
    assert_eq!(all.code, 0, "{all}");
    let mut rows: Vec<&str> = all.stdout.lines().collect();
    rows.sort_unstable();
    assert_eq!(rows, ["3", "reader", "teleport-auto-user", "writer"]);
    cluster.until("alice", "0|teleport-auto-user");
    let one = psql(
        &["--db-roles=reader"],
        "SELECT count(*) FROM sales; INSERT INTO sales VALUES (5)",
    );
    assert_ne!(one.code, 0);
    assert_eq!(one.stdout.trim(), "4");
    assert!(
        one.stderr.contains("permission denied for table sales"),
        "{one}"
    );
    cluster.until("alice", "0|teleport-auto-user");
    let none = psql(&["--db-roles=boss"], "SELECT 1");
    assert_eq!(none.code, 14, "{none}");
    assert!(
        none.stderr
            .contains("access to database role \"boss\" denied"),
        "{none}"
    );

    // Serverless, and why not.
    let serverless = alice.run(&[
        "db",
        "connect",
        "serverless",
        "--db-name=dev",
        "--",
        "-c",
        "SELECT 1",
    ]);
    assert_ne!(serverless.code, 0);
    assert!(
        serverless
            .stderr
            .contains("automatic database user provisioning but this database doesn't support it"),
        "{serverless}"
    );

    cancel(&alice, &cluster);
    leaf_name(&alice, &cluster, &db, &role);
    assert_eq!(
        gateway.refused(),
        Vec::<String>::new(),
        "nothing but Redshift's statements"
    );
}

/// Ctrl+C: the query ends, the session goes on, nothing runs any more.
fn cancel(alice: &Person, cluster: &Warehouse) {
    let gateway = cluster.gateway;
    let endless = "SELECT count(*) FROM sales a, sales b, sales c, sales d, sales e, sales f, sales g, sales h, sales i, sales j, \
                   sales k, sales l, sales m, sales n, sales o, sales p, sales q";
    let running = "SELECT pid FROM stv_recents WHERE status = 'Running' AND query LIKE '%sales q%' AND user_name = 'IAM:alice'";
    let mut command = alice.command(&[
        "db",
        "connect",
        "redshift",
        "--db-name=dev",
        "--",
        "-XAt",
        "-c",
        endless,
        "-c",
        "SELECT 'still here'",
    ]);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("postern starts");
    wait_for("the query to run", Duration::from_secs(30), || {
        (!gateway.master(running).is_empty()).then_some(())
    });
    // Without a terminal the signal is passed on to psql.
    kill_process(Pid::from_child(&child), Signal::INT).expect("a signal");
    let out = Ran::end_of(child);
    assert!(
        out.stderr
            .contains("canceling statement due to user request"),
        "{out}"
    );
    assert_eq!(gateway.master(running), "");
    cluster.until("alice", "0|teleport-auto-user");
}

/// Behind a leaf the user has another name: made, found again and locked like any. With the wrong one the client says which is
/// right.
fn leaf_name(alice: &Person, root: &Warehouse, db: &str, role: &str) {
    let db = db.replace("name: redshift\n", "name: leaf-redshift\n");
    let leaf = Warehouse::start(
        "guide-leaf",
        &[&db, role, &root.trusted_cluster()].join("\n---\n"),
    );
    root.until_linked("guide-leaf");
    let place = [
        "db",
        "connect",
        "--cluster=guide-leaf",
        "leaf-redshift",
        "--db-name=dev",
    ];
    for _ in 0..2 {
        let ask = [
            "--",
            "-XAtq",
            "-c",
            "SELECT current_user",
            "-c",
            "SELECT role_name FROM svv_user_grants",
        ];
        let rows = alice.succeeds(&[&place[..], &ask].concat());
        let mut rows: Vec<&str> = rows.lines().collect();
        rows.sort_unstable();
        assert_eq!(
            rows,
            [
                "reader",
                "remote-alice-guide",
                "teleport-auto-user",
                "writer"
            ]
        );
        leaf.until("remote-alice-guide", "0|teleport-auto-user");
    }
    let wrong = alice.run(&[&place[..], &["--db-user=alice", "--", "-c", "SELECT 1"]].concat());
    assert_eq!(wrong.code, 14, "{wrong}");
    assert!(
        wrong
            .stderr
            .contains("use your mapped remote username \"remote-alice-guide\""),
        "{wrong}"
    );
}
