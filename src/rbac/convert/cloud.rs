//! Cloud facts: the same fields on both sides, under other names.

use crate::proto::types as wire;
use crate::rbac::database::{self as own, IamPolicyStatus};

/// Writes both directions for structures whose fields correspond one to one.
macro_rules! same_fields {
    ($($own:ident = $wire:ident { $($field:ident = $wire_field:ident),* })*) => {$(
        impl From<wire::$wire> for own::$own {
            fn from(m: wire::$wire) -> Self {
                Self { $($field: m.$wire_field,)* }
            }
        }

        impl From<own::$own> for wire::$wire {
            fn from(o: own::$own) -> Self {
                Self { $($wire_field: o.$field,)* }
            }
        }
    )*};
}

same_fields! {
    Redshift = Redshift { cluster_id = cluster_id }
    RedshiftServerless = RedshiftServerless {
        workgroup_name = workgroup_name, endpoint_name = endpoint_name, workgroup_id = workgroup_id
    }
    Rds = Rds {
        instance_id = instance_id, cluster_id = cluster_id, resource_id = resource_id, iam_auth = iam_auth,
        subnets = subnets, vpc_id = vpcid, security_groups = security_groups
    }
    RdsProxy = RdsProxy { name = name, custom_endpoint_name = custom_endpoint_name, resource_id = resource_id }
    Elasticache = ElastiCache {
        replication_group_id = replication_group_id, user_group_ids = user_group_i_ds,
        transit_encryption_enabled = transit_encryption_enabled, endpoint_type = endpoint_type
    }
    ElasticacheServerless = ElastiCacheServerless { cache_name = cache_name }
    MemoryDb = MemoryDb {
        cluster_name = cluster_name, acl_name = acl_name, tls_enabled = tls_enabled, endpoint_type = endpoint_type
    }
    OpenSearch = OpenSearch { domain_name = domain_name, domain_id = domain_id, endpoint_type = endpoint_type }
    DocDb = DocumentDb { cluster_id = cluster_id, instance_id = instance_id, endpoint_type = endpoint_type }
    SecretStore = SecretStore { key_prefix = key_prefix, kms_key_id = kms_key_id }
    AlloyDb = AlloyDb { endpoint_type = endpoint_type, endpoint_override = endpoint_override }
    AzureRedis = AzureRedis { clustering_policy = clustering_policy }
}

impl From<wire::Aws> for own::Aws {
    fn from(m: wire::Aws) -> Self {
        Self {
            region: m.region,
            redshift: m.redshift.map(Into::into).unwrap_or_default(),
            rds: m.rds.map(Into::into).unwrap_or_default(),
            account_id: m.account_id,
            elasticache: m.elasti_cache.map(Into::into).unwrap_or_default(),
            secret_store: m.secret_store.map(Into::into).unwrap_or_default(),
            memorydb: m.memory_db.map(Into::into).unwrap_or_default(),
            rdsproxy: m.rds_proxy.map(Into::into).unwrap_or_default(),
            redshift_serverless: m.redshift_serverless.map(Into::into).unwrap_or_default(),
            external_id: m.external_id,
            assume_role_arn: m.assume_role_arn,
            opensearch: m.open_search.map(Into::into).unwrap_or_default(),
            iam_policy_status: IamPolicyStatus(m.iam_policy_status),
            session_tags: m.session_tags.into_iter().collect(),
            docdb: m.document_db.map(Into::into).unwrap_or_default(),
            elasticache_serverless: m
                .elasti_cache_serverless
                .map(Into::into)
                .unwrap_or_default(),
        }
    }
}

impl From<own::Aws> for wire::Aws {
    fn from(o: own::Aws) -> Self {
        Self {
            region: o.region,
            redshift: Some(o.redshift.into()),
            rds: Some(o.rds.into()),
            account_id: o.account_id,
            elasti_cache: Some(o.elasticache.into()),
            secret_store: Some(o.secret_store.into()),
            memory_db: Some(o.memorydb.into()),
            rds_proxy: Some(o.rdsproxy.into()),
            redshift_serverless: Some(o.redshift_serverless.into()),
            external_id: o.external_id,
            assume_role_arn: o.assume_role_arn,
            open_search: Some(o.opensearch.into()),
            iam_policy_status: o.iam_policy_status.0,
            session_tags: o.session_tags.into_iter().collect(),
            document_db: Some(o.docdb.into()),
            elasti_cache_serverless: Some(o.elasticache_serverless.into()),
        }
    }
}

impl From<wire::GcpCloudSql> for own::Gcp {
    fn from(m: wire::GcpCloudSql) -> Self {
        Self {
            project_id: m.project_id,
            instance_id: m.instance_id,
            alloydb: m.alloy_db.map(Into::into).unwrap_or_default(),
        }
    }
}

impl From<own::Gcp> for wire::GcpCloudSql {
    fn from(o: own::Gcp) -> Self {
        Self {
            project_id: o.project_id,
            instance_id: o.instance_id,
            alloy_db: Some(o.alloydb.into()),
        }
    }
}

impl From<wire::Azure> for own::Azure {
    fn from(m: wire::Azure) -> Self {
        Self {
            name: m.name,
            resource_id: m.resource_id,
            redis: m.redis.map(Into::into).unwrap_or_default(),
            is_flexi_server: m.is_flexi_server,
        }
    }
}

impl From<own::Azure> for wire::Azure {
    fn from(o: own::Azure) -> Self {
        Self {
            name: o.name,
            resource_id: o.resource_id,
            redis: Some(o.redis.into()),
            is_flexi_server: o.is_flexi_server,
        }
    }
}
