//! User and database certificates.

use super::*;

#[test]
fn user_certificates_are_the_recorded_ones_but_for_serial_dates_and_issuer() {
    let ca = authority(CaKind::User);
    let mut compared = 0;
    for recorded in Recorded::all("") {
        if !recorded.is_identity() || recorded.name.starts_with("host-") {
            continue;
        }
        let name = &recorded.name;
        let identity = decode_subject(&recorded.subject_der()).expect("a recorded subject");
        let key = SubjectPublicKey::from_der(&spki(&recorded.der)).expect("a recorded key");
        let (begin, end) = (recorded.time("not_before"), recorded.time("not_after"));
        let issued = ca
            .issue_user(&identity, &key, begin, end)
            .expect("a certificate");

        assert_eq!(
            own_extensions(&issued),
            own_extensions(&recorded.der),
            "{name}"
        );
        let order = |der: &[u8]| {
            extensions(der)
                .into_iter()
                .map(|(oid, critical, _)| (oid, critical))
                .collect::<Vec<_>>()
        };
        assert_eq!(order(&issued), order(&recorded.der), "{name}");
        let (ours, theirs) = (parse(&issued), parse(&recorded.der));
        assert_eq!(ours.subject().as_raw(), theirs.subject().as_raw(), "{name}");
        assert_eq!(ours.public_key().raw, theirs.public_key().raw, "{name}");
        assert_eq!(ours.validity(), theirs.validity(), "{name}");
        assert_eq!(ours.version(), theirs.version(), "{name}");
        assert_eq!(
            ours.signature_algorithm, theirs.signature_algorithm,
            "{name}"
        );
        assert_eq!(ours.issuer().as_raw(), ca.subject_der(), "{name}");
        assert!(ours.raw_serial().len() <= 17, "{name}");
        client_trusted(&issued, ca.cert_der(), begin).expect(name);
        client_trusted(&issued, ca.cert_der(), end + 1).expect_err(name);
        compared += 1;
    }
    assert!(compared > 20, "{compared}");
}

#[test]
fn the_authority_key_identifier_names_the_authority() {
    let ca = authority(CaKind::User);
    let issued = ca
        .issue_user(&alice(), &user_key(), NOW, NOW + 60)
        .expect("a certificate");
    let host = ca
        .issue_db_server(&LOOPBACK_HOSTS, NOW, NOW + 60)
        .expect("a certificate")
        .cert_der;
    let (_, _, subject_key) = extension(ca.cert_der(), SUBJECT_KEY_ID).expect("a key identifier");
    assert_eq!(subject_key[..2], [4, 20], "an OCTET STRING of 20 bytes");
    for leaf in [issued, host] {
        let (_, critical, value) =
            extension(&leaf, AUTHORITY_KEY_ID).expect("an authority key identifier");
        assert!(!critical);
        assert_eq!(value, [&[0x30, 22, 0x80, 20], &subject_key[2..]].concat());
        assert_eq!(extension(&leaf, SUBJECT_KEY_ID), None);
    }
}

#[test]
fn serial_numbers_differ() {
    let ca = authority(CaKind::User);
    let serial = || {
        let der = ca
            .issue_user(&alice(), &user_key(), NOW, NOW + 60)
            .expect("a certificate");
        Certificate::from_der(&der).expect("readable").serial
    };
    assert_ne!(serial(), serial());
    assert!(serial().len() <= 16);
}

#[test]
fn odd_names_survive() {
    let ca = Authority::generate(CaKind::User, "Größe & <Co>", NOW).expect("an authority");
    let odd = r#"we"ird',+=;\<é>&#"#;
    let identity = Identity {
        username: odd.into(),
        roles: vec!["a".into(), odd.into()],
        traits: [(odd.into(), vec![odd.into(), "\u{2028}\n".into()])].into(),
        route_to_database: Some(RouteToDatabase {
            service_name: odd.into(),
            username: "日本".into(),
            roles: vec![" lead".into(), odd.into()],
            ..RouteToDatabase::default()
        }),
        ..Identity::default()
    };
    let der = ca
        .issue_user(&identity, &user_key(), NOW, NOW + 60)
        .expect("a certificate");
    let read = Certificate::from_der(&der).expect("readable");
    assert_eq!(read.identity, identity);
    assert_eq!(read.issuer_cluster, "Größe & <Co>");
    client_trusted(&der, ca.cert_der(), NOW).expect("a chain");
}

#[test]
fn times_of_both_forms_and_none_of_nonsense() {
    let ca = authority(CaKind::User);
    // 2049-12-31T23:59:59Z and the second after it, where the form changes.
    for end in [2_524_607_999, 2_524_608_000, 4_000_000_000] {
        let der = ca
            .issue_user(&alice(), &user_key(), NOW, end)
            .expect("a certificate");
        let read = Certificate::from_der(&der).expect("readable");
        assert_eq!((read.not_before, read.not_after), (NOW, end));
    }
    for (begin, end) in [(NOW, NOW), (NOW, NOW - 1), (NOW, i64::MAX), (i64::MIN, NOW)] {
        let wrong = Err(CaError::Validity {
            not_before: begin,
            not_after: end,
        });
        assert_eq!(ca.issue_user(&alice(), &user_key(), begin, end), wrong);
    }
    let nobody = Identity::default();
    assert_eq!(
        ca.issue_user(&nobody, &user_key(), NOW, NOW + 1),
        Err(CaError::Name(String::new()))
    );
}
