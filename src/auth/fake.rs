//! An auth service inside a test: answers with what a real one was recorded to answer, and keeps what it was asked.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::DuplexStream;
use tonic::{Code, Request, Response, Status, Streaming};

use super::Caller;
use super::recorded::recorded;
use crate::proto::auth as pb;
use crate::proto::auth::auth_service_server::{AuthService, AuthServiceServer};
use crate::proto::teleport::users::v1::users_service_server::{UsersService, UsersServiceServer};
use crate::proto::teleport::users::v1::{GetUserRequest, GetUserResponse};
use crate::proto::types;
use crate::transport::grpc::Link;

type Answer<T> = Result<Response<T>, Status>;
type Stream<T> = tokio_stream::Iter<std::vec::IntoIter<Result<T, Status>>>;

/// Makes a certificate, or refuses.
pub(crate) type Issue =
    Box<dyn Fn(&pb::UserCertsRequest) -> Result<pb::Certs, Status> + Send + Sync>;

/// What the service says, and what it was asked.
#[derive(Default)]
pub(crate) struct Script {
    /// Makes the certificate, or refuses.
    pub(crate) issue: Option<Issue>,
    /// Whether a session needs a second factor.
    pub(crate) mfa: bool,
    /// Speaks as 14 does.
    pub(crate) old: bool,
    /// A page of more items than this is too large to send.
    pub(crate) too_large_over: Option<i32>,
    /// Calls that must have arrived before any of them is answered.
    pub(crate) together: Option<Arc<tokio::sync::Barrier>>,
    /// What there is instead of the recorded list of 18.
    pub(crate) list: Option<pb::ListResourcesResponse>,
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Script {
    /// The names of the calls so far, in the order of arrival.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn note(&self, call: &str, meta: &tonic::metadata::MetadataMap) {
        assert!(
            meta.get("version").is_none(),
            "the metadata key version closes connections to newer clusters"
        );
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(call.to_owned());
        if let Some(together) = &self.together {
            together.wait().await;
        }
    }
}

/// Starts the service and connects to it as `cluster`.
pub(crate) async fn start(script: &Arc<Script>, cluster: &str) -> Caller {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let service = Fake(Arc::clone(script));
    let server = tonic::transport::Server::builder()
        .add_service(AuthServiceServer::new(service.clone()))
        .add_service(UsersServiceServer::new(service))
        .serve_with_incoming(tokio_stream::once(Ok::<DuplexStream, std::io::Error>(
            theirs,
        )));
    tokio::spawn(server);
    Caller::new(Link::over(ours).await.expect("a connection"), cluster)
}

#[derive(Clone)]
struct Fake(Arc<Script>);

fn unknown<T>() -> Answer<T> {
    Err(Status::unimplemented("not part of this test"))
}

#[tonic::async_trait]
impl UsersService for Fake {
    async fn get_user(&self, request: Request<GetUserRequest>) -> Answer<GetUserResponse> {
        self.0.note("GetUser", request.metadata()).await;
        if self.0.old {
            return Err(Status::unimplemented(
                "unknown service teleport.users.v1.UsersService",
            ));
        }
        Ok(Response::new(recorded("user-root.response.binpb")))
    }
}

#[tonic::async_trait]
impl AuthService for Fake {
    type GenerateUserSingleUseCertsStream = Stream<pb::UserSingleUseCertsResponse>;
    type GetCurrentUserRolesStream = Stream<types::RoleV6>;
    type GetAccessRequestsV2Stream = Stream<types::AccessRequestV3>;
    type WatchEventsStream = Stream<pb::Event>;

    async fn list_unified_resources(
        &self,
        _request: Request<pb::ListUnifiedResourcesRequest>,
    ) -> Answer<pb::ListUnifiedResourcesResponse> {
        unknown()
    }

    async fn get_mfa_devices(
        &self,
        _request: Request<pb::GetMfaDevicesRequest>,
    ) -> Answer<pb::GetMfaDevicesResponse> {
        unknown()
    }

    async fn list_resources(
        &self,
        request: Request<pb::ListResourcesRequest>,
    ) -> Answer<pb::ListResourcesResponse> {
        self.0.note("ListResources", request.metadata()).await;
        let request = request.into_inner();
        if self
            .0
            .too_large_over
            .is_some_and(|most| request.limit > most)
        {
            let text = "grpc: received message larger than max (5000000 vs. 4194304)";
            return Err(Status::new(Code::ResourceExhausted, text));
        }
        let list = self.0.list.clone();
        Ok(Response::new(
            list.unwrap_or_else(|| recorded("list-root.response.binpb")),
        ))
    }

    async fn generate_user_certs(
        &self,
        request: Request<pb::UserCertsRequest>,
    ) -> Answer<pb::Certs> {
        self.0.note("GenerateUserCerts", request.metadata()).await;
        let issue = self.0.issue.as_ref().expect("the test says what is issued");
        issue(request.get_ref()).map(Response::new)
    }

    async fn is_mfa_required(
        &self,
        request: Request<pb::IsMfaRequiredRequest>,
    ) -> Answer<pb::IsMfaRequiredResponse> {
        self.0.note("IsMFARequired", request.metadata()).await;
        let name = if self.0.mfa {
            "mfa-required-yes"
        } else {
            "mfa-required-no"
        };
        Ok(Response::new(recorded(&format!("{name}.response.binpb"))))
    }

    async fn create_authenticate_challenge(
        &self,
        request: Request<pb::CreateAuthenticateChallengeRequest>,
    ) -> Answer<pb::MfaAuthenticateChallenge> {
        self.0
            .note("CreateAuthenticateChallenge", request.metadata())
            .await;
        Ok(Response::new(recorded(
            "challenge-session-required.response.binpb",
        )))
    }

    async fn get_current_user(&self, request: Request<()>) -> Answer<types::UserV2> {
        self.0.note("GetCurrentUser", request.metadata()).await;
        Ok(Response::new(recorded(
            "../teleport-14.0.0-dev/auth-api/current-user-legacy-root.response.binpb",
        )))
    }

    async fn get_current_user_roles(
        &self,
        request: Request<()>,
    ) -> Answer<Self::GetCurrentUserRolesStream> {
        self.0.note("GetCurrentUserRoles", request.metadata()).await;
        let roles: Vec<_> = (0..5)
            .map(|i| Ok(recorded(&format!("roles-root.response.{i}.binpb"))))
            .collect();
        Ok(Response::new(tokio_stream::iter(roles)))
    }

    async fn ping(&self, _: Request<pb::PingRequest>) -> Answer<pb::PingResponse> {
        unknown()
    }

    async fn generate_user_single_use_certs(
        &self,
        _: Request<Streaming<pb::UserSingleUseCertsRequest>>,
    ) -> Answer<Self::GenerateUserSingleUseCertsStream> {
        unknown()
    }

    async fn get_access_capabilities(
        &self,
        _: Request<types::AccessCapabilitiesRequest>,
    ) -> Answer<types::AccessCapabilities> {
        unknown()
    }

    async fn create_access_request(&self, _: Request<types::AccessRequestV3>) -> Answer<()> {
        unknown()
    }

    async fn create_access_request_v2(
        &self,
        _: Request<types::AccessRequestV3>,
    ) -> Answer<types::AccessRequestV3> {
        unknown()
    }

    async fn list_access_requests(
        &self,
        _: Request<pb::ListAccessRequestsRequest>,
    ) -> Answer<pb::ListAccessRequestsResponse> {
        unknown()
    }

    async fn get_access_requests_v2(
        &self,
        _: Request<types::AccessRequestFilter>,
    ) -> Answer<Self::GetAccessRequestsV2Stream> {
        unknown()
    }

    async fn submit_access_review(
        &self,
        _: Request<types::AccessReviewSubmission>,
    ) -> Answer<types::AccessRequestV3> {
        unknown()
    }

    async fn watch_events(&self, _: Request<pb::Watch>) -> Answer<Self::WatchEventsStream> {
        unknown()
    }

    async fn get_cluster_alerts(
        &self,
        _: Request<types::GetClusterAlertsRequest>,
    ) -> Answer<pb::GetClusterAlertsResponse> {
        unknown()
    }
}
