//! Where the server's files lie, and which user runs it.
//!
//! PostgreSQL refuses to run as root, and the state directory (mode 0700) of root is closed to every other user. So for
//! root the files lie in a directory of their own, under the temporary directory when the state directory does too, else
//! under `/var/lib`. A Unix socket's path has a limit of about 100 bytes, so a deep directory gets a socket elsewhere, as does one whose name clients would misread.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{PostgresError, at};
use crate::cluster::random;
use crate::cluster::store::Store;

/// Longest path of a socket directory: with the file name in it the path stays below 100 bytes.
const SOCKET_DIRECTORY_MAX: usize = 78;
/// Beginning of the name of every directory made outside the state directory.
const PREFIX: &str = "postern-pg-";
/// File in such a directory that names the state directory it belongs to.
const OWNER: &str = "state-directory";

/// An operating system user that runs the server in place of root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    uid: u32,
    gid: u32,
}

/// Data directory, socket directory and user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The data directory (`initdb -D`).
    pub data: PathBuf,
    /// The directory of the Unix socket, which only the server's user and root may enter.
    pub socket: PathBuf,
    /// Directory made outside the state directory, if any.
    outside: Option<PathBuf>,
    account: Option<Account>,
}

impl Place {
    /// Decides on the place for the state directory `state` and makes its directories. What lies outside is recorded in
    /// `store`, so that the next start finds it.
    ///
    /// # Errors
    /// When a directory cannot be made, or root finds no user to drop to.
    pub fn prepare(state: &Path, store: &Store) -> Result<Self, PostgresError> {
        let account = if rustix::process::geteuid().is_root() {
            Some(drop_to()?)
        } else {
            None
        };
        let inside = state.join("postgres");
        let needs_outside = account.is_some() || !is_socket_directory(&inside.join("socket"));
        let outside = if needs_outside {
            Some(outside(state, store, account.is_some())?)
        } else {
            None
        };
        let data_parent = outside
            .clone()
            .filter(|_| account.is_some())
            .unwrap_or_else(|| inside.clone());
        let place = Self {
            data: data_parent.join("data"),
            socket: outside.as_ref().unwrap_or(&inside).join("socket"),
            outside,
            account,
        };
        private_directory(
            &data_parent,
            if place.account.is_some() {
                0o711
            } else {
                0o700
            },
        )?;
        private_directory(&place.socket, 0o700)?;
        place.give(&place.socket)?;
        Ok(place)
    }

    /// A command that runs as the server's user, in the root directory, in a process group of its own (Ctrl+C of the
    /// terminal must not reach the server: its clients are told first).
    #[must_use]
    pub fn command(&self, program: &Path) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(program);
        command
            .current_dir("/")
            .process_group(0)
            .stdin(std::process::Stdio::null());
        if let Some(account) = self.account {
            command.gid(account.gid).uid(account.uid);
        }
        command
    }

    /// Gives a file or directory to the server's user.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn give(&self, path: &Path) -> Result<(), PostgresError> {
        match self.account {
            Some(account) => std::os::unix::fs::chown(path, Some(account.uid), Some(account.gid))
                .map_err(at(path)),
            None => Ok(()),
        }
    }

    /// Writes a file for the server, mode 0600.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, path: &Path, content: &[u8]) -> Result<(), PostgresError> {
        use std::io::Write;
        let directory = path.parent().unwrap_or(Path::new("/"));
        let mut file = tempfile::NamedTempFile::new_in(directory).map_err(at(directory))?;
        file.write_all(content).map_err(at(path))?;
        if let Some(account) = self.account {
            // By descriptor: the directory is the server's, who could put a link in place of the name.
            std::os::unix::fs::fchown(file.as_file(), Some(account.uid), Some(account.gid))
                .map_err(at(path))?;
        }
        file.persist(path).map_err(|e| PostgresError::File {
            path: path.to_owned(),
            source: e.error,
        })?;
        Ok(())
    }

    /// Removes what lies outside the state directory.
    pub fn discard(&self) {
        if let Some(outside) = &self.outside {
            // Nothing depends on it: the state directory that knew it goes away too.
            let _ = std::fs::remove_dir_all(outside);
        }
    }
}

/// Whether clients find a socket there: libpq takes a comma for the end of a host, and a path has a longest length.
fn is_socket_directory(path: &Path) -> bool {
    path.as_os_str().len() <= SOCKET_DIRECTORY_MAX
        && path.to_str().is_some_and(|text| !text.contains(','))
}

fn drop_to() -> Result<Account, PostgresError> {
    let id = |flag: &str, name: &str| {
        let output = Command::new("id")
            .args([flag, name])
            .stderr(std::process::Stdio::null())
            .output()
            .ok()?;
        String::from_utf8(output.stdout)
            .ok()?
            .trim()
            .parse::<u32>()
            .ok()
    };
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| {
            Some(Account {
                uid: id("-u", name)?,
                gid: id("-g", name)?,
            })
        })
        .filter(|account| account.uid != 0)
        .ok_or(PostgresError::NoUser)
}

/// The recorded directory outside the state directory, or a new one.
fn outside(state: &Path, store: &Store, root: bool) -> Result<PathBuf, PostgresError> {
    let server = |e: &dyn std::fmt::Display| PostgresError::Server(e.to_string());
    if let Some(recorded) = store
        .setting("postgres_directory")
        .map_err(|e| server(&e))?
    {
        use std::os::unix::fs::MetadataExt;
        // A temporary directory is cleaned now and then, and whoever comes first takes the free name.
        let me = rustix::process::geteuid().as_raw();
        if Path::new(&recorded)
            .symlink_metadata()
            .is_ok_and(|m| m.is_dir() && m.uid() == me)
        {
            return Ok(recorded.into());
        }
    }
    let temporary = std::env::temp_dir();
    let base = if root && !state.starts_with(&temporary) && Path::new("/var/lib").is_dir() {
        PathBuf::from("/var/lib")
    } else {
        temporary
    };
    sweep(&base);
    let name = random::hex(&random::bytes::<8>().map_err(|e| server(&e))?);
    let directory = base.join(format!("{PREFIX}{name}"));
    private_directory(&directory, 0o700)?;
    let owner = directory.join(OWNER);
    private_file(&owner)
        .and_then(|mut file| {
            std::io::Write::write_all(&mut file, state.as_os_str().as_encoded_bytes())
        })
        .map_err(at(&owner))?;
    store
        .set_setting("postgres_directory", &directory.to_string_lossy())
        .map_err(|e| server(&e))?;
    Ok(directory)
}

/// Removes directories of our own whose state directory lay under the temporary directory and is gone.
fn sweep(base: &Path) {
    use std::os::unix::fs::MetadataExt;
    let me = rustix::process::geteuid().as_raw();
    let Ok(entries) = std::fs::read_dir(base) else {
        return;
    };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry
                .path()
                .symlink_metadata()
                .is_ok_and(|m| m.is_dir() && m.uid() == me);
        let Some(owner) = ours
            .then(|| std::fs::read_to_string(entry.path().join(OWNER)).ok())
            .flatten()
        else {
            continue;
        };
        if Path::new(&owner).starts_with(std::env::temp_dir()) && !Path::new(&owner).exists() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Makes or empties a file that only this user reads.
pub(super) fn private_file(path: &Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let file = std::fs::File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

fn private_directory(path: &Path, mode: u32) -> Result<(), PostgresError> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .map_err(at(path))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(at(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deep_directory_gets_a_short_socket_and_keeps_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let deep = dir.path().join("x".repeat(90));
        std::fs::create_dir(&deep).expect("a directory");
        let store = Store::open(&deep.join("state.db")).expect("a store");
        let place = Place::prepare(&deep, &store).expect("a place");
        assert!(
            place.socket.join(".s.PGSQL.65535").as_os_str().len() < 100,
            "{}",
            place.socket.display()
        );
        assert!(place.socket.is_dir());
        assert_eq!(
            Place::prepare(&deep, &store).expect("the same place"),
            place
        );
        place.discard();
        assert!(!place.socket.exists());
    }

    #[test]
    fn a_comma_in_the_directory_does_not_split_the_host_of_a_client() {
        for (name, fits) in [("a b", true), ("a,b", false), ("ü", true)] {
            let path = Path::new("/tmp").join(name).join("postgres/socket");
            assert_eq!(is_socket_directory(&path), fits, "{name}");
        }
    }

    /// A statement in the log may hold somebody's data.
    #[test]
    fn files_for_nobody_else_are_private_whatever_they_were() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let (old, new) = (dir.path().join("old"), dir.path().join("new"));
        std::fs::write(&old, "open to all").expect("a file");
        std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o644)).expect("a mode");
        for path in [&old, &new] {
            let file = private_file(path).expect("a file");
            let metadata = file.metadata().expect("metadata");
            assert_eq!(
                (metadata.permissions().mode() & 0o777, metadata.len()),
                (0o600, 0)
            );
        }
    }

    #[test]
    fn a_directory_of_a_vanished_state_is_swept() {
        let (base, state) = (
            tempfile::tempdir().expect("a directory"),
            tempfile::tempdir().expect("a directory"),
        );
        let make = |name: &str, owner: &Path| {
            let directory = base.path().join(name);
            std::fs::create_dir(&directory).expect("a directory");
            std::fs::write(directory.join(OWNER), owner.as_os_str().as_encoded_bytes())
                .expect("a file");
            directory
        };
        let gone = make(
            "postern-pg-gone",
            &std::env::temp_dir().join("postern-no-such-directory"),
        );
        let kept = make("postern-pg-kept", state.path());
        let elsewhere = make(
            "postern-pg-elsewhere",
            Path::new("/srv/postern-no-such-directory"),
        );
        let foreign = make(
            "foreign",
            &std::env::temp_dir().join("postern-no-such-directory"),
        );
        sweep(base.path());
        assert!(!gone.exists());
        assert!(kept.exists() && elsewhere.exists() && foreign.exists());
    }
}
