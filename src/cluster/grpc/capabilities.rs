//! What a login asks beside certificates: access requests (there are none) and alerts (there are none).

use tonic::Status;

use super::caller::Caller;
use crate::cluster::state::ClusterState;
use crate::proto::{auth as pb, types};

/// `GetAccessCapabilities`: nothing can be requested (auth-api.md 2.2).
pub(super) fn access(
    state: &ClusterState,
    caller: &Caller,
    request: &types::AccessCapabilitiesRequest,
) -> Result<types::AccessCapabilities, Status> {
    let known = caller.known(state, denied)?;
    if !request.user.is_empty() && request.user != known.name() {
        return Err(denied());
    }
    Ok(types::AccessCapabilities::default())
}

/// `GetClusterAlerts`: none.
pub(super) fn alerts(
    state: &ClusterState,
    caller: &Caller,
) -> Result<pb::GetClusterAlertsResponse, Status> {
    caller.known(state, || Status::permission_denied("access denied"))?;
    Ok(pb::GetClusterAlertsResponse::default())
}

/// The refusal for looking at another user.
pub(super) fn denied() -> Status {
    Status::permission_denied("access denied to perform action \"read\" on \"user\"")
}
