//! Where a TLS connection goes: the client's list of protocols, in its order (transport.md 3.1, stage B, and 14).

use crate::cluster::leaf;
use crate::identity;

/// What a ClientHello asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Route {
    /// The auth service, gRPC.
    Auth,
    /// The auth service's former JSON interface, of which nothing is left but its answer 404.
    AuthLegacy,
    /// The transport service of the proxy.
    Transport,
    /// A database, PostgreSQL protocol.
    Database,
    /// The web API.
    Web,
    /// The reverse tunnel, which exists so that clients can test whether protocols are negotiated.
    ReverseTunnel,
    /// The SSH proxy.
    Ssh,
    /// A cluster that wants to become a leaf.
    LeafJoin,
    /// The link of a leaf.
    LeafLink,
}

impl Route {
    pub(super) const ALL: [Self; 9] = [
        Self::Auth,
        Self::AuthLegacy,
        Self::Transport,
        Self::Database,
        Self::Web,
        Self::ReverseTunnel,
        Self::Ssh,
        Self::LeafJoin,
        Self::LeafLink,
    ];

    /// The protocols the server accepts on this route, its favourite first.
    pub(super) fn protocols(self) -> &'static [&'static str] {
        match self {
            Self::Auth => &["h2"],
            Self::AuthLegacy => &[],
            Self::Transport => &["h2", "teleport-proxy-ssh-grpc"],
            Self::Database => &["teleport-postgres-ping", "teleport-postgres"],
            Self::Web => &["http/1.1", "h2"],
            Self::ReverseTunnel => &["teleport-reversetunnel"],
            Self::Ssh => &["teleport-proxy-ssh"],
            Self::LeafJoin => &[leaf::JOIN_PROTOCOL],
            Self::LeafLink => &[leaf::LINK_PROTOCOL],
        }
    }
}

/// Chooses the route for the offered protocols; `None` closes the connection.
pub(super) fn route<'a>(offered: impl Iterator<Item = &'a [u8]>, cluster: &str) -> Option<Route> {
    let offered: Vec<&[u8]> = offered.collect();
    if offered.is_empty() {
        return Some(Route::Web);
    }
    offered.iter().find_map(|protocol| match *protocol {
        b"http/1.1" | b"h2" => Some(Some(Route::Web)),
        b"teleport-postgres" | b"teleport-postgres-ping" => Some(Some(Route::Database)),
        b"teleport-proxy-ssh-grpc" => Some(Some(Route::Transport)),
        b"teleport-reversetunnel" => Some(Some(Route::ReverseTunnel)),
        b"teleport-proxy-ssh" => Some(Some(Route::Ssh)),
        other if other == leaf::JOIN_PROTOCOL.as_bytes() => Some(Some(Route::LeafJoin)),
        other if other == leaf::LINK_PROTOCOL.as_bytes() => Some(Some(Route::LeafLink)),
        other if other.starts_with(b"teleport-auth@") => Some(auth(&offered, cluster)),
        _ => None,
    })?
}

/// The other cluster whose auth service the offered protocols name: the connection is passed on to it as it is.
pub(super) fn other_cluster<'a>(
    mut offered: impl Iterator<Item = &'a [u8]>,
    cluster: &str,
) -> Option<String> {
    // transport.md 3.3: the first protocol, and no other.
    let name = offered.next()?.strip_prefix(b"teleport-auth@")?;
    identity::decode_cluster(std::str::from_utf8(name).ok()?).filter(|name| name != cluster)
}

/// The auth route looks at the first protocol only, and at the second to choose the interface.
fn auth(offered: &[&[u8]], cluster: &str) -> Option<Route> {
    let name = offered.first()?.strip_prefix(b"teleport-auth@")?;
    let name = identity::decode_cluster(std::str::from_utf8(name).ok()?)?;
    if name != cluster {
        return None;
    }
    let legacy = offered.contains(&&b"http/1.1"[..]) && !offered.contains(&&b"h2"[..]);
    Some(if legacy {
        Route::AuthLegacy
    } else {
        Route::Auth
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(protocols: &[&str]) -> Option<Route> {
        route(protocols.iter().map(|p| p.as_bytes()), "root")
    }

    /// Every recorded handshake with its own cluster as the target: same decision as the real proxy.
    #[test]
    fn recorded_handshakes_are_routed_alike() {
        let cases: serde_json::Value = serde_json::from_str(include_str!(
            "../../../tests/data/transport/tls-handshakes.json"
        ))
        .expect("JSON");
        let mut seen = 0;
        for case in cases.as_array().expect("a list") {
            let name = case["case"].as_str().expect("a name");
            let offered: Vec<&str> = case["alpn"]
                .as_array()
                .map(|a| a.iter().filter_map(|p| p.as_str()).collect())
                .unwrap_or_default();
            if name.starts_with("leaf auth") || name.starts_with("separate mode") {
                continue;
            }
            seen += 1;
            let closed = case["handshake"]
                .as_str()
                .is_some_and(|h| h.starts_with("SSLEOFError"));
            let got = of(&offered);
            assert_eq!(got.is_none(), closed, "{name}: {got:?}");
            if let (Some(route), Some(selected)) = (got, case["selected"].as_str()) {
                assert!(
                    route.protocols().contains(&selected),
                    "{name}: {route:?} selects {selected}"
                );
                assert!(offered.contains(&selected), "{name}");
            }
        }
        assert!(seen > 40, "{seen}");
    }

    #[test]
    fn another_clusters_auth_service_is_named_by_the_first_protocol() {
        let other =
            |protocols: &[&str]| other_cluster(protocols.iter().map(|p| p.as_bytes()), "root");
        let leaf = "teleport-auth@6c656166.teleport.cluster.local";
        assert_eq!(other(&[leaf, "h2"]).as_deref(), Some("leaf"));
        assert_eq!(other(&["h2", leaf]), None);
        assert_eq!(
            other(&["teleport-auth@726f6f74.teleport.cluster.local", "h2"]),
            None
        );
        assert_eq!(
            other(&["teleport-auth@zz.teleport.cluster.local", "h2"]),
            None
        );
        assert_eq!(other(&[]), None);
    }

    #[test]
    fn the_clients_order_decides() {
        assert_eq!(of(&[]), Some(Route::Web));
        assert_eq!(of(&["h2", "teleport-postgres"]), Some(Route::Web));
        assert_eq!(
            of(&["teleport-postgres", "teleport-postgres-ping"]),
            Some(Route::Database)
        );
        assert_eq!(
            of(&["nonsense", "teleport-postgres"]),
            Some(Route::Database)
        );
        let auth = "teleport-auth@726f6f74.teleport.cluster.local";
        assert_eq!(of(&[auth, "h2"]), Some(Route::Auth));
        assert_eq!(of(&[auth, "http/1.1"]), Some(Route::AuthLegacy));
        assert_eq!(of(&["nonsense", auth, "h2"]), None);
        assert_eq!(
            of(&["teleport-auth@6c656166.teleport.cluster.local", "h2"]),
            None
        );
    }
}
