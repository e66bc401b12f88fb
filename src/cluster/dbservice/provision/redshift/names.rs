//! Names that Redshift and its IAM logins can carry (db-service.md 3.11 and 3.14).

use super::super::ProvisionError;
use super::{BOOKKEEPING, SUPERUSER};

/// Longest user name, bytes: `stv_sessions` keeps 50 and puts `IAM:` before it.
const NAME_LIMIT: usize = 46;

/// Checks what needs no look at the database.
pub(in super::super) fn check(
    user: &str,
    admin: &str,
    roles: &[String],
) -> Result<(), ProvisionError> {
    if user == admin {
        return Err(ProvisionError::IsAdmin { user: user.into() });
    }
    if user == BOOKKEEPING {
        return Err(ProvisionError::Unmanaged { user: user.into() });
    }
    if let Some(why) = unfit(user) {
        return Err(ProvisionError::UnfitName {
            user: user.into(),
            why,
        });
    }
    match roles
        .iter()
        .find(|role| *role == BOOKKEEPING || *role == SUPERUSER)
    {
        Some(role) => Err(ProvisionError::RoleNotGrantable { role: role.clone() }),
        None => Ok(()),
    }
}

/// Why a user cannot have this name; `None` when it can.
fn unfit(user: &str) -> Option<&'static str> {
    let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '.' | '@' | '-');
    if user.chars().any(char::is_uppercase) {
        Some("names fold to lower case there, so that two users could become one")
    } else if user.len() > NAME_LIMIT {
        Some("it is longer than the 46 bytes by which sessions are found there")
    } else if user == "public" || user.starts_with("pg_") {
        Some("it is reserved there")
    } else if !user.starts_with(|c: char| c.is_ascii_lowercase()) {
        Some("names of IAM logins begin with a letter")
    } else if !user.chars().all(is_known) {
        Some("names of IAM logins have letters, digits and _ + . @ - only")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(user: &str, roles: &[&str]) -> Option<String> {
        let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
        check(user, "teleport-admin", &roles)
            .err()
            .map(|error| error.to_string())
    }

    #[test]
    fn usual_names_pass() {
        for user in [
            "alice",
            "alice@example.com",
            "alice+tag@example.com",
            "remote-alice-root",
            "first.last",
            "x9_",
        ] {
            assert_eq!(refused(user, &["reader", "Mixed Case"]), None, "{user}");
        }
        assert_eq!(refused(&"x".repeat(46), &[]), None);
    }

    #[test]
    fn others_are_told_why() {
        for (user, why) in [
            ("Alice", "lower case"),
            ("Ümit", "lower case"),
            (&"x".repeat(47), "46 bytes"),
            ("svc:robot", "IAM logins have"),
            ("a/b", "IAM logins have"),
            ("józef", "IAM logins have"),
            ("a b", "IAM logins have"),
            ("12345", "begin with a letter"),
            ("-", "begin with a letter"),
            ("", "begin with a letter"),
            ("pg_x", "reserved"),
            ("public", "reserved"),
        ] {
            let text = refused(user, &[]).expect(user);
            assert!(
                text.contains(why) && text.contains("Amazon Redshift"),
                "{text}"
            );
        }
    }

    #[test]
    fn the_admin_its_role_and_the_bookkeeping_are_nobodys() {
        let unmanaged = "already exists in this PostgreSQL database and is not managed by Teleport";
        assert!(
            refused("teleport-admin", &[])
                .expect("refused")
                .contains(unmanaged)
        );
        assert!(
            refused("teleport-auto-user", &[])
                .expect("refused")
                .contains(unmanaged)
        );
        for role in ["teleport-auto-user", "sys:superuser"] {
            assert_eq!(
                refused("alice", &["reader", role]),
                Some(format!(
                    "ERROR: permission denied to grant role \"{role}\" (SQLSTATE 42501)"
                ))
            );
        }
    }
}
