//! The caller's own roles and user (auth-api.md 2.5).

use std::collections::HashMap;

use tonic::{Request, Response, Status};

use super::caller::{Caller, Known};
use super::capabilities::denied;
use super::service::Service;
use super::wire;
use crate::cluster::state::ClusterState;
use crate::proto::teleport::users::v1::users_service_server::UsersService;
use crate::proto::teleport::users::v1::{GetUserRequest, GetUserResponse};
use crate::proto::{types, wrappers};

/// Go's zero time, which real servers send for "never" (auth-api.md 1.5).
const ZERO_TIME: prost_types::Timestamp = prost_types::Timestamp {
    seconds: -62_135_596_800,
    nanos: 0,
};

/// `GetCurrentUserRoles`: the definitions of the certificate's roles, in its order.
pub(super) fn current_roles(
    state: &ClusterState,
    caller: &Caller,
) -> Result<Vec<types::RoleV6>, Status> {
    let known = caller.known(state, || {
        Status::not_found("user session role not found\n\trole Nop is not found")
    })?;
    Ok(known.roles.iter().map(wire::role).collect())
}

/// The user as the certificate describes it.
fn user(known: &Known<'_>) -> types::UserV2 {
    let identity = &known.certificate.identity;
    let traits = identity.traits.iter().map(|(name, values)| {
        (
            name.clone(),
            wrappers::StringValues {
                values: values.clone(),
            },
        )
    });
    types::UserV2 {
        kind: "user".to_owned(),
        version: "v2".to_owned(),
        metadata: Some(types::Metadata {
            name: identity.username.clone(),
            namespace: "default".to_owned(),
            ..types::Metadata::default()
        }),
        spec: Some(types::UserSpecV2 {
            roles: identity.roles.clone(),
            traits: Some(wrappers::LabelValues {
                values: traits.collect::<HashMap<_, _>>(),
            }),
            expires: Some(ZERO_TIME),
            ..types::UserSpecV2::default()
        }),
        ..types::UserV2::default()
    }
}

#[tonic::async_trait]
impl UsersService for Service {
    async fn get_user(
        &self,
        request: Request<GetUserRequest>,
    ) -> Result<Response<GetUserResponse>, Status> {
        let caller = Caller::of(&request)?;
        let known = caller.known(&self.state, denied)?;
        let request = request.get_ref();
        if !request.current_user && request.name != known.name() {
            return Err(denied());
        }
        Ok(Response::new(GetUserResponse {
            user: Some(user(&known)),
        }))
    }
}
