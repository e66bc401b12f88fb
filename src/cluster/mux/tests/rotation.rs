//! Whose certificates are accepted and shown while authorities are rotated.

use super::origins::signed;
use super::*;
use crate::cluster::ca::phase::Phase;
use crate::cluster::rotation::rotate;

const AUTH: &[&str] = &["teleport-auth@726f6f74.teleport.cluster.local", "h2"];

/// The next phase, in force at the port.
fn enter(port: &Port, kind: CaKind, phase: Phase) {
    let state = &port.cluster.state;
    rotate(state.store(), kind, phase, now()).expect("a step");
    assert!(state.reload_authorities().expect("the authorities"));
    port.front.renew().expect("new certificates");
}

/// Both authorities of a kind: those of the beginning and of the rotation.
fn both(port: &Port, kind: CaKind) -> [Arc<Authority>; 2] {
    let old = port.cluster.state.authority(kind);
    enter(port, kind, Phase::Init);
    let authorities = port.cluster.state.authorities();
    let new = Arc::clone(authorities.trusted(kind)[1]);
    [old, new]
}

/// Whether the auth service lets somebody in whom this authority vouches for.
async fn accepted(port: &Port, authority: &Authority) -> bool {
    let holder = signed(port, authority, false, (now() - 60, now() + 3600));
    let have = outcome(port, AUTH, None, Some(holder), &rustls::version::TLS13).await;
    assert!(
        ["h2, HTTP/2", "alert UnknownCA"].contains(&&*have),
        "{have}"
    );
    have == "h2, HTTP/2"
}

/// Whether a client that trusts this authority alone takes the auth service for the cluster's.
async fn recognised(port: &Port, authority: &Authority) -> bool {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from(authority.cert_der().to_vec()))
        .expect("a root");
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = AUTH.iter().map(|p| p.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("726f6f74.teleport.cluster.local").expect("a name");
    let tcp = TcpStream::connect(port.addr).await.expect("a connection");
    let connected = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await;
    connected.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_of_both_authorities_are_let_in_until_standby() {
    let port = port().await;
    let [old, new] = both(&port, CaKind::User);
    for phase in [Phase::UpdateClients, Phase::UpdateServers] {
        assert!(accepted(&port, &old).await, "before {phase}");
        assert!(accepted(&port, &new).await, "before {phase}");
        enter(&port, CaKind::User, phase);
    }
    assert!(accepted(&port, &old).await && accepted(&port, &new).await);
    enter(&port, CaKind::User, Phase::Standby);
    assert!(!accepted(&port, &old).await, "the old authority is gone");
    assert!(accepted(&port, &new).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_rollback_users_of_the_new_authority_are_let_in_until_standby() {
    let port = port().await;
    let [old, new] = both(&port, CaKind::User);
    enter(&port, CaKind::User, Phase::UpdateClients);
    enter(&port, CaKind::User, Phase::Rollback);
    assert!(accepted(&port, &old).await && accepted(&port, &new).await);
    enter(&port, CaKind::User, Phase::Standby);
    assert!(accepted(&port, &old).await);
    assert!(!accepted(&port, &new).await, "the new authority is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_port_shows_the_new_host_authority_from_update_servers_on() {
    let port = port().await;
    let [old, new] = both(&port, CaKind::Host);
    for phase in [Phase::UpdateClients, Phase::UpdateServers] {
        assert!(recognised(&port, &old).await, "before {phase}");
        assert!(!recognised(&port, &new).await, "before {phase}");
        enter(&port, CaKind::Host, phase);
    }
    for phase in [Some(Phase::Standby), None] {
        assert!(recognised(&port, &new).await);
        assert!(!recognised(&port, &old).await);
        if let Some(phase) = phase {
            enter(&port, CaKind::Host, phase);
        }
    }
}
