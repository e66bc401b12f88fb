//! Authorities and other clusters (auth-api.md 2.1, 2.10).

use tonic::{Request, Response, Status};

use super::caller::Caller;
use super::service::Service;
use crate::cluster::ca::CaKind;
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
        let kind = request.r#type.parse::<CaKind>();
        let authorities = kind.into_iter().map(|kind| self.authority(kind)).collect();
        Ok(Response::new(GetCertAuthoritiesResponse {
            cert_authorities_v2: authorities,
        }))
    }
}

impl Service {
    fn authority(&self, kind: CaKind) -> types::CertAuthorityV2 {
        let authorities = self.state.authorities();
        let tls = types::TlsKeyPair {
            cert: authorities.get(kind).cert_pem().as_bytes().to_vec(),
            ..types::TlsKeyPair::default()
        };
        // Hosts and users have SSH certificates too.
        let ssh = match kind {
            CaKind::Host => Some(authorities.ssh()),
            CaKind::User => Some(authorities.ssh_user()),
            _ => None,
        }
        .map(|key| types::SshKeyPair {
            public_key: key.authorized_key().into_bytes(),
            ..types::SshKeyPair::default()
        });
        types::CertAuthorityV2 {
            kind: "cert_authority".to_owned(),
            sub_kind: kind.as_str().to_owned(),
            version: "v2".to_owned(),
            metadata: Some(types::Metadata {
                name: self.state.name().to_owned(),
                namespace: "default".to_owned(),
                ..types::Metadata::default()
            }),
            spec: Some(types::CertAuthoritySpecV2 {
                r#type: kind.as_str().to_owned(),
                cluster_name: self.state.name().to_owned(),
                active_keys: Some(types::CaKeySet {
                    ssh: ssh.into_iter().collect(),
                    tls: vec![tls],
                }),
                additional_trusted_keys: Some(types::CaKeySet::default()),
            }),
        }
    }
}

#[tonic::async_trait]
impl PresenceService for Service {
    /// This cluster trusts no other, so there is none.
    async fn list_remote_clusters(
        &self,
        request: Request<ListRemoteClustersRequest>,
    ) -> Result<Response<ListRemoteClustersResponse>, Status> {
        let caller = Caller::of(&request)?;
        caller.known(&self.state, || {
            Status::permission_denied(
                "access denied to perform action \"list\" on \"remote_cluster\"",
            )
        })?;
        Ok(Response::new(ListRemoteClustersResponse::default()))
    }
}
