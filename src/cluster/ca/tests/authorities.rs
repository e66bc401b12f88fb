//! Authorities and the chains below them.

use super::*;

#[test]
fn recorded_chains_verify_with_their_authority_only() {
    let ca = |name: &str| Recorded::load(name).der;
    let (user, host, db, other) = (
        ca("ca-user"),
        ca("ca-host"),
        ca("ca-db"),
        ca("ca-user-cluster-root"),
    );
    for recorded in Recorded::all("") {
        let (name, leaf) = (recorded.name.as_str(), recorded.der.as_slice());
        let now = recorded.time("not_before") + 30;
        if name.starts_with("ca-") {
            continue;
        }
        if name == "db-server" {
            server_trusted(leaf, &db, "localhost", now).expect(name);
            server_trusted(leaf, &host, "localhost", now).expect_err(name);
        } else if name.starts_with("host-") {
            server_trusted(leaf, &host, "7a7a.teleport.cluster.local", now).expect(name);
            server_trusted(leaf, &user, "7a7a.teleport.cluster.local", now).expect_err(name);
        } else {
            let (right, wrong) = if name.ends_with("-leaf") {
                (&other, &user)
            } else {
                (&user, &host)
            };
            client_trusted(leaf, right, now).expect(name);
            client_trusted(leaf, wrong, now).expect_err(name);
        }
    }
}

#[test]
fn authorities_are_formed_as_recorded() {
    let recorded = Recorded::load("ca-user");
    let mut subjects = Vec::new();
    for kind in CaKind::ALL {
        let ca = authority(kind);
        let (ours, theirs) = (parse(ca.cert_der()), parse(&recorded.der));
        let form = |name: &x509_parser::x509::X509Name<'_>| {
            name.iter_rdn()
                .map(|rdn| {
                    rdn.iter()
                        .map(|a| (a.attr_type().to_id_string(), a.attr_value().tag()))
                        .collect()
                })
                .collect::<Vec<Vec<_>>>()
        };
        assert_eq!(form(ours.subject()), form(theirs.subject()));
        assert_eq!(ours.subject().as_raw(), ours.issuer().as_raw());
        let serial = ours
            .subject()
            .iter_by_oid(&x509_parser::oid_registry::OID_X509_SERIALNUMBER)
            .next();
        assert_eq!(
            serial.expect("a serial number").as_str().expect("text"),
            ours.tbs_certificate.serial.to_string()
        );
        assert_eq!(ours.validity().not_before.timestamp(), NOW);
        assert_eq!(
            ours.validity().not_after.timestamp() - NOW,
            recorded.time("not_after") - recorded.time("not_before")
        );
        let rest = |der: &[u8]| {
            let mut list: Vec<_> = extensions(der)
                .into_iter()
                .filter(|(oid, ..)| oid != SUBJECT_KEY_ID)
                .collect();
            list.sort();
            list
        };
        assert_eq!(rest(ca.cert_der()), rest(&recorded.der));
        let (_, critical, value) =
            extension(ca.cert_der(), SUBJECT_KEY_ID).expect("a key identifier");
        assert_eq!((critical, value.len()), (false, 22));
        subjects.push(ca.subject_der().to_vec());
    }
    subjects.sort();
    subjects.dedup();
    assert_eq!(
        subjects.len(),
        CaKind::ALL.len(),
        "two authorities share a subject"
    );
}

#[test]
fn authorities_are_kept_and_loaded() {
    let ca = authority(CaKind::User);
    let again = Authority::from_pem(ca.cert_pem(), ca.key_pem()).expect("a kept authority");
    assert_eq!(again.cert_der(), ca.cert_der());
    assert_eq!(again.cluster(), "root.example.com");
    let leaf = again
        .issue_user(&alice(), &user_key(), NOW, NOW + 60)
        .expect("a certificate");
    client_trusted(&leaf, ca.cert_der(), NOW).expect("a chain");
    let host = again
        .issue_db_client("alice", NOW, NOW + 60)
        .expect("a certificate");
    client_trusted(&host.cert_der, ca.cert_der(), NOW).expect("a chain");

    let other = authority(CaKind::Host);
    client_trusted(&leaf, other.cert_der(), NOW).expect_err("another authority");
    let load = |cert: &str, key: &str| Authority::from_pem(cert, key).map(drop);
    assert_eq!(
        load(ca.cert_pem(), other.key_pem()),
        Err(CaError::KeyMismatch)
    );
    assert!(matches!(
        load(ca.cert_pem(), "no key"),
        Err(CaError::Signing(_))
    ));
    assert!(matches!(
        load("", ca.key_pem()),
        Err(CaError::NotAnAuthority(_))
    ));
    assert!(matches!(
        load(&host.cert_pem(), &host.key_pem()),
        Err(CaError::NotAnAuthority(_))
    ));
    assert!(!format!("{ca:?} {host:?}").contains("PRIVATE"));
    assert_eq!(
        Authority::generate(CaKind::Db, "", NOW).map(drop),
        Err(CaError::Name(String::new()))
    );
}

#[test]
fn kinds_have_the_names_of_the_api() {
    for (kind, name) in CaKind::ALL
        .into_iter()
        .zip(["host", "user", "db", "db_client"])
    {
        assert_eq!(kind.to_string(), name);
        assert_eq!(name.parse(), Ok(kind));
    }
    assert_eq!(
        "openssh".parse::<CaKind>(),
        Err(CaError::UnknownKind("openssh".into()))
    );
}

#[test]
fn ssh_keys_in_the_recorded_form() {
    // From a login answer's host_signers, Teleport 18.3.0, recorded 2026-11-23.
    let recorded =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEcyZjYtZzWXZu//hIEj+M6HaLVfp3vRski8DiOUu46z\n";
    let key = ssh::SshAuthority::generate().expect("a key");
    let line = key.authorized_key();
    assert_eq!(line.len(), recorded.len());
    // Type and length fill 19 bytes, so 25 characters of base64 don't depend on the key.
    assert_eq!(line[..37], recorded[..37]);
    assert_ne!(
        line,
        ssh::SshAuthority::generate()
            .expect("a key")
            .authorized_key()
    );
    assert_eq!(
        ssh::SshAuthority::from_pem(key.key_pem())
            .expect("a kept key")
            .authorized_key(),
        line
    );
    assert!(ssh::SshAuthority::from_pem(authority(CaKind::Host).key_pem()).is_err());
    assert!(!format!("{key:?}").contains("PRIVATE"));
}
