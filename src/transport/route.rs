//! The way to one proxy: what stands on it, and a connection over all of that (transport.md 0, 3.4).

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use rustls::ClientConfig;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::client::TlsStream;

pub use super::carrier::Carrier;
use super::dial::{DialError, connect_tcp, handshake, split_addr};
use super::extra_headers::ExtraHeaders;
use super::http_proxy::ProxyFault;
use super::network_env::NetworkEnv;
use super::tls_fault::TlsFault;
use super::trust::Trust;
pub use super::upgrade::{Pings, Upgrade, UpgradeFault};
use super::{BoxStream, clock, probe, upgrade};

/// What a login has found out about the way to its proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    /// How connections get through what stands before the proxy; `None`: not tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade: Option<Upgrade>,
    /// `host:port` for PostgreSQL, where the cluster has a port for each protocol (`tls_routing_enabled: false`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgres: Option<String>,
    /// `host:port` of the SSH proxy, which also leads to the auth service, where the cluster has a port for each protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh: Option<String>,
}

impl Network {
    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

/// What connections made in this process found out about an upgrade; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Learned(Arc<AtomicU8>);

impl Learned {
    fn get(&self) -> Option<Upgrade> {
        match self.0.load(Ordering::Relaxed) {
            1 => Some(Upgrade::None),
            2 => Some(Upgrade::WebSocket),
            3 => Some(Upgrade::Legacy),
            _ => None,
        }
    }

    fn set(&self, upgrade: Upgrade) {
        let number = match upgrade {
            Upgrade::None => 1,
            Upgrade::WebSocket => 2,
            Upgrade::Legacy => 3,
        };
        self.0.store(number, Ordering::Relaxed);
    }
}

/// PostgreSQL's request for TLS.
const SSL_REQUEST: [u8; 8] = *b"\0\0\0\x08\x04\xd2\x16\x2f";

/// A service behind the web port, and how it proves itself.
#[derive(Clone, Debug)]
pub struct Service {
    /// Settings and server name of TLS with the service.
    pub tls: (Arc<ClientConfig>, String),
    /// The same where the connection is upgraded, if that differs: the proxy shows another certificate there.
    pub upgraded: Option<(Arc<ClientConfig>, String)>,
    /// Who keeps an upgraded connection alive.
    pub pings: Pings,
    /// The service chooses one of the protocol names offered.
    pub chooses: bool,
}

impl Service {
    /// A service that proves itself in the same way however it is reached.
    pub fn new(config: ClientConfig, server_name: &str) -> Self {
        Self {
            tls: (Arc::new(config), server_name.to_owned()),
            upgraded: None,
            pings: Pings::Wanted,
            chooses: true,
        }
    }

    /// The same for a service that takes protocol names and chooses none.
    #[must_use]
    pub fn without_protocol(self) -> Self {
        Self {
            chooses: false,
            ..self
        }
    }
}

/// The way to one proxy. Clones share what they learn of it.
#[derive(Clone, Debug)]
pub struct Route {
    proxy: String,
    trust: Trust,
    network: Network,
    env: Arc<NetworkEnv>,
    learned: Learned,
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
        }
    }

    /// Shares what is learned with other routes to the same proxy.
    #[must_use]
    pub fn learning(mut self, learned: &Learned) -> Self {
        self.learned = learned.clone();
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

    /// TLS with the port for PostgreSQL, `addr`, as PostgreSQL's protocol begins it (transport.md 10.4), within `deadline`.
    /// No upgrade leads there, but an HTTP proxy may.
    ///
    /// # Errors
    /// See [`DialError`]; a port that refuses TLS is [`TlsFault::NotTls`].
    pub async fn connect_postgres(
        &self,
        addr: &str,
        config: ClientConfig,
        name: &str,
        deadline: Duration,
    ) -> Result<Connection, DialError> {
        let limit = Limit::new(addr, deadline);
        let mut carrier = self.reach(&limit, addr).await?;
        let asking = async {
            let mut answer = [0];
            let answered = async {
                carrier.write_all(&SSL_REQUEST).await?;
                carrier.flush().await?;
                carrier.read_exact(&mut answer).await
            };
            let addr = addr.to_owned();
            match answered.await {
                Ok(_) if answer == *b"S" => Ok(carrier),
                Ok(_) => Err(DialError::Tls {
                    addr,
                    fault: TlsFault::NotTls,
                }),
                Err(_) => Err(DialError::Closed { addr }),
            }
        };
        let carrier = limit.on("it was asked for TLS", asking).await?;
        let tls = handshake(addr, carrier, Arc::new(config), name);
        let tls = limit.on("the TLS handshake ran", tls).await;
        self.with_clock(tls).await
    }

    /// TLS with the web port, whatever answers there.
    async fn web(
        &self,
        limit: &Limit<'_>,
        config: Arc<ClientConfig>,
        name: &str,
    ) -> Result<Connection, DialError> {
        let carrier = self.reach(limit, &self.proxy).await?;
        limit
            .on(
                "the TLS handshake ran",
                handshake(&self.proxy, carrier, config, name),
            )
            .await
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

    async fn upgraded(
        &self,
        limit: &Limit<'_>,
        service: &Service,
        kind: Upgrade,
    ) -> Result<Connection, DialError> {
        let stream = match self.upgrade_as(limit, service.pings, kind).await {
            // Proxies before 15.1 know the former type only.
            Err(DialError::Upgrade { fault, .. })
                if kind == Upgrade::WebSocket && fault.is_unknown() =>
            {
                let stream = self
                    .upgrade_as(limit, service.pings, Upgrade::Legacy)
                    .await?;
                self.learned.set(Upgrade::Legacy);
                stream
            }
            Err(other) => return Err(other),
            Ok(stream) => {
                self.learned.set(kind);
                stream
            }
        };
        let (config, name) = service.upgraded.as_ref().unwrap_or(&service.tls);
        let inner = handshake(
            &self.proxy,
            Carrier::Inside(stream),
            Arc::clone(config),
            name,
        );
        let tls = limit
            .on(
                "the TLS handshake ran inside the upgraded connection",
                inner,
            )
            .await?;
        self.negotiated(service, tls)
    }

    async fn upgrade_as(
        &self,
        limit: &Limit<'_>,
        pings: Pings,
        kind: Upgrade,
    ) -> Result<BoxStream, DialError> {
        let config = Arc::new(self.trust.web_config(&["http/1.1"], None)?);
        let outer = self.web(limit, config, self.host()?).await?;
        let asking = Box::pin(async {
            let switched = match kind {
                Upgrade::Legacy => {
                    upgrade::legacy(outer, &self.proxy, pings, &self.env.headers).await
                }
                _ => upgrade::websocket(outer, &self.proxy, pings, &self.env.headers).await,
            };
            switched.map_err(|fault| DialError::Upgrade {
                addr: self.proxy.clone(),
                fault,
            })
        });
        limit
            .on("it was asked to upgrade the connection", asking)
            .await
    }

    /// A byte stream to `addr`, through the HTTP proxy where the environment names one.
    async fn reach(&self, limit: &Limit<'_>, addr: &str) -> Result<Carrier, DialError> {
        let no_use = |proxy: &str, fault| DialError::HttpProxy {
            proxy: proxy.to_owned(),
            fault,
        };
        split_addr(addr)?;
        let Some(via) = self
            .env
            .proxy_for(addr)
            .map_err(|fault| no_use("", fault))?
        else {
            return limit
                .on("connecting", connect_tcp(addr))
                .await
                .map(Carrier::Tcp);
        };
        let at = via.addr();
        let unreachable = |error: DialError| no_use(at, ProxyFault::Unreachable(Box::new(error)));
        // Its own silence is its own fault, not that of what lies behind it.
        let near = Limit { addr: at, ..*limit };
        let tcp = near
            .on("connecting", connect_tcp(at))
            .await
            .map_err(unreachable)?;
        let first = if via.is_tls() {
            let config = Arc::new(self.trust.web_config(&["http/1.1"], None)?);
            let (host, _) = split_addr(at)?;
            let tls = handshake(at, tcp, config, host);
            let tls = near
                .on("the TLS handshake ran", tls)
                .await
                .map_err(unreachable)?;
            Carrier::Inside(Box::new(tls))
        } else {
            Carrier::Tcp(tcp)
        };
        let asking = async {
            via.connect(first, addr)
                .await
                .map_err(|fault| no_use(at, fault))
        };
        let stream = near
            .on("it connected to the cluster", asking)
            .await
            .map_err(|err| match err {
                late @ DialError::Timeout { .. } => unreachable(late),
                other => other,
            })?;
        Ok(Carrier::Inside(Box::new(stream)))
    }
}

/// A deadline over several steps to one address.
#[derive(Clone, Copy)]
struct Limit<'a> {
    addr: &'a str,
    until: Instant,
    after: Duration,
}

impl<'a> Limit<'a> {
    fn new(addr: &'a str, after: Duration) -> Self {
        Self {
            addr,
            until: Instant::now() + after,
            after,
        }
    }

    async fn on<T>(
        &self,
        doing: &'static str,
        step: impl Future<Output = Result<T, DialError>>,
    ) -> Result<T, DialError> {
        // On the heap: handshakes are large, and every step around them would carry them.
        timeout_at(self.until, Box::pin(step))
            .await
            .map_err(|_| DialError::Timeout {
                addr: self.addr.to_owned(),
                after: self.after,
                doing,
            })?
    }
}
