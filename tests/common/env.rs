//! A user's world: an empty home, a cleared environment, the client program.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::demo::Demo;
use super::ran::Ran;

/// One user at one computer.
pub(crate) struct TestEnv {
    /// Home directory; `POSTERN_HOME` lies in it.
    pub(crate) home: tempfile::TempDir,
    /// The cluster this user works with.
    pub(crate) demo: &'static Demo,
}

impl TestEnv {
    /// An empty home beside the shared cluster.
    pub(crate) fn new() -> Self {
        Self::beside(Demo::shared())
    }

    /// An empty home beside the given cluster.
    pub(crate) fn beside(demo: &'static Demo) -> Self {
        Self {
            home: tempfile::Builder::new()
                .prefix("ph")
                .tempdir()
                .expect("a home"),
            demo,
        }
    }

    /// A home in which `user` is logged in.
    pub(crate) fn logged_in(user: &str) -> Self {
        let env = Self::new();
        env.login(user);
        env
    }

    /// Logs `user` in, with whatever the cluster asks for.
    #[track_caller]
    pub(crate) fn login(&self, user: &str) {
        let _ = self.login_with(user, &[]).ok();
    }

    /// The same with more flags.
    pub(crate) fn login_with(&self, user: &str, flags: &[&str]) -> Ran {
        let mut input = self.demo.password(user);
        input.push('\n');
        if self.demo.second_factor {
            input.push_str(&self.demo.code(user));
            input.push('\n');
        }
        let (proxy, ca) = (self.demo.proxy(), self.demo.ca_file());
        let mut args = vec![
            "login",
            "--proxy",
            &proxy,
            "--user",
            user,
            "--ca-file",
            &ca,
            "--key-store",
            "file",
            "--password-stdin",
        ];
        args.extend(flags);
        self.run_with_input(&args, &input)
    }

    /// Lets the login that is there run out: its certificate becomes a recorded one whose time is long over.
    pub(crate) fn expire(&self) {
        let name = std::fs::read_to_string(self.postern_home().join("current")).expect("a login");
        let path = self.postern_home().join("profiles").join(name.trim());
        let text = std::fs::read_to_string(&path).expect("a profile");
        let mut profile: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        profile["tls_cert_pem"] = expired_certificate().into();
        std::fs::write(&path, profile.to_string()).expect("written");
    }

    /// Where the client keeps its state.
    pub(crate) fn postern_home(&self) -> PathBuf {
        self.home.path().join("postern")
    }

    /// Any program in this world.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("POSTERN_HOME", self.postern_home())
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm")
            .stdin(Stdio::null());
        command
    }

    /// The client.
    pub(crate) fn postern(&self, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_postern"));
        command.args(args);
        command
    }

    /// Runs the client to its end, without a terminal and with empty standard input.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.postern(args))
    }

    /// Runs the client with the given standard input.
    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Ran {
        use std::io::Write;
        let mut child = self
            .postern(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("postern starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        Ran::end_of(child)
    }

    /// Runs a command of this world on a terminal of its own; every answer comes within a minute.
    pub(crate) fn terminal(&self, mut command: Command) -> rexpect::session::PtySession {
        command.env("PAGER", "cat").env("PSQL_HISTORY", "/dev/null");
        // The pty gives the program its own standard input, where `command` has none.
        let mut plain = Command::new(command.get_program());
        plain.args(command.get_args()).env_clear();
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                plain.env(name, value);
            }
        }
        rexpect::session::spawn_command(plain, Some(60_000)).expect("a terminal")
    }
}

/// A certificate that a real cluster issued for a nanosecond.
fn expired_certificate() -> String {
    use base64::Engine;
    let finish: serde_json::Value =
        serde_json::from_str(include_str!("../data/login/finish/finish-ttl-1ns.json"))
            .expect("JSON");
    let text = finish["response"]["body"]["tls_cert"]
        .as_str()
        .expect("text");
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text)
        .expect("base64");
    String::from_utf8(bytes).expect("PEM")
}
