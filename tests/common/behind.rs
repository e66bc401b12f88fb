//! Clusters that are reached only through something else, and logins by way of it.

use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use super::demo::Demo;
use super::env::TestEnv;
use super::flights::Flights;
use super::middle::{Middle, Nginx, find, free_port};
use super::ran::Ran;

/// A user behind a load balancer in front of a cluster with a leaf.
pub(crate) struct Behind {
    pub(crate) env: TestEnv,
    pub(crate) nginx: Middle,
}

/// A cluster that announces a load balancer as its address.
pub(crate) fn behind(balancer: impl Fn(u16) -> Nginx) -> Option<Behind> {
    find("nginx")?;
    let port = free_port();
    let address = format!("localhost:{port}");
    let demo = Demo::start(&["--no-second-factor", "--public-addr", &address]);
    let demo: &'static Demo = Box::leak(Box::new(demo));
    let nginx = balancer(port).start(&demo.listen())?;
    let env = TestEnv::beside(demo);
    Some(Behind { env, nginx })
}

impl Behind {
    pub(crate) fn login(&self, user: &str) -> Ran {
        let ca = self.nginx.path("ca.pem").display().to_string();
        login(&self.env, &self.env.demo.proxy(), &ca, user, &[])
    }
}

/// Logs in by way of `proxy`, whose authority is the file `ca`.
pub(crate) fn login(
    env: &TestEnv,
    proxy: &str,
    ca: &str,
    user: &str,
    vars: &[(&str, &str)],
) -> Ran {
    use std::io::Write;
    let mut command = env.postern(&[
        "login",
        "--proxy",
        proxy,
        "--user",
        user,
        "--ca-file",
        ca,
        "--key-store",
        "file",
        "--password-stdin",
        "--format",
        "json",
    ]);
    let mut child = command
        .envs(vars.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("postern starts");
    let _ = writeln!(
        child.stdin.take().expect("a pipe"),
        "{}",
        env.demo.password(user)
    );
    Ran::end_of(child)
}

/// The profile of the only login.
pub(crate) fn profile(env: &TestEnv) -> Value {
    let dir = env.postern_home().join("profiles");
    let entry = std::fs::read_dir(dir)
        .expect("profiles")
        .next()
        .expect("a profile");
    let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a file");
    serde_json::from_str(&text).expect("JSON")
}

/// A cluster that announces a name which only an HTTP proxy knows.
pub(crate) fn named() -> &'static Demo {
    static NAMED: OnceLock<(Flights, &'static Demo)> = OnceLock::new();
    let (_, demo) = NAMED.get_or_init(|| {
        let relay = Flights::new(Duration::ZERO);
        let address = format!("cluster.test:{}", relay.port);
        let demo = Demo::start(&["--no-second-factor", "--public-addr", &address]);
        let demo: &'static Demo = Box::leak(Box::new(demo));
        let port = demo.listen().rsplit(':').next().expect("a port").parse();
        relay.lead_to(port.expect("a number"));
        (relay, demo)
    });
    demo
}

/// What such an HTTP proxy knows.
pub(crate) const NAMES: &[(&str, &str)] = &[("127.0.0.1", "cluster.test")];
