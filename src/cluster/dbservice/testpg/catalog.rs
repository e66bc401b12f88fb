//! The cluster's side: databases, roles, authorities.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::{TestPg, now};
use crate::cluster::ca::{Authority, CaKind};
use crate::cluster::dbservice::{AuthzError, Catalog, DbService, Limits, Passwords};
use crate::cluster::locks::Lock;
use crate::cluster::store::Store;
use crate::identity::Identity;
use crate::rbac::{AccessChecker, Database, Role};

/// Roles and databases as a cluster keeps them.
pub(in crate::cluster::dbservice) struct TestCatalog {
    db: Arc<Authority>,
    db_client: Arc<Authority>,
    databases: BTreeMap<String, Database>,
    roles: BTreeMap<String, Role>,
    pub(in crate::cluster::dbservice) warnings: Mutex<Vec<String>>,
    locks: Mutex<Vec<Lock>>,
    limits: Mutex<Limits>,
    changes: watch::Sender<u64>,
    store: Option<Arc<Store>>,
    passwords: Option<Arc<dyn Passwords>>,
}

impl TestCatalog {
    /// Databases in front of `pg`, `orders` above all, named after what is odd about the others.
    pub(in crate::cluster::dbservice) fn new(pg: &TestPg) -> Self {
        let admin = json!({"name": "teleport-admin", "default_database": "postgres"});
        let at = |host: &str| format!("{host}:{}", pg.port);
        let specs = [
            (
                "orders",
                json!({"uri": at("localhost"), "admin_user": admin}),
            ),
            (
                "second",
                json!({"uri": at("127.0.0.1"), "admin_user": admin}),
            ),
            (
                "nodefault",
                json!({"uri": at("localhost"), "admin_user": {"name": "teleport-admin"}}),
            ),
            (
                "by-super",
                json!({"uri": at("localhost"),
                       "admin_user": {"name": "super-admin", "default_database": "postgres"}}),
            ),
            ("no-admin", json!({"uri": at("localhost")})),
            (
                "no-such-admin",
                json!({"uri": at("localhost"),
                                     "admin_user": {"name": "no-such-admin", "default_database": "postgres"}}),
            ),
            (
                "weak-admin",
                json!({"uri": at("localhost"),
                                  "admin_user": {"name": "weak-admin", "default_database": "postgres"}}),
            ),
            ("dead", json!({"uri": "localhost:1", "admin_user": admin})),
            ("no-host", json!({"uri": "no-such-host.invalid:5432"})),
            (
                "other-name",
                json!({"uri": at("localhost"), "tls": {"server_name": "wrong.example.com"}}),
            ),
            (
                "insecure",
                json!({"uri": at("localhost"), "tls": {"mode": "insecure"}}),
            ),
            (
                "verify-ca",
                json!({"uri": at("localhost"), "tls": {"mode": "verify-ca", "server_name": "wrong.example.com"}}),
            ),
        ];
        let databases = specs.into_iter().map(|(name, mut spec)| {
            spec["protocol"] = "postgres".into();
            let document =
                json!({"kind": "db", "version": "v3", "metadata": {"name": name}, "spec": spec});
            (
                name.to_owned(),
                Database::from_document(&document).expect("a database"),
            )
        });
        Self {
            db: Arc::clone(&pg.db),
            db_client: Arc::clone(&pg.db_client),
            databases: databases.collect(),
            roles: BTreeMap::new(),
            warnings: Mutex::default(),
            locks: Mutex::default(),
            limits: Mutex::default(),
            changes: watch::Sender::new(0),
            store: None,
            passwords: None,
        }
    }
}

impl TestCatalog {
    /// One of the databases alone.
    pub(in crate::cluster::dbservice) fn only(mut self, name: &str) -> Self {
        self.databases.retain(|other, _| other == name);
        self
    }

    /// With one more database; `labels` are its static ones.
    pub(in crate::cluster::dbservice) fn with_database(
        mut self,
        name: &str,
        labels: &Value,
        mut spec: Value,
    ) -> Self {
        spec["protocol"] = "postgres".into();
        let metadata = json!({"name": name, "labels": labels});
        let document = json!({"kind": "db", "version": "v3", "metadata": metadata, "spec": spec});
        let database = Database::from_document(&document).expect("a database");
        self.databases.insert(name.into(), database);
        self
    }

    /// With one more role.
    pub(in crate::cluster::dbservice) fn with_role(
        mut self,
        name: &str,
        version: &str,
        spec: &Value,
    ) -> Self {
        let document =
            json!({"kind": "role", "version": version, "metadata": {"name": name}, "spec": spec});
        let role = Role::from_document(&document).expect("a role");
        self.roles.insert(name.into(), role);
        self
    }

    /// A service with this catalogue.
    pub(in crate::cluster::dbservice) fn service(self) -> Arc<DbService> {
        DbService::new(Arc::new(self))
    }

    /// With a state file.
    pub(in crate::cluster::dbservice) fn with_store(mut self, store: &Arc<Store>) -> Self {
        self.store = Some(Arc::clone(store));
        self
    }

    /// With one more database, and somebody who has the passwords of such.
    pub(in crate::cluster::dbservice) fn with_cloud(
        mut self,
        database: Database,
        passwords: &Arc<dyn Passwords>,
    ) -> Self {
        self.databases.insert(database.name.clone(), database);
        self.passwords = Some(Arc::clone(passwords));
        self
    }

    /// No database at all.
    pub(in crate::cluster::dbservice) fn without_databases(mut self) -> Self {
        self.databases.clear();
        self
    }

    /// With limits for every session.
    pub(in crate::cluster::dbservice) fn with_limits(self, limits: Limits) -> Self {
        *self.limits.lock().expect("not poisoned") = limits;
        self
    }

    /// Puts a lock into force.
    pub(in crate::cluster::dbservice) fn lock(&self, lock: Lock) {
        self.locks.lock().expect("not poisoned").push(lock);
        self.changes.send_modify(|n| *n += 1);
    }

    /// Certificates and trust of another cluster.
    pub(in crate::cluster::dbservice) fn with_other_authorities(mut self) -> Self {
        self.db =
            Arc::new(Authority::generate(CaKind::Db, "other", now() - 60).expect("an authority"));
        self.db_client = Arc::new(
            Authority::generate(CaKind::DbClient, "other", now() - 60).expect("an authority"),
        );
        self
    }
}

/// The roles users may have: `auto` (keep), `drop` (best effort), `strict` (keep, and the session ends with its
/// certificate), `app` (the shared account).
fn role(name: &str) -> Value {
    let labels = json!({"*": "*"});
    let spec = match name {
        "app" => json!({"allow": {"db_labels": labels, "db_names": ["postgres", "missing"],
                                  "db_users": ["app", "nouser"]}}),
        mode => json!({
            "options": {"create_db_user_mode": if mode == "drop" { "best_effort_drop" } else { "keep" },
                        "disconnect_expired_cert": mode == "strict"},
            "allow": {"db_labels": labels, "db_names": ["*"], "db_roles": ["{{internal.db_roles}}"]}
        }),
    };
    json!({"kind": "role", "version": "v7", "metadata": {"name": name}, "spec": spec})
}

impl Catalog for TestCatalog {
    fn cluster_name(&self) -> String {
        "root".into()
    }

    fn database(&self, name: &str) -> Option<Database> {
        self.databases.get(name).cloned()
    }

    fn databases(&self) -> Vec<Database> {
        self.databases.values().cloned().collect()
    }

    fn checker(&self, identity: &Identity) -> Result<AccessChecker, AuthzError> {
        let roles = identity
            .roles
            .iter()
            .map(|name| match self.roles.get(name) {
                Some(role) => role.clone(),
                None => Role::from_document(&role(name)).expect("a role"),
            })
            .collect();
        AccessChecker::new(&identity.username, false, roles, &identity.traits).map_err(|error| {
            AuthzError {
                message: error.to_string(),
                hint: None,
            }
        })
    }

    fn db_client_authority(&self) -> Arc<Authority> {
        Arc::clone(&self.db_client)
    }

    fn db_trust(&self) -> Vec<Vec<u8>> {
        vec![self.db.cert_der().to_vec()]
    }

    fn lock_on(&self, identity: &Identity) -> Option<Lock> {
        let locks = self.locks.lock().expect("not poisoned");
        crate::cluster::locks::first_hit(locks.iter(), &identity.into(), now())
    }

    fn limits(&self) -> Limits {
        *self.limits.lock().expect("not poisoned")
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn store(&self) -> Option<Arc<Store>> {
        self.store.clone()
    }

    fn now(&self) -> i64 {
        now()
    }

    fn passwords(&self) -> Option<Arc<dyn Passwords>> {
        self.passwords.clone()
    }

    fn warn(&self, line: &str) {
        self.warnings
            .lock()
            .expect("not poisoned")
            .push(line.into());
    }
}

/// A service in front of `pg`.
pub(in crate::cluster::dbservice) fn service(pg: &TestPg) -> Arc<DbService> {
    DbService::new(Arc::new(TestCatalog::new(pg)))
}
