use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::lock::Lock;
use super::*;

fn profile(proxy: &str) -> Profile {
    Profile {
        version: VERSION,
        proxy: proxy.to_owned(),
        asked: vec!["short:443".to_owned()],
        cluster: "root".to_owned(),
        selected_cluster: None,
        user: "alice".to_owned(),
        server_version: "18.3.0".to_owned(),
        tls_cert_pem: "PEM".to_owned(),
        host_cas: vec![HostCas {
            cluster: "root".to_owned(),
            certs_pem: vec!["PEM".to_owned()],
        }],
        trust: Trust::default(),
        network: Network::default(),
        key: KeyLocation::File {
            name: "1.pem".to_owned(),
        },
        created: 1,
        auth: None,
    }
}

fn home() -> (tempfile::TempDir, Home) {
    let dir = tempfile::tempdir().expect("a directory");
    let home = Home::new(dir.path().join("state"));
    (dir, home)
}

#[test]
fn saved_profiles_come_back() {
    let (_dir, home) = home();
    assert_eq!(home.current(), Ok(None));
    let (a, b) = (profile("a.example.com:443"), profile("[::1]:3080"));
    home.save(&a).expect("saved");
    home.save(&b).expect("saved");
    assert_eq!(home.current(), Ok(Some(b.clone())));
    home.make_current(&a).expect("changed");
    assert_eq!(home.current(), Ok(Some(a.clone())));
    assert!(home.is_current(&a) && !home.is_current(&b));
    assert_eq!(home.all().expect("a list").len(), 2);
    for (wanted, found) in [
        ("a.example.com", &a),
        ("A.EXAMPLE.COM:443", &a),
        ("[::1]:3080", &b),
        ("[::1]", &b),
    ] {
        assert_eq!(
            home.find(wanted).expect("a search").as_ref(),
            Some(found),
            "{wanted}"
        );
        assert_eq!(
            home.clone()
                .select(Some(wanted.to_owned()))
                .current()
                .expect("a search")
                .as_ref(),
            Some(found)
        );
    }
    assert_eq!(
        home.find("short"),
        Ok(Some(b.clone())),
        "what was typed counts"
    );
    assert_eq!(home.find("elsewhere"), Ok(None));
    assert_eq!(
        home.clone().select(Some("elsewhere".to_owned())).current(),
        Ok(None)
    );
}

#[test]
fn a_removed_profile_takes_key_and_pointer_with_it() {
    let (_dir, home) = home();
    let stored = keys::store(
        &home,
        keys::KeyStore::File,
        "h",
        keys::KeyPair::generate().pkcs8(),
        &|_, _, _| Ok(()),
    );
    let profile = Profile {
        key: stored.expect("a file").location,
        ..profile("h:1")
    };
    home.save(&profile).expect("saved");
    let key = home.key_path(&profile.key).expect("a path");
    assert!(key.exists());
    assert_eq!(home.remove(&profile), Ok(Ok(())));
    assert!(!key.exists());
    assert_eq!(home.current(), Ok(None));
    assert!(home.all().expect("a list").is_empty());
}

#[test]
fn a_new_login_removes_the_old_key_after_it_is_saved() {
    let (_dir, home) = home();
    let store = || {
        let key = keys::KeyPair::generate();
        keys::store(&home, keys::KeyStore::File, "h", key.pkcs8(), &|_, _, _| {
            Ok(())
        })
        .expect("a file")
        .location
    };
    let old = Profile {
        key: store(),
        ..profile("h:1")
    };
    home.save(&old).expect("saved");
    let new = Profile {
        key: store(),
        ..profile("h:1")
    };
    home.save(&new).expect("saved");
    assert!(!home.key_path(&old.key).expect("a path").exists());
    assert!(home.key_path(&new.key).expect("a path").exists());
    // The same key again, e.g. only the CAs changed: it stays.
    home.save(&Profile {
        created: 2,
        ..new.clone()
    })
    .expect("saved");
    assert!(home.key_path(&new.key).expect("a path").exists());
}

#[cfg(unix)]
#[test]
fn everything_is_private_and_nothing_temporary_stays() {
    use std::os::unix::fs::PermissionsExt;
    fn walk(dir: &Path, seen: &mut usize) {
        let mode = |p: &Path| fs::metadata(p).expect("metadata").permissions().mode() & 0o777;
        assert_eq!(mode(dir), 0o700, "{}", dir.display());
        for entry in fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, seen);
            } else {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
                assert!(
                    !path.to_string_lossy().contains(".new-"),
                    "{}",
                    path.display()
                );
                *seen += 1;
            }
        }
    }
    let (_dir, home) = home();
    // A directory that was made by hand, too open.
    fs::create_dir_all(home.dir()).expect("a directory");
    fs::set_permissions(home.dir(), fs::Permissions::from_mode(0o755)).expect("open");
    home.save(&profile("h:1")).expect("saved");
    let mut seen = 0;
    walk(home.dir(), &mut seen);
    assert_eq!(seen, 3);
}

#[test]
fn damage_is_named_kept_and_set_aside_by_the_next_login() {
    let (_dir, home) = home();
    let good = profile("h:1");
    home.save(&good).expect("saved");
    let path = home.profile_path("h:1");
    let whole = fs::read(&path).expect("bytes");
    for cut in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
        fs::write(&path, &whole[..cut]).expect("half written");
        match home.current() {
            Err(ProfileError::Damaged { path: named, .. }) => assert_eq!(named, path),
            other => panic!("{cut}: {other:?}"),
        }
        assert_eq!(fs::read(&path).expect("bytes"), &whole[..cut], "kept");
    }
    let half = &whole[..whole.len() / 2];
    fs::write(&path, half).expect("half written");
    home.save(&good).expect("saved");
    assert_eq!(home.current(), Ok(Some(good)));
    assert_eq!(
        fs::read(path.with_extension("json.damaged")).expect("set aside"),
        half
    );
    assert_eq!(home.all().expect("a list").len(), 1);
}

#[test]
fn a_newer_layout_is_refused_by_name() {
    let (_dir, home) = home();
    home.save(&profile("h:1")).expect("saved");
    let path = home.profile_path("h:1");
    let newer = Profile {
        version: VERSION + 1,
        ..profile("h:1")
    };
    for text in [
        serde_json::to_string(&newer).expect("JSON"),
        r#"{"version": 2, "all": "new"}"#.to_owned(),
    ] {
        fs::write(&path, text).expect("written");
        assert_eq!(
            home.current(),
            Err(ProfileError::Newer {
                path: path.clone(),
                found: 2
            })
        );
    }
}

#[test]
fn a_pointer_that_leads_nowhere_or_out_is_no_login() {
    let (dir, home) = home();
    home.save(&profile("h:1")).expect("saved");
    fs::write(dir.path().join("outside.json"), "x").expect("written");
    for pointer in ["gone.json", "", "\n", "../../outside.json", "a\\b"] {
        fs::write(home.dir().join("current"), pointer).expect("written");
        assert_eq!(home.current(), Ok(None), "{pointer:?}");
    }
    fs::write(home.dir().join("current"), [0xff, 0xfe]).expect("written");
    assert_eq!(home.current(), Ok(None));
}

#[test]
fn readers_see_the_old_or_the_new_profile_whoever_writes() {
    let (_dir, home) = home();
    home.save(&profile("h:1")).expect("saved");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let home = &home;
            scope.spawn(move || {
                for round in 0..20 {
                    home.save(&Profile {
                        created: writer * 100 + round,
                        ..profile("h:1")
                    })
                    .expect("saved");
                }
            });
        }
        for _ in 0..200 {
            assert!(matches!(home.current(), Ok(Some(_))));
        }
    });
}

#[test]
fn a_held_lock_is_waited_for_and_then_its_holder_named() {
    let (_dir, home) = home();
    home.save(&profile("h:1")).expect("saved");
    let path = home.dir().join("lock");
    let held = Lock::take(&path, Duration::ZERO).expect("free");
    let begin = Instant::now();
    let refused = Lock::take(&path, Duration::from_millis(100)).map(drop);
    assert!(begin.elapsed() >= Duration::from_millis(100));
    assert_eq!(
        refused,
        Err(ProfileError::Locked {
            path: path.clone(),
            holder: Some(std::process::id())
        })
    );
    assert!(
        refused
            .expect_err("locked")
            .to_string()
            .contains(&format!("process {}", std::process::id()))
    );
    drop(held);
    Lock::take(&path, Duration::ZERO).expect("free again");
}

#[test]
fn file_names_of_proxies_do_not_clash_or_escape() {
    let (_dir, home) = home();
    let name = |proxy: &str| {
        home.profile_path(proxy)
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned()
    };
    assert_eq!(name("Proxy.example.com:443"), "proxy.example.com_443.json");
    assert_eq!(name("[::1]:3080"), "%5b__1%5d_3080.json");
    assert_eq!(name("../../x"), "..%2f..%2fx.json");
    assert_eq!(name("bücher:1"), "b%c3%bccher_1.json");
    assert_eq!(
        home.profile_path("../../x").parent(),
        Some(home.dir().join("profiles").as_path())
    );
}

#[test]
fn host_authorities_are_found_by_cluster() {
    let ca = include_str!("../../tests/data/login/finish/finish-ok-tls-only-p256.json");
    let exchange: serde_json::Value = serde_json::from_str(ca).expect("JSON");
    let answer: crate::webapi::types::LoginAnswer =
        serde_json::from_value(exchange["response"]["body"].clone()).expect("an answer");
    let pem = String::from_utf8(answer.host_signers[0].tls_certs[0].clone()).expect("PEM");
    let cas = HostCas {
        cluster: "root.example.com".to_owned(),
        certs_pem: vec![pem, "damaged".to_owned()],
    };
    let profile = Profile {
        host_cas: vec![cas],
        ..profile("h:1")
    };
    assert_eq!(profile.host_cas_der("root.example.com").len(), 1);
    assert!(profile.host_cas_der("leaf").is_empty());
}
