//! A cluster of one's own in front of a PostgreSQL that trusts its authority: sessions at a stop, a lock, a kill.

use std::process::{Child, Stdio};
use std::time::Duration;

use postern::cluster::authorities::Authorities;
use postern::cluster::ca::{CaKind, LOOPBACK_HOSTS};
use postern::cluster::postgres::content;
use postern::cluster::postgres::find::Programs;
use postern::cluster::postgres::place::Place;
use postern::cluster::postgres::server::{Server as PostgresServer, Tls};
use postern::cluster::store::Store;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::common::ran::Ran;
use crate::common::server::{DOCUMENTS, SOON, Server};
use crate::common::wait_for;

/// A running cluster, its PostgreSQL, and alice logged in.
struct World {
    server: Server,
    postgres: PostgresServer,
    place: Place,
    runtime: tokio::runtime::Runtime,
}

impl World {
    fn new(more: &str) -> Self {
        let mut server = Server::new(&format!("authentication: {{second_factor: 'off'}}\n{more}"));
        // The first start makes the authorities.
        server.start();
        assert_eq!(server.end(Signal::TERM), Some(0));
        let state = server.path("state");
        let store = Store::open(&state.join("state.db")).expect("the state");
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a time");
        let now = now.as_secs().cast_signed();
        let authorities = Authorities::open(&store, "root", now).expect("authorities");
        let certificate = authorities
            .get(CaKind::Db)
            .issue_db_server(&LOOPBACK_HOSTS, now - 60, now + 86_400)
            .expect("a certificate");
        let tls = Tls {
            certificate: certificate.cert_pem(),
            key: certificate.key_pem().to_string(),
            client_authority: authorities.get(CaKind::DbClient).cert_pem().to_owned(),
        };
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let place = Place::prepare(&state, &store).expect("a place");
        drop(store);
        let programs = Programs::find_here().expect("PostgreSQL");
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|l| l.local_addr())
            .expect("a port")
            .port();
        let postgres = runtime
            .block_on(PostgresServer::start(&programs, &place, &tls, port))
            .expect("PostgreSQL");
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
            runtime,
        }
    }

    /// `login` or `nologin` of the database user alice; empty when there is none.
    fn alice(&self) -> String {
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

    /// A session of alice in the middle of a statement.
    fn session(&self) -> Child {
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
        child
    }

    fn end(self) {
        let Self {
            mut server,
            postgres,
            place,
            runtime,
        } = self;
        assert_eq!(server.end(Signal::TERM), Some(0));
        runtime.block_on(postgres.stop()).expect("a clean stop");
        place.discard();
    }
}

#[test]
fn a_stop_with_an_open_session_leaves_no_user_enabled_and_says_why() {
    let mut world = World::new("shutdown_timeout: 20s\n");
    let child = world.session();
    assert_eq!(world.server.end(Signal::TERM), Some(0));
    assert_eq!(world.alice(), "nologin");
    let ran = Ran::end_of(child);
    assert_eq!(ran.code, 2, "{ran}");
    world.server.start();
    world.end();
}

#[test]
fn a_killed_cluster_takes_the_user_out_of_service_at_its_next_start() {
    let mut world = World::new("");
    let child = world.session();
    assert_eq!(world.server.end(Signal::KILL), None);
    assert_eq!(world.alice(), "login", "nobody is left to see to it");
    let _ = Ran::end_of(child);
    world.server.start();
    wait_for("the user's end", SOON, || {
        (world.alice() == "nologin").then_some(())
    });
    world.end();
}

#[test]
fn a_lock_cuts_the_session_at_once_and_keeps_the_user_out_until_it_goes() {
    let world = World::new("");
    let child = world.session();
    let added = world.server.run(&[
        "locks",
        "add",
        "--user",
        "alice",
        "--message",
        "lost laptop",
        "--format",
        "json",
    ]);
    let name: Value = serde_json::from_str(&added.ok()).expect("JSON");
    let name = name["name"].as_str().expect("a name").to_owned();
    let ran = Ran::end_of(child);
    assert_eq!(ran.code, 2, "{ran}");
    wait_for("the user's end", SOON, || {
        (world.alice() == "nologin").then_some(())
    });
    assert_eq!(world.server.status()["locks"], 1);
    let refused = world.server.login("alice", None);
    assert_ne!(refused.code, 0, "{refused}");

    let listed = world.server.run(&["locks", "ls"]).ok();
    assert!(
        listed.contains("User:\"alice\"") && listed.contains("lost laptop"),
        "{listed}"
    );
    let listed: Value =
        serde_json::from_str(&world.server.run(&["locks", "ls", "--format", "json"]).ok())
            .expect("JSON");
    assert_eq!(listed[0]["metadata"]["name"], *name);
    assert_eq!(listed[0]["spec"]["target"], json!({"user": "alice"}));
    world.server.run(&["locks", "rm", &name]).ok();
    let again = world.server.run(&["locks", "rm", &name]);
    assert_eq!(again.code, 1, "{again}");
    world.server.login("alice", None).ok();
    let none = world.server.run(&["locks", "add"]);
    assert_eq!(none.code, 2, "{none}");
    world.end();
}

#[test]
fn every_authority_is_exported_and_no_private_key() {
    let mut server = Server::new("");
    server.start();
    for kind in ["db-client", "db", "tls-host", "tls-user", "web"] {
        let pem = server.run(&["ca", "export", "--type", kind]).ok();
        assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
        assert!(!pem.contains("PRIVATE"), "{kind}");
    }
    for kind in ["host", "user"] {
        let line = server.run(&["ca", "export", "--type", kind]).ok();
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(
            line.starts_with("ecdsa-sha2-")
                || line.starts_with("ssh-")
                || line.starts_with("cert-authority"),
            "{line}"
        );
    }
    let web = server.run(&["ca", "export", "--type", "web"]).ok();
    let file = std::fs::read_to_string(server.path("state/ca.pem")).expect("a file");
    assert_eq!(web.trim_end(), file.trim_end());
    wait_for("its end", Duration::from_secs(30), || {
        Some(server.end(Signal::TERM))
    });
}
