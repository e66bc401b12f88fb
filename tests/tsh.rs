//! A client that is not ours against the embedded cluster: Teleport's own `tsh`, unchanged, on a terminal.
//!
//! Needs `TELEPORT_BIN`, the directory with `tsh`; without it the test says that it is skipped.

use std::path::{Path, PathBuf};
use std::process::Command;

use rexpect::session::{PtySession, spawn_command};

use crate::common::demo::Demo;

struct Tsh {
    program: PathBuf,
    home: tempfile::TempDir,
    ca_file: String,
}

impl Tsh {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").expect("PATH"))
            .env("HOME", self.home.path())
            .env("TELEPORT_HOME", self.home.path().join("tsh"))
            .env("SSL_CERT_FILE", &self.ca_file)
            .env("TELEPORT_TOOLS_VERSION", "off")
            .env("PAGER", "cat")
            .env("TERM", "dumb");
        command
    }

    fn terminal(&self, args: &[&str]) -> PtySession {
        spawn_command(self.command(args), Some(30_000)).expect("a terminal")
    }

    fn run(&self, args: &[&str]) -> String {
        let out = self.command(args).output().expect("tsh runs");
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "tsh {args:?}: {stderr}");
        String::from_utf8(out.stdout).expect("text")
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test is said, not hidden")]
fn tsh_takes_the_demo_for_a_cluster() {
    let Some(directory) = std::env::var_os("TELEPORT_BIN") else {
        eprintln!("skipped: TELEPORT_BIN is unset");
        return;
    };
    let demo = Demo::with_codes();
    let tsh = Tsh {
        program: Path::new(&directory).join("tsh"),
        home: tempfile::Builder::new()
            .prefix("pt")
            .tempdir()
            .expect("a home"),
        ca_file: demo.ca_file(),
    };
    let proxy = demo.proxy();
    let mut login = tsh.terminal(&[
        "login", "--proxy", &proxy, "--auth", "local", "--user", "alice",
    ]);
    login
        .exp_string("Enter password")
        .expect("the password's prompt");
    login.send_line(&demo.password("alice")).expect("input");
    login.exp_string("OTP code").expect("the code's prompt");
    login.send_line(&demo.code("alice")).expect("input");
    login
        .exp_string("Logged in as:       alice")
        .expect("a login");
    login.exp_eof().expect("an end");

    let status: serde_json::Value =
        serde_json::from_str(&tsh.run(&["status", "--format", "json"])).expect("JSON");
    let active = &status["active"];
    assert_eq!(active["cluster"], "root");
    assert_eq!(active["username"], "alice");
    let mut roles: Vec<_> = active["roles"]
        .as_array()
        .expect("roles")
        .iter()
        .filter_map(|r| r.as_str())
        .collect();
    roles.sort_unstable();
    assert_eq!(roles, ["auto-keep", "denied", "plain"]);
    assert_eq!(active["traits"]["db_roles"], serde_json::json!(["writer"]));

    let listed: serde_json::Value =
        serde_json::from_str(&tsh.run(&["db", "ls", "--format", "json"])).expect("JSON");
    let names: Vec<_> = listed
        .as_array()
        .expect("databases")
        .iter()
        .map(|d| &d["metadata"]["name"])
        .collect();
    assert_eq!(names, ["app", "dead", "orders"]);
    let orders = &listed[2]["users"];
    assert_eq!(orders["allowed"], serde_json::json!(["alice"]));
    let table = tsh.run(&["db", "ls", "-v"]);
    assert!(
        table.contains("[alice] (Auto-provisioned)") && table.contains("[reader writer]"),
        "{table}"
    );

    let _guard = crate::common::exclusive("alice");
    let mut psql = tsh.terminal(&[
        "db",
        "connect",
        "orders",
        "--db-user",
        "alice",
        "--db-name",
        "postgres",
    ]);
    psql.exp_string("=>").expect("psql's prompt");
    psql.send_line("select current_user || ' has ' || count(*) from t;")
        .expect("input");
    psql.exp_string("alice has 1000").expect("an answer");
    psql.send_line("\\q").expect("input");
    psql.exp_eof().expect("an end");
}
