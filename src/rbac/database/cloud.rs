//! Facts about databases of cloud providers, in the shape and with the names of their JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::DatabaseKind;

macro_rules! facts {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $name {
            $($(#[$field_doc])* #[serde(skip_serializing_if = "String::is_empty")] pub $field: String,)*
        }
    };
}

facts!(
    /// A Redshift cluster.
    Redshift {
        /// Identifier of the cluster.
        cluster_id
    }
);
facts!(
    /// A serverless Redshift workgroup.
    RedshiftServerless {
        /// Name of the workgroup.
        workgroup_name,
        /// Name of the VPC endpoint.
        endpoint_name,
        /// Identifier of the workgroup.
        workgroup_id
    }
);
facts!(
    /// An RDS proxy.
    RdsProxy {
        /// Name of the proxy.
        name,
        /// Name of the custom endpoint.
        custom_endpoint_name,
        /// Identifier of the proxy.
        resource_id
    }
);
facts!(
    /// A serverless ElastiCache cache.
    ElasticacheServerless {
        /// Name of the cache.
        cache_name
    }
);
facts!(
    /// Where managed passwords lie.
    SecretStore {
        /// Prefix of the keys.
        key_prefix,
        /// Key that encrypts them.
        kms_key_id
    }
);
facts!(
    /// An OpenSearch domain.
    OpenSearch {
        /// Name of the domain.
        domain_name,
        /// Identifier of the domain.
        domain_id,
        /// Kind of endpoint.
        endpoint_type
    }
);
facts!(
    /// A DocumentDB cluster.
    DocDb {
        /// Identifier of the cluster.
        cluster_id,
        /// Identifier of the instance.
        instance_id,
        /// Kind of endpoint.
        endpoint_type
    }
);
facts!(
    /// An AlloyDB instance.
    AlloyDb {
        /// Kind of endpoint.
        endpoint_type,
        /// Endpoint to use instead.
        endpoint_override
    }
);
facts!(
    /// Azure Cache for Redis.
    AzureRedis {
        /// Clustering policy.
        clustering_policy
    }
);

/// An RDS instance or Aurora cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rds {
    /// Identifier of the instance.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub instance_id: String,
    /// Identifier of the Aurora cluster.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cluster_id: String,
    /// Resource identifier.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource_id: String,
    /// Whether IAM authentication is on.
    pub iam_auth: bool,
    /// Subnets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subnets: Vec<String>,
    /// Identifier of the VPC.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub vpc_id: String,
    /// Security groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub security_groups: Vec<String>,
}

/// An ElastiCache replication group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Elasticache {
    /// Identifier of the replication group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub replication_group_id: String,
    /// Identifiers of user groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user_group_ids: Vec<String>,
    /// Whether TLS is on.
    #[serde(skip_serializing_if = "is_false")]
    pub transit_encryption_enabled: bool,
    /// Kind of endpoint.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub endpoint_type: String,
}

/// A MemoryDB cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemoryDb {
    /// Name of the cluster.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cluster_name: String,
    /// Name of the access control list.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub acl_name: String,
    /// Whether TLS is on.
    #[serde(skip_serializing_if = "is_false")]
    pub tls_enabled: bool,
    /// Kind of endpoint.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub endpoint_type: String,
}

/// AWS facts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Aws {
    /// Region.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// Redshift.
    pub redshift: Redshift,
    /// RDS.
    pub rds: Rds,
    /// Account.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub account_id: String,
    /// ElastiCache.
    pub elasticache: Elasticache,
    /// Secret store.
    pub secret_store: SecretStore,
    /// MemoryDB.
    pub memorydb: MemoryDb,
    /// RDS proxy.
    pub rdsproxy: RdsProxy,
    /// Redshift Serverless.
    pub redshift_serverless: RedshiftServerless,
    /// External identifier for assuming a role.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub external_id: String,
    /// Role to assume.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub assume_role_arn: String,
    /// OpenSearch.
    pub opensearch: OpenSearch,
    /// Whether the agent could configure IAM.
    pub iam_policy_status: IamPolicyStatus,
    /// Tags of sessions.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub session_tags: BTreeMap<String, String>,
    /// DocumentDB.
    pub docdb: DocDb,
    /// ElastiCache Serverless.
    pub elasticache_serverless: ElasticacheServerless,
}

/// Whether an agent could configure IAM, by its number on the wire; in JSON the name, when reading also the number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IamPolicyStatus(pub i32);

const IAM_NAMES: [&str; 4] = [
    "IAM_POLICY_STATUS_UNSPECIFIED",
    "IAM_POLICY_STATUS_PENDING",
    "IAM_POLICY_STATUS_FAILED",
    "IAM_POLICY_STATUS_SUCCESS",
];

impl Serialize for IamPolicyStatus {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = usize::try_from(self.0)
            .ok()
            .and_then(|i| IAM_NAMES.get(i))
            .unwrap_or(&IAM_NAMES[0]);
        serializer.serialize_str(name)
    }
}

impl<'de> Deserialize<'de> for IamPolicyStatus {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let index = match &value {
            serde_json::Value::String(name) => IAM_NAMES
                .iter()
                .position(|n| n == name)
                .and_then(|i| i32::try_from(i).ok()),
            other => other.as_i64().and_then(|n| i32::try_from(n).ok()),
        };
        index
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom(format!("invalid IAM policy status {value}")))
    }
}

impl Aws {
    /// The type that these facts imply, if any.
    pub(super) fn kind(&self) -> Option<DatabaseKind> {
        let serverless = &self.redshift_serverless;
        let rules = [
            (!self.redshift.cluster_id.is_empty(), DatabaseKind::Redshift),
            (
                !serverless.workgroup_name.is_empty() || !serverless.endpoint_name.is_empty(),
                DatabaseKind::RedshiftServerless,
            ),
            (
                !self.elasticache.replication_group_id.is_empty(),
                DatabaseKind::Elasticache,
            ),
            (
                !self.elasticache_serverless.cache_name.is_empty(),
                DatabaseKind::ElasticacheServerless,
            ),
            (
                !self.memorydb.cluster_name.is_empty(),
                DatabaseKind::MemoryDb,
            ),
            (
                !self.rdsproxy.name.is_empty() || !self.rdsproxy.custom_endpoint_name.is_empty(),
                DatabaseKind::RdsProxy,
            ),
            (
                !self.docdb.cluster_id.is_empty() || !self.docdb.instance_id.is_empty(),
                DatabaseKind::DocumentDb,
            ),
            (
                !(self.region.is_empty()
                    && self.rds.instance_id.is_empty()
                    && self.rds.resource_id.is_empty()
                    && self.rds.cluster_id.is_empty()),
                DatabaseKind::Rds,
            ),
        ];
        rules
            .into_iter()
            .find(|(holds, _)| *holds)
            .map(|(_, kind)| kind)
    }

    /// `aws`, `aws-cn` or `aws-us-gov`, from the region (rbac.md 6.3).
    #[must_use]
    pub fn partition(&self) -> &'static str {
        if self.region.starts_with("cn-") {
            "aws-cn"
        } else if self.region.starts_with("us-gov-") {
            "aws-us-gov"
        } else {
            "aws"
        }
    }
}

/// Google Cloud facts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gcp {
    /// Project.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub project_id: String,
    /// Instance.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub instance_id: String,
    /// AlloyDB.
    pub alloydb: AlloyDb,
}

/// Azure facts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Azure {
    /// Name of the server.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Resource identifier.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource_id: String,
    /// Redis.
    pub redis: AzureRedis,
    /// Whether it is a flexible server.
    #[serde(skip_serializing_if = "is_false")]
    pub is_flexi_server: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
pub(super) fn is_false(value: &bool) -> bool {
    !value
}
