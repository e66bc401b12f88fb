//! Hosts, databases, the web.

use super::*;

#[test]
fn host_certificates_are_the_recorded_ones() {
    let ca = authority(CaKind::Host);
    for name in ["host-proxy", "host-auth"] {
        let recorded = Recorded::load(name);
        let names = alternative_names(&recorded.der);
        let (ips, dns): (Vec<_>, Vec<_>) = names
            .iter()
            .cloned()
            .partition(|name| name.parse::<IpAddr>().is_ok());
        let identity = decode_subject(&recorded.subject_der()).expect("a recorded subject");
        let issued = ca
            .issue_host(&HostRequest {
                common_name: identity.username,
                organization: identity.roles[0].clone(),
                dns,
                ips: ips
                    .iter()
                    .map(|ip| ip.parse().expect("an address"))
                    .collect(),
                not_before: recorded.time("not_before"),
                not_after: recorded.time("not_after"),
            })
            .expect("a certificate");
        assert_eq!(
            parse(&issued.cert_der).subject().as_raw(),
            recorded.subject_der(),
            "{name}"
        );
        let sorted = |der: &[u8]| {
            let mut list = own_extensions(der);
            list.sort();
            list
        };
        assert_eq!(sorted(&issued.cert_der), sorted(&recorded.der), "{name}");
    }
}

#[test]
fn host_certificates_name_each_host_once_and_the_cluster_always() {
    let ca = authority(CaKind::Host);
    let request = HostRequest {
        common_name: "6e7c3ea6-1850-45d6-b208-a06fba5f15a6.root.example.com".into(),
        organization: "Proxy".into(),
        dns: vec![
            "localhost".into(),
            "127.0.0.1".into(),
            "localhost".into(),
            "under_score.test".into(),
        ],
        ips: vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()],
        not_before: NOW,
        not_after: NOW + 3600,
    };
    let issued = ca.issue_host(&request).expect("a certificate");
    assert_eq!(
        alternative_names(&issued.cert_der),
        [
            "localhost",
            "under_score.test",
            "*.teleport.cluster.local",
            "teleport.cluster.local",
            "127.0.0.1",
            "::1"
        ]
    );
    for name in [
        "localhost",
        "::1",
        "teleport.cluster.local",
        &crate::identity::encode_cluster("root.example.com"),
    ] {
        server_trusted(&issued.cert_der, ca.cert_der(), name, NOW).expect(name);
    }
    server_trusted(&issued.cert_der, ca.cert_der(), "example.com", NOW).expect_err("another name");
    client_trusted(&issued.cert_der, ca.cert_der(), NOW).expect("both purposes");
    let key = KeyPair::from_pem(&issued.key_pem()).expect("a key");
    assert_eq!(
        key.public_key_raw(),
        parse(&issued.cert_der)
            .public_key()
            .subject_public_key
            .data
            .as_ref()
    );
    for bad in ["", "größe.test", "two words"] {
        let request = HostRequest {
            dns: vec![bad.into()],
            ..request.clone()
        };
        assert_eq!(
            ca.issue_host(&request).map(drop),
            Err(CaError::Name(bad.into()))
        );
    }
}

#[test]
fn database_servers_as_recorded_but_for_the_kind_of_key() {
    let ca = authority(CaKind::Db);
    let recorded = Recorded::load("db-server");
    let issued = ca
        .issue_db_server(&["localhost", "db.example.com"], NOW, NOW + 3600)
        .expect("a certificate");
    assert_eq!(
        parse(&issued.cert_der).subject().as_raw(),
        recorded.subject_der()
    );
    let rest = |der: &[u8]| {
        let mut list: Vec<_> = own_extensions(der)
            .into_iter()
            .filter(|(oid, ..)| oid != KEY_USAGE)
            .collect();
        list.sort();
        list
    };
    assert_eq!(rest(&issued.cert_der), rest(&recorded.der));
    assert_eq!(
        extension(&issued.cert_der, KEY_USAGE),
        Some((KEY_USAGE.into(), true, vec![3, 2, 7, 0x80]))
    );
    client_trusted(&issued.cert_der, ca.cert_der(), NOW).expect_err("a server's certificate");
    let local = ca
        .issue_db_server(&LOOPBACK_HOSTS, NOW, NOW + 3600)
        .expect("a certificate");
    for name in LOOPBACK_HOSTS {
        server_trusted(&local.cert_der, ca.cert_der(), name, NOW).expect(name);
    }
    assert_eq!(
        ca.issue_db_server(&[], NOW, NOW + 1).map(drop),
        Err(CaError::Name(String::new()))
    );
}

#[test]
fn database_clients_are_named_after_the_user_alone() {
    let ca = authority(CaKind::DbClient);
    for user in ["alice", "a@b.c", "rôle \"x\", O=y+z", &"n".repeat(200)] {
        let issued = ca
            .issue_db_client(user, NOW, NOW + 60)
            .expect("a certificate");
        let parsed = parse(&issued.cert_der);
        let attributes: Vec<_> = parsed
            .subject()
            .iter_attributes()
            .map(|a| a.as_str().expect("text"))
            .collect();
        assert_eq!(attributes, [user]);
        client_trusted(&issued.cert_der, ca.cert_der(), NOW).expect(user);
        let client_auth = vec![0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2];
        assert_eq!(
            extension(&issued.cert_der, EXTENDED_KEY_USAGE),
            Some((EXTENDED_KEY_USAGE.into(), false, client_auth))
        );
        assert_eq!(extension(&issued.cert_der, SUBJECT_ALT_NAME), None);
    }
    for bad in ["", "a\0b"] {
        assert_eq!(
            ca.issue_db_client(bad, NOW, NOW + 60).map(drop),
            Err(CaError::Name(bad.into()))
        );
    }
}

#[test]
fn the_web_certificate_is_no_authority() {
    let ca = web_authority("demo", NOW).expect("an authority");
    let name = parse(ca.cert_der()).subject().to_string();
    assert_eq!(name, "CN=postern demo web CA demo");
    let again = WebAuthority::from_pem(ca.cert_pem(), ca.key_pem()).expect("a kept authority");
    let issued = again
        .issue_web(
            &["localhost", "127.0.0.1", "::1", "proxy.test"],
            NOW,
            NOW + 60,
        )
        .expect("a certificate");
    for name in ["localhost", "127.0.0.1", "::1", "proxy.test"] {
        server_trusted(&issued.cert_der, ca.cert_der(), name, NOW).expect(name);
    }
    assert!(!parse(&issued.cert_der).is_ca());
    assert!(parse(ca.cert_der()).is_ca());
}
