//! What a login finds out about the way to its proxy.

use tokio::task::JoinHandle;

use super::login::web_address;
use crate::profile::Home;
use crate::transport::dial::split_addr;
use crate::transport::route::{Network, Route, Upgrade};
use crate::webapi::types::Ping;

/// Port of an SSH proxy that names none (transport.md 2).
const SSH_PORT: u16 = 3023;
/// Port for PostgreSQL of a cluster that names none.
const POSTGRES_PORT: u16 = 5432;

/// The test whether connections have to be upgraded, running beside something else. Ends when it is dropped.
#[derive(Debug)]
pub struct UpgradeTest(JoinHandle<Upgrade>);

impl UpgradeTest {
    /// Starts it; to be called in a runtime.
    pub fn start(route: &Route) -> Self {
        let route = route.clone();
        Self(tokio::spawn(async move { route.probe().await }))
    }

    /// Its outcome; `None` when it came to none.
    pub async fn outcome(&mut self) -> Option<Upgrade> {
        (&mut self.0).await.ok()
    }
}

impl Drop for UpgradeTest {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Puts together what the cluster announced and what was tested. `proxy` is the web port, `host:port`.
pub fn network(ping: &Ping, proxy: &str, tested: Option<Upgrade>) -> Network {
    let upgrade = match tested {
        Some(Upgrade::WebSocket) if !ping.server().upgrades_to_websockets() => {
            Some(Upgrade::Legacy)
        }
        other => other,
    };
    let (mut postgres, mut ssh) = (None, None);
    if !ping.proxy.tls_routing_enabled {
        let (db, of_ssh) = (&ping.proxy.db, &ping.proxy.ssh);
        postgres = Some(port(
            &db.postgres_public_addr,
            &db.postgres_listen_addr,
            proxy,
            split_addr(proxy).map_or(POSTGRES_PORT, |(_, port)| port),
            POSTGRES_PORT,
        ));
        ssh = Some(port(
            &of_ssh.ssh_public_addr,
            &of_ssh.listen_addr,
            proxy,
            SSH_PORT,
            SSH_PORT,
        ));
    }
    Network {
        upgrade,
        postgres,
        ssh,
    }
}

/// Writes down what connections over `route` have found out, so that the next command need not. Where no profile of ours is,
/// or it cannot be written, the next command finds it out again.
pub fn remember(home: &Home, route: &Route) {
    if let Some(upgrade) = route.news() {
        let _ = home.update(route.proxy(), |profile| {
            profile.network.upgrade = Some(upgrade);
        });
    }
}

/// The address of one of several ports: the public one, else the web port's host with the port that is listened on
/// (transport.md 2).
fn port(public: &str, listen: &str, proxy: &str, public_port: u16, listen_port: u16) -> String {
    if !public.is_empty() {
        return web_address(public, proxy, public_port);
    }
    let host = proxy.rsplit_once(':').map_or(proxy, |(host, _)| host);
    let port = split_addr(listen).map_or(listen_port, |(_, port)| port);
    format!("{host}:{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ping(proxy: &serde_json::Value, version: &str) -> Ping {
        serde_json::from_value(serde_json::json!({"proxy": proxy, "server_version": version}))
            .expect("a ping")
    }

    #[test]
    fn separate_ports_are_kept_and_one_port_has_none() {
        let one = ping(
            &serde_json::json!({"tls_routing_enabled": true, "db": {"postgres_listen_addr": "0.0.0.0:443"}}),
            "18.3.0",
        );
        assert_eq!(
            network(&one, "p:443", Some(Upgrade::None)),
            Network {
                upgrade: Some(Upgrade::None),
                ..Network::default()
            }
        );
        for (proxy, postgres, ssh) in [
            (serde_json::json!({}), "p:5432", "p:3023"),
            (
                serde_json::json!({"ssh": {"listen_addr": "0.0.0.0:4023"}, "db": {"postgres_listen_addr": "[::]:6432"}}),
                "p:6432",
                "p:4023",
            ),
            (
                serde_json::json!({"ssh": {"ssh_public_addr": "ssh.p"}, "db": {"postgres_public_addr": "pg.p"}}),
                "pg.p:443",
                "ssh.p:3023",
            ),
            (
                serde_json::json!({"ssh": {"ssh_public_addr": "ssh.p:1"}, "db": {"postgres_public_addr": "pg.p:2", "postgres_listen_addr": "0.0.0.0:3"}}),
                "pg.p:2",
                "ssh.p:1",
            ),
        ] {
            let found = network(&ping(&proxy, "18.3.0"), "p:443", None);
            assert_eq!(found.postgres.as_deref(), Some(postgres), "{proxy}");
            assert_eq!(found.ssh.as_deref(), Some(ssh), "{proxy}");
        }
    }

    #[test]
    fn old_servers_get_the_upgrade_they_know() {
        for (version, tested, want) in [
            ("18.3.0", Upgrade::WebSocket, Upgrade::WebSocket),
            ("15.1.0", Upgrade::WebSocket, Upgrade::WebSocket),
            ("15.0.1", Upgrade::WebSocket, Upgrade::Legacy),
            ("14.1.3", Upgrade::WebSocket, Upgrade::Legacy),
            ("14.1.3", Upgrade::None, Upgrade::None),
            ("", Upgrade::WebSocket, Upgrade::WebSocket),
        ] {
            let one = ping(&serde_json::json!({"tls_routing_enabled": true}), version);
            let found = network(&one, "p:443", Some(tested));
            assert_eq!(found.upgrade, Some(want), "{version}");
        }
    }
}
