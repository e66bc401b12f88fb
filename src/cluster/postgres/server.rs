//! Initialises, starts and stops the server.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::find::Programs;
use super::place::{Place, private_file};
use super::watchdog::Watchdog;
use super::{PostgresError, START, STOP, SUPERUSER, at};

/// What the server shows and trusts in TLS, all PEM (db-service.md 2.5).
pub struct Tls {
    /// Its certificate, issued by the cluster's `db` authority.
    pub certificate: String,
    /// The private key of the certificate.
    pub key: String,
    /// The `db_client` authority: whose certificates may log in as the user they name.
    pub client_authority: String,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("certificate", &self.certificate)
            .field("key", &"****")
            .finish_non_exhaustive()
    }
}

/// A running server. Dropped without [`Server::stop`], it is stopped in the background.
#[derive(Debug)]
pub struct Server {
    child: Child,
    watchdog: Watchdog,
    socket: PathBuf,
    port: u16,
}

/// Local connections come from whoever may enter the socket's directory; network ones need a certificate.
const HBA: &[u8] =
    b"local all all trust\nhostssl all all 127.0.0.1/32 cert\nhostssl all all ::1/128 cert\n";

impl Server {
    /// Initialises the data directory when there is none, starts the server on 127.0.0.1:`port` and the socket of `place`,
    /// and waits until it accepts connections. A server that a killed cluster left behind is stopped first.
    ///
    /// # Errors
    /// When a program fails or the server is not ready in time; the message carries its last log lines.
    pub async fn start(
        programs: &Programs,
        place: &Place,
        tls: &Tls,
        port: u16,
    ) -> Result<Self, PostgresError> {
        Self::start_with(programs, place, tls, port, &[]).await
    }

    /// The same with settings, `name=value`, that override its own.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn start_with(
        programs: &Programs,
        place: &Place,
        tls: &Tls,
        port: u16,
        overrides: &[&str],
    ) -> Result<Self, PostgresError> {
        initialise(programs, place).await?;
        stop_leftover(programs, place).await?;
        place.write(&place.data.join("pg_hba.conf"), HBA)?;
        place.write(&place.data.join("server.crt"), tls.certificate.as_bytes())?;
        place.write(&place.data.join("server.key"), tls.key.as_bytes())?;
        place.write(
            &place.data.join("client-authority.crt"),
            tls.client_authority.as_bytes(),
        )?;
        let log = place.data.with_file_name("server.log");
        let watchdog = Watchdog::start(programs, place)?;
        let mut command = Command::from(place.command(&programs.path("postgres")));
        command.arg("-D").arg(&place.data);
        for setting in settings(&place.socket, port) {
            command.arg("-c").arg(setting);
        }
        for setting in overrides {
            command.arg("-c").arg(setting);
        }
        let file = private_file(&log).map_err(at(&log))?;
        let child = command
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .map_err(|e| PostgresError::Program {
                program: programs.path("postgres").display().to_string(),
                message: e.to_string(),
            })?;
        let mut server = Self {
            child,
            watchdog,
            socket: place.socket.clone(),
            port,
        };
        server.ready(&log).await?;
        Ok(server)
    }

    /// The directory of the Unix socket: `psql -h`.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The port, of the network and in the name of the socket: `psql -p`.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Connects over the socket as the superuser. The connection ends when the client is dropped.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn connect(&self, database: &str) -> Result<tokio_postgres::Client, PostgresError> {
        connect(&self.socket, self.port, database)
            .await
            .map_err(|e| PostgresError::Server(describe(&e)))
    }

    /// Stops the server: fast (clients are disconnected), then at once, then by force.
    ///
    /// # Errors
    /// When it had to be killed.
    pub async fn stop(mut self) -> Result<(), PostgresError> {
        let mut clean = true;
        for (signal, patience) in [
            (Signal::INT, STOP),
            (Signal::QUIT, Duration::from_secs(5)),
            (Signal::KILL, Duration::from_secs(5)),
        ] {
            self.signal(signal);
            match tokio::time::timeout(patience, self.child.wait()).await {
                Ok(_) => {
                    let watchdog = self.watchdog;
                    // Waits for a shell that has only to end.
                    let _ = tokio::task::spawn_blocking(move || watchdog.dismiss()).await;
                    return if clean {
                        Ok(())
                    } else {
                        Err(PostgresError::Server(
                            "did not stop in time and was killed".to_owned(),
                        ))
                    };
                }
                Err(_) => clean = false,
            }
        }
        Err(PostgresError::Server("cannot be stopped".to_owned()))
    }

    fn signal(&self, signal: Signal) {
        let pid = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended just now, which is what the signal is for.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    async fn ready(&mut self, log: &Path) -> Result<(), PostgresError> {
        let deadline = Instant::now() + START;
        loop {
            let error = match connect(&self.socket, self.port, "postgres").await {
                Ok(_) => return Ok(()),
                Err(error) => describe(&error),
            };
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(PostgresError::Server(format!(
                    "ended while starting ({status}): {}",
                    tail(log)
                )));
            }
            if Instant::now() > deadline {
                return Err(PostgresError::Server(format!(
                    "not ready after {} s ({error}): {}",
                    START.as_secs(),
                    tail(log)
                )));
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
}

fn settings(socket: &Path, port: u16) -> Vec<String> {
    // A list of paths: quotes keep commas and spaces together.
    let socket = socket.to_string_lossy().replace('"', "\"\"");
    vec![
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        format!("unix_socket_directories=\"{socket}\""),
        "unix_socket_permissions=0700".to_owned(),
        "ssl=on".to_owned(),
        "ssl_cert_file=server.crt".to_owned(),
        "ssl_key_file=server.key".to_owned(),
        "ssl_ca_file=client-authority.crt".to_owned(),
        "max_connections=200".to_owned(),
        "logging_collector=off".to_owned(),
        "log_destination=stderr".to_owned(),
    ]
}

async fn initialise(programs: &Programs, place: &Place) -> Result<(), PostgresError> {
    if place.data.join("PG_VERSION").exists() {
        return Ok(());
    }
    // Under another name until complete, so that an interrupted start is simply done again.
    let fresh = place.data.with_file_name("data.new");
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh).map_err(at(&fresh))?;
    }
    std::fs::create_dir(&fresh).map_err(at(&fresh))?;
    place.give(&fresh)?;
    let program = programs.path("initdb");
    let mut command = Command::from(place.command(&program));
    command.arg("-D").arg(&fresh).args([
        "-U",
        SUPERUSER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    ]);
    run(command, &program).await?;
    std::fs::rename(&fresh, &place.data).map_err(at(&place.data))
}

/// Stops a server that still runs in the data directory; this process holds the state directory, so nobody else needs it.
async fn stop_leftover(programs: &Programs, place: &Place) -> Result<(), PostgresError> {
    let pid_file = place.data.join("postmaster.pid");
    let Ok(content) = std::fs::read_to_string(&pid_file) else {
        return Ok(());
    };
    let mut lines = content.lines();
    let pid = lines
        .next()
        .and_then(|line| line.trim().parse::<i32>().ok())
        .and_then(Pid::from_raw);
    let port = lines
        .nth(2)
        .and_then(|line| line.trim().parse::<u16>().ok());
    let answers = match port {
        Some(port) => {
            tokio::net::UnixStream::connect(place.socket.join(format!(".s.PGSQL.{port}")))
                .await
                .is_ok()
        }
        None => false,
    };
    if answers {
        let program = programs.path("pg_ctl");
        let mut command = Command::from(place.command(&program));
        command
            .arg("stop")
            .arg("-D")
            .arg(&place.data)
            .args(["-m", "fast", "-t", "20", "-s"]);
        return run(command, &program).await;
    }
    // The server itself clears a stale file, unless another process has got the number meanwhile.
    if pid.is_some_and(|pid| alive(pid) && !serves(pid, &place.data)) {
        std::fs::remove_file(&pid_file).map_err(at(&pid_file))?;
    }
    Ok(())
}

fn alive(pid: Pid) -> bool {
    !matches!(
        rustix::process::test_kill_process(pid),
        Err(rustix::io::Errno::SRCH)
    )
}

/// Whether the process works in the data directory, as every server process does. Unknown counts as yes.
fn serves(pid: Pid, data: &Path) -> bool {
    match std::fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero())) {
        Ok(directory) => directory == data,
        Err(_) => true,
    }
}

async fn run(mut command: Command, program: &Path) -> Result<(), PostgresError> {
    let failed = |message: String| PostgresError::Program {
        program: program.display().to_string(),
        message,
    };
    let output = command
        .kill_on_drop(true)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| failed(e.to_string()))?;
    let output = tokio::time::timeout(Duration::from_secs(120), output.wait_with_output())
        .await
        .map_err(|_| failed("no end after 120 s".to_owned()))?
        .map_err(|e| failed(e.to_string()))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(failed(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        ))
    }
}

async fn connect(
    socket: &Path,
    port: u16,
    database: &str,
) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let mut config = tokio_postgres::Config::new();
    config
        .host_path(socket)
        .port(port)
        .user(SUPERUSER)
        .dbname(database)
        .connect_timeout(Duration::from_secs(5));
    let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The server's own message, which the driver's error hides behind "db error".
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(
        || error.to_string(),
        |db| format!("{} ({})", db.message(), db.code().code()),
    )
}

fn tail(log: &Path) -> String {
    let text = std::fs::read(log)
        .map(|b| String::from_utf8_lossy(&b).into_owned())
        .unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::store::Store;

    /// A self-signed certificate is enough where nobody connects over the network.
    fn tls() -> Tls {
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()])
            .expect("parameters")
            .self_signed(&key)
            .expect("a certificate")
            .pem();
        Tls {
            certificate: certificate.clone(),
            key: key.serialize_pem(),
            client_authority: certificate,
        }
    }

    fn free_port() -> u16 {
        std::net::TcpListener::bind(("127.0.0.1", 0))
            .and_then(|l| l.local_addr())
            .expect("a port")
            .port()
    }

    async fn gone(socket: &Path, port: u16) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while tokio::net::UnixStream::connect(socket.join(format!(".s.PGSQL.{port}")))
            .await
            .is_ok()
        {
            assert!(Instant::now() < deadline, "the server still answers");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    #[tokio::test]
    async fn it_starts_is_filled_stops_and_leaves_nothing_behind() {
        let programs = Programs::find_here().expect("PostgreSQL is installed where tests run");
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(&dir.path().join("state.db")).expect("a store");
        let place = Place::prepare(dir.path(), &store).expect("a place");
        let port = free_port();
        let server = Server::start(&programs, &place, &tls(), port)
            .await
            .expect("a server");
        crate::cluster::postgres::content::fill(&server)
            .await
            .expect("content");
        crate::cluster::postgres::content::fill(&server)
            .await
            .expect("filling twice changes nothing");
        let client = server.connect("postgres").await.expect("a connection");
        let rows: i64 = client
            .query_one("SELECT count(*) FROM t", &[])
            .await
            .expect("a row")
            .get(0);
        assert_eq!(rows, 1000);

        // A killed cluster: the watchdog is gone too, the server runs on, and the next start takes over.
        let socket = server.socket().to_owned();
        std::mem::forget(server);
        let server = Server::start(&programs, &place, &tls(), port)
            .await
            .expect("a server after a crash");

        // A cluster that only forgot to stop: the watchdog does it.
        drop(server);
        gone(&socket, port).await;

        // A stale file of a process number that now belongs to somebody else.
        std::fs::write(
            place.data.join("postmaster.pid"),
            format!("{}\n/nowhere\n0\n{port}\n", std::process::id()),
        )
        .expect("a file");
        let server = Server::start(&programs, &place, &tls(), port)
            .await
            .expect("a server despite the stale file");
        server.stop().await.expect("a clean stop");
        gone(&socket, port).await;
        assert!(!place.data.join("postmaster.pid").exists());
        place.discard();
    }

    #[tokio::test]
    async fn a_taken_port_is_reported_with_the_servers_words() {
        let programs = Programs::find_here().expect("PostgreSQL is installed where tests run");
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(&dir.path().join("state.db")).expect("a store");
        let place = Place::prepare(dir.path(), &store).expect("a place");
        let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a listener");
        let port = taken.local_addr().expect("an address").port();
        let error = Server::start(&programs, &place, &tls(), port)
            .await
            .expect_err("the port is taken")
            .to_string();
        assert!(
            error.contains("ended while starting") && error.contains("listen"),
            "{error}"
        );
        place.discard();
    }
}
