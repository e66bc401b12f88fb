use std::fs;

use super::*;

/// In the middle of the recorded logins' validity: 2026-11-24 18:00 UTC.
const NOW: i64 = 1_795_543_200;

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/sessions")
        .join(name)
}

/// A copy of a directory that tsh wrote, to be changed.
pub(super) fn copy(name: &str) -> tempfile::TempDir {
    fn go(from: &Path, to: &Path) {
        fs::create_dir_all(to).expect("a directory");
        for entry in fs::read_dir(from).expect("a directory") {
            let entry = entry.expect("an entry");
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                go(&entry.path(), &to);
            } else {
                fs::copy(entry.path(), to).expect("a copy");
            }
        }
    }
    let dir = tempfile::tempdir().expect("a directory");
    go(&recorded(name), dir.path());
    dir
}

fn keys(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("keys/proxy.root.test")
}

#[track_caller]
fn the_one(dir: &Path) -> TshProfile {
    choose(dir, None, None)
        .expect("readable")
        .expect("a profile")
}

#[test]
fn logins_of_tsh_18_and_14_are_read() {
    for (name, port, key) in [("tsh-18", 3080, "bob.key"), ("tsh-14", 6680, "bob")] {
        let dir = recorded(name);
        let profile = the_one(&dir);
        assert_eq!(profile.user, "bob");
        assert_eq!(profile.proxy(), format!("proxy.root.test:{port}"));
        assert_eq!(profile.selected_cluster(), "root");
        assert!(profile.tls_routing_enabled);
        let login = read(&dir, &profile, NOW).expect("a login");
        assert_eq!(login.certificate.identity.roles, ["plain"]);
        assert_eq!(login.certificate.issuer_cluster, "root");
        assert_eq!(login.key_path, dir.join("keys/proxy.root.test").join(key));
        assert!(login.key.is_ok(), "{name}");
        let mut clusters: Vec<_> = login.host_cas.iter().map(|c| c.cluster.as_str()).collect();
        clusters.sort_unstable();
        assert_eq!(clusters, ["leaf", "root"]);
    }
}

#[test]
fn every_recorded_yaml_is_read() {
    for (name, user) in [
        ("proxy-yaml-sso", "octo"),
        ("proxy-yaml-auth-local", "rich"),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        fs::copy(recorded(&format!("{name}.yaml")), dir.path().join("p.yaml")).expect("a copy");
        let profile = yaml::load(dir.path(), "p")
            .expect("readable")
            .expect("a profile");
        assert_eq!(
            (profile.user.as_str(), profile.private_key_policy.as_str()),
            (user, "")
        );
        assert_eq!(profile.port(), 3181);
    }
}

#[test]
fn profiles_are_chosen_by_proxy_then_by_cluster_then_by_last_use() {
    let dir = copy("tsh-18");
    let write = |name: &str, text: &str| {
        fs::write(dir.path().join(format!("{name}.yaml")), text).expect("a write");
    };
    write(
        "other.test",
        "web_proxy_addr: other.test:443\nuser: kim\ncluster: other\n",
    );
    write("v6", "not a profile");
    write(
        "::1",
        "web_proxy_addr: '[::1]:3080'\nuser: kim\ncluster: leaf\n",
    );
    #[cfg(unix)]
    std::os::unix::fs::symlink(dir.path().join("::1.yaml"), dir.path().join("link.yaml"))
        .expect("a link");
    assert_eq!(
        names(dir.path()),
        ["::1", "other.test", "proxy.root.test", "v6"]
    );
    let name = |proxy, cluster| {
        choose(dir.path(), proxy, cluster)
            .expect("readable")
            .map(|it| it.name)
    };
    let is = |text: &str| Some(text.to_owned());
    assert_eq!(name(None, None), is("proxy.root.test"));
    assert_eq!(name(None, Some("root")), is("proxy.root.test"));
    assert_eq!(name(None, Some("other")), is("other.test"));
    // A leaf of the current one, perhaps: nothing else is chosen for a name that no profile has.
    assert_eq!(name(None, Some("elsewhere")), is("proxy.root.test"));
    assert_eq!(name(Some("OTHER.test"), Some("root")), is("other.test"));
    assert_eq!(name(Some("other.test:443"), None), is("other.test"));
    assert_eq!(name(Some("other.test:444"), None), None);
    assert_eq!(name(Some("[::1]:3080"), None), is("::1"));
    assert_eq!(name(Some("::1"), None), is("::1"));
    assert_eq!(name(Some("none.test"), None), None);
    assert_eq!(name(Some("../etc"), None), None);
    fs::write(dir.path().join("current-profile"), "\n").expect("a write");
    assert_eq!(name(None, None), None);
    fs::write(dir.path().join("current-profile"), "../x\n").expect("a write");
    assert_eq!(name(None, None), None);
    assert_eq!(choose(&dir.path().join("none"), None, None), Ok(None));
}

#[test]
fn what_is_imperfect_is_told_apart() {
    let fault = |change: &dyn Fn(&Path)| {
        let dir = copy("tsh-18");
        change(&keys(&dir));
        read(dir.path(), &the_one(dir.path()), NOW).map(|login| login.key.map(drop))
    };
    let remove =
        |name: &'static str| move |keys: &Path| fs::remove_file(keys.join(name)).expect("gone");
    assert!(matches!(
        fault(&|keys| {
            remove("bob.key")(keys);
            remove("bob.crt")(keys);
        }),
        Err(TshError::NoKey { .. })
    ));
    // An empty key is what taking the lock leaves behind.
    assert!(matches!(
        fault(&|keys| fs::write(keys.join("bob.key"), "").expect("a write")),
        Err(TshError::NoKey { .. })
    ));
    assert!(matches!(
        fault(&|keys| {
            fs::copy(recorded("keys/p256-pkcs8.pem"), keys.join("bob.key")).expect("a copy");
        }),
        Ok(Err(TshError::Mismatch { .. }))
    ));
    assert!(matches!(
        fault(&|keys| fs::write(keys.join("bob.crt"), "junk").expect("a write")),
        Err(TshError::Damaged { .. })
    ));
    assert!(matches!(
        fault(&|keys| fs::remove_dir_all(keys.join("cas")).expect("gone")),
        Ok(Ok(()))
    ));
    assert!(matches!(
        fault(&|keys| {
            fs::remove_dir_all(keys.join("cas")).expect("gone");
            remove("certs.pem")(keys);
        }),
        Err(TshError::NoAuthority { cluster, .. }) if cluster == "root"
    ));
    // What only SSH needs may be missing.
    assert!(matches!(
        fault(&|keys| {
            remove("bob")(keys);
            remove("bob.pub")(keys);
            fs::remove_dir_all(keys.join("bob-ssh")).expect("gone");
        }),
        Ok(Ok(()))
    ));
}

#[test]
fn hardware_keys_and_other_peoples_certificates_are_refused() {
    let with = |from: &str, to: &str| {
        let dir = copy("tsh-18");
        let path = dir.path().join("proxy.root.test.yaml");
        let text = fs::read_to_string(&path).expect("a file");
        assert!(text.contains(from));
        fs::write(&path, text.replace(from, to)).expect("a write");
        read(dir.path(), &the_one(dir.path()), NOW).map(|login| login.key.map(drop))
    };
    let hardware = with(
        "private_key_policy: \"\"",
        "private_key_policy: hardware_key_touch",
    );
    assert!(
        matches!(&hardware, Ok(Err(TshError::Hardware { policy, .. })) if policy == "hardware_key_touch"),
        "{hardware:?}"
    );
    assert!(matches!(
        with("user: bob", "user: ../bob"),
        Err(TshError::Damaged { .. })
    ));
    let dir = copy("tsh-18");
    let path = dir.path().join("proxy.root.test.yaml");
    let text = fs::read_to_string(&path).expect("a file");
    fs::write(&path, text.replace("user: bob", "user: kim")).expect("a write");
    for end in [".key", ".crt"] {
        fs::rename(
            keys(&dir).join(format!("bob{end}")),
            keys(&dir).join(format!("kim{end}")),
        )
        .expect("renamed");
    }
    assert!(matches!(
        read(dir.path(), &the_one(dir.path()), NOW),
        Err(TshError::OtherUser { other, .. }) if other == "bob"
    ));
}

#[test]
fn after_an_upgrade_the_pair_that_is_valid_counts() {
    // Both layouts beside each other; the older tsh's login ended a second before the newer one's.
    let dir = copy("tsh-18");
    let old = copy("tsh-14");
    for name in ["bob", "bob-x509.pem"] {
        fs::copy(keys(&old).join(name), keys(&dir).join(name)).expect("a copy");
    }
    let profile = the_one(dir.path());
    let newer = read(dir.path(), &profile, NOW).expect("a login");
    assert!(newer.key_path.ends_with("bob.key"));
    // Between the two ends only the legacy pair is valid.
    let old_end = read(old.path(), &the_one(old.path()), NOW)
        .expect("a login")
        .certificate
        .not_after;
    assert!(newer.certificate.not_after < old_end);
    let legacy = read(dir.path(), &profile, newer.certificate.not_after).expect("a login");
    assert!(legacy.key_path.ends_with("bob"));
    let none = read(dir.path(), &profile, old_end).expect("the newer, expired");
    assert!(none.key_path.ends_with("bob.key"));
}

#[test]
fn a_login_that_is_being_written_is_waited_for() {
    let dir = copy("tsh-18");
    let key = keys(&dir).join("bob.key");
    let text = fs::read_to_string(&key).expect("a key");
    let lock = fs::OpenOptions::new()
        .write(true)
        .open(&key)
        .expect("the key");
    lock.lock().expect("tsh's lock");
    lock.set_len(0).expect("truncated");
    let writer = std::thread::spawn({
        let key = key.clone();
        move || {
            // A reader that did not wait would see the empty key.
            std::thread::sleep(std::time::Duration::from_millis(100));
            fs::write(&key, text).expect("a write");
            drop(lock);
        }
    });
    let login = read(dir.path(), &the_one(dir.path()), NOW).expect("a login");
    writer.join().expect("a write");
    assert!(login.key.is_ok());
}

#[test]
fn addresses_are_taken_apart() {
    for (address, parts) in [
        ("a:1", ("a", Some(1))),
        ("a", ("a", None)),
        ("[::1]:2", ("::1", Some(2))),
        ("[::1]", ("::1", None)),
        ("::1", ("::1", None)),
    ] {
        assert_eq!(split(address), parts, "{address}");
    }
}
