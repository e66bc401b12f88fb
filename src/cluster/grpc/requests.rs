//! Access requests: none exist, and no role may ask for any, as on a real cluster of one team (auth-api.md 2.11).

use tonic::Status;

use super::caller::Caller;
use crate::cluster::state::ClusterState;
use crate::proto::{auth as pb, types};

/// `ListAccessRequests` asks for at most so many.
const PAGE_MAX: i32 = 16_000;

fn denied(verb: &str) -> Status {
    Status::permission_denied(format!(
        "access denied to perform action \"{verb}\" on \"access_request\""
    ))
}

/// `CreateAccessRequestV2`: refused, with what it would take.
pub(super) fn create(
    state: &ClusterState,
    caller: &Caller,
    request: &types::AccessRequestV3,
) -> Result<types::AccessRequestV3, Status> {
    let known = caller.known(state, || denied("create"))?;
    let default = types::AccessRequestSpecV3::default();
    let spec = request.spec.as_ref().unwrap_or(&default);
    let user = known.name();
    if spec.user != user {
        return Err(denied("create"));
    }
    Err(match spec.roles.first() {
        _ if !spec.requested_resource_i_ds.is_empty() => Status::permission_denied(format!(
            "Resource Access Requests require usable \"search_as_roles\", none found for user \"{user}\""
        )),
        Some(role) => {
            Status::invalid_argument(format!("user \"{user}\" can not request role \"{role}\""))
        }
        None => Status::invalid_argument("access request does not specify any roles or resources"),
    })
}

/// `ListAccessRequests`: none.
pub(super) fn list(
    state: &ClusterState,
    caller: &Caller,
    request: &pb::ListAccessRequestsRequest,
) -> Result<pb::ListAccessRequestsResponse, Status> {
    known_reader(state, caller)?;
    if request.limit > PAGE_MAX {
        return Err(Status::invalid_argument(format!(
            "page size of {} is too large",
            request.limit
        )));
    }
    Ok(pb::ListAccessRequestsResponse::default())
}

/// Whoever lists requests must be somebody.
pub(super) fn known_reader(state: &ClusterState, caller: &Caller) -> Result<(), Status> {
    caller.known(state, || denied("list")).map(|_| ())
}

/// `SubmitAccessReview`: nobody may.
pub(super) fn review(
    state: &ClusterState,
    caller: &Caller,
) -> Result<types::AccessRequestV3, Status> {
    let known = caller.known(state, || denied("create"))?;
    Err(Status::permission_denied(format!(
        "user \"{}\" cannot submit reviews",
        known.name()
    )))
}
