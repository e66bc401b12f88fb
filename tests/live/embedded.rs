//! An embedded cluster in this process, with any documents and without PostgreSQL.

use std::path::Path;

use postern::cluster::documents::Documents;
use postern::cluster::server::{RunningServer, Server, ServerOptions};
use postern::cluster::users;
use tokio::runtime::Runtime;

/// The password of every user.
pub(super) const PASSWORD: &str = "correct horse battery";

/// A running cluster that asks for passwords only.
pub(super) struct Embedded {
    /// `host:port` of the cluster.
    pub(super) proxy: String,
    /// PEM file of the authority behind its web certificate.
    pub(super) ca_file: String,
    running: Option<RunningServer>,
    runtime: Runtime,
    directory: tempfile::TempDir,
}

impl Embedded {
    /// Starts one with `documents`, YAML; `users` of them can log in.
    pub(super) fn start(name: &str, documents: &str, users: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("documents");
        std::fs::create_dir(&path).expect("a directory");
        std::fs::write(path.join("all.yaml"), documents).expect("a file");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let mut options = ServerOptions::new(name, directory.path().join("state"));
        options.second_factor = false;
        options.audit = None;
        options.login_rate.burst = 100_000;
        let running = runtime.block_on(async {
            let server = Server::prepare(options).await.expect("a cluster");
            for user in users {
                users::set_password(server.store(), user, PASSWORD).expect("a credential");
            }
            let documents = Documents::load(&path).expect("valid documents");
            server.start(documents).await.expect("a start")
        });
        Self {
            proxy: running.state().public_addr().to_owned(),
            ca_file: running.ca_file.to_str().expect("a plain path").to_owned(),
            running: Some(running),
            runtime,
            directory,
        }
    }

    /// A directory that is gone with the cluster.
    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            drop(self.runtime.block_on(running.stop()));
        }
    }
}
