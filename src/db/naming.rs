//! Names of users across clusters (rbac.md 7.5, 8.1).

/// The name of a user of the root cluster in a leaf cluster: `remote-<user>-<root cluster>`, plainly joined.
#[must_use]
pub fn remote_user(user: &str, root_cluster: &str) -> String {
    crate::rbac::leaf::remote_username(user, root_cluster)
}

/// The name that an automatic user has in PostgreSQL, if it can have one: identifiers end after 63 bytes, and a truncated
/// name cannot log in (rbac.md 7.5).
#[must_use]
pub fn fits_postgres(user: &str) -> bool {
    user.len() <= 63
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_plainly() {
        assert_eq!(
            remote_user("alice", "acme.example"),
            "remote-alice-acme.example"
        );
        assert_eq!(
            remote_user("kim@corp.test", "root"),
            "remote-kim@corp.test-root"
        );
        assert!(fits_postgres(&"x".repeat(63)) && !fits_postgres(&"é".repeat(32)));
    }
}
