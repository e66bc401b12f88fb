//! Messages as real servers write them: fields that are always there, even when empty (auth-api.md 1.5, 6.1).

use crate::proto::types;
use crate::rbac::{Database, Role};

/// A role with every part that a stored role carries; clients apply no defaults to what they receive.
pub(super) fn role(role: &Role) -> types::RoleV6 {
    let mut message = types::RoleV6::from(role);
    let spec = message.spec.get_or_insert_default();
    let options = spec.options.get_or_insert_default();
    if options.certificate_format.is_empty() {
        "standard".clone_into(&mut options.certificate_format);
    }
    options.mfa_verification_interval.get_or_insert_default();
    for side in [&mut spec.allow, &mut spec.deny] {
        let side = side.get_or_insert_default();
        side.node_labels.get_or_insert_default();
        side.cluster_labels.get_or_insert_default();
        side.database_labels.get_or_insert_default();
        side.database_service_labels.get_or_insert_default();
    }
    message
}

/// Label and value of databases that were created as resources, not written into a configuration file.
const CREATED: (&str, &str) = ("teleport.dev/origin", "dynamic");

/// A database with its namespace and, unless it was created as a resource, with an admin user even where it has none.
pub(super) fn database(database: &Database) -> types::DatabaseV3 {
    let mut message = types::DatabaseV3::from(database);
    let metadata = message.metadata.get_or_insert_default();
    if metadata.namespace.is_empty() {
        "default".clone_into(&mut metadata.namespace);
    }
    let created = metadata.labels.get(CREATED.0).map(String::as_str) == Some(CREATED.1);
    let spec = message.spec.get_or_insert_default();
    if !created {
        spec.admin_user.get_or_insert_default();
    }
    message
}
