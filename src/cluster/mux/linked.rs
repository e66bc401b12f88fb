//! Connections that come from, or go to, another cluster (transport.md 3.3, db-service.md 1.10).

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::UnixTime;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional_with_sizes};
use tokio::time::timeout;

use super::route::Route;
use super::{Front, Guest, HANDSHAKE, Tls, farewell, usable};
use crate::cluster::dbservice::{Catalog, Denial};
use crate::cluster::leaf::{self, OpenError, Purpose, mapped};
use crate::cluster::state::ClusterState;
use crate::identity::{Certificate, Identity};

/// Bytes copied at once.
const COPY: usize = 64 * 1024;

impl Front {
    /// The cluster behind this port.
    pub(in crate::cluster) fn state(&self) -> &Arc<ClusterState> {
        &self.state
    }

    /// Passes a connection on to the auth service of a leaf, TLS and all. An unknown or offline cluster is a closed
    /// connection, as on a real proxy.
    pub(super) async fn pass_on<S>(&self, cluster: &str, mut client: S, guest: Guest)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let peer = guest.peer;
        let (_ticket, eviction) = self.passing.enter(peer.ip());
        // It has another gate to pass.
        drop(guest);
        let passing = async {
            if let Ok(mut leaf) = leaf::open(&self.state, cluster, Purpose::Auth, peer).await {
                // Both ends' errors are their own.
                let _ = copy_bidirectional_with_sizes(&mut client, &mut leaf, COPY, COPY).await;
            }
        };
        tokio::select! {
            biased;
            () = eviction.evicted() => {}
            () = passing => {}
        }
    }

    /// The link that a leaf opens.
    pub(super) async fn link(&self, stream: Tls, guest: Guest) {
        let now = UnixTime::now();
        let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let cluster = shown
            .first()
            .and_then(|c| self.state.leaves().signer(c, now));
        if let Some(cluster) = cluster
            && let Some(_seat) = guest.admitted()
        {
            leaf::serve_link(&self.state, &cluster, stream).await;
        }
    }

    /// Takes a database connection to the leaf that its certificate names. The user must be somebody here too.
    pub(super) async fn to_leaf<S>(&self, client: S, certificate: &Certificate, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let cluster = &certificate.identity.route_to_cluster;
        let refused = match self.locked(&certificate.identity) {
            Some(denial) => Some(denial),
            None => Catalog::checker(&*self.state, &certificate.identity)
                .err()
                .map(Denial::from),
        };
        if let Some(denial) = refused {
            return self.databases.refuse(client, denial).await;
        }
        let root = self.state.name();
        let open = async {
            let purpose = Purpose::Database(&certificate.der);
            let opened = leaf::open(&self.state, cluster, purpose, peer).await;
            opened.map_err(|error| denial(&error, root))
        };
        let lost = OpenError::Lost {
            cluster: cluster.clone(),
            why: "the session's stream ended".to_owned(),
        };
        let holder = (certificate.identity.clone(), certificate.not_after);
        self.databases
            .pass(client, holder, peer, open, denial(&lost, root))
            .await;
    }

    /// The refusal of somebody whom a lock concerns.
    fn locked(&self, identity: &Identity) -> Option<Denial> {
        let lock = self.state.lock_on(&identity.into())?;
        // Teleport masks the lock (db-service.md 1.3, 8); the hint says what its own message does not.
        Some(Denial {
            code: "28000",
            message: "access denied".to_owned(),
            hint: Some(lock.reason()),
        })
    }

    /// A connection to the auth service that a root passed on.
    pub(in crate::cluster) async fn auth_from_root<S>(&self, stream: S, peer: SocketAddr)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let acceptor =
            tokio_rustls::LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream);
        let Ok(Ok(start)) = timeout(HANDSHAKE, acceptor).await else {
            return;
        };
        let config = self
            .configs()
            .get(Route::Auth, start.client_hello().server_name(), false);
        let Ok(Ok(mut stream)) = timeout(HANDSHAKE, start.into_stream(config)).await else {
            return;
        };
        let certificate = self
            .client_certificate(stream.get_ref().1.peer_certificates())
            .and_then(usable);
        match certificate {
            Ok(certificate) => self.auth_service(stream, certificate, peer).await,
            Err(_) => farewell(&mut stream, b"").await,
        }
    }

    /// A connection to a database that a root passed on, with the verified certificate of its user.
    pub(in crate::cluster) async fn database_from_root<S>(
        &self,
        stream: S,
        certificate: &Certificate,
        peer: SocketAddr,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // A lock may name the user as the root does; the database service asks for the name here.
        if let Some(denial) = self.locked(&certificate.identity) {
            return self.databases.refuse(stream, denial).await;
        }
        let documents = self.state.documents();
        let trusted = documents.trusted_clusters.get(&certificate.issuer_cluster);
        match mapped(certificate, trusted) {
            Ok(seen) => {
                self.databases
                    .serve_tunnel(stream, seen.identity, seen.not_after, peer)
                    .await;
            }
            Err(why) => {
                self.state.report(&why.to_string());
                // rbac.md 8.2: the reason is in the leaf's log; whose role map it is, the user may know.
                let denial = Denial {
                    code: "28000",
                    message: "access denied".to_owned(),
                    hint: Some(format!(
                        "the cluster {} gives none of your roles a role of its own: ask who runs it",
                        self.state.name()
                    )),
                };
                self.databases.refuse(stream, denial).await;
            }
        }
    }
}

/// What a client is told that does not get to the leaf.
fn denial(error: &OpenError, root: &str) -> Denial {
    Denial {
        code: match error {
            OpenError::Unknown(_) => "3D000",
            OpenError::Refused { .. } => "28000",
            OpenError::Offline { .. } | OpenError::Lost { .. } => "08006",
        },
        message: error.to_string(),
        hint: Some(error.hint(root)),
    }
}
