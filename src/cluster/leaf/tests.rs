//! Two clusters on one machine, linked as two on two machines would be.

mod databases;
mod links;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::document::TrustedCluster;
use super::token;
use crate::cluster::ca::SubjectPublicKey;
use crate::cluster::dbservice::{Catalog, DbService};
use crate::cluster::issue::{self, Reissue};
use crate::cluster::mux::{Front, serve};
use crate::cluster::state::ClusterState;
use crate::cluster::testing::{DOCUMENTS, TestCluster};
use crate::identity::{Certificate, RouteToDatabase};
use crate::rbac::AccessChecker;

/// A cluster on a port of its own, at the real time.
struct Port {
    cluster: TestCluster,
    front: Arc<Front>,
    addr: SocketAddr,
    ca: tempfile::NamedTempFile,
    serving: JoinHandle<()>,
    linking: Option<JoinHandle<()>>,
}

impl Drop for Port {
    fn drop(&mut self) {
        self.serving.abort();
        self.unlink();
    }
}

impl Port {
    async fn new(name: &str) -> Self {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("a clock after 1970");
        let now = i64::try_from(since.as_secs()).expect("a time");
        let cluster = TestCluster::at(name, DOCUMENTS, &["alice"], true, now);
        let databases = DbService::new(cluster.state.clone() as Arc<dyn Catalog>);
        let front = Front::new(&cluster.state, databases).expect("a front");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let serving = tokio::spawn(serve(listener, Arc::clone(&front), std::future::pending()));
        let ca = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(ca.path(), cluster.state.authorities().web().cert_pem()).expect("a file");
        Self {
            cluster,
            front,
            addr,
            ca,
            serving,
            linking: None,
        }
    }

    fn state(&self) -> &Arc<ClusterState> {
        &self.cluster.state
    }

    fn token(&self) -> String {
        let (token, _) =
            token::add(self.state().store(), 600, self.state().now()).expect("a token");
        token.reveal().to_owned()
    }

    /// Keeps the links that the documents ask for, as a running server does.
    fn link(&mut self) {
        self.linking = Some(tokio::spawn(super::run_agent(Arc::clone(&self.front))));
    }

    /// As if the process were killed.
    fn unlink(&mut self) {
        if let Some(task) = self.linking.take() {
            task.abort();
        }
    }

    /// Puts `document` in place of every other one of its kind.
    fn trust(&self, document: Option<&Value>) {
        let mut documents = (*self.state().documents()).clone();
        documents.trusted_clusters = document
            .map(|d| TrustedCluster::from_document(d).expect("a valid document"))
            .into_iter()
            .map(|d| (d.name.clone(), d))
            .collect();
        self.state().replace_documents(documents);
    }

    fn online(&self, leaf: &str) -> bool {
        let all = self.state().leaves().all();
        all.iter().any(|l| l.name == leaf && l.online)
    }

    fn error(&self, root: &str) -> String {
        let statuses = self.state().trusts().statuses();
        statuses
            .get(root)
            .and_then(|s| s.error.clone())
            .unwrap_or_default()
    }

    /// A certificate of alice for a database of `cluster`, and its key.
    fn database_certificate(
        &self,
        cluster: &str,
        service: &str,
    ) -> (Certificate, PrivateKeyDer<'static>) {
        let state = self.state();
        let pair = rcgen::KeyPair::generate().expect("a key");
        let key = SubjectPublicKey::from_pem(pair.public_key_pem().as_bytes()).expect("a key");
        let base = issue::login(state, "alice", &key, 0, "127.0.0.1").expect("a certificate");
        let base = Certificate::from_der(&base).expect("a certificate");
        let roles = base
            .identity
            .roles
            .iter()
            .filter_map(|r| state.role(r))
            .collect();
        let checker =
            AccessChecker::new("alice", false, roles, &base.identity.traits).expect("a checker");
        let wish = Reissue {
            expires: state.now() + 600,
            route_to_cluster: cluster.to_owned(),
            database: Some(RouteToDatabase {
                service_name: service.to_owned(),
                protocol: "postgres".to_owned(),
                username: "app".to_owned(),
                ..RouteToDatabase::default()
            }),
            ..Reissue::default()
        };
        let der = issue::reissue(state, &base, &checker, &wish, "127.0.0.1")
            .and_then(|granted| granted.x509(state, &key))
            .expect("a certificate");
        (
            Certificate::from_der(&der).expect("a certificate"),
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pair.serialize_der())),
        )
    }
}

/// The document with which a cluster joins `root`.
fn document(root: &Port, token: &str) -> Value {
    let addr = root.addr.to_string();
    json!({"kind": "trusted_cluster", "version": "v2",
        "metadata": {"name": "root", "labels": {super::document::CA_FILE: root.ca.path().to_str()}},
        "spec": {"enabled": true, "token": token, "tunnel_addr": addr, "web_proxy_addr": addr,
            "role_map": [{"remote": "^(auto-keep|plain)$", "local": ["$1"]}]}})
}

/// A root and a leaf that are linked.
async fn linked() -> (Port, Port) {
    let (root, mut leaf) = (Port::new("root").await, Port::new("leaf").await);
    leaf.trust(Some(&document(&root, &root.token())));
    leaf.link();
    until("the leaf to be online", || root.online("leaf")).await;
    (root, leaf)
}

/// Waits until `ready`, ten seconds at most.
async fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !ready() {
        assert!(Instant::now() < end, "gave up waiting for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn web_roots(port: &Port) -> rustls::RootCertStore {
    let mut roots = rustls::RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(port.ca.path()).expect("a certificate");
    roots.add(ca).expect("an authority");
    roots
}
