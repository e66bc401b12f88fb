//! Reading and writing against certificates of real clusters.

use proptest::prelude::*;

use super::recorded::Recorded;
use super::*;

/// The identity a recorded certificate must give, put together from the JSON another program decoded.
fn expected(recorded: &Recorded) -> Identity {
    let named = [
        oids::COMMON_NAME,
        oids::ORGANIZATION,
        oids::LOCALITY,
        oids::ORGANIZATIONAL_UNIT,
        oids::STREET,
        oids::POSTAL_CODE,
        oids::SERIAL_NUMBER,
        oids::TELEPORT_CLUSTER,
        oids::MFA_VERIFIED,
        oids::LOGIN_IP,
        oids::PRIVATE_KEY_POLICY,
        oids::PREVIOUS_IDENTITY_EXPIRES,
        oids::DATABASE_SERVICE,
        oids::DATABASE_PROTOCOL,
        oids::DATABASE_USER,
        oids::DATABASE_NAME,
        oids::DATABASE_ROLES,
        oids::ALLOWED_NAMES,
        oids::ALLOWED_USERS,
    ];
    let traits: Option<BTreeMap<String, Option<Vec<String>>>> =
        match recorded.value(oids::POSTAL_CODE).as_str() {
            "" => None,
            json => serde_json::from_str(json).expect("recorded traits"),
        };
    let service_name = recorded.value(oids::DATABASE_SERVICE);
    Identity {
        username: recorded.value(oids::COMMON_NAME),
        roles: recorded.values(oids::ORGANIZATION),
        principals: recorded.values(oids::LOCALITY),
        usage: recorded.values(oids::ORGANIZATIONAL_UNIT),
        route_to_cluster: recorded.value(oids::STREET),
        teleport_cluster: recorded.value(oids::TELEPORT_CLUSTER),
        traits: traits
            .unwrap_or_default()
            .into_iter()
            .map(|(name, values)| (name, values.unwrap_or_default()))
            .collect(),
        route_to_database: (!service_name.is_empty()).then(|| RouteToDatabase {
            service_name,
            protocol: recorded.value(oids::DATABASE_PROTOCOL),
            username: recorded.value(oids::DATABASE_USER),
            database: recorded.value(oids::DATABASE_NAME),
            roles: recorded.values(oids::DATABASE_ROLES),
        }),
        database_names: recorded.values(oids::ALLOWED_NAMES),
        database_users: recorded.values(oids::ALLOWED_USERS),
        mfa_verified: recorded.value(oids::MFA_VERIFIED),
        login_ip: recorded.value(oids::LOGIN_IP),
        private_key_policy: recorded.value(oids::PRIVATE_KEY_POLICY),
        previous_identity_expires: recorded.value(oids::PREVIOUS_IDENTITY_EXPIRES),
        other: recorded
            .attributes()
            .into_iter()
            .filter(|(oid, _)| !named.contains(&oid.as_str()))
            .collect(),
        ..Identity::default()
    }
}

fn everything() -> Vec<Recorded> {
    let mut list = Recorded::all("");
    list.extend(Recorded::all("14.0.0-dev/"));
    assert!(
        list.len() > 30,
        "only {} recorded certificates found",
        list.len()
    );
    list
}

fn load(name: &str) -> Certificate {
    Certificate::from_pem(Recorded::load(name).pem.as_bytes()).expect("a recorded certificate")
}

#[test]
fn every_recorded_subject_is_read() {
    for recorded in everything() {
        let identity = decode_subject(&recorded.subject_der()).expect("a recorded subject");
        assert_eq!(identity, expected(&recorded), "{}", recorded.name);
    }
}

#[test]
fn every_recorded_certificate_is_read() {
    for recorded in everything() {
        let read = Certificate::from_pem(recorded.pem.as_bytes());
        if recorded.name == "db-server" {
            assert_eq!(read, Err(CertificateError::NoRole));
            continue;
        }
        let certificate = read.expect("a recorded certificate");
        let name = &recorded.name;
        let issuer = recorded.json["issuer"]
            .as_array()
            .expect("RDNs")
            .iter()
            .flat_map(|rdn| rdn.as_array().expect("attributes"))
            .find(|attribute| attribute["oid"] == oids::COMMON_NAME)
            .expect("a common name");
        assert_eq!(certificate.identity, expected(&recorded), "{name}");
        assert_eq!(
            certificate.issuer_cluster,
            issuer["value"].as_str().expect("text"),
            "{name}"
        );
        assert_eq!(
            certificate.not_before,
            recorded.time("not_before"),
            "{name}"
        );
        assert_eq!(certificate.not_after, recorded.time("not_after"), "{name}");
        let serial: String = certificate
            .serial
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let recorded_serial = recorded.json["serial_hex"].as_str().expect("text");
        assert_eq!(
            serial.trim_start_matches('0'),
            recorded_serial.trim_start_matches('0'),
            "{name}"
        );
        assert_eq!(
            certificate.is_database(),
            !recorded.value(oids::DATABASE_SERVICE).is_empty(),
            "{name}"
        );
        assert_eq!(
            Certificate::from_pem(certificate.to_pem().as_bytes()),
            Ok(certificate),
            "{name}"
        );
    }
}

#[test]
fn the_root_cluster_is_the_issuer() {
    let certificate = load("base-route-to-leaf");
    assert_eq!(certificate.issuer_cluster, "root");
    assert_eq!(certificate.identity.route_to_cluster, "leaf");
    assert_eq!(load("db-leaf").issuer_cluster, "root");
}

#[test]
fn names_outside_ascii() {
    let route = load("db-odd-names")
        .identity
        .route_to_database
        .expect("a route");
    assert_eq!(route.username, "we<ird>& ü");
    assert_eq!(route.database, "a/b c");
    assert_eq!(load("base-user-with-at-sign").identity.username, "a@b.c");
}

#[test]
fn every_string_type_is_text() {
    // One RDN with a common name, by hand: SEQUENCE { SET { SEQUENCE { OID 2.5.4.3, string } } }.
    let user = |tag: u8, bytes: &[u8]| {
        let length = |more: usize| u8::try_from(bytes.len() + more).expect("a short name");
        let head = [
            0x30,
            length(11),
            0x31,
            length(9),
            0x30,
            length(7),
            6,
            3,
            0x55,
            4,
            3,
            tag,
            length(0),
        ];
        decode_subject(&[&head, bytes].concat()).map(|identity| identity.username)
    };
    for (tag, bytes) in [
        (12, "é".as_bytes()),   // UTF8String
        (20, &[0xe9]),          // T61String
        (28, &[0, 0, 0, 0xe9]), // UniversalString
        (30, &[0, 0xe9]),       // BMPString
    ] {
        assert_eq!(user(tag, bytes).as_deref(), Ok("é"), "tag {tag}");
    }
    for tag in [18, 19, 22, 26] {
        assert_eq!(user(tag, b"7").as_deref(), Ok("7"), "tag {tag}");
    }
    assert_eq!(user(12, b"").as_deref(), Ok(""));
    let not_text = Err(CertificateError::Text {
        oid: oids::COMMON_NAME.into(),
    });
    assert_eq!(user(12, &[0xff]), not_text);
    assert_eq!(user(30, &[0xd8, 0]), not_text);
    assert_eq!(user(30, &[0]), not_text);
    assert_eq!(user(28, &[0xff, 0xff, 0xff, 0xff]), not_text);
    assert_eq!(user(4, b"octets"), not_text);
}

#[test]
fn requested_roles_are_told_from_none() {
    let roles = |name| {
        load(name)
            .identity
            .route_to_database
            .expect("a route")
            .roles
    };
    assert_eq!(roles("db-orders-roles"), ["reader"]);
    assert_eq!(roles("db-two-roles"), ["reader", "writer"]);
    assert!(roles("db-orders").is_empty());
}

#[test]
fn validity_with_a_clock_that_is_off() {
    let certificate = load("base-full");
    let (begin, end) = (certificate.not_before, certificate.not_after);
    assert_eq!(
        certificate.valid_at(begin - 90),
        Validity::NotYet { in_seconds: 90 }
    );
    assert_eq!(
        certificate.valid_at(begin - 1),
        Validity::NotYet { in_seconds: 1 }
    );
    assert_eq!(certificate.valid_at(begin), Validity::Valid);
    assert_eq!(certificate.valid_at(end - 1), Validity::Valid);
    assert_eq!(certificate.valid_at(end), Validity::Expired { since: 0 });
    assert_eq!(
        certificate.valid_at(end + 7),
        Validity::Expired { since: 7 }
    );
    assert_eq!(
        certificate.valid_at(i64::MIN),
        Validity::NotYet {
            in_seconds: i64::MAX
        }
    );
    assert!(matches!(
        certificate.valid_at(i64::MAX),
        Validity::Expired { .. }
    ));
}

#[test]
fn expired_on_arrival() {
    let certificate = load("base-ttl-1ns-expired-at-issue");
    assert!(certificate.expired_at_issue());
    assert_eq!(
        certificate.valid_at(certificate.issued_at()),
        Validity::Expired { since: 0 }
    );
    let single_use = load("db-mfa-single-use");
    assert_eq!(single_use.not_after - single_use.not_before, 120);
    assert!(!single_use.expired_at_issue());
    assert_eq!(single_use.valid_at(single_use.issued_at()), Validity::Valid);
}

#[test]
fn exactly_one_block() {
    let recorded = Recorded::load("base-full");
    let twice = format!("{0}{0}", recorded.pem);
    assert_eq!(
        Certificate::from_pem(twice.as_bytes()),
        Err(CertificateError::BlockCount(2))
    );
    assert_eq!(
        Certificate::from_pem(b""),
        Err(CertificateError::BlockCount(0))
    );
    assert_eq!(
        Certificate::from_pem(b"null"),
        Err(CertificateError::BlockCount(0))
    );
    let key = pem::encode("PRIVATE KEY", &recorded.der);
    assert_eq!(
        Certificate::from_pem(key.as_bytes()),
        Err(CertificateError::Label("PRIVATE KEY".into()))
    );
    let mut longer = recorded.der.clone();
    longer.push(0);
    assert_eq!(
        Certificate::from_der(&longer),
        Err(CertificateError::TrailingData(1))
    );
}

#[test]
fn no_prefix_is_a_certificate_and_none_panics() {
    for name in ["base-full", "db-odd-names", "base-rsa", "host-proxy"] {
        let recorded = Recorded::load(name);
        for length in 0..recorded.der.len() {
            assert!(
                Certificate::from_der(&recorded.der[..length]).is_err(),
                "{name}, {length} bytes"
            );
        }
        for length in 0..recorded.pem.len() {
            let _ = Certificate::from_pem(&recorded.pem.as_bytes()[..length]);
        }
        let subject = recorded.subject_der();
        for length in 0..subject.len() {
            assert!(
                decode_subject(&subject[..length]).is_err(),
                "{name}, subject of {length} bytes"
            );
        }
    }
}

#[test]
fn every_byte_may_be_any_other() {
    let recorded = Recorded::load("db-odd-names");
    let mut der = recorded.der.clone();
    for index in 0..der.len() {
        let original = der[index];
        for value in [
            0,
            1,
            0x30,
            0x7f,
            0x80,
            0x84,
            0xff,
            original ^ 1,
            original ^ 0x20,
        ] {
            der[index] = value;
            let _ = Certificate::from_der(&der);
        }
        der[index] = original;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Certificate::from_der(&bytes);
        let _ = Certificate::from_pem(&bytes);
        let _ = decode_subject(&bytes);
    }

    #[test]
    fn damaged_certificates_are_read(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
        insert in proptest::collection::vec(any::<u8>(), 0..8),
    ) {
        let mut der = Recorded::load("db-two-roles").der;
        for (index, value) in changes {
            let index = index.index(der.len());
            der[index] = value;
        }
        let at = cut.index(der.len());
        der.splice(at..at, insert);
        let _ = Certificate::from_der(&der);
    }
}

#[cfg(feature = "cluster-core")]
mod written {
    use super::*;

    #[test]
    fn recorded_subjects_byte_for_byte() {
        let mut compared = 0;
        for recorded in everything().into_iter().filter(Recorded::is_identity) {
            let subject = recorded.subject_der();
            let identity = decode_subject(&subject).expect("a recorded subject");
            assert_eq!(encode_subject(&identity), subject, "{}", recorded.name);
            compared += 1;
        }
        assert!(compared > 25, "{compared}");
    }

    #[test]
    fn the_documents_worked_examples() {
        // The DER of credentials.md 1.2.
        let identity = Identity {
            roles: vec!["developer".into(), "access".into()],
            route_to_database: Some(RouteToDatabase {
                service_name: "pg1".into(),
                username: "app_rw".into(),
                ..RouteToDatabase::default()
            }),
            ..Identity::default()
        };
        let hex: String = encode_subject(&identity)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        for rdn in [
            "31093007060355040913 00",
            "310d300b06035504111304 6e756c6c",
            "3121300d060355040a1306616363657373 3010060355040a1309646576656c6f706572",
            "310e300c06052bce0f02011303706731",
            "3111300f06052bce0f02030c066170705f7277",
        ] {
            let rdn = rdn.replace(' ', "");
            assert!(hex.contains(&rdn), "{rdn} in {hex}");
        }
    }

    fn word() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z]{1,8}",
            "\\PC{1,12}",
            "[ '\"+,;\\\\=<>&@*_é\u{0}]{1,5}"
        ]
    }

    fn words() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec(word(), 0..4)
    }

    prop_compose! {
        fn identities()(
            username in word(),
            lists in proptest::array::uniform6(words()),
            singles in proptest::array::uniform8(prop_oneof![Just(String::new()), word()]),
            traits in proptest::collection::btree_map(word(), words(), 0..4),
            route in proptest::option::of((word(), proptest::array::uniform3(prop_oneof![Just(String::new()), word()]), words())),
        ) -> Identity {
            let [roles, principals, usage, database_names, database_users, active_requests] = lists;
            let [route_to_cluster, teleport_cluster, allowed_resource_ids, mfa_verified, login_ip, pinned_ip,
                private_key_policy, previous_identity_expires] = singles;
            Identity {
                username, roles, principals, usage, database_names, database_users, active_requests,
                route_to_cluster, teleport_cluster, allowed_resource_ids, mfa_verified, login_ip, pinned_ip,
                private_key_policy, previous_identity_expires, traits,
                route_to_database: route.map(|(service_name, [protocol, username, database], roles)| RouteToDatabase {
                    service_name, protocol, username, database, roles,
                }),
                other: vec![(oids::USER_TYPE.into(), "local".into())],
            }
        }
    }

    proptest! {
        #[test]
        fn reading_gives_the_identity_back(identity in identities()) {
            let mut read = decode_subject(&encode_subject(&identity)).expect("our own subject");
            let mut wanted = identity;
            for identity in [&mut read, &mut wanted] {
                for list in [&mut identity.roles, &mut identity.principals, &mut identity.usage] {
                    list.sort();
                }
            }
            prop_assert_eq!(read, wanted);
        }
    }
}
