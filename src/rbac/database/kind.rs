//! The type of a database, computed from its fields (auth-api.md 5.3).

use std::fmt;

use super::Database;

/// Where a database runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum DatabaseKind {
    AlloyDb,
    Azure,
    DocumentDb,
    DynamoDb,
    Elasticache,
    ElasticacheServerless,
    Gcp,
    Keyspace,
    MemoryDb,
    MongoAtlas,
    OpenSearch,
    Rds,
    RdsOracle,
    RdsProxy,
    Redshift,
    RedshiftServerless,
    SelfHosted,
    Spanner,
}

impl DatabaseKind {
    /// The name in listings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AlloyDb => "alloydb",
            Self::Azure => "azure",
            Self::DocumentDb => "docdb",
            Self::DynamoDb => "dynamodb",
            Self::Elasticache => "elasticache",
            Self::ElasticacheServerless => "elasticache-serverless",
            Self::Gcp => "gcp",
            Self::Keyspace => "keyspace",
            Self::MemoryDb => "memorydb",
            Self::MongoAtlas => "mongo-atlas",
            Self::OpenSearch => "opensearch",
            Self::Rds => "rds",
            Self::RdsOracle => "rds-oracle",
            Self::RdsProxy => "rdsproxy",
            Self::Redshift => "redshift",
            Self::RedshiftServerless => "redshift-serverless",
            Self::SelfHosted => "self-hosted",
            Self::Spanner => "spanner",
        }
    }
}

impl fmt::Display for DatabaseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Database {
    /// The type; the first matching rule wins.
    #[must_use]
    pub fn kind(&self) -> DatabaseKind {
        let aws = self.effective_aws();
        if !self.mongo_atlas.is_empty() {
            return DatabaseKind::MongoAtlas;
        }
        match self.protocol.as_str() {
            "cassandra" if !aws.is_empty() => return DatabaseKind::Keyspace,
            "dynamodb" => return DatabaseKind::DynamoDb,
            "opensearch" => return DatabaseKind::OpenSearch,
            "oracle" if !aws.is_empty() => return DatabaseKind::RdsOracle,
            _ => {}
        }
        if let Some(kind) = aws.kind() {
            return kind;
        }
        if self.protocol == "spanner" {
            return DatabaseKind::Spanner;
        }
        if self.uri.starts_with("alloydb://") || !self.gcp.alloydb.is_empty() {
            return DatabaseKind::AlloyDb;
        }
        if !self.gcp.is_empty() {
            return DatabaseKind::Gcp;
        }
        if !self.status_azure.name.is_empty() || !self.azure.name.is_empty() {
            return DatabaseKind::Azure;
        }
        DatabaseKind::SelfHosted
    }
}
