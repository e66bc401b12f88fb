//! A stand-in for an Amazon Redshift cluster: Redshift's wire, login and statements in front of a real PostgreSQL, and moto
//! as the API that issues passwords (db-service.md 6).
//!
//! | file | holds |
//! |---|---|
//! | `statements` | the table of Redshift's statements; what is not in it is refused |
//! | `catalogue.sql` | Redshift's system views |
//! | `session` | one connection |
//! | `api` | the door to moto, where issued passwords are noted |
//!
//! What it does not show: the isolation and locks of Redshift's system tables, two namespaces for users and roles, the
//! leader node's limits. docs/redshift.md lists how to see those on a real cluster.

mod api;
mod moto;
mod session;
mod statements;
mod tokens;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use postern::cluster::ca::{Authority, CaKind, LOOPBACK_HOSTS};
use postern::cluster::postgres::find::Programs;
use postern::cluster::postgres::place::Place;
use postern::cluster::postgres::server::{Server, Tls};
use postern::cluster::store::Store;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::psql::psql;
use super::wait_for;

/// The cluster's identifier in AWS.
pub(crate) const CLUSTER: &str = "warehouse";
/// Its region.
pub(crate) const REGION: &str = "eu-central-1";
/// Password of `awsuser`, the cluster's first user.
pub(crate) const MASTER_PASSWORD: &str = "Master-User-1";

/// A running stand-in, shared by all tests of the process.
pub(crate) struct RedshiftGateway {
    /// Port on localhost.
    pub(crate) port: u16,
    /// PEM of the authority that signed its certificate.
    pub(crate) ca_pem: String,
    /// What `AWS_ENDPOINT_URL_REDSHIFT` must be.
    pub(crate) api: String,
    shared: Arc<Shared>,
}

struct Shared {
    server: Server,
    tls: TlsAcceptor,
    http: reqwest::Client,
    moto: String,
    log: Mutex<Log>,
    /// Held while a role's attribute follows its grants: PostgreSQL refuses two changes of one role at a time.
    mirroring: tokio::sync::Mutex<()>,
}

/// What happened.
#[derive(Default)]
struct Log {
    /// Login names and passwords, the oldest first.
    issued: Vec<(String, String)>,
    /// Bodies of requests to the API, and the access keys that signed them.
    asked: Vec<(String, String)>,
    /// Who said which statement.
    statements: Vec<(String, String)>,
    /// Why statements were refused.
    refused: Vec<String>,
    /// Whom the API gives no password, and what it answers instead.
    refusal: Option<(String, String)>,
}

impl Shared {
    fn note<T>(&self, look: impl FnOnce(&mut Log) -> T) -> T {
        look(&mut self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn knows(&self, login: &str, password: &str) -> bool {
        (login, password) == ("awsuser", MASTER_PASSWORD)
            || self.note(|log| {
                log.issued
                    .iter()
                    .any(|(l, p)| (l.as_str(), p.as_str()) == (login, password))
            })
    }

    /// PostgreSQL's roles hand no attributes on: who holds `sys:superuser` is made a superuser at login.
    async fn mirror_superuser(&self, user: &str) {
        let _alone = self.mirroring.lock().await;
        let root = self.server.connect("dev").await.expect("a superuser");
        let holds = root
            .query_opt(
                "SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = $1 AND r.rolname <> 'awsuser' AND r.rolsuper <> \
                 EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles s ON s.oid = m.roleid WHERE m.member = r.oid \
                 AND s.rolname = 'sys:superuser')",
                &[&user],
            )
            .await
            .expect("a query");
        if let Some(row) = holds {
            let word = if row.get::<_, bool>(0) {
                "NOSUPERUSER"
            } else {
                "SUPERUSER"
            };
            let name = user.replace('"', "\"\"");
            root.batch_execute(&format!("ALTER USER \"{name}\" {word}"))
                .await
                .expect("a change");
        }
    }
}

impl RedshiftGateway {
    /// The one all tests of this process use.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<RedshiftGateway> = OnceLock::new();
        SHARED.get_or_init(|| {
            let (send, receive) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                // The runtime, and with it the server, lives as long as the process.
                let runtime = tokio::runtime::Runtime::new().expect("a runtime");
                send.send(runtime.block_on(Self::start()))
                    .expect("somebody waits");
                runtime.block_on(std::future::pending::<()>());
            });
            receive.recv().expect("a gateway")
        })
    }

    async fn start() -> Self {
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        let authority =
            Authority::generate(CaKind::Db, "redshift gateway", now - 60).expect("an authority");
        let certificate = authority
            .issue_db_server(&LOOPBACK_HOSTS, now - 60, now + 86_400)
            .expect("a certificate");
        let server = postgres(&authority, now).await;
        let root = server.connect("postgres").await.expect("a superuser");
        root.batch_execute("CREATE DATABASE dev")
            .await
            .expect("a database");
        let root = server.connect("dev").await.expect("a superuser");
        root.batch_execute(include_str!("catalogue.sql"))
            .await
            .expect("the catalogue");

        let chain = CertificateDer::pem_slice_iter(certificate.cert_pem().as_bytes())
            .map(|certificate| certificate.expect("a certificate"))
            .collect();
        let key = PrivateKeyDer::from_pem_slice(certificate.key_pem().as_bytes()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a usable certificate");
        let moto = tokio::task::spawn_blocking(moto::start)
            .await
            .expect("moto");
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(
                rustls::ClientConfig::builder_with_provider(Arc::new(
                    rustls::crypto::ring::default_provider(),
                ))
                .with_safe_default_protocol_versions()
                .expect("versions")
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth(),
            )
            .no_proxy()
            .build()
            .expect("a client");
        moto::create_cluster(&http, &moto).await;
        let shared = Arc::new(Shared {
            server,
            tls: TlsAcceptor::from(Arc::new(tls)),
            http,
            moto,
            log: Mutex::default(),
            mirroring: tokio::sync::Mutex::default(),
        });
        let door = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a listener");
        let api = format!("http://{}", door.local_addr().expect("an address"));
        tokio::spawn(api::serve(door, Arc::clone(&shared)));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a listener");
        let port = listener.local_addr().expect("an address").port();
        let accepting = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let shared = Arc::clone(&accepting);
                // Ends with its client, whatever way.
                tokio::spawn(async move { drop(session::serve(tcp, shared).await) });
            }
        });
        Self {
            port,
            ca_pem: authority.cert_pem().to_owned(),
            api,
            shared,
        }
    }

    /// Runs statements in the database `dev` as the cluster's first user, through the front door; rows unaligned.
    pub(crate) fn master(&self, sql: &str) -> String {
        let ca = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(ca.path(), &self.ca_pem).expect("a file");
        let target = format!(
            "host=localhost port={} user=awsuser dbname=dev sslmode=verify-full sslrootcert={}",
            self.port,
            ca.path().display()
        );
        let connection = |psql: &mut std::process::Command| {
            psql.args(["-d", &target])
                .env("PGPASSWORD", MASTER_PASSWORD);
        };
        psql(connection, sql)
    }

    /// The state of a user: connection limit and roles, `UNLIMITED|reader,teleport-auto-user`; empty when there is none.
    pub(crate) fn user(&self, name: &str) -> String {
        let name = name.replace('\'', "''");
        let limit = self.master(&format!(
            "SELECT useconnlimit FROM pg_user_info WHERE usename = '{name}'"
        ));
        if limit.is_empty() {
            return limit;
        }
        let roles = self.master(&format!(
            "SELECT role_name FROM svv_user_grants WHERE user_name = '{name}' ORDER BY role_name"
        ));
        format!("{limit}|{}", roles.replace('\n', ","))
    }

    /// Waits until a user is in this state.
    pub(crate) fn until(&self, name: &str, state: &str) {
        wait_for(&format!("{name}: {state}"), Duration::from_secs(30), || {
            (self.user(name) == state).then_some(())
        });
    }

    /// Number of open sessions of a user.
    pub(crate) fn sessions(&self, name: &str) -> usize {
        let rows = self.master(&format!(
            "SELECT process FROM stv_sessions WHERE trim(user_name) = 'IAM:{}'",
            name.replace('\'', "''")
        ));
        rows.lines().count()
    }

    /// Statements of a user so far, in Redshift's words.
    pub(crate) fn statements(&self, login: &str) -> Vec<String> {
        self.shared.note(|log| {
            let of = log.statements.iter().filter(|(who, _)| who == login);
            of.map(|(_, statement)| statement.clone()).collect()
        })
    }

    /// Statements that were refused so far, with the reason.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.shared.note(|log| log.refused.clone())
    }

    /// Requests to the API so far that name this database user.
    pub(crate) fn asked_for(&self, user: &str) -> Vec<String> {
        let pattern = format!("&DbUser={}&", user.replace('@', "%40").replace('+', "%2B"));
        self.shared.note(|log| {
            let of = log.asked.iter().filter(|(body, _)| body.contains(&pattern));
            of.map(|(body, _)| body.clone()).collect()
        })
    }

    /// The access keys that signed the requests for this database user's password.
    pub(crate) fn signed_by(&self, user: &str) -> Vec<String> {
        let pattern = format!("&DbUser={user}&");
        self.shared.note(|log| {
            let of = log.asked.iter().filter(|(body, _)| body.contains(&pattern));
            of.map(|(_, key)| key.clone()).collect()
        })
    }

    /// Makes the API answer this (HTTP 403) when it is asked for this user's password, or again what it should.
    pub(crate) fn refuse(&self, refusal: Option<(&str, &str)>) {
        let refusal = refusal.map(|(user, answer)| (format!("&DbUser={user}&"), answer.to_owned()));
        self.shared.note(|log| log.refusal = refusal);
    }

    /// Makes every password issued so far invalid.
    pub(crate) fn expire_passwords(&self) {
        self.shared.note(|log| log.issued.clear());
    }
}

/// PostgreSQL on a socket of its own.
async fn postgres(authority: &Authority, now: i64) -> Server {
    let state = tempfile::Builder::new()
        .prefix("prs")
        .tempdir()
        .expect("a directory")
        .keep();
    let store = Store::open(&state.join("state.db")).expect("a store");
    let place = Place::prepare(&state, &store).expect("a place");
    let certificate = authority
        .issue_db_server(&LOOPBACK_HOSTS, now - 60, now + 86_400)
        .expect("a certificate");
    let tls = Tls {
        certificate: certificate.cert_pem(),
        key: certificate.key_pem().to_string(),
        client_authority: authority.cert_pem().to_owned(),
    };
    let programs = Programs::find_here().expect("PostgreSQL is installed where tests run");
    Server::start(&programs, &place, &tls, moto::free_port())
        .await
        .expect("a server")
}
