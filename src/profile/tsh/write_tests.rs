use super::super::{choose, read};
use super::*;

/// 2026-11-24 18:00 UTC, when the recorded login was valid.
const NOW: i64 = 1_795_543_200;

fn recorded(name: &str) -> String {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sessions/tsh-18");
    fs::read_to_string(Path::new(dir).join(name)).expect("a file")
}

/// Writes the recorded login again, as if it were ours.
fn written(dir: &Path) {
    let keys = |name: &str| recorded(&format!("keys/proxy.root.test/{name}"));
    let cas = |cluster: &str| HostCas {
        cluster: cluster.to_owned(),
        certs_pem: vec![keys(&format!("cas/{cluster}.pem"))],
    };
    let hosts: Vec<(String, String)> = recorded("known_hosts")
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let cluster = words[1].split(',').nth(1).expect("a cluster");
            (cluster.to_owned(), format!("{} {}\n", words[2], words[3]))
        })
        .collect();
    write(
        dir,
        &NewProfile {
            proxy: "proxy.root.test:3080",
            user: "bob",
            cluster: "root",
            tls_routing: true,
            upgrade: false,
            connector: Some("local"),
            key_pem: &keys("bob.key"),
            certificate_pem: &keys("bob.crt"),
            ssh_key_pem: &keys("bob"),
            ssh_public: &keys("bob.pub"),
            ssh_certificate: &keys("bob-ssh/root-cert.pub"),
            host_cas: &[cas("leaf"), cas("root")],
            ssh_authorities: &hosts,
        },
    )
    .expect("written");
}

#[test]
fn the_files_are_those_that_tsh_wrote() {
    let dir = tempfile::tempdir().expect("a directory");
    written(dir.path());
    for name in [
        "current-profile",
        "known_hosts",
        "keys/proxy.root.test/bob",
        "keys/proxy.root.test/bob.key",
        "keys/proxy.root.test/bob.crt",
        "keys/proxy.root.test/bob.pub",
        "keys/proxy.root.test/bob-ssh/root-cert.pub",
        "keys/proxy.root.test/cas/root.pem",
        "keys/proxy.root.test/cas/leaf.pem",
        "keys/proxy.root.test/certs.pem",
    ] {
        let ours = fs::read_to_string(dir.path().join(name)).expect("a file");
        assert_eq!(ours, recorded(name), "{name}");
    }
    // Kubernetes and MySQL are none of ours; all else is as tsh has it.
    let theirs = recorded("proxy.root.test.yaml");
    let theirs: Vec<&str> = theirs
        .lines()
        .filter(|line| !line.starts_with("kube_") && !line.starts_with("mysql_"))
        .collect();
    let ours = fs::read_to_string(dir.path().join("proxy.root.test.yaml")).expect("a file");
    assert_eq!(ours.lines().collect::<Vec<_>>(), theirs);
    let profile = choose(dir.path(), None, None)
        .expect("readable")
        .expect("a profile");
    assert!(
        read(dir.path(), &profile, NOW)
            .expect("a login")
            .key
            .is_ok()
    );
}

#[cfg(unix)]
#[test]
fn modes_are_those_of_tsh_and_other_profiles_stay() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().expect("a directory");
    let put = |name: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(&path, "theirs\n").expect("a write");
        path
    };
    let other = [
        put("other.test.yaml"),
        put("keys/other.test/kim.key"),
        put("keys/proxy.root.test/kim.key"),
        put("config/config.yaml"),
    ];
    let stale = [
        put("keys/proxy.root.test/bob-db/root/orders.key"),
        put("keys/proxy.root.test/bob-ssh/leaf-cert.pub"),
        put("keys/proxy.root.test/bob-x509.pem"),
    ];
    fs::write(dir.path().join("known_hosts"), "elsewhere ssh-rsa AAAA").expect("a write");
    written(dir.path());
    written(dir.path());
    for path in other {
        assert_eq!(
            fs::read_to_string(&path).expect("still there"),
            "theirs\n",
            "{}",
            path.display()
        );
    }
    for path in stale {
        assert!(!path.exists(), "{}", path.display());
    }
    let hosts = fs::read_to_string(dir.path().join("known_hosts")).expect("a file");
    let expected = format!("elsewhere ssh-rsa AAAA\n{}", recorded("known_hosts"));
    assert_eq!(hosts, expected);
    let mode = |name: &str| {
        let data = fs::metadata(dir.path().join(name)).expect("it is there");
        data.permissions().mode() & 0o7777
    };
    for (name, wanted) in [
        ("keys/proxy.root.test/bob.key", 0o600),
        ("keys/proxy.root.test/bob.crt", 0o600),
        ("keys/proxy.root.test/bob", 0o600),
        ("keys/proxy.root.test/bob-ssh", 0o700),
        ("keys/proxy.root.test/cas", 0o700),
    ] {
        assert_eq!(mode(name), wanted, "{name}");
    }
    // What more there is depends on the umask, as with tsh.
    assert_eq!(mode("keys/proxy.root.test/cas/root.pem") & !0o640, 0);
    assert_eq!(mode("current-profile") & !0o660, 0);
}

#[test]
fn names_that_lead_elsewhere_are_refused_and_odd_ones_quoted() {
    let dir = tempfile::tempdir().expect("a directory");
    let new = NewProfile {
        proxy: "proxy.root.test:3080",
        user: "../bob",
        cluster: "root",
        tls_routing: true,
        upgrade: false,
        connector: None,
        key_pem: "",
        certificate_pem: "",
        ssh_key_pem: "",
        ssh_public: "",
        ssh_certificate: "",
        host_cas: &[],
        ssh_authorities: &[],
    };
    assert!(matches!(
        write(dir.path(), &new),
        Err(TshError::Damaged { .. })
    ));
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 0);
    for (text, wanted) in [
        ("kim@corp.test", "kim@corp.test"),
        ("proxy.root.test:3080", "proxy.root.test:3080"),
        ("[::1]:3080", "\"[::1]:3080\""),
        ("123", "\"123\""),
        ("true", "\"true\""),
        ("-x", "\"-x\""),
        ("a b#c", "\"a b#c\""),
    ] {
        assert_eq!(scalar(text), wanted);
    }
}
