//! A real PostgreSQL server for tests, a catalogue in front of it, and clients that come in through the service.

mod caller;
mod catalog;
mod relay;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_postgres::Client;

use crate::cluster::ca::{Authority, CaKind, LOOPBACK_HOSTS};
use crate::cluster::postgres::find::Programs;
use crate::cluster::postgres::place::Place;
use crate::cluster::postgres::server::{Server, Tls};
use crate::cluster::store::Store;

pub(super) use caller::{Caller, Refused, Session};
pub(super) use catalog::{TestCatalog, service};
pub(super) use relay::Relay;

/// How long a state may take to be reached, on a loaded machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A server of its own, with the roles every test needs.
pub(super) struct TestPg {
    server: Option<Server>,
    programs: Programs,
    place: Place,
    tls: Tls,
    pub(super) port: u16,
    db: Arc<Authority>,
    db_client: Arc<Authority>,
    state: PathBuf,
}

fn now() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
}

/// A port nobody listens on.
pub(super) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a listener");
    listener.local_addr().expect("an address").port()
}

impl TestPg {
    /// The server all tests of this process share; the next process removes its files.
    pub(super) fn shared() -> &'static Self {
        static SHARED: OnceLock<TestPg> = OnceLock::new();
        SHARED.get_or_init(|| {
            remove_stale();
            let (send, receive) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                // The runtime that started the server must live as long as the process.
                let runtime = tokio::runtime::Runtime::new().expect("a runtime");
                send.send(runtime.block_on(Self::start("shared")))
                    .expect("somebody waits");
                runtime.block_on(std::future::pending::<()>());
            });
            receive.recv().expect("a server")
        })
    }

    /// A server for one test alone.
    pub(super) async fn start(name: &str) -> Self {
        Self::start_with(name, &[]).await
    }

    /// The same with more settings, `name=value`.
    pub(super) async fn start_with(name: &str, settings: &[&str]) -> Self {
        let state =
            std::env::temp_dir().join(format!("postern-test-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&state).expect("a directory");
        let store = Store::open(&state.join("state.db")).expect("a store");
        let place = Place::prepare(&state, &store).expect("a place");
        let db = Authority::generate(CaKind::Db, "root", now() - 60).expect("an authority");
        let db_client =
            Authority::generate(CaKind::DbClient, "root", now() - 60).expect("an authority");
        let certificate = db
            .issue_db_server(&LOOPBACK_HOSTS, now() - 60, now() + 86_400)
            .expect("a certificate");
        let tls = Tls {
            certificate: certificate.cert_pem(),
            key: certificate.key_pem().to_string(),
            client_authority: db_client.cert_pem().to_owned(),
        };
        let programs = Programs::find_here().expect("PostgreSQL is installed where tests run");
        let port = free_port();
        let server = Server::start_with(&programs, &place, &tls, port, settings)
            .await
            .expect("a server");
        let pg = Self {
            server: Some(server),
            programs,
            place,
            tls,
            port,
            db: Arc::new(db),
            db_client: Arc::new(db_client),
            state,
        };
        pg.prepare().await;
        pg
    }

    async fn prepare(&self) {
        let root = self.superuser().await;
        root.batch_execute(
            r#"CREATE ROLE "teleport-admin" LOGIN CREATEROLE; CREATE ROLE reader; CREATE ROLE writer;
               CREATE ROLE auditor; CREATE ROLE app LOGIN;
               CREATE ROLE "super-admin" LOGIN SUPERUSER; CREATE ROLE "weak-admin" LOGIN;
               CREATE ROLE "Mixed Case"; CREATE ROLE "a""b"; CREATE ROLE "a,b"; CREATE ROLE "na'me";
               CREATE ROLE "back\slash"; CREATE ROLE "größe"; CREATE ROLE "a; DROP ROLE x""#,
        )
        .await
        .expect("roles");
        root.batch_execute("CREATE DATABASE scratch")
            .await
            .expect("a database");
        let version: i32 = root
            .query_one("SELECT current_setting('server_version_num')::int", &[])
            .await
            .expect("a version")
            .get(0);
        // Set by tests/run, which puts the programs of this version first on PATH.
        if let Ok(major) = std::env::var("POSTERN_TEST_POSTGRES") {
            assert_eq!(
                (version / 10_000).to_string(),
                major,
                "another version runs"
            );
        }
        if version >= 160_000 {
            root.batch_execute(
                r#"GRANT reader, writer, auditor, "Mixed Case", "a""b", "a,b", "na'me", "back\slash", "größe",
                   "a; DROP ROLE x" TO "teleport-admin" WITH ADMIN OPTION, INHERIT FALSE, SET FALSE"#,
            )
            .await
            .expect("grants");
        }
    }

    /// Connects as the superuser, past the service.
    pub(super) async fn superuser(&self) -> Client {
        self.server
            .as_ref()
            .expect("it runs")
            .connect("postgres")
            .await
            .expect("the superuser")
    }

    /// PEM of the authority that signed the server's certificate.
    pub(super) fn ca_pem(&self) -> &str {
        self.db.cert_pem()
    }

    /// Puts lines before those of `pg_hba.conf`.
    pub(super) async fn let_in(&self, lines: &str) {
        let path = self.place.data.join("pg_hba.conf");
        let before = std::fs::read_to_string(&path).expect("the rules");
        self.place
            .write(&path, format!("{lines}\n{before}").as_bytes())
            .expect("new rules");
        let root = self.superuser().await;
        root.batch_execute("SELECT pg_reload_conf()")
            .await
            .expect("a reload");
    }

    /// A connection through the server's socket on which nothing was said yet.
    pub(super) async fn raw(&self) -> tokio::net::UnixStream {
        let path = self.place.socket.join(format!(".s.PGSQL.{}", self.port));
        tokio::net::UnixStream::connect(path)
            .await
            .expect("a connection")
    }

    /// Connects as the superuser to another database than postgres.
    pub(super) async fn superuser_in(&self, database: &str) -> Client {
        let server = self.server.as_ref().expect("it runs");
        server.connect(database).await.expect("the superuser")
    }

    /// Runs statements as the superuser.
    pub(super) async fn run(&self, sql: &str) {
        if let Err(error) = self.superuser().await.batch_execute(sql).await {
            panic!("{sql}: {error:?}");
        }
    }

    /// What a query of one row and one column gives to the superuser.
    pub(super) async fn value<T>(&self, query: &str) -> T
    where
        T: for<'a> tokio_postgres::types::FromSql<'a>,
    {
        let row = self.superuser().await.query_one(query, &[]).await;
        row.unwrap_or_else(|error| panic!("{query}: {error:?}"))
            .get(0)
    }

    /// Whether memberships have grantors (PostgreSQL 16 and later).
    pub(super) async fn has_grantors(&self) -> bool {
        self.value("SELECT current_setting('server_version_num')::int >= 160000")
            .await
    }

    /// Every role, membership, role setting and dependence on a role, whole.
    pub(super) async fn catalogue(&self) -> String {
        self.value(
            "SELECT string_agg(line, E'\n' ORDER BY line) FROM (
               SELECT to_jsonb(r)::text AS line FROM pg_authid r UNION ALL
               SELECT to_jsonb(m)::text FROM pg_auth_members m UNION ALL
               SELECT to_jsonb(s)::text FROM pg_db_role_setting s UNION ALL
               SELECT to_jsonb(d)::text FROM pg_shdepend d) AS all_of_it",
        )
        .await
    }

    /// Stops the server (fast).
    pub(super) async fn stop(&mut self) {
        self.server
            .take()
            .expect("it runs")
            .stop()
            .await
            .expect("a clean stop");
    }

    /// Starts the server again, on the same port.
    pub(super) async fn start_again(&mut self) {
        let server = Server::start(&self.programs, &self.place, &self.tls, self.port).await;
        self.server = Some(server.expect("a server"));
    }

    /// Stops the server and removes its files.
    pub(super) async fn discard(mut self) {
        self.stop().await;
        self.place.discard();
        std::fs::remove_dir_all(&self.state).expect("the directory goes");
    }

    /// What the catalogue says about a role.
    pub(super) async fn user(&self, name: &str) -> User {
        let row = self
            .superuser()
            .await
            .query_one(
                "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname::text = $1),
                        coalesce((SELECT rolcanlogin FROM pg_roles WHERE rolname::text = $1), false),
                        ARRAY(SELECT r.rolname::text FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
                              JOIN pg_roles u ON u.oid = m.member WHERE u.rolname::text = $1 ORDER BY 1),
                        (SELECT count(*) FROM pg_stat_activity WHERE usename::text = $1)",
                &[&name],
            )
            .await
            .expect("the state of a user");
        User {
            exists: row.get(0),
            can_login: row.get(1),
            member_of: row.get(2),
            active: row.get(3),
        }
    }

    /// Waits until a role is in the given state.
    pub(super) async fn until(&self, name: &str, wanted: &User) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let is = self.user(name).await;
            if is == *wanted {
                return;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "{name} is {is:?}, not {wanted:?}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until a query gives true.
    pub(super) async fn until_true(&self, query: &str) {
        let root = self.superuser().await;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !root
            .query_one(query, &[])
            .await
            .expect("a query")
            .get::<_, bool>(0)
        {
            assert!(
                tokio::time::Instant::now() < deadline,
                "never true: {query}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Removes what earlier processes left behind.
fn remove_stale() {
    for entry in std::fs::read_dir(std::env::temp_dir())
        .expect("a temporary directory")
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(pid) = name
            .strip_prefix("postern-test-")
            .and_then(|rest| rest.split('-').next())
        else {
            continue;
        };
        if pid.parse::<u32>().is_ok() && !std::path::Path::new("/proc").join(pid).exists() {
            // Another process may be at it too.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// State of a database role, as the recordings name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct User {
    pub(super) exists: bool,
    pub(super) can_login: bool,
    /// Direct roles, sorted.
    pub(super) member_of: Vec<String>,
    /// Backends.
    pub(super) active: i64,
}

impl User {
    /// In service, with these roles beside the bookkeeping one and so many backends.
    pub(super) fn serving(roles: &[&str], active: i64) -> Self {
        let mut member_of: Vec<String> = roles.iter().map(ToString::to_string).collect();
        member_of.push("teleport-auto-user".into());
        member_of.sort();
        Self {
            exists: true,
            can_login: true,
            member_of,
            active,
        }
    }

    /// Out of service: no login, no role but the bookkeeping one, no backend.
    pub(super) fn locked() -> Self {
        Self {
            exists: true,
            can_login: false,
            member_of: vec!["teleport-auto-user".into()],
            active: 0,
        }
    }

    /// Does not exist.
    pub(super) fn absent() -> Self {
        Self::default()
    }
}
