//! The way from the local proxy to a database: a current certificate, TLS to the web port, ping framing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;

use super::conn::{CheckerError, ClusterConn, ConnError};
use super::credential::{DbCredential, IssueError};
use super::kept;
use super::network;
use super::routed::{self, Asked};
use super::session::{self, Session, SessionError};
use super::target::Target;
use crate::auth::resources::ListFilter;
use crate::auth::{ApiError, Fault};
use crate::hop::Hop;
use crate::identity::GENERIC_CLUSTER_NAME;
use crate::pg::sqlstate;
use crate::profile::Home;
use crate::profile::certs::Certs;
use crate::proxy::known_errors::PER_SESSION_MFA_HINT;
use crate::proxy::{BoxFuture, Expected, Purpose, Reopened, Upstream, UpstreamError};
use crate::quote::quote;
use crate::transport::dial::{DialError, split_addr};
use crate::transport::route::{Pings, Route, Service};
use crate::transport::tls_fault::TlsFault;
use crate::transport::trust::{Trust, TrustError, host_config};
use crate::transport::{BoxStream, PingStream, alpn};

/// How long TCP and TLS to the proxy may take for one session.
const DIAL_DEADLINE: Duration = Duration::from_secs(15);

/// Gives the time, unix seconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Opens connections to one target, with a certificate that it renews.
pub struct Tunnel {
    home: Home,
    clock: Clock,
    target: Target,
    user: String,
    proxy: String,
    trust: Trust,
    host_cas: Vec<Vec<u8>>,
    route: Route,
    /// The web port lets no databases through: the port for PostgreSQL is asked at once.
    other_port: AtomicBool,
    newest: RwLock<Arc<DbCredential>>,
    certs: Certs,
    /// The certificate lies in files that somebody else replaces; they are read for every session.
    from_files: bool,
    /// Held while a new certificate is made, so that clients that come together ask for one only.
    renewing: Mutex<()>,
}

impl std::fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tunnel")
            .field("target", &self.target)
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

impl Tunnel {
    /// A tunnel for the target of `credential`. `home` is where a renewal finds the login of its time, which another
    /// process may have renewed.
    pub fn new(home: Home, clock: Clock, session: &Session, credential: DbCredential) -> Self {
        let proxy = session.profile.proxy.clone();
        Self {
            home: home.select(Some(proxy.clone())),
            clock,
            target: credential.target.clone(),
            user: session.certificate.identity.username.clone(),
            proxy,
            trust: session.profile.trust.clone(),
            host_cas: session.profile.host_cas_der(&session.profile.cluster),
            route: session.way(),
            other_port: AtomicBool::new(false),
            newest: RwLock::new(Arc::new(credential)),
            certs: kept::certs(session),
            from_files: session.route_to_database().is_some(),
            renewing: Mutex::new(()),
        }
    }

    /// The certificate in use.
    pub fn newest(&self) -> Arc<DbCredential> {
        Arc::clone(&self.newest.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The newest certificate, renewed when it is near its end.
    async fn current(&self) -> Result<Arc<DbCredential>, UpstreamError> {
        let fresh =
            |it: &Self| Some(it.newest()).filter(|credential| credential.is_fresh((it.clock)()));
        if let Some(credential) = fresh(self) {
            return Ok(credential);
        }
        let _renewing = self.renewing.lock().await;
        if let Some(credential) = fresh(self) {
            return Ok(credential);
        }
        let renewed = Arc::new(self.renew().await?);
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&renewed);
        Ok(renewed)
    }

    /// The newest certificate after `refused` was: of sessions that were refused together the first one makes it.
    async fn replace(
        &self,
        refused: &Arc<DbCredential>,
    ) -> Result<Arc<DbCredential>, UpstreamError> {
        let _renewing = self.renewing.lock().await;
        let newest = self.newest();
        if !Arc::ptr_eq(&newest, refused) {
            return Ok(newest);
        }
        kept::forget(&self.certs, &self.target);
        let fresh = Arc::new(self.afresh().await?);
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        Ok(fresh)
    }

    /// The certificate that the files hold now. While they are being replaced, or are of no use, the last good one goes on
    /// as long as it is valid.
    async fn reread(&self) -> Result<Arc<DbCredential>, UpstreamError> {
        let now = (self.clock)();
        let last = self.newest();
        let read = match self.session(now).await {
            Ok(session) => self.credential_of(&session),
            Err(error) => Err(error),
        };
        match read {
            Ok(same) if same.certificate.der == last.certificate.der => Ok(last),
            Ok(fresh) => {
                let fresh = Arc::new(fresh);
                *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
                Ok(fresh)
            }
            Err(_) if last.certificate.not_after > now => Ok(last),
            Err(error) => Err(error),
        }
    }

    fn credential_of(&self, session: &Session) -> Result<DbCredential, UpstreamError> {
        let asked = Asked {
            database: Some(&self.target.database.name),
            cluster: Some(&self.target.cluster),
            wish: crate::db::Wish {
                user: Some(self.target.user.clone()),
                name: Some(self.target.name.clone()),
                roles: self.target.roles.clone(),
            },
        };
        let changed = |why: String| UpstreamError {
            hop: Hop::Local,
            sqlstate: sqlstate::INVALID_AUTHORIZATION,
            message: why,
            hint: Some("open the tunnel again".to_owned()),
        };
        routed::credential(session, &asked)
            .map_err(|err| changed(err.to_string()))?
            .filter(|it| it.target.database == self.target.database)
            .ok_or_else(|| {
                changed(format!(
                    "the identity is no longer for database {} alone",
                    self.target.database.name
                ))
            })
    }

    async fn renew(&self) -> Result<DbCredential, UpstreamError> {
        let now = (self.clock)();
        let session = self.session(now).await?;
        let conn = ClusterConn::connect(&session, &self.target.cluster)
            .await
            .map_err(|err| conn_error(&err))?;
        kept::obtain(&conn, &session, &self.target, None, now)
            .await
            .map_err(|err| issue_error(&err))
    }

    /// A new certificate in place of a kept one that was refused, when the target is still what it was.
    async fn afresh(&self) -> Result<DbCredential, UpstreamError> {
        let now = (self.clock)();
        let session = self.session(now).await?;
        let conn = ClusterConn::connect(&session, &self.target.cluster)
            .await
            .map_err(|err| conn_error(&err))?;
        let only = ListFilter {
            query: format!("name == {}", quote(&self.target.database.name)),
            ..ListFilter::default()
        };
        let (databases, checker) = tokio::join!(conn.databases(&only), conn.checker());
        let databases = databases.map_err(|err| api_error(&err))?;
        let checker = checker.map_err(|err| match err {
            CheckerError::Api(err) => api_error(&err),
            CheckerError::Access(err) => local(err.to_string(), None),
        })?;
        let target = self.target.again(&databases, &checker);
        let target = target.map_err(|err| self.changed(&err.to_string()))?;
        if target.route() != self.target.route() || target.automatic != self.target.automatic {
            return Err(self.changed("its users are no longer what they were"));
        }
        kept::obtain(&conn, &session, &target, None, now)
            .await
            .map_err(|err| issue_error(&err))
    }

    fn changed(&self, how: &str) -> UpstreamError {
        UpstreamError {
            hop: Hop::Database(self.target.database.name.clone()),
            sqlstate: sqlstate::INVALID_AUTHORIZATION,
            message: how.to_owned(),
            hint: Some("connect again: nothing is kept of how it was".to_owned()),
        }
    }

    /// The login of this moment, which must still be that of the same user.
    async fn session(&self, now: i64) -> Result<Session, UpstreamError> {
        let home = self.home.clone();
        let session = tokio::task::spawn_blocking(move || session::load(&home, now))
            .await
            .map_err(|err| local(format!("cannot read the login: {err}"), None))?
            .map_err(|err| self.no_session(&err))?;
        if session.certificate.identity.username != self.user {
            return Err(UpstreamError {
                hop: Hop::Local,
                sqlstate: sqlstate::INVALID_AUTHORIZATION,
                message: format!(
                    "this tunnel was opened by {}, but {} is logged in now",
                    self.user, session.certificate.identity.username
                ),
                hint: Some("open the tunnel again".to_owned()),
            });
        }
        Ok(session)
    }

    fn no_session(&self, err: &SessionError) -> UpstreamError {
        UpstreamError {
            hop: Hop::Local,
            sqlstate: sqlstate::INVALID_AUTHORIZATION,
            message: err.to_string(),
            hint: Some(if self.home.identity().is_some() {
                "have the identity renewed, then connect again: the tunnel stays open".to_owned()
            } else {
                format!(
                    "run `postern login --proxy {}`, then connect again: the tunnel stays open",
                    self.proxy
                )
            }),
        }
    }

    async fn dial(&self, credential: &DbCredential) -> Result<BoxStream, UpstreamError> {
        let offered = alpn::database(&self.target.database.protocol).ok_or_else(|| {
            local(
                format!(
                    "databases of protocol {} are not supported",
                    self.target.database.protocol
                ),
                None,
            )
        })?;
        let unusable = |err: TrustError| {
            local(
                err.to_string(),
                Some("log in again: postern login".to_owned()),
            )
        };
        if self.other_port.load(Ordering::Relaxed)
            && let Some(port) = self.route.postgres()
        {
            return self.at_port(port, credential).await;
        }
        let service = self.service(&offered, credential).map_err(unusable)?;
        let tls = match Box::pin(self.route.connect(&service, DIAL_DEADLINE)).await {
            Ok(tls) => tls,
            Err(error) => {
                let Some(port) = self.route.postgres().filter(|_| leaves_a_way(&error)) else {
                    return Err(dial_error(&error));
                };
                let stream = self.at_port(port, credential).await?;
                self.other_port.store(true, Ordering::Relaxed);
                return Ok(stream);
            }
        };
        network::remember(&self.home, &self.route);
        if tls.get_ref().1.alpn_protocol().is_some_and(alpn::is_ping) {
            Ok(Box::new(PingStream::client(tls)))
        } else {
            Ok(Box::new(tls))
        }
    }

    /// The way over the port for PostgreSQL, where the cluster has one and the web port lets no databases through.
    async fn at_port(
        &self,
        port: &str,
        credential: &DbCredential,
    ) -> Result<BoxStream, UpstreamError> {
        let config = host_config(&self.host_cas, &[], Some(credential.cert.clone()))
            .map_err(|err| dial_error(&err.into()))?;
        let dialling =
            self.route
                .connect_postgres(port, config, GENERIC_CLUSTER_NAME, DIAL_DEADLINE);
        match Box::pin(dialling).await {
            Ok(tls) => Ok(Box::new(tls)),
            Err(error) => Err(dial_error(&error)),
        }
    }

    /// The database service behind the web port. Inside an upgraded connection the proxy proves itself by the certificate
    /// that its cluster's authority signed, and whatever name the balancer has, this one is in it (transport.md 3.4).
    fn service(&self, offered: &[&str], credential: &DbCredential) -> Result<Service, TrustError> {
        let cert = || Some(credential.cert.clone());
        let names: Vec<String> = offered.iter().map(ToString::to_string).collect();
        let direct = self.trust.web_config(offered, cert())?;
        let upgraded = host_config(&self.host_cas, &names, cert())?;
        let host = split_addr(&self.proxy).map_or(self.proxy.as_str(), |(host, _)| host);
        Ok(Service {
            tls: (Arc::new(direct), host.to_owned()),
            upgraded: Some((Arc::new(upgraded), GENERIC_CLUSTER_NAME.to_owned())),
            pings: Pings::Inside,
            chooses: true,
        })
    }
}

impl Upstream for Tunnel {
    fn open(&self, purpose: Purpose) -> BoxFuture<'_, Result<BoxStream, UpstreamError>> {
        Box::pin(async move {
            let credential = match purpose {
                Purpose::Session if self.from_files => self.reread().await?,
                Purpose::Session => self.current().await?,
                Purpose::Cancel => self.newest(),
            };
            self.dial(&credential).await
        })
    }

    fn reopen(&self) -> BoxFuture<'_, Option<Reopened>> {
        let refused = self.newest();
        Box::pin(async move {
            if !refused.kept {
                return None;
            }
            let note = format!(
                "the certificate kept for {} was refused and has been dropped",
                self.target.database.name
            );
            let stream = match self.replace(&refused).await {
                Ok(credential) => self.dial(&credential).await,
                Err(error) => Err(error),
            };
            Some(Reopened { note, stream })
        })
    }

    fn expected(&self) -> Expected {
        Expected {
            user: self.target.user.clone(),
            automatic: self.target.automatic,
            roles: self.target.roles.clone(),
            remote: self.target.is_remote(),
            root_cluster: self.target.root_cluster.clone(),
            cluster: self.target.cluster.clone(),
            database: self.target.database.name.clone(),
            proxy: self.proxy.clone(),
        }
    }
}

/// Whether another port of the cluster may do what the web port did not: it was not reached, or knows no databases. A
/// certificate that one side refused is refused everywhere.
fn leaves_a_way(error: &DialError) -> bool {
    match error {
        DialError::Connect { .. }
        | DialError::Timeout { .. }
        | DialError::Closed { .. }
        | DialError::Upgrade { .. } => true,
        DialError::Tls { fault, .. } => !fault.needs_login(),
        DialError::Address(_)
        | DialError::Trust(_)
        | DialError::Resolve { .. }
        | DialError::HttpProxy { .. } => false,
    }
}

const LOGIN: &str = "run `postern login`, then connect again";

fn local(message: String, hint: Option<String>) -> UpstreamError {
    UpstreamError {
        hop: Hop::Local,
        sqlstate: sqlstate::SYSTEM_ERROR,
        message,
        hint,
    }
}

fn dial_error(err: &DialError) -> UpstreamError {
    let hint = match err.tls() {
        Some(TlsFault::Untrusted(_)) => {
            "run `postern login` with --ca-file FILE of the proxy's authority".to_owned()
        }
        Some(fault) if fault.needs_login() => LOGIN.to_owned(),
        _ => format!("is the proxy up? `postern login` shows it: {}", err.hop()),
    };
    UpstreamError {
        hop: err.hop(),
        sqlstate: sqlstate::UNABLE_TO_CONNECT,
        message: err.to_string(),
        hint: Some(hint),
    }
}

fn conn_error(err: &ConnError) -> UpstreamError {
    match err {
        ConnError::Api(err) => api_error(err),
        ConnError::Dial { error, .. } if !err.needs_login() => dial_error(error),
        _ => UpstreamError {
            hop: err.hop(),
            sqlstate: if err.needs_login() {
                sqlstate::INVALID_AUTHORIZATION
            } else {
                sqlstate::UNABLE_TO_CONNECT
            },
            message: err.to_string(),
            hint: err.needs_login().then(|| LOGIN.to_owned()),
        },
    }
}

fn api_error(err: &ApiError) -> UpstreamError {
    let (sqlstate, hint) = match err.fault {
        Fault::Login => (sqlstate::INVALID_AUTHORIZATION, Some(LOGIN.to_owned())),
        Fault::Denied | Fault::PinnedIp | Fault::HardwareKey => {
            (sqlstate::INVALID_AUTHORIZATION, Some(LOGIN.to_owned()))
        }
        Fault::NotFound => (
            sqlstate::INVALID_CATALOG_NAME,
            Some("`postern db ls` shows the databases there are".to_owned()),
        ),
        _ => (
            sqlstate::UNABLE_TO_CONNECT,
            Some("try again in a moment".to_owned()),
        ),
    };
    UpstreamError {
        hop: err.hop(),
        sqlstate,
        message: err.to_string(),
        hint,
    }
}

fn issue_error(err: &IssueError) -> UpstreamError {
    match err {
        IssueError::Api(err) => api_error(err),
        IssueError::SecondFactor { .. } => UpstreamError {
            hop: err.hop(),
            sqlstate: sqlstate::INVALID_AUTHORIZATION,
            message: err.to_string(),
            hint: Some(PER_SESSION_MFA_HINT.to_owned()),
        },
        IssueError::RolesUnknown { .. }
        | IssueError::Different { .. }
        | IssueError::Unreadable { .. }
        | IssueError::Key(_) => UpstreamError {
            hop: err.hop(),
            sqlstate: sqlstate::SYSTEM_ERROR,
            message: err.to_string(),
            hint: None,
        },
    }
}
