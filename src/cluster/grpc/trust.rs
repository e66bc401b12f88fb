//! Authorities and other clusters (auth-api.md 2.1, 2.10).

use std::collections::BTreeMap;

use tonic::{Request, Response, Status};

use super::caller::Caller;
use super::service::Service;
use crate::cluster::ca::CaKind;
use crate::cluster::leaf::RemoteCluster;
use crate::cluster::leaf::authority::PublicAuthority;
use crate::proto::teleport::presence::v1::presence_service_server::PresenceService;
use crate::proto::teleport::presence::v1::{ListRemoteClustersRequest, ListRemoteClustersResponse};
use crate::proto::teleport::trust::v1::trust_service_server::TrustService;
use crate::proto::teleport::trust::v1::{GetCertAuthoritiesRequest, GetCertAuthoritiesResponse};
use crate::proto::types;

#[tonic::async_trait]
impl TrustService for Service {
    /// Certificates of one kind of authority, never keys; an unknown kind has none.
    async fn get_cert_authorities(
        &self,
        request: Request<GetCertAuthoritiesRequest>,
    ) -> Result<Response<GetCertAuthoritiesResponse>, Status> {
        let caller = Caller::of(&request)?;
        caller.known(&self.state, || {
            Status::permission_denied(
                "access denied to perform action \"list\" on \"cert_authority\"",
            )
        })?;
        let request = request.get_ref();
        if request.include_key {
            return Err(Status::permission_denied(
                "access denied to perform action \"read\" on \"cert_authority\"",
            ));
        }
        let authorities = match request.r#type.parse::<CaKind>() {
            Ok(kind) => self.authorities(kind),
            Err(_) => Vec::new(),
        };
        Ok(Response::new(GetCertAuthoritiesResponse {
            cert_authorities_v2: authorities,
        }))
    }
}

impl Service {
    /// This cluster's authority, and those of the clusters behind and in front of it, by name: hosts of all of them, users
    /// of those in front.
    fn authorities(&self, kind: CaKind) -> Vec<types::CertAuthorityV2> {
        let own = PublicAuthority::of(&self.state.authorities(), kind);
        let mut known = vec![(self.state.name().to_owned(), own)];
        if kind == CaKind::Host {
            known.extend(self.state.leaves().host_authorities());
        }
        for trust in self.state.trusts().all() {
            match kind {
                CaKind::Host => known.push((trust.root.clone(), trust.host.clone())),
                CaKind::User => known.push((trust.root.clone(), trust.user.clone())),
                CaKind::Db | CaKind::DbClient => {}
            }
        }
        known.sort_by(|a, b| a.0.cmp(&b.0));
        known
            .into_iter()
            .map(|(cluster, authority)| message(kind, cluster, authority))
            .collect()
    }
}

/// The first of the keys is the active one; the others are trusted only, before and after a rotation.
fn message(kind: CaKind, cluster: String, authority: PublicAuthority) -> types::CertAuthorityV2 {
    let mut tls = authority.tls.into_iter().map(|cert| types::TlsKeyPair {
        cert: cert.into_bytes(),
        ..types::TlsKeyPair::default()
    });
    let mut ssh = authority.ssh.into_iter().map(|key| types::SshKeyPair {
        public_key: key.into_bytes(),
        ..types::SshKeyPair::default()
    });
    types::CertAuthorityV2 {
        kind: "cert_authority".to_owned(),
        sub_kind: kind.as_str().to_owned(),
        version: "v2".to_owned(),
        metadata: Some(types::Metadata {
            name: cluster.clone(),
            namespace: "default".to_owned(),
            ..types::Metadata::default()
        }),
        spec: Some(types::CertAuthoritySpecV2 {
            r#type: kind.as_str().to_owned(),
            cluster_name: cluster,
            active_keys: Some(types::CaKeySet {
                ssh: ssh.next().into_iter().collect(),
                tls: tls.next().into_iter().collect(),
            }),
            additional_trusted_keys: Some(types::CaKeySet {
                ssh: ssh.collect(),
                tls: tls.collect(),
            }),
        }),
    }
}

#[tonic::async_trait]
impl PresenceService for Service {
    /// The leaf clusters that the caller may know of, in one page; a root is never in it.
    async fn list_remote_clusters(
        &self,
        request: Request<ListRemoteClustersRequest>,
    ) -> Result<Response<ListRemoteClustersResponse>, Status> {
        let caller = Caller::of(&request)?;
        let known = caller.known(&self.state, || {
            Status::permission_denied(
                "access denied to perform action \"list\" on \"remote_cluster\"",
            )
        })?;
        let visible = known
            .checker()?
            .can_see_cluster(&BTreeMap::new())
            .map_err(|e| Status::unknown(e.to_string()))?;
        let leaves = if visible {
            self.state.leaves().all()
        } else {
            Vec::new()
        };
        Ok(Response::new(ListRemoteClustersResponse {
            remote_clusters: leaves.into_iter().map(remote_cluster).collect(),
            ..ListRemoteClustersResponse::default()
        }))
    }
}

fn remote_cluster(leaf: RemoteCluster) -> types::RemoteClusterV3 {
    types::RemoteClusterV3 {
        kind: "remote_cluster".to_owned(),
        version: "v3".to_owned(),
        metadata: Some(types::Metadata {
            name: leaf.name,
            namespace: "default".to_owned(),
            ..types::Metadata::default()
        }),
        status: Some(types::RemoteClusterStatusV3 {
            connection: if leaf.online { "online" } else { "offline" }.to_owned(),
            last_heartbeat: Some(prost_types::Timestamp {
                seconds: leaf.last_heartbeat,
                nanos: 0,
            }),
        }),
        ..types::RemoteClusterV3::default()
    }
}
