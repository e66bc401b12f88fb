//! Leaf clusters and the authorities of hosts.
//!
//! Source: auth-api.md 2.1, 2.10.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ApiError, Caller, Fault};
use crate::proto::teleport::presence::v1::ListRemoteClustersRequest;
use crate::proto::teleport::trust::v1::GetCertAuthoritiesRequest;
use crate::proto::types::{CertAuthorityV2, RemoteClusterV3};

/// Where the list is on servers without the call.
const OLD_PATH: &str = "/v2/remoteclusters";

/// A cluster reached through the one asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteCluster {
    /// Its name.
    pub name: String,
    /// Whether a tunnel to it stands.
    pub online: bool,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// The certificates that may sign hosts of one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostAuthority {
    /// The cluster.
    pub cluster: String,
    /// PEM texts, the active ones first.
    pub certs_pem: Vec<String>,
}

/// The leaf clusters, sorted by name; none on a leaf. Servers before 16 know only an HTTP request, which is tried when the
/// call is unknown.
///
/// # Errors
/// As any call.
pub async fn remote_clusters(caller: &Caller) -> Result<Vec<RemoteCluster>, ApiError> {
    let mut found = match (listed(caller).await, &caller.again) {
        (Err(err), Some(again)) if err.fault == Fault::Unimplemented => {
            let body = again.get(caller.cluster(), OLD_PATH).await?;
            read_old(caller.cluster(), &body)?
        }
        (answer, _) => answer?,
    };
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

async fn listed(caller: &Caller) -> Result<Vec<RemoteCluster>, ApiError> {
    let mut client = caller.presence();
    let mut found = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListRemoteClustersRequest {
            page_size: 0,
            page_token: page_token.clone(),
        };
        let page = client
            .list_remote_clusters(request)
            .await
            .map_err(|status| caller.error(&status))?
            .into_inner();
        found.extend(page.remote_clusters.into_iter().filter_map(read_remote));
        // A token that does not move would go on for ever.
        if page.next_page_token.is_empty() || page.next_page_token == page_token {
            break;
        }
        page_token = page.next_page_token;
    }
    Ok(found)
}

/// A leaf cluster as the HTTP request gives it.
#[derive(Deserialize)]
struct OldRemote {
    metadata: OldMetadata,
    #[serde(default)]
    status: OldStatus,
}

#[derive(Deserialize)]
struct OldMetadata {
    name: String,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
struct OldStatus {
    #[serde(default)]
    connection: String,
}

fn read_old(cluster: &str, body: &[u8]) -> Result<Vec<RemoteCluster>, ApiError> {
    let found: Option<Vec<OldRemote>> = serde_json::from_slice(body)
        .map_err(|err| ApiError::bad_answer(cluster, format!("{OLD_PATH}: {err}")))?;
    let found = found.unwrap_or_default().into_iter();
    Ok(found
        .map(|old| RemoteCluster {
            name: old.metadata.name,
            online: old.status.connection == "online",
            labels: old.metadata.labels.unwrap_or_default(),
        })
        .collect())
}

fn read_remote(cluster: RemoteClusterV3) -> Option<RemoteCluster> {
    let meta = cluster.metadata?;
    Some(RemoteCluster {
        name: meta.name,
        online: cluster
            .status
            .is_some_and(|status| status.connection == "online"),
        labels: meta.labels.into_iter().collect(),
    })
}

/// The host authorities of the cluster asked and of every cluster it knows.
///
/// # Errors
/// As any call.
pub async fn host_authorities(caller: &Caller) -> Result<Vec<HostAuthority>, ApiError> {
    let request = host_authorities_request();
    let answer = caller
        .trust()
        .get_cert_authorities(request)
        .await
        .map_err(|status| caller.error(&status))?;
    Ok(answer
        .into_inner()
        .cert_authorities_v2
        .into_iter()
        .filter_map(read_authority)
        .collect())
}

fn host_authorities_request() -> GetCertAuthoritiesRequest {
    GetCertAuthoritiesRequest {
        r#type: "host".to_owned(),
        include_key: false,
    }
}

fn read_authority(authority: CertAuthorityV2) -> Option<HostAuthority> {
    let spec = authority.spec?;
    let certs_pem = [spec.active_keys, spec.additional_trusted_keys]
        .into_iter()
        .flatten()
        .flat_map(|set| set.tls)
        .filter_map(|pair| String::from_utf8(pair.cert).ok())
        .filter(|pem| !pem.is_empty())
        .collect();
    Some(HostAuthority {
        cluster: spec.cluster_name,
        certs_pem,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::recorded::recorded;
    use crate::proto::teleport::presence::v1::ListRemoteClustersResponse;
    use crate::proto::teleport::trust::v1::GetCertAuthoritiesResponse;

    #[test]
    fn recorded_leafs_are_read() {
        let answer: ListRemoteClustersResponse = recorded("remote-clusters-root.response.binpb");
        let found: Vec<_> = answer
            .remote_clusters
            .into_iter()
            .filter_map(read_remote)
            .collect();
        assert_eq!(
            found,
            [RemoteCluster {
                name: "leaf".to_owned(),
                online: true,
                labels: BTreeMap::new()
            }]
        );
    }

    #[test]
    fn recorded_authorities_are_read_and_the_request_is_the_recorded_one() {
        assert_eq!(
            host_authorities_request(),
            recorded("host-cas-root.request.binpb")
        );
        let answer: GetCertAuthoritiesResponse = recorded("host-cas-root.response.binpb");
        let found: Vec<_> = answer
            .cert_authorities_v2
            .into_iter()
            .filter_map(read_authority)
            .collect();
        let mut names: Vec<_> = found.iter().map(|ca| ca.cluster.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["leaf", "root"]);
        for ca in &found {
            assert_eq!(ca.certs_pem.len(), 1, "{}", ca.cluster);
            assert!(ca.certs_pem[0].starts_with("-----BEGIN CERTIFICATE-----\n"));
        }
    }
}
