//! The auth service's gRPC calls, typed: what is sent, what of the answer is used, what errors mean.
//!
//! Each file holds one group of calls. The calls take a [`Caller`], which knows the connection and the cluster it leads
//! to. Source: auth-api.md 2.

pub mod access;
pub mod certs;
pub mod clusters;
pub mod error;
pub mod http;
pub mod key;
pub mod mfa;
pub mod resources;

pub use error::{ApiError, Fault};

use std::sync::Arc;

use tonic::transport::Channel;

use crate::proto::auth::auth_service_client::AuthServiceClient;
use crate::proto::teleport::presence::v1::presence_service_client::PresenceServiceClient;
use crate::proto::teleport::trust::v1::trust_service_client::TrustServiceClient;
use crate::proto::teleport::users::v1::users_service_client::UsersServiceClient;
use crate::transport::grpc::{Link, MAX_ANSWER};

/// Who calls: one connection to the auth service of one cluster.
#[derive(Clone, Debug)]
pub struct Caller {
    link: Link,
    cluster: String,
    again: Option<Arc<http::Again>>,
}

impl Caller {
    /// Calls the auth service of `cluster` on `link`.
    pub fn new(link: Link, cluster: &str) -> Self {
        Self {
            link,
            cluster: cluster.to_owned(),
            again: None,
        }
    }

    /// Lets calls that an old auth service lacks be made in their older form, over HTTP/1.1.
    #[must_use]
    pub fn with_http(self, again: http::Again) -> Self {
        Self {
            again: Some(Arc::new(again)),
            ..self
        }
    }

    /// The cluster whose auth service answers.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    fn auth(&self) -> AuthServiceClient<Channel> {
        AuthServiceClient::new(self.link.channel()).max_decoding_message_size(MAX_ANSWER)
    }

    fn users(&self) -> UsersServiceClient<Channel> {
        UsersServiceClient::new(self.link.channel()).max_decoding_message_size(MAX_ANSWER)
    }

    fn trust(&self) -> TrustServiceClient<Channel> {
        TrustServiceClient::new(self.link.channel()).max_decoding_message_size(MAX_ANSWER)
    }

    fn presence(&self) -> PresenceServiceClient<Channel> {
        PresenceServiceClient::new(self.link.channel()).max_decoding_message_size(MAX_ANSWER)
    }

    /// Turns a failed call into its meaning.
    fn error(&self, status: &tonic::Status) -> ApiError {
        ApiError::new(&self.cluster, status, self.link.end())
    }
}

#[cfg(all(test, feature = "cluster-core"))]
pub(crate) mod fake;
#[cfg(test)]
pub(crate) mod recorded;
#[cfg(all(test, feature = "cluster-core"))]
mod tests;
