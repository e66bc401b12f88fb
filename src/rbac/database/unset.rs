//! Whether any fact of a cloud provider is set: asked several times of each database of a list.
//!
//! Comparing with an empty structure would say the same, but compares some forty pairs of empty texts, which is slow on
//! processors that take the detour for reads that read nothing. The fields are named one by one, so that the compiler asks for
//! a new one here.

use std::collections::BTreeMap;

use super::cloud::{
    AlloyDb, Aws, Azure, AzureRedis, DocDb, Elasticache, ElasticacheServerless, Gcp,
    IamPolicyStatus, MemoryDb, OpenSearch, Rds, RdsProxy, Redshift, RedshiftServerless,
    SecretStore,
};

trait Unset {
    fn unset(&self) -> bool;
}

impl Unset for String {
    fn unset(&self) -> bool {
        self.is_empty()
    }
}

impl Unset for Vec<String> {
    fn unset(&self) -> bool {
        self.is_empty()
    }
}

impl Unset for BTreeMap<String, String> {
    fn unset(&self) -> bool {
        self.is_empty()
    }
}

impl Unset for bool {
    fn unset(&self) -> bool {
        !self
    }
}

impl Unset for IamPolicyStatus {
    fn unset(&self) -> bool {
        self.0 == 0
    }
}

macro_rules! all_unset {
    ($($name:ident { $($field:ident),* })*) => {$(
        impl Unset for $name {
            fn unset(&self) -> bool {
                let Self { $($field),* } = self;
                $($field.unset())&&*
            }
        }
    )*};
}

all_unset! {
    Redshift { cluster_id }
    RedshiftServerless { workgroup_name, endpoint_name, workgroup_id }
    Rds { instance_id, cluster_id, resource_id, iam_auth, subnets, vpc_id, security_groups }
    RdsProxy { name, custom_endpoint_name, resource_id }
    Elasticache { replication_group_id, user_group_ids, transit_encryption_enabled, endpoint_type }
    ElasticacheServerless { cache_name }
    MemoryDb { cluster_name, acl_name, tls_enabled, endpoint_type }
    OpenSearch { domain_name, domain_id, endpoint_type }
    DocDb { cluster_id, instance_id, endpoint_type }
    SecretStore { key_prefix, kms_key_id }
    AlloyDb { endpoint_type, endpoint_override }
    Gcp { project_id, instance_id, alloydb }
    AzureRedis { clustering_policy }
    Azure { name, resource_id, redis, is_flexi_server }
    Aws {
        region, account_id, rds, redshift, elasticache, secret_store, memorydb, rdsproxy, redshift_serverless, external_id,
        assume_role_arn, opensearch, iam_policy_status, session_tags, docdb, elasticache_serverless
    }
}

macro_rules! is_empty {
    ($($name:ident)*) => {$(
        impl $name {
            /// Whether nothing is set, sub-structures included.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.unset()
            }
        }
    )*};
}

is_empty! { Aws Azure Gcp AlloyDb }

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Sets every text, list, map, switch and number of a document in turn.
    fn each_set(document: &Value, path: &str, set: &mut dyn FnMut(Value, &str)) {
        let Value::Object(fields) = document else {
            return;
        };
        for (key, value) in fields {
            let other = match value {
                Value::String(text) if text.starts_with("IAM_") => {
                    json!("IAM_POLICY_STATUS_FAILED")
                }
                Value::String(_) => json!("x"),
                Value::Bool(_) => json!(true),
                Value::Array(_) => json!(["x"]),
                Value::Object(_) if key == "session_tags" => json!({"k": "v"}),
                Value::Object(_) => {
                    each_set(value, &format!("{path}.{key}"), &mut |inner, path| {
                        let mut changed = fields.clone();
                        changed.insert(key.clone(), inner);
                        set(Value::Object(changed), path);
                    });
                    continue;
                }
                other => panic!("{path}.{key}: {other}"),
            };
            let mut changed = fields.clone();
            changed.insert(key.clone(), other);
            set(Value::Object(changed), &format!("{path}.{key}"));
        }
    }

    #[test]
    fn anything_set_anywhere_counts() {
        assert!(Aws::default().is_empty() && Gcp::default().is_empty());
        let full = json!({
            "region": "", "account_id": "", "external_id": "", "assume_role_arn": "",
            "iam_policy_status": "IAM_POLICY_STATUS_UNSPECIFIED", "session_tags": {},
            "redshift": {"cluster_id": ""},
            "rds": {"instance_id": "", "cluster_id": "", "resource_id": "", "iam_auth": false, "subnets": [], "vpc_id": "",
                    "security_groups": []},
            "elasticache": {"replication_group_id": "", "user_group_ids": [], "transit_encryption_enabled": false,
                            "endpoint_type": ""},
            "secret_store": {"key_prefix": "", "kms_key_id": ""},
            "memorydb": {"cluster_name": "", "acl_name": "", "tls_enabled": false, "endpoint_type": ""},
            "rdsproxy": {"name": "", "custom_endpoint_name": "", "resource_id": ""},
            "redshift_serverless": {"workgroup_name": "", "endpoint_name": "", "workgroup_id": ""},
            "opensearch": {"domain_name": "", "domain_id": "", "endpoint_type": ""},
            "docdb": {"cluster_id": "", "instance_id": "", "endpoint_type": ""},
            "elasticache_serverless": {"cache_name": ""},
        });
        let mut count = 0;
        each_set(&full, "aws", &mut |changed, path| {
            let aws: Aws = serde_json::from_value(changed).expect(path);
            assert_ne!(aws, Aws::default(), "{path} is no field");
            assert!(!aws.is_empty(), "{path}");
            count += 1;
        });
        assert_eq!(count, 37);
        let gcp = json!({"project_id": "", "instance_id": "", "alloydb": {"endpoint_type": "", "endpoint_override": ""}});
        each_set(&gcp, "gcp", &mut |changed, path| {
            let gcp: Gcp = serde_json::from_value(changed).expect(path);
            assert_ne!(gcp, Gcp::default(), "{path} is no field");
            assert!(!gcp.is_empty(), "{path}");
        });
    }
}
