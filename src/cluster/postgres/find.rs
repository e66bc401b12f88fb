//! Finds the installed PostgreSQL server programs.

use std::path::{Path, PathBuf};

use super::PostgresError;

/// Where [`Programs::find`] looks beside `PATH`, for the error message.
pub(super) const LOOKED: &str = "/usr/lib/postgresql/*/bin, /usr/pgsql-*/bin, /opt/homebrew/opt/postgresql*/bin, /usr/local/opt/postgresql*/bin";
/// How to install the programs, for the error message.
pub(super) const ADVICE: &str = "apt install postgresql (Debian, Ubuntu), dnf install postgresql-server (Fedora), brew install postgresql@17 (macOS)";

/// The directory that holds `initdb`, `postgres` and `pg_ctl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    directory: PathBuf,
}

impl Programs {
    /// Looks on `PATH` (given as its directories), then in the usual places, the newest version first.
    ///
    /// # Errors
    /// When nothing is installed.
    pub fn find(path: &[PathBuf]) -> Result<Self, PostgresError> {
        path.iter()
            .cloned()
            .chain(usual_places())
            .find(|d| complete(d))
            .map(|directory| Self { directory })
            .ok_or(PostgresError::NotInstalled)
    }

    /// As [`Programs::find`], with the `PATH` of this process.
    ///
    /// # Errors
    /// When nothing is installed.
    pub fn find_here() -> Result<Self, PostgresError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self::find(&std::env::split_paths(&path).collect::<Vec<_>>())
    }

    /// The full path of one program.
    #[must_use]
    pub fn path(&self, program: &str) -> PathBuf {
        self.directory.join(program)
    }
}

fn complete(directory: &Path) -> bool {
    directory.is_absolute()
        && ["initdb", "postgres", "pg_ctl"]
            .iter()
            .all(|p| directory.join(p).is_file())
}

fn usual_places() -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = [
        ("/usr/lib/postgresql", ""),
        ("/usr", "pgsql-"),
        ("/opt/homebrew/opt", "postgresql"),
        ("/usr/local/opt", "postgresql"),
    ]
    .into_iter()
    .flat_map(|(parent, prefix)| versions(Path::new(parent), prefix))
    .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, directory)| directory).collect()
}

/// Directories of `parent` whose name is `prefix` and a version; the version of one without a number counts as 0.
fn versions(parent: &Path, prefix: &str) -> Vec<(u32, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(parent) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let digits: String = name
                .strip_prefix(prefix)?
                .chars()
                .filter(char::is_ascii_digit)
                .collect();
            Some((digits.parse().unwrap_or(0), entry.path().join("bin")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(directory: &Path) {
        std::fs::create_dir_all(directory).expect("a directory");
        for program in ["initdb", "postgres", "pg_ctl"] {
            std::fs::write(directory.join(program), "").expect("a file");
        }
    }

    #[test]
    fn path_comes_first_and_must_be_complete() {
        let dir = tempfile::tempdir().expect("a directory");
        let (half, whole) = (dir.path().join("half"), dir.path().join("whole"));
        install(&whole);
        std::fs::create_dir(&half).expect("a directory");
        std::fs::write(half.join("initdb"), "").expect("a file");
        let found = Programs::find(&[half, whole.clone()]).expect("the complete one");
        assert_eq!(found.path("initdb"), whole.join("initdb"));
    }

    #[test]
    fn the_newest_version_is_preferred() {
        let dir = tempfile::tempdir().expect("a directory");
        for version in ["9", "15", "18"] {
            install(&dir.path().join(version).join("bin"));
        }
        let newest = versions(dir.path(), "")
            .into_iter()
            .max()
            .expect("a version");
        assert_eq!(newest, (18, dir.path().join("18/bin")));
        assert!(versions(dir.path(), "pgsql-").is_empty());
    }

    #[test]
    fn the_error_says_how_to_install() {
        let text = PostgresError::NotInstalled.to_string();
        assert!(text.contains("apt install postgresql") && text.contains("brew install"));
    }
}
