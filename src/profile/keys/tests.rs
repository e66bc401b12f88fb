use super::*;

fn home() -> (tempfile::TempDir, Home) {
    let dir = tempfile::tempdir().expect("a directory");
    let home = Home::new(dir.path().join("state"));
    (dir, home)
}

fn refuse(_: &KeyLocation, _: &[u8], _: Instant) -> Result<(), KeyError> {
    Err(KeyError::NotShared("a test says so".to_owned()))
}

#[test]
fn a_key_in_a_file_comes_back_and_is_private() {
    let (_dir, home) = home();
    let key = KeyPair::generate();
    let stored = store(&home, KeyStore::File, "h:1", key.pkcs8(), &refuse).expect("a file");
    assert_eq!(stored.fallback, None);
    assert_eq!(
        load(&home, &stored.location).expect("the key"),
        *key.pkcs8()
    );
    let path = home.key_path(&stored.location).expect("a path");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode =
            |p: &std::path::Path| fs::metadata(p).expect("metadata").permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().expect("keys")), 0o700);
        assert_eq!(mode(home.dir()), 0o700);
    }
    remove(&home, &stored.location).expect("removed");
    assert!(!path.exists());
    assert_eq!(
        load(&home, &stored.location),
        Err(KeyError::Gone(stored.location.clone()))
    );
    remove(&home, &stored.location).expect("removing nothing is fine");
}

#[test]
fn damaged_and_escaping_key_files_are_refused() {
    let (_dir, home) = home();
    let stored = store(
        &home,
        KeyStore::File,
        "h:1",
        KeyPair::generate().pkcs8(),
        &refuse,
    )
    .expect("a file");
    let path = home.key_path(&stored.location).expect("a path");
    let text = fs::read_to_string(&path).expect("text");
    for damage in [
        "",
        "no key",
        &text[..text.len() / 2],
        &text.replace("MIG", "MIH"),
    ] {
        fs::write(&path, damage).expect("written");
        assert_eq!(
            load(&home, &stored.location),
            Err(KeyError::Damaged(stored.location.clone())),
            "{damage}"
        );
    }
    for name in ["../x.pem", "", ".hidden", "a/b"] {
        let location = KeyLocation::File {
            name: name.to_owned(),
        };
        assert_eq!(
            load(&home, &location),
            Err(KeyError::Damaged(location.clone()))
        );
        assert!(remove(&home, &location).is_err());
    }
}

#[test]
fn keys_differ_and_are_not_printed() {
    let (a, b) = (KeyPair::generate(), KeyPair::generate());
    assert_ne!(a.public_point(), b.public_point());
    assert_eq!(a.public_point().len(), 65);
    assert_eq!(format!("{a:?}"), "KeyPair(****)");
}

/// Tells whether this kernel lets us use its key store at all; some containers do not.
#[cfg(target_os = "linux")]
fn kernel_store_works() -> bool {
    use linux_keyutils::{KeyRing, KeyRingIdentifier};
    KeyRing::get_persistent(KeyRingIdentifier::Session).is_ok()
}

#[test]
fn a_keychain_that_is_not_proven_is_not_used() {
    let (_dir, home) = home();
    let key = KeyPair::generate();
    let asked = std::cell::RefCell::new(Vec::new());
    let proof = |location: &KeyLocation, _: &[u8], _: Instant| {
        asked.borrow_mut().push(location.clone());
        Err(KeyError::NotShared("a test says so".to_owned()))
    };
    let stored = store(&home, KeyStore::Best, "h:1", key.pkcs8(), &proof).expect("a file");
    assert!(matches!(stored.location, KeyLocation::File { .. }));
    assert!(stored.fallback.is_some());
    let ordered = store(&home, KeyStore::Keychain, "h:1", key.pkcs8(), &proof);
    assert!(ordered.is_err());
    for location in asked.borrow().iter() {
        assert!(load(&home, location).is_err(), "nothing is left behind");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_proven_keychain_holds_the_key_until_it_is_removed() {
    if !kernel_store_works() {
        return;
    }
    let (_dir, home) = home();
    let key = KeyPair::generate();
    let kernel_only = |location: &KeyLocation, _: &[u8], _: Instant| match location {
        KeyLocation::Keychain {
            backend: Backend::Kernel,
            ..
        } => Ok(()),
        _ => Err(KeyError::NotShared("not this one".to_owned())),
    };
    let stored = store(&home, KeyStore::Best, "h:1", key.pkcs8(), &kernel_only).expect("stored");
    assert!(
        matches!(stored.location, KeyLocation::Keychain { .. }),
        "{:?}",
        stored.fallback
    );
    assert_eq!(
        load(&home, &stored.location).expect("the key"),
        *key.pkcs8()
    );
    assert!(!home.dir().exists(), "no file is made");
    let json = serde_json::to_string(&stored.location).expect("JSON");
    assert_eq!(
        serde_json::from_str::<KeyLocation>(&json).expect("a location"),
        stored.location
    );
    remove(&home, &stored.location).expect("removed");
    assert_eq!(
        load(&home, &stored.location),
        Err(KeyError::Gone(stored.location.clone()))
    );
    remove(&home, &stored.location).expect("removing nothing is fine");
}

fn entry() -> KeyLocation {
    KeyLocation::Keychain {
        backend: Backend::Native,
        service: "s".to_owned(),
        account: "a".to_owned(),
    }
}

#[cfg(unix)]
#[test]
fn a_proof_that_hangs_is_killed_in_time() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a directory");
    let program = dir.path().join("hangs");
    fs::write(&program, "#!/bin/sh\nexec sleep 100\n").expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("executable");
    let begin = Instant::now();
    let deadline = begin + Duration::from_millis(300);
    assert_eq!(
        proof::by_own_program(&program, &entry(), b"k", deadline),
        Err(KeyError::Timeout(KEYCHAIN_PATIENCE))
    );
    assert!(begin.elapsed() < KEYCHAIN_PATIENCE, "{:?}", begin.elapsed());
}

#[cfg(unix)]
#[test]
fn a_proof_wants_the_same_bytes() {
    let deadline = Instant::now() + KEYCHAIN_PATIENCE;
    for program in ["/bin/true", "/bin/false", "/no/such/program"] {
        let proven = proof::by_own_program(program.as_ref(), &entry(), b"k", deadline);
        assert!(
            matches!(proven, Err(KeyError::NotShared(_))),
            "{program}: {proven:?}"
        );
    }
}
