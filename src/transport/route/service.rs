//! What a connection is for.

use std::sync::Arc;

use rustls::ClientConfig;

use super::Pings;

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
