//! The state directory: private, and used by one cluster at a time.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use super::ServerError;

/// Makes the directory and gives its absolute path.
pub(super) fn prepare(directory: &Path) -> Result<PathBuf, ServerError> {
    make_private(directory)?;
    directory
        .canonicalize()
        .map_err(|source| ServerError::File {
            path: directory.to_owned(),
            source,
        })
}

/// Makes the directory `path` where it is missing; only the owner gets at it afterwards (mode 0700).
///
/// # Errors
/// When the system refuses.
pub fn make_private(path: &Path) -> Result<(), ServerError> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    let wrap = |source| ServerError::File {
        path: path.to_owned(),
        source,
    };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(wrap)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(wrap)
}

/// Writes a file that others may read.
pub(super) fn write(path: &Path, text: &str) -> Result<(), ServerError> {
    std::fs::write(path, text).map_err(|source| ServerError::File {
        path: path.to_owned(),
        source,
    })
}

/// Keeps other clusters out of a directory. The system releases it when the process ends, however it ends.
#[derive(Debug)]
#[must_use = "dropped, it lets others into the directory"]
pub struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the lock, without waiting.
    pub(super) fn take(directory: &Path) -> Result<Self, ServerError> {
        let path = directory.join("lock");
        let wrap = |source| ServerError::File {
            path: path.clone(),
            source,
        };
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(wrap)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(ServerError::InUse(directory.to_owned())),
            Err(TryLockError::Error(source)) => Err(wrap(source)),
        }
    }
}
