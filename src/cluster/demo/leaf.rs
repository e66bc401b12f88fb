//! The demo's leaf cluster: its documents, and how it joins the root.

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::DemoError;
use super::content::{self, Files};
use crate::cluster::documents::DocumentsError;
use crate::cluster::leaf::token::{self, Token};
use crate::cluster::server::{RunningServer, Server, ServerError};
use crate::cluster::state::ClusterState;
use crate::cluster::state_error::StateError;
use crate::cluster::store::StoreError;

/// Name of the leaf, and of its directory within the root's.
pub(super) const NAME: &str = "leaf";
/// Its documents, apart from the one that makes it a leaf.
pub(super) const DOCUMENTS: Files = &[
    ("roles.yaml", include_str!("leaf-roles.yaml")),
    ("databases.yaml", include_str!("leaf-databases.yaml")),
];
const TRUSTED_CLUSTER: &str = include_str!("leaf-trusted-cluster.yaml");
/// File with the document that makes it a leaf.
const FILE: &str = "trusted-cluster.yaml";
/// Seconds for which the demo's own token is worth something.
const TOKEN_TTL: i64 = 300;
/// How long the link may take.
const LINK: Duration = Duration::from_secs(10);

/// Writes the document that makes the leaf one of `root`, with a token if it has not joined yet. The document belongs to the
/// user from then on, save the port of the root.
///
/// # Errors
/// When a file or the state cannot be written.
pub(super) fn introduce(
    root: &RunningServer,
    leaf: &Server,
    documents: &Path,
) -> Result<(), DemoError> {
    let state = root.state();
    let store = |e: StoreError| DemoError::from(ServerError::from(e));
    let token_file = leaf.directory().join("join-token");
    let joined = leaf.store().trusts().map_err(store)?;
    if !(state.leaves().knows(NAME) && joined.iter().any(|t| t.root == state.name())) {
        let (token, _) =
            token::add(state.store(), TOKEN_TTL, state.now()).map_err(|e| match e {
                token::TokenError::Store(e) => store(e),
                other => DemoError::Link(other.to_string()),
            })?;
        write_secret(&token_file, &token)?;
    }
    let path = documents.join(FILE);
    if !path.exists() {
        let text = TRUSTED_CLUSTER
            .replace("ROOT", &yaml(state.name()))
            .replace("CA_FILE", &yaml(&root.ca_file.to_string_lossy()))
            .replace("TOKEN_FILE", &yaml(&token_file.to_string_lossy()));
        content::put(&path, &text)?;
    }
    move_root(&path, root.addr.port())
}

/// Waits for the link, a few seconds. Gives a warning when it does not come.
pub(super) async fn linked(root: &ClusterState, leaf: &ClusterState) -> Option<String> {
    let end = Instant::now() + LINK;
    let online = || {
        root.leaves()
            .all()
            .iter()
            .any(|l| l.name == NAME && l.online)
    };
    while !online() {
        if Instant::now() >= end {
            let why = leaf.trusts().statuses().remove(root.name());
            let why = why.and_then(|s| s.error).unwrap_or_default();
            return Some(format!("the leaf cluster is not linked yet: {why}"));
        }
        sleep(Duration::from_millis(5)).await;
    }
    None
}

/// Puts the present port of the root into the document, if the root is on this machine in it.
fn move_root(path: &Path, port: u16) -> Result<(), DemoError> {
    let wrap = |source| DocumentsError::File {
        path: path.to_owned(),
        source,
    };
    let text = std::fs::read_to_string(path).map_err(wrap)?;
    let moved: String = text
        .lines()
        .map(|line| {
            let is_address =
                |key: &str| line.trim_start().starts_with(&format!("{key}: localhost:"));
            match line.rsplit_once(':') {
                Some((head, _)) if is_address("tunnel_addr") || is_address("web_proxy_addr") => {
                    format!("{head}:{port}\n")
                }
                _ => format!("{line}\n"),
            }
        })
        .collect();
    if moved != text {
        content::put(path, &moved)?;
    }
    Ok(())
}

fn write_secret(path: &Path, token: &Token) -> Result<(), DemoError> {
    use std::io::Write;
    let wrap = |source| DocumentsError::File {
        path: path.to_owned(),
        source,
    };
    // A temporary file has mode 0600 from the beginning.
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(wrap)?;
    file.write_all(token.reveal().as_bytes()).map_err(wrap)?;
    file.persist(path).map_err(|e| wrap(e.error))?;
    Ok(())
}

/// A text as YAML takes it in any case.
fn yaml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl From<StateError> for DemoError {
    fn from(error: StateError) -> Self {
        Self::Server(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roots_port_follows_and_the_rest_stays() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(FILE);
        std::fs::write(&path, TRUSTED_CLUSTER).expect("a file");
        move_root(&path, 4711).expect("a new port");
        let text = std::fs::read_to_string(&path).expect("the file");
        assert_eq!(
            text,
            TRUSTED_CLUSTER.replace("localhost:3080", "localhost:4711")
        );
        let elsewhere = text.replace("localhost:4711", "proxy.example.com:443");
        std::fs::write(&path, &elsewhere).expect("a file");
        move_root(&path, 1).expect("nothing to do");
        assert_eq!(std::fs::read_to_string(&path).expect("the file"), elsewhere);
    }

    #[test]
    fn a_secret_is_the_owners() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("token");
        write_secret(&path, &Token::new("x")).expect("a file");
        let mode = std::fs::metadata(&path)
            .expect("metadata")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
