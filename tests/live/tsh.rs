//! Teleport's own client, unchanged, with a home of its own.

#![expect(clippy::print_stderr, reason = "a skipped test is said, not hidden")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rexpect::session::{PtySession, spawn_command};

use crate::common::demo::Demo;
use crate::common::ran::Ran;

/// tsh, told to trust one cluster.
pub(super) struct Tsh {
    program: PathBuf,
    home: tempfile::TempDir,
    /// `host:port` of the cluster.
    pub(super) proxy: String,
    ca_file: String,
    /// More variables of the environment, for every command.
    pub(super) environment: Vec<(String, String)>,
}

impl Tsh {
    /// tsh for a cluster at `proxy`; `None`, said aloud, without `TELEPORT_BIN`.
    pub(super) fn new(proxy: &str, ca_file: &str) -> Option<Self> {
        let Some(directory) = std::env::var_os("TELEPORT_BIN") else {
            eprintln!("skipped: TELEPORT_BIN is unset");
            return None;
        };
        Some(Self::of_directory(Path::new(&directory), proxy, ca_file))
    }

    /// The tsh of this directory.
    pub(super) fn of_directory(directory: &Path, proxy: &str, ca_file: &str) -> Self {
        Self {
            program: directory.join("tsh"),
            home: tempfile::Builder::new()
                .prefix("pt")
                .tempdir()
                .expect("a home"),
            proxy: proxy.to_owned(),
            ca_file: ca_file.to_owned(),
            environment: Vec::new(),
        }
    }

    /// tsh for a demo cluster.
    pub(super) fn of(demo: impl FnOnce() -> &'static Demo) -> Option<(Self, &'static Demo)> {
        // The cluster is only started for tests that run.
        std::env::var_os("TELEPORT_BIN").or_else(|| {
            eprintln!("skipped: TELEPORT_BIN is unset");
            None
        })?;
        let demo = demo();
        Some((Self::new(&demo.proxy(), &demo.ca_file())?, demo))
    }

    /// The same, with `user` logged in to the cluster that asks for passwords only.
    pub(super) fn logged_in(user: &str) -> Option<(Self, &'static Demo)> {
        let (tsh, demo) = Self::of(Demo::shared)?;
        tsh.log_in(user, &demo.password(user));
        Some((tsh, demo))
    }

    /// Logs in where a password suffices.
    pub(super) fn log_in(&self, user: &str, password: &str) {
        let mut terminal = self.login(user, &[]);
        terminal
            .exp_string("Enter password")
            .expect("the password's prompt");
        terminal.send_line(password).expect("input");
        terminal
            .exp_string(&format!("Logged in as:       {user}"))
            .expect("a login");
        terminal.exp_eof().expect("an end");
    }

    /// Logs in where a one-time code is asked for too; another one is tried when the cluster has seen the first.
    pub(super) fn log_in_with_code(&self, user: &str, password: &str, code: impl Fn() -> String) {
        for _ in 0..4 {
            let mut terminal = self.login(user, &["--mfa-mode", "otp"]);
            terminal
                .exp_string("Enter password")
                .expect("the password's prompt");
            terminal.send_line(password).expect("input");
            terminal.exp_string("OTP code").expect("the code's prompt");
            terminal.send_line(&code()).expect("input");
            let said = terminal.exp_eof().expect("an end");
            if said.contains(&format!("Logged in as:       {user}")) {
                return;
            }
            assert!(said.contains("invalid"), "{said}");
        }
        panic!("tsh cannot log in as {user}");
    }

    /// `tsh login` on a terminal.
    pub(super) fn login(&self, user: &str, args: &[&str]) -> PtySession {
        let mut all = vec![
            "login",
            "--proxy",
            &self.proxy,
            "--auth",
            "local",
            "--user",
            user,
        ];
        all.extend(args);
        self.terminal(&all)
    }

    /// The command with a clean environment.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").expect("PATH"))
            .env("HOME", self.home.path())
            .env("TELEPORT_HOME", self.home.path().join("tsh"))
            .env("SSL_CERT_FILE", &self.ca_file)
            // Its own updates would be fetched from elsewhere.
            .env("TELEPORT_TOOLS_VERSION", "off")
            .env("PAGER", "cat")
            .env("TERM", "dumb")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Where it keeps its state.
    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }

    /// The command on a terminal.
    pub(super) fn terminal(&self, args: &[&str]) -> PtySession {
        spawn_command(self.command(args), Some(30_000)).expect("a terminal")
    }

    /// Runs the command to its end.
    pub(super) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).stdin(Stdio::null()))
    }

    /// Runs a command that fails, and gives what it says without colours.
    #[track_caller]
    pub(super) fn refused(&self, args: &[&str]) -> String {
        let text = self.run(args).fails(1);
        text.replace("\u{1b}[31m", "").replace("\u{1b}[0m", "")
    }

    /// Runs SQL by `tsh db connect`; the arguments before it choose the database.
    pub(super) fn sql(&self, args: &[&str], sql: &str) -> Ran {
        let mut all = vec!["db", "connect"];
        all.extend(args);
        let mut command = self.command(&all);
        // psql reads the statement; its arguments are tsh's to choose.
        let mut input = tempfile::tempfile().expect("a file");
        std::io::Write::write_all(
            &mut input,
            format!("\\pset format unaligned\n\\pset tuples_only on\n{sql}\n").as_bytes(),
        )
        .expect("a write");
        std::io::Seek::rewind(&mut input).expect("a file");
        command.stdin(input);
        Ran::of(&mut command)
    }
}
