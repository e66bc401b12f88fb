//! A certificate for exactly one target, and the key that goes with it.
//!
//! The key is the login's (credentials.md 6.1: tsh does so where it is RSA), so that a certificate can be kept on disk without
//! a secret beside it; see [`super::kept`].

use thiserror::Error;
use zeroize::Zeroizing;

use super::conn::ClusterConn;
use super::session::Session;
use super::target::Target;
use crate::auth::certs::{self, DatabaseCertificate};
use crate::auth::key::{KeyError, PublicKey, SessionKey};
use crate::auth::mfa::{self, Factors};
use crate::auth::{ApiError, Fault};
use crate::hop::Hop;
use crate::identity::{Certificate, CertificateError, RouteToDatabase, Validity};
use crate::transport::{ClientCert, clock};

/// A certificate with less time left than this, in seconds, is renewed before it is used.
pub const NEAR_END: i64 = 60;

/// A database certificate with its key.
#[derive(Clone, Debug)]
pub struct DbCredential {
    /// To connect with.
    pub cert: ClientCert,
    /// The same certificate, decoded.
    pub certificate: Certificate,
    /// What it was issued for.
    pub target: Target,
    /// It was not issued just now but kept: what it is for may have changed since.
    pub kept: bool,
}

impl DbCredential {
    /// Whether it is worth connecting with: valid, and not near its end.
    pub fn is_fresh(&self, now: i64) -> bool {
        self.certificate.not_after - now > NEAR_END
    }
}

/// Why there is no certificate.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IssueError {
    /// Every session of this database needs a second factor of its own.
    #[error("database {database:?} asks for a second factor in every session")]
    SecondFactor {
        /// The database.
        database: String,
        /// What the user could answer with, as far as the cluster says.
        factors: Option<Factors>,
        /// Whether the cluster takes one-time codes for it, where that is known.
        codes: Option<bool>,
    },
    /// The cluster is too old to limit a session to some roles: it would grant all of them.
    #[error("cluster {cluster} does not know --db-roles and would grant all your database roles")]
    RolesUnknown {
        /// The root cluster.
        cluster: String,
    },
    /// The certificate leads elsewhere.
    #[error("cluster {cluster} issued a certificate for something else: {what}")]
    Different {
        /// The root cluster.
        cluster: String,
        /// The difference.
        what: &'static str,
    },
    /// By the clock of this computer the certificate has expired before it came.
    #[error(
        "cluster {cluster} issued a certificate that has expired already by this computer's clock{}",
        skew.map_or_else(String::new, |s| format!(", which is {} the proxy's", clock::off(s)))
    )]
    Expired {
        /// The root cluster.
        cluster: String,
        /// Seconds by which that clock is ahead of the proxy's (negative: behind), where the proxy told its time.
        skew: Option<i64>,
    },
    /// The certificate cannot be read.
    #[error("cluster {cluster} issued a certificate that cannot be read: {error}")]
    Unreadable {
        /// The root cluster.
        cluster: String,
        /// Why.
        error: CertificateError,
    },
    /// No key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A call failed.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl IssueError {
    /// Where it failed.
    pub fn hop(&self) -> Hop {
        match self {
            Self::SecondFactor { database, .. } => Hop::Database(database.clone()),
            Self::RolesUnknown { cluster }
            | Self::Different { cluster, .. }
            | Self::Expired { cluster, .. }
            | Self::Unreadable { cluster, .. } => Hop::Auth(cluster.clone()),
            Self::Key(_) => Hop::Local,
            Self::Api(err) => err.hop(),
        }
    }
}

/// Issues a certificate for `target`.
///
/// Whether the session needs a second factor is asked beside it, not before it: a certificate without one is worth nothing
/// where one is needed, so nothing is lost, and a round trip is saved everywhere else.
///
/// # Errors
/// [`IssueError`].
pub async fn issue(
    conn: &ClusterConn,
    session: &Session,
    target: &Target,
    now: i64,
) -> Result<DbCredential, IssueError> {
    let server = session.profile.server();
    // An older proxy leaves the roles out of what it tells the database service, whatever the certificate says
    // (db-service.md 1.4).
    if !target.roles.is_empty() && !server.knows_db_roles() {
        return Err(IssueError::RolesUnknown {
            cluster: conn.root_cluster().to_owned(),
        });
    }
    let key = Key::of(session)?;
    let route = target.route();
    let wanted = DatabaseCertificate {
        username: &session.certificate.identity.username,
        expires: session.certificate.not_after,
        cluster: &target.cluster,
        route: &route,
        access_requests: &session.certificate.identity.active_requests,
    };
    let issued = certs::issue(conn.root(), &wanted, &key.public, &server);
    let (required, issued) = tokio::join!(mfa::required(conn.owner(), &route), issued);
    match required {
        Ok(false) => {}
        Ok(true) => {
            return Err(IssueError::SecondFactor {
                database: target.database.name.clone(),
                // Only to name them: that they cannot be had does not change what is wrong.
                factors: mfa::factors(conn.root()).await.ok(),
                codes: server.takes_codes_in_sessions(),
            });
        }
        // Before 14.1 a leaf may not know the question; the database service asks for the factor then.
        Err(err) if err.fault == Fault::Unimplemented => {}
        Err(err) => return Err(err.into()),
    }
    let cluster = || conn.root_cluster().to_owned();
    let certificate = Certificate::from_pem(&issued?).map_err(|error| IssueError::Unreadable {
        cluster: cluster(),
        error,
    })?;
    match check(&certificate, &route, now, &cluster()) {
        Err(IssueError::Expired { cluster, .. }) => {
            let skew = session.way().skew().await;
            return Err(IssueError::Expired { cluster, skew });
        }
        other => other?,
    }
    let cert = ClientCert {
        cert_der: certificate.der.clone(),
        key_pkcs8: key.pkcs8,
    };
    Ok(DbCredential {
        cert,
        certificate,
        target: target.clone(),
        kept: false,
    })
}

/// The key that a certificate is asked for.
struct Key {
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

impl Key {
    /// The login's, else, where servers up to 16 could not be told that, a fresh one.
    fn of(session: &Session) -> Result<Self, KeyError> {
        if let Some(public) = PublicKey::of_certificate(&session.certificate.der) {
            return Ok(Self {
                pkcs8: session.client_cert.key_pkcs8.clone(),
                public,
            });
        }
        let fresh = SessionKey::generate()?;
        Ok(Self {
            pkcs8: fresh.pkcs8(),
            public: fresh.public().clone(),
        })
    }
}

/// Compares what was issued with what was asked for.
pub(super) fn check(
    certificate: &Certificate,
    asked: &RouteToDatabase,
    now: i64,
    cluster: &str,
) -> Result<(), IssueError> {
    let different = |what| IssueError::Different {
        cluster: cluster.to_owned(),
        what,
    };
    let Some(got) = certificate
        .identity
        .route_to_database
        .as_ref()
        .filter(|_| certificate.is_database())
    else {
        return Err(different("it leads to no database"));
    };
    if got.service_name != asked.service_name || got.protocol != asked.protocol {
        return Err(different("another database"));
    }
    if got.username != asked.username || got.database != asked.database {
        return Err(different("another user or database name"));
    }
    if got.roles.is_empty() && !asked.roles.is_empty() {
        return Err(IssueError::RolesUnknown {
            cluster: cluster.to_owned(),
        });
    }
    if sorted(&got.roles) != sorted(&asked.roles) {
        return Err(different("other database roles"));
    }
    match certificate.valid_at(now) {
        Validity::Expired { .. } => Err(IssueError::Expired {
            cluster: cluster.to_owned(),
            skew: None,
        }),
        // A clock that is behind does no harm: the other end goes by its own.
        Validity::Valid | Validity::NotYet { .. } => Ok(()),
    }
}

fn sorted(roles: &[String]) -> Vec<&str> {
    let mut roles: Vec<&str> = roles.iter().map(String::as_str).collect();
    roles.sort_unstable();
    roles.dedup();
    roles
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::recorded::recorded;
    use crate::proto::auth as pb;

    /// The subject and times of a certificate that a real cluster issued.
    fn issued(name: &str) -> (Certificate, RouteToDatabase) {
        let certs: pb::Certs = recorded(&format!("{name}.response.binpb"));
        let request: pb::UserCertsRequest = recorded(&format!("{name}.request.binpb"));
        let route = request.route_to_database.expect("a route");
        let asked = RouteToDatabase {
            service_name: route.service_name,
            protocol: route.protocol,
            username: route.username,
            database: route.database,
            roles: route.roles,
        };
        (
            Certificate::from_pem(&certs.tls).expect("a certificate"),
            asked,
        )
    }

    #[test]
    fn recorded_certificates_are_what_was_asked_for() {
        for name in ["certs-db-roles", "certs-db-tunnel", "certs-db-ec-key"] {
            let (certificate, asked) = issued(name);
            assert_eq!(
                check(&certificate, &asked, certificate.not_before + 60, "root"),
                Ok(()),
                "{name}"
            );
        }
    }

    #[test]
    fn a_certificate_for_something_else_is_not_used() {
        let (certificate, asked) = issued("certs-db-roles");
        let now = certificate.not_before + 60;
        let with = |change: fn(&mut RouteToDatabase)| {
            let mut asked = asked.clone();
            change(&mut asked);
            check(&certificate, &asked, now, "root")
        };
        let different = |what| {
            Err(IssueError::Different {
                cluster: "root".to_owned(),
                what,
            })
        };
        assert_eq!(
            with(|r| r.service_name = "other".to_owned()),
            different("another database")
        );
        assert_eq!(
            with(|r| r.username = "bob".to_owned()),
            different("another user or database name")
        );
        assert_eq!(
            with(|r| r.roles = vec!["reader".to_owned(), "writer".to_owned()]),
            different("other database roles")
        );
        assert_eq!(
            with(|r| r.roles = vec![]),
            different("other database roles")
        );
        assert_eq!(
            check(&certificate, &asked, certificate.not_after, "root"),
            Err(IssueError::Expired {
                cluster: "root".to_owned(),
                skew: None
            })
        );
    }

    #[test]
    fn a_cluster_that_forgets_the_roles_is_told_apart() {
        let (certificate, mut asked) = issued("certs-db-tunnel");
        asked.roles = vec!["reader".to_owned()];
        let err = check(&certificate, &asked, certificate.not_before + 60, "root");
        assert_eq!(
            err,
            Err(IssueError::RolesUnknown {
                cluster: "root".to_owned()
            })
        );
    }
}

#[cfg(all(test, feature = "cluster-core"))]
#[path = "credential_tests.rs"]
mod issuing;
