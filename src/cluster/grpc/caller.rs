//! Who calls: the client certificate of the connection, and what its holder may do.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tonic::{Request, Status};

use crate::cluster::leaf::mapped;
use crate::cluster::state::ClusterState;
use crate::identity::Certificate;
use crate::rbac::{AccessChecker, Role};

/// The other end of a connection.
#[derive(Debug)]
pub struct Caller {
    certificate: Option<Certificate>,
    peer: SocketAddr,
}

impl Caller {
    /// A caller with a verified, unrestricted certificate, or an anonymous one.
    #[must_use]
    pub fn new(certificate: Option<Certificate>, peer: SocketAddr) -> Self {
        Self { certificate, peer }
    }

    /// The address it connects from.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Whether the connection showed a certificate.
    pub(super) fn is_somebody(&self) -> bool {
        self.certificate.is_some()
    }

    /// The caller of a request.
    ///
    /// # Errors
    /// Never in practice: the connection puts it there.
    pub(super) fn of<T>(request: &Request<T>) -> Result<Arc<Self>, Status> {
        request
            .extensions()
            .get::<Arc<Self>>()
            .cloned()
            .ok_or_else(|| Status::internal("the connection has no caller"))
    }

    /// Refuses whom a lock concerns; nobody is nobody's target.
    ///
    /// # Errors
    /// When there is one. Its own message is not for this interface (auth-api.md 1.4).
    pub(super) fn check_locks(&self, state: &ClusterState) -> Result<(), Status> {
        let identity = self.certificate.as_ref().map(|c| &c.identity);
        match identity.and_then(|identity| state.lock_on(&identity.into())) {
            Some(_) => Err(Status::permission_denied("access denied")),
            None => Ok(()),
        }
    }

    /// The holder of the certificate as the cluster knows it; `anonymous` is the refusal for nobody.
    ///
    /// # Errors
    /// When there is no certificate, its holder or one of its roles does not exist any more, or a lock concerns them
    /// (auth-api.md 1.4).
    pub(super) fn known<'a>(
        &'a self,
        state: &ClusterState,
        anonymous: impl FnOnce() -> Status,
    ) -> Result<Known<'a>, Status> {
        let Some(certificate) = &self.certificate else {
            return Err(anonymous());
        };
        let documents = state.documents();
        let remote = certificate.issuer_cluster != state.name();
        let certificate = if remote {
            // Asked anew for each call: the role map may have changed, or the trust be gone. Why it gives nothing is not
            // told (rbac.md 8.2).
            let trusted = documents.trusted_clusters.get(&certificate.issuer_cluster);
            let seen = mapped(certificate, trusted);
            let seen = seen.map_err(|_| Status::permission_denied("access denied"))?;
            // A lock may name the user as the root does or as this cluster does.
            if state.lock_on(&(&seen.identity).into()).is_some() {
                return Err(Status::permission_denied("access denied"));
            }
            Cow::Owned(seen)
        } else if state.is_known(&certificate.identity) {
            Cow::Borrowed(certificate)
        } else {
            return Err(Status::permission_denied("access denied"));
        };
        self.check_locks(state)?;
        let mut roles = Vec::new();
        for name in &certificate.identity.roles {
            roles.push(documents.roles.get(name).cloned().ok_or_else(|| {
                Status::not_found(format!("access denied\n\trole {name} is not found"))
            })?);
        }
        Ok(Known {
            certificate,
            remote,
            roles,
            peer: self.peer,
        })
    }
}

/// A caller who exists.
#[derive(Debug)]
pub(super) struct Known<'a> {
    /// The certificate of the connection; a user of another cluster has name, roles and traits of this one in it.
    pub(super) certificate: Cow<'a, Certificate>,
    /// Whether another cluster issued it.
    pub(super) remote: bool,
    /// The roles of the certificate, in its order.
    pub(super) roles: Vec<Role>,
    /// The address of the connection.
    pub(super) peer: SocketAddr,
}

impl Known<'_> {
    /// The name here.
    pub(super) fn name(&self) -> &str {
        &self.certificate.identity.username
    }

    /// Decides on access with the roles and traits of the certificate.
    ///
    /// # Errors
    /// When a role is not usable.
    pub(super) fn checker(&self) -> Result<AccessChecker, Status> {
        let roles = self.roles.clone();
        let traits = &self.certificate.identity.traits;
        AccessChecker::new(self.name(), self.remote, roles, traits)
            .map_err(|e| Status::permission_denied(e.to_string()))
    }
}

/// Closes a connection from within one of its calls.
#[derive(Clone, Debug)]
pub struct Closer(Arc<watch::Sender<bool>>);

impl Default for Closer {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Closer {
    /// Closes the connection.
    pub(super) fn close(&self) {
        self.0.send_replace(true);
    }

    /// Resolves when the connection is to be closed.
    pub(in crate::cluster) async fn closed(&self) {
        // The sender lives as long as `self`.
        let _ = self.0.subscribe().wait_for(|closed| *closed).await;
    }
}
