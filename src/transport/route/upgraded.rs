//! Connections to a service inside an upgraded one, behind a load balancer that ends TLS (transport.md 5).

use std::sync::Arc;

use super::{Carrier, Connection, Limit, Pings, Route, Service, Upgrade};
use crate::transport::dial::{DialError, handshake};
use crate::transport::watch::Step;
use crate::transport::{BoxStream, upgrade};

impl Route {
    /// TLS with a service inside a connection upgraded in this way, or in the former one where the server knows no other.
    pub(super) async fn upgraded(
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
            Carrier::Right(stream),
            Arc::clone(config),
            name,
        );
        let inner = limit.on(
            "the TLS handshake ran inside the upgraded connection",
            inner,
        );
        let tls = self.watch.on(Step::Inside, inner).await?;
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
        let asking = limit.on("it was asked to upgrade the connection", asking);
        self.watch.on(Step::Upgrade, asking).await
    }
}
