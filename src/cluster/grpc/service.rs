//! What the gRPC services are implemented on.

use std::sync::Arc;

use crate::cluster::state::ClusterState;

/// The auth service.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) state: Arc<ClusterState>,
}

impl Service {
    pub(super) fn new(state: Arc<ClusterState>) -> Self {
        Self { state }
    }
}
