//! Databases. Sub-messages may be present and empty, or absent: both read as nothing, and writing makes all of them
//! present but the admin user, as Teleport 18 does (auth-api.md 5.3).

use prost_types::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::proto::types::{
    Ad, CommandLabelV2, DatabaseAdminUser, DatabaseSpecV3, DatabaseStatusV3, DatabaseTls,
    DatabaseV3, Metadata, MongoAtlas, MySqlOptions, OracleOptions,
};
use crate::rbac::database::{AdminUser, Database, DynamicLabel, Empty, Rare, Tls, TlsMode};

/// Facts of a cloud provider, where there are any.
fn rare<M, T: Empty + From<M>>(facts: Option<M>) -> Rare<T> {
    facts.map(|facts| T::from(facts).into()).unwrap_or_default()
}

impl From<&DatabaseV3> for Database {
    fn from(message: &DatabaseV3) -> Self {
        message.clone().into()
    }
}

impl From<DatabaseV3> for Database {
    fn from(message: DatabaseV3) -> Self {
        let metadata = message.metadata.unwrap_or_default();
        let spec = message.spec.unwrap_or_default();
        let status = message.status.unwrap_or_default();
        let tls = spec.tls.unwrap_or_default();
        let ad = spec.ad.unwrap_or_default();
        Self {
            name: metadata.name,
            namespace: metadata.namespace,
            description: metadata.description,
            protocol: spec.protocol,
            uri: spec.uri,
            labels: metadata.labels.into_iter().collect(),
            dynamic_labels: spec
                .dynamic_labels
                .into_iter()
                .map(|(key, l)| {
                    (
                        key,
                        DynamicLabel {
                            period: l.period,
                            command: l.command,
                            result: l.result,
                        },
                    )
                })
                .collect(),
            admin_user: spec.admin_user.map(|a| AdminUser {
                name: a.name,
                default_database: a.default_database,
            }),
            tls: Tls {
                mode: TlsMode::from_number(tls.mode),
                ca_cert: tls.ca_cert,
                server_name: tls.server_name,
                trust_system_cert_pool: tls.trust_system_cert_pool,
            },
            ca_cert: spec.ca_cert,
            aws: rare(spec.aws),
            status_aws: rare(status.aws),
            gcp: rare(spec.gcp),
            azure: rare(spec.azure),
            status_azure: rare(status.azure),
            mongo_atlas: spec.mongo_atlas.unwrap_or_default().name,
            mysql_version: spec.my_sql.unwrap_or_default().server_version,
            ad_keytab: ad.keytab_file,
            ad_krb5: ad.krb5_file,
            ad_domain: ad.domain,
            ad_spn: ad.spn,
            managed_users: status.managed_users,
            expires: metadata
                .expires
                .and_then(|t| rfc3339(&t))
                .unwrap_or_default(),
            revision: metadata.revision,
            service_version: String::new(),
            health: String::new(),
        }
    }
}

impl From<&Database> for DatabaseV3 {
    fn from(database: &Database) -> Self {
        let database = database.clone();
        let spec = DatabaseSpecV3 {
            protocol: database.protocol,
            uri: database.uri,
            ca_cert: database.ca_cert,
            dynamic_labels: database
                .dynamic_labels
                .into_iter()
                .map(|(key, l)| {
                    (
                        key,
                        CommandLabelV2 {
                            period: l.period,
                            command: l.command,
                            result: l.result,
                        },
                    )
                })
                .collect(),
            aws: Some(database.aws.into_inner().into()),
            gcp: Some(database.gcp.into_inner().into()),
            azure: Some(database.azure.into_inner().into()),
            tls: Some(DatabaseTls {
                mode: database.tls.mode.number(),
                ca_cert: database.tls.ca_cert,
                server_name: database.tls.server_name,
                trust_system_cert_pool: database.tls.trust_system_cert_pool,
            }),
            ad: Some(Ad {
                keytab_file: database.ad_keytab,
                krb5_file: database.ad_krb5,
                domain: database.ad_domain,
                spn: database.ad_spn,
                ..Ad::default()
            }),
            my_sql: Some(MySqlOptions {
                server_version: database.mysql_version,
            }),
            admin_user: database.admin_user.map(|a| DatabaseAdminUser {
                name: a.name,
                default_database: a.default_database,
            }),
            mongo_atlas: Some(MongoAtlas {
                name: database.mongo_atlas,
            }),
            oracle: Some(OracleOptions::default()),
        };
        Self {
            kind: "db".into(),
            sub_kind: String::new(),
            version: "v3".into(),
            metadata: Some(Metadata {
                name: database.name,
                namespace: database.namespace,
                description: database.description,
                labels: database.labels.into_iter().collect(),
                expires: timestamp(&database.expires),
                revision: database.revision,
            }),
            spec: Some(spec),
            status: Some(DatabaseStatusV3 {
                aws: Some(database.status_aws.into_inner().into()),
                my_sql: Some(MySqlOptions::default()),
                managed_users: database.managed_users,
                azure: Some(database.status_azure.into_inner().into()),
                ..DatabaseStatusV3::default()
            }),
        }
    }
}

/// Go's zero time, which means "unset".
const GO_ZERO: i64 = -62_135_596_800;

fn rfc3339(stamp: &Timestamp) -> Option<String> {
    if stamp.seconds == GO_ZERO {
        return None;
    }
    let nanos = i128::from(stamp.seconds) * 1_000_000_000 + i128::from(stamp.nanos);
    OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .ok()?
        .format(&Rfc3339)
        .ok()
}

fn timestamp(text: &str) -> Option<Timestamp> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let nanos = i32::try_from(time.nanosecond()).ok()?;
    Some(Timestamp {
        seconds: time.unix_timestamp(),
        nanos,
    })
}
