//! The control socket: `control.sock` in the state directory, for the commands of whoever runs the cluster.
//!
//! One request a line, one answer a line, both JSON: `{"request":"status"}` gets `{"ok":{…}}` or `{"error":"…"}`. Who may
//! open the socket (mode 0600, in a directory of mode 0700) may do what the cluster's user may.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::status::Watched;

/// Name of the socket in the state directory.
pub const SOCKET: &str = "control.sock";
/// Longest request and longest answer, bytes.
const LONGEST: u64 = 16 << 20;
/// Connections at the same time; more wait.
const CONNECTIONS: usize = 8;
/// Time for a request, and for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// How the cluster is.
    Status,
    /// The open sessions.
    Sessions,
    /// Read configuration and documents again.
    Reload,
    /// Another process has changed the state: users, locks, authorities. Answered when that counts.
    Changed,
}

/// Why nothing was answered.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No cluster runs in the directory.
    #[error("no cluster is running in {0}")]
    NotRunning(PathBuf),
    /// The socket fails.
    #[error("{path}: {source}")]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The answer is none.
    #[error("{path}: the answer is not understood: {source}; is the cluster of another version?")]
    Answer {
        /// The socket.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The cluster refuses.
    #[error("{0}")]
    Refused(String),
}

/// Asks the cluster that runs in `directory`.
///
/// # Errors
/// When none runs there, or it does not do what is asked.
pub fn ask(directory: &Path, request: Request) -> Result<Value, ControlError> {
    let path = directory.join(SOCKET);
    let wrap = |source| ControlError::Socket {
        path: path.clone(),
        source,
    };
    let handle = match File::open(directory) {
        Ok(handle) => handle,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(ControlError::NotRunning(directory.to_owned()));
        }
        Err(e) => return Err(wrap(e)),
    };
    let stream = match std::os::unix::net::UnixStream::connect(short(&handle)) {
        Ok(stream) => stream,
        Err(e)
            if matches!(
                e.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Err(ControlError::NotRunning(directory.to_owned()));
        }
        Err(e) => return Err(wrap(e)),
    };
    let exchange = || -> std::io::Result<String> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut line = serde_json::to_string(&request)?;
        line.push('\n');
        (&stream).write_all(line.as_bytes())?;
        let mut answer = String::new();
        BufReader::new(&stream)
            .take(LONGEST)
            .read_line(&mut answer)?;
        Ok(answer)
    };
    let answer = exchange().map_err(wrap)?;
    if answer.is_empty() {
        return Err(ControlError::NotRunning(directory.to_owned()));
    }
    let mut answer: Value =
        serde_json::from_str(&answer).map_err(|source| ControlError::Answer {
            path: path.clone(),
            source,
        })?;
    match answer["error"].as_str() {
        Some(error) => Err(ControlError::Refused(error.to_owned())),
        None => Ok(answer["ok"].take()),
    }
}

/// Makes the socket. The caller holds the directory's lock, so that one that lies there is nobody's.
pub(super) fn bind(directory: &Path) -> std::io::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.join(SOCKET);
    match std::fs::remove_file(&path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let handle = File::open(directory)?;
    let listener = UnixListener::bind(short(&handle))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// The socket by way of an open directory: its own path may be longer than an address of a socket can be.
fn short(directory: &File) -> PathBuf {
    format!("/proc/self/fd/{}/{SOCKET}", directory.as_raw_fd()).into()
}

/// Answers until the future is dropped.
pub(super) async fn serve(listener: UnixListener, cluster: Arc<Watched>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let cluster = Arc::clone(&cluster);
                tokio::spawn(async move {
                    let _permit = permit;
                    // A caller who has gone is no error.
                    let _ = connection(stream, &cluster).await;
                });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn connection(stream: UnixStream, cluster: &Arc<Watched>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = tokio::io::BufReader::new(read.take(LONGEST)).lines();
    while let Ok(Some(line)) = timeout(PATIENCE, lines.next_line()).await? {
        let answer = match serde_json::from_str::<Request>(&line) {
            Ok(request) => answer(request, cluster).await,
            Err(error) => Err(format!("the request is not understood: {error}")),
        };
        let mut line = match answer {
            Ok(ok) => json!({"ok": ok}),
            Err(error) => json!({"error": error}),
        }
        .to_string();
        line.push('\n');
        timeout(PATIENCE, write.write_all(line.as_bytes())).await??;
    }
    Ok(())
}

async fn answer(request: Request, cluster: &Arc<Watched>) -> Result<Value, String> {
    let cluster = Arc::clone(cluster);
    // Reading files and the state blocks for a moment.
    tokio::task::spawn_blocking(move || match request {
        Request::Status => serde_json::to_value(cluster.status()).map_err(|e| e.to_string()),
        Request::Sessions => serde_json::to_value(cluster.sessions()).map_err(|e| e.to_string()),
        Request::Reload => cluster.reload().map(|()| json!({})),
        Request::Changed => cluster.changed().map(|()| json!({})),
    })
    .await
    .map_err(|e| e.to_string())?
}
