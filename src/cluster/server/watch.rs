//! Whether files have changed.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Times, sizes and numbers of files; symbolic links count as what they lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fingerprint(BTreeMap<PathBuf, [i64; 5]>);

impl Fingerprint {
    /// Looks at a file and at what a directory holds. What cannot be looked at is not there.
    pub(super) fn of(file: Option<&Path>, directory: Option<&Path>) -> Self {
        let mut found = BTreeMap::new();
        let mut add = |path: PathBuf| {
            if let Ok(m) = std::fs::metadata(&path) {
                let facts = [
                    m.mtime(),
                    m.mtime_nsec(),
                    m.size().cast_signed(),
                    m.ino().cast_signed(),
                    m.ctime(),
                ];
                found.insert(path, facts);
            }
        };
        if let Some(file) = file {
            add(file.to_owned());
        }
        let entries = directory.and_then(|d| std::fs::read_dir(d).ok());
        for entry in entries.into_iter().flatten().flatten() {
            add(entry.path());
        }
        Self(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_content_name_or_link_is_seen() {
        let dir = tempfile::tempdir().expect("a directory");
        let look = || Fingerprint::of(None, Some(dir.path()));
        let mut before = look();
        let mut changed = |what: &str| {
            let now = look();
            assert_ne!(now, before, "{what}");
            assert_eq!(now, look(), "{what}");
            before = now;
        };
        let file = dir.path().join("a.yaml");
        std::fs::write(&file, "one").expect("a file");
        changed("a new file");
        std::fs::write(&file, "three").expect("a file");
        changed("another content");
        std::fs::rename(&file, dir.path().join("b.yaml")).expect("a file");
        changed("another name");
        let (one, two) = (dir.path().join("1"), dir.path().join("2"));
        std::fs::write(&one, "same").expect("a file");
        std::fs::write(&two, "same").expect("a file");
        std::os::unix::fs::symlink(&one, &file).expect("a link");
        changed("a link");
        std::fs::remove_file(&file).expect("the link");
        std::os::unix::fs::symlink(&two, &file).expect("a link");
        changed("a link that leads elsewhere");
    }
}
