//! What a certificate says about its holder: user, roles, traits, route to a database.
//!
//! Reading is for both ends; writing (feature `cluster`) is for the embedded cluster. Source: credentials.md 1.2-1.4.

use std::collections::BTreeMap;

mod certificate;
mod cluster_name;
#[cfg(feature = "cluster-core")]
pub(crate) mod der;
#[cfg(feature = "cluster-core")]
mod encode;
pub mod oids;
pub mod pem;
#[cfg(test)]
pub(crate) mod recorded;
mod subject;
#[cfg(test)]
mod tests;
mod traits;

pub use certificate::{BACKDATING_SECONDS, Certificate, CertificateError, Validity};
pub use cluster_name::{GENERIC_CLUSTER_NAME, cluster_sni, decode_cluster, encode_cluster};
#[cfg(feature = "cluster-core")]
pub use encode::encode_subject;
pub use subject::decode_subject;
#[cfg(feature = "cluster-core")]
pub(crate) use traits::encode as encode_traits;

/// Trait name to values, as in the certificate's `POSTALCODE` JSON.
pub type Traits = BTreeMap<String, Vec<String>>;

/// Which database a certificate leads to (OIDs 1.3.9999.2.1-4 and 2.19).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteToDatabase {
    /// Name of the database resource; never empty in a database certificate.
    pub service_name: String,
    /// `postgres`, `mysql`, …
    pub protocol: String,
    /// Database user; must be set for a cancel request to be accepted.
    pub username: String,
    /// Database name.
    pub database: String,
    /// Requested database roles, in the order given; empty means all allowed ones.
    pub roles: Vec<String>,
}

/// The identity in a user certificate's subject. Empty strings and lists mean "absent".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Common name: the Teleport user.
    pub username: String,
    /// Organization, in certificate order.
    pub roles: Vec<String>,
    /// Locality: SSH principals.
    pub principals: Vec<String>,
    /// Organizational unit: usage restriction, `usage:db` in database certificates.
    pub usage: Vec<String>,
    /// Street: cluster the certificate routes to; empty or the root's name for the root.
    pub route_to_cluster: String,
    /// 1.3.9999.1.7: the cluster that issued the certificate.
    pub teleport_cluster: String,
    /// Postal code: traits as JSON.
    pub traits: Traits,
    /// 1.3.9999.2.1-4, 2.19.
    pub route_to_database: Option<RouteToDatabase>,
    /// 1.3.9999.2.5: allowed database names, for leaf clusters.
    pub database_names: Vec<String>,
    /// 1.3.9999.2.6: allowed database users, for leaf clusters.
    pub database_users: Vec<String>,
    /// 1.3.9999.2.8.
    pub active_requests: Vec<String>,
    /// 1.3.9999.2.10, the raw JSON.
    pub allowed_resource_ids: String,
    /// 1.3.9999.1.8: device that verified a second factor for this certificate.
    pub mfa_verified: String,
    /// 1.3.9999.1.9.
    pub login_ip: String,
    /// 1.3.9999.2.15.
    pub pinned_ip: String,
    /// 1.3.9999.1.15.
    pub private_key_policy: String,
    /// 1.3.9999.2.12, RFC 3339.
    pub previous_identity_expires: String,
    /// Every other private attribute, (dotted OID, value), in certificate order.
    pub other: Vec<(String, String)>,
}
