//! The documents of a new demo cluster. They are valid for a real Teleport cluster too (`tctl create -f`), and belong to
//! the user from the first start on: present files are never written again, save the port of the demo's PostgreSQL.

use std::path::Path;

use crate::cluster::documents::DocumentsError;

/// A file name and what is in it at first.
pub(super) type Files = &'static [(&'static str, &'static str)];

/// The documents of the root.
pub(super) const ROOT: Files = &[
    ("roles.yaml", include_str!("roles.yaml")),
    ("users.yaml", include_str!("users.yaml")),
    ("databases.yaml", include_str!("databases.yaml")),
    (
        "cluster-auth-preference.yaml",
        include_str!("preference.yaml"),
    ),
];
/// Stands for PostgreSQL's port in the documents.
const PORT: &str = "5432";

/// Writes the documents that are missing into `directory`.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn write(
    directory: &Path,
    files: Files,
    postgres_port: u16,
) -> Result<(), DocumentsError> {
    for (name, content) in files {
        let path = directory.join(name);
        if !path.exists() {
            let content = content.replace(&address(PORT), &address(&postgres_port.to_string()));
            put(&path, &content)?;
        }
    }
    Ok(())
}

/// Puts a new port of the demo's PostgreSQL into the documents.
///
/// # Errors
/// When the file cannot be read or written.
pub(super) fn move_port(directory: &Path, old: u16, new: u16) -> Result<(), DocumentsError> {
    let path = directory.join("databases.yaml");
    let Ok(text) = std::fs::read_to_string(&path) else {
        return Ok(());
    };
    let (old, new) = (address(&old.to_string()), address(&new.to_string()));
    if text.lines().any(|line| line.trim_end().ends_with(&old)) {
        let moved: Vec<String> = text
            .lines()
            .map(|line| {
                line.trim_end()
                    .strip_suffix(&old)
                    .map_or_else(|| line.to_owned(), |head| format!("{head}{new}"))
            })
            .collect();
        put(&path, &(moved.join("\n") + "\n"))?;
    }
    Ok(())
}

fn address(port: &str) -> String {
    format!(" localhost:{port}")
}

/// Writes a file as a whole or not at all.
pub(super) fn put(path: &Path, content: &str) -> Result<(), DocumentsError> {
    let wrap = |source| DocumentsError::File {
        path: path.to_owned(),
        source,
    };
    let directory = path.parent().unwrap_or(Path::new("."));
    let file = tempfile::NamedTempFile::new_in(directory).map_err(wrap)?;
    std::fs::write(file.path(), content).map_err(wrap)?;
    file.persist(path).map_err(|e| wrap(e.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::documents::Documents;

    #[test]
    fn the_documents_are_valid_and_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        write(dir.path(), ROOT, 6001).expect("documents");
        let documents = Documents::load(dir.path()).expect("valid documents");
        assert_eq!(documents.warnings, Vec::<String>::new());
        assert_eq!(
            documents.users.keys().collect::<Vec<_>>(),
            ["alice", "bob", "carol"]
        );
        assert_eq!(
            documents.databases.keys().collect::<Vec<_>>(),
            ["app", "dead", "orders", "scratch", "secret", "vault"]
        );
        assert_eq!(documents.databases["orders"].uri, "localhost:6001");
        assert_eq!(documents.databases["dead"].uri, "localhost:1");
        assert_eq!(
            documents.databases["orders"]
                .admin()
                .expect("an admin user")
                .name,
            "teleport-admin"
        );
        assert!(documents.preference.second_factor);

        std::fs::write(
            dir.path().join("users.yaml"),
            "kind: user\nmetadata: {name: dave}\nspec: {roles: [plain]}\n",
        )
        .expect("a change");
        write(dir.path(), ROOT, 6002).expect("documents");
        move_port(dir.path(), 6001, 6002).expect("a new port");
        let documents = Documents::load(dir.path()).expect("valid documents");
        assert_eq!(documents.users.keys().collect::<Vec<_>>(), ["dave"]);
        assert_eq!(documents.databases["app"].uri, "localhost:6002");
        assert_eq!(documents.databases["dead"].uri, "localhost:1");
    }
}
