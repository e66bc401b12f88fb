//! A cluster without a port and without PostgreSQL, for the tests of its parts.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use super::documents::Documents;
use super::lockout::Rate;
use super::state::{ClusterState, Setup};
use super::store::Store;
use super::totp::Key;
use super::users;

/// 2026-11-23T07:30:51Z, when the recorded base certificate of alice was issued.
pub(crate) const LOGIN: i64 = 1_795_419_051;
/// The password of every user, as in the recordings.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// The documents of the recorded cluster.
pub(crate) const DOCUMENTS: &str = r#"
{kind: role, version: v7, metadata: {name: auto-keep}, spec: {options: {create_db_user_mode: keep}, allow: {db_labels: {mode: keep},
  db_names: ["*"], db_roles: [reader, "{{internal.db_roles}}", "{{external.db_roles}}"]}, deny: {}}}
---
{kind: role, version: v7, metadata: {name: auto-drop}, spec: {options: {create_db_user_mode: best_effort_drop},
  allow: {db_labels: {mode: drop}, db_names: ["*"], db_roles: [reader, writer]}, deny: {}}}
---
{kind: role, version: v7, metadata: {name: plain}, spec: {options: {}, allow: {db_labels: {mode: plain}, db_names: [postgres, app],
  db_users: [app, "{{internal.db_users}}"]}, deny: {}}}
---
{kind: role, version: v7, metadata: {name: mfa-db}, spec: {options: {require_session_mfa: true}, allow: {db_labels: {mode: mfa},
  db_names: ["*"], db_users: [app]}, deny: {}}}
---
{kind: role, version: v7, metadata: {name: bulk}, spec: {options: {}, allow: {db_labels: {bulk: "yes"}, db_names: ["*"], db_users: [app]}, deny: {}}}
---
{kind: role, version: v7, metadata: {name: denied}, spec: {options: {}, allow: {}, deny: {db_labels: {secret: "yes"}}}}
---
{kind: user, version: v2, metadata: {name: alice}, spec: {roles: [bulk, plain, denied, auto-drop, auto-keep],
  traits: {db_roles: [writer], db_users: [postgres]}}}
---
{kind: user, version: v2, metadata: {name: bob}, spec: {roles: [plain], traits: {}}}
---
{kind: user, version: v2, metadata: {name: carol}, spec: {roles: [auto-keep, mfa-db, access], traits: {db_roles: [reader, owner]}}}
---
{kind: db, version: v3, metadata: {name: app, description: shared account, labels: {teleport.dev/origin: config-file, mode: plain, env: prod}},
  spec: {protocol: postgres, uri: "localhost:5440"}}
---
{kind: db, version: v3, metadata: {name: dead, labels: {teleport.dev/origin: config-file, mode: plain}},
  spec: {protocol: postgres, uri: "localhost:5999"}}
---
{kind: db, version: v3, metadata: {name: orders, description: "orders, kept users", labels: {teleport.dev/origin: config-file, mode: keep, env: dev}},
  spec: {protocol: postgres, uri: "localhost:5440", admin_user: {name: teleport-admin, default_database: postgres}}}
---
{kind: db, version: v3, metadata: {name: scratch, description: dropped users, labels: {teleport.dev/origin: config-file, mode: drop, env: dev}},
  spec: {protocol: postgres, uri: "localhost:5440", admin_user: {name: teleport-admin}}}
---
{kind: db, version: v3, metadata: {name: secret, labels: {teleport.dev/origin: config-file, mode: plain, secret: "yes"}},
  spec: {protocol: postgres, uri: "localhost:5440"}}
---
{kind: db, version: v3, metadata: {name: vault, description: needs MFA, labels: {teleport.dev/origin: config-file, mode: mfa, env: prod}},
  spec: {protocol: postgres, uri: "localhost:5440"}}
"#;

/// The cluster and what it stands on.
pub(crate) struct TestCluster {
    pub(crate) state: Arc<ClusterState>,
    now_ms: Arc<AtomicI64>,
    reports: Arc<Mutex<Vec<String>>>,
    _dir: tempfile::TempDir,
}

impl TestCluster {
    /// A cluster named `name` with `documents`, and with a password for each of `users`.
    pub(crate) fn new(name: &str, documents: &str, users: &[&str], second_factor: bool) -> Self {
        Self::at(name, documents, users, second_factor, LOGIN)
    }

    /// A cluster of the recording's name that hands what it reports to `report`.
    pub(crate) fn reporting(documents: &str, report: super::ui::Report) -> Self {
        Self::with("root", documents, &[], true, LOGIN, report)
    }

    /// The same at a time of its own, unix seconds.
    pub(crate) fn at(
        name: &str,
        documents: &str,
        users: &[&str],
        second_factor: bool,
        now: i64,
    ) -> Self {
        Self::with(name, documents, users, second_factor, now, Arc::new(|_| ()))
    }

    fn with(
        name: &str,
        documents: &str,
        users: &[&str],
        second_factor: bool,
        now: i64,
        report: super::ui::Report,
    ) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Arc::new(Store::open(&dir.path().join("state.db")).expect("a store"));
        for user in users {
            users::set_password(&store, user, PASSWORD).expect("a credential");
        }
        let path: PathBuf = dir.path().join("documents");
        std::fs::create_dir(&path).expect("a directory");
        std::fs::write(path.join("all.yaml"), documents).expect("a file");
        let now_ms = Arc::new(AtomicI64::new(now * 1000));
        let clock = Arc::clone(&now_ms);
        let reports = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&reports);
        let setup = Setup {
            name: name.to_owned(),
            listen: ([127, 0, 0, 1], 3180).into(),
            public_addr: "proxy.root.test:3181".to_owned(),
            documents: Documents::load(&path).expect("valid documents"),
            second_factor,
            login_rate: Rate::default(),
            web_certificate: None,
            clock: Arc::new(move || clock.load(Ordering::Relaxed)),
            passwords: None,
            report: Arc::new(move |line| {
                told.lock().expect("no panic").push(line.to_owned());
                report(line);
            }),
        };
        Self {
            state: ClusterState::open(setup, store).expect("a cluster"),
            now_ms,
            reports,
            _dir: dir,
        }
    }

    /// Lets time pass.
    pub(crate) fn advance_ms(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Gives what the cluster told whoever runs it, so far.
    pub(crate) fn reports(&self) -> impl Fn() -> Vec<String> + use<> {
        let reports = Arc::clone(&self.reports);
        move || reports.lock().expect("no panic").clone()
    }

    /// The one-time code of `user` that is current now.
    pub(crate) fn code(&self, user: &str) -> String {
        let credential = self
            .state
            .store()
            .credential(user)
            .expect("a query")
            .expect("a credential");
        Key::parse(&credential.totp_key)
            .map(|key| key.code(self.state.now()))
            .unwrap_or_default()
    }
}

/// Documents as a file would hold them.
pub(crate) fn documents(text: &str) -> Documents {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("all.yaml"), text).expect("a file");
    Documents::load(dir.path()).expect("valid documents")
}

/// A recorded file below `tests/data`.
pub(crate) fn recorded(path: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(path);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The same as JSON.
pub(crate) fn recorded_json(path: &str) -> serde_json::Value {
    serde_json::from_slice(&recorded(path)).expect("JSON")
}

/// Checks that a session ended in order. The server closes as soon as it has read the farewell, as PostgreSQL does, so that
/// the last bytes of the client's TLS may find nobody.
pub(crate) fn assert_clean_end(end: Result<(), tokio_postgres::Error>) {
    use std::error::Error as _;
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
    let Err(error) = end else { return };
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    let gone = |io: &std::io::Error| matches!(io.kind(), BrokenPipe | ConnectionReset);
    assert!(cause.is_some_and(gone), "not a clean end: {error:?}");
}
