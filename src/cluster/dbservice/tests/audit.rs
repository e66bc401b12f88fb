//! The audit log of whole sessions, compared with recorded ones.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use tokio_postgres::NoTls;

use super::super::DbService;
use super::super::testpg::{Caller, TestCatalog, TestPg};
use crate::cluster::audit::{Audit, Setup};
use crate::cluster::clock::system_clock;
use crate::cluster::testing::assert_clean_end;

const LIMIT: Duration = Duration::from_secs(30);

/// An event with its fields in their order.
#[derive(Clone, Debug)]
struct Event(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Event;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an event")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Event, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Event(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

impl Event {
    fn get(&self, name: &str) -> &Value {
        let found = self.0.iter().find(|(field, _)| field == name);
        found.map_or(&Value::Null, |(_, value)| value)
    }

    /// Name, code and the names of the fields. `impersonator` is left out: an administrator signed the certificates of
    /// some recorded sessions.
    fn shape(&self) -> String {
        let fields = self.0.iter().map(|(name, _)| name.as_str());
        let fields: Vec<_> = fields.filter(|name| *name != "impersonator").collect();
        format!(
            "{} {}: {}",
            self.get("event"),
            self.get("code"),
            fields.join(" ")
        )
    }

    /// What is the same whoever records it.
    fn content(&self) -> Vec<Value> {
        [
            "success",
            "db_query",
            "db_roles",
            "roles",
            "delete",
            "proto",
            "db_type",
            "user_kind",
        ]
        .map(|name| self.get(name).clone())
        .to_vec()
    }
}

fn recorded(session: &str) -> Vec<Event> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/db-service/audit-events.json"
    );
    let text = std::fs::read_to_string(path).expect("recorded events");
    let mut all: std::collections::HashMap<String, Vec<Event>> =
        serde_json::from_str(&text).expect("JSON");
    all.remove(session).expect("a recorded session")
}

/// A service with a log in a directory of its own.
struct Logged {
    service: Arc<DbService>,
    audit: Audit,
    path: PathBuf,
    _dir: tempfile::TempDir,
}

impl Logged {
    fn before(pg: &TestPg) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("audit.jsonl");
        let audit = Audit::to_file(Setup {
            path: path.clone(),
            max_size: 1 << 20,
            max_old: 1,
            cluster: "root".into(),
            server_id: "host".into(),
            clock: system_clock(),
            report: Arc::new(|line| panic!("{line}")),
        })
        .expect("a thread");
        Self {
            service: DbService::audited(Arc::new(TestCatalog::new(pg)), audit.clone()),
            audit,
            path,
            _dir: dir,
        }
    }

    /// Opens a session as psql, sends each statement, takes leave.
    async fn session(&self, caller: &Caller, statements: &[&str]) {
        let mut config = tokio_postgres::Config::new();
        config
            .user(&caller.db_user)
            .dbname(&caller.db_name)
            .application_name("psql");
        let (client, connection) = config
            .connect_raw(caller.dial(&self.service), NoTls)
            .await
            .expect("a session");
        let connection = tokio::spawn(connection);
        for statement in statements {
            // One of them is meant to fail.
            let _ = client.simple_query(statement).await;
        }
        drop(client);
        assert_clean_end(connection.await.expect("no panic"));
    }

    /// Ends the service; every event, in order of writing.
    async fn events(self) -> Vec<Event> {
        assert!(self.service.shutdown(LIMIT).await);
        assert!(self.audit.flush(LIMIT).await);
        let text = std::fs::read_to_string(&self.path).expect("a log");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }
}

fn assert_same(ours: &[Event], theirs: &[Event]) {
    let shapes = |events: &[Event]| events.iter().map(Event::shape).collect::<Vec<_>>();
    assert_eq!(shapes(ours), shapes(theirs));
    let contents = |events: &[Event]| events.iter().map(Event::content).collect::<Vec<_>>();
    assert_eq!(contents(ours), contents(theirs));
}

#[tokio::test]
async fn whole_sessions_are_recorded_as_teleport_does() {
    let pg = TestPg::shared();
    for (recorded_as, caller) in [
        ("whole_session_keep_pg15", Caller::auto("log-keep")),
        (
            "whole_session_drop_pg18_requested_role_reader",
            Caller::auto("log-drop")
                .with_role("drop")
                .requesting(&["reader"]),
        ),
    ] {
        let theirs = recorded(recorded_as);
        let statements: Vec<_> = theirs
            .iter()
            .filter_map(|event| event.get("db_query").as_str())
            .collect();
        assert!(!statements.is_empty());
        let logged = Logged::before(pg);
        logged.session(&caller, &statements).await;
        let ours = logged.events().await;
        assert_same(&ours, &theirs);
        let numbers: Vec<_> = ours.iter().map(|event| event.get("ei").as_u64()).collect();
        assert_eq!(
            numbers,
            (0..ours.len() as u64).map(Some).collect::<Vec<_>>()
        );
        for event in &ours {
            assert_eq!(event.get("sid"), ours[0].get("sid"));
            assert_eq!(event.get("user"), caller.user.as_str());
            assert_eq!(event.get("db_user"), caller.user.as_str());
            assert_eq!(event.get("db_service"), "orders");
            assert_eq!(event.get("db_origin"), "dynamic");
        }
    }
}

#[tokio::test]
async fn failed_activations_are_recorded_as_teleport_does() {
    let pg = TestPg::shared();
    let root = pg.superuser().await;
    root.batch_execute("create role \"log-bob\" login")
        .await
        .expect("a role");
    let logged = Logged::before(pg);
    let alice = Caller::auto("log-alice");
    let open = alice.connect(&logged.service).await.expect("a session");
    for caller in [
        alice.clone().requesting(&["reader"]),
        Caller::auto("log-nope").allowed(&["reader", "nope"]),
        Caller::auto("log-bob").allowed(&["reader"]),
    ] {
        caller.refused(&logged.service).await;
    }
    open.close().await;
    let ours = logged.events().await;
    let failed: Vec<_> = ours
        .into_iter()
        .filter(|event| event.get("code") == "TDB08W")
        .collect();
    let theirs = recorded("failed_activation");
    let shapes = |events: &[Event]| events.iter().map(Event::shape).collect::<Vec<_>>();
    assert_eq!(shapes(&failed), shapes(&theirs));
    for (ours, theirs) in failed.iter().zip(&theirs) {
        let theirs = theirs.get("error").as_str().expect("text");
        assert_eq!(*ours.get("error"), theirs.replace("\"p-", "\"log-"));
        assert_eq!(ours.get("message"), ours.get("error"));
    }
    root.batch_execute("drop role \"log-bob\"")
        .await
        .expect("the end of the role");
}

#[tokio::test]
async fn the_record_says_whether_the_user_is_gone() {
    let pg = TestPg::shared();
    let logged = Logged::before(pg);
    let caller = Caller::auto("log-owner").with_role("drop").at("second");
    let first = caller.connect(&logged.service).await.expect("a session");
    // While another session is open nothing happens to the user, and nothing is said about it.
    logged
        .session(&caller, &["create temporary table t (i int)"])
        .await;
    pg.superuser()
        .await
        .batch_execute(
            "create table log_owned (i int); alter table log_owned owner to \"log-owner\"",
        )
        .await
        .expect("a table");
    first.close().await;
    let events = logged.events().await;
    let ends: Vec<_> = events
        .iter()
        .filter(|event| event.get("event") == "db.session.user.deactivate")
        .map(|event| (event.get("code").clone(), event.get("delete").clone()))
        .collect();
    assert_eq!(ends, [("TDB09I".into(), false.into())]);
    assert!(pg.user("log-owner").await.exists);
    pg.superuser()
        .await
        .batch_execute("drop table log_owned")
        .await
        .expect("no table");
}

#[tokio::test]
async fn refusals_by_roles_and_prepared_statements_are_recorded() {
    let pg = TestPg::shared();
    let logged = Logged::before(pg);
    let mut app = Caller::auto("log-app").with_role("app");
    app.db_user = "root".into();
    app.refused(&logged.service).await;
    app.db_user = "app".into();
    let open = app.connect(&logged.service).await.expect("a session");
    let row = open
        .client
        .query_typed_one(
            "select $1",
            &[(&"a text", tokio_postgres::types::Type::TEXT)],
        )
        .await
        .expect("a row");
    assert_eq!(row.get::<_, &str>(0), "a text");
    open.close().await;
    let events = logged.events().await;
    let codes: Vec<_> = events
        .iter()
        .map(|event| event.get("code").as_str().expect("text"))
        .collect();
    assert_eq!(
        codes,
        ["TDB00W", "TDB00I", "TPG00I", "TPG01I", "TPG02I", "TDB01I"]
    );
    assert_eq!(events[0].get("success"), false);
    assert_eq!(events[0].get("error"), events[0].get("message"));
    assert_eq!(events[2].get("query"), "select $1");
    // Sent in the binary format, which is written as base64.
    assert_eq!(events[3].get("parameters")[0], "YSB0ZXh0");
    assert_eq!(*events[1].get("db_roles"), Value::Null);
}

/// What could not be taken away is told, and not called a success; a user of another cluster is named as it is named here.
#[tokio::test]
async fn the_record_says_which_roles_stayed_and_who_took_part() {
    let pg = TestPg::shared();
    let logged = Logged::before(pg);
    let caller = Caller::auto("remote-log-alice-leaf");
    let open = caller.connect(&logged.service).await.expect("a session");
    pg.run(r#"GRANT auditor TO "remote-log-alice-leaf""#).await;
    open.close().await;
    let stays = pg.has_grantors().await;
    let events = logged.events().await;
    let of = |name: &str| {
        events
            .iter()
            .find(|event| event.get("event") == name)
            .expect("an event")
    };
    let end = of("db.session.user.deactivate");
    assert_eq!(end.get("success"), !stays);
    assert_eq!(end.get("code"), if stays { "TDB09W" } else { "TDB09I" });
    assert_eq!(
        end.get("error")
            .as_str()
            .is_some_and(|error| error.contains("auditor")),
        stays
    );
    assert_eq!(
        *of("db.session.end").get("participants"),
        serde_json::json!(["remote-log-alice-leaf"])
    );
}
