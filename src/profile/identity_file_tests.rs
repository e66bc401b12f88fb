use std::fs;

use super::*;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/sessions")
        .join(name)
}

#[track_caller]
fn found(name: &str) -> Identity {
    read(&data(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn clusters(identity: &Identity) -> Vec<&str> {
    let mut names: Vec<&str> = identity
        .host_cas
        .iter()
        .map(|c| c.cluster.as_str())
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn files_of_tctl_and_directories_of_tbot_are_read() {
    for (name, user, database) in [
        ("tctl/alice", "alice", None),
        ("tctl/alice-orders", "alice", Some(("orders", "alice"))),
        ("tctl/alice-app-nouser", "alice", Some(("app", ""))),
        ("tctl/alice-tls", "alice", None),
        ("tbot/identity", "bot-machine", None),
        (
            "tbot/database",
            "bot-machine",
            Some(("orders", "bot-machine")),
        ),
        ("tbot/tls", "bot-machine", Some(("app", "app"))),
    ] {
        let it = found(name);
        assert_eq!(it.certificate.identity.username, user, "{name}");
        assert_eq!(it.certificate.issuer_cluster, "root", "{name}");
        let route = it.certificate.identity.route_to_database.as_ref();
        assert_eq!(
            route.map(|r| (r.service_name.as_str(), r.username.as_str())),
            database,
            "{name}"
        );
        assert_eq!(clusters(&it), ["leaf", "root"], "{name}");
        assert_eq!(it.is_dir, name.starts_with("tbot/"), "{name}");
    }
}

#[test]
fn a_directory_without_the_single_file_is_read_by_its_parts() {
    let dir = tempfile::tempdir().expect("a directory");
    let copy = |from: &str, to: &str| {
        fs::copy(data(from), dir.path().join(to)).expect("a copy");
    };
    assert!(matches!(read(dir.path()), Err(IdentityError::Empty { .. })));
    for file in ["key", "tlscert", "teleport-host-ca.crt"] {
        copy(&format!("tbot/database/{file}"), file);
    }
    assert_eq!(
        read(dir.path()).expect("an identity").certificate,
        found("tbot/database").certificate
    );
    // A renewal that was interrupted between the two files.
    copy("tbot/tls/tlscert", "tlscert");
    assert_eq!(
        read(dir.path()).expect_err("half"),
        IdentityError::Mismatch {
            path: dir.path().to_owned()
        }
    );
    // And one that goes on while it is read.
    let late = dir.path().join("key");
    let writer = std::thread::spawn(move || {
        fs::copy(data("tbot/tls/key"), late).expect("a copy");
    });
    let whole = read(dir.path()).expect("an identity");
    writer.join().expect("a write");
    assert_eq!(whole.certificate, found("tbot/tls").certificate);
}

#[test]
fn position_decides_and_not_the_label() {
    let text = fs::read_to_string(data("tctl/alice")).expect("a file");
    let parts = parse(&text).expect("parts");
    let odd = text
        .replace("PRIVATE KEY-----", "WHATEVER-----")
        .replace('\n', "\r\n")
        .replace("@cert-authority", "\n# a comment\n  @cert-authority");
    assert_eq!(parse(&odd).expect("parts"), parts);
    assert_eq!(parts.authorities.len(), 2);
    assert_eq!(
        parse("-----BEGIN A-----\nabc\n"),
        Err("a PEM block has no end")
    );
    assert_eq!(
        parse(&"x".repeat(LONGEST_LINE + 1)),
        Err("a line is too long")
    );
}

#[test]
fn what_is_no_users_identity_says_so() {
    let error = read(&data("tctl/server")).expect_err("a server's");
    assert!(
        matches!(&error, IdentityError::Certificate { path, .. } if path.ends_with("server.crt")),
        "{error}"
    );
    assert!(matches!(read(&data("none")), Err(IdentityError::Io { .. })));
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("ssh-only");
    let text = fs::read_to_string(data("tctl/alice")).expect("a file");
    let end = text.find("-----BEGIN CERTIFICATE").expect("a certificate");
    fs::write(&file, &text[..end]).expect("a write");
    assert_eq!(
        read(&file).expect_err("no TLS"),
        IdentityError::NoCertificate { path: file.clone() }
    );
    // The recorded file whose key was taken out: what is left in the key's place is the certificate.
    let recorded = text.replacen("-----BEGIN PRIVATE KEY-----", "# -----BEGIN", 1);
    fs::write(&file, recorded).expect("a write");
    assert!(matches!(read(&file), Err(IdentityError::Key { .. })));
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_noticed() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("id");
    fs::copy(data("tctl/alice"), &file).expect("a copy");
    for (mode, exposed) in [(0o600, false), (0o400, false), (0o640, true), (0o644, true)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a mode");
        assert_eq!(super::exposed(&file), exposed, "{mode:o}");
    }
}
