//! The way from the local proxy to a database: a current certificate, TLS to the web port, ping framing.

mod renewal;
mod reports;
mod way;

use std::sync::Arc;

use self::renewal::Renewal;
use self::way::Way;
use super::credential::DbCredential;
use super::session::Session;
use crate::profile::Home;
use crate::proxy::{BoxFuture, Expected, Purpose, Reopened, Upstream, UpstreamError};
use crate::transport::BoxStream;

/// Gives the time, unix seconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Opens connections to one target, with a certificate that it renews.
pub struct Tunnel {
    proxy: String,
    way: Way,
    renewal: Renewal,
}

impl std::fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tunnel")
            .field("target", self.renewal.target())
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

impl Tunnel {
    /// A tunnel for the target of `credential`. `home` is where a renewal finds the login of its time, which another
    /// process may have renewed.
    pub fn new(home: Home, clock: Clock, session: &Session, credential: DbCredential) -> Self {
        let proxy = session.profile.proxy.clone();
        let home = home.select(Some(proxy.clone()));
        Self {
            proxy,
            way: Way::of(session, home.clone()),
            renewal: Renewal::new(home, clock, session, credential),
        }
    }

    /// The certificate in use.
    pub fn newest(&self) -> Arc<DbCredential> {
        self.renewal.newest()
    }
}

impl Upstream for Tunnel {
    fn open(&self, purpose: Purpose) -> BoxFuture<'_, Result<BoxStream, UpstreamError>> {
        Box::pin(async move {
            let credential = match purpose {
                Purpose::Session => self.renewal.for_session().await?,
                Purpose::Cancel => self.newest(),
            };
            self.way.dial(&credential).await
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
                refused.target.database.name
            );
            let stream = match self.renewal.replace(&refused).await {
                Ok(credential) => self.way.dial(&credential).await,
                Err(error) => Err(error),
            };
            Some(Reopened { note, stream })
        })
    }

    fn expected(&self) -> Expected {
        let target = self.renewal.target();
        Expected {
            user: target.user.clone(),
            name: target.name.clone(),
            automatic: target.automatic,
            roles: target.roles.clone(),
            remote: target.is_remote(),
            root_cluster: target.root_cluster.clone(),
            cluster: target.cluster.clone(),
            database: target.database.name.clone(),
            proxy: self.proxy.clone(),
        }
    }
}
