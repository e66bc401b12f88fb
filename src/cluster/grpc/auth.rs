//! The generated service traits, each method handed to the file that holds it.

use futures_util::stream;
use tonic::{Request, Response, Status, Streaming};

use super::caller::Caller;
use super::service::Service;
use super::{capabilities, certs, list, mfa, requests, roles};
use crate::cluster::version::SERVER_VERSION;
use crate::proto::auth as pb;
use crate::proto::auth::auth_service_server::AuthService;
use crate::proto::types;

/// A stream that never has an element: of methods that are not served.
type Nothing<T> = stream::Empty<Result<T, Status>>;

fn absent(method: &str) -> Status {
    Status::unimplemented(format!("method {method} not implemented"))
}

#[tonic::async_trait]
impl AuthService for Service {
    type GenerateUserSingleUseCertsStream = Nothing<pb::UserSingleUseCertsResponse>;
    type GetCurrentUserRolesStream =
        stream::Iter<std::vec::IntoIter<Result<types::RoleV6, Status>>>;
    type GetAccessRequestsV2Stream = Nothing<types::AccessRequestV3>;
    type WatchEventsStream = Nothing<pb::Event>;

    async fn ping(
        &self,
        request: Request<pb::PingRequest>,
    ) -> Result<Response<pb::PingResponse>, Status> {
        let caller = Caller::of(&request)?;
        caller.check_locks(&self.state)?;
        Ok(Response::new(pb::PingResponse {
            cluster_name: self.state.name().to_owned(),
            server_version: SERVER_VERSION.to_owned(),
            proxy_public_addr: self.state.public_addr().to_owned(),
            remote_addr: caller.peer().to_string(),
            signature_algorithm_suite: types::SignatureAlgorithmSuite::BalancedV1.into(),
            ..pb::PingResponse::default()
        }))
    }

    async fn list_resources(
        &self,
        request: Request<pb::ListResourcesRequest>,
    ) -> Result<Response<pb::ListResourcesResponse>, Status> {
        let caller = Caller::of(&request)?;
        list::list_resources(&self.state, &caller, request.get_ref()).map(Response::new)
    }

    async fn list_unified_resources(
        &self,
        request: Request<pb::ListUnifiedResourcesRequest>,
    ) -> Result<Response<pb::ListUnifiedResourcesResponse>, Status> {
        let caller = Caller::of(&request)?;
        list::list_unified(&self.state, &caller, request.get_ref()).map(Response::new)
    }

    async fn generate_user_certs(
        &self,
        request: Request<pb::UserCertsRequest>,
    ) -> Result<Response<pb::Certs>, Status> {
        let caller = Caller::of(&request)?;
        certs::generate(&self.state, &caller, request.get_ref()).map(Response::new)
    }

    async fn generate_user_single_use_certs(
        &self,
        _request: Request<Streaming<pb::UserSingleUseCertsRequest>>,
    ) -> Result<Response<Self::GenerateUserSingleUseCertsStream>, Status> {
        Err(absent("GenerateUserSingleUseCerts"))
    }

    async fn is_mfa_required(
        &self,
        request: Request<pb::IsMfaRequiredRequest>,
    ) -> Result<Response<pb::IsMfaRequiredResponse>, Status> {
        let caller = Caller::of(&request)?;
        mfa::is_required(&self.state, &caller, request.get_ref()).map(Response::new)
    }

    async fn create_authenticate_challenge(
        &self,
        request: Request<pb::CreateAuthenticateChallengeRequest>,
    ) -> Result<Response<pb::MfaAuthenticateChallenge>, Status> {
        let caller = Caller::of(&request)?;
        mfa::challenge(&self.state, &caller, request.get_ref()).map(Response::new)
    }

    async fn get_mfa_devices(
        &self,
        request: Request<pb::GetMfaDevicesRequest>,
    ) -> Result<Response<pb::GetMfaDevicesResponse>, Status> {
        let caller = Caller::of(&request)?;
        mfa::devices(&self.state, &caller).map(Response::new)
    }

    async fn get_current_user(
        &self,
        _request: Request<()>,
    ) -> Result<Response<types::UserV2>, Status> {
        Err(absent("GetCurrentUser"))
    }

    async fn get_current_user_roles(
        &self,
        request: Request<()>,
    ) -> Result<Response<Self::GetCurrentUserRolesStream>, Status> {
        let caller = Caller::of(&request)?;
        let roles = roles::current_roles(&self.state, &caller)?;
        Ok(Response::new(stream::iter(
            roles.into_iter().map(Ok).collect::<Vec<_>>(),
        )))
    }

    async fn get_access_capabilities(
        &self,
        request: Request<types::AccessCapabilitiesRequest>,
    ) -> Result<Response<types::AccessCapabilities>, Status> {
        let caller = Caller::of(&request)?;
        capabilities::access(&self.state, &caller, request.get_ref()).map(Response::new)
    }

    async fn create_access_request(
        &self,
        _request: Request<types::AccessRequestV3>,
    ) -> Result<Response<()>, Status> {
        Err(absent("CreateAccessRequest"))
    }

    async fn create_access_request_v2(
        &self,
        request: Request<types::AccessRequestV3>,
    ) -> Result<Response<types::AccessRequestV3>, Status> {
        let caller = Caller::of(&request)?;
        requests::create(&self.state, &caller, request.get_ref()).map(Response::new)
    }

    async fn list_access_requests(
        &self,
        request: Request<pb::ListAccessRequestsRequest>,
    ) -> Result<Response<pb::ListAccessRequestsResponse>, Status> {
        let caller = Caller::of(&request)?;
        requests::list(&self.state, &caller, request.get_ref()).map(Response::new)
    }

    async fn get_access_requests_v2(
        &self,
        request: Request<types::AccessRequestFilter>,
    ) -> Result<Response<Self::GetAccessRequestsV2Stream>, Status> {
        let caller = Caller::of(&request)?;
        requests::known_reader(&self.state, &caller)?;
        Ok(Response::new(stream::empty()))
    }

    async fn submit_access_review(
        &self,
        request: Request<types::AccessReviewSubmission>,
    ) -> Result<Response<types::AccessRequestV3>, Status> {
        let caller = Caller::of(&request)?;
        requests::review(&self.state, &caller).map(Response::new)
    }

    async fn watch_events(
        &self,
        _request: Request<pb::Watch>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        Err(absent("WatchEvents"))
    }

    async fn get_cluster_alerts(
        &self,
        request: Request<types::GetClusterAlertsRequest>,
    ) -> Result<Response<pb::GetClusterAlertsResponse>, Status> {
        let caller = Caller::of(&request)?;
        capabilities::alerts(&self.state, &caller).map(Response::new)
    }
}
