//! A running `postern proxy db`.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::env::TestEnv;
use super::first_line;
use super::ran::Ran;

/// A running tunnel; ends with the test.
pub(crate) struct Tunnel {
    /// The program.
    pub(crate) child: Child,
    /// The line it printed when it was ready.
    pub(crate) ready: Value,
}

impl Tunnel {
    /// Opens one, and waits until it is ready.
    pub(crate) fn open(env: &TestEnv, args: &[&str]) -> Self {
        let mut all = vec!["proxy", "db", "--format", "json"];
        all.extend(args);
        let mut child = env
            .postern(&all)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let line = first_line(child.stdout.take().expect("a pipe"));
        let ready = serde_json::from_str(&line).unwrap_or_else(|e| {
            let mut text = String::new();
            let _ = child
                .stderr
                .take()
                .expect("a pipe")
                .read_to_string(&mut text);
            panic!("not ready ({e}): {line:?} {text}")
        });
        Self { child, ready }
    }

    /// Runs one statement through it.
    pub(crate) fn psql(&self, user: &str, sql: &str) -> Ran {
        let mut command = Command::new("psql");
        command
            .args([
                "-X",
                "-A",
                "-t",
                "-w",
                "-h",
                self.ready["host"].as_str().expect("host"),
                "-p",
                &self.ready["port"].to_string(),
            ])
            .args([
                "-U",
                user,
                "-d",
                self.ready["db_name"]
                    .as_str()
                    .filter(|n| !n.is_empty())
                    .unwrap_or("postgres"),
                "-c",
                sql,
            ])
            .env_remove("PGSSLMODE")
            .stdin(Stdio::null());
        Ran::of(&mut command)
    }

    /// A connection to its port, without any protocol.
    pub(crate) fn connect(&self) -> std::net::TcpStream {
        let port = u16::try_from(self.ready["port"].as_u64().expect("port")).expect("a port");
        let stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a limit");
        stream
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
