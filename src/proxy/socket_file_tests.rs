//! Modes, owners, what is in the way and what is left behind.

#![expect(clippy::print_stderr, reason = "a skipped test is said, not hidden")]

use std::os::unix::fs::symlink;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

#[tokio::test]
async fn a_socket_is_its_owners_and_goes_with_its_listener() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let (listener, file) = bind(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    // In use: it stays.
    assert_eq!(bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    drop(listener);
    // Abandoned: it is replaced, and the former owner does not take the new one away.
    let (_listener, second) = bind(&path).unwrap();
    if second.id != file.id {
        drop(file);
        assert!(path.exists());
    }
    drop(second);
    assert!(!path.exists());
}

#[tokio::test]
async fn what_is_no_socket_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    fs::write(&path, "mine").unwrap();
    assert_eq!(bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    let long = dir.path().join("x".repeat(MAX_PATH));
    assert_eq!(bind(&long).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_private_place_is_under_the_runtime_directory() {
    let (runtime, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (_listener, file) = bind_in_private(Some(runtime.path()), temporary.path()).unwrap();
    let dir = file.path().parent().unwrap().to_owned();
    assert_eq!(dir.parent().unwrap(), runtime.path().join("postern"));
    assert_eq!(file.path().file_name().unwrap(), NAME);
    for (path, expected) in [
        (file.path(), 0o600),
        (&dir, 0o700),
        (dir.parent().unwrap(), 0o700),
    ] {
        assert_eq!(mode(path), expected, "{}", path.display());
    }
    assert!(file.path().as_os_str().len() <= MAX_PATH);
    drop(file);
    assert!(!dir.exists());
}

#[tokio::test]
async fn a_place_that_others_can_enter_is_not_used() {
    let (runtime, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let uid = geteuid().as_raw();
    let under = |runtime: Option<&Path>| {
        bind_in_private(runtime, temporary.path()).map(|(_, file)| file.path().to_owned())
    };
    let fallback = temporary.path().join(format!("postern-{uid}"));
    // None, one that is a link, one with too long a name.
    let link = temporary.path().join("link");
    symlink(runtime.path(), &link).unwrap();
    let long = runtime.path().join("x".repeat(100));
    fs::create_dir(&long).unwrap();
    for useless in [None, Some(link.as_path()), Some(&long)] {
        assert!(
            under(useless).unwrap().starts_with(&fallback),
            "{useless:?}"
        );
    }
    fs::set_permissions(&fallback, fs::Permissions::from_mode(0o750)).unwrap();
    let error = under(None).unwrap_err().to_string();
    assert!(error.contains("only this user"), "{error}");
    fs::remove_dir_all(&fallback).unwrap();
    symlink(runtime.path(), &fallback).unwrap();
    assert!(under(None).is_err());
    // Somebody else's, which a test can only make as the administrator.
    if uid == 0 {
        fs::remove_file(&fallback).unwrap();
        fs::create_dir(&fallback).unwrap();
        fs::set_permissions(&fallback, fs::Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::chown(&fallback, Some(65534), None).unwrap();
        assert!(under(None).is_err());
        std::os::unix::fs::chown(runtime.path(), Some(65534), None).unwrap();
        assert!(under(Some(runtime.path())).is_err());
    } else {
        eprintln!("skipped: not root: directories of other users are not tried");
    }
}

#[tokio::test]
async fn what_a_killed_program_left_is_removed_after_a_while() {
    let base = tempfile::tempdir().unwrap();
    fs::set_permissions(base.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let place = |name: &str, age: Duration| {
        let dir = base.path().join(name);
        fs::create_dir(&dir).unwrap();
        let bound = std::os::unix::net::UnixListener::bind(dir.join(NAME)).unwrap();
        let then = SystemTime::now() - age;
        fs::File::open(&dir).unwrap().set_modified(then).unwrap();
        (dir, bound)
    };
    let (left, listener) = place("left", 2 * LEFT_BEHIND);
    drop(listener);
    let (new, listener) = place("new", Duration::ZERO);
    drop(listener);
    let (served, _listener) = place("served", 2 * LEFT_BEHIND);
    sweep(base.path());
    assert_eq!(
        (left.exists(), new.exists(), served.exists()),
        (false, true, true)
    );
}
