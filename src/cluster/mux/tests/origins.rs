//! Whose certificates open which door, and how long silence is put up with.

use super::*;

const DOORS: [&[&str]; 4] = [
    &["teleport-auth@726f6f74.teleport.cluster.local", "h2"],
    &["teleport-postgres"],
    &["teleport-postgres-ping", "teleport-postgres"],
    &["http/1.1"],
];

/// A certificate for alice by one of the cluster's own authorities.
fn signed_by(port: &Port, kind: CaKind, database: bool, lifetime: (i64, i64)) -> Holder {
    let authority = port.cluster.state.authority(kind);
    signed(port, &authority, database, lifetime)
}

/// The same by an authority of one's choice.
pub(super) fn signed(
    port: &Port,
    authority: &Authority,
    database: bool,
    lifetime: (i64, i64),
) -> Holder {
    let pair = rcgen::KeyPair::generate().expect("a key");
    let key = SubjectPublicKey::from_pem(pair.public_key_pem().as_bytes()).expect("a public key");
    let what = if database { "database" } else { "base" };
    let (model, _) = holder(&port.cluster, what);
    let identity = Certificate::from_der(&model[0])
        .expect("a certificate")
        .identity;
    assert_eq!(identity.usage.is_empty(), !database);
    let der = authority
        .issue_user(&identity, &key, lifetime.0, lifetime.1)
        .expect("a certificate");
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pair.serialize_der()));
    (vec![CertificateDer::from(der)], private)
}

/// The authorities bear the same name; only the user authority vouches for persons, at every door.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_user_authority_vouches_for_persons() {
    let port = port().await;
    let valid = (now() - 60, now() + 3600);
    for alpn in DOORS {
        for database in [false, true] {
            for kind in [CaKind::Host, CaKind::Db, CaKind::DbClient] {
                let holder = signed_by(&port, kind, database, valid);
                let have = outcome(&port, alpn, None, Some(holder), &rustls::version::TLS13).await;
                let refused = if kind == CaKind::Host {
                    have == format!(
                        "{}, closed",
                        alpn.last().filter(|a| **a == "h2").unwrap_or(&alpn[0])
                    )
                } else {
                    have == "alert UnknownCA"
                };
                assert!(refused, "{alpn:?} {kind:?} database={database}: {have}");
            }
        }
    }
    // The same certificate by the right authority is let in, or all of this would prove nothing.
    let base = signed_by(&port, CaKind::User, false, valid);
    let have = outcome(&port, DOORS[0], None, Some(base), &rustls::version::TLS13).await;
    assert_eq!(have, "h2, HTTP/2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_counts_within_its_time_only() {
    let port = port().await;
    for (lifetime, wanted) in [
        ((now() + 600, now() + 3600), "alert CertificateExpired"),
        ((now() - 3600, now() - 600), "alert CertificateExpired"),
    ] {
        for alpn in DOORS {
            for database in [false, true] {
                let holder = signed_by(&port, CaKind::User, database, lifetime);
                let have = outcome(&port, alpn, None, Some(holder), &rustls::version::TLS12).await;
                assert_eq!(have, wanted, "{alpn:?} {lifetime:?} database={database}");
            }
        }
    }
}

/// Nobody who says nothing after the handshake keeps a connection, whatever was negotiated.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_after_the_handshake_ends_the_connection() {
    let port = port().await;
    let silent = [&[][..], &["http/1.1"], &["h2"], DOORS[0]].map(|alpn| {
        let mut config =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("versions")
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anyone(verifier(&port))))
                .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|p| p.as_bytes().to_vec()).collect();
        let addr = port.addr;
        async move {
            let tcp = TcpStream::connect(addr).await.expect("a connection");
            let name = ServerName::try_from("localhost").expect("a name");
            let mut tls = TlsConnector::from(Arc::new(config))
                .connect(name, tcp)
                .await
                .expect("a handshake");
            let mut said = Vec::new();
            // A reset is an end as well.
            let ended = timeout(super::super::HEADER * 2, tls.read_to_end(&mut said)).await;
            assert!(ended.is_ok(), "{alpn:?}: still open");
        }
    });
    futures_util::future::join_all(silent).await;
}
