//! The certificate of a tunnel over its life: renewed near its end, replaced when it was refused, read again from files that
//! somebody else keeps.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Mutex;

use super::Clock;
use super::reports::{api_error, checker_error, conn_error, issue_error, local};
use crate::auth::resources::ListFilter;
use crate::flow::conn::ClusterConn;
use crate::flow::credential::DbCredential;
use crate::flow::kept;
use crate::flow::routed::{self, Asked};
use crate::flow::session::{self, Session, SessionError};
use crate::flow::target::Target;
use crate::hop::Hop;
use crate::pg::sqlstate;
use crate::profile::Home;
use crate::profile::certs::Certs;
use crate::proxy::UpstreamError;
use crate::quote::quote;

/// The newest certificate for one target, and what makes the next one.
pub(super) struct Renewal {
    /// Where the login of its time is found, which another process may have renewed.
    home: Home,
    clock: Clock,
    target: Target,
    user: String,
    proxy: String,
    newest: RwLock<Arc<DbCredential>>,
    certs: Certs,
    /// The certificate lies in files that somebody else replaces.
    from_files: bool,
    /// Held while a new certificate is made, so that clients that come together ask for one only.
    renewing: Mutex<()>,
}

impl Renewal {
    /// Begins with `credential`, made for `session`.
    pub(super) fn new(
        home: Home,
        clock: Clock,
        session: &Session,
        credential: DbCredential,
    ) -> Self {
        Self {
            home,
            clock,
            target: credential.target.clone(),
            user: session.certificate.identity.username.clone(),
            proxy: session.profile.proxy.clone(),
            newest: RwLock::new(Arc::new(credential)),
            certs: kept::certs(session),
            from_files: session.route_to_database().is_some(),
            renewing: Mutex::new(()),
        }
    }

    /// What all its certificates are for.
    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// The certificate in use.
    pub(super) fn newest(&self) -> Arc<DbCredential> {
        Arc::clone(&self.newest.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, credential: DbCredential) -> Arc<DbCredential> {
        let credential = Arc::new(credential);
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&credential);
        credential
    }

    /// The certificate for a session that begins now.
    ///
    /// # Errors
    /// What the SQL client is told.
    pub(super) async fn for_session(&self) -> Result<Arc<DbCredential>, UpstreamError> {
        if self.from_files {
            self.reread().await
        } else {
            self.current().await
        }
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
        Ok(self.put(self.renew().await?))
    }

    /// The newest certificate after `refused` was: of sessions that were refused together the first one makes it.
    ///
    /// # Errors
    /// What the SQL client is told.
    pub(super) async fn replace(
        &self,
        refused: &Arc<DbCredential>,
    ) -> Result<Arc<DbCredential>, UpstreamError> {
        let _renewing = self.renewing.lock().await;
        let newest = self.newest();
        if !Arc::ptr_eq(&newest, refused) {
            return Ok(newest);
        }
        kept::forget(&self.certs, &self.target);
        Ok(self.put(self.afresh().await?))
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
            Ok(fresh) => Ok(self.put(fresh)),
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
        let checker = checker.map_err(|err| checker_error(&err))?;
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
}
