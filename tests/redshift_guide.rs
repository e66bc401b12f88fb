//! Teleport's guide to Redshift with automatic users, from top to bottom, as docs/redshift.md has it: admin, documents, login,
//! list, connect with and without `--db-roles`, a leaf's name and its error, cancel.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use postern::cluster::documents::Documents;
use postern::cluster::leaf::token;
use postern::cluster::store::Store;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::common::fed::Fed;
use crate::common::ran::Ran;
use crate::common::redshift_gateway::RedshiftGateway;
use crate::common::server::{SOON, Server};
use crate::common::wait_for;
use crate::common::warehouse::{Warehouse, way_to};

/// 4 rows to the power of 17.
const ENDLESS: &str = "SELECT count(*) FROM sales a, sales b, sales c, sales d, sales e, sales f, sales g, sales h, sales i, sales j, \
                       sales k, sales l, sales m, sales n, sales o, sales p, sales q";

/// Out of service.
const LOCKED: &str = "0|teleport-auto-user";

/// A block of docs/redshift.md: the first in this language that contains `text`.
fn block(language: &str, text: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/redshift.md");
    let page = std::fs::read_to_string(page).expect("the page");
    page.split(&format!("```{language}\n"))
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(block, _)| block.to_owned())
        .find(|block| block.contains(text))
        .unwrap_or_else(|| panic!("no block with {text}"))
}

/// The two documents of the guide, word for word; and what the cluster makes of them.
fn guide_documents() -> (String, String) {
    let (db, role) = (block("yaml", "kind: db"), block("yaml", "kind: role"));
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("guide.yaml"), format!("{db}---\n{role}")).expect("a file");
    let documents = Documents::load(dir.path()).expect("the guide's documents load as they are");
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

    // 1. The admin account, nothing but the two statements of the page; then roles for people.
    gateway.master(&block("sql", "CREATE USER \"teleport-admin\""));
    assert_eq!(gateway.user("teleport-admin"), "UNLIMITED|sys:superuser");
    gateway.master("CREATE TABLE sales (id int); INSERT INTO sales VALUES (1), (2), (3)");
    gateway.master(&block("sql", "CREATE ROLE reader"));

    // 2. and 3. IAM by variables; the guide's documents with the stand-in's address in the place of Amazon's, a Serverless
    // database and a person.
    let (db, role) = guide_documents();
    let address =
        "  uri: \"redshift-cluster-1.abcdefghijklm.us-east-1.redshift.amazonaws.com:5439\"\n";
    assert!(db.contains(address));
    let db = db.replace(address, &way_to(gateway));
    let serverless = "kind: db\nversion: v3\nmetadata: {name: serverless}\nspec: {protocol: postgres, uri: \
                      'wg.123456789012.us-east-1.redshift-serverless.amazonaws.com:5439'}\n";
    let alice = "kind: user\nversion: v2\nmetadata: {name: alice}\nspec: {roles: [redshift-access], traits: {db_roles: [writer]}}\n";
    let mut root = Server::new("authentication: {second_factor: off}\n");
    root.document("all.yaml", &[&db, serverless, &role, alice].join("\n---\n"));
    root.start_with(&[
        ("AWS_ENDPOINT_URL_REDSHIFT", Path::new(&gateway.api)),
        ("AWS_ACCESS_KEY_ID", Path::new("AKIATEST")),
        ("AWS_SECRET_ACCESS_KEY", Path::new("test")),
        ("AWS_EC2_METADATA_DISABLED", Path::new("true")),
    ]);

    // 4. Login.
    assert_eq!(root.run_with_password(&["users", "add", "alice"]).code, 0);
    let login = root.login("alice", None);
    assert_eq!(login.code, 0, "{login}");

    list(&root);
    connect(&root, gateway);
    cancel(&root, gateway);
    cancel_from_another_session(&root, gateway);
    leaf_name(&root, &db, &role);

    assert_eq!(root.end(Signal::TERM), Some(0));
    assert_eq!(
        gateway.refused(),
        Vec::<String>::new(),
        "nothing but Redshift's statements"
    );
}

/// The list: users made on the way for Redshift, not for Serverless, which says why.
fn list(root: &Server) {
    let list = Ran::of(&mut root.client(&["db", "ls", "-v"])).ok();
    let line = |name: &str| {
        let found = list.lines().find(|line| line.contains(name));
        found.unwrap_or_else(|| panic!("{name}: {list}")).to_owned()
    };
    assert!(line("redshift ").contains("(Auto-provisioned)"), "{list}");
    assert!(line("redshift ").contains("[reader writer]"), "{list}");
    assert!(!line("serverless").contains("(Auto-provisioned)"), "{list}");
    let args = [
        "db",
        "connect",
        "serverless",
        "--db-name=dev",
        "--",
        "-c",
        "SELECT 1",
    ];
    let serverless = Ran::of(&mut root.client(&args));
    assert_ne!(serverless.code, 0);
    assert!(
        serverless
            .stderr
            .contains("automatic database user provisioning but this database doesn't support it"),
        "{serverless}"
    );
}

/// Connect with all roles, with one of them, with one that is not allowed.
fn connect(root: &Server, gateway: &RedshiftGateway) {
    let psql = |roles: &[&str], sql: &str| {
        let mut args = vec!["db", "connect", "redshift", "--db-name=dev"];
        args.extend(roles);
        args.extend(["--", "-XAtq", "-c", sql]);
        Ran::of(&mut root.client(&args))
    };
    let sql = "SELECT count(*) FROM sales; INSERT INTO sales VALUES (4); SELECT role_name FROM svv_user_grants";
    let all = psql(&[], sql).ok();
    let mut rows: Vec<&str> = all.lines().collect();
    rows.sort_unstable();
    assert_eq!(rows, ["3", "reader", "teleport-auto-user", "writer"]);
    gateway.until("alice", LOCKED);

    let sql = "SELECT count(*) FROM sales; INSERT INTO sales VALUES (5)";
    let one = psql(&["--db-roles=reader"], sql);
    assert_ne!(one.code, 0);
    assert_eq!(one.stdout.trim(), "4");
    assert!(
        one.stderr.contains("permission denied for table sales"),
        "{one}"
    );
    gateway.until("alice", LOCKED);

    let none = psql(&["--db-roles=boss"], "SELECT 1");
    assert_eq!(none.code, 14, "{none}");
    assert!(
        none.stderr
            .contains("access to database role \"boss\" denied"),
        "{none}"
    );
}

/// Ctrl+C: the query ends, and nothing runs any more.
fn cancel(root: &Server, gateway: &RedshiftGateway) {
    let running = "SELECT pid FROM stv_recents WHERE status = 'Running' AND query LIKE '%sales q%' AND user_name = 'IAM:alice'";
    let args = [
        "db",
        "connect",
        "redshift",
        "--db-name=dev",
        "--",
        "-XAt",
        "-c",
        ENDLESS,
    ];
    let child = root
        .client(&args)
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
    gateway.until("alice", LOCKED);
}

/// The way of the guide for a query that Ctrl+C does not reach: looked up in another session, cancelled there, and ended.
fn cancel_from_another_session(root: &Server, gateway: &RedshiftGateway) {
    let own = |args: &[&str]| Ran::of(&mut root.client(&[args, &["--db-name=dev"]].concat()));
    let place = ["db", "connect", "redshift", "--db-name=dev", "--", "-XAtq"];
    let mut a = Fed::start(root.client(&place));
    let pid = a.pid().expect("a session");
    let number: i64 = pid.parse().expect("a number");
    let out = own(&["db", "cancel", "redshift", &pid]).ok();
    assert!(out.contains("nothing to cancel"), "{out}");
    for forced in [false, true] {
        a.say(&format!("{ENDLESS};"));
        let row = wait_for("the query in the list", Duration::from_secs(60), || {
            let rows = own(&["db", "ps", "redshift", "--format=json"]).json();
            let rows = rows.as_array().expect("a list");
            rows.iter().find(|row| row["pid"] == number).cloned()
        });
        assert_eq!(
            (&row["user"], &row["state"]),
            (&"alice".into(), &"running".into()),
            "{row}"
        );
        assert!(
            row["query"].as_str().expect("a query").contains("sales q"),
            "{row}"
        );
        assert!(row["seconds"].as_f64().expect("a span") > 0.0, "{row}");
        assert!(
            row["since"].as_str().expect("a time").ends_with('Z'),
            "{row}"
        );
        let force = if forced { &["--force"][..] } else { &[] };
        let args = [&["db", "cancel", "redshift", "--format=json", &pid], force].concat();
        let done = own(&args).json();
        assert_eq!(
            (&done["outcome"], &done["user"]),
            (&"stopped".into(), &"alice".into()),
            "{done}"
        );
        if forced {
            a.hears("terminating connection due to administrator command");
        } else {
            a.hears("canceling statement due to user request");
            a.say("SELECT 'A goes ' || 'on';");
            a.hears("A goes on");
        }
    }
    let missing = own(&["db", "cancel", "redshift", &pid]);
    assert_eq!(missing.code, 12, "{missing}");
    gateway.until("alice", LOCKED);
}

/// Behind a leaf the user has another name: made, found again and locked like any. With the wrong one the client says which is
/// right.
fn leaf_name(root: &Server, db: &str, role: &str) {
    let store = Store::open(&root.path("state/state.db")).expect("the state");
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let (token, _) = token::add(&store, 300, now).expect("a token");
    let status = root.status();
    let trust = format!(
        "kind: trusted_cluster\nversion: v2\nmetadata: {{name: root, labels: {{postern.dev/ca-file: {ca:?}}}}}\nspec: {{enabled: true, \
         token: {token}, tunnel_addr: {proxy}, web_proxy_addr: {proxy}, role_map: [{{remote: redshift-access, local: \
         [redshift-access]}}]}}\n",
        ca = root.path("state/ca.pem"),
        token = token.reveal(),
        proxy = status["public_addr"]
    );
    let db = db.replace("name: redshift\n", "name: leaf-redshift\n");
    let leaf = Warehouse::start("leaf", &[&db, role, &trust].join("\n---\n"));
    wait_for("the leaf's link", SOON, || {
        let clusters = Ran::of(&mut root.client(&["clusters", "--format=json"])).ok();
        let clusters: Value = serde_json::from_str(&clusters).expect("JSON");
        (clusters[1]["status"] == "online").then_some(())
    });
    let place = [
        "db",
        "connect",
        "--cluster=leaf",
        "leaf-redshift",
        "--db-name=dev",
    ];
    let ask = [
        "--",
        "-XAtq",
        "-c",
        "SELECT current_user",
        "-c",
        "SELECT role_name FROM svv_user_grants",
    ];
    for _ in 0..2 {
        let rows = Ran::of(&mut root.client(&[&place[..], &ask].concat())).ok();
        let mut rows: Vec<&str> = rows.lines().collect();
        rows.sort_unstable();
        assert_eq!(
            rows,
            [
                "reader",
                "remote-alice-root",
                "teleport-auto-user",
                "writer"
            ]
        );
        leaf.until("remote-alice-root", LOCKED);
    }
    let wrong = Ran::of(
        &mut root.client(&[&place[..], &["--db-user=alice", "--", "-c", "SELECT 1"]].concat()),
    );
    assert_eq!(wrong.code, 14, "{wrong}");
    assert!(
        wrong
            .stderr
            .contains("use your mapped remote username \"remote-alice-root\""),
        "{wrong}"
    );
}
