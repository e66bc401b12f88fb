use super::*;
use crate::identity::Certificate;

fn data(name: &str) -> String {
    let path = format!("{}/tests/data/sessions/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(data(name).as_bytes()).expect("a certificate")
}

#[test]
fn every_form_of_a_key_becomes_pkcs8_and_fits_its_certificate() {
    for (kind, forms) in [
        ("rsa", &["pkcs8", "pkcs1"][..]),
        ("p256", &["pkcs8", "sec1", "openssh"]),
        ("p384", &["pkcs8", "sec1", "openssh"]),
        // Its number begins with a zero byte, which OpenSSH's form leaves out.
        ("p256short", &["pkcs8", "openssh"]),
        ("ed25519", &["pkcs8", "openssh"]),
    ] {
        let certificate = certificate(&format!("keys/{kind}.crt"));
        for form in forms {
            let key = to_pkcs8(&data(&format!("keys/{kind}-{form}.pem")))
                .unwrap_or_else(|e| panic!("{kind} as {form}: {e}"));
            assert!(belongs(&key, &certificate.der), "{kind} as {form}");
        }
    }
    let p256 = to_pkcs8(&data("keys/p256-pkcs8.pem")).expect("a key");
    assert!(!belongs(&p256, &certificate("keys/p384.crt").der));
    assert!(!belongs(b"no key", &certificate("keys/p256.crt").der));
    assert!(!belongs(&p256, b"no certificate"));
}

#[test]
fn what_is_written_for_ssh_is_read_again() {
    let read = |name: &str| {
        let text = data(&format!("keys/{name}-openssh.pem"));
        let blocks = pem::blocks(text.as_bytes()).expect("PEM");
        openssh::read(&blocks[0].contents).expect("a key")
    };
    for name in ["p256", "p256short"] {
        let Key::Nist { secret, point, .. } = read(name) else {
            panic!("{name}");
        };
        let again = to_pkcs8(&openssh::write_p256(&secret, &point)).expect("a key");
        let certificate = certificate(&format!("keys/{name}.crt"));
        assert!(belongs(&again, &certificate.der));
    }
    let Key::Ed25519 { seed } = read("ed25519") else {
        panic!("no Ed25519");
    };
    let certificate = certificate("keys/ed25519.crt");
    // The public key stands in the certificate after its algorithm.
    let begin = [0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    let at = certificate.der.windows(8).position(|w| w == begin);
    let at = at.expect("the key's place") + 8;
    let written = openssh::write_ed25519(&seed, &certificate.der[at..at + 32]);
    assert!(belongs(
        &to_pkcs8(&written).expect("a key"),
        &certificate.der
    ));
}

#[test]
fn labels_do_not_decide() {
    let relabelled = data("keys/rsa-pkcs1.pem").replace("RSA PRIVATE KEY", "PRIVATE KEY");
    let key = to_pkcs8(&relabelled).expect("a key");
    assert!(belongs(&key, &certificate("keys/rsa.crt").der));
}

#[test]
fn keys_of_real_programs_are_read() {
    for (key, cert) in [
        (
            "tsh-18/keys/proxy.root.test/bob.key",
            "tsh-18/keys/proxy.root.test/bob.crt",
        ),
        (
            "tsh-14/keys/proxy.root.test/bob",
            "tsh-14/keys/proxy.root.test/bob-x509.pem",
        ),
        ("tbot/database/key", "tbot/database/tlscert"),
        ("tbot/tls/tls.key", "tbot/tls/tls.crt"),
    ] {
        let pkcs8 = to_pkcs8(&data(key)).unwrap_or_else(|e| panic!("{key}: {e}"));
        assert!(belongs(&pkcs8, &certificate(cert).der), "{key}");
    }
    // The other key of tsh 18: Ed25519 in OpenSSH's form, for SSH only.
    let ssh = to_pkcs8(&data("tsh-18/keys/proxy.root.test/bob")).expect("a key");
    assert!(!belongs(
        &ssh,
        &certificate("tsh-18/keys/proxy.root.test/bob.crt").der
    ));
}

#[test]
fn what_cannot_be_used_says_why() {
    // As tsh writes it for a YubiKey (credentials.md 3.4).
    let json = r#"{"serial_number":1234567,"slot_key":154,"public_key":""}"#;
    let reference = pem::encode(HARDWARE, json.as_bytes());
    let error = to_pkcs8(&reference).expect_err("nothing to sign with");
    assert_eq!(
        error.to_string(),
        "the key is in a hardware key (YubiKey 1234567, slot 9a), which is not supported"
    );
    for name in ["locked-pkcs8", "locked-openssh"] {
        assert_eq!(
            to_pkcs8(&data(&format!("keys/{name}.pem"))),
            Err(PrivateKeyError::Passphrase),
            "{name}"
        );
    }
    let error = to_pkcs8(&data("keys/rsa-openssh.pem")).expect_err("not supported");
    assert!(
        error.to_string().contains("ssh-keygen -p -m PEM"),
        "{error}"
    );
    assert_eq!(to_pkcs8(""), Err(PrivateKeyError::Missing));
    assert_eq!(
        to_pkcs8("-----BEGIN PRIVATE KEY-----\nMII"),
        Err(PrivateKeyError::Missing)
    );
    for text in [
        pem::encode("PRIVATE KEY", b""),
        pem::encode("PRIVATE KEY", &[0x30, 0x03, 0x02, 0x01, 0x00]),
        pem::encode("PRIVATE KEY", &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]),
        data("keys/p256.crt"),
    ] {
        assert!(to_pkcs8(&text).is_err(), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = to_pkcs8(&pem::encode("PRIVATE KEY", &bytes));
    }
}
