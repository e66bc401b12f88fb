//! SQL clients that come to the cluster's port by themselves, with a certificate in a file: in PostgreSQL's own TLS, in
//! that inside another TLS connection, with and without pings. Sessions that are cut say why to psql.

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use postern::cluster::ca::{CaKind, SubjectPublicKey};
use postern::cluster::dbservice::Catalog;
use postern::cluster::demo::{Options, Running, start};
use postern::cluster::issue::{self, Reissue};
use postern::cluster::locks::{Lock, Target};
use postern::identity::{Certificate, RouteToDatabase};
use postern::transport::ping::PingStream;
use rustix::process::{Pid, Signal, kill_process};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

/// How long anything may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A cluster in this process, and the files a SQL client is given.
struct Cluster {
    running: Running,
    files: tempfile::TempDir,
    _state: tempfile::TempDir,
}

/// Which database, and as whom.
#[derive(Clone, Copy)]
struct Seat {
    teleport_user: &'static str,
    database: &'static str,
    user: &'static str,
    name: &'static str,
}

/// An automatic user.
const ORDERS: Seat = Seat {
    teleport_user: "alice",
    database: "orders",
    user: "alice",
    name: "postgres",
};
/// The shared account.
const APP: Seat = Seat {
    teleport_user: "bob",
    database: "app",
    user: "app",
    name: "app",
};

impl Cluster {
    async fn start() -> Self {
        let state = tempfile::Builder::new()
            .prefix("ps")
            .tempdir()
            .expect("a directory");
        let running = start(Options::new(state.path())).await.expect("a cluster");
        let files = tempfile::tempdir().expect("a directory");
        let host = running.state().authority(CaKind::Host);
        write(files.path(), "ca.pem", host.cert_pem());
        Self {
            running,
            files,
            _state: state,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// Writes a database certificate and its key as `tsh db login` does.
    fn log_in(&self, target: Seat) {
        let pair = rcgen::KeyPair::generate().expect("a key");
        let key =
            SubjectPublicKey::from_pem(pair.public_key_pem().as_bytes()).expect("a public key");
        let state = self.running.state();
        let base = issue::login(state, target.teleport_user, &key, 0, "127.0.0.1");
        let base = Certificate::from_der(&base.expect("a login")).expect("a certificate");
        let checker = Catalog::checker(state.as_ref(), &base.identity).expect("a checker");
        let wish = Reissue {
            expires: base.not_after,
            database: Some(RouteToDatabase {
                service_name: target.database.to_owned(),
                protocol: "postgres".to_owned(),
                username: target.user.to_owned(),
                database: target.name.to_owned(),
                roles: Vec::new(),
            }),
            ..Reissue::default()
        };
        let der = issue::reissue(state, &base, &checker, &wish, "127.0.0.1")
            .and_then(|granted| granted.x509(state, &key))
            .expect("a database certificate");
        let pem = postern::identity::pem::encode("CERTIFICATE", &der);
        write(self.files.path(), "cert.pem", &pem);
        write(self.files.path(), "key.pem", &pair.serialize_pem());
    }

    /// psql on `port`, which checks chain and name of the certificate it is shown.
    fn psql(&self, port: u16, target: Seat, command: &str) -> Command {
        let address = format!(
            "host=localhost hostaddr=127.0.0.1 port={port} user={} dbname={} sslmode=verify-full \
             sslrootcert={} sslcert={} sslkey={} connect_timeout=20",
            target.user,
            target.name,
            self.file("ca.pem").display(),
            self.file("cert.pem").display(),
            self.file("key.pem").display()
        );
        let mut psql = Command::new("psql");
        psql.args([
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            &address,
            "-c",
            command,
        ])
        .env("PGAPPNAME", "sessions")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
        psql
    }

    /// A row of one column, past the cluster.
    fn sql(&self, sql: &str) -> String {
        let postgres = &self.running.description.postgres.root;
        let out = Command::new("psql")
            .args(["-XAtqw", "-d", "postgres", "-c", sql, "-h"])
            .arg(&postgres.host)
            .args(["-p", &postgres.port.to_string(), "-U", &postgres.superuser])
            .output()
            .expect("psql runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        assert!(out.status.success(), "{}", text(out.stderr));
        text(out.stdout).trim_end().to_owned()
    }

    async fn until(&self, sql: &str, wanted: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let have = self.sql(sql);
            if have == wanted {
                return;
            }
            let late = tokio::time::Instant::now() > deadline;
            assert!(!late, "{sql}: {have:?}, not {wanted:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// `alice` is out of service.
    async fn until_locked(&self, user: &str) {
        let sql = format!(
            "select rolcanlogin || ' ' || array(select r.rolname from pg_auth_members m join pg_roles r on r.oid = m.roleid \
             where m.member = u.oid)::text from pg_roles u where rolname = '{user}'"
        );
        self.until(&sql, "false {teleport-auto-user}").await;
    }

    async fn until_asleep(&self, mark: &str) {
        let sql = format!(
            "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and query like '%{mark}%'"
        );
        self.until(&sql, "1").await;
    }

    async fn stop(self) {
        self.running.discard().await.expect("a clean stop");
    }
}

fn write(directory: &Path, name: &str, text: &str) {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(true).write(true).mode(0o600);
    let file = options.open(directory.join(name));
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .expect("a file");
}

async fn run(mut command: Command) -> Output {
    let output = tokio::task::spawn_blocking(move || command.output().expect("psql runs"));
    output.await.expect("no panic")
}

async fn answer(command: Command) -> String {
    let out = run(command).await;
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{stderr}");
    String::from_utf8(out.stdout)
        .expect("text")
        .trim_end()
        .to_owned()
}

/// What psql says when it fails.
async fn failure(command: Command) -> String {
    let out = run(command).await;
    assert!(!out.status.success());
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// Starts a statement that sleeps, presses Ctrl+C, and gives psql's message.
async fn interrupted(cluster: &Cluster, port: u16, target: Seat, mark: &str) -> String {
    let sql = format!("select pg_sleep(600), '{mark}'");
    let child = cluster.psql(port, target, &sql).spawn().expect("psql runs");
    cluster.until_asleep(mark).await;
    let pid = Pid::from_child(&child);
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().expect("an end"));
    kill_process(pid, Signal::INT).expect("a signal");
    let out = tokio::time::timeout(PATIENCE, ended).await;
    let out = out.expect("an end in time").expect("no panic");
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// db-service.md 1.1, path R: plain TCP, then PostgreSQL's own request for TLS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn psql_connects_by_itself_with_a_certificate_in_a_file() {
    let cluster = Cluster::start().await;
    let port = cluster.running.addr.port();
    cluster.log_in(ORDERS);
    let who = "select session_user, string_agg(r.rolname, ',' order by r.rolname) from pg_auth_members m join pg_roles r \
               on r.oid = m.roleid join pg_roles u on u.oid = m.member where u.rolname = session_user group by 1";
    assert_eq!(
        answer(cluster.psql(port, ORDERS, who)).await,
        "alice|reader,teleport-auto-user,writer"
    );
    cluster.until_locked("alice").await;

    // Ctrl+C: a cancel request in clear, on a connection of its own.
    let words = interrupted(&cluster, port, ORDERS, "raw").await;
    assert!(
        words.contains("canceling statement due to user request"),
        "{words}"
    );
    cluster.until_locked("alice").await;

    // Refusals come as PostgreSQL's own.
    let mut other = ORDERS;
    other.user = "mallory";
    let words = failure(cluster.psql(port, other, "select 1")).await;
    assert!(
        words.contains("FATAL:  please use your Teleport username (\"alice\") to connect instead of \"mallory\""),
        "{words}"
    );
    // Another name than that in the certificate, and another authority: psql sees that it is not the cluster.
    let mut misled = cluster.psql(port, ORDERS, "select 1");
    write(
        cluster.files.path(),
        "ca.pem",
        cluster.running.state().authority(CaKind::User).cert_pem(),
    );
    let words = failure(misled).await;
    assert!(words.contains("certificate verify failed"), "{words}");
    write(
        cluster.files.path(),
        "ca.pem",
        cluster.running.state().authority(CaKind::Host).cert_pem(),
    );
    // No certificate: no session.
    std::fs::remove_file(cluster.file("cert.pem")).expect("the file");
    misled = cluster.psql(port, ORDERS, "select 1");
    let words = failure(misled).await;
    assert!(words.contains("certificate required"), "{words}");
    cluster.stop().await;
}

/// Somebody else's process id and a wrong key cancel nothing, with and without TLS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_request_without_the_key_is_dropped() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let cluster = Cluster::start().await;
    let port = cluster.running.addr.port();
    cluster.log_in(APP);
    let mut sleeping = cluster
        .psql(port, APP, "select pg_sleep(2), 'spared'")
        .spawn()
        .expect("psql runs");
    cluster.until_asleep("spared").await;
    let sessions = cluster.running.databases().sessions();
    let pid = sessions.first().expect("a session").pid;
    for key in [0_u32, 1, u32::MAX] {
        let mut tcp = TcpStream::connect(cluster.running.addr)
            .await
            .expect("a connection");
        let mut request = b"\0\0\0\x10\x04\xd2\x16\x2e".to_vec();
        request.extend(pid.to_be_bytes());
        request.extend(key.to_be_bytes());
        tcp.write_all(&request).await.expect("a write");
        let mut said = Vec::new();
        tokio::time::timeout(PATIENCE, tcp.read_to_end(&mut said))
            .await
            .expect("an end")
            .expect("a clean end");
        assert_eq!(said, b"");
    }
    let status = tokio::task::spawn_blocking(move || sleeping.wait().expect("an end"));
    assert!(status.await.expect("no panic").success());
    cluster.stop().await;
}

/// What `tsh proxy db` without a tunnel is: a port whose connections are carried to the cluster inside TLS of their own,
/// which shows no certificate.
async fn carrier(cluster: &Cluster, ping: bool) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mut roots = RootCertStore::empty();
    let pem = std::fs::read(&cluster.running.description.ca_file).expect("a file");
    roots
        .add(CertificateDer::from_pem_slice(&pem).expect("PEM"))
        .expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let protocol = if ping {
        "teleport-postgres-ping"
    } else {
        "teleport-postgres"
    };
    config.alpn_protocols = vec![protocol.into()];
    let (connector, addr) = (TlsConnector::from(Arc::new(config)), cluster.running.addr);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let connector = connector.clone();
            tokio::spawn(async move {
                let name = ServerName::try_from("localhost").expect("a name");
                let tcp = TcpStream::connect(addr).await.expect("a connection");
                let far = connector.connect(name, tcp).await.expect("a handshake");
                // Whoever ends first ends both.
                let _ = if ping {
                    let mut far = PingStream::client(far);
                    tokio::io::copy_bidirectional(&mut near, &mut far).await
                } else {
                    let mut far = far;
                    tokio::io::copy_bidirectional(&mut near, &mut far).await
                };
            });
        }
    });
    port
}

/// db-service.md 1.1, path A.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn psql_connects_inside_tls_without_a_certificate() {
    let cluster = Cluster::start().await;
    cluster.log_in(ORDERS);
    for ping in [false, true] {
        let port = carrier(&cluster, ping).await;
        let large = "select session_user, length(string_agg(repeat('x', 1000), '')) from generate_series(1, 2000)";
        assert_eq!(
            answer(cluster.psql(port, ORDERS, large)).await,
            "alice|2000000",
            "ping {ping}"
        );
        let words = interrupted(&cluster, port, ORDERS, &format!("inner{ping}")).await;
        assert!(
            words.contains("canceling statement due to user request"),
            "ping {ping}: {words}"
        );
        cluster.until_locked("alice").await;
    }
    cluster.stop().await;
}

/// A lock ends what is open, and psql shows why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn psql_shows_why_its_session_was_cut() {
    let cluster = Cluster::start().await;
    let port = cluster.running.addr.port();
    cluster.log_in(ORDERS);
    let asleep = cluster
        .psql(port, ORDERS, "select pg_sleep(600), 'cut'")
        .spawn()
        .expect("psql runs");
    cluster.until_asleep("cut").await;
    let state = cluster.running.state();
    let lock = Lock {
        name: "test".into(),
        target: Target {
            user: "alice".into(),
            ..Target::default()
        },
        message: "laptop lost".into(),
        ..Lock::default()
    };
    state.store().put_lock(&lock).expect("a lock");
    state.reload_locks().expect("a read");
    let out = tokio::task::spawn_blocking(move || asleep.wait_with_output().expect("an end"));
    let out = tokio::time::timeout(PATIENCE, out).await;
    let out = out.expect("an end in time").expect("no panic");
    let words = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(
        words.contains(r#"FATAL:  lock targeting User:"alice" is in force: laptop lost"#),
        "{words}"
    );
    cluster.until_locked("alice").await;
    let words = failure(cluster.psql(port, ORDERS, "select 1")).await;
    assert!(
        words.contains("FATAL:  access denied\n")
            && words.contains(r#"HINT:  lock targeting User:"alice" is in force: laptop lost"#),
        "{words}"
    );
    // Taken away, it is forgotten.
    assert!(state.store().remove_lock("test").expect("a change"));
    state.reload_locks().expect("a read");
    assert_eq!(answer(cluster.psql(port, ORDERS, "select 1")).await, "1");
    cluster.until_locked("alice").await;
    cluster.stop().await;
}
