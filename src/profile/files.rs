//! Private files and directories, written so that nobody sees half of one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::VERSION;

/// Why state could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// The file is not a profile: half written, edited, or something else entirely.
    #[error("the profile {} is damaged: {what}", path.display())]
    Damaged {
        /// The file; it is left as it is.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A later version of this program wrote the file.
    #[error("the profile {} was written by a newer postern (layout {found}, this one knows {VERSION})", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its layout.
        found: u64,
    },
    /// The file system said no.
    #[error("cannot {action} {}: {message}", path.display())]
    Io {
        /// `read`, `write`, `lock`, …
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's text.
        message: String,
    },
    /// Another process holds the lock for longer than any writer should.
    #[error("{} is locked by {}", path.display(), holder.map_or_else(|| "another postern".to_owned(), |pid| format!("process {pid} (another postern?)")))]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Process that took it last, when it could be read.
        holder: Option<u32>,
    },
}

impl ProfileError {
    pub(super) fn io(action: &'static str, path: &Path, error: &io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            message: error.to_string(),
        }
    }
}

/// Opens for reading and writing, making a file of mode 0600 when it is missing.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a directory of mode 0700 with its parents, and tightens one that exists.
pub(super) fn private_dir(path: &Path) -> Result<(), ProfileError> {
    let error = |e: io::Error| ProfileError::io("create directory", path, &e);
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(error)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path).map_err(error)?.permissions().mode();
        if mode & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(error)?;
        }
    }
    Ok(())
}

/// Replaces a file in one step: a reader sees the old content or the new, also after a power cut.
pub(super) fn write_atomic(path: &Path, content: &[u8]) -> Result<(), ProfileError> {
    let error = |e: io::Error| ProfileError::io("write", path, &e);
    let dir = path.parent().expect("every state file lies in a directory");
    // tempfile makes it 0600.
    let mut temp = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(dir)
        .map_err(error)?;
    temp.write_all(content).map_err(error)?;
    temp.as_file().sync_all().map_err(error)?;
    temp.persist(path).map_err(|e| error(e.error))?;
    #[cfg(unix)]
    File::open(dir).and_then(|d| d.sync_all()).map_err(error)?;
    Ok(())
}
