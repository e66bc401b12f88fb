//! `postern-cluster start` as its operator runs it: a configuration, a directory of documents, the program.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::ran::Ran;
use super::wait_for;

/// How long a start, a stop or a change may take.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A password that is long enough.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Documents of a cluster with one role, one user, one database.
pub(crate) const DOCUMENTS: &str = "\
kind: role
version: v7
metadata: {name: dev}
spec:
  options: {create_db_user_mode: keep}
  allow: {db_labels: {'*': '*'}, db_names: ['*'], db_roles: ['{{internal.db_roles}}']}
---
kind: user
version: v2
metadata: {name: alice}
spec: {roles: [dev], traits: {db_roles: [reader]}}
---
kind: db
version: v3
metadata: {name: orders, labels: {env: dev}}
spec: {protocol: postgres, uri: 'localhost:1', admin_user: {name: teleport-admin}}
";

/// A cluster's directories, started or not.
pub(crate) struct Server {
    /// Configuration, documents and state lie in it.
    pub(crate) dir: tempfile::TempDir,
    child: Option<Child>,
}

impl Server {
    /// A cluster on any free port with [`DOCUMENTS`] and these further lines of configuration.
    pub(crate) fn new(more: &str) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("ps")
            .tempdir()
            .expect("a directory");
        let server = Self { dir, child: None };
        std::fs::create_dir(server.path("documents")).expect("a directory");
        server.document("all.yaml", DOCUMENTS);
        server.configure(more);
        server
    }

    /// Writes the configuration with these further lines.
    pub(crate) fn configure(&self, more: &str) {
        let text = format!(
            "cluster_name: root\nlisten_addr: 127.0.0.1:0\ndata_dir: state\nlogin_rate: {{burst: 10000}}\n{more}"
        );
        std::fs::write(self.path("cluster.yaml"), text).expect("a file");
    }

    /// Puts another text in place of one in the configuration.
    pub(crate) fn reconfigure(&self, old: &str, new: &str) {
        let path = self.path("cluster.yaml");
        let text = std::fs::read_to_string(&path).expect("the configuration");
        assert!(text.contains(old), "{old:?} in {text}");
        std::fs::write(&path, text.replace(old, new)).expect("a file");
    }

    /// Writes a document as an editor does: beside it, then in its place.
    pub(crate) fn document(&self, name: &str, text: &str) {
        let temporary = self.path("new");
        std::fs::write(&temporary, text).expect("a file");
        std::fs::rename(temporary, self.path("documents").join(name)).expect("a file");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The program with a command and `-c`.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postern-cluster"));
        command
            .args(args)
            .arg("-c")
            .arg(self.path("cluster.yaml"))
            .stdin(Stdio::null())
            .env_remove("NOTIFY_SOCKET");
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args))
    }

    /// Runs a command to its end with [`PASSWORD`] on standard input.
    pub(crate) fn run_with_password(&self, args: &[&str]) -> Ran {
        let mut child = self
            .command(args)
            .arg("--password-stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(PASSWORD.as_bytes()).expect("a write");
        drop(stdin);
        Ran::end_of(child)
    }

    /// Starts the cluster and returns when it answers.
    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    /// The same with variables in its environment.
    pub(crate) fn start_with(&mut self, variables: &[(&str, &Path)]) {
        assert!(self.child.is_none(), "it runs already");
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .expect("a log");
        // With the soft limit of open files that systems start programs with, or a smaller one.
        let mut command = Command::new("prlimit");
        command
            .args(["--nofile=256:", "setpriv"])
            .args(["--pdeathsig", "TERM", env!("CARGO_BIN_EXE_postern-cluster")])
            .args(["start", "-c"])
            .arg(self.path("cluster.yaml"))
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.child = Some(command.spawn().expect("it starts"));
        let mut child = self.child.take().expect("just started");
        wait_for("the cluster", SOON, || {
            if let Some(status) = child.try_wait().expect("a status") {
                panic!("{status}: {}", self.log());
            }
            let status = self.run(&["status", "--format", "json"]);
            (status.code == 0).then_some(())
        });
        self.child = Some(child);
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Waits until it has said so.
    pub(crate) fn says(&self, what: &str) {
        let said = || self.log().contains(what).then_some(());
        wait_for(&format!("{what:?} in\n{}", self.log()), SOON, said);
    }

    /// Its answer to `status`.
    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.run(&["status", "--format", "json"]).ok()).expect("JSON")
    }

    /// Waits until a part of the status is so.
    pub(crate) fn shows(&self, key: &str, value: &Value) {
        wait_for(&format!("{key} {value}"), SOON, || {
            (self.status()[key] == *value).then_some(())
        });
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("a running cluster");
        kill_process(Pid::from_child(child), signal).expect("a signal");
    }

    /// Sends a signal and gives the exit code; `None` when the signal itself was the end.
    pub(crate) fn end(&mut self, signal: Signal) -> Option<i32> {
        self.signal(signal);
        let mut child = self.child.take().expect("a running cluster");
        wait_for("the end", SOON * 2, || child.try_wait().expect("a status")).code()
    }

    /// The client, logged in as nobody, with a home of its own in this directory.
    pub(crate) fn client(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("POSTERN_HOME", self.path("home"))
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null());
        command
    }

    /// Logs in with [`PASSWORD`] and, where there is a key, the code of this moment.
    pub(crate) fn login(&self, user: &str, key: Option<&str>) -> Ran {
        let mut input = String::new();
        if let Some(key) = key {
            let code = Ran::of(
                Command::new(env!("CARGO_BIN_EXE_postern-cluster"))
                    .args(["code", key])
                    .stdin(Stdio::null()),
            );
            input.push_str(&code.ok());
        }
        self.login_with(user, &format!("{PASSWORD}\n{input}"))
    }

    /// Logs in with what a user would type, a line each.
    pub(crate) fn login_with(&self, user: &str, input: &str) -> Ran {
        // Without the login before, which would be kept as long as it is valid.
        let _ = std::fs::remove_dir_all(self.path("home"));
        let status = self.status();
        let ca = self.path("state/ca.pem");
        let mut child = self
            .client(&[
                "login",
                "--user",
                user,
                "--key-store",
                "file",
                "--password-stdin",
            ])
            .args([
                "--proxy",
                status["public_addr"].as_str().expect("an address"),
            ])
            .arg("--ca-file")
            .arg(ca)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        // A client that refuses before it reads is no mistake of the test.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        Ran::end_of(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
