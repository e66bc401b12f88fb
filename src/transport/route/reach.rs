//! The outermost layers: TCP, and an HTTP proxy on the way (transport.md 6).

use std::sync::Arc;

use super::{Carrier, Limit, Route};
use crate::readahead::ReadAhead;
use crate::transport::dial::{DialError, connect_tcp, handshake, split_addr};
use crate::transport::http_proxy::ProxyFault;
use crate::transport::watch::Step;

impl Route {
    /// A byte stream to `addr`, through the HTTP proxy where the environment names one.
    pub(super) async fn reach(&self, limit: &Limit<'_>, addr: &str) -> Result<Carrier, DialError> {
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
                .on("connecting", connect_tcp(addr, &self.watch))
                .await
                .map(|tcp| Carrier::Left(ReadAhead::new(tcp)));
        };
        let at = via.addr();
        let unreachable = |error: DialError| no_use(at, ProxyFault::Unreachable(Box::new(error)));
        // Its own silence is its own fault, not that of what lies behind it.
        let near = limit.at(at);
        let tcp = near
            .on("connecting", connect_tcp(at, &self.watch))
            .await
            .map_err(unreachable)?;
        let through = async {
            let first = if via.is_tls() {
                let config = Arc::new(self.trust.web_config(&["http/1.1"], None)?);
                let (host, _) = split_addr(at)?;
                let tls = handshake(at, tcp, config, host);
                let tls = near
                    .on("the TLS handshake ran", tls)
                    .await
                    .map_err(unreachable)?;
                Carrier::Right(Box::new(tls))
            } else {
                Carrier::Left(ReadAhead::new(tcp))
            };
            let asking = async {
                via.connect(first, addr)
                    .await
                    .map_err(|fault| no_use(at, fault))
            };
            near.on("it connected to the cluster", asking)
                .await
                .map_err(|err| match err {
                    late @ DialError::Timeout { .. } => unreachable(late),
                    other => other,
                })
        };
        let stream = self.watch.on(Step::HttpProxy, through).await?;
        Ok(Carrier::Right(Box::new(stream)))
    }
}
