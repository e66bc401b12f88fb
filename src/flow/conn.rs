//! From a login to the auth services: the root's, and the one of the cluster that owns the databases.
//!
//! Certificates always come from the root; lists, roles and the question about a second factor go to the cluster that owns
//! the database (transport.md 9, auth-api.md 4). For the root both are one connection.

use thiserror::Error;

use super::network;
use super::session::Session;
use crate::auth::clusters::{HostAuthority, RemoteCluster};
use crate::auth::http::Again;
use crate::auth::resources::{ListFilter, Listed};
use crate::auth::{ApiError, Caller, Fault, access, clusters, resources};
use crate::hop::Hop;
use crate::profile::HostCas;
use crate::rbac::{self, AccessChecker, AccessError};
use crate::transport::dial::DialError;
use crate::transport::grpc::Link;
use crate::transport::route::Service;
use crate::transport::trust::{TrustError, host_config};
use crate::transport::{ClientCert, alpn};

/// Why there is no connection to an auth service.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ConnError {
    /// The proxy could not be dialled, or the auth service behind it not be verified.
    #[error("{error}")]
    Dial {
        /// The cluster wanted.
        cluster: String,
        /// What failed.
        error: DialError,
    },
    /// The proxy closed the connection instead of passing it on to the auth service of this cluster.
    #[error("the proxy {proxy} has no connection to cluster {cluster:?} at the moment")]
    Offline {
        /// The cluster wanted.
        cluster: String,
        /// `host:port`.
        proxy: String,
    },
    /// The cluster's name does not fit into what TLS takes, so no client can ask for its auth service.
    #[error(
        "the name of cluster {cluster:?} is {} bytes long, and the protocol carries {} at most",
        cluster.len(),
        alpn::LONGEST_CLUSTER
    )]
    LongName {
        /// The cluster wanted.
        cluster: String,
        /// `host:port`.
        proxy: String,
    },
    /// There is no such cluster.
    #[error("there is no cluster {cluster:?}; known are: {}", known.join(", "))]
    UnknownCluster {
        /// The name asked for.
        cluster: String,
        /// The root first, then the leafs.
        known: Vec<String>,
    },
    /// The certificate is for one database, and the auth service takes no such ones.
    #[error(
        "this identity is for database {database} only and cannot ask the cluster for anything"
    )]
    OnlyDatabase {
        /// The database.
        database: String,
    },
    /// The profile's certificates cannot be used.
    #[error("the login cannot be used: {0}")]
    Trust(#[from] TrustError),
    /// A call on the way failed.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl ConnError {
    /// Where it failed.
    pub fn hop(&self) -> Hop {
        match self {
            Self::Dial { error, .. } => error.hop(),
            Self::Offline { cluster, .. } => Hop::Auth(cluster.clone()),
            Self::LongName { proxy, .. } => Hop::Proxy(proxy.clone()),
            Self::UnknownCluster { .. } | Self::OnlyDatabase { .. } | Self::Trust(_) => Hop::Local,
            Self::Api(err) => err.hop(),
        }
    }

    /// Whether nobody that is known vouches for the auth service: its authority is unknown or was rotated.
    fn is_untrusted(&self) -> bool {
        use crate::transport::tls_fault::TlsFault;
        matches!(self, Self::Dial { error, .. } if matches!(error.tls(), Some(TlsFault::Untrusted(whose)) if !whose.is_by_dates()))
    }

    /// Whether logging in again is what helps.
    pub fn needs_login(&self) -> bool {
        match self {
            // The host authority is known from the login; when nobody it knows signed, it was rotated.
            Self::Dial { error, .. } => error.tls().is_some_and(|fault| {
                use crate::transport::tls_fault::TlsFault;
                fault.needs_login()
                    || matches!(fault, TlsFault::Untrusted(whose) if !whose.is_by_dates())
            }),
            Self::Trust(_) => true,
            Self::Api(err) => err.fault == Fault::Login,
            Self::Offline { .. }
            | Self::LongName { .. }
            | Self::UnknownCluster { .. }
            | Self::OnlyDatabase { .. } => false,
        }
    }
}

/// Why the caller's rights are not known.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CheckerError {
    /// Roles or user could not be read.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The roles make no sense.
    #[error(transparent)]
    Access(#[from] AccessError),
}

/// Connections to the auth services needed for the databases of one cluster.
#[derive(Clone, Debug)]
pub struct ClusterConn {
    root: Caller,
    owner: Caller,
}

impl ClusterConn {
    /// Connects for the databases of `cluster`: the root's name, or a leaf's.
    ///
    /// The first use of a leaf asks the root for the leaf's authority, which is kept in the profile; from then on both
    /// connections are opened side by side.
    ///
    /// # Errors
    /// [`ConnError`]. A certificate that is not accepted shows only in the first call.
    pub async fn connect(session: &Session, cluster: &str) -> Result<Self, ConnError> {
        if let Some(route) = session.route_to_database()
            && !session.certificate.identity.usage.is_empty()
        {
            return Err(ConnError::OnlyDatabase {
                database: route.service_name.clone(),
            });
        }
        let root_name = &session.profile.cluster;
        let root = dial(session, root_name, session.profile.host_cas_der(root_name));
        if cluster == root_name {
            let root = root.await?;
            return Ok(Self {
                owner: root.clone(),
                root,
            });
        }
        let known = session.profile.host_cas_der(cluster);
        if known.is_empty() {
            let root = root.await?;
            let owner = leaf_of(session, &root, cluster).await?;
            return Ok(Self { root, owner });
        }
        let (root, owner) = tokio::join!(root, leaf(session, cluster, known));
        let root = root?;
        let owner = match owner {
            // The leaf's authority was rotated since.
            Err(error) if error.is_untrusted() => leaf_of(session, &root, cluster).await?,
            Err(error @ ConnError::Offline { .. }) => {
                // A leaf that was removed since looks the same.
                leaf_authority(&root, cluster).await?;
                return Err(error);
            }
            other => other?,
        };
        Ok(Self { root, owner })
    }

    /// Connects for the databases of another cluster of the same login; the connection to the root is shared.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn beside(&self, session: &Session, cluster: &str) -> Result<Self, ConnError> {
        let root = self.root.clone();
        let known = session.profile.host_cas_der(cluster);
        let owner = if cluster == root.cluster() {
            root.clone()
        } else if known.is_empty() {
            leaf_of(session, &root, cluster).await?
        } else {
            match leaf(session, cluster, known).await {
                // The leaf's authority was rotated since.
                Err(error) if error.is_untrusted() => leaf_of(session, &root, cluster).await?,
                other => other?,
            }
        };
        Ok(Self { root, owner })
    }

    #[cfg(all(test, feature = "cluster-core"))]
    pub(super) fn from_callers(root: Caller, owner: Caller) -> Self {
        Self { root, owner }
    }

    /// The cluster that owns the databases.
    pub fn cluster(&self) -> &str {
        self.owner.cluster()
    }

    /// The cluster that issues certificates.
    pub fn root_cluster(&self) -> &str {
        self.root.cluster()
    }

    /// Whether the databases are a leaf's.
    pub fn is_remote(&self) -> bool {
        self.owner.cluster() != self.root.cluster()
    }

    /// The root's auth service.
    pub fn root(&self) -> &Caller {
        &self.root
    }

    /// The auth service of the cluster that owns the databases.
    pub fn owner(&self) -> &Caller {
        &self.owner
    }

    /// The databases that the cluster shows to the caller, sorted by name.
    ///
    /// # Errors
    /// [`Fault::Query`] for a wrong predicate; else as any call.
    pub async fn databases(&self, filter: &ListFilter) -> Result<Vec<rbac::Database>, ApiError> {
        resources::databases(&self.owner, filter).await
    }

    /// What the caller may do in that cluster: its roles and its name there, asked for side by side.
    ///
    /// # Errors
    /// [`CheckerError`].
    pub async fn checker(&self) -> Result<AccessChecker, CheckerError> {
        let (roles, user) = tokio::try_join!(
            access::current_roles(&self.owner),
            access::current_user(&self.owner)
        )?;
        let roles = roles.iter().map(rbac::Role::from).collect();
        Ok(AccessChecker::new(
            &user.name,
            self.is_remote(),
            roles,
            &user.traits,
        )?)
    }

    /// The leaf clusters behind the root.
    ///
    /// # Errors
    /// As any call.
    pub async fn remote_clusters(&self) -> Result<Vec<RemoteCluster>, ApiError> {
        clusters::remote_clusters(&self.root).await
    }

    /// The host authorities of the root and of every leaf.
    ///
    /// # Errors
    /// As any call.
    pub async fn host_cas(&self) -> Result<Vec<HostAuthority>, ApiError> {
        clusters::host_authorities(&self.root).await
    }
}

impl Listed for rbac::Database {
    fn served_by(&mut self, version: &str) {
        version.clone_into(&mut self.service_version);
    }
}

/// Connects to a leaf by the authority that the root knows for it now, which is kept for the next time.
async fn leaf_of(session: &Session, root: &Caller, cluster: &str) -> Result<Caller, ConnError> {
    let authority = leaf_authority(root, cluster).await?;
    let owner = leaf(session, cluster, authority.certs_der()).await?;
    // Best effort: without it the root is asked again.
    let _ = session.home.keep_host_cas(&session.profile, &authority);
    Ok(owner)
}

async fn leaf(
    session: &Session,
    cluster: &str,
    anchors: Vec<Vec<u8>>,
) -> Result<Caller, ConnError> {
    match dial(session, cluster, anchors.clone()).await {
        // With several proxies the one reached may not have its tunnel to the leaf yet (transport.md 9).
        Err(ConnError::Offline { .. }) => dial(session, cluster, anchors).await,
        other => other,
    }
}

/// The host authority of a leaf, as the root knows it.
async fn leaf_authority(root: &Caller, cluster: &str) -> Result<HostCas, ConnError> {
    let known = clusters::host_authorities(root).await?;
    let of_cluster = known
        .iter()
        .filter(|authority| authority.cluster == cluster);
    let authority = HostCas {
        cluster: cluster.to_owned(),
        certs_pem: of_cluster
            .flat_map(|authority| authority.certs_pem.clone())
            .collect(),
    };
    if authority.certs_der().is_empty() {
        let mut names: Vec<String> = known
            .into_iter()
            .map(|authority| authority.cluster)
            .collect();
        names.retain(|name| name != root.cluster());
        names.sort();
        names.insert(0, root.cluster().to_owned());
        return Err(ConnError::UnknownCluster {
            cluster: cluster.to_owned(),
            known: names,
        });
    }
    Ok(authority)
}

/// Opens the connection to the auth service of `cluster`, which must be vouched for by `anchors`.
async fn dial(
    session: &Session,
    cluster: &str,
    anchors: Vec<Vec<u8>>,
) -> Result<Caller, ConnError> {
    if cluster.len() > alpn::LONGEST_CLUSTER {
        return Err(ConnError::LongName {
            cluster: cluster.to_owned(),
            proxy: session.profile.proxy.clone(),
        });
    }
    let cert: ClientCert = session.client_cert.clone();
    let config = host_config(&anchors, &alpn::auth(cluster), Some(cert.clone()))?;
    let name = alpn::auth_server_name(&session.certificate.issuer_cluster);
    let (route, service) = (session.way(), Service::new(config, &name));
    // Boxed: the handshake's state is large, and every step above would carry it.
    match Box::pin(Link::dial(&route, &service)).await {
        Ok(link) => {
            network::remember(&session.home, &route);
            Ok(Caller::new(link, cluster).with_http(Again {
                route,
                sni: name,
                anchors,
                cert,
            }))
        }
        Err(DialError::Closed { .. }) => Err(ConnError::Offline {
            cluster: cluster.to_owned(),
            proxy: session.profile.proxy.clone(),
        }),
        Err(error) => Err(ConnError::Dial {
            cluster: cluster.to_owned(),
            error,
        }),
    }
}
