//! The way to one proxy: what stands on it, and a connection over all of that (transport.md 0, 3.4).

mod limit;
mod network;
mod postgres;
mod reach;
mod service;
mod upgraded;

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio_rustls::client::TlsStream;

pub use super::carrier::Carrier;
use super::dial::{DialError, handshake, split_addr};
use super::extra_headers::ExtraHeaders;
use super::network_env::NetworkEnv;
use super::tls_fault::TlsFault;
use super::trust::Trust;
pub use super::upgrade::{Pings, Upgrade, UpgradeFault};
use super::watch::{Step, Watch};
use super::{clock, probe};
use limit::Limit;
pub use network::{Learned, Network};
pub use service::Service;

/// The way to one proxy. Clones share what they learn of it.
#[derive(Clone, Debug)]
pub struct Route {
    proxy: String,
    trust: Trust,
    network: Network,
    env: Arc<NetworkEnv>,
    learned: Learned,
    watch: Watch,
}

/// A connection to a service.
pub type Connection = TlsStream<Carrier>;

impl Route {
    /// The way to the web port `proxy` (`host:port`), whose own certificate `trust` is asked about.
    pub fn new(proxy: &str, trust: &Trust, network: &Network, env: &Arc<NetworkEnv>) -> Self {
        Self {
            proxy: proxy.to_owned(),
            trust: trust.clone(),
            network: network.clone(),
            env: Arc::clone(env),
            learned: Learned::default(),
            watch: Watch::default(),
        }
    }

    /// Shares what is learned with other routes to the same proxy.
    #[must_use]
    pub fn learning(mut self, learned: &Learned) -> Self {
        self.learned = learned.clone();
        self
    }

    /// Tells `watch` of every step of every connection made on this route.
    #[must_use]
    pub fn watched(mut self, watch: &Watch) -> Self {
        self.watch = watch.clone();
        self
    }

    /// The way to a port with nothing in between, whatever the environment says.
    #[cfg(test)]
    pub(crate) fn direct(proxy: &str) -> Self {
        let network = Network {
            upgrade: Some(Upgrade::None),
            ..Network::default()
        };
        Self::new(proxy, &Trust::default(), &network, &Arc::default())
    }

    /// Headers for what may stand in front of some proxies.
    pub(crate) fn extra_headers(&self) -> &ExtraHeaders {
        &self.env.headers
    }

    /// `host:port` of the web port.
    pub fn proxy(&self) -> &str {
        &self.proxy
    }

    /// The host of the web port, by which its certificate is verified.
    ///
    /// # Errors
    /// [`DialError::Address`].
    pub fn host(&self) -> Result<&str, DialError> {
        split_addr(&self.proxy).map(|(host, _)| host)
    }

    /// How connections are upgraded, as far as is known by now: what was learned here counts more than what was known
    /// before, and the environment more than both (transport.md 5.1).
    pub fn upgrade(&self) -> Option<Upgrade> {
        let known = self.learned.get().or(self.network.upgrade);
        match self.env.upgrade(&self.proxy) {
            Some(false) => Some(Upgrade::None),
            Some(true) => known
                .filter(|upgrade| *upgrade != Upgrade::None)
                .or(Some(Upgrade::WebSocket)),
            None => known,
        }
    }

    /// What connections made here have learned that was not known before, and that nobody ordered.
    pub fn news(&self) -> Option<Upgrade> {
        self.learned
            .get()
            .filter(|learned| self.network.upgrade != Some(*learned))
            .filter(|_| self.env.upgrade(&self.proxy).is_none())
    }

    /// Tests whether connections have to be upgraded, unless the environment decides that.
    pub async fn probe(&self) -> Upgrade {
        let needed = match self.env.upgrade(&self.proxy) {
            Some(decided) => decided,
            None => probe::needs_upgrade(self).await,
        };
        if needed {
            Upgrade::WebSocket
        } else {
            Upgrade::None
        }
    }

    /// TLS with the web port itself, offering these protocols, within `deadline`.
    ///
    /// # Errors
    /// See [`DialError`].
    pub async fn connect_web(
        &self,
        alpn: &[&str],
        deadline: Duration,
    ) -> Result<Connection, DialError> {
        let tls = self.web_port(alpn, deadline).await;
        self.with_clock(tls).await
    }

    /// As [`Self::connect_web`], without a word about clocks.
    pub(super) async fn web_port(
        &self,
        alpn: &[&str],
        deadline: Duration,
    ) -> Result<Connection, DialError> {
        let limit = Limit::new(&self.proxy, deadline);
        let config = Arc::new(self.trust.web_config(alpn, None)?);
        self.web(&limit, config, self.host()?).await
    }

    /// TLS with whoever answers on the web port, vouched for by nobody: for what needs no trust ([`clock`]).
    pub(super) async fn connect_unverified(
        &self,
        deadline: Duration,
    ) -> Result<Connection, DialError> {
        let limit = Limit::new(&self.proxy, deadline);
        let trust = Trust {
            insecure: true,
            ..Trust::default()
        };
        let config = Arc::new(trust.web_config(&["http/1.1"], None)?);
        self.web(&limit, config, self.host()?).await
    }

    /// The seconds by which the clock of this computer is ahead of the proxy's (negative: behind), if the proxy tells its
    /// time. For the words of errors only: nobody vouches for the answer.
    pub async fn skew(&self) -> Option<i64> {
        clock::skew(self).await
    }

    /// Where a certificate was refused for its dates, finds out by how much the clock of this computer is off.
    async fn with_clock<T>(&self, outcome: Result<T, DialError>) -> Result<T, DialError> {
        let mut error = match outcome {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        if let DialError::Tls {
            fault: TlsFault::Untrusted(untrusted),
            ..
        } = &mut error
            && untrusted.is_by_dates()
        {
            untrusted.why.note_skew(self.skew().await);
        }
        Err(error)
    }

    /// TLS with a service behind the web port, within `deadline`, upgraded where that is necessary.
    ///
    /// With TLS 1.3 a server refuses a client certificate only after this has succeeded, on the first read.
    ///
    /// # Errors
    /// See [`DialError`].
    pub async fn connect(
        &self,
        service: &Service,
        deadline: Duration,
    ) -> Result<Connection, DialError> {
        let tls = self.service(service, deadline).await;
        self.with_clock(tls).await
    }

    async fn service(
        &self,
        service: &Service,
        deadline: Duration,
    ) -> Result<Connection, DialError> {
        let limit = Limit::new(&self.proxy, deadline);
        let known = self.upgrade();
        if let Some(kind @ (Upgrade::WebSocket | Upgrade::Legacy)) = known {
            return self.upgraded(&limit, service, kind).await;
        }
        let (config, name) = &service.tls;
        let tried = self
            .web(&limit, Arc::clone(config), name)
            .await
            .and_then(|tls| self.negotiated(service, tls));
        let Err(error) = tried else {
            self.learned.set(Upgrade::None);
            return tried;
        };
        // Somebody else's certificate, or no protocol: something in front of the proxy may have answered. It may also
        // have come there since the test.
        let suspicious = matches!(
            error.tls(),
            Some(TlsFault::NoProtocol | TlsFault::WrongProtocol(_) | TlsFault::Untrusted(_))
        );
        let decided = self.env.upgrade(&self.proxy).is_some();
        if suspicious && !decided && probe::needs_upgrade(self).await {
            return self.upgraded(&limit, service, Upgrade::WebSocket).await;
        }
        Err(error)
    }

    /// `host:port` for PostgreSQL, where the cluster has a port for each protocol.
    pub fn postgres(&self) -> Option<&str> {
        self.network.postgres.as_deref()
    }

    /// TLS with the web port, whatever answers there.
    async fn web(
        &self,
        limit: &Limit<'_>,
        config: Arc<ClientConfig>,
        name: &str,
    ) -> Result<Connection, DialError> {
        let carrier = self.reach(limit, &self.proxy).await?;
        let tls = handshake(&self.proxy, carrier, config, name);
        let tls = limit.on("the TLS handshake ran", tls);
        self.watch.on(Step::Tls, tls).await
    }

    /// A service that offers protocol names and gets none has met somebody who does not know them.
    fn negotiated(&self, service: &Service, tls: Connection) -> Result<Connection, DialError> {
        if tls.get_ref().1.alpn_protocol().is_none() && service.chooses {
            return Err(DialError::Tls {
                addr: self.proxy.clone(),
                fault: TlsFault::NoProtocol,
            });
        }
        Ok(tls)
    }
}
