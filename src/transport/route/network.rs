//! What is known of the way to a proxy: kept with the login, and learned while it is used.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use serde::{Deserialize, Serialize};

use super::Upgrade;

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
    pub(super) fn get(&self) -> Option<Upgrade> {
        match self.0.load(Ordering::Relaxed) {
            1 => Some(Upgrade::None),
            2 => Some(Upgrade::WebSocket),
            3 => Some(Upgrade::Legacy),
            _ => None,
        }
    }

    pub(super) fn set(&self, upgrade: Upgrade) {
        let number = match upgrade {
            Upgrade::None => 1,
            Upgrade::WebSocket => 2,
            Upgrade::Legacy => 3,
        };
        self.0.store(number, Ordering::Relaxed);
    }
}
