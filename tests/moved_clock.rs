//! A tunnel lives long: it looks at the clock on the wall when a client comes, so that a computer that slept, or a clock that
//! was set, does it no harm. The clock of these tests is moved by hand.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use postern::auth::resources::ListFilter;
use postern::db::Wish;
use postern::flow::conn::ClusterConn;
use postern::flow::target::{self, Place};
use postern::flow::tunnel::Tunnel;
use postern::flow::{credential, session};
use postern::profile::Home;
use postern::proxy::{self, Options};
use tokio::net::TcpListener;

use crate::common::env::TestEnv;
use crate::common::ran::Ran;

const DAY: i64 = 24 * 3600;

fn now() -> i64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970");
    since.as_secs().cast_signed()
}

/// The steps of `proxy db app`, with a clock of the test's own.
async fn tunnel(env: &TestEnv, clock: &Arc<AtomicI64>) -> Tunnel {
    let home = Home::new(env.postern_home());
    let session = session::load(&home, now()).expect("a login");
    let cluster = session.profile.cluster.clone();
    let conn = ClusterConn::connect(&session, &cluster)
        .await
        .expect("the cluster");
    let databases = conn
        .databases(&ListFilter::default())
        .await
        .expect("a list");
    let checker = conn.checker().await.expect("roles");
    let app = databases
        .iter()
        .find(|database| database.name == "app")
        .expect("the database");
    let wish = Wish {
        user: Some("app".to_owned()),
        name: Some("app".to_owned()),
        roles: Vec::new(),
    };
    let place = Place {
        cluster: &cluster,
        root_cluster: &cluster,
        filtered: false,
    };
    let target = target::decide(app, &checker, &wish, place).expect("allowed");
    let credential = credential::issue(&conn, &session, &target, now())
        .await
        .expect("a certificate");
    let clock = Arc::clone(clock);
    Tunnel::new(
        home,
        Arc::new(move || clock.load(Ordering::Relaxed)),
        &session,
        credential,
    )
}

fn psql(port: u16) -> Command {
    let mut command = Command::new("psql");
    command
        .args(["-XAtqw", "-h", "127.0.0.1", "-U", "app", "-d", "app"])
        .args(["-p", &port.to_string()])
        .env("PGSSLMODE", "disable")
        .stdin(Stdio::null());
    command
}

/// A session that stays open.
struct Open(Child);

impl Open {
    fn answer(&mut self) -> String {
        let stdin = self.0.stdin.as_mut().expect("a pipe");
        stdin.write_all(b"select 'here';\n").expect("a write");
        let mut line = String::new();
        let stdout = self.0.stdout.as_mut().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        line
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_clock_that_jumps_tears_nothing_down_and_renews_what_has_ended() {
    let env = TestEnv::logged_in("bob");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let clock = Arc::new(AtomicI64::new(now()));
    let tunnel = Arc::new(runtime.block_on(tunnel(&env, &clock)));
    let listener = runtime
        .block_on(TcpListener::bind("127.0.0.1:0"))
        .expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let upstream = Arc::clone(&tunnel);
    let served = runtime.spawn(async move {
        proxy::serve(listener, upstream, Options::default(), async {
            let _ = stopped.await;
        })
        .await
    });
    let ask = || Ran::of(psql(port).args(["-c", "select 'here'"]));
    let certificate = || tunnel.newest().certificate.der.clone();
    let end = tunnel.newest().certificate.not_after;

    let first = certificate();
    let mut open = Open(
        psql(port)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("psql"),
    );
    assert_eq!(open.answer(), "here\n");

    // Set back by a day: what works is left alone.
    clock.store(now() - DAY, Ordering::Relaxed);
    assert_eq!(ask().ok(), "here\n");
    assert!(certificate() == first);

    // Asleep until shortly before the end: a client that comes then gets a new certificate first.
    clock.store(end - 10, Ordering::Relaxed);
    assert_eq!(ask().ok(), "here\n");
    let second = certificate();
    assert!(second != first);
    assert_eq!(open.answer(), "here\n", "the session of before");

    // Asleep for longer than the login lasts: told what to do, and no session is cut.
    clock.store(end + DAY, Ordering::Relaxed);
    let stderr = ask().fails(2);
    for part in ["FATAL:", "has expired", "HINT:", "postern login --proxy"] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
    assert_eq!(open.answer(), "here\n", "the session of before");

    // Logged in again, as far as this clock goes: it works on, without a restart.
    clock.store(now(), Ordering::Relaxed);
    env.login("bob");
    assert_eq!(ask().ok(), "here\n");
    drop(open);
    drop(stop);
    let report = runtime.block_on(served).expect("an end");
    assert_eq!((report.sessions, report.refused), (4, 1));
}
