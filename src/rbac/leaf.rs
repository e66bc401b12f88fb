//! Users of a root cluster in a leaf cluster: role maps and mapped identities (rbac.md 8).

use super::pattern::Pattern;
use super::role::IMPLICIT_ROLE;
use super::{Traits, WILDCARD};
use crate::identity::Identity;
use crate::quote::{list, quote};

/// One line of a role map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleMapping {
    /// Pattern for roles of the root cluster.
    pub remote: String,
    /// Templates of roles in the leaf cluster.
    pub local: Vec<String>,
}

/// Why a role map is refused, or why it gives a user nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoleMapError {
    /// A mapping without a pattern.
    #[error("missing 'remote' parameter for role_map")]
    NoRemote,
    /// A mapping without roles.
    #[error("missing 'local' parameter for 'role_map'")]
    NoLocal,
    /// `*` as a local role.
    #[error("wildcard value is not supported for 'local' property of 'role_map' entry")]
    LocalWildcard,
    /// The same pattern twice.
    #[error("remote role '{0}' match is already specified")]
    Duplicate(String),
    /// A pattern that does not compile.
    #[error("failed to parse 'remote' parameter for role_map: {0}")]
    Pattern(String),
    /// No role of the user is mapped.
    #[error(
        "no roles mapped for remote user {} from cluster {} with remote roles {}",
        quote(user),
        quote(cluster),
        list(roles)
    )]
    NothingMapped {
        /// The user in the root cluster.
        user: String,
        /// The root cluster.
        cluster: String,
        /// The user's roles there.
        roles: Vec<String>,
    },
}

/// Validates a role map.
///
/// # Errors
/// The first mistake.
pub fn check_role_map(map: &[RoleMapping]) -> Result<(), RoleMapError> {
    for (i, mapping) in map.iter().enumerate() {
        if mapping.remote.is_empty() {
            return Err(RoleMapError::NoRemote);
        }
        if mapping.local.is_empty() {
            return Err(RoleMapError::NoLocal);
        }
        if mapping.local.iter().any(|l| l == WILDCARD) {
            return Err(RoleMapError::LocalWildcard);
        }
        if map[..i].iter().any(|m| m.remote == mapping.remote) {
            return Err(RoleMapError::Duplicate(mapping.remote.clone()));
        }
        Pattern::regex(&mapping.remote).map_err(RoleMapError::Pattern)?;
    }
    Ok(())
}

/// Maps roles of the root cluster to roles of the leaf, in the order of the map, without duplicates.
///
/// # Errors
/// If a pattern does not compile.
pub fn map_roles(map: &[RoleMapping], roles: &[String]) -> Result<Vec<String>, RoleMapError> {
    let none = [String::new()];
    let roles = if roles.is_empty() { &none } else { roles };
    let mut mapped: Vec<String> = Vec::new();
    for mapping in map {
        let regex = Pattern::regex(&mapping.remote).map_err(RoleMapError::Pattern)?;
        for role in roles.iter().filter(|r| *r != IMPLICIT_ROLE) {
            for template in &mapping.local {
                let Some(local) = regex.replace_all(role, template) else {
                    continue;
                };
                if !local.is_empty() && !mapped.contains(&local) {
                    mapped.push(local);
                }
            }
        }
    }
    Ok(mapped)
}

/// The user's name in a leaf cluster.
#[must_use]
pub fn remote_username(user: &str, root_cluster: &str) -> String {
    format!("remote-{user}-{root_cluster}")
}

/// The name in the root cluster of the user whom a leaf knows as `username`; the other way round of [`remote_username`].
#[must_use]
pub fn name_at_home<'a>(username: &'a str, root_cluster: &str) -> Option<&'a str> {
    username
        .strip_prefix("remote-")?
        .strip_suffix(root_cluster)?
        .strip_suffix('-')
}

/// Who a user of the root cluster is in a leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteIdentity {
    /// `remote-<user>-<root cluster>`.
    pub username: String,
    /// Mapped roles.
    pub roles: Vec<String>,
    /// Traits of the certificate, with users and names from its own lists.
    pub traits: Traits,
}

/// Builds the identity in the leaf from a certificate of the root (rbac.md 8.1).
///
/// # Errors
/// If no role is mapped.
pub fn remote_identity(
    identity: &Identity,
    root_cluster: &str,
    map: &[RoleMapping],
) -> Result<RemoteIdentity, RoleMapError> {
    let roles = map_roles(map, &identity.roles)?;
    if roles.is_empty() {
        return Err(RoleMapError::NothingMapped {
            user: identity.username.clone(),
            cluster: root_cluster.to_owned(),
            roles: identity.roles.clone(),
        });
    }
    Ok(RemoteIdentity {
        username: remote_username(&identity.username, root_cluster),
        roles,
        traits: remote_traits(identity),
    })
}

/// Six traits always come from lists of the certificate; postern's certificates carry three of them.
fn remote_traits(identity: &Identity) -> Traits {
    let mut traits = identity.traits.clone();
    let own: [(&str, &[String]); 6] = [
        ("logins", &identity.principals),
        ("kubernetes_groups", &[]),
        ("kubernetes_users", &[]),
        ("db_names", &identity.database_names),
        ("db_users", &identity.database_users),
        ("aws_role_arns", &[]),
    ];
    for (name, values) in own {
        traits.insert(name.to_owned(), values.to_vec());
    }
    traits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(remote: &str, local: &[&str]) -> RoleMapping {
        RoleMapping {
            remote: remote.into(),
            local: local.iter().map(|l| (*l).to_owned()).collect(),
        }
    }

    fn map(map: &[RoleMapping], roles: &[&str]) -> Vec<String> {
        let roles: Vec<String> = roles.iter().map(|r| (*r).to_owned()).collect();
        map_roles(map, &roles).unwrap()
    }

    #[test]
    fn vectors_of_the_protocol() {
        // rbac.md 14.7.
        assert_eq!(
            remote_username("alice", "acme.example"),
            "remote-alice-acme.example"
        );
        assert_eq!(
            map(&[mapping("dba", &["leaf-dba"])], &["dba", "dev"]),
            ["leaf-dba"]
        );
        assert_eq!(map(&[mapping("*", &["visitor"])], &[]), ["visitor"]);
        assert_eq!(
            map(&[mapping("team-*", &["leaf-$1"])], &["team-db"]),
            ["leaf-db"]
        );
        let regex = mapping("^(team-.*)$", &["$1", "$2"]);
        assert_eq!(
            map(&[regex], &["team-db", "x", "default-implicit-role"]),
            ["team-db"]
        );
        let identity = Identity {
            username: "alice".into(),
            roles: vec!["dev".into()],
            traits: [
                ("db_users".to_owned(), vec!["rw".to_owned()]),
                ("x".to_owned(), vec!["1".to_owned()]),
            ]
            .into(),
            database_users: vec!["ro".into()],
            ..Identity::default()
        };
        assert_eq!(
            remote_identity(&identity, "acme.example", &[mapping("dba", &["leaf-dba"])])
                .unwrap_err()
                .to_string(),
            "no roles mapped for remote user \"alice\" from cluster \"acme.example\" with remote roles [dev]"
        );
        let leaf = remote_identity(&identity, "acme.example", &[mapping("dev", &["d"])]).unwrap();
        assert_eq!(
            (
                leaf.traits["db_users"].as_slice(),
                leaf.traits["x"].as_slice()
            ),
            (&["ro".to_owned()][..], &["1".to_owned()][..])
        );
    }

    #[test]
    fn refused_maps() {
        for (map, text) in [
            (
                vec![mapping("", &["a"])],
                "missing 'remote' parameter for role_map",
            ),
            (
                vec![mapping("a", &[])],
                "missing 'local' parameter for 'role_map'",
            ),
            (
                vec![mapping("a", &["*"])],
                "wildcard value is not supported for 'local' property of 'role_map' entry",
            ),
            (
                vec![mapping("a", &["b"]), mapping("a", &["c"])],
                "remote role 'a' match is already specified",
            ),
            (
                vec![mapping("^[$", &["b"])],
                "failed to parse 'remote' parameter for role_map: error parsing regexp: missing closing ]: `[$`",
            ),
        ] {
            assert_eq!(check_role_map(&map).unwrap_err().to_string(), text);
        }
    }
}
