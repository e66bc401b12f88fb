//! One way to the pair's proxy: directly, or through whatever stands between.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use super::lab::Live;
use crate::common::ran::Ran;
use crate::common::wait_for;

/// An address of the pair with the environment it takes to get there, and homes of its own: every user logs in once for
/// each way.
pub(super) struct Way<'l> {
    /// The pair.
    pub(super) live: &'l Live,
    name: &'static str,
    proxy: String,
    /// Who vouches for the web port.
    pub(super) ca_file: String,
    /// More flags of `login`.
    pub(super) flags: Vec<String>,
    /// More variables of the environment, for every command.
    pub(super) environment: Vec<(String, String)>,
    logged_in: Mutex<Vec<String>>,
}

impl<'l> Way<'l> {
    /// Straight to the proxy.
    pub(super) fn plain(live: &'l Live) -> Self {
        let proxy = live.env["proxy"].as_str().expect("proxy");
        Self::to(live, "plain", proxy)
    }

    /// To another address of the same proxy; the name is that of the directory with the homes.
    pub(super) fn to(live: &'l Live, name: &'static str, proxy: &str) -> Self {
        Self {
            live,
            name,
            proxy: proxy.to_owned(),
            ca_file: live.env["ca_file"].as_str().expect("ca_file").to_owned(),
            flags: Vec::new(),
            environment: Vec::new(),
            logged_in: Mutex::default(),
        }
    }

    /// `host:port` that this way leads to.
    pub(super) fn proxy(&self) -> &str {
        &self.proxy
    }

    /// The name of the way.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Where the client of this user keeps its state.
    pub(super) fn home_of(&self, user: &str) -> PathBuf {
        self.live.home.path().join(self.name).join(user)
    }

    /// The client, as this user.
    pub(super) fn postern(&self, user: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.live.home.path())
            .env("POSTERN_HOME", self.home_of(user))
            .env("LANG", "C.UTF-8")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs the client to its end.
    pub(super) fn run(&self, user: &str, args: &[&str]) -> Ran {
        Ran::of(&mut self.postern(user, args))
    }

    /// One attempt to log in.
    pub(super) fn login(&self, user: &str, password: &str, code: &str) -> Ran {
        use std::io::Write;
        let mut args = vec![
            "login",
            "--proxy",
            &self.proxy,
            "--user",
            user,
            "--ca-file",
            &self.ca_file,
            "--password-stdin",
            "--key-store",
            "file",
            "--force",
        ];
        args.extend(self.flags.iter().map(String::as_str));
        let mut child = self
            .postern(user, &args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("postern starts");
        let _ = write!(child.stdin.take().expect("a pipe"), "{password}\n{code}\n");
        Ran::end_of(child)
    }

    /// Logs in with a good code, unless this user is already. A pair that runs longer than this process may have seen some
    /// of our codes, from an earlier run in the same half minute: then the next one.
    pub(super) fn log_in(&self, user: &str) {
        let mut logged_in = self.logged_in.lock().expect("no panic");
        if logged_in.iter().any(|known| known == user) {
            return;
        }
        let password = self.live.env["password"].as_str().expect("password");
        let mut out = self.login(user, password, &self.live.code(user));
        for _ in 0..3 {
            if !out.stderr.contains("second factor") {
                break;
            }
            out = self.login(user, password, &self.live.code(user));
        }
        assert_eq!(out.code, 0, "login of {user} ({}): {out}", self.name);
        logged_in.push(user.to_owned());
    }

    /// `db connect` with one statement, as often as it takes until no other session of the same user is in the way: one
    /// automatic user has one set of roles at a time, and is taken out of service for a moment when its last session ends.
    pub(super) fn connect(&self, user: &str, args: &[&str], sql: &str) -> Ran {
        let mut all = vec!["db", "connect"];
        all.extend(args);
        all.extend(["--", "-X", "-A", "-t", "-c", sql]);
        let busy = [
            "has changed",
            "is not permitted to log in",
            "does not exist (SQLSTATE",
        ];
        wait_for(
            "no other session of the user",
            Duration::from_secs(60),
            || {
                let out = self.run(user, &all);
                (!busy.iter().any(|text| out.stderr.contains(text))).then_some(out)
            },
        )
    }

    /// The one row of [`Self::connect`].
    #[track_caller]
    pub(super) fn row(&self, user: &str, args: &[&str], sql: &str) -> String {
        self.connect(user, args, sql).ok().trim().to_owned()
    }
}
