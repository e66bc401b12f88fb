//! From a certificate to a stream: TLS to the web port, or to the port for PostgreSQL, and the ping framing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::reports::{dial_error, local};
use crate::flow::credential::DbCredential;
use crate::flow::network;
use crate::flow::session::Session;
use crate::identity::GENERIC_CLUSTER_NAME;
use crate::profile::Home;
use crate::proxy::UpstreamError;
use crate::transport::dial::{DialError, split_addr};
use crate::transport::route::{Pings, Route, Service};
use crate::transport::trust::{Trust, TrustError, host_config};
use crate::transport::{BoxStream, PingStream, alpn};

/// How long TCP and TLS to the proxy may take for one session.
const DIAL_DEADLINE: Duration = Duration::from_secs(15);

/// The way to the cluster's database service.
pub(super) struct Way {
    /// Where is written down which way connections took.
    home: Home,
    proxy: String,
    trust: Trust,
    host_cas: Vec<Vec<u8>>,
    route: Route,
    /// The web port lets no databases through: the port for PostgreSQL is asked at once.
    other_port: AtomicBool,
}

impl Way {
    /// The way of a login.
    pub(super) fn of(session: &Session, home: Home) -> Self {
        Self {
            home,
            proxy: session.profile.proxy.clone(),
            trust: session.profile.trust.clone(),
            host_cas: session.profile.host_cas_der(&session.profile.cluster),
            route: session.way(),
            other_port: AtomicBool::new(false),
        }
    }

    /// A stream to the database service, with this certificate; its protocol decides what the service is called.
    ///
    /// # Errors
    /// What the SQL client is told.
    pub(super) async fn dial(&self, credential: &DbCredential) -> Result<BoxStream, UpstreamError> {
        let protocol = &credential.target.database.protocol;
        let offered = alpn::database(protocol).ok_or_else(|| {
            local(
                format!("databases of protocol {protocol} are not supported"),
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
