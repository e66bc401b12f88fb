//! A cluster in this process whose databases are Redshift, beside the stand-in for it.

use std::collections::HashMap;
use std::sync::Arc;

use postern::cluster::aws::{Aws, StaticEnv};
use postern::cluster::documents::Documents;
use postern::cluster::lockout::Rate;
use postern::cluster::server::{RunningServer, Server, ServerOptions};
use postern::identity::{Identity, RouteToDatabase};
use tokio_postgres::{Client, NoTls};

use super::redshift_gateway::{CLUSTER, REGION, RedshiftGateway};

/// A running cluster.
pub(crate) struct Warehouse {
    runtime: tokio::runtime::Runtime,
    server: Option<RunningServer>,
    /// Its state directory.
    pub(crate) dir: tempfile::TempDir,
    pub(crate) gateway: &'static RedshiftGateway,
}

/// What a database's document needs to lead to the stand-in.
pub(crate) fn way_to(gateway: &RedshiftGateway) -> String {
    let ca = gateway.ca_pem.replace('\n', "\n      ");
    format!(
        "  uri: localhost:{}\n  tls:\n    ca_cert: |\n      {ca}\n  aws:\n    region: {REGION}\n    redshift:\n      cluster_id: {CLUSTER}\n",
        gateway.port
    )
}

impl Warehouse {
    /// Starts one named `cluster` with these documents.
    pub(crate) fn start(cluster: &str, documents: &str) -> Self {
        let gateway = RedshiftGateway::shared();
        let dir = tempfile::Builder::new()
            .prefix("pw")
            .tempdir()
            .expect("a directory");
        let documents_dir = dir.path().join("documents");
        std::fs::create_dir(&documents_dir).expect("a directory");
        std::fs::write(documents_dir.join("all.yaml"), documents).expect("a file");
        let mut warehouse = Self {
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
            server: None,
            dir,
            gateway,
        };
        warehouse.start_again(cluster);
        warehouse
    }

    /// Starts the cluster on the directory of the former one.
    pub(crate) fn start_again(&mut self, cluster: &str) {
        let envs = [
            ("AWS_ENDPOINT_URL", self.gateway.api.as_str()),
            ("AWS_ACCESS_KEY_ID", "AKIATEST"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        let env = StaticEnv {
            home_dir: None,
            envs: HashMap::from(envs.map(|(name, value)| (name.to_owned(), value.to_owned()))),
        };
        let mut options = ServerOptions::new(cluster, self.dir.path().join("state"));
        // One-time codes are another test's matter.
        options.second_factor = false;
        options.passwords = Some(Arc::new(Aws::new(env)));
        options.login_rate = Rate {
            burst: 100_000,
            ..Rate::default()
        };
        let documents =
            Documents::load(&self.dir.path().join("documents")).expect("valid documents");
        let server = self.runtime.block_on(async {
            let server = Server::prepare(options).await.expect("a server");
            server.start(documents).await.expect("a server")
        });
        self.server = Some(server);
    }

    fn server(&self) -> &RunningServer {
        self.server.as_ref().expect("it runs")
    }

    /// Stops the cluster as SIGTERM does.
    pub(crate) fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            drop(self.runtime.block_on(server.stop()));
        }
    }

    /// The audit log's events of this kind, the oldest first.
    pub(crate) fn audit(&self, event: &str) -> Vec<serde_json::Value> {
        let text =
            std::fs::read_to_string(self.dir.path().join("state/audit.jsonl")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a JSON line"))
            .filter(|line| line["event"] == event)
            .collect()
    }

    /// Opens a session past the port, as `user` with these Teleport roles and values of the trait `db_roles`.
    pub(crate) fn connect(&self, caller: &Caller<'_>) -> Result<Session, Refused> {
        let account = caller.account.unwrap_or(caller.user);
        let identity = Identity {
            username: caller.user.into(),
            roles: vec![caller.role.into()],
            usage: vec!["usage:db".into()],
            teleport_cluster: self.server().state().name().into(),
            traits: [("db_roles".to_owned(), owned(caller.allowed))].into(),
            route_to_database: Some(RouteToDatabase {
                service_name: caller.database.into(),
                protocol: "postgres".into(),
                username: account.into(),
                database: "dev".into(),
                roles: owned(caller.requested),
            }),
            ..Identity::default()
        };
        let service = Arc::clone(self.server().databases());
        let (near, far) = tokio::io::duplex(64 * 1024);
        let until = time::OffsetDateTime::now_utc().unix_timestamp() + 3600;
        self.runtime.spawn(async move {
            service
                .serve_tunnel(far, identity, until, ([127, 0, 0, 1], 9).into())
                .await;
        });
        let mut config = tokio_postgres::Config::new();
        config.user(account).dbname("dev");
        let opened = self.runtime.block_on(config.connect_raw(near, NoTls));
        let (client, connection) = opened.map_err(|error| {
            let error = error
                .as_db_error()
                .unwrap_or_else(|| panic!("no ErrorResponse: {error:?}"));
            Refused {
                code: error.code().code().into(),
                message: error.message().into(),
                hint: error.hint().unwrap_or_default().into(),
            }
        })?;
        Ok(Session {
            client,
            connection: self.runtime.spawn(async move { drop(connection.await) }),
            handle: self.runtime.handle().clone(),
        })
    }

    /// Waits until a user of the stand-in is in this state.
    pub(crate) fn until(&self, user: &str, state: &str) {
        self.gateway.until(user, state);
    }
}

impl Drop for Warehouse {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop();
        }
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

/// Who wants what.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) user: &'a str,
    /// Database user, if it is another one.
    pub(crate) account: Option<&'a str>,
    /// Teleport role.
    pub(crate) role: &'a str,
    /// Database resource.
    pub(crate) database: &'a str,
    /// Values of the trait `db_roles`.
    pub(crate) allowed: &'a [&'a str],
    /// `--db-roles`.
    pub(crate) requested: &'a [&'a str],
}

/// An ErrorResponse.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) hint: String,
}

/// An open session.
pub(crate) struct Session {
    client: Client,
    connection: tokio::task::JoinHandle<()>,
    handle: tokio::runtime::Handle,
}

impl Session {
    /// The first column of the first row.
    pub(crate) fn ask(&self, sql: &str) -> Result<String, String> {
        let rows = self
            .handle
            .block_on(self.client.simple_query(sql))
            .map_err(|error| {
                error
                    .as_db_error()
                    .map_or_else(|| error.to_string(), ToString::to_string)
            })?;
        let first = rows.iter().find_map(|row| match row {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(ToOwned::to_owned),
            _ => None,
        });
        Ok(first.unwrap_or_default())
    }

    /// Takes leave and waits until the service has closed.
    pub(crate) fn close(self) {
        drop(self.client);
        self.handle.block_on(self.connection).expect("no panic");
    }

    /// Vanishes without a word.
    pub(crate) fn kill(self) {
        self.connection.abort();
    }
}
