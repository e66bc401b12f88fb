//! Who a user of a root is here (rbac.md 8.1).

use super::document::TrustedCluster;
use crate::identity::Certificate;
use crate::quote::quote;
use crate::rbac::leaf::{RoleMapError, remote_identity};

/// Why a user of another cluster is nobody here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMapped {
    /// The cluster is not trusted, or not any more.
    #[error("the cluster {} is not trusted here", quote(.0))]
    NotTrusted(String),
    /// The role map gives the user nothing.
    #[error(transparent)]
    Roles(#[from] RoleMapError),
}

/// The certificate as this cluster reads it: name, roles and traits are those of the mapped user, all else is as the root
/// wrote it. `trusted` is the document of the cluster that issued it.
///
/// # Errors
/// [`NotMapped`].
pub fn mapped(
    certificate: &Certificate,
    trusted: Option<&TrustedCluster>,
) -> Result<Certificate, NotMapped> {
    let root = &certificate.issuer_cluster;
    let trusted = trusted
        .filter(|t| t.enabled && t.name == *root)
        .ok_or_else(|| NotMapped::NotTrusted(root.clone()))?;
    let remote = remote_identity(&certificate.identity, root, &trusted.role_map)?;
    let mut certificate = certificate.clone();
    certificate.identity.username = remote.username;
    certificate.identity.roles = remote.roles;
    certificate.identity.traits = remote.traits;
    Ok(certificate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Identity;
    use serde_json::json;

    fn certificate(roles: &[&str]) -> Certificate {
        Certificate {
            identity: Identity {
                username: "alice".into(),
                roles: roles.iter().map(|r| (*r).to_owned()).collect(),
                teleport_cluster: "root".into(),
                traits: [("db_roles".to_owned(), vec!["writer".to_owned()])].into(),
                database_users: vec!["app".into()],
                ..Identity::default()
            },
            issuer_cluster: "root".into(),
            not_before: 0,
            not_after: 100,
            serial: vec![1],
            der: vec![],
        }
    }

    fn trusted(enabled: bool) -> TrustedCluster {
        TrustedCluster::from_document(
            &json!({"metadata": {"name": "root"}, "spec": {"enabled": enabled,
            "role_map": [{"remote": "^db-(.*)$", "local": ["$1"]}], "tunnel_addr": "x:1"}}),
        )
        .expect("a document")
    }

    #[test]
    fn name_roles_and_traits_are_those_here() {
        let seen =
            mapped(&certificate(&["db-plain", "other"]), Some(&trusted(true))).expect("mapped");
        assert_eq!(seen.identity.username, "remote-alice-root");
        assert_eq!(seen.identity.roles, ["plain"]);
        assert_eq!(seen.identity.traits["db_roles"], ["writer"]);
        assert_eq!(seen.identity.traits["db_users"], ["app"]);
        assert_eq!(seen.identity.teleport_cluster, "root");
    }

    #[test]
    fn who_is_nobody_here() {
        let wanted = certificate(&["db-plain"]);
        let not_trusted = NotMapped::NotTrusted("root".into());
        assert_eq!(mapped(&wanted, None), Err(not_trusted.clone()));
        assert_eq!(
            mapped(&wanted, Some(&trusted(false))),
            Err(not_trusted.clone())
        );
        let mut other = trusted(true);
        other.name = "another".into();
        assert_eq!(mapped(&wanted, Some(&other)), Err(not_trusted));
        // rbac.md 8.2.
        assert_eq!(
            mapped(&certificate(&["x"]), Some(&trusted(true)))
                .expect_err("nothing is mapped")
                .to_string(),
            "no roles mapped for remote user \"alice\" from cluster \"root\" with remote roles [x]"
        );
    }
}
