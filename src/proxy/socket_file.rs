//! Sockets in the file system: one at a path that was named, or one in a directory that nobody else can enter.
//!
//! The mode of a socket keeps others from connecting on Linux and macOS, that of the directory on every Unix.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::process::geteuid;
use tokio::net::UnixListener;

/// Longest path of a socket, bytes: macOS takes no more, and one for the end of the text.
pub const MAX_PATH: usize = 103;
/// Name of the socket of PostgreSQL's usual port, as libpq looks for it in the directory that it is told as host.
pub const NAME: &str = ".s.PGSQL.5432";
/// The port in [`NAME`].
pub const PORT: u16 = 5432;

/// What programs that were killed left behind is removed after this time.
const LEFT_BEHIND: Duration = Duration::from_secs(60);

/// A socket's place, removed when this is dropped.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// Device and number of the file, by which it is known again.
    id: (u64, u64),
    /// The directory was made for it.
    own_dir: bool,
}

impl SocketFile {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody may have put another one there.
        if identity(&self.path).is_ok_and(|id| id == self.id) {
            let _ = fs::remove_file(&self.path);
        }
        if let (true, Some(dir)) = (self.own_dir, self.path.parent()) {
            let _ = fs::remove_dir(dir);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Listens at `path`, which only this user may connect to. A socket there at which nobody listens any more is replaced.
///
/// # Errors
/// [`io::ErrorKind::AddrInUse`] when somebody listens there or something else is there, [`io::ErrorKind::InvalidInput`] when
/// the path is longer than [`MAX_PATH`], and those of the system.
pub fn bind(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    if path.as_os_str().len() > MAX_PATH {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("a socket's path has at most {MAX_PATH} bytes"),
        ));
    }
    if is_abandoned(path) {
        fs::remove_file(path)?;
    }
    // Between making a socket and changing its mode somebody could connect: it is made where nobody else comes, and moved.
    // (A umask for the moment would be that of all threads.)
    let beside = path.parent().unwrap_or(Path::new("/"));
    let dir = private_dir_in(beside, ".p")?;
    let first = dir.path().join("s");
    let listener = UnixListener::bind(&first)?;
    fs::set_permissions(&first, fs::Permissions::from_mode(0o600))?;
    move_to(&first, path)?;
    let file = SocketFile {
        path: path.to_owned(),
        id: identity(path)?,
        own_dir: false,
    };
    Ok((listener, file))
}

/// A directory that only this user can enter, by a name that cannot be foreseen.
fn private_dir_in(base: &Path, prefix: &str) -> io::Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix(prefix)
        .rand_bytes(6)
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir_in(base)
}

/// Moves a socket to where nothing is.
fn move_to(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(()),
            Err(Errno::EXIST) => return Err(io::ErrorKind::AddrInUse.into()),
            // This file system does not know how.
            Err(Errno::INVAL | Errno::NOTSUP | Errno::NOSYS) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if fs::symlink_metadata(to).is_ok() {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    fs::rename(from, to)
}

/// Whether there is a socket of ours that nobody listens at.
fn is_abandoned(path: &Path) -> bool {
    let ours = |found: fs::Metadata| found.file_type().is_socket() && is_own(&found);
    fs::symlink_metadata(path).is_ok_and(ours)
        && StdStream::connect(path)
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

fn is_own(found: &fs::Metadata) -> bool {
    found.uid() == geteuid().as_raw()
}

/// Listens in a new directory of our own: under `runtime` (`XDG_RUNTIME_DIR`) when that is a directory of this user, else
/// under `temporary`.
///
/// # Errors
/// No directory is private, or every path is too long; the reasons for each.
pub fn bind_in_private(
    runtime: Option<&Path>,
    temporary: &Path,
) -> io::Result<(UnixListener, SocketFile)> {
    let uid = geteuid().as_raw();
    let runtime = runtime.filter(|dir| {
        dir.is_absolute() && fs::symlink_metadata(dir).is_ok_and(|dir| dir.is_dir() && is_own(&dir))
    });
    let bases = [
        runtime.map(|dir| dir.join("postern")),
        Some(temporary.join(format!("postern-{uid}"))),
    ];
    let mut reasons = Vec::new();
    for base in bases.into_iter().flatten() {
        match bind_under(&base) {
            Ok(bound) => return Ok(bound),
            Err(error) => reasons.push(format!("{}: {error}", base.display())),
        }
    }
    Err(io::Error::other(reasons.join("; ")))
}

fn bind_under(base: &Path) -> io::Result<(UnixListener, SocketFile)> {
    make_private(base)?;
    sweep(base);
    let dir = private_dir_in(base, "")?;
    let (listener, mut file) = bind(&dir.path().join(NAME))?;
    let _ = dir.keep();
    file.own_dir = true;
    Ok((listener, file))
}

/// Makes the directory, or makes sure that it is one, of this user, and that nobody else can enter it.
fn make_private(base: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(base) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // A link is not followed: it may lead to a directory of ours that others share.
    let found = fs::symlink_metadata(base)?;
    if found.is_dir() && is_own(&found) && found.mode() & 0o077 == 0 {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it is not a directory that only this user can enter",
        ))
    }
}

/// Removes what killed programs left: directories with a socket at which nobody listens.
fn sweep(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else {
        return;
    };
    for dir in entries.flatten().map(|entry| entry.path()) {
        let old = fs::symlink_metadata(&dir)
            .and_then(|found| found.modified())
            .is_ok_and(|then| {
                SystemTime::now()
                    .duration_since(then)
                    .is_ok_and(|age| age > LEFT_BEHIND)
            });
        let socket = dir.join(NAME);
        if old && is_abandoned(&socket) && fs::remove_file(&socket).is_ok() {
            let _ = fs::remove_dir(&dir);
        }
    }
}

#[cfg(test)]
#[path = "socket_file_tests.rs"]
mod tests;
