//! Names of the services behind the proxy's one port.
//!
//! Source: transport.md 3.2-3.4.

use crate::identity::{cluster_sni, encode_cluster};

/// Longest name of a cluster, bytes, that fits with the rest into the 255 bytes of a protocol name (transport.md 3.3). tsh
/// ends there too: `tls: invalid NextProtos value`, observed with 18.3.0 and a leaf of 200 bytes, which was online.
pub const LONGEST_CLUSTER: usize = 109;

/// The protocol names that lead to the auth service of `cluster`, in the order the proxy reads them.
///
/// The proxy looks at the first one only; `h2` chooses gRPC.
pub fn auth(cluster: &str) -> [String; 2] {
    [
        format!("teleport-auth@{}", encode_cluster(cluster)),
        "h2".to_owned(),
    ]
}

/// As [`auth`], for HTTP/1.1; the proxy then negotiates no name at all.
pub fn auth_http(cluster: &str) -> [String; 2] {
    let [service, _] = auth(cluster);
    [service, "http/1.1".to_owned()]
}

/// The two protocol names for a database connection, the one with ping framing first; `None` for a protocol
/// that this client does not speak.
pub fn database(protocol: &str) -> Option<[&'static str; 2]> {
    match protocol {
        "postgres" | "cockroachdb" => Some(["teleport-postgres-ping", "teleport-postgres"]),
        _ => None,
    }
}

/// Whether a negotiated protocol name means ping framing.
pub fn is_ping(protocol: &[u8]) -> bool {
    protocol.ends_with(b"-ping")
}

/// The server name for auth connections, whatever cluster they lead to: it selects the authorities against which
/// the client's certificate is checked, so it names the root cluster, which issued it.
pub fn auth_server_name(root: &str) -> String {
    cluster_sni(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auth_names_are_those_of_a_recorded_handshake() {
        assert_eq!(
            auth("root"),
            ["teleport-auth@726f6f74.teleport.cluster.local", "h2"]
        );
        assert_eq!(
            auth("leaf"),
            ["teleport-auth@6c656166.teleport.cluster.local", "h2"]
        );
    }

    #[test]
    fn server_name_names_the_root_unless_it_would_be_no_dns_name() {
        assert_eq!(auth_server_name("root"), "726f6f74.teleport.cluster.local");
        let longest = "a".repeat(31);
        assert_eq!(
            auth_server_name(&longest),
            format!("{}.teleport.cluster.local", "61".repeat(31))
        );
        assert_eq!(
            auth_server_name("transport-long-cluster-name-0123456789.example.com"),
            "teleport.cluster.local"
        );
    }

    #[test]
    fn the_longest_name_fills_a_protocol_name() {
        let [name, _] = auth(&"a".repeat(LONGEST_CLUSTER));
        assert_eq!(name.len(), 255);
    }

    #[test]
    fn databases_offer_ping_first() {
        assert_eq!(
            database("postgres"),
            Some(["teleport-postgres-ping", "teleport-postgres"])
        );
        assert_eq!(database("cockroachdb"), database("postgres"));
        assert_eq!(database("mysql"), None);
        assert!(is_ping(b"teleport-postgres-ping"));
        assert!(!is_ping(b"teleport-postgres"));
    }
}
