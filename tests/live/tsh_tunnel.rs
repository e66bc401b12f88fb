//! tsh: local proxies for other programs, with and without a tunnel.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::tsh::Tsh;
use crate::common::ran::Ran;
use crate::common::{exclusive, wait_for};

/// A running `tsh proxy db`; ends with the test.
pub(super) struct Proxy {
    child: Child,
    port: u16,
}

impl Proxy {
    /// Starts one on a free port and waits until it listens.
    pub(super) fn start(tsh: &Tsh, args: &[&str]) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let port_text = port.to_string();
        let mut all = vec!["proxy", "db", "--port", &port_text];
        all.extend(args);
        let mut child = tsh
            .command(&all)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("tsh starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let (give, take) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            // To the end: a full pipe would stop it.
            for line in out.lines().map_while(Result::ok) {
                if line.contains("Started") {
                    let _ = give.send(());
                }
            }
        });
        take.recv_timeout(Duration::from_secs(30)).expect("a proxy");
        let proxy = Self { child, port };
        wait_for("the proxy to listen", Duration::from_secs(10), || {
            std::net::TcpStream::connect(("127.0.0.1", port))
                .ok()
                .map(drop)
        });
        proxy
    }

    pub(super) fn psql(&self, user: &str, more: &str) -> Command {
        let mut command = Command::new("psql");
        command
            .args(["-X", "-A", "-t", "-w"])
            .arg(format!(
                "host=localhost port={} user={user} dbname=postgres {more}",
                self.port
            ))
            .stdin(Stdio::null())
            .env_remove("PGSSLMODE");
        command
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_tunnel_outlives_the_logout_and_ends_with_ctrl_c() {
    let Some((tsh, demo)) = Tsh::logged_in("alice") else {
        return;
    };
    let _guard = exclusive("alice");
    let mut proxy = Proxy::start(
        &tsh,
        &[
            "--tunnel",
            "--db-user",
            "alice",
            "--db-name",
            "postgres",
            "orders",
        ],
    );
    let row = Ran::of(proxy.psql("alice", "").args(["-c", "select current_user"]));
    assert_eq!(row.ok().trim(), "alice");

    // A query that is interrupted ends at the server.
    let child = proxy
        .psql("alice", "")
        .args(["-c", "select pg_sleep(65), 'tsh-proxy'"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("psql starts");
    let running = || {
        demo.sql("select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like '%''tsh-proxy''%'")
            .parse::<u32>()
            .expect("a number")
    };
    wait_for("the query to run", Duration::from_secs(10), || {
        (running() == 1).then_some(())
    });
    kill_process(Pid::from_child(&child), Signal::INT).expect("a signal");
    let said = Ran::end_of(child).stderr;
    assert!(
        said.contains("canceling statement due to user request"),
        "{said}"
    );
    assert_eq!(running(), 0);

    // Its certificate is in its memory.
    tsh.run(&["logout"]).ok();
    let row = Ran::of(proxy.psql("alice", "").args(["-c", "select current_user"]));
    assert_eq!(row.ok().trim(), "alice");
    kill_process(Pid::from_child(&proxy.child), Signal::INT).expect("a signal");
    wait_for("tsh to end", Duration::from_secs(10), || {
        proxy.child.try_wait().expect("a child")
    });
    wait_for("the user to be put away", Duration::from_secs(10), || {
        demo.role("alice").starts_with("nologin").then_some(())
    });
}

#[test]
fn a_proxy_without_a_tunnel_takes_the_programs_own_certificate() {
    let Some((tsh, _)) = Tsh::logged_in("alice") else {
        return;
    };
    let proxy = Proxy::start(&tsh, &["--db-user", "app", "--db-name", "postgres", "app"]);
    let host = tsh.proxy.split(':').next().expect("a host");
    let keys = tsh.home().join("tsh/keys").join(host);
    let database = keys.join("alice-db/root/app");
    let files = format!(
        "sslmode=verify-full sslrootcert={} sslcert={}.crt sslkey={}.key",
        keys.join("cas/root.pem").display(),
        database.display(),
        database.display()
    );
    let row = Ran::of(
        proxy
            .psql("app", &files)
            .args(["-c", "select current_user"]),
    );
    assert_eq!(row.ok().trim(), "app");
    // Without one there is nobody to let in.
    let said = Ran::of(
        proxy
            .psql("app", "sslmode=require")
            .args(["-c", "select 1"]),
    )
    .fails(2);
    assert!(said.contains("certificate"), "{said}");
}
