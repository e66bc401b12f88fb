//! Users and roles that are refused before anything is made (db-service.md 3.14).

use super::ProvisionError;
use super::sql::{BOOKKEEPING, Facts};

/// Longest name PostgreSQL keeps whole, bytes; longer ones it cuts off silently.
const NAME_LIMIT: usize = 63;

/// Checks what needs no look at the database. `admin` is the database's admin account.
pub(super) fn check_names(user: &str, admin: &str, roles: &[String]) -> Result<(), ProvisionError> {
    if user.len() > NAME_LIMIT {
        return Err(ProvisionError::NameTooLong { user: user.into() });
    }
    if user == admin {
        return Err(ProvisionError::IsAdmin { user: user.into() });
    }
    if user == BOOKKEEPING {
        return Err(ProvisionError::Unmanaged { user: user.into() });
    }
    if is_reserved(user) {
        return Err(ProvisionError::Reserved { user: user.into() });
    }
    if user.contains('\0') {
        return Err(ProvisionError::Reserved {
            user: user.replace('\0', ""),
        });
    }
    for role in roles {
        if role == admin || role == BOOKKEEPING {
            return Err(ProvisionError::RoleNotGrantable { role: role.clone() });
        }
        // PostgreSQL would cut the name off and grant another role.
        if role.len() > NAME_LIMIT || role.contains('\0') {
            return Err(ProvisionError::RoleMissing {
                roles: vec![role.replace('\0', "")],
            });
        }
    }
    Ok(())
}

/// Checks what the catalogue says. A server refuses most of this by itself, but not to an admin that is a superuser.
pub(super) fn check_facts(user: &str, facts: &Facts) -> Result<(), ProvisionError> {
    if facts.user_exists && !facts.managed {
        return Err(ProvisionError::Unmanaged { user: user.into() });
    }
    if facts.privileged && (facts.admin_super || !facts.user_super) {
        return Err(ProvisionError::Privileged { user: user.into() });
    }
    if let Some(role) = facts.super_roles.first().filter(|_| facts.admin_super) {
        return Err(ProvisionError::RoleNotGrantable { role: role.clone() });
    }
    if !facts.missing_roles.is_empty() {
        return Err(ProvisionError::RoleMissing {
            roles: facts.missing_roles.clone(),
        });
    }
    Ok(())
}

fn is_reserved(user: &str) -> bool {
    matches!(user, "" | "public" | "none") || user.starts_with("pg_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(user: &str, roles: &[&str]) -> String {
        let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
        check_names(user, "teleport-admin", &roles)
            .expect_err("must be refused")
            .to_string()
    }

    #[test]
    fn refuses_with_the_recorded_texts() {
        // Texts: Teleport 18.3.0, names-pg15.json, special-users.json and error-responses.json.
        assert_eq!(
            refused("public", &[]),
            r#"ERROR: role name "public" is reserved (SQLSTATE 42939)"#
        );
        assert_eq!(
            refused("none", &[]),
            r#"ERROR: role name "none" is reserved (SQLSTATE 42939)"#
        );
        assert_eq!(
            refused("pg_x", &[]),
            r#"ERROR: role name "pg_x" is reserved (SQLSTATE 42939)"#
        );
        assert_eq!(
            refused("teleport-auto-user", &[]),
            r#"user "teleport-auto-user" already exists in this PostgreSQL database and is not managed by Teleport"#
        );
        assert_eq!(
            refused("admin-escal", &["teleport-admin"]),
            r#"ERROR: permission denied to grant role "teleport-admin" (SQLSTATE 42501)"#
        );
        assert_eq!(
            refused("x", &["ro\0le"]),
            r#"ERROR: role "role" does not exist (SQLSTATE 42704)"#
        );
    }

    #[test]
    fn counts_bytes_not_letters() {
        assert_eq!(check_names(&"x".repeat(63), "a", &[]), Ok(()));
        assert!(refused(&"x".repeat(64), &[]).contains("64 bytes"));
        assert!(refused(&"ü".repeat(32), &[]).contains("64 bytes"));
        assert!(refused("x", &[&"r".repeat(64)]).contains("does not exist"));
    }

    #[test]
    fn the_admin_account_is_nobodys_user() {
        assert_eq!(
            refused("teleport-admin", &[]),
            r#"user "teleport-admin" already exists in this PostgreSQL database and is not managed by Teleport"#
        );
    }
}
