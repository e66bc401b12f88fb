//! Protobuf messages to and from the types of this module. Fields that the protobuf subset lacks are lost.

mod cloud;
mod database;
mod role;

use std::collections::BTreeMap;

use super::Traits;
use crate::proto::wrappers::{LabelValues, StringValues};

/// Reads traits or a label selector.
#[must_use]
pub fn label_values(message: Option<&LabelValues>) -> BTreeMap<String, Vec<String>> {
    let Some(message) = message else {
        return BTreeMap::new();
    };
    message
        .values
        .iter()
        .map(|(key, values)| (key.clone(), values.values.clone()))
        .collect()
}

/// Writes traits or a label selector; `None` when empty.
#[must_use]
pub fn to_label_values(map: &Traits) -> Option<LabelValues> {
    if map.is_empty() {
        return None;
    }
    let values = map
        .iter()
        .map(|(key, values)| {
            (
                key.clone(),
                StringValues {
                    values: values.clone(),
                },
            )
        })
        .collect();
    Some(LabelValues { values })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::proto::types;
    use crate::rbac::{Database, Role};

    #[test]
    fn a_role_survives_the_wire() {
        let document = json!({
            "kind": "role", "version": "v7", "metadata": {"name": "r", "description": "d", "labels": {"a": "b"}},
            "spec": {
                "options": {"create_db_user_mode": "keep", "max_session_ttl": "8h", "require_session_mfa": true,
                            "device_trust_mode": "optional", "client_idle_timeout": "5m", "mfa_verification_interval": "1h"},
                "allow": {"db_labels": {"env": ["qa", "dev"], "t": ""}, "db_labels_expression": "labels.a == \"1\"",
                          "db_users": ["{{internal.db_users}}"], "db_names": ["*"], "db_roles": ["x"], "logins": ["l"],
                          "db_permissions": [{"permissions": ["SELECT"], "match": {"k": "v"}}],
                          "rules": [{"resources": ["db"], "verbs": ["list"]}],
                          "cluster_labels": {"*": "*"}},
                "deny": {"db_users": ["root"], "db_labels": {"env": "live"}},
            },
        });
        let role = Role::from_document(&document).unwrap();
        assert_eq!(Role::from(&types::RoleV6::from(&role)), role);
    }

    #[test]
    fn a_database_survives_the_wire() {
        let document = json!({
            "kind": "db", "version": "v3",
            "metadata": {"name": "d", "description": "x", "labels": {"a": "b"}, "expires": "2026-11-24T10:00:00Z"},
            "spec": {"protocol": "postgres", "uri": "c.abc.us-east-1.redshift.amazonaws.com:5439",
                     "admin_user": {"name": "tp", "default_database": "postgres"},
                     "aws": {"account_id": "111122223333", "session_tags": {"k": "v"},
                             "rds": {"iam_auth": true, "subnets": ["s"]}, "iam_policy_status": "IAM_POLICY_STATUS_SUCCESS"},
                     "tls": {"mode": "insecure", "server_name": "n"},
                     "dynamic_labels": {"t": {"period": "1m0s", "command": ["c"], "result": "r"}}},
            "status": {"aws": {"region": "eu-west-1"}, "managed_users": ["m"]},
        });
        let database = Database::from_document(&document).unwrap();
        let message = types::DatabaseV3::from(&database);
        assert_eq!(message.kind, "db");
        assert_eq!(Database::from(&message), database);
    }
}
