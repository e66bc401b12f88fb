//! A cluster of one's own in front of a PostgreSQL that trusts its authority.

use std::process::{Child, Stdio};

use postern::cluster::authorities::Authorities;
use postern::cluster::ca::{CaKind, LOOPBACK_HOSTS};
use postern::cluster::postgres::content;
use postern::cluster::postgres::find::Programs;
use postern::cluster::postgres::place::Place;
use postern::cluster::postgres::server::{Server as PostgresServer, Tls};
use postern::cluster::store::Store;
use rustix::process::Signal;
use serde_json::json;

use super::server::{DOCUMENTS, SOON, Server};
use super::wait_for;

/// A running cluster, its PostgreSQL, and alice logged in.
pub(crate) struct World {
    pub(crate) server: Server,
    postgres: PostgresServer,
    place: Place,
    port: u16,
    runtime: tokio::runtime::Runtime,
    name: String,
}

/// PostgreSQL with the certificate and the client authorities that the cluster's state has now.
fn postgres(
    runtime: &tokio::runtime::Runtime,
    store: &Store,
    place: &Place,
    port: u16,
    cluster: &str,
) -> PostgresServer {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a time");
    let now = now.as_secs().cast_signed();
    let authorities = Authorities::open(store, cluster, now).expect("authorities");
    let certificate = authorities
        .get(CaKind::Db)
        .issue_db_server(&LOOPBACK_HOSTS, now - 60, now + 86_400)
        .expect("a certificate");
    let tls = Tls {
        certificate: certificate.cert_pem(),
        key: certificate.key_pem().to_string(),
        client_authority: authorities.trusted_pem(CaKind::DbClient),
    };
    let programs = Programs::find_here().expect("PostgreSQL");
    runtime
        .block_on(PostgresServer::start(&programs, place, &tls, port))
        .expect("PostgreSQL")
}

impl World {
    pub(crate) fn new(more: &str) -> Self {
        Self::changed(more, &[])
    }

    /// The same with other texts in the configuration: `(old, new)`.
    pub(crate) fn changed(more: &str, changes: &[(&str, &str)]) -> Self {
        let mut server = Server::new(&format!("authentication: {{second_factor: 'off'}}\n{more}"));
        for (old, new) in changes {
            server.reconfigure(old, new);
        }
        // The first start makes the authorities.
        server.start();
        let name = server.status()["cluster"]
            .as_str()
            .expect("a name")
            .to_owned();
        assert_eq!(server.end(Signal::TERM), Some(0));
        let state = server.path("state");
        let store = Store::open(&state.join("state.db")).expect("the state");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let place = Place::prepare(&state, &store).expect("a place");
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|l| l.local_addr())
            .expect("a port")
            .port();
        let postgres = postgres(&runtime, &store, &place, port, &name);
        drop(store);
        runtime
            .block_on(content::fill(&postgres))
            .expect("its content");
        server.document(
            "all.yaml",
            &DOCUMENTS.replace("localhost:1", &format!("localhost:{port}")),
        );
        server.start();
        server.run_with_password(&["users", "add", "alice"]).ok();
        server.login("alice", None).ok();
        Self {
            server,
            postgres,
            place,
            port,
            runtime,
            name,
        }
    }

    /// PostgreSQL starts again, as whoever runs it has it do after a step of a rotation.
    pub(crate) fn restart_postgres(self) -> Self {
        let Self {
            server,
            postgres: old,
            place,
            port,
            runtime,
            name,
        } = self;
        runtime.block_on(old.stop()).expect("a clean stop");
        let store = Store::open(&server.path("state/state.db")).expect("the state");
        let postgres = postgres(&runtime, &store, &place, port, &name);
        Self {
            server,
            postgres,
            place,
            port,
            runtime,
            name,
        }
    }

    /// Port of its PostgreSQL.
    pub(crate) fn postgres_port(&self) -> u16 {
        self.port
    }

    /// Puts these documents in place of all, and returns when they count.
    pub(crate) fn replace(&mut self, documents: &str) {
        self.server.document("all.yaml", documents);
        let _ = self.server.run(&["reload"]).ok();
    }

    /// `login` or `nologin` of the database user alice; empty when there is none.
    pub(crate) fn alice(&self) -> String {
        let rows = self.runtime.block_on(async {
            let client = self.postgres.connect("postgres").await.expect("a connection");
            client
                .query(
                    "SELECT CASE WHEN rolcanlogin THEN 'login' ELSE 'nologin' END FROM pg_roles WHERE rolname = 'alice'",
                    &[],
                )
                .await
                .expect("a query")
        });
        rows.first().map(|row| row.get(0)).unwrap_or_default()
    }

    /// How many sessions run exactly this statement.
    fn running(&self, statement: &str) -> i64 {
        let rows = self.runtime.block_on(async {
            let client = self
                .postgres
                .connect("postgres")
                .await
                .expect("a connection");
            client
                .query(
                    "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = $1",
                    &[&statement],
                )
                .await
                .expect("a query")
        });
        rows.first().map(|row| row.get(0)).unwrap_or_default()
    }

    /// A session of alice in the middle of a statement.
    pub(crate) fn session(&self) -> Child {
        let child = self
            .server
            .client(&[
                "db",
                "connect",
                "orders",
                "--db-name",
                "postgres",
                "--",
                "-X",
                "-c",
                "select pg_sleep(300)",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        self.server.shows("sessions", &json!(1));
        assert_eq!(self.alice(), "login");
        // The session is there before its statement is.
        wait_for("the statement", SOON * 3, || {
            (self.running("select pg_sleep(300)") == 1).then_some(())
        });
        child
    }

    pub(crate) fn end(self) {
        let Self {
            mut server,
            postgres,
            place,
            runtime,
            ..
        } = self;
        assert_eq!(server.end(Signal::TERM), Some(0));
        runtime.block_on(postgres.stop()).expect("a clean stop");
        place.discard();
    }
}
